package sched

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/sample"
)

// TestHistories plays random requests with random memory, chunks, buffers, consumers and
// failures. Whatever happens beside it, each yields exactly what it would alone.
func TestHistories(t *testing.T) {
	t.Parallel()
	seeds := uint64(60)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t, seed)
			for range 40 {
				h.request()
				if h.r.IntN(3) > 0 {
					time.Sleep(time.Duration(h.r.IntN(30)) * time.Millisecond)
				}
			}
			for _, c := range h.clients {
				<-c.done
			}
			synctest.Wait()
			idle(t, h.s)
			for _, c := range h.clients {
				if err := c.check(t, h.s.limit); err != nil {
					t.Errorf("seed %d: request %d of %d tokens, %+v: %v", seed, c.number, len(c.r.Prompt), c.result, err)
				}
			}
			if t.Failed() {
				t.FailNow()
			}
		})
	}
}

type simulation struct {
	t       *testing.T
	r       *rand.Rand
	s       *Scheduler
	texts   [][]int32
	clients []*client
}

var errPoison = errors.New("poison")

func newHistory(t *testing.T, seed uint64) *simulation {
	r := rand.New(rand.NewPCG(seed, 99))
	m := &fakeModel{
		context: 100 + r.IntN(900),
		perStep: ms(r.IntN(3)), perToken: time.Duration(r.IntN(200)) * time.Microsecond,
		fail: func(names string) error {
			switch {
			case strings.Contains(names, "y"):
				return errPoison
			case strings.Contains(names, "z"):
				panic(errPoison)
			}
			return nil
		},
	}
	slots := 1 + r.IntN(6)
	s := newScheduler(t, m, 3+r.IntN(30), Config{
		MaxSequences: slots, Reserved: r.IntN(slots), BatchTokens: 1 + r.IntN(200), Buffer: 1 + r.IntN(8),
		StepTime: ms(1 + r.IntN(20)), StallLimit: time.Hour, KeepFor: ms(1 + r.IntN(1000)),
	})
	h := &simulation{t: t, r: r, s: s}
	for range 4 { // prompts start alike, and end with these or parts of them
		h.texts = append(h.texts, prompt(byte('a'+r.IntN(3)), 1+r.IntN(400)))
	}
	return h
}

// client is a request with its consumer.
type client struct {
	number int
	r      Request
	slow   time.Duration // between tokens
	give   int           // breaks out after so many tokens; 0: never
	cancel time.Duration // when the context ends; 0: never

	ids    []int32
	err    error
	result Result
	done   chan struct{}
}

func (h *simulation) request() {
	r := h.r
	c := &client{number: len(h.clients), done: make(chan struct{})}
	text := h.texts[r.IntN(len(h.texts))]
	c.r = Request{
		Prompt:    append(slices.Clone(text[:r.IntN(len(text)+1)]), int32(r.IntN(20))),
		MaxTokens: r.IntN(150),
		Owner:     []string{"me", "you", "they"}[r.IntN(3)],
		Reserved:  r.IntN(4) == 0,
	}
	if r.IntN(2) == 0 {
		c.r.Sampling = sample.Params{Temperature: 1, TopP: 0.9, RepeatPenalty: 1.1, RepeatWindow: 50, Seed: r.Uint64()}
	}
	if r.IntN(3) == 0 {
		c.r.Ends = []int32{int32(r.IntN(fakeVocab)), int32(r.IntN(fakeVocab))}
	}
	if r.IntN(5) == 0 {
		c.r.Constraint = &multiples{by: 1, left: 20}
	}
	if r.IntN(3) == 0 {
		c.r.CachePoints = []CachePoint{{Tokens: r.IntN(500), For: ms(r.IntN(3000))}}
	}
	switch r.IntN(6) {
	case 0:
		c.slow = time.Duration(r.IntN(50)) * time.Millisecond
	case 1:
		c.give = 1 + r.IntN(30)
	case 2:
		c.cancel = ms(1 + r.IntN(200))
	}
	if r.IntN(20) == 0 {
		c.r.Prompt[0] = int32(24 + r.IntN(2)) // the model fails
	}
	h.clients = append(h.clients, c)
	h.start(c)
}

func (h *simulation) start(c *client) {
	ctx, cancel := h.t.Context(), context.CancelFunc(func() {})
	if c.cancel > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.cancel)
	}
	run, err := h.s.Start(ctx, c.r)
	if err != nil {
		c.err = err
		cancel()
		close(c.done)
		return
	}
	go func() {
		defer close(c.done)
		defer cancel()
		for tok, err := range run.Tokens() {
			if err != nil {
				c.err = err
				break
			}
			c.ids = append(c.ids, tok.ID)
			time.Sleep(c.slow)
			if len(c.ids) == c.give {
				break
			}
		}
		c.result = run.Result()
	}()
}

// check compares what a client got with what it would get alone.
func (c *client) check(t *testing.T, limit int) error {
	if len(c.r.Prompt) >= limit {
		if !errors.Is(c.err, ErrNoMemory) && !errors.Is(c.err, ErrTooLong) {
			return fmt.Errorf("a prompt that is too long: %w", c.err)
		}
		return nil
	}
	if c.r.Constraint != nil {
		c.r.Constraint = &multiples{by: 1, left: 20}
	}
	ids, finish := want(t, c.r, limit)
	broke := c.give > 0 && len(c.ids) == c.give
	var panicked *PanicError
	switch {
	case c.r.Prompt[0] == 24 || c.r.Prompt[0] == 25:
		failed := errors.Is(c.err, errPoison) || errors.As(c.err, &panicked)
		if late := c.cancel > 0 && errors.Is(c.err, context.DeadlineExceeded); len(c.ids) > 0 || !failed && !late {
			return fmt.Errorf("the model didn't fail: %v, %w", c.ids, c.err)
		}
		return nil
	case c.cancel > 0 && errors.Is(c.err, context.DeadlineExceeded), c.err == nil && broke:
		ids = ids[:min(len(c.ids), len(ids))]
	case c.err != nil:
		return c.err
	case c.result.Finish != finish || c.result.Generated != len(ids):
		return fmt.Errorf("finished by %v with %d, want %v with %d", c.result.Finish, c.result.Generated, finish, len(ids))
	}
	if !slices.Equal(c.ids, ids) {
		return fmt.Errorf("got %v, want %v", c.ids, ids)
	}
	if r := c.result; r.Cached >= r.Prompt || r.Cached+r.Stored > r.Prompt {
		return fmt.Errorf("strange result %+v", r)
	}
	return nil
}
