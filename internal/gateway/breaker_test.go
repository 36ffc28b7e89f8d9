package gateway

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// chats makes n calls and returns how many were answered.
func chats(t *testing.T, w *world, n int) (answered int) {
	t.Helper()
	for range n {
		ctx, _ := from(t.Context(), "us-east-1")
		if _, err := llm.Collect(w.Chat(ctx, ask(sonnet))); err == nil {
			answered++
		}
	}
	return answered
}

// TestBreaker follows a target through an outage: three failures, left alone, a
// probe that fails, a longer rest, a probe that succeeds.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := []step{failsWith(fault.Unavailable)}
		a := &script{lines: [][]step{dead, dead, dead, dead, {answers()}}}
		b := always(answers())
		w := setup(t, chain(a, b))
		at := func(when string, calls, wantA int) {
			t.Helper()
			if got := chats(t, w, calls); got != calls {
				t.Errorf("%s: %d of %d calls answered", when, got, calls)
			}
			if got := a.count(); got != wantA {
				t.Errorf("%s: the first target was tried %d times, want %d", when, got, wantA)
			}
		}
		at("failing", 3, 3)
		at("open", 50, 3)
		if out := w.outages(); len(out) != 1 || out[0].Target.Backend != "a" || time.Until(out[0].Until) != 5*time.Second {
			t.Errorf("outages %+v", out)
		}
		time.Sleep(5 * time.Second)
		at("probe fails", 50, 4)
		time.Sleep(5 * time.Second)
		at("rests longer", 50, 4)
		time.Sleep(5 * time.Second)
		at("probe succeeds", 10, 14)
		if out := w.outages(); len(out) != 0 {
			t.Errorf("outages %+v", out)
		}
	})
}

func TestBreakerCountsFailuresInARow(t *testing.T) {
	t.Parallel()
	bad, good := []step{failsWith(fault.Timeout)}, []step{answers()}
	a := &script{lines: [][]step{bad, bad, good, bad, bad, good}}
	w := setup(t, chain(a, always(answers())))
	chats(t, w, 6)
	if out := w.outages(); len(out) != 0 || a.count() != 6 {
		t.Errorf("outages %+v after %d tries", out, a.count())
	}
}

// TestRetryAfterIsKept leaves a throttled target alone for as long as it asked.
func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &script{lines: [][]step{{fails(&fault.Error{Kind: fault.Throttled, RetryAfter: 20 * time.Second})}, {answers()}}}
		w := setup(t, chain(a, always(answers())))
		chats(t, w, 10)
		time.Sleep(19 * time.Second)
		chats(t, w, 10)
		if got := a.count(); got != 1 {
			t.Errorf("tried %d times before it asked to be", got)
		}
		time.Sleep(time.Second)
		chats(t, w, 1)
		if got := a.count(); got != 2 {
			t.Errorf("tried %d times after the wait", got)
		}
	})
}

// TestRequestsFaultsDoNotOpen wants faults of requests not to count against the
// target, unless the provider refuses Outcrop itself.
func TestRequestsFaultsDoNotOpen(t *testing.T) {
	t.Parallel()
	f := func(err error, opens bool) {
		t.Helper()
		w := setup(t, chain(always(fails(err)), always(answers())))
		chats(t, w, 10)
		if got := len(w.outages()) > 0; got != opens {
			t.Errorf("%v opens: %v, want %v", err, got, opens)
		}
	}
	f(fault.Errorf(fault.Invalid, "x"), false)
	f(fault.Errorf(fault.NotImplemented, "x"), false)
	f(&fault.Error{Kind: fault.ModelError, OriginalStatus: 418}, false)
	f(&fault.Error{Kind: fault.ModelError, OriginalStatus: 401}, true)
	f(fault.Errorf(fault.Unavailable, "x"), true)
}

// TestAllDown tries even those that fail, when there is nobody else.
func TestAllDown(t *testing.T) {
	t.Parallel()
	bad := []step{failsWith(fault.Unavailable)}
	a := &script{lines: [][]step{bad, bad, bad, bad, bad, {answers()}}}
	b := always(failsWith(fault.Unavailable))
	w := setup(t, chain(a, b))
	if got := chats(t, w, 5); got != 0 || len(w.outages()) != 2 {
		t.Fatalf("%d answered, outages %v", got, w.outages())
	}
	if got := chats(t, w, 1); got != 1 {
		t.Error("nobody tries the target that has come back")
	}
	lone := setup(t, chain(&script{lines: [][]step{bad, bad, bad, bad, {answers()}}}))
	if got := chats(t, lone, 5); got != 1 {
		t.Error("a lone target is not tried in spite of its failures")
	}
}

// TestOneProbe lets many callers meet a half-open target: one of them tries it.
func TestOneProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad := []step{failsWith(fault.Unavailable)}
		a := &script{lines: [][]step{bad, bad, bad, {pauses(time.Second), answers()}}}
		w := setup(t, chain(a, always(answers())))
		chats(t, w, 3)
		time.Sleep(5 * time.Second)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { chats(t, w, 1) })
		}
		wg.Wait()
		if got := a.count(); got != 4 {
			t.Errorf("the target was tried %d times, want 3 and one probe", got)
		}
	})
}

// TestProbeOfALeavingCaller leaves the target to the next probe.
func TestProbeOfALeavingCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad := []step{failsWith(fault.Unavailable)}
		a := &script{lines: [][]step{bad, bad, bad, {send(start), hangs()}, {answers()}}}
		w := setup(t, chain(a, always(answers())))
		chats(t, w, 3)
		time.Sleep(5 * time.Second)
		ctx, cancel := contextThatEnds(t, time.Second)
		defer cancel()
		if _, err := llm.Collect(w.Chat(ctx, ask(sonnet))); !fault.Is(err, fault.Canceled) {
			t.Fatal(err)
		}
		chats(t, w, 1)
		if got := a.count(); got != 5 {
			t.Errorf("the target was tried %d times, want 5", got)
		}
	})
}

// opensAgain returns when an open target may be probed; zero when it is closed.
func (b *breaker) opensAgain() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.coolDown == 0 {
		return time.Time{}
	}
	return b.until
}

// outage is a target that is being left alone.
type outage struct {
	Target Target
	Until  time.Time // when it is tried again
}

// outages returns the targets that are left alone now, in no order.
func (g *Gateway) outages() []outage {
	var list []outage
	for t, b := range g.routes.Load().known {
		if until := b.opensAgain(); !until.IsZero() {
			list = append(list, outage{t, until})
		}
	}
	return list
}
