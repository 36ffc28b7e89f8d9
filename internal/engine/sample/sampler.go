package sample

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// What Sample can fail with.
var (
	ErrLogits  = errors.New("the model computed logits that are not numbers")
	ErrNothing = errors.New("no token is allowed and possible")
)

// coldest is the temperature below which sampling is greedy: what comes second would have
// no probability in 32 bits.
const coldest = 1e-5

// Sampler chooses the tokens of one text. It is used by one goroutine at a time.
type Sampler struct {
	p     Params
	vocab int
	rng   *rand.Rand
	seen  history
	undo  []penalty
	row   field
	found []candidate
}

// New returns a sampler for rows of vocab logits. The parameters are valid. Arithmetic is
// done by c, on the goroutine that calls.
func New(p Params, vocab int, c *kernel.Compute) *Sampler {
	s := &Sampler{p: p, vocab: vocab, row: field{c: c}}
	s.rng = rand.New(rand.NewPCG(p.Seed, 0x9e3779b97f4a7c15)) //nolint:gosec // reproducible on purpose
	if p.penalizes() {
		s.seen = history{window: p.RepeatWindow, counts: map[int32]count{}}
	}
	return s
}

// Prompt takes the tokens before the text, for the repeat penalty.
func (s *Sampler) Prompt(ids []int32) {
	if !s.p.repeats() {
		return
	}
	if w := s.p.RepeatWindow; w > 0 && len(ids) > w {
		ids = ids[len(ids)-w:]
	}
	for _, id := range ids {
		s.seen.add(id, false)
	}
}

// Accept takes the next token of the text.
func (s *Sampler) Accept(id int32) {
	if s.p.penalizes() {
		s.seen.add(id, true)
	}
}

// Sample chooses a token. mask has a bit for each token that is allowed: bit id%64 of
// mask[id/64]; nil allows all. The logits are as they were when it returns. A logit of
// -Inf means that a token is impossible; +Inf and NaN are errors.
func (s *Sampler) Sample(logits []float32, mask []uint64) (int32, error) {
	if len(logits) != s.vocab || mask != nil && len(mask) != (s.vocab+block-1)/block {
		return 0, fmt.Errorf("%d logits and a mask of %d words for a vocabulary of %d", len(logits), len(mask), s.vocab)
	}
	if !s.numbers(logits) {
		return 0, ErrLogits
	}
	s.undo = s.seen.penalize(&s.p, logits, s.undo[:0])
	defer restore(logits, s.undo)
	f := &s.row
	f.set(logits, mask)
	switch {
	case !f.possible():
		return 0, ErrNothing
	case s.p.Temperature < coldest:
		return f.best(), nil
	}
	return s.draw(float32(1 / s.p.Temperature)), nil
}

// numbers reports whether no logit is NaN or +Inf.
func (s *Sampler) numbers(logits []float32) bool {
	for part := range slices.Chunk(logits, 4096) {
		if sum := float64(s.row.c.Sum(part)); !math.IsNaN(sum) && !math.IsInf(sum, 0) {
			continue // so is none of them
		}
		for _, v := range part {
			if v != v || v > math.MaxFloat32 {
				return false
			}
		}
	}
	return true
}

// draw draws from what the filters leave. Whatever they leave stands before some border,
// so that the strictest decides. Top p's is not looked for: a token is drawn from what the
// others leave, and if top p rejects it, the next one is drawn from those before it.
// Nothing about the distribution within top p's tokens changes by that, and it rarely
// happens more than once.
func (s *Sampler) draw(scale float32) int32 {
	f := &s.row
	limit, mass, need := s.filter(scale)
	for {
		drawn := f.draw(s.rng.Float64()*mass, limit, scale)
		if math.IsInf(need, 1) {
			return drawn.id
		}
		// What is before the most likely token weighs nothing, which ends this at last.
		above := f.weigh(border(drawn), scale)
		if above < need {
			return drawn.id
		}
		limit, mass = border(drawn), above
	}
}

// filter returns the border of top k and min p, what is before it weighs, and what top p
// needs: tokens follow until those before them weigh as much.
func (s *Sampler) filter(scale float32) (limit border, mass, need float64) {
	f := &s.row
	limit, need = everything(), math.Inf(1)
	if k := s.p.TopK; k > 0 && k < s.vocab {
		likely := s.mostLikely(k)
		limit = after(slices.MaxFunc(likely, compare))
	}
	if p := s.p.TopP; p > 0 && p < 1 {
		mass = f.weigh(limit, scale)
		need = p * mass
		if s.p.MinP == 0 {
			return limit, mass, need
		}
	}
	if s.p.MinP > 0 {
		least := reaching(f.top + float32(math.Log(s.p.MinP)/float64(scale)))
		if limit.follows(candidate(least)) {
			limit = least
		}
	}
	return limit, f.weigh(limit, scale), need
}

// mostLikely returns the k most likely tokens, in no order.
func (s *Sampler) mostLikely(k int) []candidate {
	s.found = s.row.gather(s.found[:0], s.row.kthTop(k))
	return head(s.found, k)
}

// Logprobs returns the log-probability of a token in the unmodified distribution, and
// the n most likely tokens in order. It is given the row that Sample was.
func (s *Sampler) Logprobs(logits []float32, id int32, n int) (float32, []Candidate) {
	f := &s.row
	f.set(logits, nil)
	norm := float64(f.top) + math.Log(f.weigh(everything(), 1))
	logprob := func(logit float32) float32 { return float32(float64(logit) - norm) }
	var top []Candidate
	if n = min(n, s.vocab); n > 0 {
		likely := s.mostLikely(n)
		slices.SortFunc(likely, compare)
		top = make([]Candidate, len(likely))
		for i, c := range likely {
			top[i] = Candidate{ID: c.id, Logprob: logprob(c.logit)}
		}
	}
	return logprob(logits[id]), top
}
