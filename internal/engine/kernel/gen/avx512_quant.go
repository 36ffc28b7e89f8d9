package main

import "fmt"

func avx512Quants(u *unit) {
	for _, nt := range []int{1, 2, 4} {
		avx512Q8_0(u, nt)
		avx512Q4_0(u, nt)
		avx512Q5_0(u, nt)
		avx512Q4_K(u, nt)
		avx512Q5_K(u, nt)
		avx512Q6_K(u, nt)
	}
}

// fold turns the sums of a block of 32 into floats and accumulates them, times the
// scales of the packed rows and of the activations, after subtracting the offset of the
// weights, 8<<shift, times Σq: the tile holds 8·Σq.
func (g *vnni) fold(sums []int, shift int, scales []int) {
	tmp := g.free
	g.header("VCVTPH2PS", 0, "", scales)
	for t := range g.nt {
		own := sums[t*g.across:][:g.across]
		switch at := fmt.Sprintf("%d(DI)", 4*g.nt+4*t); {
		case shift == 0 && !g.wide():
			g.p("VPSUBD.BCST %s, Y%d, Y%d", at, own[0], own[0])
		default:
			g.p("VPBROADCASTD %s, %s", at, g.v(tmp))
			if shift > 0 {
				g.p("VPSLLD $%d, %s, %s", shift, g.v(tmp), g.v(tmp))
			}
			for _, s := range own {
				g.op("VPSUBD", tmp, s, s)
			}
		}
		for i, s := range own {
			g.op("VCVTDQ2PS", s, s)
			g.p("VMULPS.BCST %d(DI), %s, %s", 4*t, g.v(scales[i]), g.v(tmp))
			g.accumulate(t*g.across+i, tmp, s)
		}
	}
}

// avx512Q8_0 makes weights unsigned by adding 128 to them. A block's sum is at most
// 32·255·127, far below 2³¹, as all sums here are.
func avx512Q8_0(u *unit, nt int) {
	g := newVNNI(u, "Q8_0", nt, 272, false)
	sums, w, scales, flip := g.take(nt*g.across), g.take(g.across), g.take(g.across), g.constant("flip", 0x80808080)
	g.begin()
	for _, s := range sums {
		g.zero(s)
	}
	for j := range 8 {
		g.weights(16+32*j, w)
		for _, r := range w {
			g.op("VPXORD", flip, r, r)
		}
		g.dot(w, 8*nt+4*j, 32, sums)
	}
	g.fold(sums, 4, scales)
	g.end(272, 40*nt)
}

func avx512Q4_0(u *unit, nt int) {
	g := newVNNI(u, "Q4_0", nt, 144, false)
	sums, low, high, scales := g.take(nt*g.across), g.take(g.across), g.take(g.across), g.take(g.across)
	mask := g.constant("fifteens", 0x0f0f0f0f)
	g.begin()
	for _, s := range sums {
		g.zero(s)
	}
	for m := range 4 {
		g.nibbles(16+32*m, low, high, mask)
		g.dot(low, 8*nt+8*m, 32, sums)
		g.dot(high, 8*nt+8*m+4, 32, sums)
	}
	g.fold(sums, 0, scales)
	g.end(144, 40*nt)
}

func avx512Q5_0(u *unit, nt int) {
	g := newVNNI(u, "Q5_0", nt, 176, false)
	sums, low, high, bits := g.take(nt*g.across), g.take(g.across), g.take(g.across), g.take(g.across)
	mask, sixteens := g.constant("fifteens", 0x0f0f0f0f), g.constant("sixteens", 0x10101010)
	g.begin()
	for _, s := range sums {
		g.zero(s)
	}
	g.weights(16, bits)
	for m := range 4 {
		g.nibbles(48+32*m, low, high, mask)
		g.fifthBit(bits, 2*m, low, sixteens)
		g.dot(low, 8*nt+8*m, 32, sums)
		g.fifthBit(bits, 2*m+1, high, sixteens)
		g.dot(high, 8*nt+8*m+4, 32, sums)
	}
	g.fold(sums, 1, bits)
	g.end(176, 40*nt)
}
