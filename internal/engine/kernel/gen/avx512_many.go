package main

import "fmt"

// many is a kernel for four rows of activations or more. It is bound by arithmetic: it
// takes up to four groups at a time, two in each of two registers, so that a broadcast
// of activations serves both. Groups that aren't there are read as the first one, and
// not stored. SI and R8 to R10 point to the groups.
//
// While it computes, it asks for weights that come next: lines cache lines from next on
// per block of 32 activations. A caller that has several tiles of activations for the
// same weights divides what is next among them, so that memory is never idle. R14 points
// to the line.
//
// A pair of values are two registers, for groups 0 and 1 and for groups 2 and 3; sums
// are pairs for each row of activations.
type many struct {
	*vnni
}

// across is the number of registers across the rows of weights.
const across = 2

var pointers = [2 * across]string{"SI", "R8", "R9", "R10"}

// newMany begins a kernel for packed blocks of the given bytes, whose accumulators may
// lie in the frame.
func newMany(u *unit, typ string, nt, packed int, accInFrame bool) *many {
	frame := 0
	if accInFrame {
		frame = 64 * nt * across
	}
	doc := "multiplies up to 4 groups of 8 packed rows by a tile of %d rows of activations, and prefetches lines from next on; groups and blocks > 0."
	g := &many{newVNNI(u, typ, doc, nt, frame, arg{"next", "*byte"}, arg{"lines", "int"})}
	if !accInFrame {
		g.acc = g.take(nt * across)
	}
	g.p("MOVQ next+48(FP), R14")
	g.p("MOVQ blocks+24(FP), R11")
	g.p("IMULQ $%d, R11", packed)
	g.p("MOVQ groups+8(FP), CX")
	for i, reg := range pointers[1:] {
		g.p("XORL DX, DX")
		g.p("CMPQ CX, $%d", i+1)
		g.p("CMOVQGT R11, DX")
		switch i {
		case 1:
			g.p("ADDQ DX, DX")
		case 2:
			g.p("LEAQ (DX)(DX*2), DX")
		}
		g.p("LEAQ (SI)(DX*1), %s", reg)
	}
	// K1 and K2 have the lanes to be stored.
	g.p("SHLQ $3, CX")
	g.p("MOVQ $1, DX")
	g.p("SHLQ CX, DX")
	g.p("DECQ DX")
	g.p("KMOVW DX, K1")
	g.p("SHRQ $16, DX")
	g.p("KMOVW DX, K2")
	return g
}

func (g *many) pair() [across]int { return [across]int(g.take(across)) }

// slot is the place of an accumulator in the frame.
func (g *many) slot(n int) string { return fmt.Sprintf("acc-%d(SP)", 64*(g.nt*across-n)) }

// begin starts the loop over blocks.
func (g *many) begin() {
	g.p("MOVQ acts+16(FP), DI")
	g.p("MOVQ blocks+24(FP), CX")
	g.zero(g.acc...)
	if g.acc == nil {
		g.zero(0)
		for n := range g.nt * across {
			g.p("VMOVUPS Z0, %s", g.slot(n))
		}
	}
	g.label("block")
}

// askForNext prefetches lines.
func (g *many) askForNext() {
	g.p("MOVQ lines+56(FP), DX")
	g.p("TESTQ DX, DX")
	g.p("JZ asked")
	g.label("ask")
	g.p("PREFETCHT1 (R14)")
	g.p("ADDQ $64, R14")
	g.p("DECQ DX")
	g.p("JNZ ask")
	g.label("asked")
}

// end closes the loop and stores the result. The pointers have packed bytes to go to
// the next block, DI acts bytes.
func (g *many) end(packed, acts int) {
	for _, p := range pointers {
		g.p("ADDQ $%d, %s", packed, p)
	}
	g.p("ADDQ $%d, DI", acts)
	g.p("DECQ CX")
	g.p("JNZ block")
	for t := range g.nt {
		for i := range across {
			n, r := t*across+i, 0
			if g.acc == nil {
				g.p("VMOVUPS %s, Z0", g.slot(n))
			} else {
				r = g.acc[n]
			}
			g.p("VMOVUPS Z%d, K%d, %d(BX)", r, 1+i, 64*i)
		}
		if t < g.nt-1 {
			g.p("ADDQ AX, BX")
		}
	}
	g.p("VZEROUPPER")
	g.p("RET")
}

// load loads 32 bytes at an offset of each group.
func (g *many) load(off int, regs [across]int) {
	for i, r := range regs {
		g.p("VMOVDQU32 %d(%s), Y%d", off, pointers[2*i], r)
		g.p("VINSERTI64X4 $1, %d(%s), Z%d, Z%d", off, pointers[2*i+1], r, r)
	}
}

// header loads 16 bytes of each group, at an offset and perhaps an index, and has one
// instruction widen them to a register.
func (g *many) header(widen string, off int, index string, regs [across]int) {
	for i, r := range regs {
		g.p("VMOVDQU32 %d(%s)%s, X%d", off, pointers[2*i], index, r)
		g.p("VINSERTI32X4 $1, %d(%s)%s, Y%d, Y%d", off, pointers[2*i+1], index, r, r)
		g.p("%s Y%d, Z%d", widen, r, r)
	}
}

// broadcast does an instruction with the four bytes at each row's place, the weights
// and the sums.
func (g *many) broadcast(op string, w [across]int, place func(t int) string, sums []int) {
	for t := range g.nt {
		x := g.free + t%min(4, 32-g.free)
		g.p("VPBROADCASTD %s, Z%d", place(t), x)
		for i := range across {
			g.op(op, x, w[i], sums[t*across+i])
		}
	}
}

// dot adds to sums the products of a run of weights with activations at off(DI), those
// of each row stride bytes after those of the row before.
func (g *many) dot(w [across]int, off, stride int, sums []int) {
	g.broadcast("VPDPBUSD", w, func(t int) string { return fmt.Sprintf("%d(DI)", off+stride*t) }, sums)
}

// accumulate adds a·b to accumulator n; b may be overwritten.
func (g *many) accumulate(n, a, b int) {
	if g.acc != nil {
		g.op("VFMADD231PS", a, b, g.acc[n])
		return
	}
	g.p("VFMADD213PS %s, Z%d, Z%d", g.slot(n), a, b)
	g.p("VMOVUPS Z%d, %s", b, g.slot(n))
}

// fold does what few's does.
func (g *many) fold(sums []int, shift int, scales [across]int) {
	tmp := g.free
	g.header("VCVTPH2PS", 0, "", scales)
	for t := range g.nt {
		own := sums[t*across:][:across]
		g.p("VPBROADCASTD %d(DI), Z%d", 4*g.nt+4*t, tmp)
		if shift > 0 {
			g.p("VPSLLD $%d, Z%d, Z%d", shift, tmp, tmp)
		}
		for _, s := range own {
			g.op("VPSUBD", tmp, s, s)
		}
		for i, s := range own {
			g.op("VCVTDQ2PS", s, s)
			g.p("VMULPS.BCST %d(DI), Z%d, Z%d", 4*t, scales[i], tmp)
			g.accumulate(t*across+i, tmp, s)
		}
	}
}

func manyQ8_0(u *unit, nt int) {
	g := newMany(u, "Q8_0", nt, 272, false)
	sums, w, scales, flip := g.take(nt*across), g.pair(), g.pair(), g.constant("flip", 0x80808080)
	g.begin()
	g.askForNext()
	g.zero(sums...)
	for j := range 8 {
		g.load(16+32*j, w)
		for _, r := range w {
			g.op("VPXORD", flip, r, r)
		}
		g.dot(w, 8*nt+4*j, 32, sums)
	}
	g.fold(sums, 4, scales)
	g.end(272, 40*nt)
}

// manyRuns holds the registers for 32 values in nibbles, perhaps with fifth bits.
type manyRuns struct {
	low, high, bits [across]int
	mask, sixteen   int
	fifth           bool
}

func (g *many) newRuns(fifth bool) *manyRuns {
	n := &manyRuns{low: g.pair(), high: g.pair(), mask: g.constant("fifteens", 0x0f0f0f0f), fifth: fifth}
	if fifth {
		n.bits, n.sixteen = g.pair(), g.constant("sixteens", 0x10101010)
	}
	return n
}

// dot32 adds to the sums the products of 32 values, whose bytes start at an offset, the
// fifth bits before the nibbles, with activations at acts(DI).
func (g *many) dot32(n *manyRuns, off, acts, stride int, sums []int) {
	if n.fifth {
		g.load(off, n.bits)
		off += 32
	}
	for m := range 4 {
		g.load(off+32*m, n.low)
		for i := range across {
			g.split(n.low[i], n.low[i], n.high[i], n.mask)
		}
		for h, w := range [][across]int{n.low, n.high} {
			if n.fifth {
				g.fifthBit(n, 2*m+h, w)
			}
			g.dot(w, acts+8*m+4*h, stride, sums)
		}
	}
}

// fifthBit adds bit j of the bytes of bits to w, as 16.
func (g *many) fifthBit(n *manyRuns, j int, w [across]int) {
	for i, r := range w {
		src := n.bits[i]
		if j != 4 {
			g.p("VPROLD $%d, Z%d, Z%d", (4-j)&31, src, g.free)
			src = g.free
		}
		g.orMasked(r, src, n.sixteen)
	}
}

// manyNibbles writes the kernels of Q4_0 and, with fifth bits, Q5_0.
func manyNibbles(u *unit, typ string, nt int, fifth bool) {
	packed, shift := 144, 0
	if fifth {
		packed, shift = 176, 1
	}
	g := newMany(u, typ, nt, packed, false)
	sums, scales := g.take(nt*across), g.pair()
	n := g.newRuns(fifth)
	g.begin()
	g.askForNext()
	g.zero(sums...)
	g.dot32(n, 16, 8*nt, 32, sums)
	g.fold(sums, shift, scales)
	g.end(packed, 40*nt)
}

// scale adds part, times the scales, to sums.
func (g *many) scale(part []int, scales [across]int, sums []int) {
	for n, r := range part {
		g.op("VPMULLD", scales[n%across], r, r)
		g.op("VPADDD", r, sums[n], sums[n])
	}
}

// manyKQuant writes the kernels of Q4_K and, with fifth bits, Q5_K.
func manyKQuant(u *unit, typ string, nt int, fifth bool) {
	packed, bytes := 1184, 128
	if fifth {
		packed, bytes = 1440, 160
	}
	g := newMany(u, typ, nt, packed, true)
	sums, part, scales := g.take(nt*across), g.take(nt*across), g.pair()
	n := g.newRuns(fifth)
	g.begin()
	g.zero(sums...)
	g.loopParts(bytes, 8, pointers[:], func() {
		g.askForNext()
		g.zero(part...)
		g.dot32(n, 160, quantsAt(nt), 256, part)
		for i, r := range scales {
			g.p("VMOVQ 32(%s)(R13*1), X%d", pointers[2*i], r)
			g.p("VPINSRQ $1, 32(%s)(R13*1), X%d, X%d", pointers[2*i+1], r, r)
			g.p("VPMOVZXBD X%d, Z%d", r, r)
		}
		g.scale(part, scales, sums)
	})
	g.foldMins(8*bytes, sums, part, [3][across]int{n.low, n.high, scales})
	g.end(packed-8*bytes, 308*nt-256)
}

// foldMins does what few's does, with three pairs of registers.
func (g *many) foldMins(gone int, sums, mins []int, regs [3][across]int) {
	w, d, dmin := regs[0], regs[1], regs[2]
	g.zero(mins...)
	for p := range 4 {
		g.header("VPMOVZXBW", 96+16*p-gone, "", w)
		g.broadcast("VPDPWSSD", w, func(t int) string { return fmt.Sprintf("%d(DI)", sums32At(g.nt)+16*t+4*p-256) }, mins)
	}
	g.header("VCVTPH2PS", -gone, "", d)
	g.header("VCVTPH2PS", 16-gone, "", dmin)
	for t := range g.nt {
		g.p("VBROADCASTSS %d(DI), Z%d", 4*t-256, w[0])
		for i := range across {
			n := t*across + i
			s, m := sums[n], mins[n]
			g.op("VCVTDQ2PS", s, s)
			g.op("VCVTDQ2PS", m, m)
			g.op("VMULPS", d[i], s, s)
			g.op("VFNMADD231PS", dmin[i], m, s)
			g.accumulate(n, w[0], s)
		}
	}
}

// manyQ6_K takes sub-blocks of 16 in pairs, as fewQ6_K does.
func manyQ6_K(u *unit, nt int) {
	g := newMany(u, "Q6_K", nt, 1680, true)
	sums, part, scales := g.take(nt*across), g.take(nt*across), g.pair()
	v := [4][across]int{g.pair(), g.pair(), g.pair(), g.pair()}
	own, mask := v[0], g.constant("sixtythrees", 0x3f3f3f3f)
	g.begin()
	g.zero(sums...)
	g.p("XORL R11, R11")
	g.loopParts(192, 16, pointers[:], func() {
		g.askForNext()
		g.header("VPMOVSXBW", 16, "(R13*1)", scales)
		for i, r := range scales {
			g.op("VPADDW", r, r, own[i])
		}
		g.broadcast("VPDPWSSD", own, func(t int) string { return fmt.Sprintf("%d(DI)(R11*1)", sums16At(nt)+32*t) }, sums)
		for sub := range 2 {
			g.zero(part...)
			for run := range 3 {
				g.load(144+96*sub+32*run, v[run])
			}
			for i := range across {
				g.lastRun([3]int{v[0][i], v[1][i], v[2][i]}, v[3][i], mask)
			}
			for run, w := range v {
				g.dot(w, quantsAt(nt)+16*sub+4*run, 256, part)
			}
			for i, r := range scales {
				if sub == 0 {
					g.p("VPSLLD $16, Z%d, Z%d", r, own[i])
					r = own[i]
				}
				g.p("VPSRAD $16, Z%d, Z%d", r, own[i])
			}
			g.scale(part, own, sums)
		}
		g.p("SUBQ $28, R11")
	})
	g.header("VCVTPH2PS", -8*192, "", scales)
	for t := range nt {
		for i := range across {
			s, x := sums[t*across+i], own[i]
			g.op("VCVTDQ2PS", s, s)
			g.p("VMULPS.BCST %d(DI), Z%d, Z%d", 4*t-256, scales[i], x)
			g.accumulate(t*across+i, x, s)
		}
	}
	g.end(1680-8*192, 308*nt-256)
}
