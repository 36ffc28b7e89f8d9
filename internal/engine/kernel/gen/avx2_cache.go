package main

import "fmt"

// avx2Cache writes the kernels of cached attention and rotations for AVX2.
func avx2Cache() *unit {
	u := &unit{name: "avx2_cache_amd64", known: map[string]bool{}}
	for mr := 1; mr <= 6; mr++ {
		avx2CachePanel(u, "F16", mr)
		avx2CachePanel(u, "Q8", mr)
	}
	avx2Halves(u)
	avx2Rotations(u)
	return u
}

// cacheArgs are the parameters of a tile kernel for panels of keys or values. scale is
// for int8 only.
func cacheArgs() []arg {
	return []arg{
		{"c", "*float32"},
		{"ldc", "int"},
		{"a", "*float32"},
		{"lda", "int"},
		{"b", "*byte"},
		{"ldb", "int"},
		{"scale", "*byte"},
		{"ahead", "*byte"},
		{"k", "int"},
	}
}

func cacheDoc(typ string, mr, width int) string {
	scaled := ""
	if typ == "Q8" {
		scaled = ", times scale"
	}
	return fmt.Sprintf("adds to %d rows of %d the product of rows of a and panels%s, and asks for what is ahead; k > 0.", mr, width, scaled)
}

// loadCacheArgs loads the parameters of cacheArgs.
func (f *fn) loadCacheArgs() {
	for i, r := range []string{"BX", "AX", "SI", "DX", "DI", "R9", "R11", "R12", "CX"} {
		f.p("MOVQ %s+%d(FP), %s", cacheArgs()[i].name, 8*i, r)
	}
}

// avx2CachePanel writes the tile kernel for mr rows of floats and panels of halves or
// int8, which become floats in registers: 2·mr accumulators, two registers of weights,
// two of activations. Every element is one chain of multiply-adds in the order of k,
// whatever mr is; that of int8 starts at 0, and is added to the sum times its scale.
func avx2CachePanel(u *unit, typ string, mr int) {
	f := u.fn(fmt.Sprintf("avx2Cache%sx%d", typ, mr), cacheDoc(typ, mr, 16), 0, cacheArgs()...)
	f.loadCacheArgs()
	f.p("SHLQ $2, AX")
	f.p("SHLQ $2, DX")
	// Rows 3 to 5 of a start at R8, those of c at R10.
	if mr > 3 {
		f.p("LEAQ (SI)(DX*2), R8")
		f.p("ADDQ DX, R8")
		f.p("LEAQ (BX)(AX*2), R10")
		f.p("ADDQ AX, R10")
	}
	for r := range mr {
		at := rowAt("BX", "R10", "AX", r)
		for h := range 2 {
			if typ == "F16" {
				f.p("VMOVUPS %d%s, Y%d", 32*h, at, 2*r+h)
			} else {
				f.p("VXORPS Y%d, Y%d, Y%d", 2*r+h, 2*r+h, 2*r+h)
			}
		}
	}
	f.label("loop")
	for h := range 2 {
		if typ == "F16" {
			f.p("VCVTPH2PS %d(DI), Y%d", 16*h, 12+h)
			continue
		}
		f.p("VPMOVSXBD %d(DI), Y%d", 8*h, 12+h)
		f.p("VCVTDQ2PS Y%d, Y%d", 12+h, 12+h)
	}
	for r := range mr {
		x := 14 + r%2
		f.p("VBROADCASTSS %s, Y%d", rowAt("SI", "R8", "DX", r), x)
		f.p("VFMADD231PS Y12, Y%d, Y%d", x, 2*r)
		f.p("VFMADD231PS Y13, Y%d, Y%d", x, 2*r+1)
	}
	f.p("ADDQ $4, SI")
	if mr > 3 {
		f.p("ADDQ $4, R8")
	}
	f.p("PREFETCHT0 (R12)")
	f.p("ADDQ R9, R12")
	f.p("ADDQ R9, DI")
	f.p("DECQ CX")
	f.p("JNZ loop")
	if typ == "Q8" {
		f.p("VCVTPH2PS (R11), Y12")
		f.p("VCVTPH2PS 16(R11), Y13")
	}
	for r := range mr {
		at := rowAt("BX", "R10", "AX", r)
		for h := range 2 {
			if typ == "Q8" {
				f.p("VFMADD213PS %d%s, Y%d, Y%d", 32*h, at, 12+h, 2*r+h)
			}
			f.p("VMOVUPS Y%d, %d%s", 2*r+h, 32*h, at)
		}
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
