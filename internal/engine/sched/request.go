package sched

import (
	"errors"
	"fmt"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/sample"
)

// What Start and a run can fail with, besides the causes of its context, the model's and
// the constraint's errors.
var (
	ErrFull     = errors.New("too many requests wait")
	ErrTooLong  = errors.New("the prompt leaves no room in the model's context")
	ErrNoMemory = errors.New("the prompt does not fit the memory for keys and values")
	ErrStalled  = errors.New("nobody read the tokens")
	ErrClosed   = errors.New("the model was closed")
)

// Request asks for a continuation of a prompt.
type Request struct {
	Prompt    []int32 // not to be changed before the run has ended
	MaxTokens int     // 0: as many as the context has room for
	Sampling  sample.Params
	Ends      []int32 // tokens that end the text; they are not yielded

	Constraint Constraint // nil: none

	Logprobs    bool // fill in Token.Logprob
	TopLogprobs int  // how many of the most likely tokens to report with each; implies Logprobs

	// Owner is whose request this is. Owners share the model evenly, and see nothing of
	// each other's prompts, by time neither.
	Owner string
	// Reserved requests may use the reserved slots.
	Reserved bool
	// CachePoints mark parts of the prompt as worth keeping. Pages before the last are
	// dropped after all others, and only once their time is up or memory is needed.
	CachePoints []CachePoint
}

// CachePoint marks the first Tokens tokens of a prompt.
type CachePoint struct {
	Tokens int
	For    time.Duration // since the last use; 0: 5 minutes
}

// Constraint says which tokens may follow. It is used by one goroutine at a time.
type Constraint interface {
	// Mask sets bit id%64 of bits[id/64] for each token that may follow now. All bits
	// are clear before.
	Mask(bits []uint64) error
	// Accept takes a token that was chosen. Tokens that end the text don't come here.
	Accept(id int32) error
	// Done reports whether nothing may follow.
	Done() bool
}

// Token is one token of a text.
type Token struct {
	ID      int32
	Logprob float32            // of the unmodified distribution, if it was asked for
	Top     []sample.Candidate // the most likely, in order
}

// Finish is why a text ended.
type Finish uint8

// The reasons.
const (
	Unfinished  Finish = iota // it failed, or was given up
	End                       // the model said so, by one of Ends
	Length                    // MaxTokens
	ContextFull               // no room for another token
	Constrained               // the constraint is Done
)

// String names the reason.
func (f Finish) String() string {
	names := [...]string{"unfinished", "end", "length", "context full", "constraint"}
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("finish %d", uint8(f))
}

// Result is what became of a run.
type Result struct {
	Finish    Finish
	Prompt    int // tokens of the prompt
	Cached    int // of these, how many were read from the cache
	Stored    int // of those before the last cache point, how many this run put into the cache
	Generated int // tokens chosen, the one that ended the text not counted
	Queued    time.Duration
	Prefill   time.Duration // from the queue's end to the first token
}

// maxTop bounds Request.TopLogprobs; OpenAI's bound is 20.
const maxTop = 128

// validate checks a request against the model's vocabulary.
func (r *Request) validate(vocab int) error {
	switch {
	case len(r.Prompt) == 0:
		return errors.New("the prompt has no tokens")
	case r.MaxTokens < 0:
		return fmt.Errorf("max tokens %d is negative", r.MaxTokens)
	case r.TopLogprobs < 0 || r.TopLogprobs > maxTop:
		return fmt.Errorf("top logprobs %d is not between 0 and %d", r.TopLogprobs, maxTop)
	}
	for _, id := range r.Prompt {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("token %d of the prompt is not in the vocabulary of %d", id, vocab)
		}
	}
	for _, p := range r.CachePoints {
		if p.Tokens < 0 || p.For < 0 {
			return fmt.Errorf("a cache point at %d tokens for %v", p.Tokens, p.For)
		}
	}
	return r.Sampling.Validate()
}
