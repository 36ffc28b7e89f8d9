package converse_test

import (
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/dialect/converse"
	"github.com/outcrop-ai/outcrop/internal/fault"
	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

// TestToStreamWording holds the events of an answer with every kind of block.
func TestToStreamWording(t *testing.T) {
	t.Parallel()
	answer := &llm.ChatResponse{
		Message: llmtest.Assistant(
			&llm.Reasoning{Text: "hm", Signature: "sig"}, &llm.Reasoning{},
			llmtest.Text("Hi"),
			&llm.Citations{Text: "Green.", Citations: []llm.Citation{{Title: "D", SourceContent: []string{"grass"}, Location: llm.Location{Kind: llm.CharLocation, End: 5}}}},
			&llm.ToolUse{ID: "t", Name: "f", Input: json.RawMessage(`{"a":1}`)},
		),
		StopReason: llm.StopToolUse, Latency: 1500 * time.Millisecond,
		Usage: llm.Usage{InputTokens: 1, OutputTokens: 2, CacheReadTokens: 3, CacheWriteTokens: 4},
	}
	want := []string{
		`{"messageStart":{"role":"assistant"}}`,
		`{"contentBlockDelta":{"delta":{"reasoningContent":{"text":"hm"}},"contentBlockIndex":0}}`,
		`{"contentBlockDelta":{"delta":{"reasoningContent":{"signature":"sig"}},"contentBlockIndex":0}}`,
		`{"contentBlockStop":{"contentBlockIndex":0}}`,
		`{"contentBlockDelta":{"delta":{"reasoningContent":{"text":""}},"contentBlockIndex":1}}`,
		`{"contentBlockStop":{"contentBlockIndex":1}}`,
		`{"contentBlockDelta":{"delta":{"text":"Hi"},"contentBlockIndex":2}}`,
		`{"contentBlockStop":{"contentBlockIndex":2}}`,
		`{"contentBlockDelta":{"delta":{"text":"Green."},"contentBlockIndex":3}}`,
		`{"contentBlockDelta":{"delta":{"citation":{"title":"D","sourceContent":[{"text":"grass"}],"location":{"documentChar":{"documentIndex":0,"start":0,"end":5}}}},"contentBlockIndex":3}}`,
		`{"contentBlockStop":{"contentBlockIndex":3}}`,
		`{"contentBlockStart":{"start":{"toolUse":{"toolUseId":"t","name":"f"}},"contentBlockIndex":4}}`,
		`{"contentBlockDelta":{"delta":{"toolUse":{"input":"{\"a\":1}"}},"contentBlockIndex":4}}`,
		`{"contentBlockStop":{"contentBlockIndex":4}}`,
		`{"messageStop":{"stopReason":"tool_use"}}`,
		`{"metadata":{"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":10,"cacheReadInputTokens":3,"cacheWriteInputTokens":4},"metrics":{"latencyMs":1500}}}`,
	}
	var got []string
	for e, err := range converse.ToStream(llm.Replay(answer)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(write(t, e)))
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
}

func TestToStreamFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	half := func(yield func(llm.Event, error) bool) {
		_ = yield(&llm.MessageStart{}, nil) && yield(nil, broken) && yield(&llm.BlockStart{Block: &llm.Text{}}, nil)
	}
	events, last := 0, error(nil)
	for _, err := range converse.ToStream(half) {
		events, last = events+1, err
	}
	if events != 2 || !errors.Is(last, broken) {
		t.Errorf("%d events, %v", events, last)
	}
	for _, e := range []llm.Event{
		&llm.BlockStart{Block: &llm.Document{}},
		&llm.BlockDelta{ToolResult: []llm.Block{&llm.Image{}}},
		&llm.BlockDelta{Image: &llm.Image{Source: llm.Source{URL: "u"}}},
	} {
		for _, err := range converse.ToStream(llmtest.Stream(e)) {
			if !fault.Is(err, fault.ModelError) {
				t.Errorf("%T: %v", e, err)
			}
		}
	}
	// A caller that breaks off ends the upstream's loop.
	ended := false
	endless := func(yield func(llm.Event, error) bool) {
		defer func() { ended = true }()
		for yield(&llm.BlockDelta{Text: "a"}, nil) {
			continue
		}
	}
	for _, err := range converse.ToStream(endless) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if !ended {
		t.Error("the upstream goes on")
	}
}

// loose reads events without the wire's checks.
func loose(t *testing.T, events []string) iter.Seq2[*gen.ConverseStreamOutput, error] {
	return func(yield func(*gen.ConverseStreamOutput, error) bool) {
		for _, text := range events {
			e := &gen.ConverseStreamOutput{}
			if err := json.Unmarshal([]byte(text), e); err != nil {
				t.Fatal(err)
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestFromStreamFails(t *testing.T) {
	t.Parallel()
	f := func(kind fault.Kind, want string, events ...string) {
		t.Helper()
		var last error
		for _, err := range converse.FromStream(loose(t, events)) {
			last = err
		}
		e, ok := errors.AsType[*fault.Error](last)
		if !ok || e.Kind != kind || e.Message != want {
			t.Errorf("got %v (%v), want %s (%v)", last, fault.KindOf(last), want, kind)
		}
	}
	const text0 = `{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"text":"a"}}}`
	f(fault.ModelError, "The model's stream goes on with block 1 inside block 0.", text0, `{"contentBlockDelta":{"contentBlockIndex":1,"delta":{"text":"a"}}}`)
	f(fault.ModelError, "The model's stream starts block 1 inside block 0.", text0, `{"contentBlockStart":{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"a","name":"b"}}}}`)
	f(fault.ModelError, "The model's stream stops block 2 inside block 0.", text0, `{"contentBlockStop":{"contentBlockIndex":2}}`)
	f(fault.ModelError, "The model's stream stops inside a block.", text0, `{"messageStop":{"stopReason":"end_turn"}}`)
	f(fault.ModelError, "The model's stream starts a block of an unknown kind.", `{"contentBlockStart":{"contentBlockIndex":0}}`)
	f(fault.ModelError, "The model's stream holds an empty delta.", `{"contentBlockDelta":{"contentBlockIndex":0}}`)
	f(fault.Throttled, "slow down", `{"throttlingException":{"message":"slow down"}}`)
	f(fault.Invalid, "no", `{"validationException":{"message":"no"}}`)
	f(fault.Unavailable, "off", `{"serviceUnavailableException":{"message":"off"}}`)
	f(fault.Unavailable, "oops", `{"internalServerException":{"message":"oops"}}`)
	f(fault.ModelError, "bad", `{"modelStreamErrorException":{"message":"bad","originalStatusCode":500}}`)
}

func TestFromResponseFails(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"output":{}}`, `{"output":{"message":{"role":"assistant","content":[{}]}}}`} {
		in := &gen.ConverseResponse{}
		if err := json.Unmarshal([]byte(text), in); err != nil {
			t.Fatal(err)
		}
		if _, err := converse.FromResponse(in); !fault.Is(err, fault.ModelError) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := converse.ToResponse(&llm.ChatResponse{Message: llmtest.Assistant(&llm.JSON{})}); !fault.Is(err, fault.ModelError) {
		t.Errorf("a JSON block: %v", err)
	}
	if _, err := converse.ToResponse(&llm.ChatResponse{Trace: json.RawMessage(`[`)}); !fault.Is(err, fault.Internal) {
		t.Errorf("a broken trace: %v", err)
	}
}

const typical = `{"messages":[{"role":"user","content":[{"text":"What is the weather in Paris?"}]},
	{"role":"assistant","content":[{"text":"Let me see."},{"toolUse":{"toolUseId":"t1","name":"weather","input":{"city":"Paris"}}}]},
	{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[{"json":{"temperature":21}}]}}]}],
	"system":[{"text":"Be brief."}],"inferenceConfig":{"maxTokens":500,"temperature":0.5},
	"toolConfig":{"tools":[{"toolSpec":{"name":"weather","description":"d","inputSchema":{"json":{"type":"object"}}}}]}}`

func BenchmarkFromRequest(b *testing.B) {
	in := benchRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		req, err := converse.FromRequest(in)
		if err != nil || converse.Validate(req) != nil || llm.Validate(req) != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToResponse(b *testing.B) {
	resp := &llm.ChatResponse{
		Message:    llmtest.Assistant(llmtest.Text("It is 21 degrees."), &llm.ToolUse{ID: "t", Name: "f", Input: json.RawMessage(`{}`)}),
		StopReason: llm.EndTurn, Usage: llm.Usage{InputTokens: 10, OutputTokens: 5},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := converse.ToResponse(resp); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToStreamDelta(b *testing.B) {
	delta := &llm.BlockDelta{Text: "word "}
	endless := func(yield func(llm.Event, error) bool) {
		for yield(delta, nil) {
			continue
		}
	}
	b.ReportAllocs()
	n := 0
	for _, err := range converse.ToStream(endless) {
		if err != nil {
			b.Fatal(err)
		}
		if n++; n > b.N {
			break
		}
	}
}

func benchRequest(b *testing.B) *gen.ConverseRequest {
	b.Helper()
	in := &gen.ConverseRequest{}
	if err := jsoncodec.NewReader([]byte(typical)).Body(in); err != nil {
		b.Fatal(err)
	}
	return in
}
