package kernel_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// BenchmarkGEMM multiplies 128 rows by the matrices of a small encoder and reports
// the fraction of the arithmetic peak measured beside it.
func BenchmarkGEMM(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, s := range []struct{ rows, cols int }{{384, 384}, {1536, 384}, {384, 1536}, {2048, 2048}} {
			b.Run(fmt.Sprintf("%dx%d/threads=%d", s.rows, s.cols, threads), func(b *testing.B) {
				c := open(b, "", threads)
				const n = 128
				m, err := kernel.PackF32(s.rows, s.cols, random(1, s.rows*s.cols))
				if err != nil {
					b.Fatal(err)
				}
				x, dst := random(2, n*s.cols), make([]float32, n*s.rows)
				peak := c.PeakFLOPS(100 * time.Millisecond)
				best := fastest(b, func() error { return c.MatMul(dst, x, m, nil) })
				flops := 2 * float64(n*s.rows*s.cols) / best.Seconds()
				peak = max(peak, c.PeakFLOPS(100*time.Millisecond))
				b.ReportMetric(flops/1e9, "GFLOP/s")
				b.ReportMetric(100*flops/peak, "%peak")
			})
		}
	}
}

// fastest runs the benchmark and returns the time of its fastest round, which is what
// a busy machine disturbs least.
func fastest(b *testing.B, f func() error) time.Duration {
	best := time.Hour
	for b.Loop() {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	return best
}
