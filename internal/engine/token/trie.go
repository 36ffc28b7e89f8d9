package token

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
)

// trie finds the words that begin at some place of a text, in one walk over it. Its
// edges are in one hash table: hundreds of thousands of words take some megabytes.
type trie struct {
	root  [256]uint32
	edges []trieEdge
	shift uint8
	mult  uint32 // by chance, so that a file can't know what collides
	used  int
	value []int32 // of each node: what was added with the word that ends there, or noToken
}

// trieEdge leads from the node and with the byte of key to a node.
type trieEdge struct{ key, node uint32 }

// maxTrie bounds the nodes: the key of an edge has 24 bits for one.
const maxTrie = 1<<24 - 1

func newTrie() *trie {
	t := &trie{value: []int32{noToken}, mult: rand.Uint32() | 1} //nolint:gosec // no secret
	t.resize(4)
	return t
}

func (t *trie) resize(size int) {
	old := t.edges
	t.edges = make([]trieEdge, 1<<size)
	t.shift = uint8(32 - size) //nolint:gosec // size is at most 25
	for _, e := range old {
		if e.node != 0 {
			*t.slot(e.key) = e
		}
	}
}

// slot returns the place of a key: its edge, or an empty one.
func (t *trie) slot(key uint32) *trieEdge {
	for i := (key * t.mult) >> t.shift; ; i = (i + 1) & uint32(len(t.edges)-1) { //nolint:gosec // at most 1<<25
		if e := &t.edges[i]; e.node == 0 || e.key == key {
			return e
		}
	}
}

// step goes on from a node over a byte; 0, the root, when no word does.
func (t *trie) step(node uint32, c byte) uint32 {
	if node == 0 {
		return t.root[c]
	}
	return t.slot(node<<8 | uint32(c)).node
}

// add adds a word. Of equal words the first one stays; an empty one is left out.
func (t *trie) add(word string, value int32) error {
	if word == "" {
		return nil
	}
	node := uint32(0)
	for i := range len(word) {
		next := t.step(node, word[i])
		if next == 0 {
			if len(t.value) == maxTrie {
				return fmt.Errorf("a vocabulary of more than %d different beginnings", maxTrie)
			}
			next = uint32(len(t.value)) //nolint:gosec // at most maxTrie
			t.value = append(t.value, noToken)
			t.link(node, word[i], next)
		}
		node = next
	}
	if t.value[node] == noToken {
		t.value[node] = value
	}
	return nil
}

func (t *trie) link(node uint32, c byte, next uint32) {
	if node == 0 {
		t.root[c] = next
		return
	}
	if t.used++; 2*t.used > len(t.edges) {
		t.resize(bits.Len(uint(len(t.edges))))
	}
	*t.slot(node<<8 | uint32(c)) = trieEdge{key: node<<8 | uint32(c), node: next}
}
