package token

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// bpeOptions is what the families of BPE differ in.
type bpeOptions struct {
	byteLevel, ignoreMerges, fuseUnknown, fallback bool
	unknown                                        int32 // noToken: none
}

// newBPE makes a model without merges. Words hold the text of each token as the model
// sees it; those that keep denies are never made of text.
func newBPE(words *pieces, keep func(id int32) bool, o bpeOptions) *bpe {
	b := &bpe{
		words: newIndex(words, keep), byteLevel: o.byteLevel, ignoreMerges: o.ignoreMerges, fuseUnknown: o.fuseUnknown,
		unknown: o.unknown, size: int32(words.len()), known: newKnownWords(words.len()), //nolint:gosec // at most maxVocabulary
		merges: newMergeTable(0),
	}
	for c := range b.single {
		b.single[c] = noToken
		if o.byteLevel || c < utf8.RuneSelf {
			b.single[c] = b.words.get(string([]byte{byte(c)}))
		}
	}
	if o.fallback {
		b.fallback = new([256]int32)
	}
	return b
}

// byteToken reads the text of a byte token, such as <0x0A>.
func byteToken(s string) (byte, bool) {
	if len(s) != 6 || !strings.HasPrefix(s, "<0x") || s[5] != '>' {
		return 0, false
	}
	c, err := strconv.ParseUint(s[3:5], 16, 8)
	return byte(c), err == nil
}

// setFallback takes the byte tokens. Without all of them there is no fallback.
func (b *bpe) setFallback(find func(c byte) (int32, bool)) {
	if b.fallback == nil {
		return
	}
	for c := range 256 {
		id, ok := find(byte(c))
		if !ok {
			b.fallback = nil
			return
		}
		b.fallback[c] = id
	}
}

// merge is a pair of words that merge, by rank.
type merge struct{ left, right string }

// setMerges takes the merges of a file, which are in order of their rank. of returns
// the text of a word as the model has it; keep is newBPE's.
func (b *bpe) setMerges(merges []merge, of func(dst []byte, s string) []byte, keep func(id int32) bool) error {
	if len(merges) > maxMerges {
		return fmt.Errorf("%d merges", len(merges))
	}
	b.merges = newMergeTable(len(merges))
	all := newIndex(b.words.words, func(int32) bool { return true })
	var text []byte
	for rank, m := range merges {
		text = of(text[:0], m.left)
		middle := len(text)
		text = of(text, m.right)
		left, right, whole := all.get(string(text[:middle])), all.get(string(text[middle:])), all.get(string(text))
		if left == noToken || right == noToken || whole == noToken {
			return fmt.Errorf("merge %d, %.40q and %.40q, is of words that are not in the vocabulary", rank, m.left, m.right)
		}
		if keep(whole) {
			b.merges.put(left, right, int32(rank), whole)
		}
	}
	return nil
}

// maxMerges bounds the merges; the largest vocabularies have half a million.
const maxMerges = 1 << 22

// setScores makes the merges of a SentencePiece model: any two words that make a third
// one merge, and that with the highest score comes first.
func (b *bpe) setScores(score func(id int32) float32, keep func(id int32) bool, unused func(id int32) bool) error {
	words := b.words.words
	order := make([]int32, 0, words.len())
	for id := range b.size {
		if w := words.at(id); len(w) > 1 && keep(id) && b.words.get(string(w)) == id {
			order = append(order, id)
			b.addParts(w)
		}
	}
	slices.SortStableFunc(order, func(x, y int32) int {
		switch {
		case score(x) > score(y):
			return -1
		case score(x) < score(y):
			return 1
		}
		return 0
	})
	var found []scored
	rank := int32(0)
	b.unused = map[int32][2]int32{}
	for i, id := range order {
		if i > 0 && score(id) != score(order[i-1]) {
			rank++
		}
		if found = b.splits(found, id, rank); len(found) > maxMerges {
			return fmt.Errorf("more than %d merges", maxMerges)
		}
		if n := len(found); unused(id) && n > 0 && found[n-1].id == id {
			b.unused[id] = [2]int32{found[n-1].left, found[n-1].right}
		}
	}
	b.merges = newMergeTable(len(found))
	for _, m := range found {
		b.merges.put(m.left, m.right, m.rank, m.id)
	}
	return nil
}

// scored is a merge of a SentencePiece model.
type scored struct{ left, right, rank, id int32 }

// addParts gives IDs to the characters of a word that are no tokens.
func (b *bpe) addParts(w []byte) {
	for len(w) > 0 {
		r, size := utf8.DecodeRune(w)
		if c := string(w[:size]); utf8.ValidString(c) && b.words.get(c) == noToken && b.part(r) == noToken {
			if b.parts == nil {
				b.parts = map[rune]int32{}
			}
			b.parts[r] = b.size + int32(len(b.partOf)) //nolint:gosec // at most 1<<21 characters
			b.partOf = append(b.partOf, r)
		}
		w = w[size:]
	}
}

// splits appends the ways to make a word of two.
func (b *bpe) splits(found []scored, id, rank int32) []scored {
	w := string(b.words.words.at(id))
	if len(w) > maxScored {
		return found
	}
	for i := range w {
		if i == 0 {
			continue
		}
		left, right := b.symbol(w[:i]), b.symbol(w[i:])
		if left != noToken && right != noToken {
			found = append(found, scored{left, right, rank, id})
		}
	}
	return found
}

// maxScored is the longest word, in bytes, that is made of others. It bounds the work
// of splits; SentencePiece's own limit is 16 characters, runs of spaces aside.
const maxScored = 512

// symbol returns the ID of a word: a token, or a part that is one character.
func (b *bpe) symbol(w string) int32 {
	if id := b.words.get(w); id != noToken {
		return id
	}
	if r, size := utf8.DecodeRuneInString(w); size == len(w) {
		return b.part(r)
	}
	return noToken
}

// markBorders makes the borders of a SentencePiece model, which has a whole text as one
// word: merges go over a border before a mark only behind few characters or none, and
// what is between the other borders can be merged on its own. It returns nil when the
// vocabulary has no mark.
func (b *bpe) markBorders() func(s string, i int) int {
	if b.words.get(sentencePieceMark) == noToken {
		return nil
	}
	var joined [256]bool // last bytes of characters behind which a merge goes on to a mark
	for _, m := range b.merges.slots {
		if m.pair == noPair {
			continue
		}
		w := strings.TrimLeft(string(b.words.words.at(m.id)), sentencePieceMark)
		for i := strings.Index(w, sentencePieceMark); i >= 0; i = strings.Index(w, sentencePieceMark) {
			joined[w[i-1]] = true
			w = strings.TrimLeft(w[i:], sentencePieceMark)
		}
	}
	return func(s string, i int) int {
		for {
			for strings.HasPrefix(s[i:], sentencePieceMark) {
				i += len(sentencePieceMark)
			}
			n := strings.Index(s[i:], sentencePieceMark)
			if n < 0 {
				return len(s)
			}
			if i += n; !joined[s[i-1]] {
				return i
			}
		}
	}
}
