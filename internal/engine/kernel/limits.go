package kernel

import (
	"sync/atomic"
	"time"
)

// PeakFLOPS measures how many floating point operations per second the Compute's
// threads can do on registers, for about d: the limit of matrix products. Plain Go
// has no such limit to measure, and 0 is returned.
func (c *Compute) PeakFLOPS(d time.Duration) float64 {
	if c.r.peak == nil {
		return 0
	}
	const turns = 20_000
	return c.rate(d, func() int { return c.r.peak(turns) })
}

// ReadBandwidth measures how many bytes per second the Compute's threads can read
// from memory, for about d: the limit of products with one row. It allocates size
// bytes, which should exceed every cache.
func (c *Compute) ReadBandwidth(d time.Duration, size int) float64 {
	const part = 1 << 18 // elements: a mebibyte
	x := make([]float32, max(size/4, part)/part*part)
	for i := range x {
		x[i] = 1 // touch the pages: untouched ones share one of zeros
	}
	var at atomic.Int64
	parts := int64(len(x) / part)
	return c.rate(d, func() int {
		c.r.read(x[at.Add(1)%parts*part:][:part])
		return 4 * part
	})
}

// rate runs f on all threads for d and returns the sum of its results per second, in
// the best of a few stretches: others may be using the machine.
func (c *Compute) rate(d time.Duration, f func() int) float64 {
	const stretches = 16
	best := 0.0
	for range stretches {
		var done atomic.Int64
		start := time.Now()
		c.pool.Run(c.Threads(), func(int) {
			for time.Since(start) < d/stretches {
				done.Add(int64(f()))
			}
		})
		best = max(best, float64(done.Load())/time.Since(start).Seconds())
	}
	return best
}
