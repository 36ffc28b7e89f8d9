package main

import "fmt"

// neonGroup is a kernel that multiplies one group of 8 packed rows by a tile of nt
// rows. Row t's accumulators are V2t and V2t+1 (four weight rows each), its sums V8+2t
// and V9+2t, its 32 activations V16+2t and V17+2t; V24 to V31 are free.
type neonGroup struct {
	*fn
	nt int
}

// Registers: R0 packed weights, R1 the tile's quants, R2 its scales, R3 its sums, R4
// blocks left, R5 output, R6 bytes between output rows, R7 bytes of a tile's block.
func newNeonGroup(u *unit, typ string, nt int) *neonGroup {
	f := u.fn(fmt.Sprintf("neon%sx%d", typ, nt),
		fmt.Sprintf("multiplies 8 packed rows by a tile of %d rows of activations; blocks > 0.", nt), 0,
		arg{"w", "*byte"}, arg{"acts", "*byte"}, arg{"blocks", "int"}, arg{"out", "*float32"}, arg{"ldo", "int"})
	g := &neonGroup{f, nt}
	g.p("MOVD w+0(FP), R0")
	g.p("MOVD acts+8(FP), R2")
	g.p("MOVD blocks+16(FP), R4")
	g.p("MOVD out+24(FP), R5")
	g.p("MOVD ldo+32(FP), R6")
	g.p("LSL $2, R6, R6")
	for i := range 2 * nt {
		g.p("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	return g
}

// begin starts a block: it loads the quants and clears the sums.
func (g *neonGroup) begin() {
	g.label("block")
	g.p("ADD $%d, R2, R1", 8*g.nt)
	g.p("ADD $%d, R2, R3", 4*g.nt)
	for t := range g.nt {
		g.p("VLD1.P 32(R1), [V%d.B16, V%d.B16]", 16+2*t, 17+2*t)
		g.p("VEOR V%d.B16, V%d.B16, V%d.B16", 8+2*t, 8+2*t, 8+2*t)
		g.p("VEOR V%d.B16, V%d.B16, V%d.B16", 9+2*t, 9+2*t, 9+2*t)
	}
	g.p("VLD1.P 16(R0), [V31.H8]") // scales
}

// run adds the products of run j with the weights of rows 0 to 3 in low and 4 to 7 in
// high.
func (g *neonGroup) run(j, low, high int) {
	for t := range g.nt {
		m := 16 + 2*t + j/4
		g.sdot(m, j%4, low, 8+2*t)
		g.sdot(m, j%4, high, 9+2*t)
	}
}

// end folds the sums, less 2^shift times those in the tile (none if shift is
// negative), into the accumulators and closes the loop.
func (g *neonGroup) end(shift int) {
	g.fcvtl(31, 29, 0)
	g.fcvtl(31, 30, 1)
	for t := range g.nt {
		if shift >= 0 {
			g.p("VLD1R.P 4(R3), [V24.S4]")
			if shift > 0 {
				g.p("VSHL $%d, V24.S4, V24.S4", shift)
			}
			g.p("VSUB V24.S4, V%d.S4, V%d.S4", 8+2*t, 8+2*t)
			g.p("VSUB V24.S4, V%d.S4, V%d.S4", 9+2*t, 9+2*t)
		}
		g.p("VLD1R.P 4(R2), [V24.S4]")
		for h := range 2 {
			g.fmul(24, 29+h, 25+h)
			g.scvtf(8+2*t+h, 8+2*t+h)
			g.p("VFMLA V%d.S4, V%d.S4, V%d.S4", 25+h, 8+2*t+h, 2*t+h)
		}
	}
	g.p("ADD $%d, R2, R2", 36*g.nt) // past the sums and the quants
	g.p("SUBS $1, R4, R4")
	g.p("BNE block")
	for t := range g.nt {
		g.p("VST1 [V%d.S4, V%d.S4], (R5)", 2*t, 2*t+1)
		if t < g.nt-1 {
			g.p("ADD R6, R5, R5")
		}
	}
	g.p("RET")
}

func neonQ8_0(u *unit, nt int) {
	g := newNeonGroup(u, "Q8_0", nt)
	g.begin()
	for j := range 8 {
		a, b := 24+j%2*2, 25+j%2*2
		g.p("VLD1.P 32(R0), [V%d.B16, V%d.B16]", a, b)
		g.run(j, a, b)
	}
	g.end(-1)
}

// neonNibbles writes the kernel for Q4_0 or Q5_0.
func neonNibbles(u *unit, typ string, nt int) {
	g := newNeonGroup(u, typ, nt)
	five := typ == "Q5_0"
	g.begin()
	if five {
		g.p("VLD1.P 32(R0), [V29.B16, V30.B16]")
	}
	for m := range 4 {
		g.p("VLD1.P 32(R0), [V24.B16, V25.B16]")
		g.p("VUSHR $4, V24.B16, V26.B16")
		g.p("VUSHR $4, V25.B16, V27.B16")
		g.p("VMOVI $15, V28.B16")
		g.p("VAND V28.B16, V24.B16, V24.B16")
		g.p("VAND V28.B16, V25.B16, V25.B16")
		if five {
			for h := range 2 {
				g.neonFifthBit(29, 2*m+h, 24+2*h)
				g.neonFifthBit(30, 2*m+h, 25+2*h)
			}
		}
		g.run(2*m, 24, 25)
		g.run(2*m+1, 26, 27)
	}
	if five {
		g.end(1)
		return
	}
	g.end(0)
}

// neonFifthBit adds 16 times bit j of the bytes of bits to reg: shifted to the top, then
// down to a single bit, then up. It uses V28.
func (f *fn) neonFifthBit(bits, j, reg int) {
	if j < 7 {
		f.p("VSHL $%d, V%d.B16, V28.B16", 7-j, bits)
		f.p("VUSHR $7, V28.B16, V28.B16")
	} else {
		f.p("VUSHR $7, V%d.B16, V28.B16", bits)
	}
	f.p("VSHL $4, V28.B16, V28.B16")
	f.p("VORR V28.B16, V%d.B16, V%d.B16", reg, reg)
}
