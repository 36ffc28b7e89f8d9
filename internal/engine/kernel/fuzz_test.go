package kernel_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// FuzzMultiply gives every ISA the same foreign bytes as weights and activations, in
// any shape, and wants the same result as plain Go, or the same error.
func FuzzMultiply(f *testing.F) {
	for i, q := range quantTypes {
		f.Add(uint32(q.typ), uint8(1+i), uint8(9*i+1), uint8(1+i%3), []byte{1, 0x3c, 0xff, 0x80, 0x7f, 0, 200, 17})
	}
	for _, typ := range []kernel.Type{kernel.F32, kernel.F16, kernel.BF16, 3} {
		f.Add(uint32(typ), uint8(7), uint8(70), uint8(33), []byte{0, 0x3c, 0, 0x3f, 1, 2, 3, 4, 5})
	}
	f.Fuzz(func(t *testing.T, number uint32, n, rows, blocks uint8, seed []byte) {
		typ := kernel.Type(number)
		cols := int(blocks) * max(typ.BlockLen(), 1)
		rowSize, _ := typ.RowSize(cols)
		if len(seed) == 0 || int(n)*int(rows)*cols > 1<<18 {
			return
		}
		raw := make([]byte, int(rows)*rowSize)
		for i := range raw {
			raw[i] = seed[i%len(seed)] + byte(i/len(seed))
		}
		x := random(uint64(len(seed)), int(n)*cols)
		for i := 0; i < len(x) && i+4 <= len(seed); i += 5 { // some of them foreign: NaN, huge, tiny
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(seed[i:]))
		}
		var first []float32
		for i, isa := range isas(t) {
			c := open(t, isa, 2)
			m, err := c.Pack(typ, int(rows), cols, raw)
			if err != nil {
				if i > 0 && first != nil {
					t.Fatalf("%s: %v", isa, err)
				}
				continue
			}
			got, check := guarded(t, make([]float32, int(n)*int(rows)))
			if err := c.MatMul(got, x, m, nil); err != nil {
				t.Fatal(err)
			}
			check()
			if i == 0 {
				first = got
				continue
			}
			compare(t, typ, x, raw, first, got)
		}
	})
}

// compare wants two products of the same operands to be near each other. Where the
// operands aren't finite or the sum overflows, both only have to say so.
func compare(t *testing.T, typ kernel.Type, x []float32, raw []byte, want, got []float32) {
	t.Helper()
	w := make([]float32, len(raw)/typ.BlockSize()*typ.BlockLen())
	if err := kernel.Dequantize(typ, w, raw); err != nil {
		t.Fatal(err)
	}
	n := len(x) * len(w) // cols² · rows · n
	cols := 1
	for cols*cols*len(got) < n {
		cols++
	}
	rows := len(w) / cols
	for i := range got {
		mag := 0.0
		a, b := x[i/rows*cols:][:cols], w[i%rows*cols:][:cols]
		for k := range a {
			mag += math.Abs(float64(a[k])) * math.Abs(float64(b[k]))
		}
		if !(mag < 1e37) { // NaN, infinite, or rounding may overflow
			continue
		}
		// A block's largest activation times any weight may pass through a sum.
		top := 0.0
		for k := range a {
			top = max(top, math.Abs(float64(a[k])))
		}
		for k := range b {
			mag += top * math.Abs(float64(b[k]))
		}
		if mag < 1e37 && !(math.Abs(float64(got[i])-float64(want[i])) <= 1e-5*mag+1e-30) {
			t.Fatalf("%s: element %d is %v, plain Go says %v (magnitude %g)", typ, i, got[i], want[i], mag)
		}
	}
}

// FuzzVectors compares the vector functions of every ISA on foreign numbers.
func FuzzVectors(f *testing.F) {
	f.Add([]byte{0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0xff, 1, 2, 3, 4}, uint8(3))
	f.Fuzz(func(t *testing.T, seed []byte, copies uint8) {
		var x []float32
		for range 1 + copies%20 {
			for i := 0; i+4 <= len(seed) && i < 400; i += 4 {
				x = append(x, math.Float32frombits(binary.LittleEndian.Uint32(seed[i:])))
			}
		}
		ops := []func(c *kernel.Compute, v []float32){
			(*kernel.Compute).GELU, (*kernel.Compute).GELUTanh, (*kernel.Compute).SiLU,
			func(c *kernel.Compute, v []float32) { c.Softmax(v, max(len(v)/3, 1)) },
		}
		const softmax = 3 // whose results are probabilities
		for o, op := range ops {
			var first []float32
			for i, isa := range isas(t) {
				got, check := guarded(t, x)
				op(open(t, isa, 1), got)
				check()
				if i == 0 {
					first = got
					continue
				}
				for k, v := range first {
					if v-v != 0 { // NaN or infinite
						continue
					}
					tol := 1e-5
					if o < softmax {
						tol *= max(1, math.Abs(float64(x[k])))
					}
					if d := math.Abs(float64(v) - float64(got[k])); !(d <= tol) {
						t.Fatalf("operation %d of %v (element %d of %d): %v, plain Go says %v", o, x[k], k, len(x), got[k], v)
					}
				}
			}
		}
	})
}
