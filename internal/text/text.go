// Package text has the parts of language handling that the reader, knowledge
// bases and guardrails share: words, search terms, sentences and BM25.
//
// It is small and has no model: rules for word and sentence ends that hold for
// most scripts, Porter's stemmer for English, pairs of characters for scripts
// that write no spaces. Everything runs in linear time, allocates little, keeps no
// state and is safe for concurrent use. Offsets are bytes into the given string.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Span is the part [Start, End) of a string.
type Span struct {
	Start, End int
}

// Of returns the part of s.
func (p Span) Of(s string) string { return s[p.Start:p.End] }

// Len returns the number of bytes.
func (p Span) Len() int { return p.End - p.Start }

// Token is a word of a text. Norm is its lower-case form without diacritics and
// without a possessive 's.
type Token struct {
	Span
	Norm string
}

// Words returns the words of s in order: runs of letters and digits, with the
// apostrophes inside them, and numbers with their points and commas. In scripts
// without spaces every pair of neighbouring characters is a word, so that texts
// can be compared without a dictionary; a single character stands alone.
func Words(s string) []Token {
	tokens := make([]Token, 0, len(s)/6+1)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case Spaceless(r):
			end, next := i+size, i+size
			if r2, size2 := utf8.DecodeRuneInString(s[end:]); size2 > 0 && Spaceless(r2) {
				end += size2
			} else if len(tokens) > 0 && tokens[len(tokens)-1].End == end {
				i = next // the second half of the last pair
				continue
			}
			tokens = append(tokens, Token{Span{i, end}, s[i:end]})
			i = next
		case wordRune(r):
			end := wordEnd(s, i)
			tokens = append(tokens, Token{Span{i, end}, Fold(s[i:end])})
			i = end
		default:
			i += size
		}
	}
	return tokens
}

// wordEnd returns where the word that starts at i ends.
func wordEnd(s string, i int) int {
	digits := true
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if wordRune(r) && !Spaceless(r) {
			digits = digits && unicode.IsDigit(r)
			i += size
			continue
		}
		next, _ := utf8.DecodeRuneInString(s[i+size:])
		switch {
		case (r == '\'' || r == '’') && unicode.IsLetter(next) && !digits:
		case (r == '.' || r == ',') && digits && next >= '0' && next <= '9':
		default:
			return i
		}
		i += size
	}
	return i
}

func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r) || unicode.Is(unicode.No, r))
}

// Spaceless reports whether r is of a script that writes words without spaces.
func Spaceless(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// Fold returns a word in lower case without diacritics, possessive 's and thousands separators.
func Fold(w string) string {
	ascii := true
	plain := true
	for i := range len(w) {
		c := w[i]
		ascii = ascii && c < utf8.RuneSelf
		plain = plain && ('a' <= c && c <= 'z' || '0' <= c && c <= '9')
	}
	if plain {
		return w
	}
	w = strings.ToLower(w)
	if !ascii {
		w = strings.ReplaceAll(w, "’", "'")
		w = stripMarks(w)
	}
	w = strings.TrimSuffix(strings.TrimSuffix(w, "'s"), "'")
	if strings.Contains(w, ",") {
		w = strings.ReplaceAll(w, ",", "")
	}
	return w
}

// stripMarks takes diacritics off Latin, Greek and Cyrillic letters. In other
// scripts marks are vowels and stay.
func stripMarks(w string) string {
	decomposed := norm.NFD.String(w)
	if decomposed == w {
		return w
	}
	var sb strings.Builder
	base := rune(0)
	for _, r := range decomposed {
		if unicode.Is(unicode.Mn, r) && unicode.In(base, unicode.Latin, unicode.Greek, unicode.Cyrillic) {
			continue
		}
		base = r
		sb.WriteRune(r)
	}
	return norm.NFC.String(sb.String())
}

// Terms returns what of s is worth searching for: its words without function
// words, stemmed.
func Terms(s string) []string {
	tokens := Words(s)
	terms := make([]string, 0, len(tokens))
	for i := range tokens {
		if w := tokens[i].Norm; !Stopword(w) {
			terms = append(terms, Stem(w))
		}
	}
	return terms
}

// Lower returns s with the letters A to Z in lower case. Unlike strings.ToLower it
// keeps the places of bytes, whatever s holds.
func Lower(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
