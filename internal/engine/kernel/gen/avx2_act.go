package main

// perm undoes what VPACKSSDW and VPACKSSWB do to the order of 4-element runs.
func perm(u *unit) string { return u.words("unpack", 0, 4, 1, 5, 2, 6, 3, 7) }

// scaleOf leaves in X0 the largest of the magnitudes in Y0, stores a 127th of it at
// (R8) and puts its inverse, for quants up to 127, into all lanes of reg. Magnitudes
// are compared as integers, so that NaN is the largest and shows in the scale.
func (f *fn) scaleOf(reg int) {
	f.p("VEXTRACTI128 $1, Y0, X1")
	f.p("VPMAXUD X1, X0, X0")
	f.p("VPSHUFD $0x4e, X0, X1")
	f.p("VPMAXUD X1, X0, X0")
	f.p("VPSHUFD $0xb1, X0, X1")
	f.p("VPMAXUD X1, X0, X0")
	f.p("VMULSS %s, X0, X1", f.u.float("inverse127", 1/127.))
	f.p("VMOVSS X1, (R8)")
	f.p("VMAXSS %s, X0, X0", f.u.float("tiny", 1e-30))
	f.p("VMOVSS %s, X1", f.u.float("largestQuant", 127))
	f.p("VDIVSS X0, X1, X0")
	f.p("VBROADCASTSS X0, Y%d", reg)
}

// quantize turns the 32 floats at off(SI), times Y11, into int8 in Y0, in order; Y14
// holds perm. It uses registers 1 to 3.
func (f *fn) quantize(off int) {
	for i := range 4 {
		f.p("VMULPS %d(SI), Y11, Y%d", off+32*i, i)
		f.p("VCVTPS2DQ Y%d, Y%d", i, i)
	}
	f.p("VPACKSSDW Y1, Y0, Y0")
	f.p("VPACKSSDW Y3, Y2, Y2")
	f.p("VPACKSSWB Y2, Y0, Y0")
	f.p("VPERMD Y0, Y14, Y0")
}

// avx2Act32 writes the quantiser for blocks of 32.
func avx2Act32(u *unit) {
	f := u.fn("avx2Act32", "quantises blocks of 32 floats; the pointers are those of the first block, bs bytes apart.", 0,
		arg{"x", "*float32"}, arg{"blocks", "int"}, arg{"q", "*byte"}, arg{"d", "*byte"}, arg{"sum", "*byte"}, arg{"bs", "int"})
	f.p("MOVQ x+0(FP), SI")
	f.p("MOVQ blocks+8(FP), CX")
	f.p("MOVQ q+16(FP), DI")
	f.p("MOVQ d+24(FP), R8")
	f.p("MOVQ sum+32(FP), R9")
	f.p("MOVQ bs+40(FP), AX")
	f.p("VMOVUPS %s, Y15", u.words("notSign", 1<<31-1))
	f.p("VMOVDQU %s, Y14", perm(u))
	f.p("VMOVDQU %s, Y13", u.words("ones8", 0x01010101))
	f.p("VMOVDQU %s, Y12", u.words("eights16", 0x00080008))
	f.label("block")
	for i := range 4 {
		f.p("VANDPS %d(SI), Y15, Y%d", 32*i, i)
	}
	f.p("VPMAXUD Y1, Y0, Y0")
	f.p("VPMAXUD Y3, Y2, Y2")
	f.p("VPMAXUD Y2, Y0, Y0")
	f.scaleOf(11)
	f.quantize(0)
	f.p("VMOVDQU Y0, (DI)")
	f.p("VPMADDUBSW Y0, Y13, Y0")
	f.p("VPMADDWD Y12, Y0, Y0")
	f.p("VEXTRACTI128 $1, Y0, X1")
	f.p("VPADDD X1, X0, X0")
	f.p("VPSHUFD $0x4e, X0, X1")
	f.p("VPADDD X1, X0, X0")
	f.p("VPSHUFD $0xb1, X0, X1")
	f.p("VPADDD X1, X0, X0")
	f.p("VMOVD X0, (R9)")
	f.p("ADDQ $128, SI")
	for _, r := range []string{"DI", "R8", "R9"} {
		f.p("ADDQ AX, %s", r)
	}
	f.p("DECQ CX")
	f.p("JNZ block")
	f.p("VZEROUPPER")
	f.p("RET")
}

// avx2Act256 writes the quantiser for blocks of 256.
func avx2Act256(u *unit) {
	f := u.fn("avx2Act256", "quantises blocks of 256 floats; the pointers are those of the first block, bs bytes apart.", 0,
		arg{"x", "*float32"}, arg{"blocks", "int"}, arg{"q", "*byte"}, arg{"d", "*byte"}, arg{"sums32", "*byte"}, arg{"sums16", "*byte"}, arg{"bs", "int"})
	f.p("MOVQ x+0(FP), SI")
	f.p("MOVQ blocks+8(FP), CX")
	f.p("MOVQ q+16(FP), DI")
	f.p("MOVQ d+24(FP), R8")
	f.p("MOVQ sums32+32(FP), R9")
	f.p("MOVQ sums16+40(FP), R10")
	f.p("MOVQ bs+48(FP), AX")
	f.p("VMOVUPS %s, Y15", u.words("notSign", 1<<31-1))
	f.p("VMOVDQU %s, Y14", perm(u))
	f.p("VMOVDQU %s, Y13", u.words("ones8", 0x01010101))
	f.p("VMOVDQU %s, Y12", u.words("ones16", 0x00010001))
	f.label("block")
	for i := range 4 {
		f.p("VANDPS %d(SI), Y15, Y%d", 32*i, i)
	}
	for i := 4; i < 32; i++ {
		f.p("VANDPS %d(SI), Y15, Y%d", 32*i, 4+i%4)
		f.p("VPMAXUD Y%d, Y%d, Y%d", 4+i%4, i%4, i%4)
	}
	f.p("VPMAXUD Y1, Y0, Y0")
	f.p("VPMAXUD Y3, Y2, Y2")
	f.p("VPMAXUD Y2, Y0, Y0")
	f.scaleOf(11)
	for c := range 8 {
		f.quantize(128 * c)
		f.p("VMOVDQU Y0, %d(DI)", 32*c)
		// Sums of 4 elements: the lower half of the register has the first 16.
		f.p("VPMADDUBSW Y0, Y13, Y0")
		f.p("VPMADDWD Y12, Y0, Y%d", 4+c%4)
		if c%4 == 3 {
			f.storeSums(c / 4)
		}
	}
	f.p("ADDQ $1024, SI")
	for _, r := range []string{"DI", "R8", "R9", "R10"} {
		f.p("ADDQ AX, %s", r)
	}
	f.p("DECQ CX")
	f.p("JNZ block")
	f.p("VZEROUPPER")
	f.p("RET")
}

// storeSums stores the sums of four runs of 32, whose sums of 4 are in Y4 to Y7, at
// (R9), and -16 times the sums of 16 at (R10), all as int16.
func (f *fn) storeSums(half int) {
	f.p("VPHADDD Y5, Y4, Y4")
	f.p("VPHADDD Y7, Y6, Y6")
	f.p("VPHADDD Y6, Y4, Y4")
	f.p("VEXTRACTI128 $1, Y4, X5")
	f.p("VPADDD X5, X4, X6")
	f.p("VPACKSSDW X6, X6, X6")
	f.p("VMOVQ X6, %d(R9)", 8*half)
	f.p("VPUNPCKLDQ X5, X4, X6")
	f.p("VPUNPCKHDQ X5, X4, X7")
	f.p("VPACKSSDW X7, X6, X6")
	f.p("VPSLLW $4, X6, X6")
	f.p("VPXOR X7, X7, X7")
	f.p("VPSUBW X6, X7, X6")
	f.p("VMOVDQU X6, %d(R10)", 16*half)
}
