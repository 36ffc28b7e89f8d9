package ledger

import (
	"encoding/binary"
	"hash/fnv"
	"math/bits"
)

// filter is a Bloom filter of request IDs: it tells of any ID that it is not among
// those added, or that it probably is (wrongly for one in a hundred). Its bits are
// stored.
//
// An index of the IDs themselves would cost more than all the rest of loading:
// they are random, so each new one changes another page of it.
type filter []byte

const (
	filterBits   = 10 // per ID
	filterHashes = 7
)

// newFilter returns a filter for n IDs.
func newFilter(n int) filter { return make(filter, max((n*filterBits+7)/8, 8)) }

func (f filter) add(id string) {
	for i, h := 0, hashOf(id); i < filterHashes; i++ {
		at := f.at(&h)
		f[at/8] |= 1 << (at % 8)
	}
}

func (f filter) has(id string) bool {
	if len(f) == 0 {
		return false
	}
	for i, h := 0, hashOf(id); i < filterHashes; i++ {
		if at := f.at(&h); f[at/8]&(1<<(at%8)) == 0 {
			return false
		}
	}
	return true
}

// hash yields the places of an ID one after the other.
type hash struct{ next, step uint64 }

func hashOf(id string) hash {
	h := fnv.New128a()
	_, _ = h.Write([]byte(id)) // never fails
	var sum [16]byte
	h.Sum(sum[:0])
	return hash{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:]) | 1}
}

// at returns the next place in the filter.
func (f filter) at(h *hash) uint64 {
	place, _ := bits.Mul64(h.next, uint64(len(f))*8) // as good as a remainder
	h.next += h.step
	return place
}
