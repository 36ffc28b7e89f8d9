package kernel

// Largest returns the largest element of x, -Inf if it is empty. A NaN may be passed
// over; Sum shows it. It works on the calling goroutine, as all functions of this file.
func (c *Compute) Largest(x []float32) float32 { return c.r.largest(x) }

// Sum returns the sum of x. A NaN or an infinity among the elements shows in it.
func (c *Compute) Sum(x []float32) float32 { return c.r.sum(x) }

// ExpSum replaces each element of x by exp(s·(x-shift)) and returns the sum. It wants
// s·(x-shift) ≤ 0.
func (c *Compute) ExpSum(x []float32, shift, s float32) float32 { return c.r.expSum(x, shift, s) }
