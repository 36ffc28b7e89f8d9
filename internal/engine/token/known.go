package token

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// knownWords remembers what words were cut into. Most words of a text are tokens
// themselves; whether merging makes them that token takes two bits each. The others
// are kept in a table of fixed size, where a new word takes the place of another.
// Any number of goroutines may use it.
type knownWords struct {
	whole []atomic.Uint32 // two bits for each token, at most 16 in one
	seed  maphash.Seed
	slots []atomic.Pointer[knownWord]
}

type knownWord struct {
	word   string
	tokens []int32
}

const (
	knownSlots  = 1 << 13 // of some 100 bytes each
	maxKnown    = 32      // bytes of a word that is kept
	wholeKnown  = 1       // it is known whether the token stands for its word
	wholeStands = 2       // it does
)

func newKnownWords(tokens int) *knownWords {
	return &knownWords{
		whole: make([]atomic.Uint32, tokens/16+1),
		seed:  maphash.MakeSeed(),
		slots: make([]atomic.Pointer[knownWord], knownSlots),
	}
}

// append appends the tokens of a word that is known; id is the token with its text.
func (k *knownWords) append(dst []int32, id int32, word string) ([]int32, bool) {
	if id != noToken {
		state := k.whole[id/16].Load() >> (id % 16 * 2)
		if state&wholeStands != 0 {
			return append(dst, id), true
		}
		if state&wholeKnown == 0 {
			return dst, false
		}
	}
	if len(word) > maxKnown {
		return dst, false
	}
	w := k.slots[maphash.String(k.seed, word)%knownSlots].Load()
	if w == nil || w.word != word {
		return dst, false
	}
	return append(dst, w.tokens...), true
}

// learn remembers the tokens of a word.
func (k *knownWords) learn(id int32, word string, tokens []int32) {
	if id != noToken {
		state := uint32(wholeKnown)
		if len(tokens) == 1 && tokens[0] == id {
			state |= wholeStands
		}
		k.whole[id/16].Or(state << (id % 16 * 2))
		if state&wholeStands != 0 {
			return
		}
	}
	if len(word) > maxKnown {
		return
	}
	w := &knownWord{word: strings.Clone(word), tokens: append([]int32(nil), tokens...)}
	k.slots[maphash.String(k.seed, word)%knownSlots].Store(w)
}
