package token

import (
	"fmt"
	"slices"
	"strings"
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
	Special    bool   `json:"special"`    // is not found in what users write
}

// maxAdded bounds the bytes of an added token, and with it the time to look for them.
const maxAdded = 1 << 10

// span is a part of a text, in bytes.
type span struct{ start, stop int }

// matcher finds added tokens, the leftmost first and of those the longest.
type matcher struct {
	tokens []addedToken
	trie   *trie // of the contents; values are indexes of tokens
}

func newMatcher(tokens []addedToken) (*matcher, error) {
	m := &matcher{tokens: tokens, trie: newTrie()}
	for i, t := range tokens {
		if len(t.Content) > maxAdded {
			return nil, fmt.Errorf("added token %.40q has %d bytes", t.Content, len(t.Content))
		}
		if err := m.trie.add(t.Content, int32(i)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// at returns the token that stands at s[i:], nil when there is none. Special ones
// that touch a plain part are none.
func (m *matcher) at(s string, i int, plain []span) *addedToken {
	var found *addedToken
	node := uint32(0)
	for k := i; k < len(s); k++ {
		if node = m.trie.step(node, s[k]); node == 0 {
			break
		}
		if v := m.trie.value[node]; v != noToken {
			if t := &m.tokens[v]; !t.Special || !touches(plain, i, k+1) {
				found = t
			}
		}
	}
	return found
}

// touches reports whether s[start:stop] and some span have a byte in common.
func touches(spans []span, start, stop int) bool {
	i, _ := slices.BinarySearchFunc(spans, start, func(x span, start int) int { return x.stop - start - 1 })
	return i < len(spans) && spans[i].start < stop
}

// split calls text for the parts of s between added tokens, and found for these.
// In the plain parts, which are in order, there are no special tokens.
func (m *matcher) split(s string, plain []span, text func(start, stop int), found func(id int32)) {
	if len(m.tokens) == 0 {
		if s != "" {
			text(0, len(s))
		}
		return
	}
	done := 0 // what lies before has been given out
	for i := 0; i < len(s); {
		if m.trie.root[s[i]] == 0 {
			i++
			continue
		}
		t := m.at(s, i, plain)
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
			start = max(done, len(strings.TrimRightFunc(s[:start], space)))
		}
		if t.RStrip {
			stop = len(s) - len(strings.TrimLeftFunc(s[stop:], space))
		}
		if start > done {
			text(done, start)
		}
		found(t.ID)
		done = max(done, stop)
	}
	if done < len(s) {
		text(done, len(s))
	}
}

func wordBefore(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return size > 0 && wordRune(r)
}

func wordAfter(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 0 && wordRune(r)
}

// wordRune is \w of the regular expressions that the reference uses.
func wordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r) ||
		unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Pc, r) || unicode.Is(unicode.Join_Control, r)
}
