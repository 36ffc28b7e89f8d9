package gateway

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// route is the innermost ChatFunc: it tries the model's targets until one answers.
func (g *Gateway) route(ctx context.Context, inv *Invocation, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		targets := inv.routes.targets(inv.Model, false)
		if len(targets) == 0 {
			yield(nil, inv.nobody(false))
			return
		}
		err := inv.each(ctx, targets, func(t *target) (bool, error) {
			a := attempt{inv: inv, target: t}
			return a.chat(ctx, req, yield)
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// each calls try with one target after the other until one settles the call or
// fails in a way that no other would better. Targets that were failing come after
// all others. The error is what the caller is told, nil when there is nothing left
// to say.
func (inv *Invocation) each(ctx context.Context, targets []*target, try func(t *target) (settled bool, err error)) error {
	var failures []failure
	var skipped []*target
	attempt := func(t *target) (bool, error) {
		inv.attempts++
		inv.serve(t.served, t.header)
		settled, err := try(t)
		if settled || err == nil {
			return true, err
		}
		f := toFault(ctx, err)
		inv.learn(ctx, t, f)
		if !elsewhere(f.Kind) || ctx.Err() != nil {
			return true, f
		}
		failures = append(failures, failure{t, f})
		return false, nil
	}
	for _, t := range targets {
		if len(targets) > 1 && !t.breaker.allow(time.Now()) {
			skipped = append(skipped, t)
			continue
		}
		if settled, err := attempt(t); settled {
			return err
		}
	}
	for _, t := range skipped {
		if settled, err := attempt(t); settled {
			return err
		}
	}
	chosen := best(failures)
	inv.serve(chosen.target.served, chosen.target.header)
	return chosen.fault
}

// learn tells a target's breaker about a fault, and the log where it opens.
func (inv *Invocation) learn(ctx context.Context, t *target, f *fault.Error) {
	g := inv.g
	if !blames(f) {
		t.breaker.unknown()
		return
	}
	if wait := t.breaker.failed(time.Now(), f); wait > 0 {
		g.logger.WarnContext(ctx, "target fails: others come first", "target", t.String(), "for", wait, "kind", f.Kind.String(), "error", f.Error())
		return
	}
	g.logger.DebugContext(ctx, "target failed", "target", t.String(), "kind", f.Kind.String(), "error", f.Error())
}

// worked tells a target's breaker that it answers.
func (inv *Invocation) worked(ctx context.Context, t *target) {
	if t.breaker.succeeded() {
		inv.g.logger.InfoContext(ctx, "target answers again", "target", t.String())
	}
}

// nobody is the fault of a model that no target answers for.
func (inv *Invocation) nobody(embed bool) error {
	id := inv.Model.Model.ID
	if embed && inv.routes.stands {
		return &fault.Error{
			Kind: fault.NotImplemented, Resource: id,
			Message: fmt.Sprintf("No embedding model of Outcrop's own stands in here, and no backend is configured for %s: add a line such as `%s: [backend/model]` under models.", id, id),
		}
	}
	where := ""
	if named := inv.routes.byID[id]; len(named) > 0 {
		where = fmt.Sprintf(" Its backend %s does not serve %s.", named[0].Target.Backend, inv.Call.Region)
	}
	return &fault.Error{
		Kind: fault.Denied, Resource: id,
		Message: fmt.Sprintf("You don't have access to the model with the specified model ID.%s No backend is configured for %s: add a line such as `%s: [backend/model]` under models, or set stand_ins to true.", where, id, id),
	}
}

// attempt is one target's try at a conversation. What comes before the first token
// is kept back: until then another target can take over, and a failure is still an
// error response, which clients know how to retry, rather than a broken stream.
type attempt struct {
	inv    *Invocation
	target *target

	cancel  context.CancelCauseFunc
	first   *time.Timer // until the answer begins; nil without a limit
	idle    *time.Timer // between events after that; likewise
	held    []llm.Event
	begun   bool // the answer has begun: no other target can take over
	stopped bool // MessageStop has passed
	whole   bool // Metadata has passed: nothing more is to come
}

// maxHeld bounds the events that are kept back before the first token: a start and
// what the provider sent for it, then pings.
const maxHeld = 64

// chat lets the target answer. settled: the caller has seen something, and err is
// what it sees last.
func (a *attempt) chat(outer context.Context, req *llm.ChatRequest, yield func(llm.Event, error) bool) (settled bool, err error) {
	ctx, cancel := context.WithCancelCause(outer)
	a.cancel = cancel
	defer cancel(nil)
	t := a.target
	if t.Timeout > 0 {
		whole := time.AfterFunc(t.Timeout, func() { cancel(&slowError{"complete its answer", t.Timeout}) })
		defer whole.Stop()
	}
	a.first = a.timer("begin to answer", t.FirstToken)
	defer a.disarm()

	for e, err := range t.Chat.Chat(ctx, t.request(req)) {
		if err != nil && a.whole {
			break // a connection that closes badly takes nothing from the answer
		}
		if err != nil {
			return a.broke(outer, ctx, err)
		}
		if !a.pass(ctx, e, yield) {
			return true, nil
		}
	}
	if !a.stopped {
		return a.broke(outer, ctx, truncated())
	}
	return true, nil
}

// pass hands an event on, or keeps it. It returns false when the caller left.
func (a *attempt) pass(ctx context.Context, e llm.Event, yield func(llm.Event, error) bool) bool {
	switch e := e.(type) {
	case *llm.MessageStart:
		a.named(e.Served.Model)
	case *llm.MessageStop:
		a.stopped = true
	case *llm.Metadata:
		a.whole = true
	}
	if !a.begun {
		if !opens(e) && len(a.held) < maxHeld {
			a.held = append(a.held, e)
			return true
		}
		a.begun = true
		a.inv.worked(ctx, a.target)
	}
	a.disarm() // the caller's own pace is not the upstream's
	for _, h := range a.held {
		if !yield(h, nil) {
			return false
		}
	}
	a.held = nil
	if !yield(e, nil) {
		return false
	}
	a.rearm()
	return true
}

// opens reports whether an event is part of the answer proper.
func opens(e llm.Event) bool {
	switch e.(type) {
	case *llm.BlockStart, *llm.BlockDelta, *llm.BlockStop, *llm.MessageStop, *llm.Metadata:
		return true
	}
	return false
}

// named notes the upstream's own name for what answers, where it differs.
func (a *attempt) named(model string) {
	if model == "" || model == a.inv.served.Model {
		return
	}
	s := a.target.served
	s.Model = headerSafe(model)
	a.inv.Serve(s)
}

// headerSafe makes a name from outside fit for a header.
func headerSafe(s string) string {
	const longest = 200
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, s)
	return s[:min(len(s), longest)]
}

// broke ends an attempt that failed.
func (a *attempt) broke(outer, ctx context.Context, err error) (settled bool, _ error) {
	f := toFault(ctx, err)
	if outer.Err() != nil {
		f = toFault(outer, err)
	}
	if !a.begun {
		return false, f
	}
	a.inv.learn(ctx, a.target, f)
	return true, midstream(f)
}

// timer breaks the attempt off after a time; it is nil without a limit.
func (a *attempt) timer(what string, limit time.Duration) *time.Timer {
	if limit <= 0 {
		return nil
	}
	return time.AfterFunc(limit, func() { a.cancel(&slowError{what, limit}) })
}

// disarm stops both timers.
func (a *attempt) disarm() {
	for _, t := range []*time.Timer{a.first, a.idle} {
		if t != nil {
			t.Stop()
		}
	}
}

// rearm gives an answer that has begun time for its next event.
func (a *attempt) rearm() {
	if a.idle == nil {
		a.idle = a.timer("go on with its answer", a.target.Idle)
		return
	}
	a.idle.Reset(a.target.Idle)
}
