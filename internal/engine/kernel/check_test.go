package kernel

import (
	"fmt"
	"testing"
)

// TestShortSlicesPanic gives every micro kernel that takes several lengths operands
// that are one element short, one at a time: none may reach memory beyond them.
func TestShortSlicesPanic(t *testing.T) {
	t.Parallel()
	for _, r := range available() {
		refuses := func(what string, f func(short int), operands int) {
			t.Helper()
			for short := range operands + 1 {
				func() {
					defer func() {
						if v := recover(); (v != nil) != (short > 0) {
							t.Errorf("%s %s: with operand %d short, recovered %v", r.isa, what, short, v)
						}
					}()
					f(short)
				}()
			}
		}
		less := func(short, operand int) int {
			if short == operand {
				return 1
			}
			return 0
		}
		floats := func(n int) []float32 { return make([]float32, n) }
		bytes := func(n int) []byte { return make([]byte, n) }
		for mr := 1; mr <= rowTile; mr++ {
			const ldc, lda, ldb, k = 20, 9, 17, 7
			c := func(short int) view { return view{floats((mr-1)*ldc + panelRows - less(short, 1)), ldc} }
			a := func(short int) view { return view{floats((mr-1)*lda + k - less(short, 2)), lda} }
			refuses(fmt.Sprint("panel ", mr), func(short int) {
				r.panel(c(short), a(short), view{floats((k-1)*ldb + panelRows - less(short, 3)), ldb}, mr, k)
			}, 3)
			refuses(fmt.Sprint("panelF16 ", mr), func(short int) {
				r.panelF16(c(short), a(short), bytes(2*panelRows*k-less(short, 3)), mr, k)
			}, 3)
			refuses(fmt.Sprint("panelBF16 ", mr), func(short int) {
				r.panelBF16(c(short), a(short), bytes(2*panelRows*k-less(short, 3)), mr, k)
			}, 3)
		}
		for _, n := range []int{1, 3, 7} {
			for _, mr := range []int{1, 5, 13} {
				const lda, k = 9, 7
				ldc := n*panelRows + 2
				refuses(fmt.Sprintf("%d panels × %d", n, mr), func(short int) {
					c, a := view{floats((mr-1)*ldc + n*panelRows - less(short, 1)), ldc}, view{floats((mr-1)*lda + k - less(short, 2)), lda}
					b := panels{typ: F32, floats: floats(n*panelRows*k - less(short, 3)), ld: panelRows, stride: panelRows * k, n: n}
					r.panels(c, a, b, mr, k)
				}, 3)
				refuses(fmt.Sprintf("%d panels of F16 × %d", n, mr), func(short int) {
					c, a := view{floats((mr-1)*ldc + n*panelRows - less(short, 1)), ldc}, view{floats((mr-1)*lda + k - less(short, 2)), lda}
					b := panels{typ: F16, data: bytes(2*n*panelRows*k - less(short, 3)), ld: panelRows, stride: panelRows * k, n: n}
					r.panels(c, a, b, mr, k)
				}, 3)
			}
		}
		for _, typ := range []Type{Q8_0, Q4_0, Q5_0, Q4_K, Q5_K, Q6_K} {
			f := typ.format()
			for _, nt := range []int{1, 2, 4} {
				for _, groups := range []int{1, 3, 6} {
					const blocks, ldo = 3, 51
					refuses(fmt.Sprintf("%s %d×%d", typ, groups, nt), func(short int) {
						out := view{floats((nt-1)*ldo + groups*groupRows - less(short, 1)), ldo}
						w, acts := bytes(groups*blocks*f.group-less(short, 2)), bytes(blocks*nt*f.act.size()-less(short, 3))
						r.group(typ)(out, packedGroups{data: w, groups: groups, blocks: blocks}, acts, nt)
					}, 3)
				}
			}
		}
		for _, nt := range []int{1, 2, 4} {
			refuses(fmt.Sprint("act32 ", nt), func(short int) {
				r.act32(bytes(2*nt*act32Size-less(short, 1)), nt, nt-1, floats(64))
			}, 1)
			refuses(fmt.Sprint("act256 ", nt), func(short int) {
				r.act256(bytes(2*nt*act256Size-less(short, 1)), nt, nt-1, floats(512))
			}, 1)
		}
	}
}

// TestActivationsAreTheSame compares the quantised tiles of all ISAs byte by byte.
func TestActivationsAreTheSame(t *testing.T) {
	t.Parallel()
	x := make([]float32, 1024)
	for i := range x {
		x[i] = float32(i%97-48) * float32(1+i/32) / 7
	}
	x[40], x[300] = 1e30, 1e-30
	clear(x[64:96])
	clear(x[512:768])
	p := plain()
	for _, b := range available() {
		for _, nt := range []int{1, 2, 4} {
			for row := range nt {
				for _, form := range []activation{actQ32, actQ256} {
					want, got := make([]byte, len(x)/form.length()*nt*form.size()), make([]byte, len(x)/form.length()*nt*form.size())
					if form == actQ32 {
						p.act32(want, nt, row, x)
						b.act32(got, nt, row, x)
					} else {
						p.act256(want, nt, row, x)
						b.act256(got, nt, row, x)
					}
					for i := range want {
						if got[i] != want[i] {
							t.Fatalf("%s, blocks of %d, row %d of %d: byte %d is %d, want %d", b.isa, form.length(), row, nt, i, got[i], want[i])
						}
					}
				}
			}
		}
	}
}
