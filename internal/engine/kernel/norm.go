package kernel

import "math"

// AddRMSNorm adds y to x, row by row of len(weight) elements, and sets dst to the sum as
// RMSNorm does: a residual and the norm after it, while the row is at hand.
func (c *Compute) AddRMSNorm(dst, x, y, weight []float32, eps float32) {
	n := len(weight)
	if n == 0 {
		return
	}
	dst, y = dst[:len(x)], y[:len(x)]
	c.rows(len(x)/n, 2*n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := x[r*n:][:n]
			c.r.add(row, y[r*n:][:n])
			ms := float64(c.r.dot(row, row)) / float64(n)
			c.r.affine(dst[r*n:][:n], row, weight, nil, 0, float32(1/math.Sqrt(ms+float64(eps))))
		}
	})
}
