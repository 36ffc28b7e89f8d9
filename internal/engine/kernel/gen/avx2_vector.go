package main

import (
	"fmt"
	"strings"
)

// vec is a function over vectors whose length is a positive multiple of 8. R8 to R12
// hold its pointers and CX the number of elements left.
type vec struct {
	*fn
	ptrs int // of vectors that advance
}

// avx2Vec begins such a function: vectors first, then n, then pointers to single
// numbers or results, in R10, R11 and R12.
func avx2Vec(u *unit, name, doc string, vectors []string, more ...string) *vec {
	var args []arg
	for _, v := range vectors {
		args = append(args, arg{v, "*float32"})
	}
	args = append(args, arg{"n", "int"})
	for _, m := range more {
		args = append(args, arg{m, "*float32"})
	}
	f := u.fn("avx2"+name, doc, 0, args...)
	regs := append(strings.Fields("SI DI R8 R9")[:len(vectors)], "CX")
	regs = append(regs, strings.Fields("R10 R11 R12")[:len(more)]...)
	for i, a := range args {
		f.p("MOVQ %s+%d(FP), %s", a.name, 8*i, regs[i])
	}
	return &vec{f, len(vectors)}
}

// loop writes the loop over 8·unroll elements, then over what is left. body gets the
// number of the part, whose elements start at 32·part bytes.
func (v *vec) loop(unroll int, body func(part int)) {
	if unroll > 1 {
		v.p("CMPQ CX, $%d", 8*unroll)
		v.p("JLT rest")
		v.label("wide")
		for part := range unroll {
			body(part)
		}
		v.advance(unroll)
		v.p("CMPQ CX, $%d", 8*unroll)
		v.p("JGE wide")
		v.label("rest")
		v.p("TESTQ CX, CX")
		v.p("JZ done")
	}
	v.label("narrow")
	body(0)
	v.advance(1)
	v.p("JNZ narrow")
	v.label("done")
}

func (v *vec) advance(parts int) {
	for _, r := range strings.Fields("SI DI R8 R9")[:v.ptrs] {
		v.p("ADDQ $%d, %s", 32*parts, r)
	}
	v.p("SUBQ $%d, CX", 8*parts)
}

func (v *vec) end() {
	v.p("VZEROUPPER")
	v.p("RET")
}

// lanes stores 8 results.
func (v *vec) lanes(reg string) {
	v.p("VMOVUPS Y0, (%s)", reg)
	v.end()
}

// avx2Peak writes a loop of multiply-adds that don't wait for one another.
func avx2Peak(u *unit) {
	f := u.fn("avx2Peak", "runs 12 independent multiply-adds n times; n > 0.", 0, arg{"n", "int"})
	f.p("MOVQ n+0(FP), CX")
	for i := range 14 {
		f.p("VXORPS Y%d, Y%d, Y%d", i, i, i)
	}
	f.label("loop")
	for i := range 12 {
		f.p("VFMADD231PS Y12, Y13, Y%d", i)
	}
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.p("VZEROUPPER")
	f.p("RET")
}

// avx2Read writes a loop that only loads.
func avx2Read(u *unit) {
	f := u.fn("avx2Read", "loads n bytes, a positive multiple of 256.", 0, arg{"x", "*byte"}, arg{"n", "int"})
	f.p("MOVQ x+0(FP), SI")
	f.p("MOVQ n+8(FP), CX")
	f.label("loop")
	for i := range 8 {
		if i%2 == 0 {
			f.p("PREFETCHT0 %d(SI)", prefetchAhead+32*i)
		}
		f.p("VMOVDQU %d(SI), Y%d", 32*i, i)
	}
	f.p("ADDQ $256, SI")
	f.p("SUBQ $256, CX")
	f.p("JNZ loop")
	f.p("VZEROUPPER")
	f.p("RET")
}

func avx2Vectors(u *unit) {
	avx2Peak(u)
	avx2Read(u)
	avx2Reductions(u)
	avx2Elementwise(u)
	avx2Activations(u)
}

func avx2Reductions(u *unit) {
	merge := func(v *vec, op string) {
		v.p("%s Y1, Y0, Y0", op)
		v.p("%s Y3, Y2, Y2", op)
		v.p("%s Y2, Y0, Y0", op)
	}
	zero := func(v *vec) {
		for i := range 4 {
			v.p("VXORPS Y%d, Y%d, Y%d", i, i, i)
		}
	}
	v := avx2Vec(u, "Dot", "stores 8 partial sums of a·b.", []string{"a", "b"}, "out")
	zero(v)
	v.loop(4, func(i int) {
		v.p("VMOVUPS %d(SI), Y%d", 32*i, 4+i)
		v.p("VFMADD231PS %d(DI), Y%d, Y%d", 32*i, 4+i, i)
	})
	merge(v, "VADDPS")
	v.lanes("R10")

	v = avx2Vec(u, "Sum", "stores 8 partial sums of x.", []string{"x"}, "out")
	zero(v)
	v.loop(4, func(i int) { v.p("VADDPS %d(SI), Y%d, Y%d", 32*i, i, i) })
	merge(v, "VADDPS")
	v.lanes("R10")

	v = avx2Vec(u, "Spread", "stores 8 partial sums of (x-mean)².", []string{"x"}, "mean", "out")
	zero(v)
	v.p("VBROADCASTSS (R10), Y15")
	v.loop(4, func(i int) {
		v.p("VMOVUPS %d(SI), Y%d", 32*i, 4+i)
		v.p("VSUBPS Y15, Y%d, Y%d", 4+i, 4+i)
		v.p("VFMADD231PS Y%d, Y%d, Y%d", 4+i, 4+i, i)
	})
	merge(v, "VADDPS")
	v.lanes("R11")

	v = avx2Vec(u, "Largest", "stores 8 partial maxima of x.", []string{"x"}, "out")
	for i := range 4 {
		v.p("VMOVUPS (SI), Y%d", i)
	}
	v.loop(4, func(i int) { v.p("VMAXPS %d(SI), Y%d, Y%d", 32*i, i, i) })
	merge(v, "VMAXPS")
	v.lanes("R10")
}

func avx2Elementwise(u *unit) {
	for _, op := range []struct{ name, doc, ins string }{
		{"Add", "adds x to dst.", "VADDPS"},
		{"Mul", "multiplies dst by x.", "VMULPS"},
	} {
		v := avx2Vec(u, op.name, op.doc, []string{"dst", "x"})
		v.loop(4, func(i int) {
			v.p("VMOVUPS %d(SI), Y%d", 32*i, i)
			v.p("%s %d(DI), Y%d, Y%d", op.ins, 32*i, i, i)
			v.p("VMOVUPS Y%d, %d(SI)", i, 32*i)
		})
		v.end()
	}
	v := avx2Vec(u, "Scale", "multiplies x by s.", []string{"x"}, "s")
	v.p("VBROADCASTSS (R10), Y15")
	v.loop(4, func(i int) {
		v.p("VMULPS %d(SI), Y15, Y%d", 32*i, i)
		v.p("VMOVUPS Y%d, %d(SI)", i, 32*i)
	})
	v.end()

	v = avx2Vec(u, "Axpy", "adds s·x to dst.", []string{"dst", "x"}, "s")
	v.p("VBROADCASTSS (R10), Y15")
	v.loop(4, func(i int) {
		v.p("VMOVUPS %d(SI), Y%d", 32*i, i)
		v.p("VFMADD231PS %d(DI), Y15, Y%d", 32*i, i)
		v.p("VMOVUPS Y%d, %d(SI)", i, 32*i)
	})
	v.end()

	for _, bias := range []bool{false, true} {
		name, doc, vectors := "Affine", "sets dst to (x-shift)·s·weight.", []string{"dst", "x", "weight"}
		if bias {
			name, doc, vectors = "AffineBias", "sets dst to (x-shift)·s·weight + bias.", append(vectors, "bias")
		}
		v := avx2Vec(u, name, doc, vectors, "shift", "s")
		v.p("VBROADCASTSS (R10), Y14")
		v.p("VBROADCASTSS (R11), Y15")
		v.loop(2, func(i int) {
			v.p("VMOVUPS %d(DI), Y%d", 32*i, i)
			v.p("VSUBPS Y14, Y%d, Y%d", i, i)
			v.p("VMULPS Y15, Y%d, Y%d", i, i)
			v.p("VMULPS %d(R8), Y%d, Y%d", 32*i, i, i)
			if bias {
				v.p("VADDPS %d(R9), Y%d, Y%d", 32*i, i, i)
			}
			v.p("VMOVUPS Y%d, %d(SI)", i, 32*i)
		})
		v.end()
	}
}

// exp turns Y0 into its exponential, with temporaries Y1 to Y3; arguments above 88
// count as 88, those below -87 give 0, and NaN stays NaN. The argument is split into
// n·ln 2 + r; a polynomial gives exp(r) and n goes into the exponent.
func (v *vec) exp() {
	u := v.u
	v.p("VMOVUPS %s, Y1", u.float("expHigh", 88))
	v.p("VMINPS Y0, Y1, Y0") // this order keeps NaN
	v.p("VMOVUPS %s, Y1", u.float("expLow", -87))
	v.p("VCMPPS $5, Y1, Y0, Y3") // not less than, so true for NaN
	v.p("VMAXPS Y0, Y1, Y0")
	v.p("VMULPS %s, Y0, Y1", u.float("log2e", 1.44269504088896341))
	v.p("VROUNDPS $0, Y1, Y1")
	v.p("VFNMADD231PS %s, Y1, Y0", u.float("ln2High", 0.693359375))
	v.p("VFNMADD231PS %s, Y1, Y0", u.float("ln2Low", -2.12194440e-4))
	v.p("VCVTPS2DQ Y1, Y1")
	v.p("VPSLLD $23, Y1, Y1")
	v.p("VMOVUPS %s, Y2", u.float("exp0", 1.9875691500e-4))
	for i, c := range []float64{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1} {
		v.p("VFMADD213PS %s, Y0, Y2", u.float(fmt.Sprintf("exp%d", i+1), c))
	}
	v.p("VPADDD Y1, Y2, Y0")
	v.p("VANDPS Y3, Y0, Y0")
}

func avx2Activations(u *unit) {
	v := avx2Vec(u, "ExpSum", "sets x to exp(s·(x-shift)) and stores 8 partial sums.", []string{"x"}, "shift", "s", "out")
	v.p("VBROADCASTSS (R10), Y8")
	v.p("VBROADCASTSS (R11), Y9")
	v.p("VXORPS Y10, Y10, Y10")
	v.loop(1, func(int) {
		v.p("VMOVUPS (SI), Y0")
		v.p("VSUBPS Y8, Y0, Y0")
		v.p("VMULPS Y9, Y0, Y0")
		v.exp()
		v.p("VADDPS Y0, Y10, Y10")
		v.p("VMOVUPS Y0, (SI)")
	})
	v.p("VMOVAPS Y10, Y0")
	v.lanes("R12")

	// sigmoid divides Y8 by 1 + exp(Y0).
	sigmoid := func() {
		v.exp()
		v.p("VADDPS %s, Y0, Y0", u.float("one", 1))
		v.p("VDIVPS Y0, Y8, Y0")
		v.p("VMOVUPS Y0, (SI)")
	}
	v = avx2Vec(u, "SiLU", "sets x to x·σ(x).", []string{"x"})
	v.loop(1, func(int) {
		v.p("VMOVUPS (SI), Y8")
		v.p("VXORPS %s, Y8, Y0", u.words("signBit", 1<<31))
		sigmoid()
	})
	v.end()

	// x·(1+tanh u)/2 = x·σ(2u), u = √(2/π)·(x + 0.044715·x³).
	v = avx2Vec(u, "GELUTanh", "applies the tanh form of GELU to x.", []string{"x"})
	v.loop(1, func(int) {
		v.p("VMOVUPS (SI), Y8")
		v.p("VMULPS Y8, Y8, Y0")
		v.p("VMOVUPS %s, Y1", u.float("gelu3", -2*0.7978845608028654*0.044715))
		v.p("VFMADD213PS %s, Y1, Y0", u.float("gelu1", -2*0.7978845608028654))
		v.p("VMULPS Y8, Y0, Y0")
		sigmoid()
	})
	v.end()

	// Abramowitz and Stegun 7.1.26: erfc(z) ≈ poly(t)·t·exp(-z²), t = 1/(1+p·z), within
	// 1.5·10⁻⁷ for z ≥ 0; GELU(x) = max(x, 0) - |x|/2·erfc(|x|/√2).
	v = avx2Vec(u, "GELU", "applies the erf form of GELU to x.", []string{"x"})
	v.loop(1, func(int) {
		v.p("VMOVUPS (SI), Y8")
		v.p("VANDPS %s, Y8, Y9", u.words("notSign", 1<<31-1))
		v.p("VMULPS Y9, Y9, Y0")
		v.p("VMULPS %s, Y0, Y0", u.float("minusHalf", -0.5))
		v.exp()
		v.p("VMOVUPS %s, Y4", u.float("erfP", 0.3275911*0.7071067811865476))
		v.p("VFMADD213PS %s, Y9, Y4", u.float("one", 1))
		v.p("VMOVUPS %s, Y5", u.float("one", 1))
		v.p("VDIVPS Y4, Y5, Y4")
		v.p("VMOVUPS %s, Y5", u.float("erf5", 1.061405429))
		for i, c := range []float64{-1.453152027, 1.421413741, -0.284496736, 0.254829592} {
			v.p("VFMADD213PS %s, Y4, Y5", u.float(fmt.Sprintf("erf%d", 4-i), c))
		}
		v.p("VMULPS Y4, Y5, Y5")
		v.p("VMULPS Y0, Y5, Y5")
		v.p("VMULPS %s, Y9, Y9", u.float("minusHalf", -0.5))
		v.p("VXORPS Y1, Y1, Y1")
		v.p("VMAXPS Y8, Y1, Y8") // this order keeps NaN
		v.p("VFMADD231PS Y5, Y9, Y8")
		v.p("VMOVUPS Y8, (SI)")
	})
	v.end()
}
