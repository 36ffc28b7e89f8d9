package choose

import (
	"cmp"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/fill"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// Thresholds of a part of a text; see tools/eval.
const (
	claimScore = 1.2 // with which a part asks for a tool by itself
	claimLead  = 1.1 // over the next best tool

	strongWeight = 0.9 // of arguments that say by themselves what is meant
	sureWeight   = 0.5 // of the required arguments that were found
	maxFilled    = 24  // tools whose arguments are looked for to compare them
	maxPairs     = 64  // of tools and parts of a text for which that is done
)

// Best ranks the tools for a whole text, best first.
func Best(s string, tools []*Tool) []Match {
	rare := rarity(tools)
	a := words(s)
	out := make([]Match, 0, len(tools))
	for _, t := range tools {
		out = append(out, Match{Tool: t, Score: t.compare(a, rare), Part: s})
	}
	if len(tools) > 1 && len(tools) <= maxFilled {
		for i := range out {
			out[i].Score += out[i].Tool.values(s)
		}
	}
	slices.SortStableFunc(out, func(a, b Match) int { return cmp.Compare(b.Score, a.Score) })
	return out
}

// values is what the values in a text say for a tool.
func (t *Tool) values(s string) float64 {
	v := fill.Arguments(t.Name+" "+t.Description, t.Schema, fill.Source{Text: s})[0]
	return strongWeight*(v.Known+0.3*v.Strong) + sureWeight*v.Sure
}

// Split gives the parts of a text to the tools that they ask for, in the text's
// order. A tool may have several parts, which are joined when nothing stands
// between them. A text that asks for one thing is one part.
func Split(s string, tools []*Tool) []Match {
	whole := Best(s, tools)
	if len(whole) < 2 {
		return whole
	}
	parts := cut(s)
	rare := rarity(tools)
	best := make([]*Tool, len(parts))
	scores := make([]float64, len(parts))
	claimed := map[*Tool]bool{}
	for i, p := range parts {
		a := words(p.Of(s))
		first, second := 0.0, 0.0
		var tool *Tool
		for _, t := range tools {
			score := t.compare(a, rare)
			if score > 0 && len(tools)*len(parts) <= maxPairs {
				score += t.values(p.Of(s))
			}
			switch {
			case score > first:
				first, second, tool = score, first, t
			case score > second:
				second = score
			}
		}
		if first >= claimScore && first >= claimLead*second {
			best[i], scores[i] = tool, first
			claimed[tool] = true
		}
	}
	if len(claimed) < 2 {
		return siblings(whole[:1], tools)
	}
	return siblings(join(s, parts, best, scores), tools)
}

// siblings adds the tools that a part names beside its own: "the median and the
// variance of …", where names differ in these words only.
func siblings(list []Match, tools []*Tool) []Match {
	var out []Match
	for _, m := range list {
		out = append(out, m)
		a := words(m.Part)
		for _, t := range tools {
			if t == m.Tool || slices.ContainsFunc(list, func(o Match) bool { return o.Tool == t }) {
				continue
			}
			own, other := distinct(m.Tool, t), distinct(t, m.Tool)
			if len(own) > 0 && len(other) > 0 && len(own) < len(m.Tool.name) && a.hasAll(own) && a.hasAll(other) {
				out = append(out, Match{Tool: t, Score: m.Score, Part: m.Part})
			}
		}
	}
	return out
}

// distinct lists the stems of a's name that b's has not.
func distinct(a, b *Tool) []string {
	var out []string
	for _, stem := range a.name {
		if !slices.Contains(b.name, stem) && !verbStem[stem] {
			out = append(out, stem)
		}
	}
	return out
}

func (a asked) hasAll(stems []string) bool {
	for _, s := range stems {
		if a.has(s) < 0.8 {
			return false
		}
	}
	return true
}

// verbStem are stems that names have for what is done, not for what is asked about.
var verbStem = map[string]bool{"calcul": true, "comput": true, "search": true, "analyz": true, "check": true, "creat": true, "estim": true, "predict": true, "look": true, "show": true, "book": true}

// join gives parts without a tool of their own to the one before, the first ones to
// the one after, and joins neighbours of one tool.
func join(s string, parts []text.Span, best []*Tool, scores []float64) []Match {
	first := slices.IndexFunc(best, func(t *Tool) bool { return t != nil })
	for i := range first {
		best[i] = best[first]
	}
	for i := first + 1; i < len(best); i++ {
		if best[i] == nil {
			best[i] = best[i-1]
		}
	}
	var out []Match
	for i, t := range best {
		if n := len(out); n > 0 && out[n-1].Tool == t {
			out[n-1].Part += " " + parts[i].Of(s)
			out[n-1].Score = max(out[n-1].Score, scores[i])
			continue
		}
		out = append(out, Match{Tool: t, Score: scores[i], Part: parts[i].Of(s)})
	}
	return out
}

// cut cuts a text into the parts that may ask for different things: its sentences,
// and these at semicolons, "then", "also", and at "and" before a verb or a question
// word.
func cut(s string) []text.Span {
	var out []text.Span
	for _, p := range text.Sentences(s) {
		words := text.Words(p.Of(s))
		start := p.Start
		for i := 1; i < len(words); i++ {
			at := p.Start + words[i].Start
			if at-start < 12 || words[i-1].End > words[i].Start { // scripts without spaces overlap
				continue
			}
			gap := s[p.Start+words[i-1].End : at]
			w := words[i].Norm
			next := ""
			if i+1 < len(words) {
				next = words[i+1].Norm
			}
			split := strings.Contains(gap, ";") ||
				(w == "and" || w == "then" || w == "also" || w == "plus" || w == "after" || w == "finally" || w == "lastly" || w == "additionally" || w == "next") && (starts(next) || next == "then" || next == "also" || strings.Contains(gap, ",") && w != "and") ||
				strings.Contains(gap, ",") && starts(w)
			if split {
				out = append(out, text.Span{Start: start, End: p.Start + words[i-1].End})
				start = at
			}
		}
		out = append(out, text.Span{Start: start, End: p.End})
	}
	return out
}

// starts reports whether a word begins a bid or a question of its own.
func starts(w string) bool {
	_, ok := starting[w]
	return ok
}

var starting = func() map[string]struct{} {
	m := map[string]struct{}{}
	for w := range strings.FieldsSeq("find get give show tell calculate compute determine list create make book order buy search look retrieve fetch what who when where how which identify predict estimate convert translate send set add delete remove update check play plot draw generate solve simulate analyze compare describe write reserve schedule recommend suggest provide return run start stop turn change choose evaluate measure verify filter sort extract classify rank count purchase locate obtain track submit i can could would please what's also then help let tell") {
		m[w] = struct{}{}
	}
	return m
}()
