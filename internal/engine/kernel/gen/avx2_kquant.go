package main

// Offsets in a tile's block of 256 activations, for nt rows.
func sums32At(nt int) int { return 4 * nt }
func sums16At(nt int) int { return 20 * nt }
func quantsAt(nt int) int { return 52 * nt }

// rowScales loads the 8 scales of a sub-block, each twice as an int16, so that they
// take the place of the ones of VPMADDWD.
func (g *group) rowScales(sub, reg int) {
	g.p("VPBROADCASTQ %d(SI), Y%d", 32+8*sub, reg)
	dup := g.u.words("twiceU8", 0x80008000, 0x80018001, 0x80028002, 0x80038003, 0x80048004, 0x80058005, 0x80068006, 0x80078007)
	g.p("VPSHUFB %s, Y%d, Y%d", dup, reg, reg)
}

// foldMins ends a block of Q4_K or Q5_K: acc += dAct·(d·sums - dmin·Σ min·Σq). It
// uses registers 4 to 6, 8, 9 and 14 beside tmp's.
func (g *group) foldMins(sums []int, tmp []int) {
	mins, d, dmin := []int{4, 5, 6, 8}, 14, 9
	for p, reg := range mins {
		g.p("VPMOVZXBW %d(SI), Y%d", 96+16*p, reg)
	}
	g.p("VCVTPH2PS (SI), Y%d", d)
	g.p("VCVTPH2PS 16(SI), Y%d", dmin)
	m, x, z := tmp[0], tmp[1], tmp[2]
	for t := range g.nt {
		at := sums32At(g.nt) + 16*t
		g.p("VPBROADCASTD %d(DI), Y%d", at, m)
		g.p("VPMADDWD Y%d, Y%d, Y%d", mins[0], m, m)
		for p := 1; p < 4; p++ {
			g.p("VPBROADCASTD %d(DI), Y%d", at+4*p, x)
			g.p("VPMADDWD Y%d, Y%d, Y%d", mins[p], x, x)
			g.p("VPADDD Y%d, Y%d, Y%d", x, m, m)
		}
		g.p("VCVTDQ2PS Y%d, Y%d", sums[t], sums[t])
		g.p("VCVTDQ2PS Y%d, Y%d", m, m)
		g.p("VMULPS Y%d, Y%d, Y%d", d, sums[t], sums[t])
		g.p("VFNMADD231PS Y%d, Y%d, Y%d", dmin, m, sums[t])
		g.p("VBROADCASTSS %d(DI), Y%d", 4*t, x)
		g.accumulate(t, x, sums[t], z)
	}
}

// avx2Q4_K: a sub-block is at most 8·2·15·127 = 30480 in int16.
func avx2Q4_K(u *unit, nt int) {
	g := avx2Group(u, "Q4_K", nt, true, 7)
	sums, part, low, high, scale, mask := seq(0, nt), seq(4, nt), 8, 9, 14, 15
	if nt == 1 {
		part = []int{4}
	}
	tmp := rotate(10, 11, 12, 13)
	g.constant("fifteens", mask, 0x0f0f0f0f)
	g.begin()
	for sub := range 8 {
		g.rowScales(sub, scale)
		for m := range 4 {
			off := 160 + 128*sub + 32*m
			g.prefetch(off)
			g.nibbles(off, low, high, mask)
			for h, q := range []int{low, high} {
				for t := range nt {
					x, first := tmp.next(), m == 0 && h == 0
					g.p("VPBROADCASTD %d(DI), Y%d", quantsAt(nt)+256*t+32*sub+4*(2*m+h), x)
					if first {
						g.p("VPMADDUBSW Y%d, Y%d, Y%d", x, q, part[t])
						continue
					}
					g.p("VPMADDUBSW Y%d, Y%d, Y%d", x, q, x)
					g.p("VPADDW Y%d, Y%d, Y%d", x, part[t], part[t])
				}
			}
		}
		g.widen(scale, part, sums, sub == 0)
	}
	g.foldMins(sums, tmp.regs)
	g.end(1184, 308)
}

// avx2Q5_K: half a sub-block is at most 4·2·31·127 = 31496 in int16.
func avx2Q5_K(u *unit, nt int) {
	g := avx2Group(u, "Q5_K", nt, true, 7)
	sums, part, low, high, scale, mask := seq(0, nt), seq(4, nt), 8, 9, 14, 15
	bits, tmp := 10, rotate(11, 12, 13)
	g.constant("fifteens", mask, 0x0f0f0f0f)
	g.begin()
	for sub := range 8 {
		g.rowScales(sub, scale)
		g.prefetch(160 + 160*sub)
		g.p("VMOVDQU %d(SI), Y%d", 160+160*sub, bits)
		for m := range 4 {
			off := 160 + 160*sub + 32 + 32*m
			g.prefetch(off)
			g.nibbles(off, low, high, mask)
			for h, q := range []int{low, high} {
				j := 2*m + h
				g.fifthBit(bits, j, q, tmp.next())
				g.halfRun(q, quantsAt(nt)+32*sub, 256, j, part, tmp)
			}
			if m%2 == 1 {
				g.widen(scale, part, sums, sub == 0 && m == 1)
			}
		}
	}
	g.foldMins(sums, tmp.regs)
	g.end(1440, 308)
}

// avx2Q6_K: two runs come to at most 2·2·63·127 = 32004 in int16. The offset of 32
// goes in as (2·scale)·(-16·Σq), for which tiles hold -16·Σq of every 16 activations.
func avx2Q6_K(u *unit, nt int) {
	g := avx2Group(u, "Q6_K", nt, true, 1)
	sums, v, even, odd, tmp, mask := seq(0, nt), seq(4, 4), 8, 9, rotate(10, 11, 12, 13, 14), 15
	lowHalf := u.words("twiceLow", 0x01000100, 0x05040504, 0x09080908, 0x0d0c0d0c)
	highHalf := u.words("twiceHigh", 0x03020302, 0x07060706, 0x0b0a0b0a, 0x0f0e0f0e)
	g.constant("sixtythrees", mask, 0x3f3f3f3f)
	g.begin()
	for pair := range 8 {
		g.p("VPMOVSXBW %d(SI), Y%d", 16+16*pair, even)
		g.p("VPADDW Y%d, Y%d, Y%d", even, even, odd)
		for t := range nt {
			x := tmp.next()
			g.p("VPBROADCASTD %d(DI), Y%d", sums16At(nt)+32*t+4*pair, x)
			if pair == 0 {
				g.p("VPMADDWD Y%d, Y%d, Y%d", odd, x, sums[t])
				continue
			}
			g.p("VPMADDWD Y%d, Y%d, Y%d", odd, x, x)
			g.p("VPADDD Y%d, Y%d, Y%d", x, sums[t], sums[t])
		}
		g.p("VPSHUFB %s, Y%d, Y%d", highHalf, even, odd)
		g.p("VPSHUFB %s, Y%d, Y%d", lowHalf, even, even)
		for s, scale := range []int{even, odd} {
			g.sixBits(144+96*(2*pair+s), v, mask)
			for h := range 2 {
				for t := range nt {
					x, z, at := tmp.next(), tmp.next(), quantsAt(nt)+256*t+16*(2*pair+s)+8*h
					g.p("VPBROADCASTD %d(DI), Y%d", at, x)
					g.p("VPMADDUBSW Y%d, Y%d, Y%d", x, v[2*h], x)
					g.p("VPBROADCASTD %d(DI), Y%d", at+4, z)
					g.p("VPMADDUBSW Y%d, Y%d, Y%d", z, v[2*h+1], z)
					g.p("VPADDW Y%d, Y%d, Y%d", z, x, x)
					g.p("VPMADDWD Y%d, Y%d, Y%d", scale, x, x)
					g.p("VPADDD Y%d, Y%d, Y%d", x, sums[t], sums[t])
				}
			}
		}
	}
	d := even
	g.p("VCVTPH2PS (SI), Y%d", d)
	for t := range nt {
		x := tmp.next()
		g.p("VCVTDQ2PS Y%d, Y%d", sums[t], sums[t])
		g.p("VBROADCASTSS %d(DI), Y%d", 4*t, x)
		g.p("VMULPS Y%d, Y%d, Y%d", d, x, x)
		g.accumulate(t, x, sums[t], tmp.next())
	}
	g.end(1680, 308)
}

// sixBits loads a sub-block of Q6_K, 4 runs, into the registers v; the last run is in
// the top bits of the others. It uses registers 10 to 12.
func (g *group) sixBits(off int, v []int, mask int) {
	g.prefetch(off + 32)
	for i := range 3 {
		g.p("VMOVDQU %d(SI), Y%d", off+32*i, v[i])
	}
	for i := range 3 {
		r := 10 + i
		g.p("VPANDN Y%d, Y%d, Y%d", v[i], mask, r)
		g.p("VPAND Y%d, Y%d, Y%d", mask, v[i], v[i])
		g.p("VPSRLW $%d, Y%d, Y%d", 6-2*i, r, r)
	}
	g.p("VPOR Y10, Y11, Y10")
	g.p("VPOR Y10, Y12, Y%d", v[3])
}
