package kv

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"
)

// node is a complete page that sequences can share. An owner's root has no page, and lives
// as long as there are sequences or children.
type node struct {
	owner    string // of a root
	parent   *node
	children map[uint64]*node // by the hash of their tokens
	hash     uint64           // under which the parent has it
	tokens   []int32
	page     page

	refs    int           // sequences that hold it
	keep    time.Duration // the longest mark's time; 0: not marked
	expires time.Time     // while it is in a list

	in         *list // nil while it has references
	prev, next *node
}

// child returns the child with the tokens. taken says that the place is another's, whose
// tokens happen to have the same hash.
func (n *node) child(hash uint64, tokens []int32) (found *node, taken bool) {
	c := n.children[hash]
	if c == nil {
		return nil, false
	}
	if !slices.Equal(c.tokens, tokens) {
		return nil, true
	}
	return c, false
}

// add makes pg the child with the tokens, held by one sequence.
func (n *node) add(hash uint64, tokens []int32, pg page) *node {
	if n.children == nil {
		n.children = map[uint64]*node{}
	}
	c := &node{parent: n, hash: hash, tokens: slices.Clone(tokens), page: pg, refs: 1}
	n.children[hash] = c
	return c
}

// hashOf is the hash of a page's tokens, with a seed that nobody outside knows.
func (c *Cache) hashOf(tokens []int32) uint64 {
	c.bytes = c.bytes[:0]
	for _, id := range tokens {
		c.bytes = binary.LittleEndian.AppendUint32(c.bytes, uint32(id)) //nolint:gosec // its bits
	}
	return maphash.Bytes(c.seed, c.bytes)
}

// list is a queue of nodes, the least recently used first.
type list struct {
	first, last *node
	len         int
}

func (l *list) push(n *node) {
	n.in, n.prev, n.next = l, l.last, nil
	if l.last == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
	l.len++
}

func (l *list) remove(n *node) {
	if n.prev == nil {
		l.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.in, n.prev, n.next = nil, nil, nil
	l.len--
}
