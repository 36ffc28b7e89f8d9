// Package histogram counts durations so that any number of counts can be added up and
// still be asked for percentiles: minutes to hours, models to a whole account.
//
// Durations are counted in microseconds, exactly below 32 µs and to within 1/32 of
// their value above, up to some 50 days. A histogram holds only the buckets in use,
// a handful for a typical minute.
package histogram

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
	"time"
)

const (
	subBits = 4 // 16 buckets for each power of two
	subs    = 1 << subBits
	largest = 1<<42 - 1 // µs

	lastIndex = (42-subBits-1)*subs + 2*subs - 1 // the bucket of largest
)

// Histogram counts durations. Its zero value is empty and ready. It is not safe for
// concurrent use, and a copy shares the buckets of the original: see Clone.
type Histogram struct {
	count    int64
	sum      time.Duration
	min, max time.Duration
	buckets  []bucket // by index, those that count something
}

type bucket struct {
	index uint16
	count int64
}

// Add counts d. What is below zero counts as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	if h.count == 0 || d < h.min {
		h.min = d
	}
	h.max = max(h.max, d)
	h.count++
	h.sum += d
	h.bump(index(d), 1)
}

// Merge adds what other counted.
func (h *Histogram) Merge(other *Histogram) {
	if other.count == 0 {
		return
	}
	if h.count == 0 || other.min < h.min {
		h.min = other.min
	}
	h.max = max(h.max, other.max)
	h.count += other.count
	h.sum += other.sum
	for _, b := range other.buckets {
		h.bump(b.index, b.count)
	}
}

func (h *Histogram) bump(index uint16, count int64) {
	i, found := slices.BinarySearchFunc(h.buckets, index, func(b bucket, index uint16) int { return int(b.index) - int(index) })
	if !found {
		h.buckets = slices.Insert(h.buckets, i, bucket{index: index})
	}
	h.buckets[i].count += count
}

// Clone returns a copy that shares nothing.
func (h *Histogram) Clone() Histogram {
	c := *h
	c.buckets = slices.Clone(h.buckets)
	return c
}

// Count returns how many durations were counted.
func (h *Histogram) Count() int64 { return h.count }

// Sum returns their sum, exactly.
func (h *Histogram) Sum() time.Duration { return h.sum }

// Min returns the shortest, exactly; zero when there is none.
func (h *Histogram) Min() time.Duration { return h.min }

// Max returns the longest, exactly; zero when there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean returns the average; zero when there is none.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return h.sum / time.Duration(h.count)
}

// Quantile returns the duration that a share q of all durations does not exceed:
// 0.99 for the 99th percentile. It is zero when there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	rank := max(int64(math.Ceil(q*float64(h.count))), 1)
	for _, b := range h.buckets {
		if rank -= b.count; rank <= 0 {
			return min(max(middle(b.index), h.min), h.max)
		}
	}
	return h.max
}

// index returns the bucket of d. Buckets 0 to 31 are a microsecond wide; every further
// 16 are twice as wide as those before.
func index(d time.Duration) uint16 {
	v := uint64(min(d.Microseconds(), largest)) //nolint:gosec // not negative, see Add
	shift := max(bits.Len64(v)-subBits-1, 0)
	return uint16(shift*subs + int(v>>shift)) //nolint:gosec // below 640
}

// middle returns the duration in the middle of a bucket.
func middle(index uint16) time.Duration {
	i := int(index)
	shift := max(i/subs-1, 0)
	low := (i - shift*subs) << shift
	return time.Duration(low)*time.Microsecond + (time.Duration(1)<<shift)*time.Microsecond/2
}

var errEncoding = errors.New("histogram: bad encoding")

// MarshalBinary writes the histogram; an empty one is empty. It does not fail.
func (h *Histogram) MarshalBinary() ([]byte, error) {
	if h.count == 0 {
		return nil, nil
	}
	buf := make([]byte, 0, 4*len(h.buckets)+24)
	for _, v := range []time.Duration{h.sum, h.min, h.max} {
		buf = binary.AppendVarint(buf, int64(v))
	}
	last := uint16(0)
	for _, b := range h.buckets {
		buf = binary.AppendUvarint(buf, uint64(b.index-last))
		buf = binary.AppendUvarint(buf, uint64(b.count)) //nolint:gosec // positive
		last = b.index
	}
	return buf, nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (h *Histogram) UnmarshalBinary(data []byte) error {
	*h = Histogram{}
	if len(data) == 0 {
		return nil
	}
	for _, v := range []*time.Duration{&h.sum, &h.min, &h.max} {
		x, n := binary.Varint(data)
		if n <= 0 {
			return errEncoding
		}
		*v, data = time.Duration(x), data[n:]
	}
	var last uint64
	for len(data) > 0 {
		step, n := binary.Uvarint(data)
		if n <= 0 {
			return errEncoding
		}
		count, m := binary.Uvarint(data[n:])
		if m <= 0 || count == 0 || count > math.MaxInt64 {
			return errEncoding
		}
		data = data[n+m:]
		if step > lastIndex-last || len(h.buckets) > 0 && step == 0 {
			return errEncoding
		}
		last += step
		h.buckets = append(h.buckets, bucket{uint16(last), int64(count)}) //nolint:gosec // both checked above
		h.count += int64(count)
	}
	if h.count <= 0 {
		return errEncoding
	}
	return nil
}
