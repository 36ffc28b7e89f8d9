package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
)

// Causes with which the context of a run ends; context.Cause tells which.
var (
	// ErrCancelled says that somebody cancelled the job.
	ErrCancelled = errors.New("the job was cancelled")
	// ErrStopping says that this process is stopping; the job goes on elsewhere or later.
	ErrStopping = errors.New("the process that runs the job is stopping")
	// ErrLost says that the lease could not be kept: another process may run the job by
	// now. Methods of Run that write return it, too.
	ErrLost = errors.New("the job is no longer held by this process")
)

const (
	defaultMaxAttempts = 5
	firstBackoff       = time.Second
	lastBackoff        = 5 * time.Minute
)

// Kind is one sort of job: what a product room registers.
type Kind struct {
	Name string // required: a short name in lower case, such as "kb.ingest"

	// Run does the work. Required. It begins where Run.Job().Checkpoint says, and must
	// bear to begin there again. When ctx ends it returns soon, with an error; nil means
	// that the work is complete, whatever happened to ctx. An error wrapped in Permanent
	// is not tried again. A panic is an error.
	Run func(ctx context.Context, r *Run) error

	// Settled, if not nil, is called in the transaction that gives a job its final state,
	// whoever brings that about (a run, Cancel, the limit of attempts), so what it writes
	// is there exactly when the state is. The transaction may be run again, so it must do
	// nothing else. While it returns an error the job is not settled and is tried again.
	Settled func(ctx context.Context, tx *db.Tx, j Job) error

	// Concurrency bounds how many run at once in this process; 0 means that only the
	// bound of the queue holds.
	Concurrency int

	// MaxAttempts bounds the attempts in a row that bring no new checkpoint; 0 means 5.
	MaxAttempts int

	// Backoff is the pause after a failed attempt, counted from 1. Nil means 1 s, doubled
	// each time up to 5 min. An error that carries fault.Error.RetryAfter waits that long
	// at least.
	Backoff func(attempt int) time.Duration
}

func (k Kind) withDefaults() Kind {
	if k.MaxAttempts == 0 {
		k.MaxAttempts = defaultMaxAttempts
	}
	if k.Backoff == nil {
		k.Backoff = backoff
	}
	return k
}

func (k Kind) validate() error {
	var problems []error
	if !kindFormat.MatchString(k.Name) {
		problems = append(problems, fmt.Errorf("%.80q is not a short name in lower case", k.Name))
	}
	if k.Run == nil {
		problems = append(problems, errors.New("no Run"))
	}
	if k.Concurrency < 0 {
		problems = append(problems, fmt.Errorf("a concurrency of %d", k.Concurrency))
	}
	if k.MaxAttempts < 0 {
		problems = append(problems, fmt.Errorf("at most %d attempts", k.MaxAttempts))
	}
	return errors.Join(problems...)
}

func backoff(attempt int) time.Duration {
	return min(firstBackoff<<min(max(attempt-1, 0), 20), lastBackoff)
}

// Permanent marks an error that another attempt would meet again: the job fails at once.
// Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }
