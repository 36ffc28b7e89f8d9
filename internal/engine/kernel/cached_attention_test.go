package kernel_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// stored returns what a cache of the given type keeps of x.
func stored(typ kernel.Type, x []float32) []float32 {
	out := slices.Clone(x)
	switch typ { //nolint:exhaustive // F32 keeps everything, and there are no others
	case kernel.F16:
		for i, v := range x {
			out[i] = kernel.F16ToF32(kernel.F32ToF16(v))
		}
	case kernel.Q8_0:
		for b := 0; b < len(x); b += 32 {
			largest := float32(0)
			for _, v := range x[b : b+32] {
				largest = max(largest, float32(math.Abs(float64(v))))
			}
			scale := kernel.F16ToF32(kernel.F32ToF16(largest * (1 / 127.)))
			for i, v := range x[b : b+32] {
				out[b+i] = scale * float32(math.RoundToEven(float64(v*(127/max(largest, 1e-30)))))
			}
		}
	}
	return out
}

// newPages returns pages for n tokens, full of NaN: nothing of them may be seen before
// it is stored.
func newPages(size, tokens int) [][]byte {
	pages := make([][]byte, (tokens+kernel.PageTokens-1)/kernel.PageTokens)
	for i := range pages {
		words := make([]uint32, size/4)
		for k := range words {
			words[k] = 0xffffffff
		}
		pages[i] = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
	}
	return pages
}

// cached is a sequence with queries, keys and values for all its tokens.
type cached struct {
	q, k, v []float32
	tokens  int
	pages   [][]byte
}

func newCached(seed uint64, a kernel.CachedAttention, tokens int) *cached {
	width := a.Layout.KVHeads * a.Layout.HeadDim
	return &cached{
		q: random(seed, tokens*a.Heads*a.Layout.HeadDim), k: random(seed+1, tokens*width), v: random(seed+2, tokens*width),
		tokens: tokens, pages: newPages(a.Offset+a.Layout.PageSize(), tokens),
	}
}

// step stores tokens lo to hi and returns their span and queries.
func (s *cached) step(t testing.TB, c *kernel.Compute, a kernel.CachedAttention, lo, hi int) (kernel.CachedSpan, []float32) {
	t.Helper()
	width := a.Layout.KVHeads * a.Layout.HeadDim
	span := kernel.CachedSpan{Start: lo, Tokens: hi - lo, Pages: s.pages}
	if err := c.StoreKV(a.CacheLayer, span, s.k[lo*width:hi*width], s.v[lo*width:hi*width]); err != nil {
		t.Fatal(err)
	}
	return span, s.q[lo*a.Heads*a.Layout.HeadDim : hi*a.Heads*a.Layout.HeadDim]
}

func cachedShapes() []kernel.CachedAttention {
	shape := func(heads, kvHeads, dim, window int) kernel.CachedAttention {
		return kernel.CachedAttention{
			CacheLayer: kernel.CacheLayer{Layout: kernel.CacheLayout{KVHeads: kvHeads, HeadDim: dim}, Offset: 64},
			Heads:      heads, Scale: float32(1 / math.Sqrt(float64(dim))), Window: window,
		}
	}
	return []kernel.CachedAttention{
		shape(1, 1, 64, 0), shape(6, 2, 32, 0), shape(8, 4, 8, 0), shape(4, 1, 96, 0), shape(9, 3, 64, 100),
		shape(7, 1, 32, 1), shape(2, 2, 20, 37), shape(4, 2, 128, 300), shape(5, 5, 33, 0), shape(6, 1, 32, 600),
	}
}

// cacheTypes returns the types that can keep heads of the given length.
func cacheTypes(dim int) []kernel.Type {
	if dim%32 == 0 {
		return []kernel.Type{kernel.F32, kernel.F16, kernel.Q8_0}
	}
	return []kernel.Type{kernel.F32, kernel.F16}
}

func TestAttendCached(t *testing.T) {
	t.Parallel()
	lengths := []int{1, 17, 64, 290}
	if testing.Short() {
		lengths = []int{1, 17, 270}
	}
	for _, a := range cachedShapes() {
		for _, a.Layout.Type = range cacheTypes(a.Layout.HeadDim) {
			t.Run(fmt.Sprintf("%s/heads=%d,%d,%d/window=%d", a.Layout.Type, a.Heads, a.Layout.KVHeads, a.Layout.HeadDim, a.Window), func(t *testing.T) {
				t.Parallel()
				for i, n := range lengths {
					checkAttendCached(t, a, newCached(uint64(10*i+1), a, n), 8e-6)
				}
			})
		}
	}
}

// checkAttendCached reads a sequence in two chunks, with each set of kernels, and compares
// with the definition.
func checkAttendCached(t *testing.T, a kernel.CachedAttention, s *cached, tolerance float64) {
	t.Helper()
	want := attend(s.q, stored(a.Layout.Type, s.k), stored(a.Layout.Type, s.v), []kernel.Sequence{{Queries: s.tokens, Keys: s.tokens}},
		kernel.Attention{Heads: a.Heads, KVHeads: a.Layout.KVHeads, HeadDim: a.Layout.HeadDim, Scale: a.Scale, Causal: true, Window: a.Window})
	for _, isa := range isas(t) {
		c := open(t, isa, 2)
		s.pages = newPages(a.Offset+a.Layout.PageSize(), s.tokens)
		var m kernel.AttentionMemory
		var got []float32
		for _, r := range [][2]int{{0, s.tokens * 2 / 3}, {s.tokens * 2 / 3, s.tokens}} {
			span, q := s.step(t, c, a, r[0], r[1])
			dst, check := guarded(t, random(4, len(q)))
			if err := c.AttendCached(dst, q, []kernel.CachedSpan{span}, a, &m); err != nil {
				t.Fatal(err)
			}
			check()
			got = append(got, dst...)
		}
		for i, w := range want {
			if d := math.Abs(float64(got[i]) - w); !(d <= tolerance) {
				t.Fatalf("%s %+v, %d tokens, element %d: got %v, want %v", isa, a, s.tokens, i, got[i], w)
			}
		}
	}
}

// TestAttendCachedIsAlwaysTheSame reads sequences in random chunks, in random company
// and on several threads: not a bit may differ from token by token, alone, on one.
func TestAttendCachedIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	for _, isa := range isas(t) {
		t.Run(string(isa), func(t *testing.T) {
			t.Parallel()
			long, rounds := 1500, 6
			switch {
			case testing.Short():
				long, rounds = 600, 1
			case isa == kernel.ISAGo:
				long, rounds = 500, 3
			}
			one, two, three := open(t, isa, 1), open(t, isa, 2), open(t, isa, 3)
			for i, a := range cachedShapes() {
				for _, a.Layout.Type = range cacheTypes(a.Layout.HeadDim) {
					lengths := []int{5, long / (1 + a.Heads*a.Layout.HeadDim/128), 130, 64}
					want := alone(t, one, a, lengths)
					for r := range rounds {
						c := []*kernel.Compute{one, two, three}[r%3]
						company(t, c, a, lengths, want, rand.New(rand.NewPCG(uint64(i), uint64(r))))
					}
				}
			}
		})
	}
}

// alone returns the results of sequences that are read token by token.
func alone(t *testing.T, c *kernel.Compute, a kernel.CachedAttention, lengths []int) [][]float32 {
	t.Helper()
	var m kernel.AttentionMemory
	var out [][]float32
	for i, n := range lengths {
		s := newCached(uint64(i), a, n)
		dst := make([]float32, len(s.q))
		row := a.Heads * a.Layout.HeadDim
		for at := range n {
			span, q := s.step(t, c, a, at, at+1)
			if err := c.AttendCached(dst[at*row:][:row], q, []kernel.CachedSpan{span}, a, &m); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, dst)
	}
	return out
}

// company reads the same sequences together, in random chunks.
func company(t *testing.T, c *kernel.Compute, a kernel.CachedAttention, lengths []int, want [][]float32, r *rand.Rand) {
	t.Helper()
	var m kernel.AttentionMemory
	sequences, done := make([]*cached, len(lengths)), make([]int, len(lengths))
	for i, n := range lengths {
		sequences[i] = newCached(uint64(i), a, n)
	}
	for !slices.Equal(done, lengths) {
		var spans []kernel.CachedSpan
		var q []float32
		from := slices.Clone(done)
		for i, s := range sequences {
			n := min(r.IntN(3)*r.IntN(1+lengths[i]/2)+r.IntN(2), s.tokens-done[i])
			span, rows := s.step(t, c, a, done[i], done[i]+n)
			spans, q = append(spans, span), append(q, rows...)
			done[i] += n
		}
		dst := make([]float32, len(q))
		if err := c.AttendCached(dst, q, spans, a, &m); err != nil {
			t.Fatal(err)
		}
		row := a.Heads * a.Layout.HeadDim
		for i := range sequences {
			n := (done[i] - from[i]) * row
			if !slices.Equal(dst[:n], want[i][from[i]*row:][:n]) {
				t.Fatalf("%s %+v: tokens %d to %d of %d differ from those read alone", c.ISA(), a, from[i], done[i], lengths[i])
			}
			dst = dst[n:]
		}
	}
}

// TestStoreKVStaysInItsSlots stores one token and looks for any other byte that changed.
func TestStoreKVStaysInItsSlots(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, a := range cachedShapes() {
			for _, a.Layout.Type = range cacheTypes(a.Layout.HeadDim) {
				s := newCached(1, a, 2*kernel.PageTokens)
				s.step(t, c, a, 0, s.tokens)
				first, second := slices.Clone(s.pages[0]), slices.Clone(s.pages[1])
				const at = 21
				width := a.Layout.KVHeads * a.Layout.HeadDim
				span := kernel.CachedSpan{Start: at, Tokens: 1, Pages: s.pages}
				if err := c.StoreKV(a.CacheLayer, span, random(7, width), random(8, width)); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(second, s.pages[1]) {
					t.Errorf("%+v: the next page changed", a.Layout)
				}
				changed := 0
				for i := range first {
					if first[i] != s.pages[0][i] {
						changed++
					}
				}
				if most := a.Layout.PageSize() / kernel.PageTokens; changed == 0 || changed > most {
					t.Errorf("%+v: %d bytes changed, at most %d are the token's", a.Layout, changed, most)
				}
				// The token itself, stored as before, brings every byte back.
				s.step(t, c, a, at, at+1)
				if !slices.Equal(first, s.pages[0]) {
					t.Errorf("%+v: another token's bytes changed", a.Layout)
				}
			}
		}
	})
}

// TestAttendCachedFoldsFarScores gives later keys scores that are hundreds larger, or
// smaller, than those of segments before: their weights must not overflow, nor those of
// the others be lost.
func TestAttendCachedFoldsFarScores(t *testing.T) {
	t.Parallel()
	for _, slope := range []float32{-0.7, 0.7} {
		a := kernel.CachedAttention{CacheLayer: kernel.CacheLayer{Layout: kernel.CacheLayout{Type: kernel.F32, KVHeads: 1, HeadDim: 16}}, Heads: 2, Scale: 1}
		s := newCached(1, a, 900)
		for i := range s.tokens {
			s.k[16*i] = slope * float32(i)
		}
		for i := range s.q {
			if i%16 == 0 {
				s.q[i] = 1
			} else {
				s.q[i] *= 0.1
			}
		}
		checkAttendCached(t, a, s, 2e-4) // of scores in the hundreds
	}
}

func TestAttendCachedRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, kernel.ISAGo, 1)
	var m kernel.AttentionMemory
	good := kernel.CachedAttention{CacheLayer: kernel.CacheLayer{Layout: kernel.CacheLayout{Type: kernel.F16, KVHeads: 1, HeadDim: 32}}, Heads: 2, Scale: 1}
	pages := newPages(good.Layout.PageSize(), 64)
	span := func(start, tokens int) []kernel.CachedSpan {
		return []kernel.CachedSpan{{Start: start, Tokens: tokens, Pages: pages}}
	}
	x := make([]float32, 64)
	if err := c.AttendCached(x, slices.Clone(x), span(0, 1), good, &m); err != nil {
		t.Fatal(err)
	}
	with := func(f func(a *kernel.CachedAttention)) kernel.CachedAttention {
		a := good
		f(&a)
		return a
	}
	for name, err := range map[string]error{
		"pages missing":   c.AttendCached(x, x, span(64, 1), good, &m),
		"negative start":  c.AttendCached(x, x, span(-1, 1), good, &m),
		"negative tokens": c.AttendCached(nil, nil, span(3, -1), good, &m),
		"overflow":        c.AttendCached(x, x, span(math.MaxInt, 1), good, &m),
		"short rows":      c.AttendCached(x, x, span(0, 2), good, &m),
		"short page":      c.AttendCached(x, x, span(0, 1), with(func(a *kernel.CachedAttention) { a.Offset = 4 }), &m),
		"offset":          c.AttendCached(x, x, span(0, 1), with(func(a *kernel.CachedAttention) { a.Offset = -4 }), &m),
		"odd heads":       c.AttendCached(x, x, span(0, 1), with(func(a *kernel.CachedAttention) { a.Layout.KVHeads = 3 }), &m),
		"no scale":        c.AttendCached(x, x, span(0, 1), with(func(a *kernel.CachedAttention) { a.Scale = 0 }), &m),
		"window":          c.AttendCached(x, x, span(0, 1), with(func(a *kernel.CachedAttention) { a.Window = -1 }), &m),
		"type":            c.AttendCached(x, x, span(0, 1), with(func(a *kernel.CachedAttention) { a.Layout.Type = kernel.Q4_0 }), &m),
		"Q8_0 of 20": c.AttendCached(x, x, span(0, 1), with(func(a *kernel.CachedAttention) {
			a.Layout.Type, a.Layout.HeadDim = kernel.Q8_0, 20
		}), &m),
		"store too few":    c.StoreKV(good.CacheLayer, span(0, 1)[0], x[:31], x[:31]),
		"store past pages": c.StoreKV(good.CacheLayer, span(63, 2)[0], x, x),
		"unaligned": c.StoreKV(kernel.CacheLayer{Layout: kernel.CacheLayout{Type: kernel.F32, KVHeads: 1, HeadDim: 8}, Offset: 2},
			span(0, 1)[0], x[:8], x[:8]),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestAttendCachedShowsNaN checks that what is not a number isn't hidden.
func TestAttendCachedShowsNaN(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, typ := range cacheTypes(32) {
			a := kernel.CachedAttention{CacheLayer: kernel.CacheLayer{Layout: kernel.CacheLayout{Type: typ, KVHeads: 1, HeadDim: 32}}, Heads: 1, Scale: 1}
			for _, bad := range []func(s *cached) *float32{
				func(s *cached) *float32 { return &s.q[299*32+3] }, func(s *cached) *float32 { return &s.k[5] }, func(s *cached) *float32 { return &s.v[290*32+31] },
			} {
				s := newCached(1, a, 300)
				*bad(s) = float32(math.NaN())
				s.step(t, c, a, 0, 300)
				span := kernel.CachedSpan{Start: 299, Tokens: 1, Pages: s.pages}
				dst := make([]float32, 32)
				if err := c.AttendCached(dst, s.q[299*32:], []kernel.CachedSpan{span}, a, &kernel.AttentionMemory{}); err != nil {
					t.Fatal(err)
				}
				if x := dst[31]; x == x {
					t.Errorf("%s %s: a NaN is hidden", c.ISA(), typ)
				}
			}
		}
	})
}

func TestRotate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *kernel.Compute) {
		for _, dim := range []int{2, 6, 8, 16, 20, 64, 80, 128} {
			for _, turned := range []int{dim, dim / 4 * 2} {
				for _, interleaved := range []bool{false, true} {
					if turned == 0 {
						continue
					}
					r := &kernel.Rotation{HeadDim: dim, Interleaved: interleaved, Magnitude: 1.25}
					for i := range turned / 2 {
						r.Frequencies = append(r.Frequencies, math.Pow(10000, -2*float64(i)/float64(turned)))
					}
					if err := r.Check(); err != nil {
						t.Fatal(err)
					}
					checkRotate(t, c, r)
				}
			}
		}
	})
}

func checkRotate(t *testing.T, c *kernel.Compute, r *kernel.Rotation) {
	t.Helper()
	const heads, position = 3, 1234
	n := len(r.Frequencies)
	angles := make([]float32, 2*n)
	r.Angles(angles, position)
	before := random(uint64(n), heads*r.HeadDim)
	got, check := guarded(t, before)
	c.Rotate(got, r, angles)
	check()
	want := make([]float64, len(before))
	for i, x := range before {
		want[i] = float64(x)
	}
	for h := range heads {
		for i, f := range r.Frequencies {
			a, b := h*r.HeadDim+i, h*r.HeadDim+n+i
			if r.Interleaved {
				a, b = h*r.HeadDim+2*i, h*r.HeadDim+2*i+1
			}
			s, co := math.Sincos(f * position)
			x, y := want[a], want[b]
			want[a], want[b] = 1.25*(x*co-y*s), 1.25*(y*co+x*s)
		}
	}
	for i, w := range want {
		near(t, fmt.Sprintf("%d of %d, interleaved %v: element %d", 2*n, r.HeadDim, r.Interleaved, i), got[i], w, 4, 1e-6)
	}
}

func TestRotationRefuses(t *testing.T) {
	t.Parallel()
	for _, r := range []kernel.Rotation{{HeadDim: 8}, {HeadDim: 4, Frequencies: make([]float64, 3)}} {
		if r.Check() == nil {
			t.Errorf("%+v: no error", r)
		}
	}
}

// FuzzStoreKV stores any bits as halves would be and reads them back through attention
// of a single token, which must return its value.
func FuzzStoreKV(f *testing.F) {
	f.Add([]byte{0, 0x3c, 0xff, 0x7b, 1, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := open(t, "", 1)
		l := kernel.CacheLayer{Layout: kernel.CacheLayout{Type: kernel.F16, KVHeads: 1, HeadDim: 24}}
		x := make([]float32, 24)
		for i := range min(24, len(raw)/2) {
			x[i] = kernel.F16ToF32(binary.LittleEndian.Uint16(raw[2*i:]))
		}
		pages := newPages(l.Layout.PageSize(), 1)
		span := kernel.CachedSpan{Tokens: 1, Pages: pages}
		if err := c.StoreKV(l, span, make([]float32, 24), x); err != nil {
			t.Fatal(err)
		}
		got := make([]float32, 24)
		a := kernel.CachedAttention{CacheLayer: l, Heads: 1, Scale: 1}
		if err := c.AttendCached(got, random(1, 24), []kernel.CachedSpan{span}, a, &kernel.AttentionMemory{}); err != nil {
			t.Fatal(err)
		}
		for i := range x {
			if got[i] != x[i] && x[i] == x[i] {
				t.Fatalf("element %d: stored %v, read %v", i, x[i], got[i])
			}
		}
	})
}
