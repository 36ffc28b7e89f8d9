package kernel_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// quantTypes are the types whose activations are quantised, with the places of the
// halves in their blocks.
var quantTypes = []struct {
	typ    kernel.Type
	halves []int
}{
	{kernel.Q8_0, []int{0}},
	{kernel.Q4_0, []int{0}},
	{kernel.Q5_0, []int{0}},
	{kernel.Q4_K, []int{0, 2}},
	{kernel.Q5_K, []int{0, 2}},
	{kernel.Q6_K, []int{208}},
}

// blocks returns n elements of random blocks. With an extreme fill every byte outside
// the halves is that one: 0xff, 0x00, 0x80 (-128) and 0x7f (127) push each format's
// quants, scales and mins to both of their ends.
func blocks(typ kernel.Type, halves []int, n int, fill int) []byte {
	size := typ.BlockSize()
	raw := make([]byte, n/typ.BlockLen()*size)
	r := rand.New(rand.NewPCG(uint64(typ), 7))
	for i := range raw {
		raw[i] = byte(r.Uint32())
		if fill >= 0 {
			raw[i] = byte(fill)
		}
	}
	for b := 0; b < len(raw); b += size {
		for _, h := range halves {
			binary.LittleEndian.PutUint16(raw[b+h:], kernel.F32ToF16(0.001+r.Float32()*0.001))
		}
	}
	return raw
}

// quantized returns what the kernels make of x in blocks of length n: the nearest
// multiples of a 127th of the block's largest magnitude.
func quantized(x []float32, n int) []float64 {
	out := make([]float64, len(x))
	for b := 0; b < len(x); b += n {
		top := float32(0)
		for _, v := range x[b : b+n] {
			top = max(top, float32(math.Abs(float64(v))))
		}
		for i, v := range x[b : b+n] {
			if top > 0 {
				out[b+i] = math.RoundToEven(float64(v*(127/top))) * float64(top*(1/float32(127)))
			}
		}
	}
	return out
}

// product is the slow definition: element [i][r] of x·wᵀ and the sum of magnitudes.
func product(x []float64, w []float32, n, rows, cols int) (sums, magnitudes []float64) {
	sums, magnitudes = make([]float64, n*rows), make([]float64, n*rows)
	for i := range n {
		for r := range rows {
			for k := range cols {
				v := x[i*cols+k] * float64(w[r*cols+k])
				sums[i*rows+r] += v
				magnitudes[i*rows+r] += math.Abs(v)
			}
		}
	}
	return sums, magnitudes
}

func TestMultiplyQuantized(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, q := range quantTypes {
			block := max(q.typ.BlockLen(), 32)
			for _, fill := range []int{-1, 0x00, 0xff, 0x80, 0x7f} {
				for _, s := range []struct{ n, rows, blocks int }{{1, 8, 1}, {1, 9, 3}, {2, 23, 2}, {3, 8, 5}, {4, 16, 2}, {7, 33, 1}, {70, 8, 1}} {
					cols := s.blocks * block
					raw := blocks(q.typ, q.halves, s.rows*cols, fill)
					w := make([]float32, s.rows*cols)
					if err := kernel.Dequantize(q.typ, w, raw); err != nil {
						t.Fatal(err)
					}
					m, err := c.Pack(q.typ, s.rows, cols, raw)
					if err != nil {
						t.Fatal(err)
					}
					for sign, x := range activations(s.n, cols) {
						got, check := guarded(t, random(4, s.n*s.rows))
						if err := c.MatMul(got, x, m, nil); err != nil {
							t.Fatal(err)
						}
						check()
						want, mag := product(quantized(x, block), w, s.n, s.rows, cols)
						for i := range got {
							near(t, fmt.Sprintf("%s fill %#x acts %d, %+v, element %d", q.typ, fill, sign, s, i), got[i], want[i], mag[i]+1e-6, 2e-6)
						}
						if t.Failed() {
							return
						}
					}
				}
			}
		}
	})
}

// activations returns random rows, rows whose quants are all 127 and all -127, rows of
// alternating ones, zeros, and rows that differ in size by block.
func activations(n, cols int) [][]float32 {
	one, minus, alternate, steps := make([]float32, n*cols), make([]float32, n*cols), make([]float32, n*cols), make([]float32, n*cols)
	for i := range one {
		one[i], minus[i], alternate[i] = 1, -1, float32(1-2*(i%2))
		steps[i] = float32(math.Pow(10, float64(i/32%7-3))) * float32(i%32)
	}
	return [][]float32{random(9, n*cols), one, minus, alternate, steps, make([]float32, n*cols)}
}

func TestMultiplyFloat16(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, typ := range []kernel.Type{kernel.F32, kernel.F16, kernel.BF16} {
			for _, s := range []struct{ n, rows, cols int }{{1, 16, 4}, {1, 100, 300}, {2, 35, 300}, {3, 33, 258}, {4, 40, 257}, {5, 48, 300}, {6, 33, 270}, {101, 19, 33}} {
				w := random(5, s.rows*s.cols)
				raw := make([]byte, 0, 4*len(w))
				for _, v := range w {
					switch typ {
					case kernel.F16:
						raw = binary.LittleEndian.AppendUint16(raw, kernel.F32ToF16(v))
					case kernel.BF16:
						raw = binary.LittleEndian.AppendUint16(raw, uint16(math.Float32bits(v)>>16))
					default:
						raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
					}
				}
				if err := kernel.Dequantize(typ, w, raw); err != nil {
					t.Fatal(err)
				}
				m, err := c.Pack(typ, s.rows, s.cols, raw)
				if err != nil {
					t.Fatal(err)
				}
				x := random(6, s.n*s.cols)
				exact := make([]float64, len(x))
				for i, v := range x {
					exact[i] = float64(v)
				}
				bias := random(7, s.rows)
				got, check := guarded(t, random(4, s.n*s.rows))
				if err := c.MatMul(got, x, m, bias); err != nil {
					t.Fatal(err)
				}
				check()
				want, mag := product(exact, w, s.n, s.rows, s.cols)
				for i := range got {
					near(t, fmt.Sprintf("%s %+v", typ, s), got[i], want[i]+float64(bias[i%s.rows]), mag[i]+1, 1e-6)
				}
			}
		}
	})
}

// TestResultsDontDependOnCompany: one row's result is the same bits whatever rows it
// shares a call with, however many threads there are, and through a packed copy.
func TestResultsDontDependOnCompany(t *testing.T) {
	t.Parallel()
	const most, rows, cols = 75, 115, 768
	x, bias := random(1, most*cols), random(2, rows)
	for _, isa := range isas(t) {
		one, many := open(t, isa, 1), open(t, isa, 3)
		types := []kernel.Type{kernel.F32, kernel.F16, kernel.BF16}
		for _, q := range quantTypes {
			types = append(types, q.typ)
		}
		for _, typ := range types {
			raw := blocks(typ, nil, rows*cols, -1)
			for i, q := range quantTypes {
				if q.typ == typ {
					raw = blocks(typ, quantTypes[i].halves, rows*cols, -1)
				}
			}
			if typ == kernel.F16 || typ == kernel.BF16 || typ == kernel.F32 {
				clear(raw)
				for i := 1; i < len(raw); i += 2 {
					raw[i] = byte(0x30 + i%13)
				}
			}
			m, err := many.Pack(typ, rows, cols, raw)
			if err != nil {
				t.Fatal(err)
			}
			copied, err := kernel.FromPacked(typ, rows, cols, m.Packed())
			if err != nil {
				t.Fatal(err)
			}
			single := make([]float32, most*rows)
			for i := range most {
				if err := one.MatMul(single[i*rows:][:rows], x[i*cols:][:cols], copied, bias); err != nil {
					t.Fatal(err)
				}
			}
			for _, n := range []int{2, 3, 4, 5, 6, 7, 11, most} { // every size of a tile
				all := make([]float32, n*rows)
				if err := many.MatMul(all, x[:n*cols], m, bias); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(all, single[:n*rows]) {
					t.Errorf("%s %s: a batch of %d and single rows differ", isa, typ, n)
				}
			}
		}
	}
}

func TestMultiplySharesInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		const n, cols = 5, 512
		x := random(1, n*cols)
		var in kernel.Input
		if err := in.Set(x, cols); err != nil {
			t.Fatal(err)
		}
		var products []kernel.Product
		for i, q := range quantTypes {
			m, err := c.Pack(q.typ, 10+i, cols, blocks(q.typ, q.halves, (10+i)*cols, -1))
			if err != nil {
				t.Fatal(err)
			}
			products = append(products, kernel.Product{Dst: make([]float32, n*(10+i)), W: m})
		}
		for range 2 { // again after Set: the forms are made anew
			if err := c.Multiply(&in, products...); err != nil {
				t.Fatal(err)
			}
			for _, p := range products {
				want := make([]float32, len(p.Dst))
				if err := c.MatMul(want, x, p.W, nil); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(p.Dst, want) {
					t.Errorf("%s: together and alone differ", p.W.Type())
				}
			}
			c.Scale(x, -3)
			if err := in.Set(x, cols); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestNaNShows(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, q := range quantTypes {
			m, err := c.Pack(q.typ, 8, 512, blocks(q.typ, q.halves, 8*512, -1))
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				x, got := random(1, 512), make([]float32, 8)
				x[300] = float32(bad)
				if err := c.MatMul(got, x, m, nil); err != nil {
					t.Fatal(err)
				}
				for _, v := range got {
					if !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
						t.Errorf("%s: %v became %v", q.typ, bad, got)
					}
				}
			}
		}
	})
}

func TestMatricesRefuse(t *testing.T) {
	t.Parallel()
	c := open(t, kernel.ISAGo, 1)
	for name, f := range map[string]func() error{
		"unknown type": func() error { _, err := c.Pack(kernel.Type(3), 1, 32, make([]byte, 20)); return err },
		"no rows":      func() error { _, err := c.Pack(kernel.F32, 0, 4, nil); return err },
		"huge":         func() error { _, err := c.Pack(kernel.F32, math.MaxInt, math.MaxInt, nil); return err },
		"part block":   func() error { _, err := c.Pack(kernel.Q8_0, 1, 33, make([]byte, 34)); return err },
		"short":        func() error { _, err := c.Pack(kernel.Q8_0, 2, 32, make([]byte, 67)); return err },
		"long":         func() error { _, err := c.Pack(kernel.Q8_0, 2, 32, make([]byte, 69)); return err },
		"packed":       func() error { _, err := kernel.FromPacked(kernel.Q8_0, 8, 32, make([]byte, 271)); return err },
		"unaligned":    func() error { _, err := kernel.FromPacked(kernel.F32, 16, 1, make([]byte, 65)[1:]); return err },
		"floats":       func() error { _, err := kernel.PackF32(2, 2, make([]float32, 5)); return err },
		"dequantize":   func() error { return kernel.Dequantize(kernel.Q4_K, make([]float32, 255), make([]byte, 144)) },
		"isa":          func() error { _, err := kernel.New(kernel.Config{ISA: "mmx"}); return err },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	m, err := kernel.PackF32(2, 2, make([]float32, 4))
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 4)
	for name, f := range map[string]func() error{
		"cols": func() error { return c.MatMul(make([]float32, 2), x[:3], m, nil) },
		"dst":  func() error { return c.MatMul(make([]float32, 3), x, m, nil) },
		"bias": func() error { return c.MatMul(make([]float32, 4), x, m, x[:1]) },
		"other input": func() error {
			var in kernel.Input
			if err := in.Set(x, 4); err != nil {
				return nil //nolint:nilerr // the error under test comes from Multiply
			}
			return c.Multiply(&in, kernel.Product{Dst: x[:2], W: m})
		},
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
