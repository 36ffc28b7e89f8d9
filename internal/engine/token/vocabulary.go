package token

import (
	"fmt"
	"hash/maphash"
	"math/bits"
)

// kind is what a token is for, numbered as GGUF does.
type kind uint8

const (
	kindNormal  kind = 1 + iota
	kindUnknown      // stands for what the vocabulary lacks
	kindControl      // is never made of a user's text: <|im_end|>
	kindUser         // is found in the text before it is cut into words
	kindUnused       // is taken apart again
	kindByte         // one byte of a character that the vocabulary lacks
)

// maxVocabularyText bounds the bytes of all tokens together. The largest vocabularies
// in use have 3 MB.
const maxVocabularyText = 64 << 20

// pieces holds a string for each token, one behind the other.
type pieces struct {
	text   []byte
	starts []uint32 // one more than tokens
}

func newPieces(tokens int) *pieces {
	return &pieces{starts: make([]uint32, 1, tokens+1)}
}

// add appends the next token. Callers see to it that all of them have less than
// maxVocabularyText bytes.
func (p *pieces) add(s string) {
	p.text = append(p.text, s...)
	p.starts = append(p.starts, uint32(len(p.text))) //nolint:gosec // at most maxVocabularyText
}

func (p *pieces) len() int { return len(p.starts) - 1 }

// at returns the string of a token. It is not to be changed.
func (p *pieces) at(id int32) []byte {
	return p.text[p.starts[id]:p.starts[id+1]:p.starts[id+1]]
}

// index finds tokens by their text. It has its own hash table because that holds
// hundreds of thousands of words without a pointer for each, and answers in half the
// time of a map.
type index struct {
	words *pieces
	slots []indexSlot
	seed  maphash.Seed // a file can't know which of its words will collide
	mask  uint64
}

// indexSlot is empty when its token is noToken.
type indexSlot struct {
	tag uint32
	id  int32
}

// noToken is the ID of no token.
const noToken = -1

// newIndex makes an index of those words of which keep says so. Of equal words the
// first one is found.
func newIndex(words *pieces, keep func(id int32) bool) *index {
	size := uint32(1) << bits.Len(uint(2*words.len()))
	x := &index{words: words, slots: make([]indexSlot, size), seed: maphash.MakeSeed(), mask: uint64(size - 1)}
	for i := range x.slots {
		x.slots[i].id = noToken
	}
	for id := range int32(words.len()) { //nolint:gosec // at most maxVocabulary
		if w := words.at(id); len(w) > 0 && keep(id) {
			x.put(w, id)
		}
	}
	return x
}

func (x *index) put(w []byte, id int32) {
	h := maphash.Bytes(x.seed, w)
	for i := h & x.mask; ; i = (i + 1) & x.mask {
		s := &x.slots[i]
		if s.id == noToken {
			*s = indexSlot{tag: uint32(h >> 32), id: id}
			return
		}
		if s.tag == uint32(h>>32) && string(x.words.at(s.id)) == string(w) {
			return
		}
	}
}

// get returns the token of a word, noToken when there is none.
func (x *index) get(w string) int32 {
	h := maphash.String(x.seed, w)
	for i := h & x.mask; ; i = (i + 1) & x.mask {
		s := x.slots[i]
		if s.id == noToken || s.tag == uint32(h>>32) && string(x.words.at(s.id)) == w {
			return s.id
		}
	}
}

// checkVocabulary bounds a vocabulary before anything is made of it.
func checkVocabulary(tokens []string) error {
	if len(tokens) == 0 || len(tokens) > maxVocabulary {
		return fmt.Errorf("a vocabulary of %d tokens", len(tokens))
	}
	size := 0
	for _, t := range tokens {
		size += len(t)
	}
	if size > maxVocabularyText {
		return fmt.Errorf("a vocabulary of %d MiB", size>>20)
	}
	return nil
}
