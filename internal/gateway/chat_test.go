package gateway

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

const east = "arn:aws:bedrock:us-east-1::foundation-model/"

func TestChat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := always(pauses(time.Second), send(start, open, word), pauses(time.Second), send(shut, stop, meta))
		w := setup(t, chain(a))
		ctx, c := from(t.Context(), "us-east-1")
		req := ask(sonnet)
		req.Metadata = map[string]string{"team": "x"}
		first := true
		var events []llm.Event
		for e, err := range w.Chat(ctx, req) {
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Header.Get("x-outcrop-served-by"); first && got != "a/model-a; fidelity=real" {
				t.Errorf("before the first event the header is %q", got)
			}
			first = false
			events = append(events, e)
		}
		if err := llmtest.Order(events); err != nil {
			t.Fatal(err)
		}
		resp := llmtest.Collect(t, llmtest.Stream(events...))
		want := &llm.ChatResponse{
			Message: llmtest.Assistant(llmtest.Text("word ")), StopReason: llm.EndTurn, Usage: meta.Usage,
			Latency: 2 * time.Second, Served: llm.Served{Backend: "a", Model: "model-a", Fidelity: llm.Real},
		}
		if diff := llmtest.Diff(resp, want); diff != "" {
			t.Error(diff)
		}
		if got := a.calls[0].Model; got != "model-a" || req.Model != sonnet {
			t.Errorf("the upstream was asked for %s, the caller's request says %s", got, req.Model)
		}
		got := w.book.only(t)
		if diff := cmp.Diff(got, ledger.Record{
			Time: c.Start, RequestID: "r-1", Account: account, Region: "us-east-1",
			Principal: c.Principal.ARN, AccessKeyID: "AKIDEXAMPLE", Service: "bedrock-runtime", Operation: "ConverseStream",
			Model: sonnet, ModelID: sonnet, Backend: "a", UpstreamModel: "model-a", Fidelity: llm.Real, Attempts: 1,
			Status: 200, Latency: 2 * time.Second, FirstToken: time.Second,
			InputTokens: 1000, OutputTokens: 500, CostNanoUSD: 10_500_000, Stream: true, Metadata: req.Metadata,
		}); diff != "" {
			t.Errorf("record (-got +want): %s", diff)
		}
	})
}

func TestNothingHappensBeforeTheLoop(t *testing.T) {
	t.Parallel()
	a := always(answers())
	w := setup(t, chain(a))
	ctx, _ := from(t.Context(), "us-east-1")
	_ = w.Chat(ctx, ask(sonnet))
	if a.count() != 0 || len(w.book.records) != 0 || len(w.police.asked) != 0 {
		t.Error("something was done for a sequence that nobody ranged over")
	}
}

// TestRefusals wants each refusal modelled, recorded, and before any upstream.
func TestRefusals(t *testing.T) {
	t.Parallel()
	image := llmtest.User(&llm.Image{Format: "png", Source: llm.Source{Bytes: []byte{1}}})
	f := func(name string, change func(*llm.ChatRequest), want fault.Kind, text string) {
		t.Helper()
		a := always(answers())
		r := chain(a)
		r.StandIns = &StandIns{Chat: []Target{{"a", "m"}}}
		w := setup(t, r)
		w.police.deny = east + "anthropic.claude-3-opus-20240229-v1:0"
		ctx, _ := from(t.Context(), "us-east-1")
		req := ask(sonnet)
		change(req)
		_, err := llm.Collect(w.Chat(ctx, req))
		if !fault.Is(err, want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v (%v), want %v: %s", name, err, fault.KindOf(err), want, text)
		}
		if a.count() != 0 {
			t.Errorf("%s: an upstream was asked", name)
		}
		code, status := exception(want)
		rec := w.book.only(t)
		if rec.Completeness != ledger.Failed || rec.ErrorKind != want || rec.ErrorCode != code || rec.Status != status || rec.Attempts != 0 || rec.CostNanoUSD != 0 || rec.Model != req.Model {
			t.Errorf("%s: record %+v", name, rec)
		}
	}
	model := func(id string) func(*llm.ChatRequest) { return func(r *llm.ChatRequest) { r.Model = id } }
	f("unknown", model("nosuch"), fault.Invalid, "The provided model identifier is invalid.")
	f("later", model("arn:aws:bedrock:us-east-1:"+account+":provisioned-model/abcdefghijkl"), fault.NotImplemented, "provisioned throughput")
	f("denied", model("anthropic.claude-3-opus-20240229-v1:0"), fault.Denied, "not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: "+w3opus)
	f("embedding model", func(r *llm.ChatRequest) { r.Model, r.Stream = titan, false }, fault.Invalid, "This action doesn't support the model that you provided. Try again with a supported text or chat model.")
	f("streaming", model(titan), fault.Invalid, "The model is unsupported for streaming.")
	f("image", func(r *llm.ChatRequest) { r.Model, r.Messages = express, []llm.Message{image} }, fault.Invalid, "This model doesn't support the image field for user messages. Remove image and try again.")
	f("image in a result", func(r *llm.ChatRequest) {
		r.Model, r.Messages = express, []llm.Message{llmtest.User(&llm.ToolResult{Content: image.Content})}
	}, fault.Invalid, "image")
	f("guarded image", func(r *llm.ChatRequest) {
		r.Model, r.Messages = express, []llm.Message{llmtest.User(&llm.Guard{Image: &llm.Image{}})}
	}, fault.Invalid, "image")
	f("video", func(r *llm.ChatRequest) { r.Messages = []llm.Message{llmtest.User(&llm.Video{})} }, fault.Invalid, "video")
	f("audio", func(r *llm.ChatRequest) { r.Messages = []llm.Message{llmtest.User(&llm.Audio{})} }, fault.Invalid, "audio")
	f("too much", func(r *llm.ChatRequest) { r.Inference.MaxTokens = 8193 }, fault.Invalid, "exceeds the model limit of 8192")
	f("no messages", func(r *llm.ChatRequest) { r.Messages = nil }, fault.Invalid, "at least one message")
	f("orphan result", func(r *llm.ChatRequest) {
		r.Messages = []llm.Message{llmtest.User(&llm.ToolResult{ToolUseID: "t1"})}
	}, fault.Invalid, "")
	f("guardrail", func(r *llm.ChatRequest) { r.Guardrail = &llm.GuardrailConfig{ID: "gr1"} }, fault.NotImplemented, "gr1")
}

const w3opus = east + "anthropic.claude-3-opus-20240229-v1:0"

func TestRefuse(t *testing.T) {
	t.Parallel()
	w := setup(t, chain(always(answers())))
	ctx, _ := from(t.Context(), "us-east-1")
	bad := fault.Errorf(fault.Invalid, "Malformed input request")
	if err := w.Refuse(ctx, sonnet, bad); !errors.Is(err, bad) {
		t.Errorf("Refuse = %v", err)
	}
	rec := w.book.only(t)
	if rec.Model != sonnet || rec.ModelID != sonnet || rec.Status != 400 || rec.ErrorMessage != "Malformed input request" || rec.Completeness != ledger.Failed {
		t.Errorf("record %+v", rec)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	w := setup(t, chain(always(answers())))
	f := func(operation, model string, stream bool, want Access) {
		t.Helper()
		ctx, c := from(t.Context(), "us-east-1")
		c.Operation = operation
		req := ask(model)
		req.Stream = stream
		if _, err := llm.Collect(w.Chat(ctx, req)); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(w.police.asked[len(w.police.asked)-1], want); diff != "" {
			t.Errorf("%s (-got +want): %s", operation, diff)
		}
	}
	fm := []string{east + sonnet}
	f("Converse", sonnet, false, Access{Actions: []string{"bedrock:InvokeModel", "bedrock:Converse"}, Resources: fm})
	f("ConverseStream", sonnet, true, Access{Actions: []string{"bedrock:InvokeModelWithResponseStream", "bedrock:ConverseStream"}, Resources: fm})
	f("InvokeModel", sonnet, false, Access{Actions: []string{"bedrock:InvokeModel"}, Resources: fm})
	f("InvokeModelWithResponseStream", sonnet, true, Access{Actions: []string{"bedrock:InvokeModelWithResponseStream"}, Resources: fm})
	f("ChatCompletions", sonnet, true, Access{Actions: []string{"bedrock:InvokeModelWithResponseStream"}, Resources: fm})
	profile := "arn:aws:bedrock:us-east-1:" + account + ":inference-profile/us." + sonnet
	f("InvokeModel", "us."+sonnet, false, Access{
		Actions: []string{"bedrock:InvokeModel"},
		Resources: []string{
			profile, east + sonnet,
			"arn:aws:bedrock:us-east-2::foundation-model/" + sonnet, "arn:aws:bedrock:us-west-2::foundation-model/" + sonnet,
		},
		Context: map[string][]string{"bedrock:InferenceProfileArn": {profile}},
	})
}

func TestEstimatedUsage(t *testing.T) {
	t.Parallel()
	f := func(name string, want func(llm.Usage) bool, steps ...step) {
		t.Helper()
		w := setup(t, chain(always(steps...)))
		ctx, _ := from(t.Context(), "us-east-1")
		resp := llmtest.Collect(t, w.Chat(ctx, ask(sonnet)))
		rec := w.book.only(t)
		if !want(resp.Usage) || rec.InputTokens != resp.Usage.InputTokens || rec.OutputTokens != resp.Usage.OutputTokens || rec.Estimated != resp.Usage.Estimated {
			t.Errorf("%s: usage %+v, record %+v", name, resp.Usage, rec)
		}
	}
	silent := func(u llm.Usage) bool {
		return u.Estimated && u.InputTokens > 5 && u.InputTokens < 40 && u.OutputTokens == 2
	}
	f("no usage", silent, send(start, open, word, shut, stop, &llm.Metadata{}))
	f("no metadata", silent, send(start, open, word, shut, stop))
	f("cached only", func(u llm.Usage) bool { return !u.Estimated && u.InputTokens == 0 },
		send(start, open, word, shut, stop, &llm.Metadata{Usage: llm.Usage{CacheReadTokens: 9, OutputTokens: 1}}))
	f("nonsense", silent, send(start, open, word, shut, stop, &llm.Metadata{Usage: llm.Usage{InputTokens: -5, OutputTokens: -1}}))
	f("said nothing", func(u llm.Usage) bool { return !u.Estimated && u.OutputTokens == 0 },
		send(start, stop, &llm.Metadata{Usage: llm.Usage{InputTokens: 9}}))
}

func TestRaw(t *testing.T) {
	t.Parallel()
	a, b := always(failsWith(fault.Throttled)), always(answers())
	r := chain(a, b)
	first := r.Backends["a"]
	first.Dialect = "anthropic"
	r.Backends["a"] = first
	w := setup(t, r)
	ctx, _ := from(t.Context(), "us-east-1")
	req := ask(sonnet)
	req.Raw = &llm.RawRequest{Dialect: "anthropic", Body: []byte(`{}`)}
	llmtest.Collect(t, w.Chat(ctx, req))
	if a.calls[0].Raw != req.Raw {
		t.Error("the target that speaks the dialect does not get the raw request")
	}
	if b.calls[0].Raw != nil {
		t.Error("the target that does not speak the dialect gets the raw request")
	}
}

func TestUpstreamsOwnName(t *testing.T) {
	t.Parallel()
	w := setup(t, chain(always(send(&llm.MessageStart{Served: llm.Served{Model: "real\r\nX-Evil: 1", Backend: "liar"}}, stop, meta))))
	ctx, c := from(t.Context(), "us-east-1")
	resp := llmtest.Collect(t, w.Chat(ctx, ask(sonnet)))
	want := llm.Served{Backend: "a", Model: "real--X-Evil:-1", Fidelity: llm.Real}
	if resp.Served != want || c.Header.Get(servedBy) != want.String() {
		t.Errorf("served = %+v, header %q, want %+v", resp.Served, c.Header.Get(servedBy), want)
	}
}

// TestPlaces puts a decorator into each place and wants their order.
func TestPlaces(t *testing.T) {
	t.Parallel()
	var order []string
	stage := func(name string) Stage {
		return func(next ChatFunc) ChatFunc {
			return func(ctx context.Context, inv *Invocation, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
				return func(yield func(llm.Event, error) bool) {
					order = append(order, name+" in")
					for e, err := range next(ctx, inv, req) {
						if !yield(e, err) {
							return
						}
					}
					order = append(order, name+" out")
				}
			}
		}
	}
	quota := &till{}
	w := setup(t, chain(always(answers())), func(c *Config) {
		c.Quota, c.Guard, c.Cache = quota, stage("guard"), stage("cache")
	})
	ctx, _ := from(t.Context(), "us-east-1")
	req := ask(sonnet)
	req.Guardrail = &llm.GuardrailConfig{ID: "gr1"}
	req.Inference.MaxTokens = 100
	llmtest.Collect(t, w.Chat(ctx, req))
	if diff := cmp.Diff(order, []string{"guard in", "cache in", "cache out", "guard out"}); diff != "" {
		t.Error(diff)
	}
	if quota.reserved < 100 || quota.reserved > 140 || quota.used.InputTokens != 1000 || quota.settled != 1 {
		t.Errorf("quota: %+v", quota)
	}
	if got := w.police.asked[0].Context["bedrock:GuardrailIdentifier"]; !cmp.Equal(got, []string{"gr1"}) {
		t.Errorf("guardrail in the request's context: %q", got)
	}

	quota.full = true
	_, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
	if !fault.Is(err, fault.Throttled) || len(order) != 4 {
		t.Errorf("over quota: %v, %v", err, order)
	}
	if rec := w.book.records[1]; rec.Status != 429 || rec.Outcome() != ledger.Throttle || quota.settled != 1 {
		t.Errorf("over quota: record %+v, %d settled", rec, quota.settled)
	}
}

// till is a Quota.
type till struct {
	full     bool
	reserved int
	used     llm.Usage
	settled  int
}

func (q *till) Admit(_ context.Context, _ *Invocation, tokens int) (func(llm.Usage), error) {
	if q.full {
		return nil, fault.Errorf(fault.Throttled, "Too many tokens, please wait before trying again.")
	}
	q.reserved = tokens
	return func(u llm.Usage) { q.used = u; q.settled++ }, nil
}

// TestCachedAnswer is a stage that answers by itself.
func TestCachedAnswer(t *testing.T) {
	t.Parallel()
	a := always(answers())
	w := setup(t, chain(a), func(c *Config) {
		c.Cache = func(ChatFunc) ChatFunc {
			return func(_ context.Context, inv *Invocation, _ *llm.ChatRequest) iter.Seq2[llm.Event, error] {
				inv.Serve(llm.Served{Backend: "cache", Model: "m", Fidelity: llm.Replayed})
				return llmtest.Stream(fresh(start), stop, fresh(meta))
			}
		}
	})
	ctx, c := from(t.Context(), "us-east-1")
	resp := llmtest.Collect(t, w.Chat(ctx, ask(sonnet)))
	if resp.Served.Backend != "cache" || c.Header.Get(servedBy) != "cache/m; fidelity=replayed" || a.count() != 0 {
		t.Errorf("served %+v, header %q, upstream asked %d times", resp.Served, c.Header.Get(servedBy), a.count())
	}
	if rec := w.book.only(t); rec.Attempts != 0 || rec.Backend != "cache" {
		t.Errorf("record %+v", rec)
	}
}

func TestPanicIsRecorded(t *testing.T) {
	t.Parallel()
	w := setup(t, chain(always(func(context.Context, func(llm.Event, error) bool) bool { panic("broken") })))
	ctx, _ := from(t.Context(), "us-east-1")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_, _ = llm.Collect(w.Chat(ctx, ask(sonnet)))
	}()
	if rec := w.book.only(t); rec.Status != 500 || rec.Completeness != ledger.Failed {
		t.Errorf("record %+v", rec)
	}
}

func TestRevokedInMidstream(t *testing.T) {
	t.Parallel()
	a := always(answers())
	w := setup(t, chain(a))
	ctx, c := from(t.Context(), "us-east-1")
	asked := 0
	c.Revalidate = func() error {
		if asked++; asked > 2 {
			return fault.Errorf(fault.Denied, "The security token included in the request is invalid.")
		}
		return nil
	}
	_, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
	if !fault.Is(err, fault.Denied) {
		t.Errorf("got %v", err)
	}
	rec := w.book.only(t)
	if rec.ErrorKind != fault.Denied || !rec.Estimated || rec.OutputTokens == 0 || rec.Status != 200 || a.ended != 1 {
		t.Errorf("record %+v, upstream ended %d", rec, a.ended)
	}
}

func TestInternalTextStaysInside(t *testing.T) {
	t.Parallel()
	w := setup(t, chain(always(fails(errors.New("secret path /x")))))
	ctx, _ := from(t.Context(), "us-east-1")
	_, err := llm.Collect(w.Chat(ctx, ask(sonnet)))
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.Internal || strings.Contains(f.Message, "secret") || !strings.Contains(err.Error(), "secret") {
		t.Errorf("got %+v", err)
	}
}
