package gateway

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// contextThatEnds is cancelled after d, with a call in it.
func contextThatEnds(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(d, cancel)
	ctx, _ = from(ctx, "us-east-1")
	return ctx, cancel
}

// vectors is an embedder that counts what it is told to and may fail or wait.
type vectors struct {
	err    error
	wait   time.Duration
	fewer  int
	tokens int
	asked  []*llm.EmbedRequest
}

func (v *vectors) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.EmbedResponse, error) {
	v.asked = append(v.asked, req)
	select {
	case <-time.After(v.wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if v.err != nil {
		return nil, v.err
	}
	return &llm.EmbedResponse{Vectors: make([][]float32, len(req.Texts)-v.fewer), InputTokens: v.tokens}, nil
}

// counter is a chat model that counts.
type counter struct {
	script
	n   int
	err error
}

func (c *counter) CountTokens(context.Context, *llm.ChatRequest) (int, error) { return c.n, c.err }

func embedRoutes(list ...*vectors) Routes {
	r := Routes{Backends: map[string]Backend{}, Targets: map[string][]Target{}}
	for i, v := range list {
		name := string(rune('a' + i))
		r.Backends[name] = Backend{Embed: v, Timeout: time.Minute}
		r.Targets[titan] = append(r.Targets[titan], Target{name, "e"})
	}
	return r
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	a, b := &vectors{err: fault.Errorf(fault.Throttled, "slow down")}, &vectors{tokens: 1_000_000}
	w := setup(t, embedRoutes(a, b))
	ctx, c := from(t.Context(), "us-east-1")
	c.Operation = "InvokeModel"
	resp, err := w.Embed(ctx, &llm.EmbedRequest{Model: titan, Texts: []string{"x", "y"}, Dimensions: 256})
	if err != nil {
		t.Fatal(err)
	}
	want := llm.Served{Backend: "b", Model: "e", Fidelity: llm.Real}
	if len(resp.Vectors) != 2 || resp.Served != want || c.Header.Get(servedBy) != want.String() {
		t.Errorf("%+v, header %q", resp, c.Header.Get(servedBy))
	}
	if got := b.asked[0]; got.Model != "e" || got.Dimensions != 256 {
		t.Errorf("the upstream was asked %+v", got)
	}
	rec := w.book.only(t)
	if rec.InputTokens != 1_000_000 || rec.CostNanoUSD != 20_000_000 || rec.Attempts != 2 || rec.Completeness != ledger.Complete || rec.Estimated {
		t.Errorf("record %+v", rec)
	}
	if diff := cmp.Diff(w.police.asked[0], Access{Actions: []string{"bedrock:InvokeModel"}, Resources: []string{east + titan}}); diff != "" {
		t.Error(diff)
	}
}

func TestEmbedFaults(t *testing.T) {
	t.Parallel()
	f := func(name, model string, r Routes, want fault.Kind, text string) {
		t.Helper()
		w := setup(t, r)
		ctx, _ := from(t.Context(), "us-east-1")
		_, err := w.Embed(ctx, &llm.EmbedRequest{Model: model, Texts: []string{"a text"}})
		if !fault.Is(err, want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %v: %s", name, err, want, text)
		}
		if rec := w.book.only(t); rec.ErrorKind != want || rec.Completeness != ledger.Failed {
			t.Errorf("%s: record %+v", name, rec)
		}
	}
	f("chat model", sonnet, embedRoutes(&vectors{}), fault.Invalid, "supported embedding model")
	f("unknown", "nosuch", embedRoutes(&vectors{}), fault.Invalid, "identifier is invalid")
	f("nobody, stand-ins on", titan, Routes{StandIns: &StandIns{}}, fault.NotImplemented, titan+": [backend/model]")
	f("nobody, stand-ins off", titan, Routes{}, fault.Denied, "You don't have access to the model")
	f("own, not routed", "outcrop.embed-v1", Routes{}, fault.Denied, "No backend is configured for outcrop.embed-v1")
	f("too few", titan, embedRoutes(&vectors{fewer: 1}), fault.ModelError, "0 vectors for 1 texts")
	f("fails", titan, embedRoutes(&vectors{err: fault.Errorf(fault.Unavailable, "gone")}), fault.Unavailable, "gone")
}

// TestEmbedLength gives a backend that can make any length the one of the model that was
// asked for, unless the caller says otherwise.
func TestEmbedLength(t *testing.T) {
	t.Parallel()
	f := func(anyLength bool, asked, want int) {
		t.Helper()
		v := &vectors{}
		r := embedRoutes(v)
		b := r.Backends["a"]
		b.AnyLength = anyLength
		r.Backends["a"] = b
		w := setup(t, r)
		ctx, _ := from(t.Context(), "us-east-1")
		if _, err := w.Embed(ctx, &llm.EmbedRequest{Model: titan, Texts: []string{"x"}, Dimensions: asked}); err != nil {
			t.Fatal(err)
		}
		if got := v.asked[0].Dimensions; got != want {
			t.Errorf("any length %v, %d asked for: the upstream gets %d, want %d", anyLength, asked, got, want)
		}
	}
	f(false, 0, 0)
	f(true, 0, 1024)
	f(true, 256, 256)
}

func TestEmbedEstimatesAndDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow, good := &vectors{wait: time.Hour}, &vectors{}
		w := setup(t, embedRoutes(slow, good))
		ctx, _ := from(t.Context(), "us-east-1")
		resp, err := w.Embed(ctx, &llm.EmbedRequest{Model: titan, Texts: []string{"twelve bytes"}})
		if err != nil || resp.InputTokens != 3 {
			t.Errorf("%+v, %v", resp, err)
		}
		if rec := w.book.only(t); !rec.Estimated || rec.Latency != time.Minute || rec.Backend != "b" {
			t.Errorf("record %+v", rec)
		}
	})
}

func TestCountTokens(t *testing.T) {
	t.Parallel()
	chatOnly, seven := always(answers()), &counter{n: 7}
	broken := &counter{err: fault.Errorf(fault.Unavailable, "gone")}
	refuses := &counter{err: fault.Errorf(fault.NotImplemented, "no tokenizer")}
	backends := map[string]Backend{
		"refuses": {Chat: refuses, Count: refuses},
		"chat":    {Chat: chatOnly},
		"seven":   {Chat: seven, Count: seven},
		"broken":  {Chat: broken, Count: broken},
	}
	to := func(names ...string) map[string][]Target {
		m := map[string][]Target{}
		for _, n := range names {
			m[sonnet] = append(m[sonnet], Target{n, "m"})
		}
		return m
	}
	stand := &StandIns{Chat: []Target{{"seven", "r"}}}
	f := func(name string, r Routes, want int, served string, kind fault.Kind) {
		t.Helper()
		r.Backends = backends
		w := setup(t, r)
		ctx, c := from(t.Context(), "us-east-1")
		c.Operation = "CountTokens"
		got, err := w.CountTokens(ctx, ask(sonnet))
		if want == 0 {
			if !fault.Is(err, kind) {
				t.Errorf("%s: %v, want %v", name, err, kind)
			}
		} else if err != nil || got != want || c.Header.Get(servedBy) != served {
			t.Errorf("%s: %d by %q, %v", name, got, c.Header.Get(servedBy), err)
		}
		if len(w.book.records) != 0 {
			t.Errorf("%s: counting is recorded as an invocation", name)
		}
		if got := w.police.asked[0].Actions; !cmp.Equal(got, []string{"bedrock:CountTokens"}) {
			t.Errorf("%s: actions %v", name, got)
		}
	}
	f("target", Routes{Targets: to("seven")}, 7, "seven/m; fidelity=real", 0)
	f("failover", Routes{Targets: to("broken", "seven")}, 7, "seven/m; fidelity=real", 0)
	f("a stand-in counts", Routes{Targets: to("chat"), StandIns: stand}, 7, "seven/r; fidelity=stand-in", 0)
	f("a stand-in counts for one that says it cannot", Routes{Targets: to("refuses"), StandIns: stand}, 7, "seven/r; fidelity=stand-in", 0)
	f("a stand-in does not count for one that is down", Routes{Targets: to("broken"), StandIns: stand}, 0, "", fault.Unavailable)
	f("stand-in", Routes{StandIns: stand}, 7, "seven/r; fidelity=stand-in", 0)
	f("nobody can", Routes{Targets: to("chat")}, 0, "", fault.NotImplemented)
	f("fails", Routes{Targets: to("broken")}, 0, "", fault.Unavailable)
	f("nobody", Routes{}, 0, "", fault.Denied)

	w := setup(t, Routes{})
	ctx, _ := from(t.Context(), "us-east-1")
	if _, err := w.CountTokens(ctx, ask("nosuch")); !fault.Is(err, fault.Invalid) {
		t.Errorf("unknown model: %v", err)
	}
}
