package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

// TestFailover breaks the first target in each way before its first token and
// wants either the second target's whole answer or the first's fault.
func TestFailover(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for name, c := range map[string]struct {
		first step
		over  bool
		kind  fault.Kind
	}{
		"throttled":       {failsWith(fault.Throttled), true, 0},
		"timeout":         {failsWith(fault.Timeout), true, 0},
		"unavailable":     {failsWith(fault.Unavailable), true, 0},
		"not ready":       {failsWith(fault.NotReady), true, 0},
		"model error":     {failsWith(fault.ModelError), true, 0},
		"cannot":          {failsWith(fault.NotImplemented), true, 0},
		"refused":         {fails(refused), true, 0},
		"reset, wrapped":  {fails(fmt.Errorf("read: %w", syscall.ECONNRESET)), true, 0},
		"end of file":     {fails(io.ErrUnexpectedEOF), true, 0},
		"unclassified":    {fails(errors.New("?")), true, 0},
		"own deadline":    {fails(context.DeadlineExceeded), true, 0},
		"silent end":      {send(), true, 0},
		"end after start": {send(start), true, 0},
		"fault in start": {func(ctx context.Context, y func(llm.Event, error) bool) bool {
			return send(&llm.RawEvent{}, start)(ctx, y) && failsWith(fault.Unavailable)(ctx, y)
		}, true, 0},
		"invalid": {failsWith(fault.Invalid), false, fault.Invalid},
		"denied":  {failsWith(fault.Denied), false, fault.Denied},
		"quota":   {failsWith(fault.QuotaExceeded), false, fault.QuotaExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := always(c.first), always(answers())
			w := setup(t, chain(a, b))
			ctx, call := from(t.Context(), "us-east-1")
			if c.over {
				resp := llmtest.Collect(t, w.Chat(ctx, ask(sonnet)))
				rec := w.book.only(t)
				if resp.Served.Backend != "b" || rec.Backend != "b" || rec.Attempts != 2 || rec.Completeness != ledger.Complete {
					t.Errorf("served %+v, record %+v", resp.Served, rec)
				}
				if got := call.Header.Get(servedBy); got != "b/model-b; fidelity=real" {
					t.Errorf("header %q", got)
				}
				return
			}
			_, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
			if !fault.Is(err, c.kind) || b.count() != 0 {
				t.Errorf("got %v; the second target was asked %d times", err, b.count())
			}
			if got := call.Header.Get(servedBy); got != "a/model-a; fidelity=real" {
				t.Errorf("header %q", got)
			}
			if rec := w.book.only(t); rec.Backend != "a" || rec.ErrorKind != c.kind {
				t.Errorf("record %+v", rec)
			}
		})
	}
}

// TestNoFailoverAfterTheFirstToken wants what was said, then a fault.
func TestNoFailoverAfterTheFirstToken(t *testing.T) {
	t.Parallel()
	f := func(last step, want fault.Kind) {
		t.Helper()
		b := always(answers())
		w := setup(t, chain(always(send(start, open, word), last), b))
		ctx, _ := from(t.Context(), "us-east-1")
		resp, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
		if !fault.Is(err, want) || b.count() != 0 {
			t.Errorf("got %v (%v), want %v; the second was asked %d times", err, fault.KindOf(err), want, b.count())
		}
		if diff := llmtest.Diff(resp.Message, llmtest.Assistant(llmtest.Text("word "))); diff != "" {
			t.Error(diff)
		}
		rec := w.book.only(t)
		if rec.Completeness != ledger.UpstreamCut || rec.Status != 200 || !rec.Estimated || rec.OutputTokens != 2 || rec.InputTokens == 0 || rec.CostNanoUSD == 0 || rec.ErrorKind != want {
			t.Errorf("record %+v", rec)
		}
	}
	f(failsWith(fault.Unavailable), fault.ModelError)
	f(fails(errors.New("?")), fault.ModelError)
	f(send(), fault.ModelError) // ends without an end
	f(failsWith(fault.ModelError), fault.ModelError)
	f(failsWith(fault.Throttled), fault.Throttled)
	f(failsWith(fault.Timeout), fault.Timeout)
}

// TestFailedAttemptIsOver wants the first target's work cancelled before the second
// one's begins.
func TestFailedAttemptIsOver(t *testing.T) {
	t.Parallel()
	var first context.Context
	a := always(func(ctx context.Context, _ func(llm.Event, error) bool) bool { first = ctx; return true }, failsWith(fault.Unavailable))
	b := always(func(context.Context, func(llm.Event, error) bool) bool {
		if first.Err() == nil {
			t.Error("the first attempt's context lives on in the second attempt")
		}
		return true
	}, answers())
	w := setup(t, chain(a, b))
	ctx, _ := from(t.Context(), "us-east-1")
	llmtest.Collect(t, w.Chat(ctx, ask(sonnet)))
}

// TestErrorAfterTheEnd is a connection that closes badly behind a whole answer.
func TestErrorAfterTheEnd(t *testing.T) {
	t.Parallel()
	w := setup(t, chain(always(answers(), failsWith(fault.Unavailable))))
	ctx, _ := from(t.Context(), "us-east-1")
	llmtest.Collect(t, w.Chat(ctx, ask(sonnet)))
	if rec := w.book.only(t); rec.Completeness != ledger.Complete || rec.ErrorCode != "" {
		t.Errorf("record %+v", rec)
	}
}

// TestHeldEventsAreBounded lets a first target ping for ever: at some point it has
// the call, and all that it sent comes in order.
func TestHeldEventsAreBounded(t *testing.T) {
	t.Parallel()
	var pings []llm.Event
	for i := range 3 * maxHeld {
		pings = append(pings, &llm.RawEvent{Data: []byte{byte(i)}})
	}
	b := always(answers())
	w := setup(t, chain(always(send(start), send(pings...), failsWith(fault.Unavailable)), b))
	ctx, _ := from(t.Context(), "us-east-1")
	n := 0
	var last error
	for e, err := range w.Chat(ctx, ask(sonnet)) {
		if raw, ok := e.(*llm.RawEvent); ok {
			if int(raw.Data[0]) != n {
				t.Fatalf("ping %d comes as number %d", raw.Data[0], n)
			}
			n++
		}
		last = err
	}
	if n != len(pings) || !fault.Is(last, fault.ModelError) || b.count() != 0 {
		t.Errorf("%d pings, %v; the second target was asked %d times", n, last, b.count())
	}
}

func TestAllTargetsFail(t *testing.T) {
	t.Parallel()
	throttled := func(after time.Duration) step {
		return fails(&fault.Error{Kind: fault.Throttled, Message: "slow down", RetryAfter: after})
	}
	f := func(want fault.Kind, backend string, after time.Duration, steps ...step) {
		t.Helper()
		var scripts []*script
		for _, s := range steps {
			scripts = append(scripts, always(s))
		}
		w := setup(t, chain(scripts...))
		ctx, call := from(t.Context(), "us-east-1")
		_, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
		got, ok := errors.AsType[*fault.Error](err)
		if !ok || got.Kind != want || got.RetryAfter != after {
			t.Fatalf("got %+v, want %v after %v", err, want, after)
		}
		for i := range scripts {
			if name := fmt.Sprintf("%c/model-%c", 'a'+i, 'a'+i); len(scripts) > 1 && elsewhere(want) && !strings.Contains(got.Err.Error(), name) {
				t.Errorf("the cause %v lacks %s", got.Err, name)
			}
		}
		rec := w.book.only(t)
		if rec.Backend != backend || rec.Attempts != len(steps) || !strings.HasPrefix(call.Header.Get(servedBy), backend+"/") || rec.Completeness != ledger.Failed {
			t.Errorf("record %+v, header %q", rec, call.Header.Get(servedBy))
		}
	}
	f(fault.Throttled, "b", 3*time.Second, failsWith(fault.Unavailable), throttled(9*time.Second), throttled(3*time.Second))
	f(fault.Timeout, "b", 0, failsWith(fault.Unavailable), failsWith(fault.Timeout))
	f(fault.Unavailable, "b", 0, failsWith(fault.ModelError), failsWith(fault.Unavailable))
	f(fault.ModelError, "a", 0, failsWith(fault.ModelError), failsWith(fault.ModelError))
	f(fault.Invalid, "b", 0, failsWith(fault.Throttled), failsWith(fault.Invalid))
	f(fault.Throttled, "a", time.Second, throttled(time.Second))
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	f := func(name string, first *script, change func(*Backend), timeout time.Duration, check func(t *testing.T, resp *llm.ChatResponse, err error, took time.Duration)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := setup(t, with(chain(first, always(answers())), change), func(c *Config) { c.Timeout = timeout })
				ctx, _ := from(t.Context(), "us-east-1")
				began := time.Now()
				resp, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
				check(t, resp, err, time.Since(began))
				w.book.only(t)
			})
		})
	}
	over := func(after time.Duration) func(*testing.T, *llm.ChatResponse, error, time.Duration) {
		return func(t *testing.T, resp *llm.ChatResponse, err error, took time.Duration) {
			t.Helper()
			if err != nil || resp.Served.Backend != "b" || took != after {
				t.Errorf("served %+v after %v, %v; want b after %v", resp.Served, took, err, after)
			}
		}
	}
	late := func(after time.Duration) func(*testing.T, *llm.ChatResponse, error, time.Duration) {
		return func(t *testing.T, _ *llm.ChatResponse, err error, took time.Duration) {
			t.Helper()
			if !fault.Is(err, fault.Timeout) || took != after {
				t.Errorf("%v after %v, want a timeout after %v", err, took, after)
			}
		}
	}
	none := func(*Backend) {}
	firstToken := func(b *Backend) { b.FirstToken = 2 * time.Second }
	f("first token", always(hangs()), firstToken, 0, over(2*time.Second))
	f("first token after the start", always(send(start), hangs()), firstToken, 0, over(2*time.Second))
	f("attempt", always(hangs()), func(b *Backend) { b.Timeout = 3 * time.Second }, 0, over(3*time.Second))
	f("attempt in midstream", always(send(start, open, word), hangs()), func(b *Backend) { b.Timeout = 3 * time.Second }, 0, late(3*time.Second))
	f("idle", always(send(start, open, word), pauses(time.Second), send(word), hangs()), func(b *Backend) { b.Idle = 4 * time.Second }, 0, late(5*time.Second))
	f("the first token is not idle", always(pauses(8*time.Second), answers()), func(b *Backend) { b.Idle = time.Second }, 0,
		func(t *testing.T, resp *llm.ChatResponse, err error, _ time.Duration) {
			if err != nil || resp.Served.Backend != "a" {
				t.Errorf("%+v, %v", resp.Served, err)
			}
		})
	f("total", always(hangs()), none, 7*time.Second, late(7*time.Second))
	f("total over two attempts", always(hangs()), func(b *Backend) { b.FirstToken = 6 * time.Second }, 5*time.Second, late(5*time.Second))
	f("default total", always(hangs()), none, 0, late(10*time.Minute))
}

// TestSlowCallerIsNotIdleUpstream reads slowly.
func TestSlowCallerIsNotIdleUpstream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t, with(chain(always(answers())), func(b *Backend) { b.Idle, b.FirstToken = time.Second, time.Second }))
		ctx, _ := from(t.Context(), "us-east-1")
		for _, err := range w.Chat(ctx, ask(sonnet)) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute / 2)
		}
	})
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	f := func(name string, after int, want ledger.Completeness, check func(ledger.Record) bool) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var upstream context.Context
			note := func(ctx context.Context, _ func(llm.Event, error) bool) bool { upstream = ctx; return true }
			a := always(note, answers())
			w := setup(t, chain(a))
			ctx, _ := from(t.Context(), "us-east-1")
			n := 0
			for _, err := range w.Chat(ctx, ask(sonnet)) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == after {
					break
				}
			}
			if a.ended != 1 || upstream.Err() == nil {
				t.Error("the upstream goes on")
			}
			if rec := w.book.only(t); rec.Completeness != want || !check(rec) {
				t.Errorf("record %+v", rec)
			}
		})
	}
	f("after a word", 3, ledger.ClientGone, func(r ledger.Record) bool {
		return r.Status == 200 && r.Estimated && r.InputTokens > 0 && r.OutputTokens == 2 && r.ErrorKind == fault.Canceled && r.Outcome() == ledger.Success
	})
	f("after the stop", 5, ledger.Complete, func(r ledger.Record) bool { return r.Estimated && r.ErrorCode == "" })
	f("after the end", 6, ledger.Complete, func(r ledger.Record) bool { return !r.Estimated && r.OutputTokens == 500 })
}

func TestContextIsCancelled(t *testing.T) {
	t.Parallel()
	f := func(name string, steps []step, check func(ledger.Record) bool) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, b := always(steps...), always(answers())
				w := setup(t, chain(a, b))
				ctx, cancel := context.WithCancel(t.Context())
				ctx, _ = from(ctx, "us-east-1")
				time.AfterFunc(time.Second, cancel)
				_, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
				if !fault.Is(err, fault.Canceled) || b.count() != 0 || a.ended != 1 {
					t.Errorf("got %v; second asked %d times, first ended %d times", err, b.count(), a.ended)
				}
				if rec := w.book.only(t); rec.Completeness != ledger.ClientGone || !rec.Estimated || !check(rec) {
					t.Errorf("record %+v", rec)
				}
				// A caller who leaves says nothing about the target.
				if out := w.outages(); len(out) != 0 {
					t.Errorf("outages %v", out)
				}
			})
		})
	}
	f("before the first token", []step{hangs()}, func(r ledger.Record) bool {
		return r.Status == statusClientGone && r.InputTokens > 0 && r.OutputTokens == 0
	})
	f("in midstream", []step{send(start, open, word), hangs()}, func(r ledger.Record) bool {
		return r.Status == 200 && r.InputTokens > 0 && r.OutputTokens == 2
	})
	f("the upstream's own count is kept", []step{send(&llm.MessageStart{Usage: &llm.Usage{InputTokens: 77}}, open, word), hangs()},
		func(r ledger.Record) bool { return r.InputTokens == 77 })
}

func TestCallersDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t, chain(always(hangs())))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ctx, _ = from(ctx, "us-east-1")
		_, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
		if !fault.Is(err, fault.Timeout) {
			t.Errorf("got %v", err)
		}
	})
}
