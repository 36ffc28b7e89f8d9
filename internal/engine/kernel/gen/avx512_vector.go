package main

import (
	"fmt"
	"math"
	"strings"
)

// zvec is a function over vectors of n > 0 elements, of which it takes 16 at a time and
// the rest under a mask. SI, DI, R8 and R9 hold its pointers, CX the elements left,
// R10 to R12 what follows n.
type zvec struct {
	*fn
	ptrs  int
	known map[string]int // constants in registers, from 31 down
}

// avx512Vec begins such a function: vectors first, then n, then pointers to single
// numbers or results.
func avx512Vec(u *unit, name, doc string, vectors []string, more ...string) *zvec {
	var args []arg
	for _, v := range vectors {
		args = append(args, arg{v, "*float32"})
	}
	args = append(args, arg{"n", "int"})
	for _, m := range more {
		args = append(args, arg{m, "*float32"})
	}
	f := u.fn("avx512"+name, doc, 0, args...)
	regs := append(strings.Fields("SI DI R8 R9")[:len(vectors)], "CX")
	regs = append(regs, strings.Fields("R10 R11 R12")[:len(more)]...)
	for i, a := range args {
		f.p("MOVQ %s+%d(FP), %s", a.name, 8*i, regs[i])
	}
	return &zvec{f, len(vectors), map[string]int{}}
}

// constant puts a number into a register of its own.
func (v *zvec) constant(name string, x float64) {
	reg := 31 - len(v.known)
	v.known[name] = reg
	v.p("VBROADCASTSS %s, Z%d", v.u.float(name, x), reg)
}

// c names the register of a constant.
func (v *zvec) c(name string) string { return fmt.Sprintf("Z%d", v.known[name]) }

// part is 16 elements, or fewer of them under the mask K1.
type part struct {
	*zvec
	i    int // its number in an unrolled loop
	rest bool
}

// reg returns a register of the part's own, out of four times four.
func (p part) reg(n int) string { return fmt.Sprintf("Z%d", 4*n+p.i) }

// load reads elements into a register, zeros where there are none.
func (p part) load(ptr, reg string) {
	if p.rest {
		p.p("VMOVUPS.Z %d(%s), K1, %s", 64*p.i, ptr, reg)
		return
	}
	p.p("VMOVUPS %d(%s), %s", 64*p.i, ptr, reg)
}

// with does an operation on a register and elements, which must be there.
func (p part) with(op, ptr, src, dst string) {
	if p.rest {
		p.p("%s %d(%s), %s, K1, %s", op, 64*p.i, ptr, src, dst)
		return
	}
	p.p("%s %d(%s), %s, %s", op, 64*p.i, ptr, src, dst)
}

// op does an operation on registers; lanes without elements keep what dst has.
func (p part) op(op, a, b, dst string) {
	if p.rest {
		p.p("%s %s, %s, K1, %s", op, a, b, dst)
		return
	}
	p.p("%s %s, %s, %s", op, a, b, dst)
}

// store writes elements to the first vector.
func (p part) store(reg string) {
	if p.rest {
		p.p("VMOVUPS %s, K1, %d(SI)", reg, 64*p.i)
		return
	}
	p.p("VMOVUPS %s, %d(SI)", reg, 64*p.i)
}

// loop writes the loop over 16·unroll elements, then over 16, then what is left.
func (v *zvec) loop(unroll int, body func(part)) {
	if unroll > 1 {
		v.p("CMPQ CX, $%d", 16*unroll)
		v.p("JLT narrow")
		v.label("wide")
		for i := range unroll {
			body(part{v, i, false})
		}
		v.advance(unroll)
		v.p("CMPQ CX, $%d", 16*unroll)
		v.p("JGE wide")
	}
	v.label("narrow")
	v.p("CMPQ CX, $16")
	v.p("JLT rest")
	body(part{v, 0, false})
	v.advance(1)
	v.p("JMP narrow")
	v.label("rest")
	v.p("TESTQ CX, CX")
	v.p("JZ done")
	v.p("MOVQ $1, AX")
	v.p("SHLQ CX, AX")
	v.p("DECQ AX")
	v.p("KMOVW AX, K1")
	body(part{v, 0, true})
	v.label("done")
}

func (v *zvec) advance(parts int) {
	for _, r := range strings.Fields("SI DI R8 R9")[:v.ptrs] {
		v.p("ADDQ $%d, %s", 64*parts, r)
	}
	v.p("SUBQ $%d, CX", 16*parts)
}

func (v *zvec) end() {
	v.p("VZEROUPPER")
	v.p("RET")
}

// reduce joins the lanes of Z0 to Z(n-1) and stores the result.
func (v *zvec) reduce(op string, n int, reg string) {
	for ; n > 1; n /= 2 {
		for i := range n / 2 {
			v.p("%s Z%d, Z%d, Z%d", op, i+n/2, i, i)
		}
	}
	v.p("VEXTRACTF64X4 $1, Z0, Y1")
	v.p("%s Y1, Y0, Y0", op)
	v.p("VEXTRACTF128 $1, Y0, X1")
	v.p("%s X1, X0, X0", op)
	v.p("VPSHUFD $0x4e, X0, X1")
	v.p("%s X1, X0, X0", op)
	v.p("VPSHUFD $0xb1, X0, X1")
	v.p("%s X1, X0, X0", op)
	v.p("VMOVSS X0, (%s)", reg)
	v.end()
}

func avx512Vectors(u *unit) {
	avx512Limits(u)
	avx512Reductions(u)
	avx512Elementwise(u)
	avx512Activations(u)
}

// avx512Limits writes a loop of multiply-adds that don't wait for one another, and one
// that only loads.
func avx512Limits(u *unit) {
	f := u.fn("avx512Peak", "runs 24 independent multiply-adds n times; n > 0.", 0, arg{"n", "int"})
	f.p("MOVQ n+0(FP), CX")
	for i := range 26 {
		f.p("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	f.label("loop")
	for i := range 24 {
		f.p("VFMADD231PS Z24, Z25, Z%d", i)
	}
	f.p("DECQ CX")
	f.p("JNZ loop")
	f.p("VZEROUPPER")
	f.p("RET")

	f = u.fn("avx512Read", "loads n bytes, a positive multiple of 256.", 0, arg{"x", "*byte"}, arg{"n", "int"})
	f.p("MOVQ x+0(FP), SI")
	f.p("MOVQ n+8(FP), CX")
	f.label("loop")
	for i := range 4 {
		f.p("PREFETCHT0 %d(SI)", prefetchAhead+64*i)
		f.p("VMOVDQU32 %d(SI), Z%d", 64*i, i)
	}
	f.p("ADDQ $256, SI")
	f.p("SUBQ $256, CX")
	f.p("JNZ loop")
	f.p("VZEROUPPER")
	f.p("RET")
}

func avx512Reductions(u *unit) {
	zero := func(v *zvec) {
		for i := range 4 {
			v.p("VPXORD Z%d, Z%d, Z%d", i, i, i)
		}
	}
	v := avx512Vec(u, "Dot", "stores the sum of a·b.", []string{"a", "b"}, "out")
	zero(v)
	v.loop(4, func(p part) {
		p.load("SI", p.reg(1))
		p.with("VFMADD231PS", "DI", p.reg(1), p.reg(0))
	})
	v.reduce("VADDPS", 4, "R10")

	v = avx512Vec(u, "Sum", "stores the sum of x.", []string{"x"}, "out")
	zero(v)
	v.loop(4, func(p part) { p.with("VADDPS", "SI", p.reg(0), p.reg(0)) })
	v.reduce("VADDPS", 4, "R10")

	v = avx512Vec(u, "Spread", "stores the sum of (x-mean)².", []string{"x"}, "mean", "out")
	zero(v)
	v.p("VBROADCASTSS (R10), Z31")
	v.loop(4, func(p part) {
		p.load("SI", p.reg(1))
		p.p("VSUBPS Z31, %s, %s", p.reg(1), p.reg(1))
		p.op("VFMADD231PS", p.reg(1), p.reg(1), p.reg(0))
	})
	v.reduce("VADDPS", 4, "R11")

	v = avx512Vec(u, "Largest", "stores the largest of x, -Inf if there is none but NaN.", []string{"x"}, "out")
	for i := range 4 {
		v.p("VBROADCASTSS %s, Z%d", u.words("minusInf", math.Float32bits(float32(math.Inf(-1)))), i)
	}
	v.loop(4, func(p part) {
		p.load("SI", p.reg(1))
		p.op("VMAXPS", p.reg(0), p.reg(1), p.reg(0)) // NaN leaves what there was
	})
	v.reduce("VMAXPS", 4, "R10")
}

func avx512Elementwise(u *unit) {
	for _, op := range []struct{ name, doc, ins string }{
		{"Add", "adds x to dst.", "VADDPS"},
		{"Mul", "multiplies dst by x.", "VMULPS"},
	} {
		v := avx512Vec(u, op.name, op.doc, []string{"dst", "x"})
		v.loop(4, func(p part) {
			p.load("SI", p.reg(0))
			p.with(op.ins, "DI", p.reg(0), p.reg(0))
			p.store(p.reg(0))
		})
		v.end()
	}
	v := avx512Vec(u, "Scale", "multiplies x by s.", []string{"x"}, "s")
	v.p("VBROADCASTSS (R10), Z31")
	v.loop(4, func(p part) {
		p.with("VMULPS", "SI", "Z31", p.reg(0))
		p.store(p.reg(0))
	})
	v.end()

	v = avx512Vec(u, "Axpy", "adds s·x to dst.", []string{"dst", "x"}, "s")
	v.p("VBROADCASTSS (R10), Z31")
	v.loop(4, func(p part) {
		p.load("SI", p.reg(0))
		p.with("VFMADD231PS", "DI", "Z31", p.reg(0))
		p.store(p.reg(0))
	})
	v.end()

	for _, bias := range []bool{false, true} {
		name, doc, vectors := "Affine", "sets dst to (x-shift)·s·weight.", []string{"dst", "x", "weight"}
		if bias {
			name, doc, vectors = "AffineBias", "sets dst to (x-shift)·s·weight + bias.", append(vectors, "bias")
		}
		v := avx512Vec(u, name, doc, vectors, "shift", "s")
		v.p("VBROADCASTSS (R10), Z30")
		v.p("VBROADCASTSS (R11), Z31")
		v.loop(2, func(p part) {
			p.load("DI", p.reg(0))
			p.p("VSUBPS Z30, %s, %s", p.reg(0), p.reg(0))
			p.p("VMULPS Z31, %s, %s", p.reg(0), p.reg(0))
			p.with("VMULPS", "R8", p.reg(0), p.reg(0))
			if bias {
				p.with("VADDPS", "R9", p.reg(0), p.reg(0))
			}
			p.store(p.reg(0))
		})
		v.end()
	}
}

// expCoefficients approximate exp on ±ln 2/2, the highest power first.
var expCoefficients = []float64{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 1}

// erfCoefficients are those of Abramowitz and Stegun 7.1.26, the highest power first.
var erfCoefficients = []float64{1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592}

// expConstants loads what exp needs.
func (v *zvec) expConstants() {
	v.constant("expHigh", 88)
	v.constant("expLow", -87)
	v.constant("log2e", 1.44269504088896341)
	v.constant("ln2High", 0.693359375)
	v.constant("ln2Low", -2.12194440e-4)
	for i, c := range expCoefficients {
		v.constant(fmt.Sprintf("exp%d", i), c)
	}
}

// exp turns Z0 into its exponential, with temporaries Z1 and Z2, as avx2's vec.exp does.
func (v *zvec) exp() {
	v.p("VCMPPS $5, %s, Z0, K2", v.c("expLow")) // not less than, so true for NaN
	v.p("VMINPS Z0, %s, Z0", v.c("expHigh"))    // this order keeps NaN
	v.p("VMULPS %s, Z0, Z1", v.c("log2e"))
	v.p("VRNDSCALEPS $0, Z1, Z1")
	v.p("VFNMADD231PS %s, Z1, Z0", v.c("ln2High"))
	v.p("VFNMADD231PS %s, Z1, Z0", v.c("ln2Low"))
	v.p("VMOVAPS %s, Z2", v.c("exp0"))
	for i := 1; i < len(expCoefficients); i++ {
		v.p("VFMADD213PS %s, Z0, Z2", v.c(fmt.Sprintf("exp%d", i)))
	}
	v.p("VSCALEFPS.Z Z1, Z2, K2, Z0")
}

func avx512Activations(u *unit) {
	v := avx512Vec(u, "ExpSum", "sets x to exp(s·(x-shift)) and stores the sum.", []string{"x"}, "shift", "s", "out")
	v.expConstants()
	v.p("VBROADCASTSS (R10), Z8")
	v.p("VBROADCASTSS (R11), Z9")
	v.p("VPXORD Z10, Z10, Z10")
	v.loop(1, func(p part) {
		p.load("SI", "Z0")
		p.p("VSUBPS Z8, Z0, Z0")
		p.p("VMULPS Z9, Z0, Z0")
		p.exp()
		p.op("VADDPS", "Z0", "Z10", "Z10")
		p.store("Z0")
	})
	v.p("VMOVAPS Z10, Z0")
	v.reduce("VADDPS", 1, "R12")

	// sigmoid divides Z8 by 1 + exp(Z0).
	sigmoid := func(p part) {
		p.exp()
		p.p("VADDPS %s, Z0, Z0", p.c("exp7"))
		p.p("VDIVPS Z0, Z8, Z0")
		p.store("Z0")
	}
	v = avx512Vec(u, "SiLU", "sets x to x·σ(x).", []string{"x"})
	v.expConstants()
	v.p("VBROADCASTSS %s, Z9", u.words("signBit", 1<<31))
	v.loop(1, func(p part) {
		p.load("SI", "Z8")
		p.p("VXORPS Z9, Z8, Z0")
		sigmoid(p)
	})
	v.end()

	// x·(1+tanh u)/2 = x·σ(2u), u = √(2/π)·(x + 0.044715·x³).
	v = avx512Vec(u, "GELUTanh", "applies the tanh form of GELU to x.", []string{"x"})
	v.expConstants()
	v.constant("gelu3", -2*0.7978845608028654*0.044715)
	v.constant("gelu1", -2*0.7978845608028654)
	v.loop(1, func(p part) {
		p.load("SI", "Z8")
		p.p("VMULPS Z8, Z8, Z0")
		p.p("VFMADD213PS %s, %s, Z0", p.c("gelu1"), p.c("gelu3"))
		p.p("VMULPS Z8, Z0, Z0")
		sigmoid(p)
	})
	v.end()

	// As avx2's GELU.
	v = avx512Vec(u, "GELU", "applies the erf form of GELU to x.", []string{"x"})
	v.expConstants()
	v.constant("minusHalf", -0.5)
	v.constant("erfP", 0.3275911*0.7071067811865476)
	for i, c := range erfCoefficients {
		v.constant(fmt.Sprintf("erf%d", i), c)
	}
	v.p("VBROADCASTSS %s, Z10", u.words("notSign", 1<<31-1))
	v.p("VPXORD Z11, Z11, Z11")
	v.loop(1, func(p part) {
		p.load("SI", "Z8")
		p.p("VANDPS Z10, Z8, Z9")
		p.p("VMULPS Z9, Z9, Z0")
		p.p("VMULPS %s, Z0, Z0", p.c("minusHalf"))
		p.exp()
		p.p("VMOVAPS %s, Z4", p.c("erfP"))
		p.p("VFMADD213PS %s, Z9, Z4", p.c("exp7"))
		p.p("VDIVPS Z4, %s, Z4", p.c("exp7"))
		p.p("VMOVAPS %s, Z5", p.c("erf0"))
		for i := 1; i < len(erfCoefficients); i++ {
			p.p("VFMADD213PS %s, Z4, Z5", p.c(fmt.Sprintf("erf%d", i)))
		}
		p.p("VMULPS Z4, Z5, Z5")
		p.p("VMULPS Z0, Z5, Z5")
		p.p("VMULPS %s, Z9, Z9", p.c("minusHalf"))
		p.p("VMAXPS Z8, Z11, Z8") // this order keeps NaN
		p.p("VFMADD231PS Z5, Z9, Z8")
		p.store("Z8")
	})
	v.end()
}
