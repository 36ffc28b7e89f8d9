package fill

import (
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
)

// alignKey is a slot and a candidate that stand at the same place of two rows.
type alignKey struct {
	slot *slot
	cand *cand
}

const (
	alignScore = 1.2
	alignBack  = 16 // words before the values in which the slots are named
)

// align finds values that come in the order in which their slots were named before:
// "base and height as 6 cm and 10 cm".
func (f *filler) align() {
	f.alignment = map[alignKey]float64{}
	for i := 0; i < len(f.cands); {
		end := i + 1
		for end < len(f.cands) && f.cands[end].run == f.cands[i].run && f.cands[end].Kind == f.cands[i].Kind {
			end++
		}
		if f.cands[i].Kind == mention.Number && end-i > 1 {
			if named := f.namedBefore(f.cands[i].T0); len(named) == end-i {
				for j, s := range named {
					f.alignment[alignKey{s, f.cands[i+j]}] = alignScore
				}
			}
		}
		i = end
	}
}

// namedBefore lists the number slots that the words before word i name, in the
// order of the text.
func (f *filler) namedBefore(i int) []*slot {
	type found struct {
		slot *slot
		at   int
	}
	var list []found
	for j := i - 1; j >= 0 && j >= i-alignBack; j-- {
		if strings.ContainsAny(f.t.Gap(j), ".!?;\n") {
			break
		}
		if o := f.owner[j]; o >= 0 && f.cands[o].Kind == mention.Number && !f.cands[o].Word {
			break
		}
		for _, s := range f.slots {
			if !s.isNumber() || s.isArray() || slices.ContainsFunc(list, func(x found) bool { return x.slot == s }) {
				continue
			}
			if s.words[f.stems[j]] >= 0.6 {
				list = append(list, found{s, j})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b found) int { return a.at - b.at })
	out := make([]*slot, len(list))
	for k, x := range list {
		out[k] = x.slot
	}
	return out
}
