package kernel

import "math"

// Dot returns the inner product of a and the first len(a) elements of b.
func (c *Compute) Dot(a, b []float32) float32 { return c.r.dot(a, b[:len(a)]) }

// Norm returns the Euclidean norm of x.
func (c *Compute) Norm(x []float32) float32 {
	return float32(math.Sqrt(float64(c.r.dot(x, x))))
}

// Normalize divides x by its Euclidean norm; a vector of zeros stays as it is.
func (c *Compute) Normalize(x []float32) {
	if n := c.Norm(x); n > 0 {
		c.r.scale(x, 1/n)
	}
}

// Add adds x to dst, element by element. Both have the same length.
func (c *Compute) Add(dst, x []float32) {
	x = x[:len(dst)]
	c.each(dst, func(lo, hi int) { c.r.add(dst[lo:hi], x[lo:hi]) })
}

// Mul multiplies dst by x, element by element. Both have the same length.
func (c *Compute) Mul(dst, x []float32) {
	x = x[:len(dst)]
	c.each(dst, func(lo, hi int) { c.r.mul(dst[lo:hi], x[lo:hi]) })
}

// Scale multiplies x by s.
func (c *Compute) Scale(x []float32, s float32) {
	c.each(x, func(lo, hi int) { c.r.scale(x[lo:hi], s) })
}

// Axpy adds s·x to dst. Both have the same length.
func (c *Compute) Axpy(dst, x []float32, s float32) { c.r.axpy(dst, x[:len(dst)], s) }

// GELU applies x·Φ(x), the exact (erf) form of the Gaussian error linear unit.
func (c *Compute) GELU(x []float32) {
	c.each(x, func(lo, hi int) { c.r.gelu(x[lo:hi]) })
}

// GELUTanh applies the tanh approximation of GELU ("gelu_new", "gelu_pytorch_tanh").
func (c *Compute) GELUTanh(x []float32) {
	c.each(x, func(lo, hi int) { c.r.geluTanh(x[lo:hi]) })
}

// SiLU applies x·σ(x), also called swish.
func (c *Compute) SiLU(x []float32) {
	c.each(x, func(lo, hi int) { c.r.silu(x[lo:hi]) })
}

// SiLUMul computes gate = SiLU(gate)·up, the middle of a SwiGLU feed-forward.
func (c *Compute) SiLUMul(gate, up []float32) {
	up = up[:len(gate)]
	c.each(gate, func(lo, hi int) {
		c.r.silu(gate[lo:hi])
		c.r.mul(gate[lo:hi], up[lo:hi])
	})
}

// Softmax turns each row of the given width into a distribution. Elements that are
// -Inf get probability 0; a row of nothing else becomes zeros.
func (c *Compute) Softmax(x []float32, width int) {
	if width <= 0 {
		return
	}
	c.rows(len(x)/width, 4*width, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			c.softmax(x[r*width:][:width], 1)
		}
	})
}

// softmax is the softmax of s·x for one row, s > 0.
func (c *Compute) softmax(x []float32, s float32) {
	m := c.r.largest(x)
	if math.IsInf(float64(m), -1) {
		if sum := c.r.sum(x); sum == sum {
			clear(x)
			return
		} // else there is a NaN, which shows as in any other row
	}
	c.r.scale(x, 1/c.r.expSum(x, m, s))
}

// LayerNorm normalises each row of len(weight) elements of x to mean 0 and variance
// 1, times weight, plus bias (nil: none). dst may be x.
func (c *Compute) LayerNorm(dst, x, weight, bias []float32, eps float32) {
	n := len(weight)
	if n == 0 {
		return
	}
	dst = dst[:len(x)]
	c.rows(len(x)/n, n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			c.layerNorm(dst[r*n:][:n], x[r*n:][:n], weight, bias, eps)
		}
	})
}

// AddLayerNorm adds y to x and normalises the sum in place, as LayerNorm does: the
// end of each half of a BERT layer.
func (c *Compute) AddLayerNorm(x, y, weight, bias []float32, eps float32) {
	n := len(weight)
	if n == 0 {
		return
	}
	y = y[:len(x)]
	c.rows(len(x)/n, 2*n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := x[r*n:][:n]
			c.r.add(row, y[r*n:][:n])
			c.layerNorm(row, row, weight, bias, eps)
		}
	})
}

func (c *Compute) layerNorm(dst, x, weight, bias []float32, eps float32) {
	n := float64(len(x))
	mean := float64(c.r.sum(x)) / n
	// A second pass over the row: the difference of two large sums would lose digits.
	variance := float64(c.r.spread(x, float32(mean))) / n
	c.r.affine(dst, x, weight, bias, float32(mean), float32(1/math.Sqrt(variance+float64(eps))))
}

// RMSNorm divides each row of len(weight) elements of x by its root mean square,
// times weight. dst may be x.
func (c *Compute) RMSNorm(dst, x, weight []float32, eps float32) {
	n := len(weight)
	if n == 0 {
		return
	}
	dst = dst[:len(x)]
	c.rows(len(x)/n, n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := x[r*n:][:n]
			ms := float64(c.r.dot(row, row)) / float64(n)
			c.r.affine(dst[r*n:][:n], row, weight, nil, 0, float32(1/math.Sqrt(ms+float64(eps))))
		}
	})
}

// each splits x into ranges at multiples of 64 elements.
func (c *Compute) each(x []float32, f func(lo, hi int)) {
	const unit = 64
	c.rows((len(x)+unit-1)/unit, 4*unit, func(lo, hi int) { f(lo*unit, min(hi*unit, len(x))) })
}
