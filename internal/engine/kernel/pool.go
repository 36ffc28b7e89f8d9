package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// spinFor is how long a thread polls at full speed, longer than the serial gaps
	// between the products of one token. After it a helper polls on, letting other
	// goroutines go first, until parkAfter: about what lies between two tokens. Both
	// are far shorter than a scheduler's slice.
	spinFor   = 40 * time.Microsecond
	parkAfter = 200 * time.Microsecond
	// lateAfter is how long the others may have to wait for the last task before it
	// counts as a sign that a core is taken by somebody else, if it's also longer than
	// tasks of this loop usually take.
	lateAfter = time.Millisecond
	// restMin and restMax bound how long a Pool does without one helper after such a
	// sign; every further sign doubles the time.
	restMin = 20 * time.Millisecond
	restMax = 640 * time.Millisecond
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

	mu      sync.Mutex // held during a loop; guards what follows
	closed  bool
	resting int // helpers left out until restEnd
	rest    time.Duration
	restEnd time.Time
}

// NewPool returns a Pool of the given number of threads, GOMAXPROCS if it is zero.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pool{helpers: make([]*helper, threads-1), wake: make(chan struct{}, 1)}
	for i := range p.helpers {
		h := &helper{wake: make(chan struct{}, 1)}
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
	threads := min(n, p.fit())
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
	start := time.Now()
	own := shares[0].work(p)
	if need := n - own; sum(shares) != need {
		p.await(shares, need, time.Since(start)/time.Duration(own))
	}
	for i := range shares {
		if f := shares[i].failed.Load(); f != nil {
			panic(f.value) //nolint:forbidigo // the task's own panic, on the goroutine that can recover it
		}
	}
}

// fit returns how many threads may take part now.
func (p *Pool) fit() int {
	if p.closed {
		return 1
	}
	if p.resting > 0 && time.Now().After(p.restEnd) {
		p.resting--
		p.restEnd = time.Now().Add(p.rest)
	}
	return p.Threads() - p.resting
}

// await waits until helpers have done as many tasks as needed. usual is how long a
// task takes.
func (p *Pool) await(shares []share, need int, usual time.Duration) {
	start := time.Now()
	for spin := 1; sum(shares) != need; spin++ {
		pause()
		if spin%64 == 0 && time.Since(start) > spinFor {
			p.sleep(shares, need)
		}
	}
	late := time.Since(start)
	if late < lateAfter || late < 3*usual {
		return
	}
	now := time.Now()
	if now.After(p.restEnd.Add(4 * restMax)) {
		p.rest = 0
	}
	p.rest = min(max(2*p.rest, restMin), restMax)
	p.restEnd = now.Add(p.rest)
	p.resting = min(p.resting+1, len(p.helpers))
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
