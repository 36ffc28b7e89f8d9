package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// spinFor is how long a thread polls before it parks: longer than the serial gaps
	// between the products of one token, and not much longer. Where the system has put two
	// threads on one core, one of them polls while the other has something to do.
	spinFor = 40 * time.Microsecond
	// maxShare is the most tasks that a share can hold.
	maxShare = 1 << 15
)

// A Pool runs loops on several cores. The goroutine that calls Run works too, so
// that a Pool of n threads has n-1 helpers, which spin briefly between loops and
// then park.
//
// Each thread has a share of a loop's tasks, of n threads every nth one, and always
// the same thread the same share: what it left in its core's caches is of use again,
// and threads don't get into each other's way. Who is done with his share takes from
// the end of others'.
//
// A loop is over when its last task is, not when every helper has reported: a
// helper whose core is busy is never waited for unless it holds a task. One that
// does hold a task for too long costs the Pool a helper for a while, so that an
// engine beside another busy process slows down in proportion and not by the
// length of a scheduler's slice per loop.
//
// A Pool may be used from many goroutines: a Run that finds it taken does its loop
// on its own goroutine, and so does one inside a task. It must be closed.
type Pool struct {
	helpers []*helper
	asleep  atomic.Bool   // whether the caller waits for wake
	wake    chan struct{} // sent to after asleep was set back
	wg      sync.WaitGroup

	mu     sync.Mutex // held during a loop; guards what follows
	closed bool
	crowd  crowd
	epoch  time.Time // what times are counted from
}

// NewPool returns a Pool of the given number of threads, GOMAXPROCS if it is zero.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pool{helpers: make([]*helper, threads-1), wake: make(chan struct{}, 1), epoch: time.Now()}
	for i := range p.helpers {
		h := &helper{wake: make(chan struct{}, 1), epoch: p.epoch}
		p.helpers[i] = h
		p.wg.Go(func() { p.help(h) })
	}
	return p
}

// Threads returns the number of threads, the caller's included.
func (p *Pool) Threads() int { return len(p.helpers) + 1 }

// Close ends the helpers and waits for them. Run still works after it, alone.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	for _, h := range p.helpers {
		h.give(new(share))
	}
	p.wg.Wait()
}

// Run calls task(0) … task(n-1), each once, in any order and on any thread, and
// returns when all have returned. If tasks panic, Run panics with the value of one.
func (p *Pool) Run(n int, task func(i int)) {
	if n < 2 || len(p.helpers) == 0 || !p.mu.TryLock() {
		for i := range n {
			task(i)
		}
		return
	}
	defer p.mu.Unlock()
	most := maxShare * p.Threads()
	for ; n > most; n -= most {
		first := n - most
		p.loop(most, func(i int) { task(first + i) })
	}
	p.loop(n, task)
}

// loop is Run while the Pool is taken, for at most maxShare tasks per thread.
func (p *Pool) loop(n int, task func(i int)) {
	start := time.Since(p.epoch)
	threads := 1
	if !p.closed {
		threads = min(n, 1+p.crowd.fit(len(p.helpers), start))
	}
	if threads < 2 {
		for i := range n {
			task(i)
		}
		return
	}
	shares := newShares(n, threads, task)
	for i, h := range p.helpers[:threads-1] {
		h.give(&shares[i+1])
	}
	own := shares[0].work(p)
	if need := n - own; sum(shares) != need {
		p.await(shares, need, start)
	} else if p.held(threads-1, need, start) {
		// It's the caller's own core that is taken. Whoever sleeps wakes up on a free one,
		// such as that of the helper, which will have parked.
		time.Sleep(5 * spinFor)
	}
	for i := range shares {
		if f := shares[i].failed.Load(); f != nil {
			panic(f.value) //nolint:forbidigo // the task's own panic, on the goroutine that can recover it
		}
	}
}

// await waits until helpers have done as many tasks as needed in the loop that began at
// start.
func (p *Pool) await(shares []share, need int, start time.Duration) {
	var since time.Duration
	for spin := 1; sum(shares) != need; spin++ {
		pause()
		switch {
		case spin%64 != 0:
		case since == 0:
			since = time.Since(p.epoch)
		case time.Since(p.epoch)-since > spinFor:
			p.sleep(shares, need)
		}
	}
	if since > 0 {
		p.late(since, (since-start)/time.Duration(len(shares[0].all)))
	}
}

// held reports whether another helper rests because the caller was held up in the loop
// that began at start, of which the first n helpers have done so many tasks: they have
// had nothing to do since, or got no chance to do anything.
func (p *Pool) held(n, done int, start time.Duration) bool {
	if done == 0 {
		return p.late(start, 0)
	}
	var first time.Duration
	for _, h := range p.helpers[:n] {
		if since := time.Duration(h.idle.Load()); since > start && (first == 0 || since < first) {
			first = since
		}
	}
	return first > 0 && p.late(first, (first-start)/time.Duration(done))
}

// late is called when threads have waited for a late one since a time. usual is how long
// a task takes. It reports whether a helper is left out from now on.
func (p *Pool) late(since, usual time.Duration) bool {
	now := time.Since(p.epoch)
	waited := now - since
	return waited >= lateAfter && waited >= 3*usual && p.crowd.late(waited, len(p.helpers), now)
}

// sleep returns when a helper has done something, unless all is done.
func (p *Pool) sleep(shares []share, need int) {
	p.asleep.Store(true)
	if sum(shares) == need && p.asleep.CompareAndSwap(true, false) {
		return // nobody has sent a wake-up, and nobody will
	}
	<-p.wake
}

// rouse wakes the caller if it sleeps.
func (p *Pool) rouse() {
	if p.asleep.Load() && p.asleep.CompareAndSwap(true, false) {
		p.wake <- struct{}{}
	}
}

// help is the life of a helper.
func (p *Pool) help(h *helper) {
	var s *share
	for {
		s = h.next(s)
		if s.task == nil {
			return
		}
		s.work(p)
	}
}
