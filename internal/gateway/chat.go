package gateway

import (
	"context"
	"iter"
	"time"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Chat answers a conversation. It is an llm.ChatModel whose requests name models as
// callers do; the events, and what they say of usage, latency and who served, are
// those that the caller is to see. Faults are *fault.Error.
func (g *Gateway) Chat(ctx context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		inv := g.begin(ctx, req.Model)
		defer inv.end()
		inv.stream, inv.metadata = req.Stream, req.Metadata

		ctx, cancel := g.deadline(ctx)
		defer cancel()
		if err := inv.openChat(ctx, req); err != nil {
			yield(nil, inv.fail(ctx, err))
			return
		}
		o := observer{inv: inv, req: req}
		o.run(ctx, g.chat(ctx, inv, req), yield)
	}
}

// openChat takes a call as far as its quota.
func (inv *Invocation) openChat(ctx context.Context, req *llm.ChatRequest) error {
	if err := inv.resolve(); err != nil {
		return err
	}
	if err := inv.g.checkChat(inv.Model.Model, req); err != nil {
		return err
	}
	if err := llm.Validate(req); err != nil {
		return err
	}
	if err := inv.authorise(ctx, chatActions(inv.Call.Operation, req.Stream), req.Guardrail); err != nil {
		return err
	}
	return inv.admit(ctx, func() int { return estimate.Request(req) + req.Inference.MaxTokens })
}

// observer stands between the path and the caller: it completes the events and
// learns from them what the record has to say.
type observer struct {
	inv *Invocation
	req *llm.ChatRequest

	said     int  // bytes answered so far
	stopped  bool // MessageStop has passed
	finished bool // Metadata has passed
}

// run passes a stream on to the caller.
func (o *observer) run(ctx context.Context, stream iter.Seq2[llm.Event, error], yield func(llm.Event, error) bool) {
	for e, err := range stream {
		if err == nil {
			err = o.revalidate()
		}
		if err != nil {
			o.cut(ctx)
			yield(nil, o.inv.fail(ctx, err))
			return
		}
		o.see(e)
		o.inv.yielded = true
		if !yield(e, nil) {
			o.left(ctx)
			return
		}
	}
	if o.stopped && !o.finished { // the upstream has nothing to say about usage
		m := &llm.Metadata{}
		o.see(m)
		yield(m, nil)
	}
	if !o.stopped {
		o.cut(ctx)
		yield(nil, o.inv.fail(ctx, truncated()))
	}
}

// revalidate reports that the caller's credential has gone bad meanwhile.
func (o *observer) revalidate() error {
	if check := o.inv.Call.Revalidate; check != nil && o.inv.yielded {
		return check()
	}
	return nil
}

// see completes an event and takes note of it.
func (o *observer) see(e llm.Event) {
	inv := o.inv
	switch e := e.(type) {
	case *llm.MessageStart:
		if e.Usage != nil {
			inv.usage = *e.Usage
		}
		e.Served = inv.served
	case *llm.BlockDelta:
		if inv.firstToken == 0 {
			inv.firstToken = max(time.Since(inv.Start), 1)
		}
		o.said += len(e.Text) + len(e.ToolInput) + len(e.Reasoning)
	case *llm.MessageStop:
		o.stopped = true
	case *llm.Metadata:
		o.finished, inv.complete = true, true
		inv.usage = o.fill(e.Usage)
		e.Usage = inv.usage
		e.Latency = time.Since(inv.Start)
	case *llm.BlockStart, *llm.BlockStop, *llm.RawEvent:
	}
}

// fill estimates what a usage does not report.
func (o *observer) fill(u llm.Usage) llm.Usage {
	for _, n := range []*int{&u.InputTokens, &u.OutputTokens, &u.CacheReadTokens, &u.CacheWriteTokens} {
		*n = max(*n, 0)
	}
	if u.InputTokens+u.CacheReadTokens+u.CacheWriteTokens == 0 {
		u.InputTokens, u.Estimated = estimate.Request(o.req), true
	}
	if said := estimate.Bytes(o.said); u.OutputTokens == 0 && said > 0 {
		u.OutputTokens, u.Estimated = said, true
	}
	return u
}

// cut settles the usage of an answer that did not reach its end. An upstream that
// refused used nothing; one that was broken off while it read has read the request.
func (o *observer) cut(ctx context.Context) {
	if o.finished || (!o.inv.yielded && (o.inv.attempts == 0 || ctx.Err() == nil)) {
		return
	}
	u := o.inv.usage
	u.OutputTokens = max(u.OutputTokens, estimate.Bytes(o.said))
	u.Estimated = true
	o.inv.usage = o.fill(u)
}

// left notes that the caller broke the loop. One that has seen the end of the
// answer has all of it.
func (o *observer) left(ctx context.Context) {
	o.cut(ctx)
	if o.stopped {
		o.inv.complete = true
		return
	}
	o.inv.err = fault.Errorf(fault.Canceled, "The caller left before the model had answered.")
}

func truncated() error {
	return fault.Wrap(fault.ModelError, llm.ErrTruncated, "The model's stream ended before its end.")
}
