package main

import (
	"encoding/binary"
	"fmt"
)

// vnni is a kernel that multiplies packed groups of 8 rows by a tile of nt rows of
// activations with VPDPBUSD: four products of an unsigned and a signed byte, added up
// into int32. There are two kinds, for few rows (see few) and for many (see many), which
// do the same arithmetic on floats in the same order.
//
// SI points to the packed block of the first group, DI to the tile's block, BX to the
// output, and AX holds the bytes between its rows; CX counts blocks.
type vnni struct {
	*fn
	nt   int
	free int   // the first register without a use
	acc  []int // sums of blocks as floats; nil if they lie in the frame
}

// newVNNI begins a kernel, which may have more parameters than they all have.
func newVNNI(u *unit, typ, doc string, nt, frame int, more ...arg) *vnni {
	g := &vnni{nt: nt}
	args := []arg{{"w", "*byte"}, {"groups", "int"}, {"acts", "*byte"}, {"blocks", "int"}, {"out", "*float32"}, {"ldo", "int"}}
	g.fn = u.fn(fmt.Sprintf("avx512%sx%d", typ, nt), fmt.Sprintf(doc, nt), frame, append(args, more...)...)
	g.p("MOVQ w+0(FP), SI")
	g.p("MOVQ out+32(FP), BX")
	g.p("MOVQ ldo+40(FP), AX")
	g.p("SHLQ $2, AX")
	return g
}

// take returns n registers that have no use yet.
func (g *vnni) take(n int) []int {
	s := seq(g.free, n)
	if g.free += n; g.free > 32 {
		panic(g.name + ": out of registers") //nolint:forbidigo // a mistake in this program
	}
	return s
}

// one returns a register that has no use yet.
func (g *vnni) one() int { return g.take(1)[0] }

// op writes an instruction on whole registers.
func (g *vnni) op(name string, regs ...int) {
	sep, s := " ", name
	for _, r := range regs {
		s += fmt.Sprintf("%sZ%d", sep, r)
		sep = ", "
	}
	g.p("%s", s)
}

func (g *vnni) zero(regs ...int) {
	for _, r := range regs {
		g.op("VPXORD", r, r, r)
	}
}

// constant loads a 32-bit constant into all lanes of a register of its own.
func (g *vnni) constant(name string, word uint32) int {
	reg := g.one()
	g.p("VPBROADCASTD %s, Z%d", g.u.words(name, word), reg)
	return reg
}

// halves loads one 32-bit constant into the 8 lower lanes of a register of its own, and
// another one into the upper ones.
func (g *vnni) halves(name string, low, high int) int {
	var b []byte
	for i := range 16 {
		b = binary.LittleEndian.AppendUint32(b, uint32([]int{low, high}[i/8])) //nolint:gosec // a small count
	}
	reg := g.one()
	g.p("VMOVDQU32 %s, Z%d", g.u.bytes(fmt.Sprintf("%s%dand%d", name, low, high), b), reg)
	return reg
}

// loopParts writes the loop over the 8 parts of a K-quant's block: bytes long, with
// header bytes of scales for each at the start of the block, and 32 activations. While the
// pointers into packed blocks and DI advance, R13 is what takes them back to the
// scales; R12 counts.
func (g *vnni) loopParts(bytes, header int, pointers []string, body func()) {
	g.p("XORL R13, R13")
	g.p("MOVQ $8, R12")
	g.label("part")
	body()
	g.p("SUBQ $%d, R13", bytes-header)
	for _, p := range pointers {
		g.p("ADDQ $%d, %s", bytes, p)
	}
	g.p("ADDQ $32, DI")
	g.p("DECQ R12")
	g.p("JNZ part")
}

// orMasked writes x |= v & mask, orOutside x |= v &^ mask.
func (g *vnni) orMasked(x, v, mask int)  { g.p("VPTERNLOGD $0xf8, Z%d, Z%d, Z%d", mask, v, x) }
func (g *vnni) orOutside(x, v, mask int) { g.p("VPTERNLOGD $0xf4, Z%d, Z%d, Z%d", mask, v, x) }

// split puts the low halves of the bytes in v into low, which may be v, the others into
// high; mask holds 15s.
func (g *vnni) split(v, low, high, mask int) {
	g.p("VPSRLW $4, Z%d, Z%d", v, high)
	g.op("VPANDD", mask, v, low)
	g.op("VPANDD", mask, high, high)
}

// lastRun makes the last of a Q6_K sub-block's 4 runs in x from the two top bits of the
// others, the first run's lowest, and takes those off the others.
func (g *vnni) lastRun(v [3]int, x, mask int) {
	g.op("VPANDND", v[0], mask, x)
	for _, r := range v[1:] {
		g.p("VPSRLW $2, Z%d, Z%d", x, x)
		g.orOutside(x, r, mask)
	}
	g.p("VPSRLW $2, Z%d, Z%d", x, x)
	for _, r := range v {
		g.op("VPANDD", mask, r, r)
	}
}
