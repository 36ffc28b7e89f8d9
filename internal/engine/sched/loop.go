package sched

import (
	"context"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/kv"
)

// tidyEvery is how often memory is looked for that can be given back.
const tidyEvery = 10 * time.Second

// loop is the life of the goroutine that drives the model.
func (s *Scheduler) loop(ctx context.Context) {
	defer close(s.ended)
	defer s.shutDown()
	for ctx.Err() == nil {
		s.changed = false
		now := time.Now()
		s.receive()
		s.sweep(now)
		s.tidy(now)
		s.admit()
		s.plan(now)
		worked := s.step(ctx)
		s.verify()
		s.snapshot()
		if !worked && !s.changed {
			s.wait(ctx)
		}
	}
}

// receive takes new requests to their owners' queues.
func (s *Scheduler) receive() {
	s.mu.Lock()
	inbox := s.inbox
	s.inbox = nil
	s.mu.Unlock()
	for _, q := range inbox {
		q.owner = s.owners.get(q.req.Owner)
		q.owner.enqueue(q)
	}
}

// sweep ends the runs that were given up, and those whose consumers are gone for too long.
func (s *Scheduler) sweep(now time.Time) {
	s.order = append(append(s.order[:0], s.running...), s.parked...)
	if s.news.Swap(false) {
		s.order = s.owners.queued(s.order)
	}
	for _, q := range s.order {
		if cause := q.run.canceledBy(); cause != nil {
			s.finish(q, Unfinished, cause)
		} else if q.stalled() && now.Sub(q.stalledSince) >= s.cfg.StallLimit && q.run.full() {
			s.finish(q, Unfinished, ErrStalled)
		}
	}
	clear(s.order)
	s.unpark(now)
}

// tidy gives memory back from time to time.
func (s *Scheduler) tidy(now time.Time) {
	if now.Sub(s.tidied) < tidyEvery {
		return
	}
	s.tidied = now
	if s.cache.Stats().Mapped > 0 {
		if _, err := s.cache.Idle(); err != nil {
			s.counts.Errors++ // the system keeps the memory: nothing to do about it
		}
	}
}

// wait sleeps until something changes, or is due.
func (s *Scheduler) wait(ctx context.Context) {
	var due <-chan time.Time
	if d, ok := s.untilDue(time.Now()); ok {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-s.wakeUp:
	case <-due:
	case <-ctx.Done():
	}
}

// untilDue returns how long nothing has to be done if nothing changes.
func (s *Scheduler) untilDue(now time.Time) (time.Duration, bool) {
	var first time.Time
	at := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	if s.cache.Stats().Mapped > 0 {
		at(s.tidied.Add(tidyEvery))
	}
	for _, queue := range [...][]*sequence{s.running, s.parked} {
		for _, q := range queue {
			if q.stalled() {
				at(q.stalledSince.Add(s.cfg.StallLimit))
			}
		}
	}
	return first.Sub(now), !first.IsZero()
}

// shutDown ends what is still there.
func (s *Scheduler) shutDown() {
	s.receive()
	s.order = s.owners.queued(append(append(s.order[:0], s.running...), s.parked...))
	for _, q := range s.order {
		s.finish(q, Unfinished, ErrClosed)
	}
	close(s.toLook)
	for range s.looked {
		continue // until lookLoop has ended
	}
	_ = s.cache.Close() // as for tidy
	s.snapshot()
	if s.own {
		s.compute.Close()
	}
}

// Counts are totals since the start.
type Counts struct {
	Steps        int64 // passes of the model
	FailedSteps  int64
	PromptTokens int64 // read, those read again after a preemption included
	CachedTokens int64 // of prompts of finished runs, found in the cache
	Generated    int64
	Preempted    int64 // sequences that lost slot and pages for a while
	Finished     int64 // runs
	Failed       int64 // runs that failed or were given up
	Rejected     int64 // requests for which the queue was full
	Errors       int64 // of the system when memory was given back
}

// Stats are a scheduler's figures.
type Stats struct {
	Running   int // requests with a slot
	Waiting   int // requests that never had one
	Suspended int // requests that had one and will have it again
	Chunk     int // prompt tokens that a step may read at present
	Cache     kv.Stats
	Counts
}

// Stats returns the figures as they were after the last step.
func (s *Scheduler) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Waiting = s.total[0] + s.total[1]
	st.Rejected = s.rejected
	return st
}

// snapshot publishes the figures.
func (s *Scheduler) snapshot() {
	queued := 0
	for _, o := range s.owners {
		queued += len(o.queues[0]) + len(o.queues[1])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = Stats{
		Running: len(s.running), Suspended: len(s.parked) + queued - (s.total[0] + s.total[1] - len(s.inbox)),
		Chunk: s.pace.budget(len(s.running) > 0), Cache: s.cache.Stats(), Counts: s.counts,
	}
}
