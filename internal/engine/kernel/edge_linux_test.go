package kernel

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// edge returns n elements of zeros at the end, or the start, of memory whose neighbour
// must not be touched.
func edge[T any](t *testing.T, n int, end bool) []T {
	t.Helper()
	page := os.Getpagesize()
	var zero T
	size := n * int(unsafe.Sizeof(zero))
	whole := (size + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, whole+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(memory) })
	for _, guard := range [][]byte{memory[:page], memory[page+whole:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	at := page
	if end {
		at += whole - size
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&memory[at])), n)
}

// TestEdges gives every micro kernel operands beside memory that can't be read: none may
// read beyond them, not even what it doesn't use.
func TestEdges(t *testing.T) {
	debug.SetPanicOnFault(true) // of this goroutine
	for _, r := range available() {
		for _, end := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", r.isa, end), func(t *testing.T) {
				debug.SetPanicOnFault(true)
				edgesOfProducts(t, r, end)
				edgesOfVectors(t, r, end)
			})
		}
	}
}

// touches fails the test if f touches memory that it must not.
func touches(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("%s: %v", what, v)
		}
	}()
	f()
}

func edgesOfProducts(t *testing.T, r *routines, end bool) {
	for _, n := range []int{1, 2, 3, 4, 7} {
		for mr := 1; mr <= 13; mr++ {
			const k = 3
			c, a := view{edge[float32](t, mr*n*panelRows, end), n * panelRows}, view{edge[float32](t, mr*k, end), k}
			b := panels{typ: F32, floats: edge[float32](t, n*panelRows*k, end), ld: panelRows, stride: panelRows * k, n: n}
			touches(t, fmt.Sprintf("%d panels × %d", n, mr), func() { r.panels(c, a, b, mr, k) })
			b.typ, b.data = F16, edge[byte](t, 2*n*panelRows*k, end)
			touches(t, fmt.Sprintf("%d panels of F16 × %d", n, mr), func() { r.panels(c, a, b, mr, k) })
			b.typ = BF16
			touches(t, fmt.Sprintf("%d panels of BF16 × %d", n, mr), func() { r.panels(c, a, b, mr, k) })
		}
	}
	for _, typ := range []Type{Q8_0, Q4_0, Q5_0, Q4_K, Q5_K, Q6_K} {
		f, kernel := typ.format(), r.group(typ)
		for _, nt := range []int{1, 2, 4} {
			for groups := 1; groups <= 6; groups++ {
				const blocks = 2
				out := view{edge[float32](t, nt*groups*groupRows, end), groups * groupRows}
				w, acts := edge[byte](t, groups*blocks*f.group, end), edge[byte](t, blocks*nt*f.act.size(), end)
				touches(t, fmt.Sprintf("%d groups of %s × %d", groups, typ, nt), func() {
					kernel(out, packedGroups{data: w, groups: groups, blocks: blocks, ahead: w}, acts, nt)
				})
			}
		}
	}
	for d := range 18 {
		touches(t, "transpose", func() {
			r.transpose(edge[float32](t, panelRows*d, end), view{edge[float32](t, panelRows*d, end), d}, d)
		})
	}
	for _, nt := range []int{1, 2, 4} {
		touches(t, "act32", func() { r.act32(edge[byte](t, 3*nt*act32Size, end), nt, nt-1, edge[float32](t, 96, end)) })
		touches(t, "act256", func() { r.act256(edge[byte](t, 3*nt*act256Size, end), nt, nt-1, edge[float32](t, 768, end)) })
	}
}

func edgesOfVectors(t *testing.T, r *routines, end bool) {
	for n := range 70 {
		v := func() []float32 { return edge[float32](t, n, end) }
		for name, f := range map[string]func(){
			"dot":      func() { r.dot(v(), v()) },
			"sum":      func() { r.sum(v()) },
			"spread":   func() { r.spread(v(), 1) },
			"largest":  func() { r.largest(v()) },
			"add":      func() { r.add(v(), v()) },
			"mul":      func() { r.mul(v(), v()) },
			"scale":    func() { r.scale(v(), 2) },
			"axpy":     func() { r.axpy(v(), v(), 2) },
			"affine":   func() { r.affine(v(), v(), v(), v(), 1, 2) },
			"nobias":   func() { r.affine(v(), v(), v(), nil, 1, 2) },
			"expSum":   func() { r.expSum(v(), 1, 2) },
			"gelu":     func() { r.gelu(v()) },
			"geluTanh": func() { r.geluTanh(v()) },
			"silu":     func() { r.silu(v()) },
		} {
			touches(t, fmt.Sprintf("%s of %d", name, n), f)
		}
	}
}
