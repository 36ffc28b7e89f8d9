package sched

import "iter"

// Run is a request on its way.
type Run struct{}

// Tokens returns the tokens as they come. They can be ranged over once; breaking out, or
// the end of the context given to Start, frees the slot within a step.
func (r *Run) Tokens() iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) { yield(Token{}, ErrClosed) }
}

// Cached returns how many tokens of the prompt came from the cache: 0 until the first
// token is there.
func (r *Run) Cached() int { return 0 }

// Result returns what became of the run. It waits until the run's slot is free, which
// is the case within a step after Tokens has ended.
func (r *Run) Result() Result { return Result{} }
