package sched

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOwnersShareChunks: the turn goes round between owners, whoever is older or shorter. One
// that comes later doesn't get the time back in which it wasn't there.
func TestOwnersShareChunks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := play(t, 100, Config{BatchTokens: 256},
			arrival{letter: 'a', prompt: 2000, max: 1, owner: "me"},
			arrival{at: ms(2) - half, letter: 'b', prompt: 2000, max: 1, owner: "you"},
		)
		want := lines(`a0-256
			a256-512
			a512-768
			a768-896 b0-128
			a896-1024 b128-256
			a1024-1152 b256-384`)
		if diff := cmp.Diff(lines(log)[:len(want)], want); diff != "" {
			t.Errorf("got\n%s\n%s", log, diff)
		}
	})
}

// TestFewerFirst: a free slot goes to the owner with fewer running requests, even if it was
// served more.
func TestFewerFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := play(t, 60, Config{MaxSequences: 4},
			arrival{letter: 'c', prompt: 500, max: 30, owner: "you"},
			arrival{at: ms(1) + half, letter: 'a', prompt: 3, max: 30, owner: "me"},
			arrival{at: ms(1) + half, letter: 'b', prompt: 3, max: 30, owner: "me"},
			arrival{at: ms(1) + half, letter: 'x', prompt: 3, max: 5, owner: "they"},
			arrival{at: ms(3) + half, letter: 'd', prompt: 3, max: 1, owner: "me"},
			arrival{at: ms(3) + half, letter: 'e', prompt: 3, max: 1, owner: "you"},
		)
		if d, e := strings.Index(log, "d0"), strings.Index(log, "e0"); d < e {
			t.Errorf("d came before e:\n%s", log)
		}
	})
}

// TestRoomToGrow: a request is admitted only when the others have pages to grow into, so
// that it isn't preempted at once.
func TestRoomToGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, stats := play(t, 3, Config{},
			arrival{letter: 'a', prompt: 60, max: 10}, arrival{at: ms(1) + half, letter: 'b', prompt: 120, max: 8})
		if stats.Preempted != 0 {
			t.Errorf("%d were preempted", stats.Preempted)
		}
	})
}

// TestReservedPages: reserved requests get the pages of others.
func TestReservedPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, stats := play(t, 4, Config{Reserved: 1},
			arrival{letter: 'a', prompt: 150, max: 20}, arrival{at: ms(2) + half, letter: 'v', prompt: 100, max: 3, vip: true})
		want := lines(`a0-150
			a150
			a151
			v0-100
			v100
			v101
			a128-153`)
		if got := lines(log); stats.Preempted != 1 || !slices.Equal(got[:len(want)], want) {
			t.Errorf("%d were preempted:\n%s", stats.Preempted, log)
		}
	})
}

// TestUnreadPages: pages come first from a sequence whose consumer doesn't read, even if it
// is the oldest.
func TestUnreadPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &fakeModel{perStep: ms(1)}
		s := newWarm(t, m, 4, Config{Buffer: 2, StallLimit: time.Hour})
		r := Request{Prompt: prompt('a', 100), MaxTokens: 30}
		slow := start(t, s, r)
		time.Sleep(ms(10))
		if _, err := collect(start(t, s, Request{Prompt: prompt('b', 60), MaxTokens: 150})); err != nil {
			t.Fatal(err)
		}
		if st := s.Stats(); st.Preempted != 1 || st.Suspended != 1 || st.PromptTokens != 160 {
			t.Errorf("%+v", st)
		}
		ids, err := collect(slow)
		if want, _ := want(t, r, s.limit); err != nil || !slices.Equal(ids, want) {
			t.Errorf("got %v, %v, want %v", ids, err, want)
		}
		synctest.Wait()
		idle(t, s)
	})
}

// TestCachedInTheEnd: what was in the cache while a request waited counts only if it's still
// there when its turn comes.
func TestCachedInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newWarm(t, &fakeModel{perStep: ms(1)}, 4, Config{})
		if _, err := collect(start(t, s, Request{Prompt: prompt('a', 65), MaxTokens: 1})); err != nil {
			t.Fatal(err)
		}
		grows := background(start(t, s, Request{Prompt: prompt('b', 125), MaxTokens: 80}))
		time.Sleep(ms(5))
		waits := start(t, s, Request{Prompt: append(prompt('a', 65), prompt('c', 65)...), MaxTokens: 1})
		if _, err := collect(waits); err != nil || waits.Result().Cached != 0 {
			t.Errorf("%+v, %v", waits.Result(), err)
		}
		if <-grows.done; grows.err != nil {
			t.Error(grows.err)
		}
		if st := s.Stats(); st.Preempted != 0 || st.Cache.Evicted == 0 {
			t.Errorf("the test shows nothing: %+v", st)
		}
	})
}

// hugeModel has pages that no system provides.
type hugeModel struct{ fakeModel }

func (*hugeModel) PageBytes() int { return 1 << 47 }

// TestNoMemory: when the system has no memory requests fail, one after the other.
func TestNoMemory(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Model: &hugeModel{fakeModel{context: 100}}, CacheBytes: 1 << 48, MaxSequences: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	var runs []*Run
	for range 3 {
		runs = append(runs, start(t, s, Request{Prompt: prompt('a', 10)}))
	}
	for _, run := range slices.Backward(runs) {
		if ids, err := collect(run); !errors.Is(err, ErrNoMemory) || ids != nil {
			t.Errorf("got %v, %v", ids, err)
		}
	}
	idle(t, s)
}

// TestTinyBuffer lets scheduler and consumer meet at a full buffer as often as can be: none
// of them may miss that the other has done something.
func TestTinyBuffer(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Model: &noModel{make([]float32, 4*256)}, CacheBytes: 1 << 24, Buffer: 1, MaxSequences: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	n := 30_000
	if testing.Short() {
		n = 3_000
	}
	// One alone, for which nobody else wakes the scheduler.
	if ids, err := collect(start(t, s, Request{Prompt: []int32{1}, MaxTokens: n})); err != nil || len(ids) != n {
		t.Errorf("%d tokens, %v", len(ids), err)
	}
	var all []*outcome
	for range 3 { // one of them is always parked or waits
		all = append(all, background(start(t, s, Request{Prompt: []int32{1}, MaxTokens: n})))
	}
	for _, o := range all {
		if <-o.done; o.err != nil || len(o.ids) != n {
			t.Errorf("%d tokens, %v", len(o.ids), o.err)
		}
	}
}
