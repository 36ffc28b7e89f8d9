package text

// Stopword reports whether w, folded, is an English function word: an article,
// pronoun, preposition, conjunction, auxiliary or question word.
func Stopword(w string) bool {
	if len(w) > 10 {
		return false
	}
	_, ok := stopwords[w]
	return ok
}

var stopwords = map[string]struct{}{
	"a": {}, "about": {}, "above": {}, "after": {}, "again": {}, "against": {}, "all": {}, "also": {}, "am": {}, "among": {}, "an": {}, "and": {}, "any": {}, "are": {}, "aren't": {}, "as": {}, "at": {},
	"be": {}, "because": {}, "been": {}, "before": {}, "being": {}, "below": {}, "between": {}, "both": {}, "but": {}, "by": {},
	"can": {}, "can't": {}, "cannot": {}, "could": {}, "couldn't": {},
	"did": {}, "didn't": {}, "do": {}, "does": {}, "doesn't": {}, "doing": {}, "don't": {}, "down": {}, "during": {},
	"each": {}, "either": {}, "etc": {}, "for": {}, "from": {}, "further": {},
	"had": {}, "has": {}, "have": {}, "having": {}, "he": {}, "her": {}, "here": {}, "hers": {}, "him": {}, "his": {}, "how": {}, "however": {},
	"i": {}, "i'd": {}, "i'll": {}, "i'm": {}, "i've": {}, "if": {}, "in": {}, "into": {}, "is": {}, "isn't": {}, "it": {}, "its": {}, "itself": {},
	"just": {}, "let": {}, "me": {}, "might": {}, "more": {}, "most": {}, "must": {}, "my": {}, "myself": {},
	"no": {}, "nor": {}, "not": {}, "now": {}, "of": {}, "off": {}, "on": {}, "once": {}, "only": {}, "or": {}, "other": {}, "our": {}, "ours": {}, "out": {}, "over": {}, "own": {},
	"please": {}, "same": {}, "shall": {}, "she": {}, "should": {}, "so": {}, "some": {}, "such": {},
	"than": {}, "that": {}, "the": {}, "their": {}, "theirs": {}, "them": {}, "then": {}, "there": {}, "these": {}, "they": {}, "this": {}, "those": {}, "through": {}, "to": {}, "too": {},
	"under": {}, "until": {}, "up": {}, "upon": {}, "us": {}, "very": {},
	"was": {}, "wasn't": {}, "we": {}, "were": {}, "weren't": {}, "what": {}, "when": {}, "where": {}, "whether": {}, "which": {}, "while": {}, "who": {}, "whom": {}, "whose": {}, "why": {}, "will": {}, "with": {}, "within": {}, "without": {}, "won't": {}, "would": {},
	"you": {}, "you're": {}, "your": {}, "yours": {}, "yourself": {},
}
