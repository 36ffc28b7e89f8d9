package main

import "fmt"

// avx512Panels writes the kernel for np panels of the given type. It takes rows of
// activations by six, and what is left over in one tile of its size: np·mr
// accumulators, np registers of weights, two of activations. Six rows by four panels
// are 24 multiply-adds for 10 loads, and the core does two of each per cycle. Every
// element is one chain of fused multiply-adds in the order of k, whatever the tile.
func avx512Panels(u *unit, typ string, np int) {
	f := &panelFn{fn: u.fn(fmt.Sprintf("avx512Panels%sx%d", typ, np),
		fmt.Sprintf("adds to rows of %d the products of rows of a and panels; ldb and stride count bytes, k > 0.", 16*np), 0,
		arg{"c", "*float32"}, arg{"ldc", "int"}, arg{"a", "*float32"}, arg{"lda", "int"}, arg{"b", "*byte"},
		arg{"ldb", "int"}, arg{"stride", "int"}, arg{"k", "int"}, arg{"rows", "int"}), typ: typ, np: np}
	f.p("MOVQ c+0(FP), BX")
	f.p("MOVQ ldc+8(FP), AX")
	f.p("MOVQ a+16(FP), R13")
	f.p("MOVQ lda+24(FP), DX")
	f.p("MOVQ ldb+40(FP), R9")
	f.p("MOVQ stride+48(FP), R11")
	f.p("SHLQ $2, AX")
	f.p("SHLQ $2, DX")
	f.label("next")
	f.p("CMPQ rows+64(FP), $6")
	f.p("JGE rows6")
	for mr := 5; mr > 0; mr-- {
		f.p("CMPQ rows+64(FP), $%d", mr)
		f.p("JEQ rows%d", mr)
	}
	f.p("VZEROUPPER")
	f.p("RET")
	for mr := 6; mr > 0; mr-- {
		f.tile(mr)
	}
}

// panelFn is such a kernel. R13 points to the tile's first row of activations, of
// which DX bytes make one; BX to its first sums, of which AX bytes do. Rows 3 to 5
// start at R8 and R10. SI and DI move through activations and weights; panels are R11
// bytes apart, the last two of four at R12.
type panelFn struct {
	*fn
	typ string
	np  int
}

func (f *panelFn) tile(mr int) {
	f.label(fmt.Sprintf("rows%d", mr))
	f.p("MOVQ R13, SI")
	f.p("MOVQ b+32(FP), DI")
	f.p("MOVQ k+56(FP), CX")
	if mr > 3 {
		f.p("LEAQ (SI)(DX*2), R8")
		f.p("ADDQ DX, R8")
		f.p("LEAQ (BX)(AX*2), R10")
		f.p("ADDQ AX, R10")
	}
	if f.np > 2 {
		f.p("LEAQ (DI)(R11*2), R12")
	}
	f.eachSum(mr, func(at string, reg int) { f.p("VMOVUPS %s, Z%d", at, reg) })
	if mr == 1 {
		f.p("XORL R8, R8")
	}
	f.label(fmt.Sprintf("loop%d", mr))
	weights, acts := 24, rotate(30, 31)
	for p, at := range []string{"(DI)", "(DI)(R11*1)", "(R12)", "(R12)(R11*1)"}[:f.np] {
		f.load(at, weights+p)
	}
	if mr == 1 {
		f.prefetch()
	}
	for r := range mr {
		x := acts.next()
		f.p("VBROADCASTSS %s, Z%d", rowAt("SI", "R8", "DX", r), x)
		for p := range f.np {
			f.p("VFMADD231PS Z%d, Z%d, Z%d", weights+p, x, f.np*r+p)
		}
	}
	f.p("ADDQ $4, SI")
	if mr > 3 {
		f.p("ADDQ $4, R8")
	}
	f.p("ADDQ R9, DI")
	if f.np > 2 {
		f.p("ADDQ R9, R12")
	}
	f.p("DECQ CX")
	f.p("JNZ loop%d", mr)
	f.eachSum(mr, func(at string, reg int) { f.p("VMOVUPS Z%d, %s", reg, at) })
	if mr < 6 { // the last tile
		f.p("VZEROUPPER")
		f.p("RET")
		return
	}
	f.p("LEAQ (R10)(AX*2), BX")
	f.p("ADDQ AX, BX")
	f.p("LEAQ (DX)(DX*2), R8")
	f.p("LEAQ (R13)(R8*2), R13")
	f.p("SUBQ $6, rows+64(FP)")
	f.p("JMP next")
}

// prefetch asks, for a single row and up to two panels, for weights further on. What
// follows the end of the first panel is the second one, which is being read already;
// the weights that come next are behind that.
func (f *panelFn) prefetch() {
	switch f.np {
	case 1:
		f.p("PREFETCHT0 %d(DI)", prefetchAhead)
	case 2:
		width := 32
		if f.typ == "F32" {
			width = 64
		}
		f.p("CMPQ CX, $%d", prefetchAhead/width)
		f.p("CMOVQLE R11, R8")
		f.p("LEAQ (DI)(R8*1), R12")
		f.p("PREFETCHT0 %d(R12)", prefetchAhead)
		f.p("PREFETCHT0 %d(R12)(R11*1)", prefetchAhead)
	}
}

// eachSum calls do with the place and the register of each accumulator.
func (f *panelFn) eachSum(mr int, do func(at string, reg int)) {
	for r := range mr {
		for p := range f.np {
			do(fmt.Sprintf("%d%s", 64*p, rowAt("BX", "R10", "AX", r)), f.np*r+p)
		}
	}
}

// load loads the 16 weights at an address as floats.
func (f *panelFn) load(at string, reg int) {
	switch f.typ {
	case "F16":
		f.p("VCVTPH2PS %s, Z%d", at, reg)
	case "BF16":
		f.p("VPMOVZXWD %s, Z%d", at, reg)
		f.p("VPSLLD $16, Z%d, Z%d", reg, reg)
	default:
		f.p("VMOVUPS %s, Z%d", at, reg)
	}
}
