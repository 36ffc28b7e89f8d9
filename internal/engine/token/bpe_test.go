package token

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveMerge merges the pair of the lowest rank, the leftmost of equal ones, until
// none is left.
func naiveMerge(b *bpe, syms []int32) []int32 {
	syms = slices.Clone(syms)
	for {
		best, at, merged := int32(noRank), -1, int32(0)
		for i := range len(syms) - 1 {
			if rank, id := b.merges.get(syms[i], syms[i+1]); rank < best {
				best, at, merged = rank, i, id
			}
		}
		if at < 0 {
			return syms
		}
		syms[at] = merged
		syms = slices.Delete(syms, at+1, at+2)
	}
}

// TestMerges wants of both ways to merge what the naive one gives.
func TestMerges(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	table, _ := readTable(t, "llama")
	scored, err := FromTable(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Codec{parseCodec(t, "gpt2"), parseCodec(t, "llama2"), scored} {
		b, ok := c.model.(*bpe)
		if !ok {
			t.Fatalf("%T", c.model)
		}
		for range 3000 {
			letters := "etaoins \u2581h"[:1+r.IntN(11)]
			word := make([]byte, r.IntN(smallWord+1))
			for i := range word {
				word[i] = letters[r.IntN(len(letters))]
			}
			syms := b.symbols(nil, string(word))
			if len(syms) > smallWord {
				continue // broken marks became several bytes
			}
			want := naiveMerge(b, syms)
			small, large := slices.Clone(syms), slices.Clone(syms)
			if small = small[:b.mergeSmall(small)]; !slices.Equal(small, want) {
				t.Fatalf("mergeSmall of %q: %v, want %v", word, small, want)
			}
			if len(large) == 0 {
				continue
			}
			if large = large[:b.mergeLarge(large)]; !slices.Equal(large, want) {
				t.Fatalf("mergeLarge of %q: %v, want %v", word, large, want)
			}
		}
	}
}

func TestTrie(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	words := map[string]int32{}
	tr := newTrie()
	for i := range int32(5000) {
		w := make([]byte, 1+r.IntN(8))
		for k := range w {
			w[k] = byte(r.IntN(4)) * 85
		}
		if _, ok := words[string(w)]; !ok {
			words[string(w)] = i
		}
		if err := tr.add(string(w), i); err != nil {
			t.Fatal(err)
		}
	}
	for range 20000 {
		w := make([]byte, 1+r.IntN(9))
		for k := range w {
			w[k] = byte(r.IntN(4)) * 85
		}
		node, got := uint32(0), int32(noToken)
		for _, c := range w {
			if node = tr.step(node, c); node == 0 {
				break
			}
		}
		if node != 0 {
			got = tr.value[node]
		}
		want, ok := words[string(w)]
		if !ok {
			want = noToken
		}
		if got != want {
			t.Fatalf("%x: %d, want %d", w, got, want)
		}
	}
}
