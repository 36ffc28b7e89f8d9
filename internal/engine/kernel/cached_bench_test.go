package kernel_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// BenchmarkAttendCached reports how fast one token's attention reads a long context, and
// how many multiply-adds a prompt's attention does per second.
func BenchmarkAttendCached(b *testing.B) {
	for _, heads := range []int{9, 32} {
		for _, typ := range []kernel.Type{kernel.F16, kernel.Q8_0} {
			for _, tokens := range []int{1, 256} {
				for _, threads := range []int{1, 2} {
					b.Run(fmt.Sprintf("heads=%d/%s/tokens=%d/threads=%d", heads, typ, tokens, threads), func(b *testing.B) {
						benchAttendCached(b, heads, typ, tokens, open(b, "", threads))
					})
				}
			}
		}
	}
}

func benchAttendCached(b *testing.B, heads int, typ kernel.Type, tokens int, c *kernel.Compute) {
	depth := 32 << 10
	if tokens > 1 {
		depth = 1 << 10
	}
	layout := kernel.CacheLayout{Type: typ, KVHeads: map[int]int{9: 3, 32: 8}[heads], HeadDim: 64}
	a := kernel.CachedAttention{CacheLayer: kernel.CacheLayer{Layout: layout}, Heads: heads, Scale: 0.125}
	pages := newPages(layout.PageSize(), depth)
	for _, p := range pages {
		clear(p)
	}
	span := []kernel.CachedSpan{{Start: depth - tokens, Tokens: tokens, Pages: pages}}
	q := random(1, tokens*heads*64)
	dst := make([]float32, len(q))
	var m kernel.AttentionMemory
	best := time.Hour
	for b.Loop() {
		start := time.Now()
		if err := c.AttendCached(dst, q, span, a, &m); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	if tokens == 1 {
		b.ReportMetric(float64(len(pages)*layout.PageSize())/best.Seconds()/1e9, "best-GB/s")
		b.ReportMetric(c.ReadBandwidth(50*time.Millisecond, 1<<28)/1e9, "limit-GB/s")
		return
	}
	b.ReportMetric(2*2*64*float64(heads*tokens*(depth-tokens/2))/best.Seconds()/1e9, "best-GFLOPS")
	b.ReportMetric(c.PeakFLOPS(50*time.Millisecond)/1e9, "limit-GFLOPS")
}
