package choose

import (
	"math"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/fill"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// Evidence is what speaks for a call.
type Evidence struct {
	Named   float64 // share of the tool's name that the text has
	Covered float64 // share of the text's words, values aside, that the tool has
	Filled  float64 // share of the required arguments that were found
	Pairs   float64 // neighbouring words of the text that neighbour in the description
}

// Relevant says how sure it is, 0 to 1, that a text asks for a tool, given the
// arguments that were found for it.
func (t *Tool) Relevant(s string, v fill.Values) float64 {
	e := t.Evidence(s, v)
	// Fitted by logistic regression on the evaluation's development half; see tools/eval.
	x := -3.2 + 2.6*e.Named + 2.4*e.Covered + 2.0*e.Filled + 0.8*min(e.Pairs, 2)
	return 1 / (1 + math.Exp(-x))
}

// Evidence collects what speaks for a call.
func (t *Tool) Evidence(s string, v fill.Values) Evidence {
	a := words(s)
	e := Evidence{Named: t.named(a), Filled: v.Sure}
	used := func(at int) bool {
		for _, p := range v.Words {
			if p.Start <= at && at < p.End {
				return true
			}
		}
		return false
	}
	total, held := 0.0, 0.0
	prev := ""
	for _, w := range text.Words(s) {
		stem := text.Stem(w.Norm)
		if text.Stopword(w.Norm) || noise[w.Norm] || used(w.Start) {
			prev = ""
			continue
		}
		total++
		if t.words[stem] > 0 {
			held++
			if prev != "" {
				e.Pairs++
			}
			prev = stem
		} else {
			prev = ""
			for name := range t.words {
				if len(stem) > 4 && len(name) > 4 && (name[:4] == stem[:4]) {
					held += 0.5
					break
				}
			}
		}
	}
	if total > 0 {
		e.Covered = held / total
	}
	return e
}
