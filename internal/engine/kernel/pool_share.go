package kernel

import "sync/atomic"

// A share is a thread's part of a loop: of n threads every nth task. It has a cache
// line of its own, and what a helper needs to begin is all in it: where two cores
// meet, nothing costs but the lines that go from one to the other.
//
// Shares are new for every loop. A helper that comes late holds an old one, finds no
// task left in it nor in the others of its loop, and does no harm.
type share struct {
	task   func(i int) // nil: the Pool is closed
	all    []share     // of the loop
	id     int32       // its number in all; 0 is the caller's
	left   atomic.Uint32
	done   atomic.Int32 // tasks that its thread has done, others' included; helpers only
	failed atomic.Pointer[failure]
	_      [4]byte
}

// failure is what a task panicked with.
type failure struct{ value any }

// newShares divides n tasks between threads. The caller has its first task already.
func newShares(n, threads int, task func(i int)) []share {
	shares := make([]share, threads)
	first := uint32(taken)
	for i := range shares {
		s := &shares[i]
		s.task, s.all, s.id = task, shares, int32(i)
		s.left.Store(first + uint32((n-i+threads-1)/threads)) //nolint:gosec // at most maxShare
		first = 0
	}
	return shares
}

// sum returns how many tasks helpers have done.
func sum(shares []share) int {
	n := 0
	for i := 1; i < len(shares); i++ {
		n += int(shares[i].done.Load())
	}
	return n
}

// taken in share.left's upper half counts tasks taken at the front. The lower half is
// the end of those left.
const taken = 1 << 16

// take takes the first task that is left.
func (s *share) take() (i int, ok bool) {
	for {
		left := s.left.Load()
		first, end := left/taken, left%taken
		if first == end {
			return 0, false
		}
		if s.left.CompareAndSwap(left, left+taken) {
			return int(first)*len(s.all) + int(s.id), true
		}
	}
}

// steal takes the last task that is left.
func (s *share) steal() (i int, ok bool) {
	for {
		left := s.left.Load()
		first, end := left/taken, left%taken
		if first == end {
			return 0, false
		}
		if s.left.CompareAndSwap(left, left-1) {
			return int(end-1)*len(s.all) + int(s.id), true
		}
	}
}

// work does tasks until none is left in the loop, and returns how many.
func (s *share) work(p *Pool) int {
	w := worker{share: s, pool: p}
	for !w.work() {
	}
	return w.done
}

// worker is a thread at work on a loop.
type worker struct {
	*share
	pool *Pool
	at   int // whose share it takes from: 0 its own, 1 that of the next thread, …
	done int // tasks
}

// work does tasks until none is left. It returns false if one panicked: others may
// be left then.
func (w *worker) work() (finished bool) {
	defer func() {
		if finished {
			return
		}
		w.done++
		if v := recover(); v != nil {
			w.failed.CompareAndSwap(nil, &failure{v})
		} else {
			w.report() // the task ends its goroutine: nothing more comes from here
		}
	}()
	if w.id == 0 && w.done == 0 {
		w.task(0)
		w.done++
	}
	for i, ok := w.next(); ok; i, ok = w.next() {
		w.task(i)
		w.done++
	}
	return true
}

// next takes a task: of the worker's own share while there are some, then of others'.
func (w *worker) next() (i int, ok bool) {
	if w.at == 0 {
		if i, ok = w.take(); ok {
			return i, true
		}
		w.report()
		w.at = 1
	}
	for ; w.at < len(w.all); w.at++ {
		if i, ok = w.all[(int(w.id)+w.at)%len(w.all)].steal(); ok {
			return i, true
		}
		w.report()
	}
	return 0, false
}

// report tells the caller how much a helper has done.
func (w *worker) report() {
	if w.id == 0 || w.share.done.Load() == int32(w.done) { //nolint:gosec // at most maxShare for each thread
		return
	}
	w.share.done.Store(int32(w.done)) //nolint:gosec // as above
	w.pool.rouse()
}
