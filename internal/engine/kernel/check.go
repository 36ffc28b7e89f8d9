//go:build amd64 || arm64

package kernel

// checkPanel panics unless a tile kernel's operands are long enough
// (the caller checks b). It reports whether there is anything to add.
func checkPanel(c []float32, ldc int, a []float32, lda int, mr, k int) bool {
	if mr <= 0 || k <= 0 {
		return false
	}
	_ = c[:(mr-1)*ldc+panelRows]
	_ = a[:(mr-1)*lda+k]
	return true
}

// checkGroup panics unless a group kernel's operands are long enough. It reports
// whether there is anything to do; without blocks the product is 0.
func checkGroup(out []float32, ldo int, w, acts []byte, blocks, nt, group, act int) bool {
	for t := range nt {
		row := out[t*ldo:][:groupRows]
		if blocks <= 0 {
			clear(row)
		}
	}
	if blocks <= 0 {
		return false
	}
	_ = w[:blocks*group]
	_ = acts[:blocks*nt*act]
	return true
}
