package main

import "fmt"

// Kernels of K-quants loop over the parts of a block. While the pointers into packed
// blocks and DI advance, R13 is what takes them back to the scales, and R12 counts.

// parts writes that loop: n parts of a block, bytes long, with header bytes of scales
// for each at the start of the block, and 32 activations.
func (g *vnni) parts(n, bytes, header int, body func()) {
	g.p("XORL R13, R13")
	g.p("MOVQ $%d, R12", n)
	g.label("part")
	body()
	g.p("SUBQ $%d, R13", bytes-header)
	g.advance(bytes)
	g.p("ADDQ $32, DI")
	g.p("DECQ R12")
	g.p("JNZ part")
}

// eightScales loads the unsigned scales of 8 rows of each group as int32.
func (g *vnni) eightScales(regs []int) {
	if !g.wide() {
		g.p("VPMOVZXBD 32(SI)(R13*1), Y%d", regs[0])
		return
	}
	for i, r := range regs {
		first, second := g.pointers()[2*i], g.pointers()[2*i+1]
		g.p("VMOVQ 32(%s)(R13*1), X%d", first, r)
		g.p("VPINSRQ $1, 32(%s)(R13*1), X%d, X%d", second, r, r)
		g.p("VPMOVZXBD X%d, Z%d", r, r)
	}
}

// scale adds part, times the scales, to sums.
func (g *vnni) scale(part, scales, sums []int) {
	for n, r := range part {
		g.op("VPMULLD", scales[n%g.across], r, r)
		g.op("VPADDD", r, sums[n], sums[n])
	}
}

// avx512KQuant writes the kernel for Q4_K, or with a plane of fifth bits Q5_K.
func avx512KQuant(u *unit, typ string, nt, packed int, fifth bool) {
	g := newVNNI(u, typ, nt, packed, true)
	n := nt * g.across
	sums, part, low, high := g.take(n), g.take(n), g.take(g.across), g.take(g.across)
	scales, mask := g.take(g.across), g.constant("fifteens", 0x0f0f0f0f)
	var bits []int
	bytes, plane, sixteens := 128, 0, 0
	if fifth {
		bytes, plane = 160, 32
		bits, sixteens = g.take(g.across), g.constant("sixteens", 0x10101010)
	}
	g.begin()
	for _, s := range sums {
		g.zero(s)
	}
	g.parts(8, bytes, 8, func() {
		for _, s := range part {
			g.zero(s)
		}
		if fifth {
			g.weights(160, bits)
		}
		for m := range 4 {
			g.nibbles(160+plane+32*m, low, high, mask)
			for h, q := range [][]int{low, high} {
				if fifth {
					g.fifthBit(bits, 2*m+h, q, sixteens)
				}
				g.dot(q, quantsAt(nt)+8*m+4*h, 256, part)
			}
		}
		g.eightScales(scales)
		g.scale(part, scales, sums)
	})
	g.foldMins(8*bytes, sums, part, [3][]int{low, high, scales})
	g.end(packed-8*bytes, 308*nt-256)
}

// foldMins ends a block: acc += dAct·(d·sums - dmin·Σ min·Σq). The pointers have gone
// on by the given bytes, DI by 256.
func (g *vnni) foldMins(gone int, sums, mins []int, regs [3][]int) {
	w, d, dmin := regs[0], regs[1], regs[2]
	for _, m := range mins {
		g.zero(m)
	}
	for p := range 4 {
		g.header("VPMOVZXBW", 96+16*p-gone, "", w)
		g.eachBroadcast("VPDPWSSD", w, func(t int) string { return fmt.Sprintf("%d(DI)", sums32At(g.nt)+16*t+4*p-256) }, mins)
	}
	g.header("VCVTPH2PS", -gone, "", d)
	g.header("VCVTPH2PS", 16-gone, "", dmin)
	for t := range g.nt {
		g.p("VBROADCASTSS %d(DI), %s", 4*t-256, g.v(w[0]))
		for i := range g.across {
			n := t*g.across + i
			s, m := sums[n], mins[n]
			g.op("VCVTDQ2PS", s, s)
			g.op("VCVTDQ2PS", m, m)
			g.op("VMULPS", d[i], s, s)
			g.op("VFNMADD231PS", dmin[i], m, s)
			g.accumulate(n, w[0], s)
		}
	}
}

func avx512Q4_K(u *unit, nt int) { avx512KQuant(u, "Q4_K", nt, 1184, false) }
func avx512Q5_K(u *unit, nt int) { avx512KQuant(u, "Q5_K", nt, 1440, true) }

// avx512Q6_K takes sub-blocks of 16 in pairs, whose scales lie side by side. The offset
// of 32 goes in as (2·scale)·(-16·Σq), for which tiles hold -16·Σq of every 16
// activations; R11 leads to them.
func avx512Q6_K(u *unit, nt int) {
	g := newVNNI(u, "Q6_K", nt, 1680, true)
	n := nt * g.across
	sums, part, scales := g.take(n), g.take(n), g.take(g.across)
	v := [4][]int{g.take(g.across), g.take(g.across), g.take(g.across), g.take(g.across)}
	mask := g.constant("sixtythrees", 0x3f3f3f3f)
	g.begin()
	for _, s := range sums {
		g.zero(s)
	}
	g.p("XORL R11, R11")
	g.parts(8, 192, 16, func() {
		own := v[0]
		g.header("VPMOVSXBW", 16, "(R13*1)", scales)
		for i, r := range scales {
			g.op("VPADDW", r, r, own[i])
		}
		g.eachBroadcast("VPDPWSSD", own, func(t int) string { return fmt.Sprintf("%d(DI)(R11*1)", sums16At(nt)+32*t) }, sums)
		for sub := range 2 {
			for _, s := range part {
				g.zero(s)
			}
			g.sixBits(144+96*sub, v, mask)
			for run, q := range v {
				g.dot(q, quantsAt(nt)+16*sub+4*run, 256, part)
			}
			for i, r := range scales {
				if sub == 0 {
					g.p("VPSLLD $16, %s, %s", g.v(r), g.v(own[i]))
					r = own[i]
				}
				g.p("VPSRAD $16, %s, %s", g.v(r), g.v(own[i]))
			}
			g.scale(part, own, sums)
		}
		g.p("SUBQ $28, R11")
	})
	g.header("VCVTPH2PS", -8*192, "", scales)
	for t := range nt {
		for i := range g.across {
			s, x := sums[t*g.across+i], v[0][i]
			g.op("VCVTDQ2PS", s, s)
			g.p("VMULPS.BCST %d(DI), %s, %s", 4*t-256, g.v(scales[i]), g.v(x))
			g.accumulate(t*g.across+i, x, s)
		}
	}
	g.end(1680-8*192, 308*nt-256)
}

// sixBits loads a sub-block of Q6_K, 4 runs, into the registers v; the last run is in
// the top bits of the others, its lowest pair of bits first.
func (g *vnni) sixBits(off int, v [4][]int, mask int) {
	for run := range 3 {
		g.weights(off+32*run, v[run])
	}
	for i, x := range v[3] {
		g.op("VPANDND", v[0][i], mask, x)
		for run := 1; run < 3; run++ {
			g.p("VPSRLW $2, %s, %s", g.v(x), g.v(x))
			g.p("VPTERNLOGD $0xf4, %s, %s, %s", g.v(mask), g.v(v[run][i]), g.v(x)) // x |= v &^ mask
		}
		g.p("VPSRLW $2, %s, %s", g.v(x), g.v(x))
		for run := range 3 {
			g.op("VPANDD", mask, v[run][i], v[run][i])
		}
	}
}
