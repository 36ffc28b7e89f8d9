package reader

import (
	"cmp"
	"math"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// How much a summary says.
const (
	summaryShare = 8 // one sentence in so many
	summaryMin   = 2
	summaryMax   = 6
	firstBonus   = 0.3 // of a passage's first sentence
)

// summarise quotes the sentences that say most of what the material says: those
// whose words it uses most, each word counted once, early sentences first among
// equals. They stand in the order of their source.
func summarise(m *material) []llm.Block {
	wanted := summarised(m)
	count := map[string]float64{}
	for _, i := range wanted {
		for _, t := range m.sentences[i].terms {
			count[t]++
		}
	}
	n := min(max(len(wanted)/summaryShare, summaryMin), summaryMax, len(wanted))
	var picked []int
	said := map[string]bool{}
	for len(picked) < n {
		best, bestScore := -1, 0.0
		for k, i := range wanted {
			if slices.Contains(picked, i) {
				continue
			}
			score := gist(&m.sentences[i], count, said)
			if k == 0 || m.sentences[i].passage != m.sentences[wanted[k-1]].passage {
				score *= 1 + firstBonus
			}
			if score > bestScore {
				best, bestScore = i, score
			}
		}
		if best < 0 {
			break
		}
		picked = append(picked, best)
		for _, t := range m.sentences[best].terms {
			said[t] = true
		}
	}
	slices.Sort(picked)
	c := &composer{m: m}
	for k, i := range picked {
		if k > 0 {
			c.say(" ")
		}
		c.quote(&m.sentences[i], clip(m.sentences[i].show))
	}
	m.notes(c)
	return c.blocks
}

// maxSummarised bounds the work on long texts: every so many sentences are looked at.
const maxSummarised = 4000

// summarised returns the sentences worth summarising: of the documents and the
// message itself, when there are any, and not its headings.
func summarised(m *material) []int {
	best := slices.MinFunc(m.sources, func(a, b source) int { return cmp.Compare(rankOrigin(a.origin), rankOrigin(b.origin)) })
	var out []int
	for i := range m.sentences {
		s := &m.sentences[i]
		if rankOrigin(m.sources[s.src].origin) == rankOrigin(best.origin) && !s.heading && len(s.terms) > 2 {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		for i := range m.sentences {
			out = append(out, i)
		}
	}
	if step := (len(out) + maxSummarised - 1) / maxSummarised; step > 1 {
		kept := out[:0]
		for i := 0; i < len(out); i += step {
			kept = append(kept, out[i])
		}
		out = kept
	}
	return out
}

// rankOrigin orders origins by how likely the user means them by "summarise".
func rankOrigin(o origin) int {
	switch o {
	case fromDocument, fromSearch, fromGuard, fromAsk, fromResult:
		return 0
	case fromTurn:
		return 1
	default:
		return 2
	}
}

// gist is how much of what the text is about a sentence says that is not said yet.
func gist(s *sentence, count map[string]float64, said map[string]bool) float64 {
	sum := 0.0
	seen := map[string]bool{}
	for _, t := range s.terms {
		if !said[t] && !seen[t] {
			seen[t] = true
			sum += count[t]
		}
	}
	return sum / math.Sqrt(float64(len(s.terms)+8))
}
