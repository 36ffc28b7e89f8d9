package sched

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/engine/sample"
)

// TestOne runs requests one after the other: what they yield, and why they end.
func TestOne(t *testing.T) {
	t.Parallel()
	s := newScheduler(t, &fakeModel{context: 300}, 100, Config{})
	warm := sample.Params{Temperature: 1, TopP: 0.9, RepeatPenalty: 1.2, Seed: 7}
	cases := map[string]struct {
		r      func() Request
		finish Finish
	}{
		"length":      {func() Request { return Request{Prompt: prompt('a', 5), MaxTokens: 20} }, Length},
		"one token":   {func() Request { return Request{Prompt: prompt('b', 1), MaxTokens: 1} }, Length},
		"a page":      {func() Request { return Request{Prompt: prompt('c', page), MaxTokens: page} }, Length},
		"sampled":     {func() Request { return Request{Prompt: prompt('d', 70), MaxTokens: 100, Sampling: warm} }, Length},
		"context":     {func() Request { return Request{Prompt: prompt('e', 200)} }, ContextFull},
		"almost full": {func() Request { return Request{Prompt: prompt('f', 299), MaxTokens: 2} }, ContextFull},
		"end":         {func() Request { return Request{Prompt: prompt('g', 9), Sampling: warm, Ends: []int32{3, 50, 51}} }, End},
		"constraint": {func() Request {
			return Request{Prompt: prompt('h', 30), Sampling: warm, Constraint: &multiples{by: 2, left: 9}}
		}, Constrained},
		"cut": {func() Request {
			return Request{Prompt: prompt('i', 30), MaxTokens: 5, Constraint: &multiples{by: 2, left: 9}}
		}, Length},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := c.r()
			run := start(t, s, r)
			got, err := collect(run)
			if err != nil {
				t.Fatal(err)
			}
			ids, finish := want(t, c.r(), 300)
			if diff := cmp.Diff(got, ids); diff != "" || finish != c.finish {
				t.Errorf("%v: %s", finish, diff)
			}
			result := run.Result()
			result.Queued, result.Prefill = 0, 0
			if want := (Result{Finish: c.finish, Prompt: len(r.Prompt), Generated: len(ids)}); result != want {
				t.Errorf("got %+v, want %+v", result, want)
			}
			for _, err := range run.Tokens() {
				if err == nil {
					t.Error("tokens came twice")
				}
			}
		})
	}
}

func TestLogprobs(t *testing.T) {
	t.Parallel()
	s := newScheduler(t, &fakeModel{}, 10, Config{})
	for tok, err := range start(t, s, Request{Prompt: prompt('a', 3), MaxTokens: 8, TopLogprobs: 3}).Tokens() {
		if err != nil {
			t.Fatal(err)
		}
		if len(tok.Top) != 3 || tok.Top[0] != (sample.Candidate{ID: tok.ID, Logprob: tok.Logprob}) || tok.Logprob >= 0 {
			t.Errorf("%+v", tok)
		}
	}
	for tok, err := range start(t, s, Request{Prompt: prompt('a', 3), MaxTokens: 2, Logprobs: true}).Tokens() {
		if err != nil || tok.Logprob == 0 || tok.Top != nil || isNaN(tok.Logprob) {
			t.Errorf("%+v, %v", tok, err)
		}
	}
}

// TestRefused: requests and configurations that make no sense are refused at once.
func TestRefused(t *testing.T) {
	t.Parallel()
	m := &fakeModel{context: 500}
	s := newScheduler(t, m, 4, Config{})
	ended, end := context.WithCancelCause(t.Context())
	over := errors.New("over")
	end(over)
	f := func(ctx context.Context, r Request, want error, text string) {
		t.Helper()
		if _, err := s.Start(ctx, r); err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %v %s", err, want, text)
		}
	}
	ctx := t.Context()
	f(ctx, Request{}, nil, "no tokens")
	f(ctx, Request{Prompt: []int32{fakeVocab}}, nil, "vocabulary")
	f(ctx, Request{Prompt: []int32{-1}}, nil, "vocabulary")
	f(ctx, Request{Prompt: prompt('a', 500)}, ErrTooLong, "500")
	f(ctx, Request{Prompt: prompt('a', 4*page)}, ErrNoMemory, "256")
	f(ctx, Request{Prompt: prompt('a', 1), MaxTokens: -1}, nil, "max tokens")
	f(ctx, Request{Prompt: prompt('a', 1), TopLogprobs: 1000}, nil, "logprobs")
	f(ctx, Request{Prompt: prompt('a', 1), Sampling: sample.Params{TopP: 2}}, nil, "top p")
	f(ctx, Request{Prompt: prompt('a', 1), CachePoints: []CachePoint{{Tokens: -1}}}, nil, "cache point")
	f(ended, Request{Prompt: prompt('a', 1)}, over, "")
	s.Close()
	f(ctx, Request{Prompt: prompt('a', 1)}, ErrClosed, "")

	for _, c := range []Config{
		{},
		{Model: m, CacheBytes: pageBytes - 1},
		{Model: m, CacheBytes: pageBytes, MaxSequences: 2, Reserved: 2},
		{Model: m, CacheBytes: pageBytes, MaxQueue: -1},
		{Model: &fakeModel{}, CacheBytes: pageBytes},
	} {
		if s, err := New(c); err == nil {
			s.Close()
			t.Errorf("%+v is no error", c)
		}
	}
}

// TestCancel gives requests up in every state. Slot and pages are free within a step.
func TestCancel(t *testing.T) {
	t.Parallel()
	why := errors.New("had enough")
	for name, at := range map[string]time.Duration{
		"waiting": ms(1), "prefill": ms(250), "decoding": ms(1200), "at the start": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScheduler(t, &fakeModel{perStep: ms(1), perToken: ms(1)}, 40, Config{MaxSequences: 1, BatchTokens: 64})
				var first *outcome
				if name == "waiting" {
					first = background(start(t, s, Request{Prompt: prompt('a', 500), MaxTokens: 5}))
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				run, err := s.Start(ctx, Request{Prompt: prompt('b', 900)})
				if err != nil {
					t.Fatal(err)
				}
				got := background(run)
				time.Sleep(at)
				cancel(why)
				synctest.Wait()
				select {
				case <-got.done:
				default:
					t.Fatal("the consumer still waits")
				}
				if !errors.Is(got.err, why) {
					t.Errorf("got %v", got.err)
				}
				before := time.Now()
				if r := run.Result(); r.Finish != Unfinished || r.Generated < len(got.ids) {
					t.Errorf("%+v", r)
				}
				if d := time.Since(before); d > ms(66) {
					t.Errorf("the slot was free after %v", d)
				}
				if first != nil {
					if <-first.done; first.err != nil || len(first.ids) != 5 {
						t.Errorf("the other has %d tokens, %v", len(first.ids), first.err)
					}
				}
				synctest.Wait()
				idle(t, s)
			})
		})
	}
}

// TestDeadline: a context's deadline counts in the queue too.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &fakeModel{perStep: ms(10)}, 40, Config{MaxSequences: 1})
		first := background(start(t, s, Request{Prompt: prompt('a', 5), MaxTokens: 1000}))
		ctx, cancel := context.WithTimeout(t.Context(), ms(100))
		defer cancel()
		run, err := s.Start(ctx, Request{Prompt: prompt('b', 5)})
		if err != nil {
			t.Fatal(err)
		}
		if ids, err := collect(run); !errors.Is(err, context.DeadlineExceeded) || ids != nil {
			t.Errorf("got %v, %v", ids, err)
		}
		if r := run.Result(); r.Queued < ms(100) || r.Queued > ms(110) {
			t.Errorf("%+v", r)
		}
		<-first.done
		idle(t, s)
	})
}

// TestBreak: breaking out of the loop is enough.
func TestBreak(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &fakeModel{perStep: ms(10)}, 40, Config{})
		run := start(t, s, Request{Prompt: prompt('a', 5)})
		n := 0
		for _, err := range run.Tokens() {
			if n++; err != nil || n == 3 {
				break
			}
		}
		before := time.Now()
		if r := run.Result(); r.Generated < 3 || r.Generated > 5 || time.Since(before) > ms(20) {
			t.Errorf("%+v after %v", r, time.Since(before))
		}
		synctest.Wait()
		idle(t, s)
	})
}

// TestClose ends running, waiting and parked requests.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &fakeModel{perStep: ms(10)}, 40, Config{MaxSequences: 2, Buffer: 2})
		unread := []*Run{
			start(t, s, Request{Prompt: prompt('a', 5)}),
			start(t, s, Request{Prompt: prompt('b', 5)}),
		}
		var read []*outcome
		for _, letter := range []byte("cdefg") {
			read = append(read, background(start(t, s, Request{Prompt: prompt(letter, 5)})))
		}
		time.Sleep(ms(500))
		if st := s.Stats(); st.Running != 2 || st.Waiting != 3 || st.Suspended != 2 {
			t.Errorf("%+v", st)
		}
		go s.Close()
		s.Close()
		for _, o := range read {
			if <-o.done; !errors.Is(o.err, ErrClosed) {
				t.Errorf("got %v", o.err)
			}
		}
		for _, run := range unread {
			ids, err := collect(run)
			if !errors.Is(err, ErrClosed) || len(ids) != 2 {
				t.Errorf("the tokens before the end are %v, %v", ids, err)
			}
		}
		idle(t, s)
	})
}

// TestFull: each owner's queue is bounded, and all together are.
func TestFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, &fakeModel{perStep: ms(10)}, 40, Config{MaxSequences: 1, MaxQueue: 2})
		var all []*outcome
		try := func(owner string, reserved bool) error {
			run, err := s.Start(t.Context(), Request{Prompt: prompt('a', 5), MaxTokens: 3, Owner: owner, Reserved: reserved})
			if err == nil {
				all = append(all, background(run))
			}
			synctest.Wait()
			return err
		}
		var got []string
		for _, owner := range []string{"a", "a", "a", "a", "b", "b", "b", "c", "c", "d", "d", "e", "f"} {
			if err := try(owner, false); err != nil {
				if !errors.Is(err, ErrFull) {
					t.Error(err)
				}
				owner = strings.ToUpper(owner)
			}
			got = append(got, owner)
		}
		// The first of a runs. Of b's, the first takes no slot: there is but one.
		if want := strings.Split("a a a A b b B c c d d E F", " "); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if err := try("a", true); err != nil {
			t.Errorf("reserved requests wait with others: %v", err)
		}
		if st := s.Stats(); st.Rejected != 4 || st.Waiting != 9 {
			t.Errorf("%+v", st)
		}
		for _, o := range all {
			if <-o.done; o.err != nil {
				t.Error(o.err)
			}
		}
		if err := try("a", false); err != nil {
			t.Errorf("there is room again: %v", err)
		}
		<-all[len(all)-1].done
		synctest.Wait()
		idle(t, s)
	})
}
