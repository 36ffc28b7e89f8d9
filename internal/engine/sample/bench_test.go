package sample

import (
	"math/rand/v2"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// BenchmarkSample chooses a token of 152,064, the vocabulary of Qwen.
func BenchmarkSample(b *testing.B) {
	const vocab = 152_064
	c, err := kernel.New(kernel.Config{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	r := rand.New(rand.NewPCG(1, 2))
	model, flat := row(r, vocab, "normal"), row(r, vocab, "flat")
	mask := make([]uint64, vocab/64)
	for i := range mask {
		mask[i] = ^uint64(1 << (i % 64))
	}
	for _, v := range []struct {
		name string
		p    Params
		x    []float32
		mask []uint64
	}{
		{"Greedy", Params{}, model, nil},
		{"Greedy/mask", Params{}, model, mask},
		{"Temperature", Params{Temperature: 1}, model, nil},
		{"Temperature/mask", Params{Temperature: 1}, model, mask},
		{"TopK", Params{Temperature: 1, TopK: 40}, model, nil},
		{"TopP", Params{Temperature: 0.7, TopP: 0.9}, model, nil},
		{"TopP/flat", Params{Temperature: 1, TopP: 0.9}, flat, nil},
		{"TopP/spread", Params{Temperature: 3, TopP: 0.9}, model, nil},
		{"MinP", Params{Temperature: 1, MinP: 0.05}, model, nil},
		{"All", Params{Temperature: 0.7, TopK: 40, TopP: 0.9, MinP: 0.05, RepeatPenalty: 1.1, RepeatWindow: 256}, model, nil},
	} {
		b.Run(v.name, func(b *testing.B) {
			s := New(v.p, vocab, c)
			b.ReportAllocs()
			for b.Loop() {
				id, err := s.Sample(v.x, v.mask)
				if err != nil {
					b.Fatal(err)
				}
				s.Accept(id)
			}
		})
	}
	b.Run("Logprobs", func(b *testing.B) {
		s := New(Params{}, vocab, c)
		b.ReportAllocs()
		for b.Loop() {
			s.Logprobs(model, 5, 20)
		}
	})
}
