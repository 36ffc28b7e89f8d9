package kernel_test

import (
	"math"
	"slices"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// lengths are vector lengths around every boundary of the kernels.
func lengths() []int {
	var n []int
	for i := range 75 {
		n = append(n, i)
	}
	return append(n, 127, 128, 129, 384, 1000, 5003)
}

// guarded returns a copy of x between guards, and a check that they are untouched.
func guarded(t *testing.T, x []float32) ([]float32, func()) {
	t.Helper()
	const guard, mark = 19, 12345.678
	all := make([]float32, len(x)+2*guard)
	for i := range all {
		all[i] = mark
	}
	copy(all[guard:], x)
	return all[guard:][:len(x)], func() {
		t.Helper()
		for i, v := range all {
			if (i < guard || i >= guard+len(x)) && v != mark {
				t.Fatalf("element %d of a vector of %d was written", i-guard, len(x))
			}
		}
	}
}

func TestElementwise(t *testing.T) {
	t.Parallel()
	gelu := func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }
	geluTanh := func(x float64) float64 {
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	silu := func(x float64) float64 { return x / (1 + math.Exp(-x)) }
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, op := range []struct {
			name string
			run  func(dst, x []float32)
			want func(d, x float64) float64
		}{
			{"Add", c.Add, func(d, x float64) float64 { return d + x }},
			{"Mul", c.Mul, func(d, x float64) float64 { return d * x }},
			{"Scale", func(d, _ []float32) { c.Scale(d, 1.5) }, func(d, _ float64) float64 { return 1.5 * d }},
			{"Axpy", func(d, x []float32) { c.Axpy(d, x, -2.5) }, func(d, x float64) float64 { return d - 2.5*x }},
			{"GELU", func(d, _ []float32) { c.GELU(d) }, func(d, _ float64) float64 { return gelu(d) }},
			{"GELUTanh", func(d, _ []float32) { c.GELUTanh(d) }, func(d, _ float64) float64 { return geluTanh(d) }},
			{"SiLU", func(d, _ []float32) { c.SiLU(d) }, func(d, _ float64) float64 { return silu(d) }},
			{"SiLUMul", c.SiLUMul, func(d, x float64) float64 { return silu(d) * x }},
		} {
			for _, n := range lengths() {
				before, x := random(1, n), random(2, n)
				for i := range before {
					before[i] *= 4
				}
				dst, check := guarded(t, before)
				arg, checkArg := guarded(t, x)
				op.run(dst, arg)
				check()
				checkArg()
				for i := range dst {
					near(t, op.name, dst[i], op.want(float64(before[i]), float64(x[i])), 1+math.Abs(float64(before[i]*x[i])), 1e-6)
				}
			}
		}
	})
}

func TestActivationsAtTheEdges(t *testing.T) {
	t.Parallel()
	nan, huge := float32(math.NaN()), float32(1e30)
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, f := range []func([]float32){c.GELU, c.GELUTanh, c.SiLU} {
			for _, n := range []int{1, 8, 11} {
				x := slices.Repeat([]float32{0}, n)
				f(x)
				if x[0] != 0 || x[n-1] != 0 {
					t.Errorf("f(0) = %v", x)
				}
				x = slices.Repeat([]float32{huge}, n)
				f(x)
				if x[0] != huge || x[n-1] != huge {
					t.Errorf("f(1e30) = %v", x)
				}
				x = slices.Repeat([]float32{-100}, n)
				f(x)
				if math.Abs(float64(x[0])) > 1e-30 || math.Abs(float64(x[n-1])) > 1e-30 {
					t.Errorf("f(-100) = %v", x)
				}
				x = slices.Repeat([]float32{nan}, n)
				f(x)
				if x[0] == x[0] || x[n-1] == x[n-1] {
					t.Errorf("f(NaN) = %v", x)
				}
			}
		}
	})
}

func TestReductions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, n := range lengths() {
			a, b := random(1, n), random(2, n)
			dot, norm, mag := 0.0, 0.0, 1.0
			for i := range a {
				dot += float64(a[i]) * float64(b[i])
				norm += float64(a[i]) * float64(a[i])
				mag += math.Abs(float64(a[i]) * float64(b[i]))
			}
			near(t, "Dot", c.Dot(a, b), dot, mag, 1e-6)
			near(t, "Norm", c.Norm(a), math.Sqrt(norm), 1+math.Sqrt(norm), 1e-6)
			c.Normalize(a)
			if n > 0 {
				near(t, "Normalize", c.Norm(a), 1, 1, 1e-6)
			}
		}
		zero := make([]float32, 11)
		c.Normalize(zero)
		if slices.ContainsFunc(zero, func(v float32) bool { return v != 0 }) {
			t.Errorf("normalising zeros: %v", zero)
		}
	})
}

func TestSoftmax(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, n := range lengths()[1:] {
			before := random(3, 3*n)
			for i := range before {
				before[i] = before[i]*20 + 1000
			}
			if n > 1 {
				before[n/2] = float32(math.Inf(-1))
			}
			x, check := guarded(t, before)
			c.Softmax(x, n)
			check()
			for r := range 3 {
				row, sum := before[r*n:][:n], 0.0
				top := float64(slices.Max(row))
				for _, v := range row {
					sum += math.Exp(float64(v) - top)
				}
				for i, v := range row {
					near(t, "Softmax", x[r*n+i], math.Exp(float64(v)-top)/sum, 1, 2e-6)
				}
			}
			if n > 1 && x[n/2] != 0 {
				t.Errorf("a masked element got %v", x[n/2])
			}
		}
		none := slices.Repeat([]float32{float32(math.Inf(-1))}, 13)
		c.Softmax(none, 13)
		if slices.ContainsFunc(none, func(v float32) bool { return v != 0 }) {
			t.Errorf("softmax of nothing: %v", none)
		}
	})
}

func TestNorms(t *testing.T) {
	t.Parallel()
	const eps = 1e-5
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, n := range lengths()[1:] {
			const rows = 3
			x, y, w, b := random(1, rows*n), random(2, rows*n), random(3, n), random(4, n)
			for i := range x {
				x[i] += 50 // a large mean shows whether the variance is computed well
			}
			layer := func(x, w, b []float32, out []float64) {
				for r := range rows {
					mean, spread := 0.0, 0.0
					for _, v := range x[r*n:][:n] {
						mean += float64(v) / float64(n)
					}
					for _, v := range x[r*n:][:n] {
						spread += (float64(v) - mean) * (float64(v) - mean) / float64(n)
					}
					for i := range n {
						out[r*n+i] = (float64(x[r*n+i]) - mean) / math.Sqrt(spread+eps) * float64(w[i])
						if b != nil {
							out[r*n+i] += float64(b[i])
						}
					}
				}
			}
			want := make([]float64, rows*n)
			compare := func(what string, got []float32) {
				t.Helper()
				if n == 1 {
					return // a variance of rounding errors
				}
				for i := range got {
					near(t, what, got[i], want[i], 5+math.Abs(want[i]), 5e-5)
				}
			}
			for _, bias := range [][]float32{nil, b} {
				layer(x, w, bias, want)
				got, check := guarded(t, make([]float32, rows*n))
				c.LayerNorm(got, x, w, bias, eps)
				check()
				compare("LayerNorm", got)
			}
			sum := slices.Clone(x)
			c.AddLayerNorm(sum, y, w, b, eps)
			added := slices.Clone(x)
			for i := range added {
				added[i] += y[i]
			}
			layer(added, w, b, want)
			compare("AddLayerNorm", sum)

			got, check := guarded(t, make([]float32, rows*n))
			c.RMSNorm(got, y, w, eps)
			check()
			for r := range rows {
				ms := 0.0
				for _, v := range y[r*n:][:n] {
					ms += float64(v) * float64(v) / float64(n)
				}
				for i := range n {
					v := float64(y[r*n+i]) / math.Sqrt(ms+eps) * float64(w[i])
					near(t, "RMSNorm", got[r*n+i], v, 1+math.Abs(v), 1e-6)
				}
			}
		}
	})
}
