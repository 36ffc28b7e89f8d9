package sample

import "math"

// history counts the tokens that penalties look at: the last window of them, or all if
// window is 0.
type history struct {
	window int
	counts map[int32]count
	ring   []entry // the last tokens if there is a window
	oldest int     // in ring, once it is full
}

// count is how often a token stands in the window.
type count struct{ all, chosen int32 }

// entry is one token of the window.
type entry struct {
	id     int32
	chosen bool
}

// add takes the next token of the prompt, or one that was chosen.
func (h *history) add(id int32, chosen bool) {
	e := entry{id, chosen}
	switch {
	case h.window == 0:
	case len(h.ring) < h.window:
		h.ring = append(h.ring, e)
	default:
		h.change(h.ring[h.oldest], -1)
		h.ring[h.oldest] = e
		h.oldest = (h.oldest + 1) % h.window
	}
	h.change(e, 1)
}

func (h *history) change(e entry, by int32) {
	c := h.counts[e.id]
	c.all += by
	if e.chosen {
		c.chosen += by
	}
	if c.all == 0 {
		delete(h.counts, e.id)
		return
	}
	h.counts[e.id] = c
}

// penalty is a logit before its penalty.
type penalty struct {
	id    int32
	logit float32
}

// penalize changes the logits of the counted tokens and appends to undo what they were.
func (h *history) penalize(p *Params, logits []float32, undo []penalty) []penalty {
	for id, n := range h.counts {
		old := logits[id]
		v := float64(old)
		if p.repeats() {
			if v > 0 {
				v /= p.RepeatPenalty
			} else {
				v *= p.RepeatPenalty
			}
		}
		if n.chosen > 0 {
			v -= p.FrequencyPenalty*float64(n.chosen) + p.PresencePenalty
		}
		undo = append(undo, penalty{id, old})
		if !math.IsInf(v, 0) { // -Inf is none of the possible tokens and stays so
			v = min(max(v, -math.MaxFloat32), math.MaxFloat32)
		}
		logits[id] = float32(v)
	}
	return undo
}

// restore takes penalties back.
func restore(logits []float32, undo []penalty) {
	for _, u := range undo {
		logits[u.id] = u.logit
	}
}
