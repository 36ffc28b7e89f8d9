package histogram

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var unexported = cmp.AllowUnexported(Histogram{}, bucket{})

func TestBuckets(t *testing.T) {
	t.Parallel()
	last := index(0)
	for v := int64(1); v < largest; v += 1 + v/50 {
		d := time.Duration(v) * time.Microsecond
		i := index(d)
		if i != last && i != last+1 && v < 1<<20 {
			t.Fatalf("bucket %d of %v follows bucket %d", i, d, last)
		}
		last = i
		if off := (middle(i) - d).Abs(); off > max(d/32, time.Microsecond/2) {
			t.Errorf("%v is counted as %v", d, middle(i))
		}
	}
	if got := index(1 << 62); got != index(largest*time.Microsecond) || got != lastIndex {
		t.Errorf("the largest bucket is %d", got)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var whole, odd, even Histogram
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(rng.ExpFloat64() * float64(300*time.Millisecond))
		all = append(all, d)
		whole.Add(d)
		if i%2 == 0 {
			even.Add(d)
		} else {
			odd.Add(d)
		}
	}
	slices.Sort(all)
	odd.Merge(&even)
	if diff := cmp.Diff(odd, whole, unexported); diff != "" {
		t.Error("merged halves differ from the whole:", diff)
	}
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(int(q*float64(len(all)))-1, 0)]
		if off := (whole.Quantile(q) - want).Abs(); off > want/16 {
			t.Errorf("Quantile(%v) = %v, want %v", q, whole.Quantile(q), want)
		}
	}
	if whole.Min() != all[0] || whole.Max() != all[len(all)-1] || whole.Count() != int64(len(all)) {
		t.Errorf("min %v, max %v, count %d", whole.Min(), whole.Max(), whole.Count())
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Mean() != 0 || h.Min() != 0 || h.Max() != 0 {
		t.Error("an empty histogram knows a duration")
	}
	var one Histogram
	one.Add(time.Second)
	one.Merge(&h)
	h.Merge(&one)
	if diff := cmp.Diff(h, one, unexported); diff != "" {
		t.Error(diff)
	}
	if got := one.Quantile(0.99); got != time.Second {
		t.Errorf("the only duration is %v, want 1s", got)
	}
}

func TestEncoding(t *testing.T) {
	t.Parallel()
	for _, durations := range [][]time.Duration{nil, {0}, {-5}, {1, 2, time.Hour, 1 << 62}, {time.Second, time.Second}} {
		var want, got Histogram
		for _, d := range durations {
			want.Add(d)
		}
		data, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := got.UnmarshalBinary(data); err != nil {
			t.Errorf("%v: %v", durations, err)
		}
		if diff := cmp.Diff(got, want, unexported); diff != "" {
			t.Errorf("%v: %s", durations, diff)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	var h Histogram
	for _, d := range []time.Duration{0, time.Millisecond, time.Hour} {
		h.Add(d)
		data, _ := h.MarshalBinary()
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var h, again Histogram
		if h.UnmarshalBinary(data) != nil {
			return
		}
		h.Quantile(0.5)
		data, err := h.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again, h, unexported); diff != "" {
			t.Error(diff)
		}
	})
}
