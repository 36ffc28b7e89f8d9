package token

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// noRank is the rank of a pair that does not merge; it is larger than all others.
const noRank = math.MaxInt32

// mergeTable holds the pairs of tokens that merge.
type mergeTable struct {
	slots []mergeSlot
	mask  uint64
	shift uint8
	mult  uint64 // by chance, so that a file can't know what collides
}

type mergeSlot struct {
	pair     uint64
	rank, id int32
}

// noPair is the pair of an empty slot.
const noPair = math.MaxUint64

// newMergeTable makes a table for at most n pairs.
func newMergeTable(n int) *mergeTable {
	size := bits.Len(uint(2*n) | 1)
	t := &mergeTable{slots: make([]mergeSlot, 1<<size), mask: 1<<size - 1, shift: uint8(64 - size), mult: rand.Uint64() | 1} //nolint:gosec // no secret
	for i := range t.slots {
		t.slots[i] = mergeSlot{pair: noPair, rank: noRank}
	}
	return t
}

func pairOf(left, right int32) uint64 {
	return uint64(uint32(left))<<32 | uint64(uint32(right)) //nolint:gosec // bits, not numbers
}

func (t *mergeTable) slot(pair uint64) uint64 {
	pair ^= pair >> 29
	return (pair * t.mult) >> t.shift
}

// put adds a pair. A later one takes the place of an equal one, as in the reference.
func (t *mergeTable) put(left, right, rank, id int32) {
	pair := pairOf(left, right)
	i := t.slot(pair)
	for t.slots[i].pair != noPair && t.slots[i].pair != pair {
		i = (i + 1) & t.mask
	}
	t.slots[i] = mergeSlot{pair: pair, rank: rank, id: id}
}

// get returns the rank of a pair and what it becomes; noRank when it does not merge.
func (t *mergeTable) get(left, right int32) (rank, id int32) {
	pair := pairOf(left, right)
	i := t.slot(pair)
	for {
		s := &t.slots[i]
		if s.pair == pair || s.pair == noPair {
			return s.rank, s.id
		}
		i = (i + 1) & t.mask
	}
}

// pairQueue is a heap of pairs, the lowest rank first, of equal ones the leftmost.
type pairQueue []uint64

func (q *pairQueue) push(rank, at int32) {
	h := append(*q, pairOf(rank, at))
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up] <= h[i] {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	*q = h
}

func (q *pairQueue) pop() (rank, at int32) {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && h[down+1] < h[down] {
			down++
		}
		if h[i] <= h[down] {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	*q = h
	return int32(top >> 32), int32(uint32(top)) //nolint:gosec // as they were put in
}
