package sample

import (
	"math"
	"math/bits"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

const (
	// block is how many logits share a top: those of a mask's word.
	block = 64
	// chunk is how many are exponentiated at a time: a quarter of a first-level cache.
	chunk = 64 * block
)

// field is a row of logits seen through a mask. Its scratch memory is kept between rows.
type field struct {
	c    *kernel.Compute
	x    []float32
	mask []uint64  // nil: all allowed
	tops []float32 // the largest allowed logit of each block; -Inf: none
	top  float32   // the largest of all

	order []float32 // scratch of kthTop
	exps  []float32 // scratch: one chunk
	sums  []float64 // of the chunks' exponentials
}

// set looks at a row.
func (f *field) set(x []float32, mask []uint64) {
	f.x, f.mask = x, mask
	f.tops = slices.Grow(f.tops[:0], (len(x)+block-1)/block)
	f.top = float32(math.Inf(-1))
	for b := 0; b*block < len(x); b++ {
		top := f.blockTop(b)
		f.tops = append(f.tops, top)
		f.top = max(f.top, top)
	}
}

func (f *field) block(b int) []float32 { return f.x[b*block : min((b+1)*block, len(f.x))] }

// word returns which tokens of a block are allowed.
func (f *field) word(b int) uint64 {
	w := ^uint64(0)
	if n := len(f.x) - b*block; n < block {
		w = 1<<n - 1
	}
	if f.mask != nil {
		w &= f.mask[b]
	}
	return w
}

// whole reports whether nothing of a block is masked.
func (f *field) whole(b int) bool { return f.mask == nil || f.mask[b] == ^uint64(0) }

func (f *field) blockTop(b int) float32 {
	x := f.block(b)
	if f.whole(b) {
		return f.c.Largest(x)
	}
	w := f.word(b)
	if bits.OnesCount64(w) > block/2 {
		f.exps = append(f.exps[:0], x...)
		impossible(f.exps, ^w)
		return f.c.Largest(f.exps)
	}
	top := float32(math.Inf(-1))
	for ; w != 0; w &= w - 1 {
		top = max(top, x[bits.TrailingZeros64(w)])
	}
	return top
}

// impossible sets those logits of a block to -Inf whose bits are set.
func impossible(x []float32, w uint64) {
	for ; w != 0; w &= w - 1 {
		if i := bits.TrailingZeros64(w); i < len(x) {
			x[i] = float32(math.Inf(-1))
		}
	}
}

// best returns the most likely token.
func (f *field) best() int32 {
	b := slices.Index(f.tops, f.top)
	x := f.block(b)
	for w := f.word(b); w != 0; w &= w - 1 {
		if i := bits.TrailingZeros64(w); x[i] == f.top {
			return int32(b*block + i)
		}
	}
	return -1 // not reached: a block's top is one of its logits
}

// possible reports whether any token is.
func (f *field) possible() bool { return !math.IsInf(float64(f.top), -1) }

// kthTop returns a logit that at least k tokens reach if there are as many.
func (f *field) kthTop(k int) float32 {
	if k > len(f.tops) {
		return float32(math.Inf(-1))
	}
	f.order = append(f.order[:0], f.tops...)
	// A full sort of some 2,000 would take longer than everything else.
	return kth(f.order, k)
}

// gather appends the possible tokens whose logits reach cut.
func (f *field) gather(dst []candidate, cut float32) []candidate {
	cut = max(cut, -math.MaxFloat32)
	for b, top := range f.tops {
		if top < cut {
			continue
		}
		x := f.block(b)
		for w := f.word(b); w != 0; w &= w - 1 {
			if i := bits.TrailingZeros64(w); x[i] >= cut {
				dst = append(dst, candidate{id: int32(b*block + i), logit: x[i]})
			}
		}
	}
	return dst
}

// mass returns the sum of exp(s·(x-top)) over the allowed tokens, and keeps the sums of
// chunks for draw.
func (f *field) mass(s float32) float64 {
	f.sums = f.sums[:0]
	total := 0.0
	for i := 0; i*chunk < len(f.x); i++ {
		f.load(i)
		sum := float64(f.c.ExpSum(f.exps, f.top, s))
		f.sums = append(f.sums, sum)
		total += sum
	}
	return total
}

// load copies a chunk's logits, with -Inf where they are masked.
func (f *field) load(i int) {
	lo, hi := i*chunk, min((i+1)*chunk, len(f.x))
	f.exps = append(f.exps[:0], f.x[lo:hi]...)
	if f.mask == nil {
		return
	}
	for at := lo; at < hi; at += block {
		impossible(f.exps[at-lo:min(at-lo+block, hi-lo)], ^f.mask[at/block])
	}
}

// draw returns the token at which the running sum of exponentials passes u, after mass
// with the same s.
func (f *field) draw(u float64, s float32) int32 {
	last := 0
	for i, sum := range f.sums {
		if sum == 0 {
			continue
		}
		last = i
		if u < sum {
			break
		}
		u -= sum
	}
	f.load(last)
	f.c.ExpSum(f.exps, f.top, s)
	id := 0
	for i, e := range f.exps {
		if e == 0 {
			continue
		}
		id = i // the last possible one if rounding leaves something of u
		if u -= float64(e); u < 0 {
			break
		}
	}
	return int32(last*chunk + id)
}
