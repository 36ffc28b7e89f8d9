// Package ledger keeps one record of every invocation, whatever door it came
// through and however it ended. Invocation logs, metrics, cost, budgets and the
// console all read it.
//
// # What happens to a record
//
// Append puts it into a bounded queue in memory, in well under a microsecond, and
// the call goes on. One goroutine takes what is queued, counts it (see Minutes and
// Collector), and appends it to a segment (package segment) within 10 ms; another
// syncs the segment to disk. A loader reads the segments behind the writer and puts the
// records into a database of its own for every day (UTC), where queries find them
// about a second later. A segment is deleted once all of it is in a database and
// synced. Days beyond the retention are deleted whole.
//
// # What it promises
//
//   - Close loses nothing. A kill -9 loses at most what was appended in the last
//     50 ms, given processor time; a loss of power, what was appended since the
//     last sync ended.
//   - A record is in the ledger once: how far a segment was loaded is written in the
//     transaction that loads it.
//   - Append does not wait for the disk. When the disk cannot keep up and the queue is
//     full, it waits for room for at most 100 ms, and while the disk refuses writes it
//     does not wait at all: calls are served and counted, their records are lost, and
//     Status and the metric outcrop_ledger_lost_records_total say how many.
//     When the disk takes writes again, so does the ledger, with all that was queued.
//   - A folder that is deleted while it is in use is noticed within a second or two,
//     said in the log, and made anew. What it held is lost, but for what was appended
//     last.
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
// invocation (a row per record) and source (what many records have in common; the view
// record joins the two), request_filter (where a request ID may be), minute (sums per
// minute) and progress (how far which segment is loaded).
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
	lock   *os.File // held; replaced by the loader's goroutine only

	queue   *queue
	writer  *writer
	loader  *loader
	reader  *Reader
	minutes *minutes
	metrics *metrics
	health  health

	lost     atomic.Int64
	inFlight atomic.Int64

	stop       chan struct{}
	cancelLoad context.CancelFunc
	wg         sync.WaitGroup
	closeOnce  sync.Once
	closeErr   error
}

// closeLoad is how long Close waits for the loader. What it does not finish is loaded
// at the next start.
const closeLoad = 2 * time.Second

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
	if err := os.MkdirAll(segmentsOf(cfg.Dir), 0o700); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	lock, err := lockFolder(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l, err := start(ctx, cfg, lock)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), lock.Close())
	}
	return l, nil
}

func segmentsOf(dir string) string { return filepath.Join(dir, "segments") }

// start starts the goroutines of a ledger whose folder is locked.
func start(ctx context.Context, cfg Config, lock *os.File) (*Ledger, error) {
	segments := segmentsOf(cfg.Dir)
	reader := &Reader{days: newDays(cfg.Dir)}
	first, err := firstSegment(ctx, reader.days, segments)
	if err != nil {
		return nil, err
	}
	log, err := segment.OpenLog(segment.LogConfig{Dir: segments, MaxSize: cfg.SegmentSize, First: first, Create: cfg.create})
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		cfg:     cfg,
		lock:    lock,
		logger:  cfg.Logger,
		queue:   newQueue(cfg.QueueLimit, cfg.QueueWait, cfg.CommitEvery*3/2),
		reader:  reader,
		minutes: newMinutes(cfg.MinuteWindow, cfg.now),
		metrics: newMetrics(cfg.KnownModel),
		health:  health{logger: cfg.Logger, now: cfg.now},
		stop:    make(chan struct{}),
	}
	l.writer = newWriter(l, log)
	l.loader = newLoader(l, log, segments)
	// Opening may have a deadline; what was opened has not.
	loading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancelLoad = cancel
	l.wg.Go(l.writer.run)
	l.wg.Go(func() { l.loader.run(loading) })
	return l, nil
}

// firstSegment returns a number that no record's sequence number was made from. The
// log counts on from the segments that are there, and there always is one, unless
// somebody deleted it.
func firstSegment(ctx context.Context, d *days, segments string) (int64, error) {
	ids, err := segment.List(segments)
	if err != nil || len(ids) > 0 {
		return 0, err
	}
	all, err := d.list()
	if err != nil {
		return 0, err
	}
	var first int64
	for _, name := range all {
		if err := d.use(ctx, name, false, func(s *dayStore) error {
			last, err := s.lastSeq(ctx)
			first = max(first, last>>indexBits+1)
			return err
		}); err != nil {
			return 0, err
		}
	}
	return first, nil
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
	l.observe([]Record{r}) // the call took place all the same
}

// observe counts records in the sums in memory and in the metrics.
func (l *Ledger) observe(records []Record) {
	l.minutes.add(records)
	l.metrics.add(records)
}

// Begin counts a call as being served until End.
func (l *Ledger) Begin() { l.inFlight.Add(1) }

// End ends what Begin began.
func (l *Ledger) End() { l.inFlight.Add(-1) }

// Flush returns once everything that was appended before the call is on disk and
// visible to queries.
func (l *Ledger) Flush(ctx context.Context) error {
	if err := l.writer.flush(ctx); err != nil {
		return err
	}
	return l.loader.flush(ctx)
}

// Close writes what is queued, stops everything and gives the folder up. It reports
// what could not be written. Closing twice is fine.
func (l *Ledger) Close() error {
	l.closeOnce.Do(func() {
		l.queue.close()
		close(l.stop)
		<-l.writer.done
		enough := time.AfterFunc(closeLoad, l.cancelLoad)
		l.wg.Wait()
		enough.Stop()
		l.cancelLoad()
		l.closeErr = errors.Join(l.writer.err, l.reader.Close(), l.lock.Close())
	})
	return l.closeErr
}
