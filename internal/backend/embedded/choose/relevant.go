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
	Pairs   float64 // neighbouring words of the text that the tool both has, up to 3
	Bid     float64 // 1 when the text bids, 0 when it is a question
	Focus   float64 // share of what is asked for, the words after "what is the" or the verb, that name or describe the tool
	Strong  float64 // choices of the tool's that the text names, up to 2
	Known   float64 // values that only such a tool can mean, up to 2
}

// Relevant says how sure it is, 0 to 1, that a text asks for a tool, given the
// arguments that were found for it.
func (t *Tool) Relevant(s string, v fill.Values) float64 {
	e := t.Evidence(s, v)
	// Fitted by logistic regression on the evaluation's development half; see tools/eval.
	if e.Named == 0 && e.Covered == 0 && e.Strong+e.Known == 0 {
		return 0 // nothing in common
	}
	x := -4.75 + 2.9*e.Named + 2.65*e.Filled + 0.55*e.Pairs + 0.9*e.Strong + 1.6*e.Known + 2.15*e.Bid + 1.1*e.Focus
	return 1 / (1 + math.Exp(-x))
}

// Meant says how sure it would be that a text asks for a tool if all arguments were
// there: whether it is worth asking for those that are not.
func (t *Tool) Meant(s string, v fill.Values) float64 {
	v.Sure = 1
	return t.Relevant(s, v)
}

// Evidence collects what speaks for a call.
func (t *Tool) Evidence(s string, v fill.Values) Evidence {
	a := words(s)
	e := Evidence{Named: t.named(a), Filled: v.Sure, Strong: min(v.Strong, 2), Known: min(v.Known, 2), Focus: t.focus(s)}
	if !question(s) {
		e.Bid = 1
	}
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
			continue
		}
		total++
		if weight := t.weight(stem); weight > 0 {
			held += 0.3 + 0.7*weight
			if prev != "" {
				e.Pairs++
			}
			prev = stem
		} else {
			prev = ""
		}
	}
	if total > 0 {
		e.Covered = held / total
	}
	e.Pairs = min(e.Pairs, 3)
	return e
}

// question reports whether a text asks rather than bids: "can you …" bids.
func question(s string) bool {
	for _, w := range text.Words(s) {
		switch w.Norm {
		case "what", "who", "when", "where", "why", "which", "whose", "what's", "how", "who's", "where's":
			return true
		case "is", "are", "was", "were", "do", "does", "did", "has", "have":
			return true
		default:
			return false
		}
	}
	return false
}

// maxFocus is how many words say what is asked for.
const maxFocus = 3

// focus is the share of the first content words of a text, up to the next small
// word, that the tool's name or description has.
func (t *Tool) focus(s string) float64 {
	n, held := 0.0, 0.0
	for _, w := range text.Words(s) {
		if text.Stopword(w.Norm) || noise[w.Norm] {
			if n > 0 {
				break
			}
			continue
		}
		stem := text.Stem(w.Norm)
		if generic[stem] || verbs[w.Norm] {
			continue
		}
		n++
		switch weight := t.weight(stem); {
		case weight >= 0.7:
			held++
		case weight >= 0.45:
			held += 0.6
		case weight > 0:
			held += 0.3
		}
		if n == maxFocus {
			break
		}
	}
	if n == 0 {
		return 0.5
	}
	return held / n
}

// verbs of bidding, which most tools' descriptions have.
var verbs = map[string]bool{"calculate": true, "compute": true, "determine": true, "identify": true, "create": true, "search": true, "look": true, "check": true, "make": true}
