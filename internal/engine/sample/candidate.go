package sample

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// candidate is a token that may be chosen.
type candidate struct {
	id    int32
	logit float32
}

// compare orders the more likely first, and of equal ones the lower ID.
func compare(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
}

// before is compare(a, b) < 0 for logits that aren't NaN.
func before(a, b *candidate) bool {
	return a.logit > b.logit || a.logit == b.logit && a.id < b.id
}

// border is a place in the order of candidates. It stands for those before it.
type border candidate

// everything returns the border that all possible tokens are before.
func everything() border { return border{id: math.MinInt32, logit: float32(math.Inf(-1))} }

// reaching returns the border after the last candidate with a logit.
func reaching(logit float32) border { return border{id: math.MaxInt32, logit: logit} }

// after returns the border after a candidate.
func after(c candidate) border { return border{id: c.id + 1, logit: c.logit} }

// follows reports whether c is before the border.
func (b border) follows(c candidate) bool { return before(&c, (*candidate)(&b)) }

// head moves the k most likely candidates to the front, in arbitrary but definite order,
// and returns them; all if there are fewer.
func head(c []candidate, k int) []candidate {
	if k >= len(c) {
		return c
	}
	const few = 24
	lo, hi := 0, len(c) // lo ≤ k ≤ hi, and the order between these is not known
	for turns := 2 * bits.Len(uint(len(c))); hi-lo > few && turns > 0; turns-- {
		if mid := lo + partition(c[lo:hi]); mid < k {
			lo = mid
		} else {
			hi = mid
		}
	}
	slices.SortFunc(c[lo:hi], compare) // few, or pivots were bad all the time
	return c[:k]
}

// partition moves candidates that are before some pivot, and the pivot itself, to the
// front and returns how many these are: at least one, and not all of them.
func partition(c []candidate) int {
	n := len(c)
	// The middle of three as pivot, moved to the end.
	a, m, z := 0, n/2, n-1
	if before(&c[m], &c[a]) {
		a, m = m, a
	}
	if before(&c[z], &c[m]) {
		m = z
		if before(&c[m], &c[a]) {
			m = a
		}
	}
	c[m], c[z] = c[z], c[m]
	pivot := c[z]
	k := 0
	for i := range c[:z] {
		if before(&c[i], &pivot) {
			c[i], c[k] = c[k], c[i]
			k++
		}
	}
	c[k], c[z] = c[z], c[k]
	return k + 1
}

// kth returns the k-th largest of x, 1 ≤ k ≤ len(x), and changes its order.
func kth(x []float32, k int) float32 {
	lo, hi := 0, len(x)
	for turns := 2 * bits.Len(uint(len(x))); hi-lo > 24 && turns > 0; turns-- {
		pivot := middle(x[lo], x[lo+(hi-lo)/2], x[hi-1])
		// [lo,i) above, [i,j) equal, [j,hi) below
		i, at, j := lo, lo, hi
		for at < j {
			switch v := x[at]; {
			case v > pivot:
				x[at], x[i] = x[i], v
				i, at = i+1, at+1
			case v < pivot:
				j--
				x[at], x[j] = x[j], v
			default:
				at++
			}
		}
		switch {
		case k <= i:
			hi = i
		case k <= j:
			return pivot
		default:
			lo = j
		}
	}
	slices.SortFunc(x[lo:hi], func(a, b float32) int { return cmp.Compare(b, a) })
	return x[k-1]
}

// middle returns the one in the middle of three.
func middle(a, b, c float32) float32 { return max(min(a, b), min(max(a, b), c)) }
