package arch_test

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

// story is how the reference's greedy story begins.
const story = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."

// TestStories lets a model with real weights tell its known story.
func TestStories(t *testing.T) {
	t.Parallel()
	checkpoint := sharedtest.Path(t, "models", "stories260k", "checkpoint_legacy.bin")
	pieces := readPieces(t, sharedtest.Path(t, "models", "stories260k", "tokenizer.bin"))
	for _, isa := range kernel.ISAs() {
		for _, cache := range []arch.CacheType{arch.CacheF32, arch.CacheF16} {
			d := openDecoder(t, checkpoint, isa, arch.DecoderOptions{Cache: cache})
			const bos = 1
			ids, _ := greedy(t, d, []int32{bos}, 200)
			var text strings.Builder
			for _, id := range ids {
				if id == bos {
					break
				}
				text.WriteString(pieces[id])
			}
			if got := strings.TrimSpace(text.String()); !strings.HasPrefix(got, story) {
				t.Errorf("%s, cache %d: got %q", isa, cache, got)
			}
		}
	}
}

// readPieces reads a tokenizer.bin of llama2.c: a length, then score, length and bytes of
// each token.
func readPieces(t *testing.T, path string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var pieces []string
	for raw = raw[4:]; len(raw) >= 8; {
		n := binary.LittleEndian.Uint32(raw[4:])
		pieces = append(pieces, string(raw[8:8+n]))
		raw = raw[8+n:]
	}
	return pieces
}

// openDecoder loads the model at path on a Compute of its own.
func openDecoder(t testing.TB, path string, isa kernel.ISA, o arch.DecoderOptions) *arch.Decoder {
	t.Helper()
	return openWith(t, arch.LoadDecoder, path, isa, o)
}

// loadFunc is LoadDecoder, or another way to load.
type loadFunc = func(*arch.DecoderConfig, *weights.Store, *kernel.Compute, arch.DecoderOptions) (*arch.Decoder, error)

func openWith(t testing.TB, load loadFunc, path string, isa kernel.ISA, o arch.DecoderOptions) *arch.Decoder {
	t.Helper()
	c, err := kernel.New(kernel.Config{ISA: isa, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s := openWeights(t, path, c)
	config, err := arch.DecoderConfigOf(s)
	if err != nil {
		t.Fatal(err)
	}
	d, err := load(config, s, c, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Loaded(); err != nil {
		t.Fatal(err)
	}
	return d
}

// tryDecoder loads a model that may be broken and returns the error.
func tryDecoder(t testing.TB, path string, o arch.DecoderOptions) error {
	t.Helper()
	c, err := kernel.New(kernel.Config{ISA: kernel.ISAGo, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s := openWeights(t, path, c)
	config, err := arch.DecoderConfigOf(s)
	if err != nil {
		return err
	}
	_, err = arch.LoadDecoder(config, s, c, o)
	return err
}

func openWeights(t testing.TB, path string, c *kernel.Compute) *weights.Store {
	t.Helper()
	s, err := weights.Open(path, weights.Options{Compute: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newPages returns pages for n tokens, full of NaN.
func newPages(d *arch.Decoder, n int) [][]byte {
	pages := make([][]byte, (n+kernel.PageTokens-1)/kernel.PageTokens)
	for i := range pages {
		pages[i] = slices.Repeat([]byte{0xff}, d.PageBytes())
	}
	return pages
}

// greedy reads a prompt and goes on with the likeliest tokens, n of them. It returns
// these, and the logits of the prompt's last token.
func greedy(t testing.TB, d *arch.Decoder, prompt []int32, n int) (ids []int32, first []float32) {
	t.Helper()
	var m arch.DecoderMemory
	span := arch.Span{IDs: prompt, Pages: newPages(d, len(prompt)+n), Logits: 1}
	for range n {
		logits, err := d.Forward(t.Context(), []arch.Span{span}, &m)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = slices.Clone(logits)
		}
		id := best(logits)
		ids = append(ids, id)
		span.Start += len(span.IDs)
		span.IDs = []int32{id}
	}
	return ids, first
}

// best returns the index of the largest element, the first of equals.
func best(x []float32) int32 {
	top, at := float32(math.Inf(-1)), int32(0)
	for i, v := range x {
		if v > top {
			top, at = v, int32(i)
		}
	}
	return at
}
