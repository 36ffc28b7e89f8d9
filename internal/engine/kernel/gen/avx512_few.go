package main

// few is a kernel for one or two rows of activations. It is bound by memory: it takes
// any number of groups, one after the other, so that it reads weights in the order in
// which they lie, and asks for them prefetchAhead.
//
// What counts beside that are loads. A register takes 64 bytes of weights, two runs of
// the 8 rows, one in each half; a block's activations are loaded once, and VPERMD fills
// halves with those of a run. Halves are added at the end of a block.
type few struct {
	*vnni
	prefetched int
}

func newFew(u *unit, typ string, nt int) *few {
	g := &few{vnni: newVNNI(u, typ, "multiplies groups of 8 packed rows by a tile of %d rows of activations; groups and blocks > 0.", nt, 0)}
	g.p("MOVQ groups+8(FP), DX")
	g.acc = g.take(nt)
	return g
}

// begin starts the loops over groups and blocks.
func (g *few) begin() {
	g.label("group")
	g.p("MOVQ acts+16(FP), DI")
	g.p("MOVQ blocks+24(FP), CX")
	g.zero(g.acc...)
	g.label("block")
}

// end closes the loops and stores the results. SI has packed bytes to go to the next
// block, DI acts bytes.
func (g *few) end(packed, acts int) {
	g.p("ADDQ $%d, SI", packed)
	g.p("ADDQ $%d, DI", acts)
	g.p("DECQ CX")
	g.p("JNZ block")
	for t, r := range g.acc {
		g.p("VMOVUPS Y%d, %s", r, []string{"(BX)", "(BX)(AX*1)"}[t])
	}
	g.p("ADDQ $32, BX")
	g.p("DECQ DX")
	g.p("JNZ group")
	g.p("VZEROUPPER")
	g.p("RET")
}

// prefetch asks for the cache lines up to offset off of a block further on.
func (g *few) prefetch(off int) {
	for ; g.prefetched <= off; g.prefetched += 64 {
		g.p("PREFETCHT0 %d(SI)", prefetchAhead+g.prefetched)
	}
}

// prefetchPart does so for a part of a block that is read in a loop.
func (g *few) prefetchPart(off, bytes int) {
	for i := 0; i < bytes; i += 64 {
		g.p("PREFETCHT0 %d(SI)", prefetchAhead+off+i)
	}
}

// load loads 64 bytes of weights.
func (g *few) load(off, reg int) {
	g.p("VMOVDQU32 %d(SI), Z%d", off, reg)
}

// acts loads the 32 activations at off(DI) of each row, stride bytes after those of the
// row before.
func (g *few) acts(off, stride int, regs []int) {
	for t, r := range regs {
		g.p("VMOVDQU32 %d(DI), Y%d", off+stride*t, r)
	}
}

// dot adds to the sums the products of two runs of weights with those of the
// activations that index names.
func (g *few) dot(w, index int, acts, sums []int) {
	x := g.free
	for t, a := range acts {
		g.p("VPERMD Z%d, Z%d, Z%d", a, index, x+t)
		g.op("VPDPBUSD", x+t, w, sums[t])
	}
}

// join adds the upper halves of sums to the lower ones.
func (g *few) join(sums []int) {
	for _, s := range sums {
		g.p("VEXTRACTI64X4 $1, Z%d, Y%d", s, g.free)
		g.p("VPADDD Y%d, Y%d, Y%d", g.free, s, s)
	}
}

// nibbleRuns are the runs in the low nibbles of the first and last 64 bytes of 32
// values, then in the high ones of each.
var nibbleRuns = [2][2][2]int{{{0, 2}, {1, 3}}, {{4, 6}, {5, 7}}}

// nibbles does with the halves of 128 bytes of nibbles what values 0 to 31 need. With
// bits, they get fifth bits from that register, which holds the same in both halves.
type nibbles struct {
	index, rotate [2][2]int
	mask, sixteen int
	v             int
	bits          int
}

// newNibbles takes registers for them.
func (g *few) newNibbles(fifth bool) *nibbles {
	n := &nibbles{mask: g.constant("fifteens", 0x0f0f0f0f), v: g.one(), bits: -1}
	for i, parts := range nibbleRuns {
		for h, runs := range parts {
			n.index[i][h] = g.halves("runs", runs[0], runs[1])
		}
	}
	if !fifth {
		return n
	}
	n.sixteen, n.bits = g.constant("sixteens", 0x10101010), g.one()
	for i, parts := range nibbleRuns {
		for h, runs := range parts { // bit j of a byte goes to bit 4
			n.rotate[i][h] = g.halves("rotate", (4-runs[0])&31, (4-runs[1])&31)
		}
	}
	return n
}

// dot32 adds to the sums the products of 32 values, whose bytes start at off(SI), the
// fifth bits before the nibbles.
func (g *few) dot32(n *nibbles, off int, acts, sums []int) {
	if n.bits >= 0 {
		g.p("VBROADCASTI64X4 %d(SI), Z%d", off, n.bits)
		off += 32
	}
	high := g.free + 2
	for i := range 2 {
		g.load(off+64*i, n.v)
		g.split(n.v, n.v, high, n.mask)
		for h, w := range []int{n.v, high} {
			if n.bits >= 0 {
				g.op("VPROLVD", n.rotate[i][h], n.bits, g.free)
				g.orMasked(w, g.free, n.sixteen)
			}
			g.dot(w, n.index[i][h], acts, sums)
		}
	}
}

// fold turns the sums of a block of 32 into floats and accumulates them, times the
// scales of the packed rows and of the activations, after subtracting the offset of the
// weights, 8<<shift, times Σq: the tile holds 8·Σq.
func (g *few) fold(sums []int, shift int) {
	scales, x := g.free+1, g.free+2
	g.join(sums)
	g.p("VCVTPH2PS (SI), Y%d", scales)
	for t, s := range sums {
		if shift == 0 {
			g.p("VPSUBD.BCST %d(DI), Y%d, Y%d", 4*g.nt+4*t, s, s)
		} else {
			g.p("VPBROADCASTD %d(DI), Y%d", 4*g.nt+4*t, x)
			g.p("VPSLLD $%d, Y%d, Y%d", shift, x, x)
			g.p("VPSUBD Y%d, Y%d, Y%d", x, s, s)
		}
		g.p("VCVTDQ2PS Y%d, Y%d", s, s)
		g.p("VMULPS.BCST %d(DI), Y%d, Y%d", 4*t, scales, x)
		g.p("VFMADD231PS Y%d, Y%d, Y%d", x, s, g.acc[t])
	}
}

// fewQ8_0 makes weights unsigned by adding 128 to them.
func fewQ8_0(u *unit, nt int) {
	g := newFew(u, "Q8_0", nt)
	sums, acts, w, flip := g.take(nt), g.take(nt), g.one(), g.constant("flip", 0x80808080)
	var index []int
	for i := range 4 {
		index = append(index, g.halves("runs", 2*i, 2*i+1))
	}
	g.begin()
	g.prefetch(271)
	g.zero(sums...)
	g.acts(8*nt, 32, acts)
	for i := range 4 {
		g.p("VPXORD %d(SI), Z%d, Z%d", 16+64*i, flip, w)
		g.dot(w, index[i], acts, sums)
	}
	g.fold(sums, 4)
	g.end(272, 40*nt)
}

// fewNibbles writes the kernels of Q4_0 and, with fifth bits, Q5_0.
func fewNibbles(u *unit, typ string, nt int, fifth bool) {
	packed, shift := 144, 0
	if fifth {
		packed, shift = 176, 1
	}
	g := newFew(u, typ, nt)
	sums, acts := g.take(nt), g.take(nt)
	n := g.newNibbles(fifth)
	g.begin()
	g.prefetch(packed - 1)
	g.zero(sums...)
	g.acts(8*nt, 32, acts)
	g.dot32(n, 16, acts, sums)
	g.fold(sums, shift)
	g.end(packed, 40*nt)
}

// fewKQuant writes the kernels of Q4_K and, with fifth bits, Q5_K.
func fewKQuant(u *unit, typ string, nt int, fifth bool) {
	packed, bytes := 1184, 128
	if fifth {
		packed, bytes = 1440, 160
	}
	g := newFew(u, typ, nt)
	sums, part, acts, scales := g.take(nt), g.take(nt), g.take(nt), g.one()
	n := g.newNibbles(fifth)
	g.begin()
	g.zero(sums...)
	g.prefetchPart(0, 160)
	g.loopParts(bytes, 8, []string{"SI"}, func() {
		g.prefetchPart(160, bytes)
		g.zero(part...)
		g.acts(quantsAt(nt), 256, acts)
		g.p("VPBROADCASTQ 32(SI)(R13*1), X%d", scales)
		g.p("VPMOVZXBD X%d, Z%d", scales, scales)
		g.dot32(n, 160, acts, part)
		for t, r := range part {
			g.op("VPMULLD", scales, r, r)
			g.op("VPADDD", r, sums[t], sums[t])
		}
	})
	g.join(sums)
	g.foldMins(8*bytes, sums, part)
	g.end(packed-8*bytes, 308*nt-256)
}

// foldMins ends a block: acc += dAct·(d·sums - dmin·Σ min·Σq). SI has gone on by the
// given bytes, DI by 256.
func (g *few) foldMins(gone int, sums, mins []int) {
	w, d, dmin := g.free, g.free+1, g.free+2
	g.zero(mins...)
	for p := range 4 {
		g.p("VPMOVZXBW %d(SI), Y%d", 96+16*p-gone, w)
		for t, m := range mins {
			g.p("VPDPWSSD.BCST %d(DI), Y%d, Y%d", sums32At(g.nt)+16*t+4*p-256, w, m)
		}
	}
	g.p("VCVTPH2PS %d(SI), Y%d", -gone, d)
	g.p("VCVTPH2PS %d(SI), Y%d", 16-gone, dmin)
	for t, s := range sums {
		g.p("VCVTDQ2PS Y%d, Y%d", s, s)
		g.p("VCVTDQ2PS Y%d, Y%d", mins[t], mins[t])
		g.p("VMULPS Y%d, Y%d, Y%d", d, s, s)
		g.p("VFNMADD231PS Y%d, Y%d, Y%d", dmin, mins[t], s)
		g.p("VFMADD231PS.BCST %d(DI), Y%d, Y%d", 4*t-256, s, g.acc[t])
	}
}

// fewQ6_K takes sub-blocks of 16 in pairs, one in each half of a register; their scales
// lie side by side. The offset of 32 goes in as (2·scale)·(-16·Σq), for which tiles hold
// -16·Σq of every 16 activations; R11 leads to them.
func fewQ6_K(u *unit, nt int) {
	g := newFew(u, "Q6_K", nt)
	sums, part, offsets, acts, scales := g.take(nt), g.take(nt), g.take(nt), g.take(nt), g.one()
	v := [3]int{g.one(), g.one(), g.one()}
	last, mask, shift := g.one(), g.constant("sixtythrees", 0x3f3f3f3f), g.halves("shift", 16, 0)
	var index []int
	for run := range 4 {
		index = append(index, g.halves("runs", run, run+4))
	}
	g.begin()
	g.zero(sums...)
	g.zero(offsets...)
	g.prefetchPart(0, 144)
	g.p("XORL R11, R11")
	g.loopParts(192, 16, []string{"SI"}, func() {
		g.prefetchPart(144, 192)
		g.zero(part...)
		g.acts(quantsAt(nt), 256, acts)
		for i, r := range v {
			g.p("VMOVDQU32 %d(SI), Y%d", 144+32*i, r)
			g.p("VINSERTI64X4 $1, %d(SI), Z%d, Z%d", 144+96+32*i, r, r)
		}
		g.p("VBROADCASTI32X4 16(SI)(R13*1), Y%d", scales)
		g.p("VPMOVSXBW Y%d, Z%d", scales, scales)
		g.p("VPADDW Y%d, Y%d, Y%d", scales, scales, g.free)
		for t, o := range offsets {
			g.p("VPDPWSSD.BCST %d(DI)(R11*1), Y%d, Y%d", sums16At(nt)+32*t, g.free, o)
		}
		g.lastRun(v, last, mask)
		for run, w := range []int{v[0], v[1], v[2], last} {
			g.dot(w, index[run], acts, part)
		}
		// Lanes hold both scales; the first one of each goes to the upper half of a lane.
		g.op("VPSLLVD", shift, scales, scales)
		g.p("VPSRAD $16, Z%d, Z%d", scales, scales)
		for t, r := range part {
			g.op("VPMULLD", scales, r, r)
			g.op("VPADDD", r, sums[t], sums[t])
		}
		g.p("SUBQ $28, R11")
	})
	g.join(sums)
	d, x := g.free, g.free+1
	g.p("VCVTPH2PS %d(SI), Y%d", -8*192, d)
	for t, s := range sums {
		g.p("VPADDD Y%d, Y%d, Y%d", offsets[t], s, s)
		g.p("VCVTDQ2PS Y%d, Y%d", s, s)
		g.p("VMULPS.BCST %d(DI), Y%d, Y%d", 4*t-256, d, x)
		g.p("VFMADD231PS Y%d, Y%d, Y%d", x, s, g.acc[t])
	}
	g.end(1680-8*192, 308*nt-256)
}
