package sample

import (
	"math"
	"math/bits"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// block is how many logits share a top: those of a mask's word.
const block = 64

// field is a row of logits seen through a mask. Its scratch memory is kept between rows.
type field struct {
	c    *kernel.Compute
	x    []float32
	mask []uint64  // nil: all allowed
	tops []float32 // the largest allowed logit of each block; -Inf: none
	top  float32   // the largest of all

	sums  []float32 // of each block's exponentials: see weigh
	exps  []float32 // scratch: a block
	order []float32 // scratch of kthTop
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

// token returns the ID of a block's token.
func token(b, i int) int32 { return int32(b*block + i) } //nolint:gosec // below the vocabulary's size

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
		f.load(b)
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
			return token(b, i)
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
				dst = append(dst, candidate{token(b, i), x[i]})
			}
		}
	}
	return dst
}

// weigh returns the sum of exp(scale·(logit-top)) over the allowed tokens before a border,
// and keeps the sums of blocks for draw.
func (f *field) weigh(before border, scale float32) float64 {
	f.sums = f.sums[:0]
	total := 0.0
	for b, top := range f.tops {
		sum := float32(0)
		if top >= before.logit && scale*(top-f.top) > underflow {
			sum = f.blockSum(b, before, scale)
		}
		f.sums = append(f.sums, sum)
		total += float64(sum)
	}
	return total
}

// underflow is a logarithm of nothing in 32 bits.
const underflow = -104

// blockSum leaves the exponentials of a block in f.exps and returns the sum of those
// before a border.
func (f *field) blockSum(b int, before border, scale float32) float32 {
	x := f.load(b)
	all := f.c.ExpSum(f.exps, f.top, scale)
	if before == everything() {
		return all
	}
	// Up to the border's ID, a logit equal to the border's is before it.
	n := min(max(int(before.id)-b*block, 0), len(x))
	sum := sumAbove(x[:n], f.exps, math.Nextafter32(before.logit, float32(math.Inf(-1))))
	return sum + sumAbove(x[n:], f.exps[n:], before.logit)
}

// sumAbove adds up the exponentials whose logits are above cut. It doesn't branch: half of
// the branches would be taken, and none of them as expected.
func sumAbove(x, exps []float32, cut float32) float32 {
	exps = exps[:len(x)]
	sum := float32(0)
	for i, v := range x {
		above := -(math.Float32bits(cut-v) >> 31) // the sign, in all bits
		sum += math.Float32frombits(math.Float32bits(exps[i]) & above)
	}
	return sum
}

// load copies a block to f.exps, with -Inf where it is masked, and returns the block.
func (f *field) load(b int) []float32 {
	x := f.block(b)
	f.exps = append(f.exps[:0], x...)
	if !f.whole(b) {
		impossible(f.exps, ^f.mask[b])
	}
	return x
}

// draw returns the token before a border at which the running sum passes u, after weigh
// with the same border and scale.
func (f *field) draw(u float64, before border, scale float32) candidate {
	at := 0
	for b, sum := range f.sums {
		if sum == 0 {
			continue
		}
		at = b
		if u < float64(sum) {
			break
		}
		u -= float64(sum)
	}
	x := f.load(at)
	f.c.ExpSum(f.exps, f.top, scale)
	var drawn candidate
	for i, e := range f.exps {
		c := candidate{token(at, i), x[i]}
		if e == 0 || !before.follows(c) {
			continue
		}
		drawn = c // the last possible one if rounding leaves something of u
		if u -= float64(e); u < 0 {
			break
		}
	}
	return drawn
}
