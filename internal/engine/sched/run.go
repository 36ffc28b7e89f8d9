package sched

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
)

// errGivenUp is the cause of runs whose consumer broke out of the loop.
var errGivenUp = errors.New("the consumer has enough")

// Run is a request on its way. Its tokens wait in a bounded buffer: who doesn't take them
// only delays that run.
type Run struct {
	wake     func() // the scheduler
	watch    func() bool
	tokens   chan Token
	canceled chan struct{}
	done     chan struct{} // closed when the scheduler has let go of the run
	ranged   atomic.Bool
	stalled  atomic.Bool // the scheduler waits for room in tokens
	cached   atomic.Int64

	mu    sync.Mutex
	cause error // of its cancellation

	result Result // good once done is closed
	err    error  // once tokens or done is closed
}

func newRun(buffer int, wake func()) *Run {
	return &Run{
		wake: wake, tokens: make(chan Token, buffer),
		canceled: make(chan struct{}), done: make(chan struct{}),
	}
}

// Tokens returns the tokens as they come. They can be ranged over once; breaking out, or
// the end of the context given to Start, frees the slot within a step. The last pair holds
// the error if there is one, and no token.
func (r *Run) Tokens() iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		if r.ranged.Swap(true) {
			yield(Token{}, errors.New("the tokens of a run were ranged over twice"))
			return
		}
		defer r.cancel(errGivenUp)
		for {
			t, ok, err := r.next()
			if err != nil {
				yield(Token{}, err)
				return
			}
			if !ok || !yield(t, nil) {
				return
			}
		}
	}
}

// next waits for a token. ok is false after the last.
func (r *Run) next() (t Token, ok bool, err error) {
	select {
	case t, ok = <-r.tokens:
		if !ok {
			return t, false, r.err
		}
		if r.stalled.Load() && r.stalled.Swap(false) {
			r.wake()
		}
		return t, true, nil
	case <-r.canceled:
		return t, false, r.canceledBy()
	}
}

// Cached returns how many tokens of the prompt came from the cache. It is known before the
// first token is yielded.
func (r *Run) Cached() int { return int(r.cached.Load()) }

// Result returns what became of the run. It waits until the run's slot and pages are free,
// which they are within a step after Tokens has ended.
func (r *Run) Result() Result {
	<-r.done
	return r.result
}

// cancelWith gives the run up when ctx ends.
func (r *Run) cancelWith(ctx context.Context) {
	r.watch = context.AfterFunc(ctx, func() { r.cancel(context.Cause(ctx)) })
}

// cancel gives the run up. The first cause counts, and none after the run has ended.
func (r *Run) cancel(cause error) {
	r.mu.Lock()
	first := r.cause == nil
	if first {
		r.cause = cause
		close(r.canceled)
	}
	r.mu.Unlock()
	if first {
		r.wake()
	}
}

// canceledBy returns the cause, nil if the run isn't given up.
func (r *Run) canceledBy() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cause
}

// full reports whether another token has no room. The consumer wakes the scheduler when it
// has made some.
func (r *Run) full() bool {
	if len(r.tokens) < cap(r.tokens) {
		return false
	}
	r.stalled.Store(true)
	if len(r.tokens) < cap(r.tokens) { // it may just have looked
		r.stalled.Store(false)
		return false
	}
	return true
}

// end lets the consumer know that there is nothing more.
func (r *Run) end(result Result, err error) {
	r.watch()
	r.result, r.err = result, err
	close(r.tokens)
	close(r.done)
}
