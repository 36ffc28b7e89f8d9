package main

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/outcrop-ai/outcrop/internal/engine/sched"
)

// scheduler returns one that runs up to n requests of so many tokens.
func (m *model) scheduler(n, tokens int) (*sched.Scheduler, error) {
	pages := n * (tokens/64 + 2)
	return sched.New(sched.Config{Model: m.decoder, Compute: m.compute, CacheBytes: int64(pages) * int64(m.decoder.PageBytes()), MaxSequences: n})
}

// prompt returns a prompt that shares no beginning with that of another seed.
func (m *model) prompt(seed, n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = m.token(seed*100_003 + i + 1)
	}
	return ids
}

// complete runs a request to its end and returns how long its first token took.
func complete(ctx context.Context, s *sched.Scheduler, prompt []int32, tokens int) (first time.Duration, err error) {
	start := time.Now()
	run, err := s.Start(ctx, sched.Request{Prompt: prompt, MaxTokens: tokens})
	if err != nil {
		return 0, err
	}
	for _, err := range run.Tokens() {
		if err != nil {
			return 0, err
		}
		if first == 0 {
			first = time.Since(start)
		}
	}
	return first, nil
}

// serve runs requests at the same time, from the first's start to the last's end.
func (m *model) serve(ctx context.Context, q request) (_ answer, err error) {
	s, err := m.scheduler(q.Requests, q.Depth+q.Tokens) //nolint:contextcheck // it lives until Close
	if err != nil {
		return answer{}, err
	}
	defer s.Close()
	var g errgroup.Group
	start := time.Now()
	for i := range q.Requests {
		g.Go(func() error {
			_, err := complete(ctx, s, m.prompt(i, q.Depth), q.Tokens)
			return err
		})
	}
	err = g.Wait()
	return answer{Seconds: time.Since(start).Seconds()}, err
}

// mixed measures how long a short prompt's first token takes: first alone, which is
// Seconds, then while so many requests with prompts of Depth tokens keep the engine
// busy, which are Steps.
func (m *model) mixed(ctx context.Context, q request) (a answer, err error) {
	const short, samples = 16, 5
	s, err := m.scheduler(q.Requests+1, q.Depth+q.Tokens) //nolint:contextcheck // it lives until Close
	if err != nil {
		return a, err
	}
	defer s.Close()
	alone, err := complete(ctx, s, m.prompt(0, short), 4)
	if err != nil {
		return a, err
	}
	a.Seconds = alone.Seconds()

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, loaded := errgroup.Group{}, make(chan struct{}, q.Requests)
	for i := range q.Requests {
		g.Go(func() error {
			for n := 1; ctx.Err() == nil; n++ {
				run, err := s.Start(ctx, sched.Request{Prompt: m.prompt(n*q.Requests+i, q.Depth), MaxTokens: q.Tokens})
				if err != nil {
					return err
				}
				if n == 1 {
					loaded <- struct{}{}
				}
				for _, err := range run.Tokens() {
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	for range q.Requests {
		<-loaded
	}
	for i := range samples {
		first, err := complete(ctx, s, m.prompt(1_000_000+i, short), 4)
		if err != nil {
			return a, err
		}
		a.Steps = append(a.Steps, first.Seconds())
	}
	stop()
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return a, err
	}
	return a, nil
}
