package sample

import (
	"cmp"
	"math"
	"slices"
)

// reference is the distribution that p and mask leave of logits, written as the
// definitions read: whole vectors, full sorts, float64. before are the prompt's tokens,
// chosen the text's.
func reference(p Params, logits []float32, mask []uint64, before, chosen []int32) []float64 {
	x := make([]float64, len(logits))
	for i, v := range logits {
		x[i] = float64(v)
		if mask != nil && mask[i/64]>>(i%64)&1 == 0 {
			x[i] = math.Inf(-1)
		}
	}
	penalizeReference(p, x, before, chosen)
	if p.Temperature == 0 {
		probs := make([]float64, len(x))
		probs[slices.Index(x, slices.Max(x))] = 1
		return probs
	}
	for i := range x {
		x[i] /= p.Temperature
	}
	// Ranks of the tokens, the most likely first.
	rank := make([]int, len(x))
	for i := range rank {
		rank[i] = i
	}
	slices.SortStableFunc(rank, func(a, b int) int { return cmp.Compare(x[b], x[a]) })
	if p.TopK > 0 && p.TopK < len(x) {
		for _, i := range rank[p.TopK:] {
			x[i] = math.Inf(-1)
		}
	}
	if p.TopP > 0 && p.TopP < 1 {
		probs := softmax(x)
		sum := 0.0
		for _, i := range rank {
			if sum >= p.TopP {
				x[i] = math.Inf(-1)
			}
			sum += probs[i]
		}
	}
	probs := softmax(x)
	if least := p.MinP * slices.Max(probs); least > 0 {
		for i, q := range probs {
			if q < least {
				x[i] = math.Inf(-1)
			}
		}
	}
	return softmax(x)
}

func penalizeReference(p Params, x []float64, before, chosen []int32) {
	all := slices.Concat(before, chosen)
	text := chosen
	if w := p.RepeatWindow; w > 0 && len(all) > w {
		all = all[len(all)-w:]
		text = text[max(0, len(text)-w):]
	}
	for id := range x {
		if p.RepeatPenalty != 0 && slices.Contains(all, int32(id)) {
			if x[id] > 0 {
				x[id] /= p.RepeatPenalty
			} else {
				x[id] *= p.RepeatPenalty
			}
		}
		n := 0
		for _, c := range text {
			if int(c) == id {
				n++
			}
		}
		if n > 0 {
			x[id] -= p.FrequencyPenalty*float64(n) + p.PresencePenalty
		}
	}
}

func softmax(x []float64) []float64 {
	top, sum := slices.Max(x), 0.0
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Exp(v - top)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}
