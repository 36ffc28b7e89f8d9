package openai

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var object = json.RawMessage(`{"type":"object","properties":{"x":{"type":"integer"}}}`)

// rich is a request with everything the dialect has a place for.
func rich() *llm.ChatRequest {
	png := llm.Source{Bytes: []byte("\x89PNG")}
	return &llm.ChatRequest{
		Model:  "qwen",
		System: []llm.Block{&llm.Text{Text: "Be \"brief\"."}, &llm.CachePoint{}, &llm.Guard{Text: "And kind."}},
		Messages: []llm.Message{
			llmtest.User(
				&llm.Text{Text: "Look:\n\x01\u2028<b>"}, &llm.Image{Format: "png", Source: png}, &llm.CachePoint{TTL: "5m"},
				&llm.Guard{Text: "really", Qualifiers: []string{"query"}}, &llm.Guard{Image: &llm.Image{Format: "jpeg", Source: png}},
				&llm.Document{Format: "csv", Name: "list", Source: llm.Source{Bytes: []byte("a,b\n1,2\n")}, Citations: true},
				&llm.Document{Name: "note", Text: "remember", Context: "a note"},
				&llm.Document{Name: "cut", Content: []llm.Text{{Text: "one"}, {Text: "two"}}},
				&llm.SearchResult{Source: "https://a.example", Title: "A", Content: []string{"first", "second"}},
				&llm.Image{Source: llm.Source{URL: "https://b.example/x.png"}},
				&llm.Audio{Format: "wav", Source: llm.Source{Bytes: []byte("RIFF")}},
				&llm.Video{Format: "mov", Source: llm.Source{Bytes: []byte("moov")}},
			),
			llmtest.Assistant(
				&llm.Reasoning{Text: "hm", Signature: "s"}, &llm.Reasoning{Redacted: []byte("x")}, &llm.Text{Text: "I'll "},
				&llm.Citations{Text: "look."}, &llm.ToolUse{ID: "a", Name: "f", Input: json.RawMessage(`{"x": 1, "s": "\""}`)}, &llm.ToolUse{ID: "b", Name: "f"},
			),
			llmtest.User(
				&llm.Text{Text: "after"},
				&llm.ToolResult{ToolUseID: "a", Content: []llm.Block{
					&llm.Text{Text: "t"}, &llm.JSON{Value: json.RawMessage(`{ "y" : [ 1 ] }`)}, &llm.Image{Format: "png", Source: png},
					&llm.Document{Format: "txt", Name: "d", Source: llm.Source{Bytes: []byte("doc")}},
				}},
				&llm.ToolResult{ToolUseID: "b", Error: true},
			),
			{Role: llm.System, Content: []llm.Block{&llm.Text{Text: "New rules."}}},
			llmtest.Assistant(&llm.ToolUse{ID: "c", Name: "f", Input: json.RawMessage(`{}`)}),
			llmtest.User(&llm.ToolResult{ToolUseID: "c", Content: []llm.Block{&llm.Text{Text: "no"}}, Error: true}),
		},
		Inference: llm.Inference{
			MaxTokens: 9, Temperature: new(0.7), TopP: new(1e-7), TopK: new(5), Seed: new(int64(-3)),
			StopSequences: []string{"a", "\"b\""}, Effort: "low", ReasoningBudget: new(100000),
		},
		Tools: []llm.Tool{
			{Name: "f", Description: "Does \"f\".", InputSchema: object, Strict: true},
			{Name: "g"},
		},
		ToolCachePoint: &llm.CachePoint{},
		ToolChoice:     llm.ToolChoice{Mode: llm.ToolAny, DisableParallel: true},
		Output:         llm.OutputFormat{Schema: object, Description: "d", Strict: true},
		Extra:          json.RawMessage(`{"temperature":0.25,"min_p":0.1,"chat_template_kwargs":{"enable_thinking":false}}`),
		Metadata:       map[string]string{"team": "x"},
		Stream:         true,
	}
}

// The whole body, for people to read: testdata/*.json, rewritten by -update.
func TestAppendRequestGolden(t *testing.T) {
	t.Parallel()
	hosted := Options{MaxCompletionTokens: true, OmitReasoning: true}
	for name, c := range map[string]struct {
		req *llm.ChatRequest
		opt Options
	}{
		"rich":   {rich(), Options{}},
		"hosted": {rich(), hosted},
		"plain":  {llmtest.Ask("m", "hi"), Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := AppendRequest(t.Context(), []byte("kept"), c.req, c.opt)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := bytes.CutPrefix(got, []byte("kept"))
			if !ok {
				t.Error("what was there before is gone")
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, got, "", "  "); err != nil {
				t.Fatalf("%v in %s", err, got)
			}
			pretty.WriteByte('\n')
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(file, pretty.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(pretty.String(), string(want)); diff != "" {
				t.Errorf("(-got +want):\n%s", diff)
			}
		})
	}
}

func TestAppendRequestParts(t *testing.T) {
	t.Parallel()
	f := func(change func(*llm.ChatRequest), want string) {
		t.Helper()
		req := llmtest.Ask("m", "hi")
		change(req)
		got, err := AppendRequest(t.Context(), nil, req, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(got) || !strings.Contains(string(got), want) {
			t.Errorf("got %s, want it to hold %s", got, want)
		}
	}
	tools := func(r *llm.ChatRequest, c llm.ToolChoice) { r.Tools, r.ToolChoice = []llm.Tool{{Name: "f"}}, c }
	f(func(r *llm.ChatRequest) { tools(r, llm.ToolChoice{Mode: llm.ToolAuto}) }, `"tool_choice":"auto"`)
	f(func(r *llm.ChatRequest) { tools(r, llm.ToolChoice{Mode: llm.ToolNone}) }, `"tool_choice":"none"`)
	f(func(r *llm.ChatRequest) { tools(r, llm.ToolChoice{Mode: llm.ToolNamed, Name: "f"}) },
		`"tool_choice":{"type":"function","function":{"name":"f"}}`)
	f(func(r *llm.ChatRequest) { r.Output.JSON = true }, `"response_format":{"type":"json_object"}`)
	f(func(r *llm.ChatRequest) { r.Output = llm.OutputFormat{Schema: object, Name: "n"} }, `"json_schema":{"name":"n","schema":`)
	f(func(r *llm.ChatRequest) { r.Inference.ReasoningBudget = new(1024) }, `"reasoning_effort":"low"`)
	f(func(r *llm.ChatRequest) { r.Inference.ReasoningBudget = new(8000) }, `"reasoning_effort":"medium"`)
	f(func(r *llm.ChatRequest) { r.Inference.ReasoningBudget = new(30000) }, `"reasoning_effort":"high"`)
	f(func(r *llm.ChatRequest) { r.Inference.ReasoningBudget = new(0) }, `"hi"}]}`)
	f(func(r *llm.ChatRequest) { r.System = []llm.Block{&llm.CachePoint{}} }, `"messages":[{"role":"user"`)
	f(func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{}`) }, `"hi"}]}`)
}

func TestAppendRequestRefuses(t *testing.T) {
	t.Parallel()
	f := func(want string, change func(*llm.ChatRequest)) {
		t.Helper()
		req := llmtest.Ask("m", "hi")
		change(req)
		_, err := AppendRequest(t.Context(), nil, req, Options{})
		if k := fault.KindOf(err); err == nil || k != fault.Invalid && k != fault.NotImplemented || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it invalid for %q", err, want)
		}
	}
	content := func(b ...llm.Block) func(*llm.ChatRequest) {
		return func(r *llm.ChatRequest) { r.Messages[0].Content = b }
	}
	s3 := llm.Source{S3: &llm.S3Location{URI: "s3://b/k"}}
	f("S3", content(&llm.Image{Format: "png", Source: s3}))
	f("S3", content(&llm.Video{Format: "mp4", Source: s3}))
	f("audio only as bytes", content(&llm.Audio{Format: "wav", Source: s3}))
	f(`"d" only as bytes`, content(&llm.Document{Name: "d", Format: "txt", Source: s3}))
	f("pdf", content(&llm.Document{Name: "d", Format: "pdf", Source: llm.Source{Bytes: []byte("%PDF-")}}))
	f("toolUse", content(&llm.ToolUse{Name: "x"}))
	f("audio", content(&llm.ToolResult{Content: []llm.Block{&llm.Audio{}}}))
	f("image", func(r *llm.ChatRequest) { r.Messages[0] = llmtest.Assistant(&llm.Image{}) })
	f("only text", func(r *llm.ChatRequest) { r.System = []llm.Block{&llm.Image{}} })
	f("provider's own", func(r *llm.ChatRequest) { r.Tools = []llm.Tool{{Name: "web_search", System: true}} })
	f("role", func(r *llm.ChatRequest) { r.Messages[0].Role = "robot" })
	f("JSON object", func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`[]`) })
	f("JSON object", func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"a":}`) })
	for _, key := range []string{"model", "messages", "stream", "stream_options", "n", `m\u006fdel`} {
		f("cannot be set", func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"a":1,"` + key + `":"x"}`) })
	}
}

// A request that came in the dialect goes out as it came, but for the model and
// what makes its stream report usage.
func TestAppendRequestRaw(t *testing.T) {
	t.Parallel()
	f := func(body string, stream bool, want string) {
		t.Helper()
		req := &llm.ChatRequest{Model: "up", Stream: stream, Raw: &llm.RawRequest{Dialect: Dialect, Body: []byte(body)}}
		got, err := AppendRequest(t.Context(), nil, req, Options{})
		if err != nil || string(got) != want {
			t.Errorf("%s became %s (%v), want %s", body, got, err, want)
		}
	}
	f(`{ "new_field": 1.50, "model" : "x" ,"messages":[]}`, false, `{ "new_field": 1.50, "model" : "up" ,"messages":[]}`)
	f(`{"model":"x","stream":true}`, true, `{"model":"up","stream":true,"stream_options":{"include_usage":true}}`)
	f(`{"model":"x","stream":true,"stream_options":{"a":1,"include_usage":false}}`, true,
		`{"model":"up","stream":true,"stream_options":{"a":1,"include_usage":true}}`)
	f(`{"model":"x","stream":true,"stream_options":null}`, true, `{"model":"up","stream":true,"stream_options":{"include_usage":true}}`)
	f(`{"model":"x","stream":true,"stream_options":{"include_usage":true}}`, false, `{"model":"up"}`)
	f(`{"model":"x","model":"y"}`, false, `{"model":"up"}`)
	req := &llm.ChatRequest{Model: "up", Raw: &llm.RawRequest{Dialect: Dialect, Body: []byte("[]")}}
	if _, err := AppendRequest(t.Context(), nil, req, Options{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a list is %v, want it invalid", err)
	}
	other := llmtest.Ask("m", "hi")
	other.Raw = &llm.RawRequest{Dialect: "anthropic", Body: []byte(`{"model":"claude"}`)}
	if got, err := AppendRequest(t.Context(), nil, other, Options{}); err != nil || !strings.Contains(string(got), `"hi"`) {
		t.Errorf("another dialect's body became %s (%v)", got, err)
	}
}

// Whatever the texts are, the body is JSON that holds them.
func FuzzAppendRequest(f *testing.F) {
	f.Add("hi", "x", `{"a":1}`, 0.5)
	f.Fuzz(func(t *testing.T, text, name, raw string, number float64) {
		req := llmtest.Ask(name, text)
		req.System = []llm.Block{&llm.Text{Text: text}, &llm.Text{Text: name}}
		req.Messages = append(req.Messages,
			llmtest.Assistant(&llm.Reasoning{Text: text}, &llm.ToolUse{ID: name, Name: name, Input: json.RawMessage(raw)}),
			llmtest.User(&llm.ToolResult{ToolUseID: name, Content: []llm.Block{&llm.Text{Text: text}, &llm.JSON{Value: json.RawMessage(raw)}}, Error: len(raw)%2 == 0}))
		req.Tools = []llm.Tool{{Name: name, Description: text, InputSchema: json.RawMessage(raw)}}
		req.Output.Schema = json.RawMessage(raw)
		req.Inference.Temperature = &number
		req.Inference.StopSequences = []string{text, name}
		got, err := AppendRequest(t.Context(), nil, req, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var w wireRequest
		if err := json.Unmarshal(got, &w); err != nil {
			t.Fatalf("%v in %s", err, got)
		}
		if len(w.Messages) != 4 || w.Model != strings.ToValidUTF8(name, w.Model) && strings.ToValidUTF8(name, "") == name {
			t.Errorf("%d messages, model %q of %q", len(w.Messages), w.Model, name)
		}
	})
}

func BenchmarkAppendRequest(b *testing.B) {
	req := llmtest.Ask("qwen3-32b", strings.Repeat("Why is the sky blue? ", 20))
	req.System = []llm.Block{&llm.Text{Text: "You are a helpful assistant."}}
	req.Inference = llm.Inference{MaxTokens: 512, Temperature: new(0.5)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendRequest(b.Context(), make([]byte, 0, 2<<10), req, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
