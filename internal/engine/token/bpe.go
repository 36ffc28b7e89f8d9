package token

import "unicode/utf8"

// bpe is byte pair encoding: a word is cut into its symbols, bytes or characters, and
// then the pair of neighbours with the lowest rank is merged, the leftmost of equal
// ones, until no pair is left that merges.
type bpe struct {
	words  *index // tokens that a word may be, by their text
	merges *mergeTable
	// single holds the tokens of bytes (byte-level) or of ASCII characters.
	single [256]int32
	byteLevel,
	ignoreMerges, // a word that is a token is that one
	fuseUnknown bool
	unknown  int32          // noToken: what is not in the vocabulary is left out
	fallback *[256]int32    // byte tokens for characters that are not in the vocabulary
	parts    map[rune]int32 // characters that are not tokens, but parts of some; IDs behind the vocabulary's
	partOf   []rune         // the character of each such ID
	unused   map[int32][2]int32
	size     int32 // tokens; larger IDs are parts
	known    *knownWords
	// borders returns the end of what can be merged on its own at s[i]; nil: the word.
	borders func(s string, i int) int
}

// smallWord is the most symbols that are merged by looking at all of them each time.
const smallWord = 48

// append appends the tokens of a word.
func (b *bpe) append(dst []int32, word string) []int32 {
	if b.borders == nil {
		return b.appendWord(dst, word)
	}
	for i := 0; i < len(word); {
		end := b.borders(word, i)
		dst = b.appendWord(dst, word[i:end])
		i = end
	}
	return dst
}

func (b *bpe) appendWord(dst []int32, word string) []int32 {
	id := b.words.get(word)
	if id != noToken && (b.ignoreMerges || len(word) == 1) {
		return append(dst, id)
	}
	if out, ok := b.known.append(dst, id, word); ok {
		return out
	}
	n := len(dst)
	dst = b.merge(dst, word)
	b.known.learn(id, word, dst[n:])
	return dst
}

// merge does the work of appendWord.
func (b *bpe) merge(dst []int32, word string) []int32 {
	n := len(dst)
	dst = b.symbols(dst, word)
	var kept int
	if syms := dst[n:]; len(syms) <= smallWord {
		kept = b.mergeSmall(syms)
	} else {
		kept = b.mergeLarge(syms)
	}
	dst = dst[:n+kept]
	if len(b.parts) > 0 || len(b.unused) > 0 {
		return b.finish(dst, n)
	}
	return dst
}

// symbols appends the tokens of a word's bytes or characters.
func (b *bpe) symbols(dst []int32, word string) []int32 {
	if b.byteLevel {
		return b.byteSymbols(dst, word)
	}
	unknown := false // the last symbol is
	for i, r := range word {
		var id int32
		size := 1
		if r < utf8.RuneSelf {
			id = b.single[r]
		} else {
			_, size = utf8.DecodeRuneInString(word[i:])
			if id = b.words.get(word[i : i+size]); id == noToken {
				id = b.part(r)
			}
		}
		switch {
		case id != noToken:
			dst = append(dst, id)
			unknown = false
		case b.fallback != nil:
			dst = b.bytes(dst, word[i:i+size])
			unknown = false
		case b.unknown != noToken:
			if !unknown || !b.fuseUnknown {
				dst = append(dst, b.unknown)
			}
			unknown = true
		}
	}
	return dst
}

func (b *bpe) byteSymbols(dst []int32, word string) []int32 {
	unknown := false
	for i := range len(word) {
		id := b.single[word[i]]
		if id == noToken {
			if b.unknown == noToken || unknown && b.fuseUnknown {
				continue
			}
			id, unknown = b.unknown, true
		} else {
			unknown = false
		}
		dst = append(dst, id)
	}
	return dst
}

func (b *bpe) part(r rune) int32 {
	if id, ok := b.parts[r]; ok {
		return id
	}
	return noToken
}

func (b *bpe) bytes(dst []int32, s string) []int32 {
	for i := range len(s) {
		dst = append(dst, b.fallback[s[i]])
	}
	return dst
}

// mergeSmall merges symbols in place and returns how many are left.
func (b *bpe) mergeSmall(syms []int32) int {
	var ranks, ids [smallWord]int32 // of the pair that begins at each symbol
	n := len(syms)
	for i := range n - 1 {
		ranks[i], ids[i] = b.merges.get(syms[i], syms[i+1])
	}
	for n > 1 {
		best := 0
		for i := 1; i < n-1; i++ {
			if ranks[i] < ranks[best] {
				best = i
			}
		}
		if ranks[best] == noRank {
			break
		}
		syms[best] = ids[best]
		copy(syms[best+1:n-1], syms[best+2:n])
		copy(ranks[best:n-2], ranks[best+1:n-1])
		copy(ids[best:n-2], ids[best+1:n-1])
		n--
		if best > 0 {
			ranks[best-1], ids[best-1] = b.merges.get(syms[best-1], syms[best]) //nolint:gosec // best is positive
		}
		if best < n-1 {
			ranks[best], ids[best] = b.merges.get(syms[best], syms[best+1])
		}
	}
	return n
}

// link is a symbol of a large word in its list.
type link struct {
	prev, next int32 // -1: none
	rank, id   int32 // of the pair that begins here
}

// mergeLarge is mergeSmall for words of any length, in n·log n steps.
func (b *bpe) mergeLarge(syms []int32) int {
	links := make([]link, len(syms))
	queue := make(pairQueue, 0, len(syms))
	last := int32(len(syms) - 1) //nolint:gosec // less than maxText
	for i := range last + 1 {
		links[i] = link{prev: i - 1, next: i + 1, rank: noRank}
	}
	links[last].next = -1
	look := func(i int32) { // at the pair that begins at i
		l := &links[i]
		l.rank = noRank
		if l.next < 0 {
			return
		}
		if l.rank, l.id = b.merges.get(syms[i], syms[l.next]); l.rank != noRank {
			queue.push(l.rank, i)
		}
	}
	for i := range last {
		look(i)
	}
	for len(queue) > 0 {
		rank, i := queue.pop()
		l := &links[i]
		if l.rank != rank {
			continue // a symbol of the pair was merged meanwhile
		}
		syms[i] = l.id
		gone := &links[l.next]
		gone.rank = noRank
		if l.next = gone.next; l.next >= 0 {
			links[l.next].prev = i
		}
		look(i)
		if l.prev >= 0 {
			look(l.prev)
		}
	}
	n := 0
	for i := int32(0); i >= 0; i = links[i].next {
		syms[n] = syms[i]
		n++
	}
	return n
}

// finish takes apart, from dst[n:] on, what may not stay: unused tokens, and parts.
func (b *bpe) finish(dst []int32, n int) []int32 {
	var out []int32
	for _, id := range dst[n:] {
		out = b.resolve(out, id, 0)
	}
	return append(dst[:n], out...)
}

func (b *bpe) resolve(dst []int32, id int32, depth int) []int32 {
	if pair, ok := b.unused[id]; ok && depth < maxSplits {
		return b.resolve(b.resolve(dst, pair[0], depth+1), pair[1], depth+1)
	}
	if id < b.size {
		return append(dst, id)
	}
	switch {
	case b.fallback != nil:
		return b.bytes(dst, string(b.partOf[id-b.size]))
	case b.unknown == noToken || b.fuseUnknown && len(dst) > 0 && dst[len(dst)-1] == b.unknown:
		return dst
	}
	return append(dst, b.unknown)
}

// maxSplits bounds how often an unused token is taken apart; each time it gets shorter.
const maxSplits = 256
