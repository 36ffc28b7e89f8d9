package job

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// verdict is what a run's end means for the job.
type verdict uint8

const (
	succeeded verdict = iota
	failed            // for good
	retried           // failed, and tried again if attempts are left
	cancelled
	released // by a stop; goes on later
	lost     // not ours to say
)

type outcome struct {
	verdict verdict
	err     error // of failed, retried and lost
}

// judge reads what Run returned. nil means complete, also when the context has ended.
func judge(ctx context.Context, err error) outcome {
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		return outcome{verdict: succeeded}
	case errors.Is(cause, ErrLost), errors.Is(err, ErrLost):
		return outcome{verdict: lost, err: err}
	case errors.Is(cause, ErrCancelled):
		return outcome{verdict: cancelled}
	case errors.Is(cause, ErrStopping):
		return outcome{verdict: released}
	}
	if _, ok := errors.AsType[*permanentError](err); ok {
		return outcome{verdict: failed, err: err}
	}
	return outcome{verdict: retried, err: err}
}

const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// settle writes the outcome, and tries again while the database fails, for as long as a
// lease; after that the job is left to whoever takes it over.
func (q *Queue) settle(ctx context.Context, r *Run, o outcome, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.cfg.Lease)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := q.write(ctx, r, o)
		switch {
		case err == nil:
			q.report(r, o, log)
			return
		case errors.Is(err, ErrLost):
			log.Warn("jobs: the lease was lost before the end was written; the job goes on elsewhere")
			return
		}
		timer := time.NewTimer(jitter(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			log.Error("jobs: the end of a run cannot be written; the job will be run again", "error", err)
			return
		}
	}
}

func (q *Queue) report(r *Run, o outcome, log *slog.Logger) {
	switch o.verdict {
	case failed:
		log.Error("jobs: failed", "error", o.err)
	case retried:
		log.Warn("jobs: an attempt failed", "error", o.err)
	default:
		log.Debug("jobs: a run ended", "turn", r.job.Turn, "outcome", o.verdict)
	}
}

// write puts one outcome into the table.
func (q *Queue) write(ctx context.Context, r *Run, o outcome) error {
	ctx, cancel := context.WithTimeout(ctx, q.timeout())
	defer cancel()
	j, now := r.job, q.clock.now()
	j.Progress = r.lastProgress()
	switch o.verdict {
	case succeeded:
		j.State, j.Error = Succeeded, ""
	case cancelled:
		j.State = Cancelled
	case failed:
		j.State, j.Error = Failed, clip(o.err.Error())
	case released:
		return q.store.release(ctx, j.ID, j.Turn, j.Progress, now)
	default:
		return q.cfg.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error { return q.retry(ctx, tx, r, o.err) })
	}
	j.Finished = fromMS(now)
	if r.kind.Settled == nil {
		return q.store.finish(ctx, q.cfg.DB, j, Running, now)
	}
	return q.cfg.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		// The hook gets the job as it ends, with the last checkpoint.
		end, err := q.store.get(ctx, tx, j.ID)
		if err != nil {
			return err
		}
		if end.Turn != j.Turn {
			return ErrLost
		}
		end.State, end.Error, end.Progress, end.Finished = j.State, j.Error, j.Progress, j.Finished
		return q.finish(ctx, tx, r.kind, end, Running)
	})
}

// retry gives the job back for another attempt, or ends it when there is none left. The
// row knows the attempts: a checkpoint may have set them back.
func (q *Queue) retry(ctx context.Context, tx *db.Tx, r *Run, cause error) error {
	j, err := q.store.get(ctx, tx, r.job.ID)
	if err != nil {
		return err
	}
	now := q.clock.now()
	j.Turn, j.Progress, j.Error = r.job.Turn, r.lastProgress(), clip(cause.Error())
	switch {
	case j.CancelRequested:
		j.State, j.Finished = Cancelled, fromMS(now)
		return q.finish(ctx, tx, r.kind, j, Running)
	case j.Attempt >= r.kind.MaxAttempts:
		j.State, j.Finished = Failed, fromMS(now)
		return q.finish(ctx, tx, r.kind, j, Running)
	}
	pause := jitter(r.kind.Backoff(j.Attempt))
	if e, ok := errors.AsType[*fault.Error](cause); ok {
		pause = max(pause, e.RetryAfter)
	}
	return q.store.retry(ctx, tx, j, now+max(pause, 0).Milliseconds())
}
