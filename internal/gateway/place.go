package gateway

import (
	"context"
	"iter"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// ChatFunc answers one conversation on the way through the gateway. Its sequence
// keeps the rules of llm.ChatModel.
type ChatFunc func(ctx context.Context, inv *Invocation, req *llm.ChatRequest) iter.Seq2[llm.Event, error]

// Stage is a decorator with a place on the path. It may refuse the call (yield a
// *fault.Error first), change the request on its way in, answer by itself, and
// look at or change the events on their way out.
//
// It must not change the request it is given: it copies it, and sets Raw to nil in
// the copy when it changes anything else of it. Likewise it changes an event only
// where it drops the RawEvents that stand for it. A stage that answers by itself
// calls Invocation.Serve before its first event. It stops what it started when its
// consumer stops, and is safe for concurrent use.
type Stage func(next ChatFunc) ChatFunc

// Quota limits calls.
type Quota interface {
	// Admit reserves room for a call that will use about so many tokens, input and
	// the most it may answer together, or refuses it with a Throttled fault. After
	// a nil error settle is called exactly once, when the call has ended, with what
	// it used. Admit comes after authorisation and before everything that costs.
	Admit(ctx context.Context, inv *Invocation, tokens int) (settle func(llm.Usage), err error)
}
