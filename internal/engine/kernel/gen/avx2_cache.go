package main

import "fmt"

// avx2Cache writes the kernels of cached attention and rotations for AVX2.
func avx2Cache() *unit {
	u := &unit{name: "avx2_cache_amd64", known: map[string]bool{}}
	for mr := 1; mr <= 6; mr++ {
		avx2PanelQ8(u, mr)
	}
	avx2Halves(u)
	avx2Rotations(u)
	return u
}

// avx2PanelQ8 writes the tile kernel for mr rows of floats and panels of int8, which
// become floats in registers: 2·mr accumulators, two registers of weights, two of
// activations. Every element is one chain of multiply-adds, whatever mr is, and one
// more with the scale.
func avx2PanelQ8(u *unit, mr int) {
	f := u.fn(fmt.Sprintf("avx2PanelQ8x%d", mr),
		fmt.Sprintf("adds to %d rows of 16 the product of rows of a and a panel, times scale; k > 0.", mr), 0,
		arg{"c", "*float32"}, arg{"ldc", "int"}, arg{"a", "*float32"}, arg{"lda", "int"}, arg{"b", "*byte"}, arg{"scale", "*byte"}, arg{"k", "int"})
	for i, r := range []string{"BX", "AX", "SI", "DX", "DI", "R9", "CX"} {
		f.p("MOVQ %s+%d(FP), %s", []string{"c", "ldc", "a", "lda", "b", "scale", "k"}[i], 8*i, r)
	}
	f.p("SHLQ $2, AX")
	f.p("SHLQ $2, DX")
	// Rows 3 to 5 of a start at R8, those of c at R10.
	if mr > 3 {
		f.p("LEAQ (SI)(DX*2), R8")
		f.p("ADDQ DX, R8")
		f.p("LEAQ (BX)(AX*2), R10")
		f.p("ADDQ AX, R10")
	}
	row := func(base, second, ld string, r int) string {
		if r >= 3 {
			base, r = second, r-3
		}
		return [...]string{"(" + base + ")", "(" + base + ")(" + ld + "*1)", "(" + base + ")(" + ld + "*2)"}[r]
	}
	for r := range 2 * mr {
		f.p("VXORPS Y%d, Y%d, Y%d", r, r, r)
	}
	f.label("loop")
	for h := range 2 {
		f.p("VPMOVSXBD %d(DI), Y%d", 8*h, 12+h)
		f.p("VCVTDQ2PS Y%d, Y%d", 12+h, 12+h)
	}
	for r := range mr {
		x := 14 + r%2
		f.p("VBROADCASTSS %s, Y%d", row("SI", "R8", "DX", r), x)
		f.p("VFMADD231PS Y12, Y%d, Y%d", x, 2*r)
		f.p("VFMADD231PS Y13, Y%d, Y%d", x, 2*r+1)
	}
	f.p("ADDQ $4, SI")
	if mr > 3 {
		f.p("ADDQ $4, R8")
	}
	f.p("ADDQ $16, DI")
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.p("VCVTPH2PS (R9), Y12")
	f.p("VCVTPH2PS 16(R9), Y13")
	for r := range mr {
		at := row("BX", "R10", "AX", r)
		f.p("VFMADD213PS %s, Y12, Y%d", at, 2*r)
		f.p("VFMADD213PS 32%s, Y13, Y%d", at, 2*r+1)
		f.p("VMOVUPS Y%d, %s", 2*r, at)
		f.p("VMOVUPS Y%d, 32%s", 2*r+1, at)
	}
	f.p("VZEROUPPER")
	f.p("RET")
}

// avx2Halves writes the conversions between halves and floats.
func avx2Halves(u *unit) {
	for _, to := range []bool{true, false} {
		name, doc, first, second := "avx2ToF16", "converts n floats to halves", arg{"dst", "*byte"}, arg{"x", "*float32"}
		if !to {
			name, doc, first, second = "avx2FromF16", "converts n halves to floats", arg{"x", "*float32"}, arg{"src", "*byte"}
		}
		f := u.fn(name, doc+"; n is a positive multiple of 8.", 0, first, second, arg{"n", "int"})
		f.p("MOVQ %s+0(FP), DI", first.name)
		f.p("MOVQ %s+8(FP), SI", second.name)
		f.p("MOVQ n+16(FP), CX")
		f.label("loop")
		if to {
			f.p("VMOVUPS (SI), Y0")
			f.p("VCVTPS2PH $0, Y0, (DI)") // to nearest even
			f.p("ADDQ $16, DI")
			f.p("ADDQ $32, SI")
		} else {
			f.p("VCVTPH2PS (SI), Y0")
			f.p("VMOVUPS Y0, (DI)")
			f.p("ADDQ $32, DI")
			f.p("ADDQ $16, SI")
		}
		f.p("SUBQ $8, CX")
		f.p("JNZ loop")
		f.p("VZEROUPPER")
		f.p("RET")
	}
}

// avx2Rotations writes the rotations of pairs of elements.
func avx2Rotations(u *unit) {
	v := avx2Vec(u, "RotateHalves", "turns the pairs (low[i], high[i]).", []string{"low", "high", "cos", "sin"})
	v.loop(1, func(int) {
		v.p("VMOVUPS (SI), Y0")
		v.p("VMOVUPS (DI), Y1")
		v.p("VMOVUPS (R8), Y2")
		v.p("VMOVUPS (R9), Y3")
		v.p("VMULPS Y3, Y1, Y4")
		v.p("VMULPS Y3, Y0, Y5")
		v.p("VFMSUB231PS Y2, Y0, Y4") // low·cos - high·sin
		v.p("VFMADD231PS Y2, Y1, Y5")
		v.p("VMOVUPS Y4, (SI)")
		v.p("VMOVUPS Y5, (DI)")
	})
	v.end()

	f := u.fn("avx2RotatePairs", "turns the pairs (x[2i], x[2i+1]); n is a positive multiple of 8.", 0,
		arg{"x", "*float32"}, arg{"cos", "*float32"}, arg{"sin", "*float32"}, arg{"n", "int"})
	f.p("MOVQ x+0(FP), SI")
	f.p("MOVQ cos+8(FP), R8")
	f.p("MOVQ sin+16(FP), R9")
	f.p("MOVQ n+24(FP), CX")
	f.p("VMOVDQU %s, Y6", u.words("eachTwice", 0, 0, 1, 1, 2, 2, 3, 3))
	f.label("loop")
	f.p("VMOVUPS (SI), Y0")
	f.p("VMOVUPS (R8), X2")
	f.p("VMOVUPS (R9), X3")
	f.p("VPERMPS Y2, Y6, Y2")
	f.p("VPERMPS Y3, Y6, Y3")
	f.p("VPERMILPS $0xb1, Y0, Y1")
	f.p("VMULPS Y3, Y1, Y1")
	f.p("VFMADDSUB213PS Y1, Y2, Y0") // even: x·cos - next·sin; odd: x·cos + previous·sin
	f.p("VMOVUPS Y0, (SI)")
	f.p("ADDQ $32, SI")
	f.p("ADDQ $16, R8")
	f.p("ADDQ $16, R9")
	f.p("SUBQ $8, CX")
	f.p("JNZ loop")
	f.p("VZEROUPPER")
	f.p("RET")
}
