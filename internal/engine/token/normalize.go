package token

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer is BERT's: it removes control characters, makes all white space
// spaces, sets ideographs apart, and strips accents and case.
type normalizer struct {
	clean   bool
	chinese bool
	strip   bool // accents, after canonical decomposition
	lower   bool
}

// appendTo appends the normal form of s. Bytes that are no UTF-8 are U+FFFD.
func (n *normalizer) appendTo(dst []byte, s string) []byte {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf {
		c := s[i]
		switch {
		case n.clean && (c == '\t' || c == '\n' || c == '\r'):
			c = ' '
		case n.clean && (c < 0x20 || c == 0x7f):
			i++
			continue
		case n.lower && 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		dst = append(dst, c)
		i++
	}
	if i == len(s) {
		return dst
	}
	// A mark that follows belongs to the last character, so the rest is done with it;
	// ASCII neither decomposes nor changes under a mark, so it may stay as it is.
	return n.appendRest(dst, s[i:])
}

func (n *normalizer) appendRest(dst []byte, s string) []byte {
	cleaned := make([]byte, 0, len(s)+len(s)/2)
	for _, r := range s {
		if n.clean {
			switch {
			case r == '\t' || r == '\n' || r == '\r':
				r = ' '
			case r == utf8.RuneError || control(r): // other white space among the controls, too
				continue
			case space(r):
				r = ' '
			}
		}
		if n.chinese && ideograph(r) {
			cleaned = append(cleaned, ' ')
			cleaned = utf8.AppendRune(cleaned, r)
			cleaned = append(cleaned, ' ')
			continue
		}
		cleaned = utf8.AppendRune(cleaned, r)
	}
	if n.strip {
		cleaned = decompose(cleaned)
	}
	if !n.strip && !n.lower {
		return append(dst, cleaned...)
	}
	for len(cleaned) > 0 {
		r, size := utf8.DecodeRune(cleaned)
		cleaned = cleaned[size:]
		if n.strip && mark(r) {
			continue
		}
		if !n.lower {
			dst = utf8.AppendRune(dst, r)
			continue
		}
		c, rest := lower(r)
		dst = utf8.AppendRune(dst, c)
		if rest != 0 {
			dst = utf8.AppendRune(dst, rest)
		}
	}
	return dst
}

// young is the one character that Unicode 15 decomposes and the reference does not.
const young = "\U00011938"

// decompose returns the canonical decomposition.
func decompose(s []byte) []byte {
	out := make([]byte, 0, len(s)+len(s)/2)
	for {
		before, after, found := bytes.Cut(s, []byte(young))
		out = norm.NFD.Append(out, before...)
		if !found {
			return out
		}
		out = append(out, young...)
		s = after
	}
}

// space reports white space as Unicode defines it.
func space(r rune) bool { return unicode.Is(unicode.White_Space, r) }

// nextWord returns the bounds of the next word in normal text from index i on, as
// BERT's pre-tokenizer cuts it: white space separates, a punctuation mark is a word
// of its own. ok is false at the end.
func nextWord(s string, i int) (start, end int, ok bool) {
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !space(r) {
			break
		}
		i += size
	}
	if i == len(s) {
		return i, i, false
	}
	for end = i; end < len(s); {
		r, size := rune(s[end]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[end:])
		}
		if space(r) {
			break
		}
		if punctuation(r) {
			if end == i {
				end += size
			}
			break
		}
		end += size
	}
	return i, end, true
}
