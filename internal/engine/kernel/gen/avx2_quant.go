package main

import "fmt"

// prefetchAhead is how far ahead of its use a one-row kernel asks for a packed block.
const prefetchAhead = 4096

func avx2Quants(u *unit) {
	avx2Act32(u)
	avx2Act256(u)
	for _, nt := range []int{1, 2, 4} {
		avx2Q8_0(u, nt)
		avx2Q4_0(u, nt)
		avx2Q5_0(u, nt)
		avx2Q4_K(u, nt)
		avx2Q5_K(u, nt)
		avx2Q6_K(u, nt)
	}
}

// group is a kernel that multiplies one group of 8 packed rows by a tile of nt
// activation rows. SI points to the packed block, DI to the tile's block, BX to the
// output and AX holds the bytes between its rows; CX counts blocks.
type group struct {
	*fn
	nt         int
	prefetched int
	accInFrame bool // otherwise in registers 0 … nt-1
	acc        int  // the register, if nt is 1 and accInFrame is set
}

// avx2Group begins such a kernel. Accumulators are registers 0 to nt-1, or lie in the
// frame (a single one in register acc) where registers are short.
func avx2Group(u *unit, typ string, nt int, inFrame bool, acc int) *group {
	frame := 0
	if inFrame && nt > 1 {
		frame = 32 * nt
	}
	f := u.fn(fmt.Sprintf("avx2%sx%d", typ, nt),
		fmt.Sprintf("multiplies 8 packed rows by a tile of %d rows of activations; blocks > 0.", nt),
		frame, arg{"w", "*byte"}, arg{"acts", "*byte"}, arg{"blocks", "int"}, arg{"out", "*float32"}, arg{"ldo", "int"})
	g := &group{fn: f, nt: nt, accInFrame: inFrame && nt > 1, acc: acc}
	g.p("MOVQ w+0(FP), SI")
	g.p("MOVQ acts+8(FP), DI")
	g.p("MOVQ blocks+16(FP), CX")
	g.p("MOVQ out+24(FP), BX")
	g.p("MOVQ ldo+32(FP), AX")
	g.p("SHLQ $2, AX")
	switch {
	case g.accInFrame:
		g.p("VXORPS Y0, Y0, Y0")
		for t := range nt {
			g.p("VMOVUPS Y0, %s", g.slot(t))
		}
	case inFrame:
		g.p("VXORPS Y%d, Y%d, Y%d", acc, acc, acc)
	default:
		for t := range nt {
			g.p("VXORPS Y%d, Y%d, Y%d", t, t, t)
		}
	}
	return g
}

// slot is the place of an accumulator in the frame.
func (g *group) slot(t int) string { return fmt.Sprintf("acc-%d(SP)", 32*(g.nt-t)) }

// accumulate adds a·b to accumulator t; tmp may be overwritten.
func (g *group) accumulate(t, a, b, tmp int) {
	switch {
	case g.accInFrame:
		g.p("VMOVUPS %s, Y%d", g.slot(t), tmp)
		g.p("VFMADD231PS Y%d, Y%d, Y%d", a, b, tmp)
		g.p("VMOVUPS Y%d, %s", tmp, g.slot(t))
	case g.nt == 1:
		g.p("VFMADD231PS Y%d, Y%d, Y%d", a, b, g.acc)
	default:
		g.p("VFMADD231PS Y%d, Y%d, Y%d", a, b, t)
	}
}

// begin starts the loop over blocks.
func (g *group) begin() { g.label("block") }

// prefetch asks for the cache lines up to offset off of a block further on. Tiles
// reuse their weights and don't need it.
func (g *group) prefetch(off int) {
	if g.nt > 1 {
		return
	}
	for ; g.prefetched <= off; g.prefetched += 64 {
		g.p("PREFETCHT0 %d(SI)", prefetchAhead+g.prefetched)
	}
}

// end closes the loop, given the bytes of a packed block and of one activation row's
// block, and stores the result.
func (g *group) end(size, act int) {
	g.p("ADDQ $%d, SI", size)
	g.p("ADDQ $%d, DI", act*g.nt)
	g.p("DECQ CX")
	g.p("JNZ block")
	for t := range g.nt {
		reg := t
		if g.accInFrame {
			g.p("VMOVUPS %s, Y0", g.slot(t))
			reg = 0
		} else if g.nt == 1 {
			reg = g.acc
		}
		g.p("VMOVUPS Y%d, (BX)", reg)
		if t < g.nt-1 {
			g.p("ADDQ AX, BX")
		}
	}
	g.p("VZEROUPPER")
	g.p("RET")
}

// nibbles loads 32 bytes at off and puts their low halves into low, the others into
// high; mask holds 15s.
func (g *group) nibbles(off, low, high, mask int) {
	g.p("VMOVDQU %d(SI), Y%d", off, low)
	g.p("VPSRLW $4, Y%d, Y%d", low, high)
	g.p("VPAND Y%d, Y%d, Y%d", mask, low, low)
	g.p("VPAND Y%d, Y%d, Y%d", mask, high, high)
}

// fifthBit adds to reg bit j of the bytes of bits, as 16.
func (g *group) fifthBit(bits, j, reg, tmp int) {
	src := bits
	if j < 4 {
		g.p("VPSLLW $%d, Y%d, Y%d", 4-j, bits, tmp)
		src = tmp
	} else if j > 4 {
		g.p("VPSRLW $%d, Y%d, Y%d", j-4, bits, tmp)
		src = tmp
	}
	g.p("VPAND %s, Y%d, Y%d", g.u.words("sixteens", 0x10101010), src, tmp)
	g.p("VPOR Y%d, Y%d, Y%d", tmp, reg, reg)
}

// constant loads a 32-byte constant into a register.
func (g *group) constant(name string, reg int, words ...uint32) {
	g.p("VMOVDQU %s, Y%d", g.u.words(name, words...), reg)
}

// fold32 turns the integer sums into floats and accumulates them, times the scales of
// the packed rows and of the activations. With an offset, 8·offset·Σq of the block is
// subtracted first: the tile holds 8·Σq. w and x, y are free registers.
func (g *group) fold32(sums []int, shift, w int, tmp *rotor) {
	g.p("VCVTPH2PS (SI), Y%d", w)
	for t := range g.nt {
		if shift >= 0 {
			x := tmp.next()
			g.p("VPBROADCASTD %d(DI), Y%d", 4*g.nt+4*t, x)
			if shift > 0 {
				g.p("VPSLLD $%d, Y%d, Y%d", shift, x, x)
			}
			g.p("VPSUBD Y%d, Y%d, Y%d", x, sums[t], sums[t])
		}
		g.p("VCVTDQ2PS Y%d, Y%d", sums[t], sums[t])
		x := tmp.next()
		g.p("VBROADCASTSS %d(DI), Y%d", 4*t, x)
		g.p("VMULPS Y%d, Y%d, Y%d", w, x, x)
		g.accumulate(t, x, sums[t], tmp.next())
	}
}

// avx2Q8_0: |w|·(q with w's sign) is w·q with an unsigned first operand. A pair is at
// most 2·128·127 = 32512, so int16 holds it.
func avx2Q8_0(u *unit, nt int) {
	g := avx2Group(u, "Q8_0", nt, false, 0)
	sums, w, abs, tmp, ones := seq(nt, nt), 2*nt, 2*nt+1, rotate(seq(2*nt+2, 13-2*nt)...), 15
	g.constant("ones16", ones, 0x00010001)
	g.begin()
	for j := range 8 {
		off := 16 + 32*j
		g.prefetch(off)
		g.p("VMOVDQU %d(SI), Y%d", off, w)
		g.p("VPABSB Y%d, Y%d", w, abs)
		for t := range nt {
			x := tmp.next()
			g.p("VPBROADCASTD %d(DI), Y%d", 8*nt+32*t+4*j, x)
			g.p("VPSIGNB Y%d, Y%d, Y%d", w, x, x)
			g.p("VPMADDUBSW Y%d, Y%d, Y%d", x, abs, x)
			if j == 0 {
				g.p("VPMADDWD Y%d, Y%d, Y%d", ones, x, sums[t])
				continue
			}
			g.p("VPMADDWD Y%d, Y%d, Y%d", ones, x, x)
			g.p("VPADDD Y%d, Y%d, Y%d", x, sums[t], sums[t])
		}
	}
	g.fold32(sums, -1, w, tmp)
	g.end(272, 40)
}

// avx2Q4_0: the sum over 8 runs is at most 8·2·15·127 = 30480, so it stays in int16
// and one VPMADDWD per block widens it.
func avx2Q4_0(u *unit, nt int) {
	g := avx2Group(u, "Q4_0", nt, false, 0)
	sums, low, high, tmp, mask, ones := seq(nt, nt), 2*nt, 2*nt+1, rotate(seq(2*nt+2, 12-2*nt)...), 14, 15
	g.constant("fifteens", mask, 0x0f0f0f0f)
	g.constant("ones16", ones, 0x00010001)
	g.begin()
	for m := range 4 {
		off := 16 + 32*m
		g.prefetch(off)
		g.nibbles(off, low, high, mask)
		for h, q := range []int{low, high} {
			for t := range nt {
				x, first := tmp.next(), m == 0 && h == 0
				g.p("VPBROADCASTD %d(DI), Y%d", 8*nt+32*t+4*(2*m+h), x)
				if first {
					g.p("VPMADDUBSW Y%d, Y%d, Y%d", x, q, sums[t])
					continue
				}
				g.p("VPMADDUBSW Y%d, Y%d, Y%d", x, q, x)
				g.p("VPADDW Y%d, Y%d, Y%d", x, sums[t], sums[t])
			}
		}
	}
	for t := range nt {
		g.p("VPMADDWD Y%d, Y%d, Y%d", ones, sums[t], sums[t])
	}
	g.fold32(sums, 0, low, tmp)
	g.end(144, 40)
}

// avx2Q5_0: 4 runs come to at most 4·2·31·127 = 31496 and are then widened.
func avx2Q5_0(u *unit, nt int) {
	g := avx2Group(u, "Q5_0", nt, true, 7)
	sums, part := seq(0, nt), seq(4, nt)
	low, high, bits, tmp, mask, ones := 8, 9, 10, rotate(11, 12, 13), 14, 15
	g.constant("fifteens", mask, 0x0f0f0f0f)
	g.constant("ones16", ones, 0x00010001)
	g.begin()
	g.p("VMOVDQU 16(SI), Y%d", bits)
	for m := range 4 {
		off := 48 + 32*m
		g.prefetch(off)
		g.nibbles(off, low, high, mask)
		for h, q := range []int{low, high} {
			j := 2*m + h
			g.fifthBit(bits, j, q, tmp.next())
			g.halfRun(q, 8*nt, 32, j, part, tmp)
		}
		if m%2 == 1 {
			g.widen(ones, part, sums, m == 1)
		}
	}
	g.fold32(sums, 1, low, tmp)
	g.end(176, 40)
}

// halfRun adds run j of the quants in q, times the activations, to the int16 sums in
// part, which start anew with every fourth run.
func (g *group) halfRun(q, base, stride, j int, part []int, tmp *rotor) {
	for t := range g.nt {
		x := tmp.next()
		g.p("VPBROADCASTD %d(DI), Y%d", base+stride*t+4*j, x)
		if j%4 == 0 {
			g.p("VPMADDUBSW Y%d, Y%d, Y%d", x, q, part[t])
			continue
		}
		g.p("VPMADDUBSW Y%d, Y%d, Y%d", x, q, x)
		g.p("VPADDW Y%d, Y%d, Y%d", x, part[t], part[t])
	}
}

// widen multiplies pairs of int16 by those of factor and adds them to the int32 sums.
func (g *group) widen(factor int, part, sums []int, first bool) {
	for t := range g.nt {
		if first {
			g.p("VPMADDWD Y%d, Y%d, Y%d", factor, part[t], sums[t])
			continue
		}
		g.p("VPMADDWD Y%d, Y%d, Y%d", factor, part[t], part[t])
		g.p("VPADDD Y%d, Y%d, Y%d", part[t], sums[t], sums[t])
	}
}
