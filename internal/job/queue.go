package job

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is what a Queue needs.
type Config struct {
	DB          *db.DB // required; stays the caller's
	Concurrency int    // how many jobs run at once in this process, at most 256; default 8

	Retention time.Duration // how long finished jobs are known; default 30 days
	Lease     time.Duration // default 15 s
	Heartbeat time.Duration // how often leases are renewed, at most a third of Lease; default 5 s
	Poll      time.Duration // how often others' changes are looked for; default 1 s

	Logger *slog.Logger // default: discards
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&c.Retention, 30*24*time.Hour)
	set(&c.Lease, 15*time.Second)
	set(&c.Heartbeat, c.Lease/3)
	set(&c.Poll, time.Second)
	if c.Concurrency == 0 {
		c.Concurrency = 8
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	if c.DB == nil {
		problems = append(problems, errors.New("no DB"))
	}
	if c.Concurrency < 1 || c.Concurrency > 256 {
		problems = append(problems, fmt.Errorf("a concurrency of %d is not between 1 and 256", c.Concurrency))
	}
	if c.Retention < 0 || c.Poll < 0 || c.Lease < 0 {
		problems = append(problems, errors.New("a negative duration"))
	}
	if c.Heartbeat <= 0 || c.Heartbeat > c.Lease/3 {
		problems = append(problems, fmt.Errorf("a heartbeat of %v is more than a third of the lease of %v", c.Heartbeat, c.Lease))
	}
	return errors.Join(problems...)
}

// Queue enqueues jobs, and runs those of its kinds while Run runs. It is safe for
// concurrent use.
type Queue struct {
	cfg   Config
	store store
	clock clock
	owner string        // who holds the leases: this Queue and no other, ever
	count atomic.Uint32 // of jobs enqueued here
	wake  chan struct{} // a job may be ready

	mu      sync.Mutex
	kinds   map[string]Kind // does not change once started
	started bool
	active  map[string]*Run // by job ID
}

// Open prepares the table. The Queue needs no closing.
func Open(ctx context.Context, c Config) (*Queue, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := c.DB.Migrate(ctx, "job", files); err != nil {
		return nil, err
	}
	q := &Queue{
		cfg: c, store: store{c.DB}, owner: rand.Text(), wake: make(chan struct{}, 1),
		kinds: map[string]Kind{}, active: map[string]*Run{},
	}
	q.clock.local = time.Now
	if err := q.clock.sync(ctx, c.DB); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return q, nil
}

// Register adds a kind of job for Run to run. It must be called before Run.
func (q *Queue) Register(k Kind) error {
	k = k.withDefaults()
	if err := k.validate(); err != nil {
		return fmt.Errorf("kind of job %q: %w", k.Name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started {
		return fmt.Errorf("kind of job %q: registered after the queue was started", k.Name)
	}
	if _, ok := q.kinds[k.Name]; ok {
		return fmt.Errorf("kind of job %q: registered twice", k.Name)
	}
	q.kinds[k.Name] = k
	return nil
}

// Enqueue adds a job, or returns the one with the spec's account, kind and key. An
// existing one with another payload is a fault.Conflict.
func (q *Queue) Enqueue(ctx context.Context, s Spec) (Job, error) {
	j, err := q.enqueue(ctx, q.cfg.DB, s)
	if err == nil {
		q.Wake()
	}
	return j, err
}

// EnqueueTx is Enqueue in the caller's transaction: the job is there when that commits.
// Call Wake then, or the job is only found by the next poll.
func (q *Queue) EnqueueTx(ctx context.Context, tx *db.Tx, s Spec) (Job, error) {
	return q.enqueue(ctx, tx, s)
}

func (q *Queue) enqueue(ctx context.Context, to db.Querier, s Spec) (Job, error) {
	now := q.clock.now()
	if err := s.validate(time.UnixMilli(now)); err != nil {
		return Job{}, err
	}
	id := q.newID(now)
	for {
		inserted, err := q.store.insert(ctx, to, id, s, now)
		if err != nil {
			return Job{}, fmt.Errorf("enqueue %s: %w", s.Kind, err)
		}
		if inserted {
			return q.inserted(id, s, now), nil
		}
		j, err := q.store.byKey(ctx, to, s)
		switch {
		case errors.Is(err, sql.ErrNoRows): // forgotten in between: ours now
			continue
		case err != nil:
			return Job{}, fmt.Errorf("enqueue %s: %w", s.Kind, err)
		case string(j.Payload) != string(s.Payload):
			return Job{}, &fault.Error{Kind: fault.Conflict, Message: "The same key was used for another request.", Resource: j.ID}
		}
		return j, nil
	}
}

// inserted is the row that insert wrote.
func (q *Queue) inserted(id string, s Spec, now int64) Job {
	due := fromMS(now)
	if s.NotBefore.After(due) {
		due = fromMS(s.NotBefore.UnixMilli())
	}
	return Job{
		ID: id, Account: s.Account, Kind: s.Kind, Key: s.Key, Priority: s.Priority, State: Queued,
		Payload: filled(s.Payload), Created: fromMS(now), Due: due,
	}
}

// newID returns an ID that sorts after those made before: time, count, and 64 random bits
// that set processes apart.
func (q *Queue) newID(now int64) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return fmt.Sprintf("%012x%06x%016x", now, q.count.Add(1)&0xffffff, binary.BigEndian.Uint64(random[:]))
}

// Get returns a job, or a fault.NotFound.
func (q *Queue) Get(ctx context.Context, id string) (Job, error) {
	return q.store.get(ctx, q.cfg.DB, id)
}

// Filter says which jobs List returns.
type Filter struct {
	Account string // required
	Kind    string // empty: any
	State   State  // empty: any
	Before  string // the last ID of the page before; empty: the first page
	Limit   int    // 1 to 1000; 0 means 100
}

const maxList = 1000

// List returns jobs of an account, newest first, without payloads and checkpoints.
func (q *Queue) List(ctx context.Context, f Filter) ([]Job, error) {
	if f.Account == "" || f.Limit < 0 || f.Limit > maxList {
		return nil, fault.Errorf(fault.Invalid, "jobs are listed for one account, 1 to %d at a time", maxList)
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	return q.store.list(ctx, f, f.Limit)
}

// Cancel asks that a job be cancelled and returns it as it is then: a waiting one is
// cancelled, a running one has CancelRequested until its Run has returned. Cancelling
// again changes nothing. A job that finished otherwise is a fault.Conflict.
func (q *Queue) Cancel(ctx context.Context, id string) (Job, error) {
	var j Job
	err := q.cfg.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if j, err = q.store.get(ctx, tx, id); err != nil || j.State == Cancelled {
			return err
		}
		if j.State.Finished() {
			return &fault.Error{Kind: fault.Conflict, Message: "The job has already finished.", Resource: id}
		}
		now := q.clock.now()
		if err := q.store.requestCancel(ctx, tx, id, now); err != nil {
			return err
		}
		j.CancelRequested = true
		kind, known := q.kind(j.Kind)
		if j.State == Running || !known { // whoever runs it, or knows its kind, settles it
			return nil
		}
		j.State, j.Finished = Cancelled, fromMS(now)
		return q.finish(ctx, tx, kind, j, Queued)
	})
	if err != nil {
		return Job{}, fmt.Errorf("cancel: %w", err)
	}
	q.mu.Lock()
	if r := q.active[id]; r != nil && j.State == Running {
		r.cancel(ErrCancelled)
	}
	q.mu.Unlock()
	q.Wake()
	return j, nil
}

// Wake tells Run to look for jobs now. Without Run it does nothing.
func (q *Queue) Wake() {
	select {
	case q.wake <- struct{}{}:
	default: // it is told already
	}
}

// finish writes a job's final state, and what its kind adds to that.
func (q *Queue) finish(ctx context.Context, tx *db.Tx, k Kind, j Job, from State) error {
	if err := q.store.finish(ctx, tx, j, from, j.Finished.UnixMilli()); err != nil {
		return err
	}
	if k.Settled == nil {
		return nil
	}
	if err := k.Settled(ctx, tx, j); err != nil {
		return fmt.Errorf("settle %s: %w", k.Name, err)
	}
	return nil
}

func (q *Queue) kind(name string) (Kind, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k, ok := q.kinds[name]
	return k, ok
}
