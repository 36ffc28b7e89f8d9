package token

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram cuts a word into the tokens with the largest sum of scores, which are
// logarithms of probabilities.
type unigram struct {
	words    *trie
	scores   []float64
	unknown  int32
	penalty  float64     // the score of an unknown character
	fallback *[256]int32 // byte tokens for unknown characters
}

const (
	maxUnigram     = 1 << 10 // bytes of a token: a place of the text is compared with no more
	unknownPenalty = 10      // below the lowest score
	smallUnigram   = 128     // bytes of a word whose path needs no memory of its own
)

// newUnigram makes a model. Tokens that keep denies are never made of text. An unknown
// character is one unknown token with those beside it.
func newUnigram(words *pieces, scores []float64, unknown int32, keep func(id int32) bool) (*unigram, error) {
	if unknown == noToken {
		return nil, errors.New("no unknown token")
	}
	u := &unigram{words: newTrie(), scores: scores, unknown: unknown}
	lowest := math.Inf(1)
	for id := range int32(words.len()) { //nolint:gosec // at most maxVocabulary
		w := words.at(id)
		if s := scores[id]; math.IsNaN(s) || math.IsInf(s, 0) {
			return nil, fmt.Errorf("the score of token %d is %g", id, s)
		}
		lowest = min(lowest, scores[id])
		if !keep(id) || id == unknown {
			continue
		}
		if len(w) > maxUnigram {
			return nil, fmt.Errorf("token %d has %d bytes", id, len(w))
		}
		if err := u.words.add(string(w), id); err != nil {
			return nil, err
		}
	}
	u.penalty = lowest - unknownPenalty
	return u, nil
}

// ending is the best way to some place of a word: the last token and where it begins.
type ending struct {
	score     float64
	start, id int32 // start -1: no way yet
}

func (u *unigram) append(dst []int32, word string) []int32 {
	var small [smallUnigram + 1]ending
	best := small[:]
	if len(word) > smallUnigram {
		best = make([]ending, len(word)+1)
	}
	best = best[:len(word)+1]
	for i := range best {
		best[i].start = -1
	}
	best[0].start = 0
	for i := 0; i < len(word); {
		_, size := utf8.DecodeRuneInString(word[i:])
		if !u.extend(best, word, i, size) {
			reach(best, i, i+size, u.unknown, best[i].score+u.penalty)
		}
		i += size
	}
	return u.path(dst, best, word)
}

// reach notes a way to the place stop, if it is better than the one known.
func reach(best []ending, start, stop int, id int32, score float64) {
	if b := &best[stop]; b.start < 0 || score > b.score {
		*b = ending{score: score, start: int32(start), id: id} //nolint:gosec // an index of a word
	}
}

// extend goes on from the place i with each token there, and reports whether one of
// them is the one character of that size.
func (u *unigram) extend(best []ending, word string, i, size int) (single bool) {
	score, node := best[i].score, uint32(0)
	for k := i; k < len(word); k++ {
		if node = u.words.step(node, word[k]); node == 0 {
			break
		}
		if id := u.words.value[node]; id != noToken {
			reach(best, i, k+1, id, score+u.scores[id])
			single = single || k+1 == i+size
		}
	}
	return single
}

// path appends the tokens of the best way to the end of the word.
func (u *unigram) path(dst []int32, best []ending, word string) []int32 {
	n := 0
	for at := len(word); at > 0; at = int(best[at].start) {
		n++
	}
	from := len(dst)
	ways := make([]int32, 0, 32) // where each token ends, the last one first
	for at := len(word); at > 0; at = int(best[at].start) {
		ways = append(ways, int32(at)) //nolint:gosec // an index of a word
	}
	for i := n - 1; i >= 0; i-- {
		b := best[ways[i]]
		switch {
		case b.id != u.unknown:
			dst = append(dst, b.id)
		case u.fallback != nil:
			for k := b.start; k < ways[i]; k++ {
				dst = append(dst, u.fallback[word[k]])
			}
		case len(dst) == from || dst[len(dst)-1] != u.unknown:
			dst = append(dst, u.unknown)
		}
	}
	return dst
}

// unigram makes the parts of a unigram codec.
func (t *Table) unigram(c *Codec) error {
	if t.Scores == nil {
		return errors.New("no scores")
	}
	words := newPieces(len(t.Tokens))
	scores := make([]float64, len(t.Tokens))
	for i, s := range t.Tokens {
		words.add(s)
		scores[i] = float64(t.Scores[i])
	}
	keep := func(id int32) bool { return c.kinds[id] == kindNormal || c.kinds[id] == kindUser }
	u, err := newUnigram(words, scores, t.Unknown, keep)
	if err != nil {
		return err
	}
	c.model, c.words = u, newIndex(words, keep)
	var forms []normalForm
	if len(t.Charsmap) > 0 {
		m, err := newCharsmap(t.Charsmap)
		if err != nil {
			return fmt.Errorf("precompiled_charsmap: %w", err)
		}
		forms = append(forms, m.longest)
	}
	if t.RemoveExtraWhitespaces {
		forms = append(forms, trimSpaces, squeeze(" "))
	}
	if t.AddSpacePrefix {
		forms = append(forms, prepend(" "))
		c.spaces.lead, c.spaces.leadPart = 1, true
	}
	forms = append(forms, replace(" ", sentencePieceMark))
	if t.RemoveExtraWhitespaces { // marks that the text has itself count here, too
		forms = append(forms, trimMarks)
	}
	c.form = formsInTurn(forms)
	c.spaces.marks = true
	c.pieces = spacePieces(t.Tokens, c.kinds)
	return nil
}
