package main

import "fmt"

// neonK is a kernel for blocks of 256. Row t's sums of a block are V2t and V2t+1
// (four weight rows each), those of a sub-block V8+2t and V9+2t, its 32 activations
// V16+2t and V17+2t; V24 to V31 are free. The output itself is the accumulator.
//
// Registers: R0 packed block, R2 tile's block, R4 blocks left, R5 output, R6 bytes
// between output rows; in a block R9 weights, R10 quants, R11 scales, R12 sums, R13
// sub-blocks left; R8 is free.
type neonK struct {
	*fn
	nt int
}

func newNeonK(u *unit, typ string, nt int) *neonK {
	g := &neonK{u.fn(fmt.Sprintf("neon%sx%d", typ, nt),
		fmt.Sprintf("multiplies 8 packed rows by a tile of %d rows of activations; blocks > 0.", nt), 0,
		arg{"w", "*byte"}, arg{"acts", "*byte"}, arg{"blocks", "int"}, arg{"out", "*float32"}, arg{"ldo", "int"}), nt}
	g.p("MOVD w+0(FP), R0")
	g.p("MOVD acts+8(FP), R2")
	g.p("MOVD blocks+16(FP), R4")
	g.p("MOVD out+24(FP), R5")
	g.p("MOVD ldo+32(FP), R6")
	g.p("LSL $2, R6, R6")
	g.zero(0, 2)
	g.eachRow(func(int) { g.p("VST1 [V0.S4, V1.S4], (R8)") })
	return g
}

// zero clears n registers from first on.
func (g *neonK) zero(first, n int) {
	for i := range n {
		g.p("VEOR V%d.B16, V%d.B16, V%d.B16", first+i, first+i, first+i)
	}
}

// eachRow runs body with R8 at each output row.
func (g *neonK) eachRow(body func(t int)) {
	g.p("MOVD R5, R8")
	for t := range g.nt {
		body(t)
		if t < g.nt-1 {
			g.p("ADD R6, R8, R8")
		}
	}
}

// begin starts a block whose weights are at the given offset, and the loop over its
// n sub-blocks or pairs of them.
func (g *neonK) begin(weights, scales, sums, n int) {
	g.label("block")
	g.p("ADD $%d, R0, R9", weights)
	g.p("ADD $%d, R2, R10", quantsAt(g.nt))
	g.p("ADD $%d, R0, R11", scales)
	g.p("ADD $%d, R2, R12", sums)
	g.p("MOVD $%d, R13", n)
	g.zero(0, 2*g.nt)
	g.label("sub")
	for t := range g.nt {
		g.p("ADD $%d, R10, R8", 256*t)
		g.p("VLD1 (R8), [V%d.B16, V%d.B16]", 16+2*t, 17+2*t)
	}
	g.p("ADD $32, R10, R10")
}

// again closes the loop over sub-blocks.
func (g *neonK) again() {
	g.p("SUBS $1, R13, R13")
	g.p("BNE sub")
}

// end closes the loop over blocks.
func (g *neonK) end(size int) {
	g.p("ADD $%d, R0, R0", size)
	g.p("ADD $%d, R2, R2", 308*g.nt)
	g.p("SUBS $1, R4, R4")
	g.p("BNE block")
	g.p("RET")
}

// run adds the products of run i of the activations in register 16+2t+half.
func (g *neonK) run(half, i, low, high int) {
	for t := range g.nt {
		g.sdot(16+2*t+half, i, low, 8+2*t)
		g.sdot(16+2*t+half, i, high, 9+2*t)
	}
}

// widen turns the 8 bytes in n, signed or not, into two registers of int32.
func (f *fn) widen(n, low, high int, signed bool) {
	u := 1 << 29
	if signed {
		u = 0
	}
	f.word(0x0f08a400|u|n<<5|n, "xSHLL V%d.B8, V%d.H8", n, n)
	f.word(0x4f10a400|u|n<<5|high, "xSHLL2 V%d.H8, V%d.S4", n, high)
	f.word(0x0f10a400|u|n<<5|low, "xSHLL V%d.H4, V%d.S4", n, low)
}

// mla: d += n·m, 4 integers.
func (f *fn) mla(m, n, d int) {
	f.word(0x4ea09400|m<<16|n<<5|d, "MLA V%d.S4, V%d.S4, V%d.S4", m, n, d)
}

// scaled adds the sub-block's sums, times the row scales in low and high, to the
// block's.
func (g *neonK) scaled(low, high int) {
	for t := range g.nt {
		g.mla(low, 8+2*t, 2*t)
		g.mla(high, 9+2*t, 2*t+1)
	}
}

// neonMins writes the kernel for Q4_K or Q5_K.
func neonMins(u *unit, typ string, nt int) {
	g := newNeonK(u, typ, nt)
	five, size := typ == "Q5_K", 1184
	g.begin(160, 32, sums32At(nt), 8)
	g.zero(8, 2*nt)
	if five {
		size = 1440
		g.p("VLD1.P 32(R9), [V29.B16, V30.B16]")
	}
	for m := range 4 {
		g.p("VLD1.P 32(R9), [V24.B16, V25.B16]")
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
		for h := range 2 {
			j := 2*m + h
			g.run(j/4, j%4, 24+2*h, 25+2*h)
		}
	}
	g.p("VLD1.P 8(R11), [V24.B8]")
	g.widen(24, 25, 26, false)
	g.scaled(25, 26)
	g.again()

	// The mins follow the scales: pairs of sub-blocks, which VLD2 takes apart.
	g.zero(8, 2*nt)
	for p := range 4 {
		g.p("VLD2 (R11), [V24.B8, V25.B8]")
		g.p("ADD $16, R11, R11")
		g.widen(24, 26, 27, false)
		g.widen(25, 28, 29, false)
		for t := range nt {
			for h := range 2 {
				g.p("MOVH %d(R12), R8", 16*t+4*p+2*h)
				g.p("VDUP R8, V%d.S4", 30+h)
				g.mla(30+h, 26+2*h, 8+2*t)
				g.mla(30+h, 27+2*h, 9+2*t)
			}
		}
	}
	g.p("VLD1 (R0), [V30.H8, V31.H8]") // d, dmin
	for i := range 4 {
		g.fcvtl(30+i/2, 24+i, i%2)
	}
	g.p("MOVD R2, R10")
	g.eachRow(func(t int) {
		g.p("VLD1R.P 4(R10), [V28.S4]")
		g.p("VLD1 (R8), [V30.S4, V31.S4]")
		for h := range 2 {
			sum, low := 2*t+h, 8+2*t+h
			g.scvtf(sum, sum)
			g.scvtf(low, low)
			g.fmul(24+h, sum, sum)
			g.p("VFMLS V%d.S4, V%d.S4, V%d.S4", 26+h, low, sum)
			g.p("VFMLA V28.S4, V%d.S4, V%d.S4", sum, 30+h)
		}
		g.p("VST1 [V30.S4, V31.S4], (R8)")
	})
	g.end(size)
}

// neonQ6_K takes pairs of sub-blocks. The offset of 32 goes in at the start of a
// sub-block's sums, as twice the tile's -16·Σq.
func neonQ6_K(u *unit, nt int) {
	g := newNeonK(u, "Q6_K", nt)
	g.begin(144, 16, sums16At(nt), 8)
	for s := range 2 {
		for t := range nt {
			g.p("MOVH %d(R12), R8", 32*t+2*s)
			g.p("LSL $1, R8, R8")
			g.p("VDUP R8, V%d.S4", 8+2*t)
			g.p("VDUP R8, V%d.S4", 9+2*t)
		}
		for i := range 3 {
			g.p("VLD1.P 32(R9), [V%d.B16, V%d.B16]", 24+2*i, 25+2*i)
		}
		for h := range 2 { // the last run is in the top bits of the others
			g.p("VUSHR $2, V%d.B16, V%d.B16", 28+h, 30+h)
			g.p("VSRI $4, V%d.B16, V%d.B16", 26+h, 30+h)
			g.p("VSRI $6, V%d.B16, V%d.B16", 24+h, 30+h)
		}
		for i := range 6 {
			g.p("VSHL $2, V%d.B16, V%d.B16", 24+i, 24+i)
			g.p("VUSHR $2, V%d.B16, V%d.B16", 24+i, 24+i)
		}
		for i := range 4 {
			g.run(s, i, 24+2*i, 25+2*i)
		}
		g.p("VLD2 (R11), [V24.B8, V25.B8]")
		g.widen(24+s, 26, 27, true)
		g.scaled(26, 27)
	}
	g.p("ADD $16, R11, R11")
	g.p("ADD $4, R12, R12")
	g.again()
	g.p("VLD1 (R0), [V30.H8]")
	g.fcvtl(30, 24, 0)
	g.fcvtl(30, 25, 1)
	g.p("MOVD R2, R10")
	g.eachRow(func(t int) {
		g.p("VLD1R.P 4(R10), [V28.S4]")
		g.p("VLD1 (R8), [V30.S4, V31.S4]")
		for h := range 2 {
			g.scvtf(2*t+h, 2*t+h)
			g.fmul(28, 24+h, 26+h)
			g.p("VFMLA V%d.S4, V%d.S4, V%d.S4", 26+h, 2*t+h, 30+h)
		}
		g.p("VST1 [V30.S4, V31.S4], (R8)")
	})
	g.end(1680)
}
