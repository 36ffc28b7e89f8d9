package main

import "fmt"

// neon writes the kernels for arm64 with the dot product extension. Instructions that
// Go's assembler doesn't know are written as words, with their names beside them.
func neon() *unit {
	u := &unit{name: "neon_arm64", known: map[string]bool{}}
	for _, t := range []string{"F32", "F16"} {
		for mr := 1; mr <= 6; mr++ {
			neonPanel(u, t, mr)
		}
	}
	neonDot(u)
	for _, nt := range []int{1, 2, 4} {
		neonQ8_0(u, nt)
		neonNibbles(u, "Q4_0", nt)
		neonNibbles(u, "Q5_0", nt)
		neonMins(u, "Q4_K", nt)
		neonMins(u, "Q5_K", nt)
		neonQ6_K(u, nt)
	}
	return u
}

// word writes an instruction by its encoding.
func (f *fn) word(code int, name string, args ...any) {
	f.p("WORD $0x%08x // %s", code, fmt.Sprintf(name, args...))
}

// fmul: d = n·m, 4 floats.
func (f *fn) fmul(m, n, d int) {
	f.word(0x6e20dc00|m<<16|n<<5|d, "FMUL V%d.S4, V%d.S4, V%d.S4", m, n, d)
}

// scvtf turns 4 integers into floats.
func (f *fn) scvtf(n, d int) { f.word(0x4e21d800|n<<5|d, "SCVTF V%d.S4, V%d.S4", n, d) }

// fcvtl turns the lower or upper 4 halves into floats.
func (f *fn) fcvtl(n, d, upper int) {
	f.word(0x0e217800|upper<<30|n<<5|d, "FCVTL%d V%d, V%d.S4", 1+upper, n, d)
}

// sdot adds to each of 4 sums the products of 4 bytes of n with the bytes of word i
// of m.
func (f *fn) sdot(m, i, n, d int) {
	f.word(0x4f80e000|i&1<<21|m<<16|i>>1<<11|n<<5|d, "SDOT V%d.B4[%d], V%d.B16, V%d.S4", m, i, n, d)
}

// neonPanel writes the tile kernel for mr rows: 4·mr accumulators from V0 on, weights
// in V24 to V27, activations in V28 to V31.
func neonPanel(u *unit, typ string, mr int) {
	args := []arg{{"c", "*float32"}, {"ldc", "int"}, {"a", "*float32"}, {"lda", "int"}, {"b", "*byte"}, {"ldb", "int"}, {"k", "int"}}
	if typ == "F32" {
		args[4].typ = "*float32"
	} else {
		args = append(args[:5], args[6])
	}
	f := u.fn(fmt.Sprintf("neonPanel%sx%d", typ, mr),
		fmt.Sprintf("adds to %d rows of 16 the product of rows of a and a panel; k > 0.", mr), 0, args...)
	// Rows of c start at R7 …, rows of a at R1 ….
	regs := map[string]string{"c": "R7", "ldc": "R14", "a": "R1", "lda": "R15", "b": "R13", "ldb": "R16", "k": "R17"}
	for i, a := range args {
		f.p("MOVD %s+%d(FP), %s", a.name, 8*i, regs[a.name])
	}
	for r := 1; r < mr; r++ {
		f.p("ADD R14<<2, R%d, R%d", 6+r, 7+r)
		f.p("ADD R15<<2, R%d, R%d", r, r+1)
	}
	if typ == "F32" {
		f.p("LSL $2, R16, R16")
	}
	for r := range mr {
		f.p("VLD1 (R%d), [V%d.S4, V%d.S4, V%d.S4, V%d.S4]", 7+r, 4*r, 4*r+1, 4*r+2, 4*r+3)
	}
	f.label("loop")
	if typ == "F32" {
		f.p("VLD1 (R13), [V24.S4, V25.S4, V26.S4, V27.S4]")
		f.p("ADD R16, R13, R13")
	} else {
		f.p("VLD1.P 32(R13), [V30.H8, V31.H8]")
		for i := range 4 {
			f.fcvtl(30+i/2, 24+i, i%2)
		}
	}
	for r := range mr {
		x := 28 + r%2
		f.p("VLD1R.P 4(R%d), [V%d.S4]", 1+r, x)
		for i := range 4 {
			f.p("VFMLA V%d.S4, V%d.S4, V%d.S4", 24+i, x, 4*r+i)
		}
	}
	f.p("SUBS $1, R17, R17")
	f.p("BNE loop")
	for r := range mr {
		f.p("VST1 [V%d.S4, V%d.S4, V%d.S4, V%d.S4], (R%d)", 4*r, 4*r+1, 4*r+2, 4*r+3, 7+r)
	}
	f.p("RET")
}

// neonDot writes the inner product of vectors of a multiple of 16 elements.
func neonDot(u *unit) {
	f := u.fn("neonDot", "stores 16 partial sums of a·b; n is a positive multiple of 16.", 0,
		arg{"a", "*float32"}, arg{"b", "*float32"}, arg{"n", "int"}, arg{"out", "*float32"})
	for i, r := range []string{"a", "b", "n", "out"} {
		f.p("MOVD %s+%d(FP), R%d", r, 8*i, i)
	}
	for i := range 4 {
		f.p("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	f.label("loop")
	f.p("VLD1.P 64(R0), [V4.S4, V5.S4, V6.S4, V7.S4]")
	f.p("VLD1.P 64(R1), [V8.S4, V9.S4, V10.S4, V11.S4]")
	for i := range 4 {
		f.p("VFMLA V%d.S4, V%d.S4, V%d.S4", 4+i, 8+i, i)
	}
	f.p("SUBS $16, R2, R2")
	f.p("BNE loop")
	f.p("VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R3)")
	f.p("RET")
}
