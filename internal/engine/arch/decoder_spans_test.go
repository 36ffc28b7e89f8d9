package arch_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// TestSpansInAnyCompany reads several sequences in random pieces, together in random
// passes, with logits for a random number of tokens: all of them must be, bit for bit,
// those of the sequence read token by token, alone.
func TestSpansInAnyCompany(t *testing.T) {
	t.Parallel()
	for i, g := range readGolden(t).Cases {
		for _, isa := range kernel.ISAs() {
			t.Run(g.Name+"/"+string(isa), func(t *testing.T) {
				t.Parallel()
				cache := g.caches()[i%len(g.caches())]
				d := openDecoder(t, g.path(t), isa, arch.DecoderOptions{Cache: cache})
				r := rand.New(rand.NewPCG(uint64(i), 7))
				var sequences [][]int32
				var want [][]float32
				for _, n := range []int{3, 40, 75, 1, 100} {
					ids := make([]int32, min(n, d.Context()))
					for k := range ids {
						ids[k] = r.Int32N(int32(d.Vocab()))
					}
					sequences = append(sequences, ids)
					want = append(want, readAlone(t, d, ids))
				}
				rounds := 3
				if testing.Short() {
					rounds = 1
				}
				for range rounds {
					readTogether(t, d, sequences, want, r)
				}
			})
		}
	}
}

// readAlone returns the logits of all tokens of a sequence, read one by one.
func readAlone(t *testing.T, d *arch.Decoder, ids []int32) []float32 {
	t.Helper()
	var m arch.DecoderMemory
	var all []float32
	pages := newPages(d, len(ids))
	for i := range ids {
		logits, err := d.Forward(t.Context(), []arch.Span{{IDs: ids[i : i+1], Start: i, Pages: pages, Logits: 1}}, &m)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, logits...)
	}
	return all
}

func readTogether(t *testing.T, d *arch.Decoder, sequences [][]int32, want [][]float32, r *rand.Rand) {
	t.Helper()
	var m arch.DecoderMemory
	done, pages := make([]int, len(sequences)), make([][][]byte, len(sequences))
	for i, ids := range sequences {
		pages[i] = newPages(d, len(ids))
	}
	for left := true; left; {
		var spans []arch.Span
		var expect []float32
		left = false
		for _, i := range r.Perm(len(sequences)) {
			ids, at := sequences[i], done[i]
			n := min(1+r.IntN(1+r.IntN(60)), len(ids)-at)
			if n == 0 || r.IntN(3) == 0 {
				left = left || n > 0
				continue
			}
			logits := r.IntN(n + 1)
			spans = append(spans, arch.Span{IDs: ids[at : at+n], Start: at, Pages: pages[i], Logits: logits})
			expect = append(expect, want[i][(at+n-logits)*d.Vocab():(at+n)*d.Vocab()]...)
			done[i] += n
			left = left || done[i] < len(ids)
		}
		got, err := d.Forward(t.Context(), spans, &m)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, expect) {
			t.Fatalf("%d spans: logits differ from those of the sequences alone", len(spans))
		}
	}
}

// smallDecoder is the first of the golden models.
func smallDecoder(t *testing.T) *arch.Decoder {
	t.Helper()
	g := readGolden(t).Cases[0]
	return openDecoder(t, g.path(t), kernel.ISAGo, arch.DecoderOptions{})
}

func TestForwardRefuses(t *testing.T) {
	t.Parallel()
	d := smallDecoder(t)
	pages := newPages(d, d.Context())
	short := slices.Clone(pages)
	short[1] = short[1][1:]
	for name, s := range map[string]arch.Span{
		"no tokens":        {Pages: pages},
		"negative start":   {IDs: []int32{1}, Start: -1, Pages: pages},
		"past the context": {IDs: []int32{1}, Start: d.Context(), Pages: pages},
		"overflow":         {IDs: []int32{1}, Start: math.MaxInt, Pages: pages},
		"pages missing":    {IDs: []int32{1}, Start: 64, Pages: pages[:1]},
		"short page":       {IDs: []int32{1}, Start: 64, Pages: short},
		"negative token":   {IDs: []int32{-1}, Pages: pages},
		"unknown token":    {IDs: []int32{int32(d.Vocab())}, Pages: pages},
		"too many logits":  {IDs: []int32{1}, Pages: pages, Logits: 2},
		"negative logits":  {IDs: []int32{1}, Pages: pages, Logits: -1},
	} {
		logits, err := d.Forward(t.Context(), []arch.Span{s}, &arch.DecoderMemory{})
		if err == nil || logits != nil {
			t.Errorf("%s: got %d logits, %v", name, len(logits), err)
		}
	}
	if logits, err := d.Forward(t.Context(), nil, &arch.DecoderMemory{}); err != nil || len(logits) != 0 {
		t.Errorf("no spans: got %d logits, %v", len(logits), err)
	}
}

// TestForwardEnds checks that a pass ends with its context, and that its spans can be
// read again afterwards.
func TestForwardEnds(t *testing.T) {
	t.Parallel()
	d := smallDecoder(t)
	var m arch.DecoderMemory
	pages := newPages(d, 10)
	span := []arch.Span{{IDs: []int32{1, 2, 3}, Pages: pages, Logits: 3}}
	want, err := d.Forward(t.Context(), span, &m)
	if err != nil {
		t.Fatal(err)
	}
	want = slices.Clone(want)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := d.Forward(ctx, span, &m); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	got, err := d.Forward(t.Context(), span, &m)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("after a pass that ended early: %v, the same logits: %v", err, slices.Equal(got, want))
	}
}

// TestForwardAtOnce runs passes with memory of their own at the same time; two of them
// share a first page.
func TestForwardAtOnce(t *testing.T) {
	t.Parallel()
	d := smallDecoder(t)
	ids := slices.Repeat([]int32{5, 9, 2, 77}, 20)
	want := readAlone(t, d, ids)
	shared := newPages(d, len(ids))
	if _, err := d.Forward(t.Context(), []arch.Span{{IDs: ids, Pages: shared}}, &arch.DecoderMemory{}); err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	for range 4 {
		go func() {
			var m arch.DecoderMemory
			pages := [][]byte{shared[0], slices.Clone(shared[1])}
			at := kernel.PageTokens
			got, err := d.Forward(t.Context(), []arch.Span{{IDs: ids[at:], Start: at, Pages: pages, Logits: len(ids) - at}}, &m)
			if err == nil && !slices.Equal(got, want[at*d.Vocab():]) {
				err = errors.New("other logits than alone")
			}
			results <- err
		}()
	}
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestDecoderContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "decoder", "llama-q4_0.gguf")
	for _, c := range []struct{ asked, want int }{{0, 256}, {100, 100}, {1 << 20, 256}} {
		d := openDecoder(t, path, kernel.ISAGo, arch.DecoderOptions{Context: c.asked})
		if got := d.Context(); got != c.want {
			t.Errorf("Context %d: got %d, want %d", c.asked, got, c.want)
		}
	}
}

// TestDecoderQ8NeedsWideHeads checks that a cache that can't be is refused, not padded.
func TestDecoderQ8NeedsWideHeads(t *testing.T) {
	t.Parallel()
	g := readGolden(t).Cases[0]
	if err := tryDecoder(t, g.path(t), arch.DecoderOptions{Cache: arch.CacheQ8_0}); err == nil || !strings.Contains(err.Error(), "Q8_0") {
		t.Errorf("got %v, want an error that names Q8_0", err)
	}
}
