package converse_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/dialect/converse"
	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

// recording is one exchange with the real service.
type recording struct {
	Test        string          `json:"test"`
	Path        string          `json:"path"`
	Request     json.RawMessage `json:"request"`
	Status      int             `json:"status"`
	Response    json.RawMessage `json:"response"`
	ResponseB64 []byte          `json:"response_b64"`
}

func recordings(t *testing.T, suffix string) []recording {
	t.Helper()
	data, err := os.ReadFile(sharedtest.Path(t, "vectors", "bedrock-recordings", "recordings.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all, some []recording
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if strings.HasSuffix(r.Path, suffix) {
			some = append(some, r)
		}
	}
	if len(some) == 0 {
		t.Fatalf("no recording of %s", suffix)
	}
	return some
}

func read[T any, P smithy.Ptr[T]](t *testing.T, data []byte) *T {
	t.Helper()
	out := new(T)
	if err := jsoncodec.NewReader(data).Body(P(out)); err != nil {
		t.Fatalf("%v in %.300s", err, data)
	}
	return out
}

func write(t *testing.T, v smithy.Struct) json.RawMessage {
	t.Helper()
	var w jsoncodec.Writer
	w.Struct(v)
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	return bytes.Clone(w.Written())
}

// plain decodes a text and leaves out what means nothing or what the pinned model
// does not have, so that a conversion there and back can be compared.
func plain(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return prune(v)
}

func prune(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	case map[string]any:
		for k, inner := range v {
			inner = prune(inner)
			v[k] = inner
			m, isMap := inner.(map[string]any)
			l, isList := inner.([]any)
			switch k {
			case "p", "modelId", "serverToolUsage", "cacheReadInputTokenCount", "cacheWriteInputTokenCount": // not in the model, or in the path
				delete(v, k)
			case "cacheReadInputTokens", "cacheWriteInputTokens": // some models give no zeros
				if inner == 0.0 {
					delete(v, k)
				}
			case "type":
				if inner == "tool_use" { // some models' word for the default
					delete(v, k)
				}
			case "status":
				if inner == "success" {
					delete(v, k)
				}
			case "system", "inferenceConfig":
				if isMap && len(m) == 0 || isList && len(l) == 0 {
					delete(v, k)
				}
			case "schema": // structured output: JSON as a string
				if s, ok := inner.(string); ok {
					var schema any
					if json.Unmarshal([]byte(s), &schema) == nil {
						v[k] = schema
					}
				}
			case "performanceConfig": // not known of what Outcrop serves; requests keep it
				if _, answer := v["output"]; answer {
					delete(v, k)
				}
			}
		}
	}
	return v
}

func TestRecordedRequests(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t, "/converse") {
		if r.Status != http.StatusOK {
			continue
		}
		t.Run(r.Test, func(t *testing.T) {
			t.Parallel()
			req, err := converse.FromRequest(read[gen.ConverseRequest](t, r.Request))
			if err != nil {
				t.Fatal(err)
			}
			req.Model = r.Path
			if err := converse.Validate(req); err != nil {
				t.Errorf("the service took it: %v", err)
			}
			if err := llm.Validate(req); err != nil {
				t.Errorf("the service took it: %v", err)
			}
			back, err := converse.ToRequest(req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plain(t, write(t, back)), plain(t, r.Request)); diff != "" {
				t.Errorf("got (-), want (+)\n%s", diff)
			}
		})
	}
}

func TestRecordedResponses(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t, "/converse") {
		if r.Status != http.StatusOK {
			continue
		}
		t.Run(r.Test, func(t *testing.T) {
			t.Parallel()
			resp, err := converse.FromResponse(read[gen.ConverseResponse](t, r.Response))
			if err != nil {
				t.Fatal(err)
			}
			back, err := converse.ToResponse(resp)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plain(t, write(t, back)), plain(t, r.Response)); diff != "" {
				t.Errorf("got (-), want (+)\n%s", diff)
			}
		})
	}
}

// recordedEvents decodes the frames of a stream into the JSON of a union.
func recordedEvents(t *testing.T, frames []byte) []json.RawMessage {
	t.Helper()
	var out []json.RawMessage
	decoder := eventstream.NewDecoder()
	for r := bytes.NewReader(frames); r.Len() > 0; {
		m, err := decoder.Decode(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		name := m.Headers.Get(":event-type").String()
		out = append(out, json.RawMessage(`{"`+name+`":`+string(m.Payload)+`}`))
	}
	return out
}

func outputs(t *testing.T, events []json.RawMessage) iter.Seq2[*gen.ConverseStreamOutput, error] {
	return func(yield func(*gen.ConverseStreamOutput, error) bool) {
		for _, e := range events {
			if !yield(read[gen.ConverseStreamOutput](t, e), nil) {
				return
			}
		}
	}
}

// TestRecordedStreams: a real stream, converted there and back, has the same events
// in the same order, none more and none less.
func TestRecordedStreams(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t, "/converse-stream") {
		t.Run(r.Test, func(t *testing.T) {
			t.Parallel()
			want := recordedEvents(t, r.ResponseB64)
			events := llmtest.Events(t, converse.FromStream(outputs(t, want)))
			var got []json.RawMessage
			for e, err := range converse.ToStream(llmtest.Stream(events...)) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, write(t, e))
			}
			if len(got) != len(want) {
				t.Errorf("%d events, want %d", len(got), len(want))
			}
			for i := range min(len(got), len(want)) {
				if diff := cmp.Diff(plain(t, got[i]), plain(t, want[i])); diff != "" {
					t.Errorf("event %d: got (-), want (+)\n%s", i, diff)
				}
			}
		})
	}
}

func TestRecordedCounts(t *testing.T) {
	t.Parallel()
	seen := false
	for _, r := range recordings(t, "/count-tokens") {
		in := read[gen.CountTokensRequest](t, r.Request)
		if in.Input.Converse == nil {
			continue
		}
		seen = true
		req, err := converse.FromTokensRequest("m", in.Input.Converse)
		if err != nil {
			t.Fatal(err)
		}
		back, err := converse.ToTokensRequest(req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plain(t, write(t, back)), plain(t, write(t, in.Input.Converse))); diff != "" {
			t.Errorf("got (-), want (+)\n%s", diff)
		}
	}
	if !seen {
		t.Error("no recording has the converse form")
	}
}

// redacted is what Bedrock makes of Anthropic's redacted thinking: the string's bytes.
func TestRecordedRedactedThinkingIsText(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t, "/converse-stream") {
		for _, e := range recordedEvents(t, r.ResponseB64) {
			out := read[gen.ConverseStreamOutput](t, e)
			if d := out.ContentBlockDelta; d != nil && d.Delta.ReasoningContent != nil && d.Delta.ReasoningContent.RedactedContent != nil {
				if _, err := base64.StdEncoding.DecodeString(string(d.Delta.ReasoningContent.RedactedContent)); err != nil {
					t.Errorf("redacted content is no base64 text: %v", err)
				}
			}
		}
	}
}

// TestToolUseTypes: the service answers with a type that its own model does not name,
// and a client that sends the turn back is understood.
func TestToolUseTypes(t *testing.T) {
	t.Parallel()
	f := func(member string, server bool) {
		t.Helper()
		in := &gen.ConverseRequest{}
		body := `{"modelId":"amazon.nova-lite-v1:0","messages":[{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":{}` + member + `}}]}]}`
		if err := smithy.ReadValid(jsoncodec.NewReader([]byte(body)), in); err != nil {
			t.Fatalf("%s: %v", member, err)
		}
		got, err := converse.FromRequest(in)
		if err != nil {
			t.Fatal(err)
		}
		want := []llm.Message{llmtest.Assistant(&llm.ToolUse{ID: "t", Name: "f", Input: json.RawMessage(`{}`), Server: server})}
		if diff := llmtest.Diff(got.Messages, want); diff != "" {
			t.Errorf("%s: got (-), want (+)\n%s", member, diff)
		}
	}
	f(``, false)
	f(`,"type":"tool_use"`, false)
	f(`,"type":"server_tool_use"`, true)
}
