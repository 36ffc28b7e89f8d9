package reader

import (
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// accepts says how well a mention suits as the answer, 0 to 1, by its kind alone.
func (q *question) accepts(m *mention.Mention) float64 {
	switch q.wants {
	case wantPerson:
		if m.Kind == mention.Name {
			return 1
		}
	case wantName:
		switch m.Kind {
		case mention.Name, mention.Quote, mention.ID, mention.URL, mention.Email:
			return 1
		case mention.Number, mention.Date:
			return 0.2
		default:
		}
	case wantPlace:
		if m.Kind == mention.Name {
			return 1
		}
	case wantDate:
		switch {
		case m.Kind == mention.Date && m.Day.ISO() != "":
			if q.year && m.Day.Year == 0 {
				return 0.2
			}
			return 1
		case m.Kind == mention.Date || m.Kind == mention.Time:
			return 0.6
		case m.Kind == mention.Number && m.Integer && m.Value >= 1000 && m.Value <= 2100 && !measured(m):
			return 0.8
		}
	case wantNumber:
		return q.acceptsNumber(m)
	default:
	}
	return 0
}

// measured reports whether a number has a unit of measure.
func measured(m *mention.Mention) bool {
	_, known := mention.Dimension(m.Unit)
	return known || m.Percent || m.Currency != ""
}

func (q *question) acceptsNumber(m *mention.Mention) float64 {
	if m.Kind != mention.Number {
		if m.Kind == mention.Date || m.Kind == mention.Time {
			return 0.1
		}
		return 0
	}
	if m.Ordinal {
		return 0.1
	}
	want := ""
	switch q.unit {
	case "long":
		want = "time length"
	case "old", "often", "soon", "late", "early", "frequently":
		want = "time"
	case "far", "tall", "high", "deep", "wide", "large", "big":
		want = "length area"
	case "heavy":
		want = "mass"
	case "hot", "cold":
		want = "temperature"
	case "fast":
		want = "speed"
	}
	for _, f := range q.focus {
		if f == text.Stem(m.Unit) && f != "" {
			return 1.3
		}
		switch f {
		case "percentag", "percent", "proport":
			want = "percent"
		case "monei", "price", "cost", "fee", "salari":
			want = "money"
		}
	}
	dim, known := mention.Dimension(m.Unit)
	if m.Percent {
		dim, known = "percent", true
	}
	if m.Currency != "" {
		dim, known = "money", true
	}
	switch {
	case want == "" && m.Unit != "" && !known && !text.Stopword(m.Unit) && !q.has(text.Stem(m.Unit)):
		return 0.6 // a number of something else
	case want == "":
		return 0.9
	case known && strings.Contains(want, dim):
		return 1.3
	case known:
		return 0.4
	}
	return 0.7
}

// inQuestion reports whether all the words of a mention stand in the question.
func inQuestion(q *question, t *mention.Text, m *mention.Mention) bool {
	if m.T0 == m.T1 {
		return false
	}
	for _, w := range t.Words[m.T0:m.T1] {
		if text.Stopword(w.Norm) {
			continue
		}
		if !q.has(text.Stem(w.Norm)) {
			return false
		}
	}
	return true
}

// has reports whether the question has a word of this stem.
func (q *question) has(stem string) bool {
	for i := range q.terms {
		if q.terms[i].stem == stem {
			return true
		}
	}
	return false
}

// short returns the part of a sentence that answers a question for a fact, or "".
// It is the mention of the right kind that stands nearest to the question's
// words.
func (r *ranker) short(s *sentence) string {
	q := r.q
	if !q.wants.fact() {
		return ""
	}
	t := mention.Find(s.show)
	// Where the question's words stand, and how much they tell.
	weight := make([]float64, len(t.Words))
	for i, w := range t.Words {
		if text.Stopword(w.Norm) {
			continue
		}
		stem := text.Stem(w.Norm)
		for j := range q.terms {
			if q.terms[j].stem == stem {
				weight[i] = r.index.IDF(stem)
			} else if weight[i] == 0 && slices.Contains(q.terms[j].also, stem) {
				weight[i] = 0.6 * r.index.IDF(stem)
			}
		}
	}
	best, bestScore := "", 0.0
	consider := func(m *mention.Mention, fit float64) {
		if fit < 0.5 || inQuestion(q, t, m) {
			return
		}
		if score := fit * q.context(t, m) * (0.3 + r.nearness(t, m, weight)); score > bestScore {
			best, bestScore = shown(s.show, m), score
		}
	}
	for i := range t.Mentions {
		consider(&t.Mentions[i], q.accepts(&t.Mentions[i]))
	}
	return best
}

// context is how well the words around a mention suit the question: "in" before a
// place, the noun asked for inside or right after a name.
func (q *question) context(t *mention.Text, m *mention.Mention) float64 {
	f := 1.0
	for _, w := range t.Words[m.T0:m.T1] {
		if slices.Contains(q.focus, text.Stem(w.Norm)) {
			f = 1.5
		}
	}
	if m.T1 < len(t.Words) && m.Kind != mention.Number && slices.Contains(q.focus, text.Stem(t.Words[m.T1].Norm)) {
		f = 1.3
	}
	before := ""
	if m.T0 > 0 {
		before = t.Words[m.T0-1].Norm
	}
	place := before == "in" || before == "at" || before == "near" || before == "from" || before == "to"
	switch {
	case q.wants == wantPlace && place:
		f *= 1.4
	case q.wants == wantPerson && place:
		f *= 0.6
	case q.wants == wantPerson && m.T1-m.T0 > 1:
		f *= 1.15
	}
	if m.T0 == 0 && m.Kind == mention.Name && m.T1 == 1 && m.T1 < len(t.Words) && t.Words[1].Norm == strings.ToLower(t.Words[1].Of(t.S)) && !verbAfter(t.Words[1].Norm) {
		f *= 0.6 // "Late outbreaks": a capital only for the sentence's sake
	}
	return f
}

// verbAfter reports whether a word after the first one is likely the verb of which
// that is the subject.
func verbAfter(w string) bool {
	switch w {
	case "is", "was", "had", "has", "did", "and", "became", "won", "led", "also", "then", "wrote", "said", "made":
		return true
	}
	return strings.HasSuffix(w, "ed")
}

// nearness sums the weights of the question's words over their distance to a mention.
func (r *ranker) nearness(t *mention.Text, m *mention.Mention, weight []float64) float64 {
	sum := 0.0
	for i, w := range weight {
		if w == 0 || i >= m.T0 && i < m.T1 {
			continue
		}
		d := float64(m.T0 - i)
		if i >= m.T1 {
			d = float64(i-m.T1) + 0.8
		}
		// A clause's end stands between.
		lo, hi := min(t.Words[i].End, m.End), max(t.Words[i].Start, m.Start)
		if lo < hi && strings.ContainsAny(t.S[lo:hi], ",;:()") {
			d += 2
		}
		sum += w / (1 + 0.35*d)
	}
	return sum
}

// shown returns a mention as the sentence writes it; a number with its unit.
func shown(s string, m *mention.Mention) string {
	if m.Kind == mention.Number {
		if from, to := numberRange(s, m.Start, m.End); to-from > m.Len() {
			return s[from:to]
		}
	}
	if m.Kind == mention.Number && m.Unit != "" && !m.Percent {
		rest := s[m.End:]
		trimmed := strings.TrimLeft(rest, " -")
		if n := len(m.Unit); len(trimmed) >= n && strings.EqualFold(trimmed[:n], m.Unit) {
			if _, ok := mention.Dimension(m.Unit); ok {
				return s[m.Start : m.End+len(rest)-len(trimmed)+n]
			}
		}
	}
	return m.Text
}

// numberRange widens a number to the range or score it is part of: "100–150", "20-18".
func numberRange(s string, from, to int) (int, int) {
	for _, dash := range []string{"–", "-", "—"} {
		if rest, ok := strings.CutPrefix(s[to:], dash); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			to += len(dash)
			for to < len(s) && s[to] >= '0' && s[to] <= '9' {
				to++
			}
		}
		if strings.HasSuffix(s[:from], dash) {
			start := from - len(dash)
			for start > 0 && s[start-1] >= '0' && s[start-1] <= '9' {
				start--
			}
			if start < from-len(dash) {
				from = start
			}
		}
	}
	return from, to
}
