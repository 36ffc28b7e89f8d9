package upstream

import (
	"context"
	"fmt"
	"time"
)

// watch ends an exchange that takes too long: by one timer for the whole of it
// and one that is armed anew whenever something arrives.
type watch struct {
	cancel  context.CancelCauseFunc
	ctxDone func() error // the reason the exchange was cancelled, or nil
	whole   *time.Timer
	step    *time.Timer
	stepFor time.Duration
}

// timeoutError is the cause of an exchange that took too long.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }

func newWatch(parent context.Context, limit time.Duration) (*watch, context.Context) {
	ctx, cancel := context.WithCancelCause(parent)
	w := &watch{cancel: cancel, ctxDone: func() error { return context.Cause(ctx) }}
	w.whole = time.AfterFunc(limit, func() { cancel(&timeoutError{limit}) })
	return w, ctx
}

// arm gives the exchange another d until something has to arrive.
func (w *watch) arm(d time.Duration) {
	if w.step != nil && d == w.stepFor {
		w.step.Reset(d)
		return
	}
	w.disarm()
	w.stepFor = d
	w.step = time.AfterFunc(d, func() { w.cancel(&timeoutError{d}) })
}

// disarm takes back the last arm.
func (w *watch) disarm() {
	if w.step != nil {
		w.step.Stop()
	}
}

func (w *watch) cause() error { return w.ctxDone() }

func (w *watch) stop() {
	w.whole.Stop()
	w.disarm()
	w.cancel(context.Canceled)
}
