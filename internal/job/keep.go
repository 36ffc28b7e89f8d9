package job

import (
	"context"
	"errors"
	"time"
)

const (
	// clockEvery is how often the database's clock is compared with ours.
	clockEvery = time.Minute
	// sweepEvery is how often finished jobs are looked for that can be forgotten.
	sweepEvery = 10 * time.Minute
	// sweepBatch is how many are forgotten at a time, so that nothing waits for long.
	sweepBatch = 500
)

// keep looks after the jobs that run here until ctx ends: it renews their leases, notices
// what others did to them, and stores their progress. It also forgets old jobs.
func (q *Queue) keep(ctx context.Context) {
	k := keeper{queue: q}
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := k.tick(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			q.cfg.Logger.Warn("jobs: leases cannot be looked after; trying again", "error", err)
		case err == nil && failing:
			q.cfg.Logger.Info("jobs: leases are being looked after again")
		}
		failing = err != nil
		timer.Reset(jitter(min(q.cfg.Poll, q.cfg.Heartbeat)))
	}
}

// keeper remembers when things were last done. Zero is long ago.
type keeper struct {
	queue               *Queue
	beat, synced, swept time.Time
}

func (k *keeper) tick(ctx context.Context) error {
	q := k.queue
	ctx, cancel := context.WithTimeout(ctx, q.timeout())
	defer cancel()
	if time.Since(k.synced) >= clockEvery {
		if err := q.clock.sync(ctx, q.cfg.DB); err != nil {
			return err
		}
		k.synced = time.Now()
	}
	// Those that begin or end from here on are not judged by what is read below.
	runs := q.running()
	if len(runs) > 0 {
		if err := k.look(ctx, runs); err != nil {
			return err
		}
	}
	if time.Since(k.swept) >= sweepEvery {
		n, err := q.store.sweep(ctx, q.clock.now()-q.cfg.Retention.Milliseconds(), sweepBatch)
		if err != nil {
			return err
		}
		if n < sweepBatch { // else there is more, for the next tick
			k.swept = time.Now()
		}
	}
	return nil
}

// look renews, stores progress, and ends the runs that were cancelled or lost.
func (k *keeper) look(ctx context.Context, runs []*Run) error {
	q, began := k.queue, time.Now()
	// Jitter and a slow database must not stretch the interval beyond the heartbeat.
	renew := began.Add(q.cfg.Poll*5/4).Sub(k.beat) > q.cfg.Heartbeat
	if renew {
		ids := make([]string, len(runs))
		for i, r := range runs {
			ids[i] = r.job.ID
		}
		if err := q.store.renew(ctx, q.owner, ids, q.clock.now()+q.cfg.Lease.Milliseconds()); err != nil {
			return err
		}
		k.beat = began
	}
	all, err := q.store.held(ctx, q.owner)
	if err != nil {
		return err
	}
	rows := make(map[string]held, len(all))
	for _, h := range all {
		rows[h.id] = h
	}
	for _, r := range runs {
		row, ok := rows[r.job.ID]
		switch {
		case !ok || row.turn != r.job.Turn:
			r.cancel(ErrLost) // or it has just ended, and this changes nothing
			continue
		case row.cancel:
			r.cancel(ErrCancelled)
		}
		if renew {
			q.renewed(r, began)
		}
		if err := r.save(ctx); err != nil && !errors.Is(err, ErrLost) {
			return err
		}
	}
	return nil
}

// renewed puts off the end of a run's lease, unless the run has ended.
func (q *Queue) renewed(r *Run, began time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.active[r.job.ID] == r {
		r.expiry.Reset(time.Until(began.Add(q.cfg.Lease)))
	}
}
