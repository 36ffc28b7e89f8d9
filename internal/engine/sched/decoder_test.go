package sched

import (
	"slices"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/sample"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

// TestDecoder lets a real model write many texts at once, with too few pages for all, and
// compares them with the texts that it writes one after the other without a cache.
func TestDecoder(t *testing.T) {
	t.Parallel()
	path := sharedtest.Path(t, "models", "stories260k", "checkpoint_legacy.bin")
	c, err := kernel.New(kernel.Config{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	store, err := weights.Open(path, weights.Options{Compute: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	config, err := arch.DecoderConfigOf(store)
	if err != nil {
		t.Fatal(err)
	}
	d, err := arch.LoadDecoder(config, store, c, arch.DecoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	opened := func(c Config) *Scheduler {
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	pages := func(n int) int64 { return int64(n) * int64(d.PageBytes()+64) }

	// Stories go on from the beginnings of one, so that pages are shared.
	alone := opened(Config{Model: d, Compute: c, CacheBytes: pages(8), MaxSequences: 1})
	story, err := collect(start(t, alone, Request{Prompt: []int32{1}, MaxTokens: 250}))
	if err != nil {
		t.Fatal(err)
	}
	var requests []Request
	for i := range 14 {
		r := Request{Prompt: append([]int32{1}, story[:i*17]...), MaxTokens: 40 + 7*i}
		if i%2 == 1 {
			r.Sampling = sample.Params{Temperature: 0.9, TopP: 0.9, Seed: uint64(i)}
		}
		requests = append(requests, r)
	}
	// Many at once: in short chunks, with pages for some of them.
	together := opened(Config{Model: d, Compute: c, CacheBytes: pages(11), MaxSequences: 6, BatchTokens: 40})
	var got []*outcome
	var runs []*Run
	for _, r := range requests {
		runs = append(runs, start(t, together, r))
		got = append(got, background(runs[len(runs)-1]))
	}
	cached := 0
	for i, r := range requests {
		r.Owner = string(rune('A' + i)) // an owner of its own finds nothing in the cache
		want, err := collect(start(t, alone, r))
		if err != nil {
			t.Fatal(err)
		}
		if <-got[i].done; got[i].err != nil || !slices.Equal(got[i].ids, want) {
			t.Errorf("%d: got %v, %v\nwant %v", i, got[i].ids, got[i].err, want)
		}
		cached += runs[i].Result().Cached
	}
	// How many lose their pages depends on the time that steps take.
	t.Logf("%d tokens were cached, %d sequences preempted", cached, together.Stats().Preempted)
	if cached == 0 {
		t.Error("nothing was cached: the test shows less than it should")
	}
}
