// Package ledger keeps one record of every invocation, whatever door it came
// through and however it ended. Invocation logs, metrics, cost, budgets and the
// console all read it.
//
// # What happens to a record
//
// Append puts it into a bounded queue in memory, in well under a microsecond, and
// the call goes on. One goroutine takes what is queued, counts it (see Minutes and
// Collector), and appends it to a segment (package segment) within 20 ms; another
// syncs the segment to disk. A loader reads the segments behind the writer and puts the
// records into a database of its own for every day (UTC), where queries find them
// about a second later. A segment is deleted once all of it is in a database and
// synced. Days beyond the retention are deleted whole.
//
// # What it promises
//
//   - Close loses nothing. A kill -9 loses at most what was appended in the last
//     50 ms; a loss of power, what was appended since the last sync ended.
//   - A record is in the ledger once: how far a segment was loaded is written in the
//     transaction that loads it.
//   - Append does not wait for the disk. When the disk cannot keep up and the queue is
//     full, it waits for room for at most 100 ms, and while the disk refuses writes it
//     does not wait at all: calls are served and counted, their records are lost, and
//     Status and the metric outcrop_ledger_lost_records_total say how many.
//     When the disk takes writes again, so does the ledger, with all that was queued.
//   - A torn or corrupt segment costs its records from the first bad frame on, which
//     are reported, and nothing else.
//
// The ledger holds no prompts and no answers. It decides nothing: quotas and budgets
// read it and live elsewhere.
//
// # What it stores
//
// In its folder: "lock", held by the process that owns the folder;
// "segments/NNNNNNNNNNNN.seg"; "ledger-YYYY-MM-DD.db", SQLite, with the tables
// invocation (a row per record), minute (sums per minute) and progress (how far
// which segment is loaded).
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/ledger/segment"
)

// Ledger keeps invocation records. It is safe for concurrent use.
type Ledger struct {
	cfg    Config
	logger *slog.Logger
	unlock func() error

	queue  *queue
	writer *writer

	lost     atomic.Int64
	inFlight atomic.Int64

	stop      chan struct{}
	wg        sync.WaitGroup
	closeOnce sync.Once
	closeErr  error
}

// ErrClosed is returned by calls on a ledger that was closed.
var ErrClosed = errors.New("ledger: closed")

// Open opens the ledger in cfg.Dir, and fails when another process has it open. What
// an earlier process left in segments is loaded in the background. Whoever opens a
// ledger closes it.
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	segments := filepath.Join(cfg.Dir, "segments")
	if err := os.MkdirAll(segments, 0o700); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	unlock, err := lockFolder(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	log, err := segment.OpenLog(segment.LogConfig{Dir: segments, MaxSize: cfg.SegmentSize, Create: cfg.create})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), unlock())
	}
	l := &Ledger{
		cfg:    cfg,
		logger: cfg.Logger,
		unlock: unlock,
		queue:  newQueue(cfg.QueueLimit, cfg.QueueWait),
		stop:   make(chan struct{}),
	}
	l.writer = newWriter(l, log)
	l.wg.Go(l.writer.run)
	return l, nil
}

// Append takes a record of a call that has ended. It may be called from any goroutine,
// also while the ledger is being closed; what comes after that is counted as lost.
// A record without a time gets the present one.
func (l *Ledger) Append(r Record) {
	if r.Time.IsZero() {
		r.Time = l.cfg.now()
	}
	if l.queue.put(&r) {
		return
	}
	l.lost.Add(1)
}

// Begin counts a call as being served until End.
func (l *Ledger) Begin() { l.inFlight.Add(1) }

// End ends what Begin began.
func (l *Ledger) End() { l.inFlight.Add(-1) }

// Flush returns once everything that was appended before the call is on disk and
// visible to queries.
func (l *Ledger) Flush(ctx context.Context) error {
	return l.writer.flush(ctx)
}

// Close writes what is queued, stops everything and gives the folder up. It reports
// what could not be written. Closing twice is fine.
func (l *Ledger) Close() error {
	l.closeOnce.Do(func() {
		l.queue.close()
		close(l.stop)
		l.wg.Wait()
		l.closeErr = errors.Join(l.writer.err, l.unlock())
	})
	return l.closeErr
}

// Status is the ledger's state of health.
type Status struct {
	Queued   int       // records in memory that no segment holds yet
	Lost     int64     // records lost since the start
	Degraded bool      // writes fail now
	Since    time.Time // of the first failure; zero while all is well
	Err      error     // the last failure; nil while all is well
}

// Status returns the present state.
func (l *Ledger) Status() Status {
	s := Status{Queued: l.queue.len(), Lost: l.lost.Load()}
	s.Since, s.Err, s.Degraded = l.writer.health.worst()
	return s
}
