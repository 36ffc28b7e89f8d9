package sched

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/kv"
	"github.com/outcrop-ai/outcrop/internal/engine/sample"
)

// Scheduler drives a model. It is safe for concurrent use. It must be closed.
type Scheduler struct {
	cfg     Config
	compute *kernel.Compute
	own     bool // compute was made here
	limit   int  // of a sequence's tokens: what the context and the cache have room for
	wakeUp  chan struct{}
	stop    context.CancelFunc
	ended   chan struct{}

	mu       sync.Mutex
	closed   bool
	inbox    []*sequence // started, and not seen by the loop yet
	tickets  int64
	waiting  map[line]int // requests that never had a slot
	total    [2]int       // of them, by class
	rejected int64
	stats    Stats

	news atomic.Bool // some run was given up, or its consumer has read again

	// What follows belongs to the loop's goroutine.

	cache    *kv.Cache
	memory   *arch.DecoderMemory
	pace     pace
	owners   owners
	running  []*sequence // those with a slot and pages, by rank
	parked   []*sequence // those that gave both up because nobody reads their tokens
	counts   Counts
	changed  bool // since the last step, in a way that may let others in
	tidied   time.Time
	toLook   chan []*sequence
	looked   chan struct{}
	one      [1]*sequence
	prompts  []*sequence // scratch of plan
	order    []*sequence // scratch of grow
	batch    []*sequence // this step's
	masks    []*sequence // those of the batch that need a mask
	choosing []*sequence // those of the batch that choose a token
	spans    []arch.Span
	chooseAt func(i int) // s.chooseOne
}

// line is where a request waits.
type line struct {
	owner    string
	reserved bool
}

// ownersPerQueue is how many owners' full queues make all queues full.
const ownersPerQueue = 4

// New returns a running scheduler.
func New(c Config) (*Scheduler, error) {
	s, err := prepare(c)
	if err == nil {
		s.run()
	}
	return s, err
}

// prepare returns a scheduler that doesn't run yet.
func prepare(c Config) (*Scheduler, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	cache, err := kv.New(kv.Config{
		PageBytes: c.Model.PageBytes(), PageTokens: kernel.PageTokens, Bytes: c.CacheBytes, KeepFor: c.KeepFor,
	})
	if err != nil {
		return nil, err
	}
	s := &Scheduler{
		cfg: c, compute: c.Compute, cache: cache,
		limit:  min(c.Model.Context(), cache.Pages()*kernel.PageTokens),
		wakeUp: make(chan struct{}, 1), ended: make(chan struct{}),
		waiting: map[line]int{}, owners: owners{},
		memory: new(arch.DecoderMemory),
		pace:   pace{most: c.BatchTokens, step: c.StepTime, perToken: -1},
		toLook: make(chan []*sequence), looked: make(chan struct{}),
	}
	if s.compute == nil {
		s.own = true
		if s.compute, err = kernel.New(kernel.Config{Threads: 1, ISA: kernel.ISAGo}); err != nil {
			return nil, err
		}
	}
	s.chooseAt = s.chooseOne
	s.snapshot()
	return s, nil
}

// run starts the goroutines, which Close ends.
func (s *Scheduler) run() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.lookLoop()
	go s.loop(ctx)
}

// Close ends all runs with ErrClosed and waits for the model to be let go of. Closing twice
// is fine.
func (s *Scheduler) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	<-s.ended
}

// Start queues a request. Its context bounds it from here to its last token: when that
// ends, the run gives up its place or its slot within a step.
func (s *Scheduler) Start(ctx context.Context, r Request) (*Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := r.validate(s.cfg.Model.Vocab()); err != nil {
		return nil, err
	}
	switch n := len(r.Prompt); {
	case n >= s.cfg.Model.Context():
		return nil, fmt.Errorf("%w: %d tokens of %d", ErrTooLong, n, s.cfg.Model.Context())
	case n >= s.limit:
		return nil, fmt.Errorf("%w: %d tokens of %d", ErrNoMemory, n, s.limit)
	}
	q := s.newSequence(r)
	q.run.cancelWith(ctx)
	if err := s.queue(q); err != nil {
		q.run.watch()
		return nil, err
	}
	s.wake()
	return q.run, nil
}

func (s *Scheduler) newSequence(r Request) *sequence {
	room := s.limit - len(r.Prompt)
	if r.MaxTokens > 0 {
		room = min(room, r.MaxTokens)
	}
	q := &sequence{
		req: r, limit: s.limit, queued: time.Now(),
		sampler: sample.New(r.Sampling, s.cfg.Model.Vocab(), s.compute),
		tokens:  append(make([]int32, 0, len(r.Prompt)+min(room, 512)), r.Prompt...),
	}
	q.sampler.Prompt(r.Prompt)
	if r.Constraint != nil {
		q.mask = make([]uint64, (s.cfg.Model.Vocab()+63)/64)
	}
	q.run = newRun(s.cfg.Buffer, func() {
		s.news.Store(true)
		s.wake()
	})
	return q
}

// queue puts a request where the loop finds it, if there is room.
func (s *Scheduler) queue(q *sequence) error {
	l, class := line{q.req.Owner, q.req.Reserved}, class(q.req.Reserved)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.waiting[l] >= s.cfg.MaxQueue || s.total[class] >= ownersPerQueue*s.cfg.MaxQueue:
		s.rejected++
		return ErrFull
	}
	s.waiting[l]++
	s.total[class]++
	s.tickets++
	q.ticket = s.tickets
	s.inbox = append(s.inbox, q)
	return nil
}

// leaveQueue notes that a request waits no longer.
func (s *Scheduler) leaveQueue(q *sequence) {
	l := line{q.req.Owner, q.req.Reserved}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total[class(q.req.Reserved)]--
	if s.waiting[l]--; s.waiting[l] == 0 {
		delete(s.waiting, l)
	}
}

// wake lets the loop look what has changed.
func (s *Scheduler) wake() {
	select {
	case s.wakeUp <- struct{}{}:
	default: // it will look anyway
	}
}
