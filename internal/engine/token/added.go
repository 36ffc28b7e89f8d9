package token

import (
	"bytes"
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is found in the text itself, before it is cut into
// words: [SEP], <|im_start|>.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // not inside a word
	LStrip     bool   `json:"lstrip"`      // takes the white space before it
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"` // is found in the normal form of the text
	Special    bool   `json:"special"`
}

// matcher finds added tokens, the leftmost first and of those the longest.
type matcher struct {
	first  [256]bool
	tokens []addedToken // longest first
}

func newMatcher(tokens []addedToken) *matcher {
	m := &matcher{}
	for _, t := range tokens {
		if t.Content == "" {
			continue
		}
		m.first[t.Content[0]] = true
		m.tokens = append(m.tokens, t)
	}
	slices.SortStableFunc(m.tokens, func(a, b addedToken) int { return cmp.Compare(len(b.Content), len(a.Content)) })
	return m
}

// at returns the token that stands at s[i:], nil when there is none.
func (m *matcher) at(s []byte, i int) *addedToken {
	if !m.first[s[i]] {
		return nil
	}
	for k := range m.tokens {
		if t := &m.tokens[k]; len(t.Content) <= len(s)-i && string(s[i:i+len(t.Content)]) == t.Content {
			return t
		}
	}
	return nil
}

// split calls text for the parts of s between added tokens, and found for these.
func (m *matcher) split(s []byte, text func([]byte), found func(id int32)) {
	if len(m.tokens) == 0 {
		text(s)
		return
	}
	done := 0 // what lies before has been given out
	for i := 0; i < len(s); {
		t := m.at(s, i)
		if t == nil {
			i++
			continue
		}
		start, stop := i, i+len(t.Content)
		i = stop
		if t.SingleWord && (wordBefore(s[:start]) || wordAfter(s[stop:])) {
			continue
		}
		if t.LStrip {
			start = max(done, len(bytes.TrimRightFunc(s[:start], space)))
		}
		if t.RStrip {
			stop = len(s) - len(bytes.TrimLeftFunc(s[stop:], space))
		}
		if start > done {
			text(s[done:start])
		}
		found(t.ID)
		done = max(done, stop)
	}
	if done < len(s) {
		text(s[done:])
	}
}

func wordBefore(s []byte) bool {
	r, size := utf8.DecodeLastRune(s)
	return size > 0 && wordRune(r)
}

func wordAfter(s []byte) bool {
	r, size := utf8.DecodeRune(s)
	return size > 0 && wordRune(r)
}

// wordRune is \w of the regular expressions that the reference uses.
func wordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r) ||
		unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Pc, r) || unicode.Is(unicode.Join_Control, r)
}
