package main

import "encoding/binary"

// quantiser begins a function that quantises blocks of activations; the pointers are
// those of the first block. It leaves constants in Z16 and on.
func quantiser(u *unit, name, doc string, pointers ...string) *fn {
	args := []arg{{"x", "*float32"}, {"blocks", "int"}}
	for _, p := range pointers {
		args = append(args, arg{p, "*byte"})
	}
	args = append(args, arg{"bs", "int"})
	f := u.fn(name, doc, 0, args...)
	regs := append([]string{"SI", "CX"}, []string{"DI", "R8", "R9", "R10"}[:len(pointers)]...)
	for i, r := range append(regs, "AX") {
		f.p("MOVQ %s+%d(FP), %s", args[i].name, 8*i, r)
	}
	f.p("VBROADCASTSS %s, Z16", u.words("notSign", 1<<31-1))
	f.p("VBROADCASTSS %s, Z17", u.float("inverse127", 1/127.))
	f.p("VBROADCASTSS %s, Z18", u.float("tiny", 1e-30))
	f.p("VBROADCASTSS %s, Z19", u.float("largestQuant", 127))
	f.p("VPBROADCASTD %s, Z20", u.words("flip", 0x80808080))
	f.p("VPXORD Z21, Z21, Z21")
	return f
}

// scaleOfZ does what scaleOf does, with Z0; Z0 gets the inverse. It uses Z1.
func (f *fn) scaleOfZ() {
	f.p("VEXTRACTI64X4 $1, Z0, Y1")
	f.p("VPMAXUD Y1, Y0, Y0")
	f.p("VEXTRACTI128 $1, Y0, X1")
	f.p("VPMAXUD X1, X0, X0")
	f.p("VPSHUFD $0x4e, X0, X1")
	f.p("VPMAXUD X1, X0, X0")
	f.p("VPSHUFD $0xb1, X0, X1")
	f.p("VPMAXUD X1, X0, X0")
	f.p("VMULSS X17, X0, X1")
	f.p("VMOVSS X1, (R8)")
	f.p("VMAXSS X18, X0, X0")
	f.p("VDIVSS X0, X19, X0")
	f.p("VBROADCASTSS X0, Z0")
}

// nextBlock closes the loop, given the elements of a block and the pointers to advance.
func (f *fn) nextBlock(length int, pointers ...string) {
	f.p("ADDQ $%d, SI", 4*length)
	for _, r := range pointers {
		f.p("ADDQ AX, %s", r)
	}
	f.p("DECQ CX")
	f.p("JNZ block")
	f.p("VZEROUPPER")
	f.p("RET")
}

// avx512Act32 writes the quantiser for blocks of 32.
func avx512Act32(u *unit) {
	f := quantiser(u, "avx512Act32", "quantises blocks of 32 floats; the pointers are those of the first block, bs bytes apart.", "q", "d", "sum")
	f.label("block")
	f.p("VMOVUPS (SI), Z2")
	f.p("VMOVUPS 64(SI), Z3")
	f.p("VANDPS Z2, Z16, Z0")
	f.p("VANDPS Z3, Z16, Z1")
	f.p("VPMAXUD Z1, Z0, Z0")
	f.scaleOfZ()
	for _, r := range []int{2, 3} {
		f.p("VMULPS Z0, Z%d, Z%d", r, r)
		f.p("VCVTPS2DQ Z%d, Z%d", r, r)
		f.p("VPMOVSDB Z%d, X%d", r, r)
	}
	f.p("VINSERTI128 $1, X3, Y2, Y2")
	f.p("VMOVDQU Y2, (DI)")
	// Sums of 8 quants, plus 128 each.
	f.p("VPXORD Y20, Y2, Y2")
	f.p("VPSADBW Y21, Y2, Y2")
	f.p("VEXTRACTI128 $1, Y2, X3")
	f.p("VPADDD X3, X2, X2")
	f.p("VPSHUFD $0x4e, X2, X3")
	f.p("VPADDD X3, X2, X2")
	f.p("VMOVD X2, DX")
	f.p("SUBL $%d, DX", 32*128)
	f.p("SHLL $3, DX")
	f.p("MOVL DX, (R9)")
	f.nextBlock(32, "DI", "R8", "R9")
}

// avx512Act256 writes the quantiser for blocks of 256.
func avx512Act256(u *unit) {
	f := quantiser(u, "avx512Act256", "quantises blocks of 256 floats; the pointers are those of the first block, bs bytes apart.", "q", "d", "sums32", "sums16")
	var unpack, order []byte
	for i := range 16 {
		unpack = binary.LittleEndian.AppendUint32(unpack, uint32(4*(i%4)+i/4))
	}
	// Words are sums of lanes: of two registers in turn, then of two others.
	for i := range 16 {
		order = binary.LittleEndian.AppendUint16(order, uint16(i/8*8+i%4*2+i/4%2))
	}
	f.p("VMOVDQU32 %s, Z22", u.bytes("unpack64", unpack))
	f.p("VMOVDQU32 %s, Y23", u.bytes("laneOrder", order))
	f.p("VPBROADCASTD %s, Y24", u.words("offset16", 0x08000800))
	f.p("VPBROADCASTD %s, Y25", u.words("ones16", 0x00010001))
	f.label("block")
	for i := range 16 {
		if i < 4 {
			f.p("VANDPS %d(SI), Z16, Z%d", 64*i, i)
			continue
		}
		f.p("VANDPS %d(SI), Z16, Z%d", 64*i, 4+i%4)
		f.p("VPMAXUD Z%d, Z%d, Z%d", 4+i%4, i%4, i%4)
	}
	f.p("VPMAXUD Z1, Z0, Z0")
	f.p("VPMAXUD Z3, Z2, Z2")
	f.p("VPMAXUD Z2, Z0, Z0")
	f.scaleOfZ()
	for c := range 4 {
		for i := range 4 {
			f.p("VMULPS %d(SI), Z0, Z%d", 256*c+64*i, 2+i)
			f.p("VCVTPS2DQ Z%d, Z%d", 2+i, 2+i)
		}
		f.p("VPACKSSDW Z3, Z2, Z2")
		f.p("VPACKSSDW Z5, Z4, Z4")
		f.p("VPACKSSWB Z4, Z2, Z2")
		f.p("VPERMD Z2, Z22, Z2")
		f.p("VMOVDQU32 Z2, %d(DI)", 64*c)
		f.p("VPXORD Z20, Z2, Z2")
		f.p("VPSADBW Z21, Z2, Z%d", 6+c) // sums of 8 quants, plus 128 each
	}
	// Sums of 16 in Y6, in order.
	for _, r := range []int{6, 8} {
		f.p("VPUNPCKLQDQ Z%d, Z%d, Z2", r+1, r)
		f.p("VPUNPCKHQDQ Z%d, Z%d, Z3", r+1, r)
		f.p("VPADDQ Z3, Z2, Z2")
		f.p("VPMOVQW Z2, X%d", r)
	}
	f.p("VINSERTI128 $1, X8, Y6, Y6")
	f.p("VPERMW Y6, Y23, Y6")
	f.p("VPSUBW Y24, Y6, Y6")
	f.p("VPMADDWD Y25, Y6, Y2")
	f.p("VPMOVDW Y2, X2")
	f.p("VMOVDQU X2, (R9)")
	f.p("VPSLLW $4, Y6, Y6")
	f.p("VPSUBW Y6, Y21, Y6")
	f.p("VMOVDQU Y6, (R10)")
	f.nextBlock(256, "DI", "R8", "R9", "R10")
}
