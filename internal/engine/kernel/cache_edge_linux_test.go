package kernel

import (
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
)

// TestCacheEdges is TestEdges for the cache's micro kernels. What is asked for ahead may
// lie anywhere: it isn't read.
func TestCacheEdges(t *testing.T) {
	debug.SetPanicOnFault(true) // of this goroutine
	for _, r := range available() {
		for _, end := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", r.isa, end), func(t *testing.T) {
				debug.SetPanicOnFault(true)
				for _, n := range []int{1, 2, 3, 4, 7} {
					for mr := 1; mr <= 13; mr++ {
						cachedEdges(t, r, n, mr, end)
					}
				}
				for n := range 70 {
					x := func() []float32 { return edge[float32](t, n, end) }
					touches(t, fmt.Sprintf("toF16 of %d", n), func() { r.cache.toF16(edge[byte](t, 2*n, end), x()) })
					touches(t, fmt.Sprintf("fromF16 of %d", n), func() { r.cache.fromF16(x(), edge[byte](t, 2*n, end)) })
					pairs := func() []float32 { return edge[float32](t, 2*n, end) }
					touches(t, fmt.Sprintf("rotateHalves of %d", 2*n), func() { r.cache.rotateHalves(pairs(), pairs()) })
					touches(t, fmt.Sprintf("rotatePairs of %d", 2*n), func() { r.cache.rotatePairs(pairs(), pairs()) })
				}
			})
		}
	}
}

func cachedEdges(t *testing.T, r *routines, n, mr int, end bool) {
	const k = 3
	c, a := view{edge[float32](t, mr*n*panelRows, end), n * panelRows}, view{edge[float32](t, mr*k, end), k}
	ahead := edge[byte](t, 1, end)
	b := cachedPanels{data: edge[byte](t, 2*n*panelRows*k, end), ld: 2 * n * panelRows, n: n, ahead: ahead}
	touches(t, fmt.Sprintf("%d cached panels of F16 × %d", n, mr), func() { r.cache.panelsF16(c, a, b, mr, k) })
	b = cachedPanels{data: edge[byte](t, n*panelRows*k, end), scales: edge[byte](t, 2*n*panelRows, end), ld: n * panelRows, n: n, ahead: ahead}
	touches(t, fmt.Sprintf("%d cached panels of Q8_0 × %d", n, mr), func() { r.cache.panelsQ8(c, a, b, mr, k) })
}

// TestCacheRefusesShortSlices checks that operands that are an element too short panic
// before anything is computed.
func TestCacheRefusesShortSlices(t *testing.T) {
	t.Parallel()
	const mr, n, k = 5, 3, 4
	for _, r := range available() {
		type operands struct {
			c, a         []float32
			data, scales []byte
		}
		for name, shorten := range map[string]func(o *operands){
			"sums":        func(o *operands) { o.c = slices.Clip(o.c[:len(o.c)-1]) },
			"activations": func(o *operands) { o.a = slices.Clip(o.a[:len(o.a)-1]) },
			"panels":      func(o *operands) { o.data = slices.Clip(o.data[:len(o.data)-1]) },
			"scales":      func(o *operands) { o.scales = slices.Clip(o.scales[:len(o.scales)-1]) },
		} {
			for _, size := range []int{1, 2} {
				if size == 2 && name == "scales" {
					continue // has none
				}
				o := operands{make([]float32, mr*n*panelRows), make([]float32, mr*k), make([]byte, size*n*panelRows*k), make([]byte, 2*n*panelRows)}
				shorten(&o)
				b := cachedPanels{data: o.data, scales: o.scales, ld: size * n * panelRows, n: n}
				run := r.cache.panelsQ8
				if size == 2 {
					run = r.cache.panelsF16
				}
				if !panics(func() { run(view{o.c, n * panelRows}, view{o.a, k}, b, mr, k) }) {
					t.Errorf("%s, %d bytes an element: short %s are accepted", r.isa, size, name)
				}
			}
		}
	}
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}
