package arch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// benchShape is the size of a known model.
type benchShape struct {
	name   string
	config arch.DecoderConfig
	params float64 // in the matrices that a prompt's token meets
}

func benchShapes() []benchShape {
	small := arch.DecoderConfig{
		Family: "llama", Hidden: 576, Layers: 30, Inner: 1536, Vocab: 49152, Heads: 9, KVHeads: 3, HeadDim: 64,
		Context: 1 << 16, Epsilon: 1e-5, Tied: true, Rope: arch.Rope{Base: 10000, Dim: 64, Interleaved: true},
	}
	large := arch.DecoderConfig{
		Family: "llama", Hidden: 2048, Layers: 16, Inner: 8192, Vocab: 128256, Heads: 32, KVHeads: 8, HeadDim: 64,
		Context: 1 << 17, Epsilon: 1e-5, Tied: true, Rope: arch.Rope{Base: 500000, Dim: 64, Interleaved: true},
	}
	shapes := []benchShape{{"135M", small, 0}, {"1B", large, 0}}
	for i := range shapes {
		c := &shapes[i].config
		attention := 2*c.Hidden*c.Heads*c.HeadDim + 2*c.Hidden*c.KVHeads*c.HeadDim
		shapes[i].params = float64(c.Layers * (attention + 3*c.Hidden*c.Inner))
	}
	return shapes
}

// eachModel runs f for both sizes, a type and a number of threads.
func eachModel(b *testing.B, types []kernel.Type, f func(b *testing.B, s benchShape, d *arch.Decoder, c *kernel.Compute, bytes int)) {
	for _, s := range benchShapes() {
		for _, typ := range types {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", s.name, typ, threads), func(b *testing.B) {
					c, err := kernel.New(kernel.Config{Threads: threads})
					if err != nil {
						b.Fatal(err)
					}
					defer c.Close()
					d, bytes, err := arch.LoadRandom(&s.config, typ, c, arch.DecoderOptions{})
					if err != nil {
						b.Fatal(err)
					}
					f(b, s, d, c, bytes)
				})
			}
		}
	}
}

// BenchmarkDecodeModel reports tokens per second of one sequence, and how near that is to
// reading the weights once per token, which is the limit.
func BenchmarkDecodeModel(b *testing.B) {
	eachModel(b, []kernel.Type{kernel.Q8_0, kernel.Q4_0, kernel.Q4_K}, func(b *testing.B, _ benchShape, d *arch.Decoder, c *kernel.Compute, bytes int) {
		bandwidth := c.ReadBandwidth(200*time.Millisecond, 1<<28)
		var m arch.DecoderMemory
		span := arch.Span{IDs: []int32{1}, Pages: newPages(d, 1024), Logits: 1}
		best := time.Hour
		for b.Loop() {
			start := time.Now()
			if _, err := d.Forward(b.Context(), []arch.Span{span}, &m); err != nil {
				b.Fatal(err)
			}
			best = min(best, time.Since(start))
			span.Start = (span.Start + 1) % 1000
		}
		mean := b.Elapsed().Seconds() / float64(b.N)
		b.ReportMetric(1/mean, "tokens/s")
		b.ReportMetric(1/best.Seconds(), "best-tokens/s")
		b.ReportMetric(100*float64(bytes)/best.Seconds()/bandwidth, "%bandwidth")
		b.ReportMetric(bandwidth/1e9, "GB/s")
	})
}

// BenchmarkPrefillModel reports tokens per second of a prompt of 512.
func BenchmarkPrefillModel(b *testing.B) {
	eachModel(b, []kernel.Type{kernel.Q8_0, kernel.Q4_0, kernel.Q4_K}, func(b *testing.B, s benchShape, d *arch.Decoder, c *kernel.Compute, _ int) {
		const n = 512
		peak := c.PeakFLOPS(200 * time.Millisecond)
		var m arch.DecoderMemory
		span := arch.Span{IDs: make([]int32, n), Pages: newPages(d, n), Logits: 1}
		best := time.Hour
		for b.Loop() {
			start := time.Now()
			if _, err := d.Forward(b.Context(), []arch.Span{span}, &m); err != nil {
				b.Fatal(err)
			}
			best = min(best, time.Since(start))
		}
		b.ReportMetric(n/best.Seconds(), "best-tokens/s")
		b.ReportMetric(100*2*s.params*n/best.Seconds()/peak, "%FMA-peak")
	})
}

// BenchmarkDepth reports how long a token takes after contexts of several lengths.
func BenchmarkDepth(b *testing.B) {
	for _, cache := range []arch.CacheType{arch.CacheF16, arch.CacheQ8_0} {
		for _, s := range benchShapes() {
			c, err := kernel.New(kernel.Config{Threads: 2})
			if err != nil {
				b.Fatal(err)
			}
			d, _, err := arch.LoadRandom(&s.config, kernel.Q8_0, c, arch.DecoderOptions{Cache: cache})
			if err != nil {
				b.Fatal(err)
			}
			for _, depth := range []int{0, 8 << 10, 32 << 10} {
				b.Run(fmt.Sprintf("%s/cache=%d/depth=%d", s.name, cache, depth), func(b *testing.B) {
					benchDepth(b, d, depth)
				})
			}
			c.Close()
		}
	}
}

func benchDepth(b *testing.B, d *arch.Decoder, depth int) {
	pages := newPages(d, depth+1)
	for _, p := range pages {
		clear(p)
	}
	var m arch.DecoderMemory
	span := []arch.Span{{IDs: []int32{1}, Start: depth, Pages: pages, Logits: 1}}
	best := time.Hour
	for b.Loop() {
		start := time.Now()
		if _, err := d.Forward(b.Context(), span, &m); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(best.Seconds()*1e3, "best-ms")
	b.ReportMetric(1/best.Seconds(), "best-tokens/s")
}

// BenchmarkTogether reports the tokens per second of eight sequences at once, as a
// multiple of one's.
func BenchmarkTogether(b *testing.B) {
	eachModel(b, []kernel.Type{kernel.Q8_0, kernel.Q4_K}, func(b *testing.B, _ benchShape, d *arch.Decoder, _ *kernel.Compute, _ int) {
		const sequences, depth = 8, 200
		var m arch.DecoderMemory
		var spans []arch.Span
		for range sequences {
			pages := newPages(d, depth+1)
			for _, p := range pages {
				clear(p)
			}
			spans = append(spans, arch.Span{IDs: []int32{1}, Start: depth, Pages: pages, Logits: 1})
		}
		alone, together := time.Hour, time.Hour
		for b.Loop() {
			for _, s := range []struct {
				best  *time.Duration
				spans []arch.Span
			}{{&alone, spans[:1]}, {&together, spans}} {
				start := time.Now()
				if _, err := d.Forward(b.Context(), s.spans, &m); err != nil {
					b.Fatal(err)
				}
				*s.best = min(*s.best, time.Since(start))
			}
		}
		b.ReportMetric(sequences/together.Seconds(), "best-tokens/s")
		b.ReportMetric(sequences*alone.Seconds()/together.Seconds(), "times-one")
	})
}
