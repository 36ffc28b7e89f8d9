package job

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Run claims and runs jobs of the registered kinds until ctx ends. Then it ends the
// contexts of its runs with the cause ErrStopping, and returns nil once the last of them
// has returned and its job is given back. Troubles with the database are logged and
// waited for. Run may be called once.
func (q *Queue) Run(ctx context.Context) error {
	q.mu.Lock()
	again := q.started
	q.started = true
	q.mu.Unlock()
	if again {
		return errors.New("jobs: the queue was started before")
	}
	// Leases are kept until the last run has returned.
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	defer stopKeeping()
	var keeper, runs sync.WaitGroup
	keeper.Go(func() { q.keep(keeping) })

	q.work(ctx, &runs)
	for _, r := range q.running() {
		r.cancel(ErrStopping)
	}
	runs.Wait()
	stopKeeping()
	keeper.Wait()
	return nil
}

// work starts runs as jobs and places for them come up, until ctx ends.
func (q *Queue) work(ctx context.Context, runs *sync.WaitGroup) {
	poll := time.NewTimer(0)
	defer poll.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		case <-q.wake:
		}
		err := q.fill(ctx, runs)
		switch {
		case ctx.Err() != nil:
		case err != nil && !failing:
			q.cfg.Logger.Warn("jobs: the next one cannot be claimed; trying again", "error", err)
		case err == nil && failing:
			q.cfg.Logger.Info("jobs: they are being claimed again")
		}
		failing = err != nil
		poll.Reset(jitter(q.cfg.Poll))
	}
}

// jitter spreads what many processes do at an interval.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1) //nolint:gosec // spreads load; nothing depends on it being hard to guess
}

// fill claims jobs until there is none left, or no place.
func (q *Queue) fill(ctx context.Context, runs *sync.WaitGroup) error {
	for ctx.Err() == nil {
		kinds := q.free()
		if len(kinds) == 0 {
			return nil
		}
		began := time.Now()
		j, ok, err := q.claim(ctx, kinds)
		if err != nil || !ok {
			return err
		}
		run, r := q.begin(ctx, j, began)
		runs.Go(func() {
			defer q.end(r)
			q.execute(run, r)
		})
	}
	return nil
}

// claim is not interrupted by ctx: a claim that succeeded unknown to us would have to wait
// for its lease to end.
func (q *Queue) claim(ctx context.Context, kinds []string) (Job, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.timeout())
	defer cancel()
	w, now := wanted{kinds: kinds}, q.clock.now()
	for _, r := range q.running() {
		// A run that has lost its job and has not returned yet keeps this process from
		// taking the job again.
		w.except = append(w.except, r.job.ID)
	}
	return q.store.claim(ctx, q.owner, w, now, now+q.cfg.Lease.Milliseconds())
}

// timeout bounds one exchange with the database, so that a lease outlives two that fail.
func (q *Queue) timeout() time.Duration { return q.cfg.Lease / 3 }

// free lists the kinds that may have one more run.
func (q *Queue) free() (names []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.active) >= q.cfg.Concurrency {
		return nil
	}
	runs := map[string]int{}
	for _, r := range q.active {
		runs[r.kind.Name]++
	}
	for name, k := range q.kinds {
		if k.Concurrency == 0 || runs[name] < k.Concurrency {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (q *Queue) running() []*Run {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]*Run, 0, len(q.active))
	for _, r := range q.active {
		all = append(all, r)
	}
	return all
}

// begin makes the run of a job claimed with a lease that began at the given moment.
func (q *Queue) begin(ctx context.Context, j Job, began time.Time) (context.Context, *Run) {
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	q.mu.Lock()
	defer q.mu.Unlock()
	r := &Run{queue: q, job: j, kind: q.kinds[j.Kind], cancel: cancel, progress: j.Progress}
	r.expiry = time.AfterFunc(time.Until(began.Add(q.cfg.Lease)), func() { cancel(ErrLost) })
	q.active[j.ID] = r
	return run, r
}

func (q *Queue) end(r *Run) {
	q.mu.Lock()
	r.expiry.Stop()
	delete(q.active, r.job.ID)
	q.mu.Unlock()
	r.cancel(nil)
	q.Wake() // there is a place
}

// execute runs a claimed job and settles what became of it.
func (q *Queue) execute(ctx context.Context, r *Run) {
	log := q.cfg.Logger.With("job", r.job.ID, "kind", r.job.Kind, "attempt", r.job.Attempt)
	var o outcome
	switch {
	case r.job.CancelRequested: // while it waited, or before its holder died
		o = outcome{verdict: cancelled}
	case r.job.Attempt > r.kind.MaxAttempts:
		o = outcome{verdict: failed, err: fmt.Errorf("the process that ran the job ended %d times in a row", r.kind.MaxAttempts)}
	default:
		o = judge(ctx, invoke(ctx, r))
	}
	if p, ok := errors.AsType[*panicError](o.err); ok {
		log.Error("jobs: a run panicked", "panic", p.value, "stack", p.stack)
	}
	if o.verdict == lost {
		log.Warn("jobs: the lease was lost; the job goes on elsewhere", "error", o.err)
		return
	}
	q.settle(ctx, r, o, log)
}

// invoke calls the kind's function; a panic is its error.
func invoke(ctx context.Context, r *Run) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: fmt.Sprint(v), stack: string(debug.Stack())}
		}
	}()
	return r.kind.Run(ctx, r)
}

type panicError struct{ value, stack string }

func (e *panicError) Error() string { return "panic: " + e.value }
