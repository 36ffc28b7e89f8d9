package sched

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/kv"
	"github.com/outcrop-ai/outcrop/internal/engine/sample"
)

// sequence is a request as the scheduler sees it. It belongs to the scheduler's goroutine.
type sequence struct {
	run    *Run
	req    Request
	owner  *owner
	ticket int64 // its place among all requests

	tokens   []int32 // of the prompt, and those that were chosen
	computed int     // how many of them the pages hold
	reached  int     // the most it ever was
	limit    int     // of all tokens: where the context or the memory ends
	sampler  *sample.Sampler
	pages    *kv.Sequence // nil while it has no slot

	chunk  int       // tokens to read in this step
	logits []float32 // this step's, if it chooses a token
	choice Token     // made from them
	err    error     // why it couldn't be

	mask []uint64 // of the constraint, for the next choice

	queued       time.Time
	admitted     time.Time // the first time
	stalledSince time.Time // zero: it isn't
	result       Result
}

// pending returns how many tokens must be read before the next can be chosen.
func (q *sequence) pending() int { return len(q.tokens) - q.computed }

// chooses reports whether this step leads to a token.
func (q *sequence) chooses() bool { return q.chunk > 0 && q.chunk == q.pending() }

// generated returns how many tokens were chosen.
func (q *sequence) generated() int { return len(q.tokens) - len(q.req.Prompt) }

// rank orders sequences: what comes first keeps its pages when there are too few.
func rank(a, b *sequence) int {
	if a.req.Reserved != b.req.Reserved {
		if a.req.Reserved {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.ticket, b.ticket)
}

// match takes pages that are known to hold the sequence's next tokens. The last token is
// always read: its logits are needed.
func (q *sequence) match() {
	matched := q.pages.Match(q.tokens[:len(q.tokens)-1])
	if matched <= q.computed {
		return
	}
	// What it has computed itself before it lost its pages doesn't count.
	q.result.Cached += max(0, matched-max(q.computed, q.reached))
	q.computed = matched
	q.reached = max(q.reached, matched)
	q.run.cached.Store(int64(q.result.Cached))
}

// read says that the pages hold this step's tokens.
func (q *sequence) read() {
	q.computed += q.chunk
	q.reached = max(q.reached, q.computed)
	q.pages.Commit(q.tokens[:q.computed])
}

// stored returns how many tokens before the last cache point the sequence itself has put
// into the cache.
func (q *sequence) stored() int {
	point := 0
	for _, p := range q.req.CachePoints {
		point = max(point, min(p.Tokens, len(q.req.Prompt)))
	}
	point = min(point, q.reached)
	return max(0, point-point%kernel.PageTokens-q.result.Cached)
}

// stall notes whether the sequence's consumer leaves no room for a token, and since when.
func (q *sequence) stall(now time.Time) bool {
	switch {
	case !q.run.full():
		q.stalledSince = time.Time{}
	case q.stalledSince.IsZero():
		q.stalledSince = now
	}
	return q.stalled()
}

func (q *sequence) stalled() bool { return !q.stalledSince.IsZero() }

// look computes the constraint's mask for the next choice.
func (q *sequence) look() {
	clear(q.mask)
	q.err = guard("the constraint", func() error { return q.req.Constraint.Mask(q.mask) })
}

// choose makes the choice from the logits.
func (q *sequence) choose() {
	if q.err != nil {
		return
	}
	id, err := q.sampler.Sample(q.logits, q.mask)
	if err != nil {
		q.err = err
		return
	}
	q.choice = Token{ID: id}
	if q.req.Logprobs || q.req.TopLogprobs > 0 {
		q.choice.Logprob, q.choice.Top = q.sampler.Logprobs(q.logits, id, q.req.TopLogprobs)
	}
}

// rescue makes a panic of choose the sequence's error.
func (q *sequence) rescue() {
	if v := recover(); v != nil {
		q.err = panicked("sampling", v)
	}
}

// accept takes the choice, and returns why it is the last. The token is not yielded if it
// ends the text.
func (q *sequence) accept() (Finish, error) {
	id := q.choice.ID
	if slices.Contains(q.req.Ends, id) {
		return End, nil
	}
	done := false
	if q.req.Constraint != nil {
		err := guard("the constraint", func() (err error) {
			err = q.req.Constraint.Accept(id)
			done = err == nil && q.req.Constraint.Done()
			return err
		})
		if err != nil {
			return Unfinished, err
		}
	}
	q.sampler.Accept(id)
	q.tokens = append(q.tokens, id)
	q.run.tokens <- q.choice // there is room: see plan
	switch {
	case done:
		return Constrained, nil
	case q.req.MaxTokens > 0 && q.generated() >= q.req.MaxTokens:
		return Length, nil
	case len(q.tokens) >= q.limit:
		return ContextFull, nil
	}
	return Unfinished, nil
}

// PanicError is a panic of the model, a constraint or the sampler. The runs concerned fail
// with it.
type PanicError struct {
	Where string
	Value string
	Stack []byte
}

// Error says what happened, without the stack.
func (e *PanicError) Error() string { return e.Where + " panicked: " + e.Value }

// guard turns a panic of f into an error.
func guard(where string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked(where, v)
		}
	}()
	return f()
}

func panicked(where string, value any) error {
	return &PanicError{Where: where, Value: fmt.Sprint(value), Stack: debug.Stack()}
}
