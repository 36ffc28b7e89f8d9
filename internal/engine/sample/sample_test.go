package sample

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// computes calls f with the best kernels of this machine and with plain Go.
func computes(t *testing.T, f func(t *testing.T, c *kernel.Compute)) {
	t.Helper()
	for _, isa := range []kernel.ISA{"", kernel.ISAGo} {
		c, err := kernel.New(kernel.Config{Threads: 1, ISA: isa})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		t.Run(string(c.ISA()), func(t *testing.T) { f(t, c) })
	}
}

// shapes of logits: as of a model, flat, one that rules, many that are equal, steps.
var shapes = map[string]func(r *rand.Rand, i int) float32{
	"normal": func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64() * 3) },
	"flat":   func(r *rand.Rand, _ int) float32 { return float32(r.NormFloat64() * 1e-3) },
	"peak":   func(r *rand.Rand, i int) float32 { return float32(r.NormFloat64()) + 30*float32(1/(1+i%97)) },
	"equal":  func(*rand.Rand, int) float32 { return -4.5 },
	"steps":  func(r *rand.Rand, _ int) float32 { return float32(r.IntN(5)) },
	"rising": func(_ *rand.Rand, i int) float32 { return float32(i) * 1e-2 },
	"holes": func(r *rand.Rand, i int) float32 {
		if i%3 != 0 {
			return float32(math.Inf(-1))
		}
		return float32(r.NormFloat64())
	},
}

func row(r *rand.Rand, n int, shape string) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = shapes[shape](r, i)
	}
	return x
}

// masks returns nil and masks of different density, each with a token of x that is
// possible, and with bits beyond the vocabulary that mean nothing.
func masks(r *rand.Rand, x []float32) [][]uint64 {
	words := (len(x) + 63) / 64
	sparse, half, most := make([]uint64, words), make([]uint64, words), make([]uint64, words)
	for i := range words {
		half[i] = r.Uint64()
		most[i] = ^uint64(0)
	}
	most[r.IntN(words)] = 0
	for range 3 {
		i := r.IntN(len(x))
		sparse[i/64] |= 1 << (i % 64)
	}
	for _, m := range [][]uint64{sparse, half, most} {
		i := slices.IndexFunc(x, func(v float32) bool { return v > -100 })
		m[i/64] |= 1 << (i % 64)
	}
	return [][]uint64{nil, sparse, half, most}
}

// TestFilters compares what the filters leave with their definitions.
func TestFilters(t *testing.T) {
	t.Parallel()
	params := []Params{
		{},
		{TopK: 1},
		{TopK: 7},
		{TopK: 40},
		{TopK: 400},
		{TopK: 1 << 30, MinP: 1e-9},
		{TopP: 1e-9},
		{TopP: 0.1},
		{TopP: 0.5},
		{TopP: 0.9},
		{TopP: 0.999},
		{TopP: 1 - 1e-9},
		{MinP: 0.02},
		{MinP: 0.5},
		{MinP: 1},
		{TopK: 50, TopP: 0.9},
		{TopP: 0.95, MinP: 0.05},
		{TopK: 200, TopP: 0.99, MinP: 0.001},
	}
	computes(t, func(t *testing.T, c *kernel.Compute) {
		r := rand.New(rand.NewPCG(1, 2))
		for shape := range shapes {
			for _, n := range []int{3, 130, 4200} {
				x := row(r, n, shape)
				for m, mask := range masks(r, x) {
					for _, p := range params {
						p.Temperature = []float64{0.3, 1, 5}[r.IntN(3)]
						if diff := unlike(New(p, n, c), x, mask); diff != "" {
							t.Fatalf("%s of %d, mask %d, %+v: %s", shape, n, m, p, diff)
						}
					}
				}
			}
		}
	})
}

// unlike says which tokens a sampler keeps other than the reference does. A top p or min p
// may differ in the sixth digit: sums in 32 bits may fall to either side.
func unlike(s *Sampler, x []float32, mask []uint64) string {
	s.row.set(x, mask)
	scale := float32(1 / s.p.Temperature)
	limit, mass, need := s.filter(scale)
	strict, loose := s.p, s.p
	strict.TopP, strict.MinP = s.p.TopP*(1-2e-6), s.p.MinP*(1+2e-6)
	if s.p.TopP > 0 {
		loose.TopP = min(s.p.TopP*(1+2e-6), 1)
	}
	loose.MinP = s.p.MinP * (1 - 2e-6)
	must, may := reference(strict, x, mask, nil, nil), reference(loose, x, mask, nil, nil)
	var text strings.Builder
	kept := 0.0
	edge := aboutBorder(x, may)
	for id := range x {
		c := candidate{int32(id), x[id]}
		got := limit.follows(c) && (mask == nil || mask[id/64]>>(id%64)&1 == 1)
		if got {
			kept += math.Exp(float64(scale) * float64(x[id]-s.row.top))
		}
		if len(x) > 1000 && id%97 != 0 && !slices.Contains(edge, id) {
			continue // to look at all takes time
		}
		if got && !math.IsInf(need, 1) {
			got = s.row.weigh(border(c), scale) < need
		}
		if !got && must[id] > 1e-7 || got && may[id] == 0 && math.Exp(float64(x[id])) > 0 {
			fmt.Fprintf(&text, "%d kept: %v, want %g to %g; ", id, got, must[id], may[id])
		}
	}
	if math.Abs(kept-mass) > 1e-5*kept {
		fmt.Fprintf(&text, "what is kept weighs %g, want %g", mass, kept)
	}
	return text.String()
}

// aboutBorder returns the least likely token that is kept and the likeliest that is not.
func aboutBorder(x []float32, probs []float64) []int {
	last, next := -1, -1
	for id, p := range probs {
		if p > 0 && (last < 0 || x[id] < x[last]) {
			last = id
		}
		if p == 0 && (next < 0 || x[id] > x[next]) {
			next = id
		}
	}
	return []int{last, next}
}

// TestDistribution draws many tokens and compares their frequencies with the reference.
func TestDistribution(t *testing.T) {
	t.Parallel()
	before, chosen := []int32{1, 2, 3, 3, 9}, []int32{4, 4, 5, 9, 1}
	params := []Params{
		{Temperature: 1},
		{Temperature: 0.5},
		{Temperature: 2, TopK: 10},
		{Temperature: 1, TopP: 0.8},
		{Temperature: 2, TopP: 0.3},
		{Temperature: 1, MinP: 0.1},
		{Temperature: 0.8, TopK: 20, TopP: 0.9, MinP: 0.05},
		{Temperature: 1, RepeatPenalty: 1.5},
		{Temperature: 1, RepeatPenalty: 1.5, RepeatWindow: 6},
		{Temperature: 1, FrequencyPenalty: 0.7, PresencePenalty: -0.4, RepeatWindow: 4},
		{Temperature: 1, RepeatPenalty: 0.5, FrequencyPenalty: -0.3, TopP: 0.9},
	}
	const n, draws = 130, 4_000
	r := rand.New(rand.NewPCG(3, 4))
	x := row(r, n, "normal")
	computes(t, func(t *testing.T, c *kernel.Compute) {
		for m, mask := range masks(r, x) {
			for i, p := range params {
				p.Seed = uint64(i)
				s := New(p, n, c)
				s.Prompt(before)
				for _, id := range chosen {
					s.Accept(id)
				}
				counts := make([]int, n)
				for range draws {
					id, err := s.Sample(x, mask)
					if err != nil {
						t.Fatal(err)
					}
					counts[id]++
				}
				if chi, freedom := chiSquare(t, counts, reference(p, x, mask, before, chosen)); chi > freedom+6*math.Sqrt(2*freedom)+10 {
					t.Errorf("mask %d, %+v: χ² is %.0f with %v degrees of freedom", m, p, chi, freedom)
				}
			}
		}
	})
}

// chiSquare measures how far counts are from what probs let expect; rare tokens count as one.
func chiSquare(t *testing.T, counts []int, probs []float64) (chi, freedom float64) {
	t.Helper()
	total := 0
	for _, n := range counts {
		total += n
	}
	rare, rareWant := 0.0, 0.0
	for i, n := range counts {
		want := probs[i] * float64(total)
		switch {
		case want == 0 && n > 0:
			t.Fatalf("token %d was drawn and is impossible", i)
		case want < 5:
			rare, rareWant = rare+float64(n), rareWant+want
		default:
			chi += (float64(n) - want) * (float64(n) - want) / want
			freedom++
		}
	}
	if rareWant > 5 {
		chi += (rare - rareWant) * (rare - rareWant) / rareWant
		freedom++
	}
	return chi, max(freedom-1, 0)
}

// TestGreedy wants the first of the largest, as argmax is defined.
func TestGreedy(t *testing.T) {
	t.Parallel()
	computes(t, func(t *testing.T, c *kernel.Compute) {
		r := rand.New(rand.NewPCG(5, 6))
		for shape := range shapes {
			for _, n := range []int{1, 63, 64, 65, 1500} {
				x := row(r, n, shape)
				for m, mask := range masks(r, x) {
					for _, p := range []Params{{}, {RepeatPenalty: 1.3, PresencePenalty: 2}, {Temperature: 1e-7}} {
						s := New(p, n, c)
						s.Prompt([]int32{0})
						s.Accept(int32(n / 2))
						kept := slices.Clone(x)
						got, err := s.Sample(x, mask)
						if err != nil {
							t.Fatal(err)
						}
						p.Temperature = 0
						want := slices.Index(reference(p, x, mask, []int32{0}, []int32{int32(n / 2)}), 1)
						if int(got) != want {
							t.Errorf("%s of %d, mask %d, %+v: got %d, want %d", shape, n, m, p, got, want)
						}
						if diff := cmp.Diff(x, kept); diff != "" {
							t.Errorf("the logits were changed: %s", diff)
						}
					}
				}
			}
		}
	})
}

func TestReproducible(t *testing.T) {
	t.Parallel()
	computes(t, func(t *testing.T, c *kernel.Compute) {
		draw := func(p Params) (ids []int32) {
			r := rand.New(rand.NewPCG(7, 8))
			s := New(p, 300, c)
			for range 200 {
				id, err := s.Sample(row(r, 300, "normal"), nil)
				if err != nil {
					t.Fatal(err)
				}
				s.Accept(id)
				ids = append(ids, id)
			}
			return ids
		}
		p := Params{Temperature: 1, TopP: 0.95, FrequencyPenalty: 0.1, Seed: 42}
		one, two := draw(p), draw(p)
		if !slices.Equal(one, two) {
			t.Error("the same seed gives two texts")
		}
		p.Seed++
		if slices.Equal(one, draw(p)) {
			t.Error("two seeds give the same text")
		}
	})
}

func TestLogprobs(t *testing.T) {
	t.Parallel()
	computes(t, func(t *testing.T, c *kernel.Compute) {
		r := rand.New(rand.NewPCG(9, 10))
		for shape := range shapes {
			for _, n := range []int{5, 1000, 9001} {
				x := row(r, n, shape)
				want := reference(Params{Temperature: 1}, x, nil, nil, nil)
				s := New(Params{Temperature: 0.2, TopK: 3, RepeatPenalty: 2}, n, c)
				s.Prompt([]int32{0, 1, 2})
				got, top := s.Logprobs(x, 3, 20)
				check := func(id int32, got float32) {
					t.Helper()
					if w := math.Log(want[id]); math.Abs(float64(got)-w) > 1e-4 && !(math.IsInf(w, -1) && math.IsInf(float64(got), -1)) {
						t.Errorf("%s of %d: token %d has %g, want %g", shape, n, id, got, w)
					}
				}
				check(3, got)
				possible := 0
				for _, q := range want {
					if q > 0 {
						possible++
					}
				}
				if len(top) != min(20, possible) {
					t.Errorf("%s of %d: %d alternatives", shape, n, len(top))
				}
				taken := map[int32]bool{}
				for i, a := range top {
					check(a.ID, a.Logprob)
					taken[a.ID] = true
					if i > 0 && (x[top[i-1].ID] < x[a.ID] || x[top[i-1].ID] == x[a.ID] && top[i-1].ID > a.ID) {
						t.Errorf("%s of %d: alternatives %d and %d are not in order", shape, n, i-1, i)
					}
				}
				for id, q := range want {
					if last := top[len(top)-1]; !taken[int32(id)] && math.Log(q) > float64(last.Logprob)+1e-4 {
						t.Errorf("%s of %d: token %d is missing", shape, n, id)
					}
				}
			}
		}
	})
}

// TestNotNumbers: broken logits are an error for every kind of sampling.
func TestNotNumbers(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	params := []Params{{}, {Temperature: 1}, {Temperature: 1, TopK: 5}, {Temperature: 1, TopP: 0.5}, {Temperature: 1, MinP: 0.5}}
	computes(t, func(t *testing.T, c *kernel.Compute) {
		for _, p := range params {
			for _, at := range []int{0, 7, 8, 4095, 4096, 9000} {
				for _, v := range []float32{nan, inf, -nan} {
					x := make([]float32, 9001)
					x[at] = v
					if _, err := New(p, len(x), c).Sample(x, nil); !errors.Is(err, ErrLogits) {
						t.Errorf("%v at %d with %+v: %v", v, at, p, err)
					}
					x[(at+64)%len(x)] = -inf // sums to NaN or hides
					if _, err := New(p, len(x), c).Sample(x, nil); !errors.Is(err, ErrLogits) {
						t.Errorf("%v and -Inf at %d with %+v: %v", v, at, p, err)
					}
				}
			}
			x := slices.Repeat([]float32{-inf}, 100)
			if _, err := New(p, len(x), c).Sample(x, nil); !errors.Is(err, ErrNothing) {
				t.Errorf("nothing possible with %+v: %v", p, err)
			}
			x[70] = 1
			if _, err := New(p, len(x), c).Sample(x, []uint64{^uint64(0), 1 << 7}); !errors.Is(err, ErrNothing) {
				t.Errorf("nothing possible allowed with %+v: %v", p, err)
			}
			if id, err := New(p, len(x), c).Sample(x, []uint64{0, 1 << 6}); id != 70 || err != nil {
				t.Errorf("one possible with %+v: %d, %v", p, id, err)
			}
			if _, err := New(p, len(x), c).Sample(x, []uint64{1}); err == nil {
				t.Errorf("a mask that is too short is no error")
			}
		}
	})
}

// TestExtremes: the largest numbers and penalties still make a choice.
func TestExtremes(t *testing.T) {
	t.Parallel()
	computes(t, func(t *testing.T, c *kernel.Compute) {
		x := make([]float32, 200)
		for i := range x {
			x[i] = float32(i-100) * 3e36
		}
		for _, temperature := range []float64{0, 1e-5, 1, 1000} {
			for _, p := range []Params{{}, {TopP: 0.9}, {TopK: 3}, {MinP: 0.1}, {RepeatPenalty: 1e-3}, {RepeatPenalty: 1000, FrequencyPenalty: -1000, PresencePenalty: -1000}} {
				p.Temperature = temperature
				if err := p.Validate(); err != nil {
					t.Fatal(err)
				}
				s := New(p, len(x), c)
				s.Prompt([]int32{0, 100, 199})
				for range 50 {
					id, err := s.Sample(x, nil)
					if err != nil || id < 0 || int(id) >= len(x) {
						t.Fatalf("%+v: %d, %v", p, id, err)
					}
					s.Accept(id)
				}
			}
		}
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := []Params{
		{},
		{Temperature: 2, TopP: 1, TopK: 1 << 40, MinP: 1, RepeatPenalty: 1.1, FrequencyPenalty: -2, PresencePenalty: 2, RepeatWindow: 64, Seed: math.MaxUint64},
	}
	for _, p := range good {
		if err := p.Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	nan := math.NaN()
	bad := Params{
		Temperature: nan, TopP: 1.1, TopK: -1, MinP: nan,
		RepeatPenalty: -0.1, FrequencyPenalty: math.Inf(1), PresencePenalty: nan, RepeatWindow: -1,
	}
	err := bad.Validate()
	for _, want := range []string{"temperature", "top p", "top k", "min p", "repeat penalty", "frequency", "presence", "window"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v doesn't name the %s", err, want)
		}
	}
}

// TestHead compares the selection with a sort, on many small and tied inputs.
func TestHead(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	for range 5_000 {
		n := 1 + r.IntN(200)
		c := make([]candidate, n)
		for i := range c {
			c[i] = candidate{id: int32(i), logit: float32(r.IntN(1 + r.IntN(50)))}
		}
		r.Shuffle(n, func(i, j int) { c[i], c[j] = c[j], c[i] })
		k := 1 + r.IntN(n+3)
		want := slices.SortedFunc(slices.Values(c), compare)
		got := slices.SortedFunc(slices.Values(head(c, k)), compare)
		if !slices.Equal(got, want[:min(k, n)]) {
			t.Fatalf("%d of %d: got %v, want %v", k, n, got, want[:min(k, n)])
		}
	}
}

func TestKth(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	for range 5_000 {
		x := make([]float32, 1+r.IntN(300))
		for i := range x {
			x[i] = float32(r.IntN(1 + r.IntN(400)))
			if r.IntN(10) == 0 {
				x[i] = float32(math.Inf(-1))
			}
		}
		want := slices.Sorted(slices.Values(x))
		k := 1 + r.IntN(len(x))
		if got := kth(x, k); got != want[len(want)-k] {
			t.Fatalf("number %d of %v: got %v", k, want, got)
		}
	}
}
