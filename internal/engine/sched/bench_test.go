package sched

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// noModel computes nothing: what remains is the scheduler's own time.
type noModel struct{ logits []float32 }

func (m *noModel) PageBytes() int { return 1 << 12 }
func (m *noModel) Vocab() int     { return 256 }
func (m *noModel) Context() int   { return 1 << 30 }

func (m *noModel) Forward(_ context.Context, spans []arch.Span, _ *arch.DecoderMemory) ([]float32, error) {
	rows := 0
	for _, s := range spans {
		rows += s.Logits
	}
	return m.logits[:rows*m.Vocab()], nil
}

// BenchmarkStep measures what it takes to give each of some sequences a token, their
// consumers included.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			c, err := kernel.New(kernel.Config{Threads: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			s, err := New(Config{
				Model: &noModel{make([]float32, 64*256)}, Compute: c, CacheBytes: 1 << 30,
				MaxSequences: n, MaxQueue: n,
			})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			before := memory()
			done := make(chan error)
			for range n {
				run, err := s.Start(b.Context(), Request{Prompt: []int32{1}, MaxTokens: b.N + 1})
				if err != nil {
					b.Fatal(err)
				}
				go func() {
					var last error
					for _, err := range run.Tokens() {
						last = err
					}
					done <- last
				}()
			}
			for range n {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(memory()-before)/float64(b.N)/float64(n), "allocs/token")
		})
	}
}

// memory returns how many allocations there were.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
