package main

import "fmt"

// avx2Panel writes the tile kernel for mr rows of activations and panels of the
// given type: 2·mr accumulators, two registers of weights, two of activations. Every
// element is one chain of fused multiply-adds in the order of k, whatever mr is.
func avx2Panel(u *unit, typ string, mr int) {
	args := []arg{{"c", "*float32"}, {"ldc", "int"}, {"a", "*float32"}, {"lda", "int"}, {"b", "*byte"}, {"ldb", "int"}, {"k", "int"}}
	if typ == "F32" {
		args[4].typ = "*float32"
	} else {
		args = append(args[:5], args[6])
	}
	f := u.fn(fmt.Sprintf("avx2Panel%sx%d", typ, mr),
		fmt.Sprintf("adds to %d rows of 16 the product of rows of a and a panel; k > 0.", mr), 0, args...)
	regs := map[string]string{"c": "BX", "ldc": "AX", "a": "SI", "lda": "DX", "b": "DI", "ldb": "R9", "k": "CX"}
	for i, a := range args {
		f.p("MOVQ %s+%d(FP), %s", a.name, 8*i, regs[a.name])
	}
	f.p("SHLQ $2, AX")
	f.p("SHLQ $2, DX")
	if typ == "F32" {
		f.p("SHLQ $2, R9")
	}
	// Rows 3 to 5 of a start at R8, those of c at R10.
	if mr > 3 {
		f.p("LEAQ (SI)(DX*2), R8")
		f.p("ADDQ DX, R8")
		f.p("LEAQ (BX)(AX*2), R10")
		f.p("ADDQ AX, R10")
	}
	for r := range mr {
		at := rowAt("BX", "R10", "AX", r)
		f.p("VMOVUPS %s, Y%d", at, 2*r)
		f.p("VMOVUPS 32%s, Y%d", at, 2*r+1)
	}
	f.label("loop")
	width := 64
	switch typ {
	case "F32":
		f.p("VMOVUPS (DI), Y12")
		f.p("VMOVUPS 32(DI), Y13")
	case "F16":
		width = 32
		f.p("VCVTPH2PS (DI), Y12")
		f.p("VCVTPH2PS 16(DI), Y13")
	case "BF16":
		width = 32
		f.p("VPMOVZXWD (DI), Y12")
		f.p("VPMOVZXWD 16(DI), Y13")
		f.p("VPSLLD $16, Y12, Y12")
		f.p("VPSLLD $16, Y13, Y13")
	}
	if mr == 1 {
		f.p("PREFETCHT0 %d(DI)", 24*width)
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
	if typ == "F32" {
		f.p("ADDQ R9, DI")
	} else {
		f.p("ADDQ $%d, DI", width)
	}
	f.p("DECQ CX")
	f.p("JNZ loop")
	for r := range mr {
		at := rowAt("BX", "R10", "AX", r)
		f.p("VMOVUPS Y%d, %s", 2*r, at)
		f.p("VMOVUPS Y%d, 32%s", 2*r+1, at)
	}
	f.p("VZEROUPPER")
	f.p("RET")
}

// rowAt returns the address of row r, ld bytes after the one before; those from row 3
// on are counted from second.
func rowAt(base, second, ld string, r int) string {
	if r >= 3 {
		base, r = second, r-3
	}
	return [...]string{"(" + base + ")", "(" + base + ")(" + ld + "*1)", "(" + base + ")(" + ld + "*2)"}[r]
}

// avx2Wide writes the kernel for one row of activations and four panels, stride bytes
// apart: eight chains of multiply-adds, where one panel's two would wait for each
// other. Each element's chain is the same as in the tile kernels.
func avx2Wide(u *unit, typ string) {
	f := u.fn("avx2Wide"+typ, "adds to 64 elements the product of a row and four panels; k > 0.", 0,
		arg{"c", "*float32"}, arg{"a", "*float32"}, arg{"b", "*byte"}, arg{"stride", "int"}, arg{"k", "int"})
	f.p("MOVQ c+0(FP), BX")
	f.p("MOVQ a+8(FP), SI")
	f.p("MOVQ b+16(FP), DI")
	f.p("MOVQ stride+24(FP), DX")
	f.p("MOVQ k+32(FP), CX")
	f.p("LEAQ (DI)(DX*2), R8")
	for i := range 8 {
		f.p("VMOVUPS %d(BX), Y%d", 32*i, i)
	}
	width := 32
	if typ == "F32" {
		width = 64
	}
	panel := []string{"(DI)", "(DI)(DX*1)", "(R8)", "(R8)(DX*1)"}
	// What follows a panel's end is the next one, which is being read already; the weights
	// that come next are behind the last.
	ahead := []string{"(R9)", "(R9)(DX*1)", "(R9)(DX*2)", "(R9)(R11*1)"}
	f.p("LEAQ (DX)(DX*2), R11")
	f.p("XORL R10, R10")
	f.label("loop")
	f.p("CMPQ CX, $%d", prefetchAhead/width)
	f.p("CMOVQLE R11, R10")
	f.p("LEAQ (DI)(R10*1), R9")
	f.p("VBROADCASTSS (SI), Y15")
	for i, at := range panel {
		f.p("PREFETCHT0 %d%s", prefetchAhead, ahead[i])
		for h := range 2 {
			x := 8 + (2*i+h)%4
			switch typ {
			case "F32":
				f.p("VFMADD231PS %d%s, Y15, Y%d", 32*h, at, 2*i+h)
				continue
			case "F16":
				f.p("VCVTPH2PS %d%s, Y%d", 16*h, at, x)
			case "BF16":
				f.p("VPMOVZXWD %d%s, Y%d", 16*h, at, x)
				f.p("VPSLLD $16, Y%d, Y%d", x, x)
			}
			f.p("VFMADD231PS Y%d, Y15, Y%d", x, 2*i+h)
		}
	}
	f.p("ADDQ $4, SI")
	f.p("ADDQ $%d, DI", width)
	f.p("ADDQ $%d, R8", width)
	f.p("DECQ CX")
	f.p("JNZ loop")
	for i := range 8 {
		f.p("VMOVUPS Y%d, %d(BX)", i, 32*i)
	}
	f.p("VZEROUPPER")
	f.p("RET")
}
