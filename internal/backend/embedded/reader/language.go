package reader

import (
	"strings"

	"github.com/outcrop-ai/outcrop/internal/text"
)

// language is what must be known of a language to ask about texts in it: the words
// that ask, and the small words that say nothing of what is asked.
type language struct {
	asks  map[string]wants
	small string
}

var languages = []language{
	{ // German
		map[string]wants{"wann": wantDate, "wer": wantPerson, "wem": wantPerson, "wen": wantPerson, "wo": wantPlace, "woher": wantPlace, "wohin": wantPlace, "wieviel": wantNumber, "wieviele": wantNumber, "warum": wantReason, "weshalb": wantReason, "wie": wantAny, "was": wantAny, "welche": wantName, "welcher": wantName, "welches": wantName, "fasse": wantSummary},
		"der die das den dem des ein eine einer eines einem einen und oder aber ist sind war waren wird wurde wurden werden hat haben hatte in im am an auf aus bei mit nach von vom zu zum zur fur uber unter durch gegen ohne um als auch es er sie ihr sein viele viel nicht sich dass wenn",
	},
	{ // French
		map[string]wants{"quand": wantDate, "qui": wantPerson, "ou": wantPlace, "combien": wantNumber, "pourquoi": wantReason, "comment": wantAny, "que": wantAny, "quel": wantName, "quelle": wantName, "quels": wantName, "quelles": wantName, "resume": wantSummary, "resumez": wantSummary},
		"le la les l un une des du de d et ou mais est sont etait etaient a ont avait en dans au aux sur sous par pour avec sans il elle ils elles ce cette ces se sa son ses qu ne pas plus t y",
	},
	{ // Spanish
		map[string]wants{"cuando": wantDate, "quien": wantPerson, "quienes": wantPerson, "donde": wantPlace, "cuanto": wantNumber, "cuanta": wantNumber, "cuantos": wantNumber, "cuantas": wantNumber, "que": wantAny, "como": wantAny, "cual": wantName, "cuales": wantName, "resume": wantSummary},
		"el la los las un una unos unas de del y o pero es son fue fueron era eran ha han en por para con sin a al se su sus que lo le no mas este esta como",
	},
	{ // Italian
		map[string]wants{"quando": wantDate, "chi": wantPerson, "dove": wantPlace, "quanto": wantNumber, "quanta": wantNumber, "quanti": wantNumber, "quante": wantNumber, "perche": wantReason, "come": wantAny, "cosa": wantAny, "quale": wantName, "quali": wantName, "riassumi": wantSummary},
		"il lo la i gli le un uno una di del della dei e o ma sono era erano fu ha hanno in nel nella a al alla da dal con per su che si non piu questo questa",
	},
	{ // Portuguese
		map[string]wants{"quando": wantDate, "quem": wantPerson, "onde": wantPlace, "quanto": wantNumber, "quantos": wantNumber, "quantas": wantNumber, "porque": wantReason, "como": wantAny, "qual": wantName, "quais": wantName, "resuma": wantSummary},
		"o a os as um uma de do da dos das e ou mas sao foi foram era eram em no na nos nas por para com sem ao se seu sua que nao mais este esta",
	},
	{ // Dutch
		map[string]wants{"wanneer": wantDate, "wie": wantPerson, "waar": wantPlace, "hoeveel": wantNumber, "waarom": wantReason, "hoe": wantAny, "wat": wantAny, "welke": wantName, "welk": wantName},
		"de het een en of maar is zijn was waren wordt werd werden heeft hebben in op aan uit bij met naar van te voor door om als ook er niet zich dat die",
	},
	{ // Russian
		map[string]wants{"когда": wantDate, "кто": wantPerson, "где": wantPlace, "куда": wantPlace, "сколько": wantNumber, "почему": wantReason, "как": wantAny, "что": wantAny, "какои": wantName, "какая": wantName, "какие": wantName, "какое": wantName},
		"и в на с по из у от для не это был была было были есть а но или к о об за то",
	},
}

// phrasesOfAsking are those of languages without spaces, longest first.
var phrasesOfAsking = []struct {
	say  string
	want wants
}{
	{"什么时候", wantDate},
	{"什麼時候", wantDate},
	{"何时", wantDate},
	{"哪一年", wantDate},
	{"いつ", wantDate},
	{"何年", wantDate},
	{"什么地方", wantPlace},
	{"哪里", wantPlace},
	{"哪儿", wantPlace},
	{"在哪", wantPlace},
	{"どこ", wantPlace},
	{"为什么", wantReason},
	{"為什麼", wantReason},
	{"なぜ", wantReason},
	{"多少", wantNumber},
	{"几个", wantNumber},
	{"いくつ", wantNumber},
	{"いくら", wantNumber},
	{"总结", wantSummary},
	{"要約", wantSummary},
	{"怎么", wantAny},
	{"如何", wantAny},
	{"什么", wantAny},
	{"什麼", wantAny},
	{"哪个", wantName},
	{"哪些", wantName},
	{"誰", wantPerson},
	{"谁", wantPerson},
	{"何", wantAny},
	{"ですか", wantAny},
	{"ますか", wantAny},
	{"ましたか", wantAny},
	{"吗", wantAny},
	{"呢", wantAny},
	{"是", wantAny},
	{"的", wantAny},
}

// foreign finds a question's language when it is not English, and with it what is
// asked for. It returns the text without the phrases of asking of languages that
// write no spaces, and the language's small words.
func foreign(q *question, s string) (plain string, small map[string]bool) {
	if strings.ContainsFunc(s, text.Spaceless) {
		for _, p := range phrasesOfAsking {
			if strings.Contains(s, p.say) {
				s = strings.ReplaceAll(s, p.say, " ")
				if q.wants == wantAny {
					q.wants = p.want
				}
			}
		}
		return s, nil
	}
	words := text.Words(s)
	best, score := -1, 1 // one word may be of any language
	for i := range languages {
		n := 0
		list := " " + languages[i].small + " "
		for _, w := range words {
			if _, ok := languages[i].asks[w.Norm]; ok {
				n += 2
			} else if strings.Contains(list, " "+w.Norm+" ") {
				n++
			}
		}
		if n > score {
			best, score = i, n
		}
	}
	english := 0
	for _, w := range words {
		if text.Stopword(w.Norm) {
			english++
		}
	}
	if best < 0 || english >= score {
		return s, nil
	}
	small = map[string]bool{}
	for w := range strings.FieldsSeq(languages[best].small) {
		small[w] = true
	}
	for _, w := range words {
		if want, ok := languages[best].asks[w.Norm]; ok {
			small[w.Norm] = true
			if q.wants == wantAny {
				q.wants = want
			}
		}
	}
	return s, small
}
