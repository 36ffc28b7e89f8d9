package kernel

import "golang.org/x/sys/cpu"

// pause tells the core that it is in a polling loop.
//
//go:noescape
func pause()

// available returns the micro kernels that this machine can run, fastest first.
func available() []*routines {
	// The field's comment says otherwise, but it is the dot product extension (the
	// kernel's "asimddp").
	if cpu.ARM64.HasASIMDDP {
		return []*routines{neon(), plain()}
	}
	return []*routines{plain()}
}

// neon returns the micro kernels for NEON with dot products. What isn't in assembly
// is plain Go.
func neon() *routines {
	r := plain()
	r.isa = ISANEON
	r.panel = panelNEON
	r.panelF16 = panelF16NEON
	r.dot = dotNEON
	r.group = groupNEON
	r.cache = cacheNEON(r.cache)
	return r
}

func dotNEON(a, b []float32) float32 {
	b = b[:len(a)]
	n := len(a) &^ 15
	var out [16]float32
	if n > 0 {
		neonDot(&a[0], &b[0], n, &out[0])
	}
	return plainSum(out[:]) + plainDot(a[n:], b[n:])
}

// groupNEON returns the micro kernel for a quantised type, nil for floats.
func groupNEON(t Type) groupKernel { return oneGroupNEON(t).each(t.format().group) }

func oneGroupNEON(t Type) oneGroup {
	switch t {
	case Q8_0:
		return groupQ8_0NEON
	case Q4_0:
		return groupQ4_0NEON
	case Q5_0:
		return groupQ5_0NEON
	case Q4_K:
		return groupQ4_KNEON
	case Q5_K:
		return groupQ5_KNEON
	case Q6_K:
		return groupQ6_KNEON
	default:
		return nil
	}
}
