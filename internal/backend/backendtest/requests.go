package backendtest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// png is a picture of one pixel.
var png = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde" +
	"\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82")

const schema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`

// full is a request that uses what every provider has.
func full(streaming bool) *llm.ChatRequest {
	half := 0.5
	req := &llm.ChatRequest{
		Model:  "test-model",
		Stream: streaming,
		System: []llm.Block{&llm.Text{Text: "You are terse."}},
		Messages: []llm.Message{
			{Role: llm.User, Content: []llm.Block{
				&llm.Text{Text: "What is in this picture, \"and\" what's the weather in Paris?"},
				&llm.Image{Format: "png", Source: llm.Source{Bytes: png}},
			}},
			{Role: llm.Assistant, Content: []llm.Block{
				&llm.Text{Text: "Looking."},
				&llm.ToolUse{ID: "call_a", Name: "get_weather", Input: json.RawMessage(`{"city":"Paris"}`)},
				&llm.ToolUse{ID: "call_b", Name: "get_weather", Input: json.RawMessage(`{"city":"Rome"}`)},
			}},
			{Role: llm.User, Content: []llm.Block{
				&llm.ToolResult{ToolUseID: "call_a", Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`{"sky":"grey"}`)}}},
				&llm.ToolResult{ToolUseID: "call_b", Content: []llm.Block{&llm.Text{Text: "no such city"}}, Error: true},
				&llm.Text{Text: "Go on."},
			}},
		},
		Inference:  llm.Inference{MaxTokens: 77, Temperature: &half, StopSequences: []string{"END", "\n\n"}},
		Tools:      []llm.Tool{{Name: "get_weather", Description: "The weather.", InputSchema: json.RawMessage(schema)}},
		ToolChoice: llm.ToolChoice{Mode: llm.ToolNamed, Name: "get_weather"},
	}
	return req
}

func testRequests(t *testing.T, s *Script) {
	for _, streaming := range []bool{false, true} {
		t.Run("everything"+mode(streaming), func(t *testing.T) {
			t.Parallel()
			got, changed := asked(t, s, full(streaming))
			if changed != "" {
				t.Errorf("Chat changed the request:\n%s", changed)
			}
			want := Asked{
				Model: "test-model", Stream: streaming, System: "You are terse.", APIKey: apiKey,
				Texts:  []string{"What is in this picture, \"and\" what's the weather in Paris?", "Looking.", "Go on."},
				Images: [][]byte{png}, Tools: []string{"get_weather"},
				ToolChoice: llm.ToolChoice{Mode: llm.ToolNamed, Name: "get_weather"},
				MaxTokens:  77, Stop: []string{"END", "\n\n"}, Calls: []string{"call_a", "call_b"},
			}
			if got.Results["call_a"] != `{"sky":"grey"}` || got.Results["call_b"] == "" {
				t.Errorf("tool results are %q", got.Results)
			}
			got.Results, got.Schema = nil, nil
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("the server was asked (-got +want):\n%s", diff)
			}
		})
	}
	for _, choice := range []llm.ToolChoice{{Mode: llm.ToolAuto}, {Mode: llm.ToolAny}, {Mode: llm.ToolAuto, DisableParallel: true}} {
		t.Run("tool choice "+string(choice.Mode), func(t *testing.T) {
			t.Parallel()
			req := full(false)
			req.ToolChoice = choice
			if got, _ := asked(t, s, req); got.ToolChoice != choice {
				t.Errorf("the server understood the tool choice %+v, want %+v", got.ToolChoice, choice)
			}
		})
	}
	t.Run("schema", func(t *testing.T) {
		t.Parallel()
		if s.NoSchema {
			t.Skip("this provider has no structured output")
		}
		req := question(false)
		req.Output = llm.OutputFormat{Schema: json.RawMessage(schema), Name: "place", Strict: true}
		if got, _ := asked(t, s, req); string(got.Schema) != schema {
			t.Errorf("the server got the schema %s, want %s", got.Schema, schema)
		}
	})
	t.Run("nothing before the range", func(t *testing.T) {
		t.Parallel()
		m := serve(t, s, func(http.ResponseWriter, *http.Request) { t.Error("the server was called") }, Target{})
		_ = m.Chat(t.Context(), question(true))
	})
}

// asked sends a request and returns what the server understood, and how the
// backend changed the request, if it did.
func asked(t *testing.T, s *Script, req *llm.ChatRequest) (Asked, string) {
	t.Helper()
	var got Asked
	a := answers(s)["text"]
	m := serve(t, s, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if !json.Valid(body) {
			t.Errorf("the request is no JSON: %s", body)
		}
		got = s.Read(t, r, body)
		r.Body = http.NoBody
		answering(s, a, got.Stream)(w, r)
	}, Target{})
	before := *req
	before.Messages = slices.Clone(req.Messages)
	if _, err := chat(t.Context(), t, m, req); err != nil {
		t.Fatalf("Chat: %v", err)
	}
	return got, cmp.Diff(*req, before)
}
