package grammar

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// trie holds the texts of tokens in depth-first order, so that a walk is one pass
// over an array that skips the subtrees it refuses.
type trie struct {
	nodes   []trieNode // 0 is the root, the empty text
	ids     []int32    // tokens in the order of their texts; the ones of a subtree are neighbours
	longest int        // bytes of the longest text
}

type trieNode struct {
	next  uint32 // the first node behind this one's subtree
	first uint32 // in ids: where the subtree's tokens begin
	own   uint32 // how many of them are this very text
	depth uint16 // bytes of the text
	b     byte   // its last byte
}

// entry is one text of a trie.
type entry struct {
	text []byte
	id   int32
}

// maxPiece is the longest token that takes part, in bytes. Longer ones, which no
// real vocabulary has, are never allowed.
const maxPiece = 4096

// newTrie builds the trie of entries, which it sorts.
func newTrie(entries []entry) *trie {
	slices.SortFunc(entries, func(a, b entry) int {
		if c := bytes.Compare(a.text, b.text); c != 0 {
			return c
		}
		return int(a.id) - int(b.id)
	})
	t := &trie{nodes: make([]trieNode, 1, 1+2*len(entries)), ids: make([]int32, 0, len(entries))}
	path := []uint32{0} // the nodes of the text before
	var last []byte
	for _, e := range entries {
		t.longest = max(t.longest, len(e.text))
		common := shared(last, e.text)
		for _, i := range path[common+1:] {
			t.nodes[i].next = uint32(len(t.nodes)) //nolint:gosec // bounded by the vocabulary
		}
		path = path[:common+1]
		for d := common; d < len(e.text); d++ {
			path = append(path, uint32(len(t.nodes)))                                                          //nolint:gosec // bounded by the vocabulary
			t.nodes = append(t.nodes, trieNode{first: uint32(len(t.ids)), depth: uint16(d + 1), b: e.text[d]}) //nolint:gosec // d is below maxPiece
		}
		t.nodes[path[len(path)-1]].own++
		t.ids = append(t.ids, e.id)
		last = e.text
	}
	for _, i := range path {
		t.nodes[i].next = uint32(len(t.nodes)) //nolint:gosec // bounded by the vocabulary
	}
	return t
}

// shared returns the length of the common prefix.
func shared(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// end returns where in ids the subtree's tokens end.
func (t *trie) end(n *trieNode) uint32 {
	if int(n.next) < len(t.nodes) {
		return t.nodes[n.next].first
	}
	return uint32(len(t.ids)) //nolint:gosec // bounded by the vocabulary
}

// bytes is the memory that t holds.
func (t *trie) bytes() int { return 16*len(t.nodes) + 4*len(t.ids) }

// vocabulary is what is known of a Vocab before any rule.
type vocabulary struct {
	Vocab
	all  *trie // every token that is text
	rest *trie // those of them that are not plain
	// plain lists the tokens of whole characters that a JSON string holds as they are,
	// by their number of characters: plain[:plainEnd[n]] have at most n.
	plain     []int32
	plainEnd  []int
	plainBits []uint64 // all of plain
	size      int
	ends      []int32
}

func newVocabulary(v Vocab) *vocabulary {
	out := &vocabulary{Vocab: v, size: v.Size()}
	for _, id := range v.Ends() {
		if id >= 0 && int(id) < out.size {
			out.ends = append(out.ends, id)
		}
	}
	var all, rest []entry
	var byLength [][]int32
	for id := range int32(out.size) { //nolint:gosec // IDs are int32
		text := v.Piece(id)
		if len(text) == 0 || len(text) > maxPiece || v.Control(id) || slices.Contains(out.ends, id) {
			continue
		}
		all = append(all, entry{text, id})
		n := plainLength(text)
		if n < 0 {
			rest = append(rest, entry{text, id})
			continue
		}
		for len(byLength) <= n {
			byLength = append(byLength, nil)
		}
		byLength[n] = append(byLength[n], id)
	}
	out.all, out.rest = newTrie(all), newTrie(rest)
	out.plainBits = make([]uint64, words(out.size))
	for _, ids := range byLength {
		out.plain = append(out.plain, ids...)
		out.plainEnd = append(out.plainEnd, len(out.plain))
		setBits(out.plainBits, ids)
	}
	return out
}

// plainLength returns how many characters text has, or -1 where a JSON string could
// not hold it as it is or it holds parts of characters.
func plainLength(text []byte) int {
	n := 0
	for i := 0; i < len(text); n++ {
		r, size := utf8.DecodeRune(text[i:])
		if !isPlain(r) || r == utf8.RuneError && size == 1 {
			return -1
		}
		i += size
	}
	return n
}

// isPlain reports whether a JSON string holds r as it is.
func isPlain(r rune) bool { return r >= ' ' && r != '"' && r != '\\' }

// upTo returns the plain tokens of at most n characters.
func (v *vocabulary) upTo(n int32) []int32 {
	switch {
	case n <= 0 || len(v.plainEnd) == 0:
		return nil
	case int(n) < len(v.plainEnd):
		return v.plain[:v.plainEnd[n]]
	}
	return v.plain
}

func words(n int) int { return (n + 63) / 64 }

func setBits(bits []uint64, ids []int32) {
	for _, id := range ids {
		bits[id>>6] |= 1 << (id & 63)
	}
}
