package main

import "fmt"

// avx512Cache writes the kernels of cached attention for AVX-512.
func avx512Cache() *unit {
	u := &unit{name: "avx512_cache_amd64", known: map[string]bool{}}
	for _, np := range []int{2, 4} {
		for mr := 1; mr <= 6; mr++ {
			avx512CachePanel(u, "F16", np, mr)
			avx512CachePanel(u, "Q8", np, mr)
		}
	}
	return u
}

// avx512CachePanel writes the tile kernel for mr rows of floats and np panels of halves
// or int8, side by side: np·mr accumulators from Z0 on, np registers of weights, two of
// activations. Its chains of multiply-adds are those of avx2CachePanel.
func avx512CachePanel(u *unit, typ string, np, mr int) {
	f := u.fn(fmt.Sprintf("avx512Cache%sx%dx%d", typ, np, mr), cacheDoc(typ, mr, 16*np), 0, cacheArgs()...)
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
	eachSum := func(do func(at string, reg, panel int)) {
		for r := range mr {
			for p := range np {
				do(fmt.Sprintf("%d%s", 64*p, rowAt("BX", "R10", "AX", r)), np*r+p, p)
			}
		}
	}
	eachSum(func(at string, reg, _ int) {
		if typ == "F16" {
			f.p("VMOVUPS %s, Z%d", at, reg)
		} else {
			f.p("VPXORD Z%d, Z%d, Z%d", reg, reg, reg)
		}
	})
	weights, acts := 24, rotate(30, 31)
	f.label("loop")
	for p := range np {
		if typ == "F16" {
			f.p("VCVTPH2PS %d(DI), Z%d", 32*p, weights+p)
			continue
		}
		f.p("VPMOVSXBD %d(DI), Z%d", 16*p, weights+p)
		f.p("VCVTDQ2PS Z%d, Z%d", weights+p, weights+p)
	}
	f.p("PREFETCHT0 (R12)")
	if typ == "F16" && np == 4 {
		f.p("PREFETCHT0 64(R12)")
	}
	for r := range mr {
		x := acts.next()
		f.p("VBROADCASTSS %s, Z%d", rowAt("SI", "R8", "DX", r), x)
		for p := range np {
			f.p("VFMADD231PS Z%d, Z%d, Z%d", weights+p, x, np*r+p)
		}
	}
	f.p("ADDQ $4, SI")
	if mr > 3 {
		f.p("ADDQ $4, R8")
	}
	f.p("ADDQ R9, DI")
	f.p("ADDQ R9, R12")
	f.p("DECQ CX")
	f.p("JNZ loop")
	if typ == "Q8" {
		for p := range np {
			f.p("VCVTPH2PS %d(R11), Z%d", 32*p, weights+p)
		}
	}
	eachSum(func(at string, reg, panel int) {
		if typ == "Q8" {
			f.p("VFMADD213PS %s, Z%d, Z%d", at, weights+panel, reg)
		}
		f.p("VMOVUPS Z%d, %s", reg, at)
	})
	f.p("VZEROUPPER")
	f.p("RET")
}
