package text

import "strings"

// Stem returns the stem of a folded English word by Porter's algorithm (M. F.
// Porter, An algorithm for suffix stripping, 1980). Words with anything but the
// letters a to z are returned as they are. A few common plurals that no rule makes
// are brought to their singular first.
func Stem(word string) string {
	if len(word) <= 2 {
		return word
	}
	if one, ok := plurals[word]; ok {
		word = one
	}
	for i := range len(word) {
		if c := word[i]; c < 'a' || c > 'z' {
			return word
		}
	}
	w := stemmer(append(make([]byte, 0, len(word)+2), word...))
	w = w.plural()
	w = w.past()
	w = w.finalY()
	w = w.replace(step2, 0)
	w = w.replace(step3, 0)
	w = w.step4()
	w = w.finalE()
	return string(w)
}

var plurals = map[string]string{
	"children": "child", "men": "man", "women": "woman", "feet": "foot", "teeth": "tooth", "mice": "mouse", "geese": "goose", "wives": "wife", "lives": "life", "knives": "knife", "leaves": "leaf", "indices": "index", "matrices": "matrix", "vertices": "vertex", "criteria": "criterion", "phenomena": "phenomenon", "people": "person",
}

type stemmer []byte

// consonant reports whether the letter at i is one: not a vowel, and y only
// after a vowel or at the start.
func (w stemmer) consonant(i int) bool {
	switch w[i] {
	case 'a', 'e', 'i', 'o', 'u':
		return false
	case 'y':
		return i == 0 || !w.consonant(i-1)
	}
	return true
}

// measure counts the vowel-consonant sequences of the first n letters.
func (w stemmer) measure(n int) int {
	m, i := 0, 0
	for i < n && w.consonant(i) {
		i++
	}
	for i < n {
		for i < n && !w.consonant(i) {
			i++
		}
		if i == n {
			break
		}
		m++
		for i < n && w.consonant(i) {
			i++
		}
	}
	return m
}

func (w stemmer) vowel(n int) bool {
	for i := range n {
		if !w.consonant(i) {
			return true
		}
	}
	return false
}

func (w stemmer) double() bool {
	n := len(w)
	return n >= 2 && w[n-1] == w[n-2] && w.consonant(n-1)
}

// cvc reports whether the first n letters end in consonant, vowel, consonant, the last
// not w, x or y.
func (w stemmer) cvc(n int) bool {
	if n < 3 || !w.consonant(n-1) || w.consonant(n-2) || !w.consonant(n-3) {
		return false
	}
	c := w[n-1]
	return c != 'w' && c != 'x' && c != 'y'
}

func (w stemmer) has(suffix string) bool { return strings.HasSuffix(string(w), suffix) }

func (w stemmer) plural() stemmer {
	switch {
	case w.has("sses"), w.has("ies"):
		return w[:len(w)-2]
	case w.has("ss"):
		return w
	case w.has("s"):
		return w[:len(w)-1]
	}
	return w
}

func (w stemmer) past() stemmer {
	var stem stemmer
	switch {
	case w.has("eed"):
		if w.measure(len(w)-3) > 0 {
			return w[:len(w)-1]
		}
		return w
	case w.has("ed") && w.vowel(len(w)-2):
		stem = w[:len(w)-2]
	case w.has("ing") && w.vowel(len(w)-3):
		stem = w[:len(w)-3]
	default:
		return w
	}
	switch {
	case stem.has("at"), stem.has("bl"), stem.has("iz"):
		return append(stem, 'e')
	case stem.double() && !stem.has("l") && !stem.has("s") && !stem.has("z"):
		return stem[:len(stem)-1]
	case stem.measure(len(stem)) == 1 && stem.cvc(len(stem)):
		return append(stem, 'e')
	}
	return stem
}

func (w stemmer) finalY() stemmer {
	if n := len(w) - 1; w[n] == 'y' && w.vowel(n) {
		w[n] = 'i'
	}
	return w
}

// step2 and step3 pair suffixes with what stands for them, longest first where one
// ends another.
var (
	step2 = []string{
		"ational", "ate", "tional", "tion", "enci", "ence", "anci", "ance", "izer", "ize", "abli", "able", "alli", "al", "entli", "ent", "eli", "e", "ousli", "ous",
		"ization", "ize", "ation", "ate", "ator", "ate", "alism", "al", "iveness", "ive", "fulness", "ful", "ousness", "ous", "aliti", "al", "iviti", "ive", "biliti", "ble",
	}
	step3 = []string{"icate", "ic", "ative", "", "alize", "al", "iciti", "ic", "ical", "ic", "ful", "", "ness", ""}
	step4 = []string{"ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ion", "al", "er", "ic", "ou"}
)

// replace swaps the first suffix of the pairs that w ends in, when what is left has
// a measure above m.
func (w stemmer) replace(pairs []string, m int) stemmer {
	for i := 0; i < len(pairs); i += 2 {
		if w.has(pairs[i]) {
			n := len(w) - len(pairs[i])
			if w.measure(n) > m {
				return append(w[:n], pairs[i+1]...)
			}
			return w
		}
	}
	return w
}

func (w stemmer) step4() stemmer {
	for _, suffix := range step4 {
		if !w.has(suffix) {
			continue
		}
		n := len(w) - len(suffix)
		if suffix == "ion" && (n == 0 || w[n-1] != 's' && w[n-1] != 't') {
			return w
		}
		if w.measure(n) > 1 {
			return w[:n]
		}
		return w
	}
	return w
}

func (w stemmer) finalE() stemmer {
	if n := len(w) - 1; w[n] == 'e' {
		if m := w.measure(n); m > 1 || m == 1 && !w.cvc(n) {
			w = w[:n]
		}
	}
	if n := len(w); n > 1 && w[n-1] == 'l' && w.double() && w.measure(n) > 1 {
		w = w[:n-1]
	}
	return w
}
