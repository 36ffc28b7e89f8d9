package reader

import (
	"cmp"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// hit is a sentence with its score for a question.
type hit struct {
	sentence int
	score    float64
	// cover is the share of the question's weight that the sentence, its headings
	// and its neighbourhood hold, 0 to 1.
	cover float64
}

// The weights of what makes a sentence an answer, found by hand on the evaluation's
// development half; see tools/eval.
const (
	passageWeight = 0.55 // of the paragraph's own score
	topicWeight   = 0.4  // of terms in the headings above
	pairWeight    = 0.6  // of two question words side by side
	alsoWeight    = 0.6  // of a synonym
	beforeWeight  = 0.35 // of the sentence before, when this one points back
	familyWeight  = 0.5  // of another word of the same family
	nearWeight    = 0.15 // of a term in a neighbouring sentence
	kindWeight    = 1.6  // of a candidate of the kind asked for
	fullWeight    = 6.0  // of a question's words together, from which kindWeight counts whole
	headingFactor = 0.4
	askFactor     = 0.5 // a sentence that is itself a question
	systemFactor  = 0.7
	turnFactor    = 0.8
	candidates    = 40 // sentences looked at closely
)

// ranker scores the sentences of a request.
type ranker struct {
	m        *material
	q        *question
	index    *text.BM25
	passages *text.BM25
}

func newRanker(m *material, q *question) *ranker {
	docs := make([][]string, len(m.sentences))
	pass := make([][]string, m.passages+1)
	for i := range m.sentences {
		s := &m.sentences[i]
		docs[i] = s.terms
		if pass[s.passage] == nil {
			pass[s.passage] = append(pass[s.passage], s.topic...)
		}
		pass[s.passage] = append(pass[s.passage], s.terms...)
	}
	return &ranker{m: m, q: q, index: text.NewBM25(docs), passages: text.NewBM25(pass)}
}

// rank returns the best sentences, best first. Ties keep the request's order.
func (r *ranker) rank() []hit {
	n := len(r.m.sentences)
	own := make([]float64, n)
	around := make([]float64, r.m.passages+1)
	for _, t := range r.q.terms {
		r.index.Add(own, t.stem, t.weight)
		r.passages.Add(around, t.stem, t.weight)
		for _, also := range t.also {
			r.index.Add(own, also, t.weight*alsoWeight/float64(len(t.also)/3+1))
			r.passages.Add(around, also, t.weight*alsoWeight/float64(len(t.also)/3+1))
		}
	}
	hits := make([]hit, 0, n)
	for i := range r.m.sentences {
		s := &r.m.sentences[i]
		score := own[i] + passageWeight*around[s.passage] + beforeWeight*r.before(i, own)
		if score <= 0 {
			continue
		}
		hits = append(hits, hit{sentence: i, score: score * r.factor(s)})
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	hits = hits[:min(len(hits), candidates)]
	for i := range hits {
		r.refine(&hits[i])
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	return hits
}

// factor is how much a sentence counts by what it is and where it stands.
func (r *ranker) factor(s *sentence) float64 {
	f := 1.0
	if s.heading {
		f *= headingFactor
	}
	if n := len(s.show); n > 0 && (s.show[n-1] == '?') {
		f *= askFactor
	}
	switch r.m.sources[s.src].origin {
	case fromSystem:
		f *= systemFactor
	case fromTurn:
		f *= turnFactor
	default:
	}
	return f
}

// before returns the score of the sentence before, when this one begins with a word
// that points back to it.
func (r *ranker) before(i int, own []float64) float64 {
	if i == 0 || r.m.sentences[i-1].passage != r.m.sentences[i].passage {
		return 0
	}
	if !pointsBack(r.m.sentences[i].show) {
		return 0
	}
	return own[i-1]
}

func pointsBack(s string) bool {
	words := text.Words(s[:min(len(s), 40)])
	if len(words) == 0 {
		return false
	}
	switch words[0].Norm {
	case "he", "she", "it", "they", "this", "these", "that", "those", "his", "her", "its", "their", "him", "them", "such", "both", "however", "instead", "er", "sie", "es", "diese", "dieser", "il", "elle", "ils", "elles", "cette", "el", "ella", "ellos", "esta", "este", "lui", "lei", "essa", "questo", "questa":
		return true
	}
	return false
}

// refine adds what is worth looking at only in the best sentences.
func (r *ranker) refine(h *hit) {
	s := &r.m.sentences[h.sentence]
	at := map[string]int{}
	for i, t := range s.terms {
		at[t] = i + 1
	}
	for _, p := range r.q.pairs {
		if a, b := at[p[0]], at[p[1]]; a > 0 && b > 0 && b-a <= 2 && b-a >= -2 {
			h.score += pairWeight * (r.index.IDF(p[0]) + r.index.IDF(p[1])) / 2
		}
	}
	topic := map[string]bool{}
	for _, t := range s.topic {
		topic[t] = true
	}
	total, held := 0.0, 0.0
	for _, t := range r.q.terms {
		idf := r.index.IDF(t.stem) * t.weight
		total += idf
		switch {
		case at[t.stem] > 0:
			held += idf
		case topic[t.stem]:
			held += idf
			h.score += topicWeight * idf
		case hasAny(at, t.also):
			held += 0.7 * idf
		case hasFamily(s.terms, t.stem):
			held += 0.7 * idf
			h.score += familyWeight * idf
		case r.near(h.sentence, t.stem):
			held += 0.6 * idf
			h.score += nearWeight * idf
		}
	}
	if total > 0 {
		h.cover = held / total
	}
	if r.q.wants.fact() || r.q.wants == wantReason {
		// Where few sentences are given, words weigh little: the kind must not
		// outweigh a sentence that holds all of them.
		h.score += kindWeight * r.fits(s) * min(1, total/fullWeight)
	}
}

func hasAny(at map[string]int, stems []string) bool {
	for _, s := range stems {
		if at[s] > 0 {
			return true
		}
	}
	return false
}

// family is the length of the beginning that words of one family share.
const family = 5

// hasFamily reports whether a term is of the stem's family: it shares its beginning
// ("religi" and "religion"), or names who does it ("own" and "owner").
func hasFamily(terms []string, stem string) bool {
	for _, t := range terms {
		if len(stem) >= family && len(t) >= family && t[:family] == stem[:family] {
			return true
		}
		if len(stem) >= 3 && len(t) >= 3 && (agent(stem, t) || agent(t, stem)) {
			return true
		}
	}
	return false
}

// agent reports whether noun names who does what the verb says.
func agent(verb, noun string) bool {
	rest, ok := strings.CutPrefix(noun, strings.TrimSuffix(verb, "e"))
	return ok && (rest == "er" || rest == "or")
}

// near reports whether a neighbouring sentence of the passage has the term.
func (r *ranker) near(i int, stem string) bool {
	for _, j := range []int{i - 1, i + 1, i - 2} {
		if j >= 0 && j < len(r.m.sentences) && r.m.sentences[j].passage == r.m.sentences[i].passage && slices.Contains(r.m.sentences[j].terms, stem) {
			return true
		}
	}
	return false
}

// fits says how sure it is that a sentence holds an answer of the kind asked for.
func (r *ranker) fits(s *sentence) float64 {
	if r.q.wants == wantReason {
		for _, w := range text.Words(s.show) {
			switch w.Norm {
			case "because", "since", "due", "reason", "reasons", "therefore", "cause", "causes", "caused", "so":
				return 1
			}
		}
		return 0
	}
	t := mention.Find(s.show)
	best := 0.0
	for i := range t.Mentions {
		if inQuestion(r.q, t, &t.Mentions[i]) {
			continue
		}
		best = max(best, r.q.accepts(&t.Mentions[i]))
	}
	return best
}
