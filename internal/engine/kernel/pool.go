package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// spinFor is how long a thread polls before it parks: longer than the serial
	// gaps between the products of one token, far shorter than a scheduler's slice.
	spinFor = 40 * time.Microsecond
	// lateAfter is how long the others may have to wait for the last task before it
	// counts as a sign that a core is taken by somebody else, if it's also longer than
	// tasks of this loop usually take.
	lateAfter = time.Millisecond
	// restMin and restMax bound how long a Pool does without one helper after such a
	// sign; every further sign doubles the time.
	restMin = 20 * time.Millisecond
	restMax = 640 * time.Millisecond
)

// A Pool runs loops on several cores. The goroutine that calls Run works too, so
// that a Pool of n threads has n-1 helpers, which spin briefly between loops and
// then park.
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
	job     atomic.Pointer[job]
	wake    chan struct{} // the caller's, when it sleeps
	closed  atomic.Bool
	wg      sync.WaitGroup

	mu      sync.Mutex // held during a loop; guards what follows
	resting int        // helpers left out until restEnd
	rest    time.Duration
	restEnd time.Time
}

// helper is one goroutine of a Pool.
type helper struct {
	parked atomic.Bool
	wake   chan struct{}
	_      [40]byte // own cache line: parked is polled
}

// job is one loop. A helper that comes late holds an old job, finds no task left in
// it and does no harm.
type job struct {
	task    func(i int)
	n       int32
	helpers int // helpers with a number below this may take part
	next    atomic.Int32
	done    atomic.Int32
	end     atomic.Int32 // 0: running, 1: the caller sleeps, 2: all tasks are done
	failed  atomic.Pointer[failure]
}

// failure is what a task panicked with.
type failure struct{ value any }

// NewPool returns a Pool of the given number of threads, GOMAXPROCS if it is zero.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pool{helpers: make([]*helper, threads-1), wake: make(chan struct{}, 1)}
	for i := range p.helpers {
		p.helpers[i] = &helper{wake: make(chan struct{}, 1)}
		p.wg.Go(func() { p.help(i) })
	}
	return p
}

// Threads returns the number of threads, the caller's included.
func (p *Pool) Threads() int { return len(p.helpers) + 1 }

// Close ends the helpers and waits for them. Run still works after it, alone.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Swap(true) {
		return
	}
	for _, h := range p.helpers {
		h.unpark()
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
	if p.closed.Load() {
		for i := range n {
			task(i)
		}
		return
	}
	j := &job{task: task, n: int32(min(n, 1<<30)), helpers: min(n-1, p.fit())}
	p.job.Store(j)
	for _, h := range p.helpers[:j.helpers] {
		h.unpark()
	}
	start := time.Now()
	own := j.work(p)
	p.await(j, time.Since(start)/time.Duration(max(own, 1)))
	j.task = nil // nobody takes a task any more; don't keep alive what it refers to
	if f := j.failed.Load(); f != nil {
		panic(f.value) //nolint:forbidigo // the task's own panic, on the goroutine that can recover it
	}
}

// fit returns how many helpers may take part now.
func (p *Pool) fit() int {
	if p.resting > 0 && time.Now().After(p.restEnd) {
		p.resting--
		p.restEnd = time.Now().Add(p.rest)
	}
	return len(p.helpers) - p.resting
}

// await waits for the tasks that helpers still hold. usual is what a task takes.
func (p *Pool) await(j *job, usual time.Duration) {
	if j.done.Load() == j.n {
		return
	}
	start := time.Now()
	for spin := 1; j.done.Load() != j.n; spin++ {
		if spin%64 == 0 && time.Since(start) > spinFor {
			if j.end.CompareAndSwap(0, 1) {
				<-p.wake
			}
			break
		}
		pause()
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

// work takes tasks until none is left, and returns how many it took.
func (j *job) work(p *Pool) int {
	n := 0
	for i := j.next.Add(1) - 1; i < j.n; i = j.next.Add(1) - 1 {
		j.run(p, int(i))
		n++
	}
	return n
}

// run does one task and counts it, whatever becomes of it.
func (j *job) run(p *Pool, i int) {
	defer func() {
		if v := recover(); v != nil {
			j.failed.CompareAndSwap(nil, &failure{v})
		}
		if j.done.Add(1) == j.n && j.end.Swap(2) == 1 {
			p.wake <- struct{}{}
		}
	}()
	j.task(i)
}

// help is the life of helper number id.
func (p *Pool) help(id int) {
	h := p.helpers[id]
	var last *job
	start := time.Now()
	for spin := 1; ; spin++ {
		if j := p.job.Load(); j != last {
			last = j
			if id < j.helpers {
				j.work(p)
				start, spin = time.Now(), 1
			}
			continue
		}
		if p.closed.Load() {
			return
		}
		if spin%64 == 0 && time.Since(start) > spinFor {
			h.park(p, last)
			start, spin = time.Now(), 1
			continue
		}
		pause()
	}
}

// park sleeps until unpark, unless there is something to do already.
func (h *helper) park(p *Pool, last *job) {
	h.parked.Store(true)
	if (p.job.Load() != last || p.closed.Load()) && h.parked.CompareAndSwap(true, false) {
		return // nobody has sent a wake-up, and nobody will
	}
	<-h.wake
}

// unpark wakes the helper if it sleeps.
func (h *helper) unpark() {
	if h.parked.CompareAndSwap(true, false) {
		h.wake <- struct{}{}
	}
}
