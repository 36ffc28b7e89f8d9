package main

import "fmt"

// vnni is a kernel that multiplies packed groups of 8 rows by a tile of nt rows of
// activations with VPDPBUSD: four products of an unsigned and a signed byte, added up
// into int32. There are two kinds.
//
// The narrow kind, for one or two rows, is bound by memory: it takes any number of
// groups, one after the other, so that it reads weights in the order in which they
// lie. A group's 8 rows are the 8 lanes of a Y register.
//
// The wide kind, for more rows, is bound by arithmetic: it takes up to four groups at
// a time, two in each of two Z registers, so that a broadcast of activations serves
// both. Groups that aren't there are read as the first one, and not stored.
//
// SI points to the packed block of the (first) group, R8 to R10 to those of the others,
// DI to the tile's block, BX to the output, and AX holds the bytes between its rows. CX
// counts blocks. R11 to R13 and DX are free.
type vnni struct {
	*fn
	nt, across int   // rows of activations; registers that the 8 or 32 rows of weights take
	reg        byte  // the registers' letter, Y or Z
	free       int   // the first register without a use
	acc        []int // sums of blocks as floats; nil if they lie in the frame
	prefetched int
}

// newVNNI begins a kernel for packed blocks of the given bytes.
func newVNNI(u *unit, typ string, nt, packed int, accInFrame bool) *vnni {
	g := &vnni{nt: nt, across: 1, reg: 'Y'}
	doc := "multiplies groups of 8 packed rows by a tile of %d rows of activations; groups and blocks > 0."
	if nt > 2 {
		g.across, g.reg = 2, 'Z'
		doc = "multiplies up to 4 groups of 8 packed rows by a tile of %d rows of activations; groups and blocks > 0."
	}
	frame := 0
	if accInFrame && g.wide() {
		frame = 64 * nt * g.across
	}
	g.fn = u.fn(fmt.Sprintf("avx512%sx%d", typ, nt), fmt.Sprintf(doc, nt), frame,
		arg{"w", "*byte"}, arg{"groups", "int"}, arg{"acts", "*byte"}, arg{"blocks", "int"}, arg{"out", "*float32"}, arg{"ldo", "int"})
	if frame == 0 {
		g.acc = g.take(nt * g.across)
	}
	g.p("MOVQ w+0(FP), SI")
	g.p("MOVQ out+32(FP), BX")
	g.p("MOVQ ldo+40(FP), AX")
	g.p("SHLQ $2, AX")
	if g.wide() {
		g.others(packed)
	} else {
		g.p("MOVQ groups+8(FP), DX")
	}
	return g
}

func (g *vnni) wide() bool { return g.across == 2 }

// others sets the pointers to groups 1 to 3, and K1 and K2 to the lanes to be stored.
func (g *vnni) others(packed int) {
	g.p("MOVQ blocks+24(FP), R11")
	g.p("IMULQ $%d, R11", packed)
	g.p("MOVQ groups+8(FP), CX")
	for i, reg := range []string{"R8", "R9", "R10"} {
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
	g.p("SHLQ $3, CX")
	g.p("MOVQ $1, DX")
	g.p("SHLQ CX, DX")
	g.p("DECQ DX")
	g.p("KMOVW DX, K1")
	g.p("SHRQ $16, DX")
	g.p("KMOVW DX, K2")
}

// take returns n registers that have no use yet.
func (g *vnni) take(n int) []int {
	s := seq(g.free, n)
	if g.free += n; g.free > 32 {
		panic(g.name + ": out of registers") //nolint:forbidigo // a mistake in this program
	}
	return s
}

// v names a register.
func (g *vnni) v(reg int) string { return fmt.Sprintf("%c%d", g.reg, reg) }

// op writes an instruction on whole registers.
func (g *vnni) op(name string, regs ...int) {
	s := name
	for i, r := range regs {
		sep := ", "
		if i == 0 {
			sep = " "
		}
		s += sep + g.v(r)
	}
	g.p("%s", s)
}

// constant loads a 32-bit constant into all lanes of a register of its own.
func (g *vnni) constant(name string, word uint32) int {
	reg := g.take(1)[0]
	g.p("VPBROADCASTD %s, %s", g.u.words(name, word), g.v(reg))
	return reg
}

// begin starts the loops over groups, where there is one, and blocks.
func (g *vnni) begin() {
	g.label("group")
	g.p("MOVQ acts+16(FP), DI")
	g.p("MOVQ blocks+24(FP), CX")
	if g.acc == nil {
		zero := g.free
		g.zero(zero)
		for i := range g.nt * g.across {
			g.p("VMOVUPS %s, %s", g.v(zero), g.slot(i))
		}
	}
	for _, r := range g.acc {
		g.zero(r)
	}
	g.label("block")
}

func (g *vnni) zero(reg int) { g.op("VPXORD", reg, reg, reg) }

// slot is the place of an accumulator in the frame.
func (g *vnni) slot(i int) string { return fmt.Sprintf("acc-%d(SP)", 64*(g.nt*g.across-i)) }

// pointers are the registers that point into the packed blocks.
func (g *vnni) pointers() []string {
	if g.wide() {
		return []string{"SI", "R8", "R9", "R10"}
	}
	return []string{"SI"}
}

// advance adds to all pointers into packed blocks.
func (g *vnni) advance(bytes int) {
	for _, p := range g.pointers() {
		g.p("ADDQ $%d, %s", bytes, p)
	}
}

// end closes the loops and stores the result. The pointers have packed bytes to go to
// the next block, DI acts bytes.
func (g *vnni) end(packed, acts int) {
	g.advance(packed)
	g.p("ADDQ $%d, DI", acts)
	g.p("DECQ CX")
	g.p("JNZ block")
	to := "BX"
	if g.nt > 1 {
		g.p("MOVQ BX, R11")
		to = "R11"
	}
	for t := range g.nt {
		for i := range g.across {
			n := t*g.across + i
			r := n
			if g.acc == nil {
				g.p("VMOVUPS %s, %s", g.slot(n), g.v(r))
			} else {
				r = g.acc[n]
			}
			if g.wide() {
				g.p("VMOVUPS %s, K%d, %d(%s)", g.v(r), 1+i, 64*i, to)
			} else {
				g.p("VMOVUPS %s, (%s)", g.v(r), to)
			}
		}
		if t < g.nt-1 {
			g.p("ADDQ AX, R11")
		}
	}
	if !g.wide() {
		g.p("ADDQ $32, BX")
		g.p("DECQ DX")
		g.p("JNZ group")
	}
	g.p("VZEROUPPER")
	g.p("RET")
}

// prefetch asks, in a narrow kernel, for the cache lines up to offset off of a block
// further on. Tiles reuse their weights and don't need it.
func (g *vnni) prefetch(off int) {
	if g.wide() {
		return
	}
	for ; g.prefetched <= off; g.prefetched += 64 {
		g.p("PREFETCHT0 %d(SI)", prefetchAhead+g.prefetched)
	}
}

// weights loads 32 bytes at an offset of each group.
func (g *vnni) weights(off int, regs []int) {
	g.prefetch(off)
	if !g.wide() {
		g.p("VMOVDQU32 %d(SI), Y%d", off, regs[0])
		return
	}
	for i, r := range regs {
		first, second := g.pointers()[2*i], g.pointers()[2*i+1]
		g.p("VMOVDQU32 %d(%s), Y%d", off, first, r)
		g.p("VINSERTI64X4 $1, %d(%s), Z%d, Z%d", off, second, r, r)
	}
}

// header loads 16 bytes of each group, at an offset and perhaps an index, and has one
// instruction widen them to a register.
func (g *vnni) header(widen string, off int, index string, regs []int) {
	if !g.wide() {
		g.p("%s %d(SI)%s, Y%d", widen, off, index, regs[0])
		return
	}
	for i, r := range regs {
		first, second := g.pointers()[2*i], g.pointers()[2*i+1]
		g.p("VMOVDQU32 %d(%s)%s, X%d", off, first, index, r)
		g.p("VINSERTI32X4 $1, %d(%s)%s, Y%d, Y%d", off, second, index, r, r)
		g.p("%s Y%d, Z%d", widen, r, r)
	}
}

// nibbles loads 32 bytes of each group and puts their low halves into low, the others
// into high; mask holds 15s.
func (g *vnni) nibbles(off int, low, high []int, mask int) {
	g.weights(off, low)
	for i := range low {
		g.p("VPSRLW $4, %s, %s", g.v(low[i]), g.v(high[i]))
		g.op("VPANDD", mask, low[i], low[i])
		g.op("VPANDD", mask, high[i], high[i])
	}
}

// fifthBit adds bit j of the bytes of bits to regs, as 16.
func (g *vnni) fifthBit(bits []int, j int, regs []int, sixteens int) {
	tmp := g.free
	for i, r := range regs {
		src := tmp
		switch {
		case j < 4:
			g.p("VPSLLW $%d, %s, %s", 4-j, g.v(bits[i]), g.v(tmp))
		case j > 4:
			g.p("VPSRLW $%d, %s, %s", j-4, g.v(bits[i]), g.v(tmp))
		default:
			src = bits[i]
		}
		// r |= src & sixteens
		g.p("VPTERNLOGD $0xf8, %s, %s, %s", g.v(sixteens), g.v(src), g.v(r))
	}
}

// dot adds to sums, a register per row of activations and register across, the products
// of a run of weights with activations at off(DI), those of each row stride bytes on.
func (g *vnni) dot(w []int, off, stride int, sums []int) {
	g.eachBroadcast("VPDPBUSD", w, func(t int) string { return fmt.Sprintf("%d(DI)", off+stride*t) }, sums)
}

// eachBroadcast does an instruction on the four bytes at each row's place, w and sums.
func (g *vnni) eachBroadcast(op string, w []int, place func(t int) string, sums []int) {
	for t := range g.nt {
		if !g.wide() {
			g.p("%s.BCST %s, Y%d, Y%d", op, place(t), w[0], sums[t])
			continue
		}
		x := g.free + t%min(4, 32-g.free)
		g.p("VPBROADCASTD %s, Z%d", place(t), x)
		for i := range g.across {
			g.op(op, x, w[i], sums[t*g.across+i])
		}
	}
}

// accumulate adds a·b to accumulator n; b is overwritten if it lies in the frame.
func (g *vnni) accumulate(n, a, b int) {
	if g.acc != nil {
		g.op("VFMADD231PS", a, b, g.acc[n])
		return
	}
	g.p("VFMADD213PS %s, %s, %s", g.slot(n), g.v(a), g.v(b))
	g.p("VMOVUPS %s, %s", g.v(b), g.slot(n))
}
