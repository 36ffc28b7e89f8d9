package job

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Run is one run of a job, for the function that does its work. Its methods are safe for
// concurrent use.
type Run struct {
	queue  *Queue
	job    Job // as claimed
	kind   Kind
	cancel context.CancelCauseFunc
	expiry *time.Timer // ends the context when the lease was not renewed in time

	mu       sync.Mutex
	progress Progress
	unsaved  bool // progress is newer than the row
}

// Job returns the job as it was claimed: its payload, its checkpoint (empty at first), the
// number of the attempt.
func (r *Run) Job() Job { return r.job }

// Checkpoint stores how far the work has come, for the next run to begin there, and the
// progress with it. It is durable when Checkpoint returns. At most MaxCheckpoint bytes.
// ErrLost means that another run may be under way, and that this one should end.
func (r *Run) Checkpoint(ctx context.Context, data []byte) error {
	if err := r.checkpoint(ctx, r.queue.cfg.DB, data); err != nil {
		return err
	}
	return r.save(ctx)
}

// CheckpointTx is Checkpoint in the caller's transaction: what the transaction writes and
// the checkpoint are there both or not at all, and not at all once the job is lost.
// Return its error from the transaction.
func (r *Run) CheckpointTx(ctx context.Context, tx *db.Tx, data []byte) error {
	return r.checkpoint(ctx, tx, data)
}

func (r *Run) checkpoint(ctx context.Context, to db.Querier, data []byte) error {
	if len(data) > MaxCheckpoint {
		return fault.Errorf(fault.Invalid, "job: a checkpoint of %d bytes, at most %d are allowed", len(data), MaxCheckpoint)
	}
	if err := r.queue.store.checkpoint(ctx, to, r.job.ID, r.job.Turn, data); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// Progress says how far the work has come. It costs nothing: the last one is stored about
// once a second, and when the run ends. Long messages are cut.
func (r *Run) Progress(done, total int64, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress, r.unsaved = Progress{Done: done, Total: total, Message: clip(message)}, true
}

// save stores the progress where it has changed.
func (r *Run) save(ctx context.Context) error {
	r.mu.Lock()
	p, unsaved := r.progress, r.unsaved
	r.unsaved = false
	r.mu.Unlock()
	if !unsaved {
		return nil
	}
	err := r.queue.store.progress(ctx, r.job.ID, r.job.Turn, p)
	if err != nil {
		r.mu.Lock()
		r.unsaved = true // the next save tries again, with this or a newer one
		r.mu.Unlock()
		return fmt.Errorf("progress: %w", err)
	}
	return nil
}

func (r *Run) lastProgress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}
