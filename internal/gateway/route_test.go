package gateway

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	f := func(s string, want Target) {
		t.Helper()
		got, err := ParseTarget(s)
		if got != want || (err == nil) != (want != Target{}) {
			t.Errorf("ParseTarget(%q) = %+v, %v", s, got, err)
		}
		if err == nil && got.String() != s {
			t.Errorf("%q is written %q", s, got)
		}
	}
	f("gpu/qwen3-32b", Target{"gpu", "qwen3-32b"})
	f("gpu/Qwen/Qwen3-32B", Target{"gpu", "Qwen/Qwen3-32B"})
	for _, s := range []string{"", "/", "gpu", "gpu/", "/x"} {
		f(s, Target{})
	}
}

// TestWhoServes asks for one model in many worlds.
func TestWhoServes(t *testing.T) {
	t.Parallel()
	backends := map[string]Backend{
		"embedded": {Chat: always(answers())},
		"gpu":      {Chat: always(answers())},
		"west":     {Chat: always(answers()), Regions: []string{"us-west-2"}},
		"mock":     {Chat: always(answers()), Fidelity: llm.Scripted},
	}
	reader := Target{"embedded", "outcrop.reader-v1"}
	own := map[string][]Target{"outcrop.reader-v1": {reader}}
	stands := func(list ...Target) *StandIns { return &StandIns{Chat: list} }
	to := func(list ...Target) map[string][]Target {
		return map[string][]Target{sonnet: list, "outcrop.reader-v1": {reader}}
	}
	f := func(name, region, model string, r Routes, want string) {
		t.Helper()
		r.Backends = backends
		w := setup(t, r)
		ctx, c := from(t.Context(), region)
		resp, err := llm.Collect(w.Chat(ctx, ask(model)))
		if want == "" {
			if !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "You don't have access to the model") || !strings.Contains(err.Error(), "[backend/model]") || !strings.Contains(err.Error(), "stand_ins") {
				t.Errorf("%s: %v, want denied", name, err)
			}
			if rec := w.book.only(t); rec.Status != 403 || rec.Backend != "" || c.Header.Get(servedBy) != "" {
				t.Errorf("%s: record %+v", name, rec)
			}
			return
		}
		if err != nil || resp.Served.String() != want || c.Header.Get(servedBy) != want || w.book.only(t).Fidelity != resp.Served.Fidelity {
			t.Errorf("%s: served by %s (%v), want %s", name, resp.Served, err, want)
		}
		if served, err := w.Serves(region, account, model); err != nil || served[0] != resp.Served {
			t.Errorf("%s: Serves = %v, %v", name, served, err)
		}
	}
	f("own", "us-east-1", "outcrop.reader-v1", Routes{Targets: own, StandIns: stands(reader)}, "embedded/outcrop.reader-v1; fidelity=real")
	f("own, without stand-ins", "us-east-1", "outcrop.reader-v1", Routes{Targets: own}, "embedded/outcrop.reader-v1; fidelity=real")
	f("stand-in", "us-east-1", sonnet, Routes{StandIns: stands(reader)}, "embedded/outcrop.reader-v1; fidelity=stand-in")
	f("better stand-in", "us-east-1", sonnet, Routes{StandIns: stands(Target{"gpu", "llama"}, reader)}, "gpu/llama; fidelity=stand-in")
	f("scripted stand-in", "us-east-1", sonnet, Routes{StandIns: stands(Target{"mock", "x"})}, "mock/x; fidelity=scripted")
	f("no stand-ins", "us-east-1", sonnet, Routes{Targets: own}, "")
	f("target", "us-east-1", sonnet, Routes{Targets: to(Target{"gpu", "q"})}, "gpu/q; fidelity=real")
	f("scripted", "us-east-1", sonnet, Routes{Targets: to(Target{"mock", "q"})}, "mock/q; fidelity=scripted")
	f("profile of a model", "us-east-1", "us."+sonnet, Routes{Targets: to(Target{"gpu", "q"})}, "gpu/q; fidelity=real")
	f("variant of a model", "us-east-1", sonnet+":200k", Routes{Targets: to(Target{"gpu", "q"})}, "gpu/q; fidelity=real")
	f("profile of its own", "us-east-1", "us."+sonnet, Routes{Targets: map[string][]Target{sonnet: {{"gpu", "q"}}, "us." + sonnet: {{"gpu", "p"}}}}, "gpu/p; fidelity=real")
	f("here", "us-west-2", sonnet, Routes{Targets: to(Target{"west", "q"})}, "west/q; fidelity=real")
	f("not here", "us-east-1", sonnet, Routes{Targets: to(Target{"west", "q"})}, "")
	f("not here, but", "us-east-1", sonnet, Routes{Targets: to(Target{"west", "q"}, Target{"gpu", "r"})}, "gpu/r; fidelity=real")
	f("not here, stand-in", "us-east-1", sonnet, Routes{Targets: to(Target{"west", "q"}), StandIns: stands(reader)}, "embedded/outcrop.reader-v1; fidelity=stand-in")
	f("a profile leads there", "us-east-1", "us."+sonnet, Routes{Targets: to(Target{"west", "q"})}, "west/q; fidelity=real")
	f("a user's model", "eu-west-1", "my.model", Routes{Targets: map[string][]Target{"my.model": {{"gpu", "q"}}}}, "gpu/q; fidelity=real")
}

func TestApplyReportsEveryProblem(t *testing.T) {
	t.Parallel()
	w := setup(t, chain(always(answers())))
	err := w.Apply(Routes{
		Backends: map[string]Backend{"empty": {}, "slow": {Chat: always(), Timeout: -1}, "vectors": {Embed: &vectors{}}},
		Targets: map[string][]Target{
			"nosuch": {{"slow", "x"}},
			sonnet:   {{"nowhere", "x"}, {"slow", ""}, {"vectors", "x"}},
			titan:    {{"slow", "x"}},
		},
		StandIns: &StandIns{Chat: []Target{{"gone", "x"}}, Embed: []Target{{"slow", "x"}}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"backends.empty: it can neither", "backends.slow: a time limit", "models.nosuch:", `models.` + sonnet + `: there is no backend "nowhere"`,
		`names no model`, `backend "vectors" cannot chat`, `backend "slow" cannot embed`, `stand_ins: there is no backend "gone"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	ctx, _ := from(t.Context(), "us-east-1")
	if _, err := llm.Collect(w.Chat(ctx, ask(sonnet))); err != nil {
		t.Errorf("after a refused Apply: %v", err)
	}
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "no catalog") || !strings.Contains(err.Error(), "no authorizer") || !strings.Contains(err.Error(), "no recorder") {
		t.Errorf("New(Config{}): %v", err)
	}
}

// TestApplyWhileServing changes routes under load: each call ends as it began.
func TestApplyWhileServing(t *testing.T) {
	t.Parallel()
	a, b := always(answers()), always(answers())
	routes := []Routes{chain(a), {Backends: map[string]Backend{"b": {Chat: b}}, Targets: map[string][]Target{sonnet: {{"b", "m"}}}}}
	w := setup(t, routes[0])
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				ctx, _ := from(t.Context(), "us-east-1")
				if _, err := llm.Collect(w.Chat(ctx, ask(sonnet))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 200 {
		if err := w.Apply(routes[i%2]); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if got := len(w.book.records); got != 400 || w.book.open != 0 {
		t.Errorf("%d records, %d open", got, w.book.open)
	}
}

func TestApplyKeepsWhatWasLearned(t *testing.T) {
	t.Parallel()
	r := chain(always(fails(&fault.Error{Kind: fault.Throttled, RetryAfter: time.Hour})), always(answers()))
	w := setup(t, r)
	ctx, _ := from(t.Context(), "us-east-1")
	llmtest.Collect(t, w.Chat(ctx, ask(sonnet)))
	before := w.outages()
	if wait := time.Until(before[0].Until); wait > time.Minute {
		t.Errorf("an upstream can ask to be left alone for %v", wait)
	}
	if err := w.Apply(r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.outages(), before); diff != "" || len(before) != 1 {
		t.Errorf("outages after Apply (-got +want): %s", diff)
	}
	delete(r.Targets, sonnet)
	if err := w.Apply(r); err != nil || len(w.outages()) != 0 {
		t.Errorf("a target that is gone is remembered: %v, %v", err, w.outages())
	}
}

func TestHeaderIsOneLine(t *testing.T) {
	t.Parallel()
	got := header(llm.Served{Backend: "gpu", Model: "a/b:c\r\nSet-Cookie: x; ü", Fidelity: llm.Real})
	if want := []string{"gpu/a/b:c--Set-Cookie:-x;--; fidelity=real"}; !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
