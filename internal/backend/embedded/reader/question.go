package reader

import (
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/lexicon"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// wants says what kind of answer a question asks for.
type wants uint8

const (
	wantAny wants = iota
	wantPerson
	wantDate
	wantPlace
	wantNumber // how many, how much, how long …
	wantName   // which company, what is the name of …
	wantReason
	wantManner // how to …: a procedure
	wantList
	wantYesNo
	wantDefinition
	wantSummary
)

// fact reports whether a short answer is expected.
func (w wants) fact() bool {
	return w == wantPerson || w == wantDate || w == wantPlace || w == wantNumber || w == wantName
}

// term is a word of a question that an answer should have.
type term struct {
	stem   string
	weight float64
	also   []string // stems that say the same
	name   bool     // written with a capital letter
}

// question is an analysed question.
type question struct {
	text  string
	wants wants
	terms []term
	pairs [][2]string // neighbouring stems
	focus []string    // stems of what is asked for: "company" of "which company", "sacks" of "how many sacks"
	year  bool
	unit  string // of the number: "long" asks for time or length …
}

// How much of a question is looked at.
const (
	maxQuestion = 4 << 10
	maxTerms    = 64
)

func analyse(s string) *question {
	s = head(s, maxQuestion)
	q := &question{text: s}
	plain, small := foreign(q, s)
	words := text.Words(plain)
	q.kind(words)
	prev := ""
	for i, w := range words {
		if text.Stopword(w.Norm) || small[w.Norm] || i < 8 && asking(w.Norm) {
			continue
		}
		stem := text.Stem(w.Norm)
		t := term{stem: stem, weight: 1, also: lexicon.Synonyms(stem)}
		if c := w.Of(plain)[0]; i > 0 && c >= 'A' && c <= 'Z' {
			t.name, t.weight = true, 1.2
		}
		if len(q.terms) == maxTerms {
			break
		}
		q.terms = append(q.terms, t)
		if prev != "" {
			q.pairs = append(q.pairs, [2]string{prev, stem})
		}
		prev = stem
	}
	return q
}

// asking reports whether a word only makes a text an ask: "tell me the …".
func asking(w string) bool {
	switch w {
	case "tell", "give", "find", "show", "list", "name", "explain", "describe", "say", "know", "want", "need", "like", "question", "answer", "according", "document", "text", "passage", "context", "following", "help":
		return true
	}
	return false
}

// kind finds out what the question asks for from its question word and what
// follows it.
func (q *question) kind(words []text.Token) {
	for i, w := range words {
		next := func(n int) string {
			if i+n < len(words) {
				return words[i+n].Norm
			}
			return ""
		}
		switch w.Norm {
		case "summarise", "summarize", "summary", "tldr", "overview", "abstract":
			q.wants = wantSummary
		case "who", "whom", "whose", "who's":
			q.wants = wantPerson
		case "when":
			q.wants = wantDate
		case "where":
			q.wants = wantPlace
		case "why":
			q.wants = wantReason
		case "how":
			q.how(next, i, words)
		case "which", "what", "what's", "name":
			q.noun(i, words)
		case "list", "enumerate":
			q.wants = wantList
		case "define":
			q.wants = wantDefinition
		default:
			continue
		}
		if q.wants != wantAny || w.Norm == "what" || w.Norm == "which" {
			return
		}
	}
	if len(words) > 0 && strings.HasSuffix(strings.TrimSpace(q.text), "?") {
		switch words[0].Norm {
		case "is", "are", "was", "were", "do", "does", "did", "can", "could", "has", "have", "will", "should":
			q.wants = wantYesNo
		}
	}
}

func (q *question) how(next func(int) string, i int, words []text.Token) {
	switch n := next(1); n {
	case "many", "much":
		q.wants = wantNumber
		for _, w := range words[min(i+2, len(words)):] {
			if text.Stopword(w.Norm) {
				break
			}
			q.focus = append(q.focus, text.Stem(w.Norm))
		}
	case "long", "old", "far", "tall", "high", "deep", "large", "big", "wide", "fast", "often", "heavy", "hot", "cold", "late", "early", "soon", "frequently":
		q.wants, q.unit = wantNumber, n
	default:
		q.wants = wantManner
	}
}

// noun reads the noun after what or which: it says what the answer is.
func (q *question) noun(i int, words []text.Token) {
	var noun []string
	j := i + 1
	// "what is the name of the X", "what was X's date of birth"
	for j < len(words) && (text.Stopword(words[j].Norm) || asking(words[j].Norm)) {
		j++
	}
	direct := j == i+1
	for ; j < len(words) && !text.Stopword(words[j].Norm) && len(noun) < 4; j++ {
		noun = append(noun, words[j].Norm)
	}
	for _, n := range noun {
		q.focus = append(q.focus, text.Stem(n))
		if w, ok := nounWants[n]; ok && (direct || w != wantPerson) {
			q.wants = w
			if n == "year" {
				q.year = true
			}
		}
	}
	if !direct {
		q.focus = q.focus[:0]
	}
	if q.wants == wantAny && direct && len(noun) > 0 {
		q.wants = wantName
	}
	if q.wants == wantAny && !direct && len(noun) > 0 && j >= len(words) && i == 0 {
		q.wants = wantDefinition
	}
}

// nounWants says what kind of thing a noun names.
var nounWants = map[string]wants{
	"year": wantDate, "date": wantDate, "day": wantDate, "month": wantDate, "century": wantDate, "decade": wantDate, "time": wantDate,
	"city": wantPlace, "country": wantPlace, "place": wantPlace, "location": wantPlace, "state": wantPlace, "town": wantPlace, "region": wantPlace, "river": wantPlace, "continent": wantPlace, "province": wantPlace,
	"person": wantPerson, "player": wantPerson, "man": wantPerson, "woman": wantPerson, "president": wantPerson, "king": wantPerson, "author": wantPerson, "scientist": wantPerson, "actor": wantPerson, "singer": wantPerson, "leader": wantPerson, "founder": wantPerson, "inventor": wantPerson, "emperor": wantPerson, "quarterback": wantPerson, "coach": wantPerson,
	"number": wantNumber, "percentage": wantNumber, "percent": wantNumber, "price": wantNumber, "cost": wantNumber, "amount": wantNumber, "score": wantNumber, "population": wantNumber, "distance": wantNumber, "height": wantNumber, "temperature": wantNumber, "age": wantNumber, "size": wantNumber, "length": wantNumber, "fee": wantNumber, "total": wantNumber, "rate": wantNumber, "speed": wantNumber, "weight": wantNumber, "proportion": wantNumber, "fraction": wantNumber, "ratio": wantNumber, "quantity": wantNumber,
	"reason": wantReason, "cause": wantReason, "purpose": wantReason,
	"steps": wantManner, "procedure": wantManner, "instructions": wantManner,
	"items": wantList, "kinds": wantList, "types": wantList, "benefits": wantList, "features": wantList, "advantages": wantList, "requirements": wantList, "options": wantList, "examples": wantList, "factors": wantList, "names": wantList,
	"summary": wantSummary, "gist": wantSummary,
}
