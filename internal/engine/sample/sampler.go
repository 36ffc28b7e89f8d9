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
	exps  []float32
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
	scale := float32(1 / s.p.Temperature)
	if s.filters() {
		return s.pick(s.filter(scale)), nil
	}
	return f.draw(s.rng.Float64()*f.mass(scale), scale), nil
}

// numbers reports whether no logit is NaN or +Inf.
func (s *Sampler) numbers(logits []float32) bool {
	for part := range slices.Chunk(logits, chunk) {
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

// filters reports whether a filter has something to do.
func (s *Sampler) filters() bool {
	return s.topK() || s.topP() || s.p.MinP > 0
}

func (s *Sampler) topK() bool { return s.p.TopK > 0 && s.p.TopK < s.vocab }
func (s *Sampler) topP() bool { return s.p.TopP > 0 && s.p.TopP < 1 }

// filter returns the tokens that top k, top p and min p leave, with their weights.
func (s *Sampler) filter(scale float32) []candidate {
	var kept []candidate
	if s.topK() {
		kept = s.mostLikely(s.p.TopK)
		total := s.weigh(kept, scale)
		if s.topP() {
			kept = kept[:head(kept, s.p.TopP*total)]
		}
	} else {
		kept = s.nucleus(scale)
	}
	if s.p.MinP > 0 {
		// The most likely token weighs 1.
		kept = slices.DeleteFunc(kept, func(c candidate) bool { return float64(c.weight) < s.p.MinP })
	}
	return kept
}

// mostLikely returns the k most likely tokens, in no order.
func (s *Sampler) mostLikely(k int) []candidate {
	s.found = s.row.gather(s.found[:0], s.row.kthTop(k))
	for i := range s.found {
		s.found[i].weight = 1
	}
	return s.found[:head(s.found, float64(k))]
}

// nucleus returns the tokens that top p keeps, without those that min p drops for sure.
func (s *Sampler) nucleus(scale float32) []candidate {
	// A bit lower than min p demands, for the logarithm may be rounded. -Inf without.
	lowest := math.Log(s.p.MinP) - 1e-3
	if !s.topP() {
		s.within(lowest, scale)
		return s.found
	}
	need := s.p.TopP * s.row.mass(scale)
	for depth := -8.0; ; depth *= 2 {
		if depth < lowest || depth < -256 {
			depth = lowest
		}
		if s.within(depth, scale) >= need || depth == lowest {
			return s.found[:head(s.found, need)]
		}
	}
}

// within finds the tokens whose weights' logarithms reach depth, and returns the sum of
// their weights.
func (s *Sampler) within(depth float64, scale float32) float64 {
	s.found = s.row.gather(s.found[:0], s.row.top+float32(depth/float64(scale)))
	return s.weigh(s.found, scale)
}

// weigh gives candidates the weight exp(scale·(logit-top)) and returns the sum.
func (s *Sampler) weigh(c []candidate, scale float32) float64 {
	s.exps = s.exps[:0]
	for i := range c {
		s.exps = append(s.exps, c[i].logit)
	}
	s.row.c.ExpSum(s.exps, s.row.top, scale)
	total := 0.0
	for i := range c {
		c[i].weight = s.exps[i]
		total += float64(s.exps[i])
	}
	return total
}

// pick draws one of the candidates by their weights.
func (s *Sampler) pick(c []candidate) int32 {
	total := 0.0
	for i := range c {
		total += float64(c[i].weight)
	}
	u := s.rng.Float64() * total
	last := int32(0)
	for i := range c {
		if c[i].weight == 0 {
			continue
		}
		last = c[i].id
		if u -= float64(c[i].weight); u < 0 {
			break
		}
	}
	return last
}

// Logprobs returns the log-probability of a token in the unmodified distribution, and
// the n most likely tokens in order. It is given the row that Sample was.
func (s *Sampler) Logprobs(logits []float32, id int32, n int) (float32, []Candidate) {
	f := &s.row
	f.set(logits, nil)
	norm := float64(f.top) + math.Log(f.mass(1))
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
