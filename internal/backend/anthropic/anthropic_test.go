package anthropic_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/backend/anthropic"
	"github.com/outcrop-ai/outcrop/internal/backend/backendtest"
	"github.com/outcrop-ai/outcrop/internal/backend/upstream"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, backendtest.Script{
		Open: func(tb testing.TB, target backendtest.Target) llm.ChatModel {
			tb.Helper()
			return open(tb, anthropic.Config{
				BaseURL: target.BaseURL, APIKey: target.APIKey, Timeout: target.Timeout,
				FirstTokenTimeout: target.FirstTokenTimeout, IdleTimeout: target.IdleTimeout,
			})
		},
		Whole:  whole,
		Stream: stream,
		Error: func(status int, message string) []byte {
			return mustJSON(object{"type": "error", "error": object{"type": errorTypes[status], "message": message}, "request_id": "req_1"})
		},
		StreamError: func() string {
			return event("error", object{"type": "error", "error": object{"type": "overloaded_error", "message": "Overloaded"}})
		},
		Overflow: func() (int, []byte) {
			return 400, mustJSON(object{"type": "error", "error": object{
				"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum",
			}})
		},
		Read: read,
	})
}

var errorTypes = map[int]string{
	400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
	413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 504: "timeout_error", 529: "overloaded_error",
}

func open(tb testing.TB, cfg anthropic.Config) *anthropic.Backend {
	tb.Helper()
	cfg.Name = "claude"
	b, err := anthropic.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

type object = map[string]any

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func event(name string, data object) string {
	return "event: " + name + "\ndata: " + string(mustJSON(data)) + "\n\n"
}

func usage(u llm.Usage) object {
	return object{
		"input_tokens": u.InputTokens, "output_tokens": u.OutputTokens,
		"cache_read_input_tokens": u.CacheReadTokens, "cache_creation_input_tokens": u.CacheWriteTokens,
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func whole(a backendtest.Answer) []byte {
	content := []object{}
	for _, p := range a.Parts {
		switch {
		case p.Text != nil:
			content = append(content, object{"type": "text", "text": strings.Join(p.Text, "")})
		case p.Reasoning != nil:
			content = append(content, object{"type": "thinking", "thinking": strings.Join(p.Reasoning, ""), "signature": p.Signature})
		default:
			content = append(content, object{"type": "tool_use", "id": p.ID, "name": p.Name, "input": json.RawMessage(strings.Join(p.Input, ""))})
		}
	}
	return mustJSON(object{
		"id": a.ID, "type": "message", "role": "assistant", "model": "test-model-20250101", "content": content,
		"stop_reason": string(a.Stop), "stop_sequence": orNull(a.Sequence), "usage": usage(a.Usage),
	})
}

func stream(a backendtest.Answer) []string {
	first := a.Usage
	first.OutputTokens = 1
	events := []string{event("message_start", object{"type": "message_start", "message": object{
		"id": a.ID, "type": "message", "role": "assistant", "model": "test-model-20250101", "content": []object{},
		"stop_reason": nil, "stop_sequence": nil, "usage": usage(first),
	}}), event("ping", object{"type": "ping"})}
	for i, p := range a.Parts {
		delta := func(d object) {
			events = append(events, event("content_block_delta", object{"type": "content_block_delta", "index": i, "delta": d}))
		}
		start := object{"type": "text", "text": ""}
		switch {
		case p.Reasoning != nil:
			start = object{"type": "thinking", "thinking": "", "signature": ""}
		case p.Input != nil:
			start = object{"type": "tool_use", "id": p.ID, "name": p.Name, "input": object{}}
		}
		events = append(events, event("content_block_start", object{"type": "content_block_start", "index": i, "content_block": start}))
		for _, text := range p.Text {
			delta(object{"type": "text_delta", "text": text})
		}
		for _, text := range p.Reasoning {
			delta(object{"type": "thinking_delta", "thinking": text})
		}
		if p.Signature != "" {
			delta(object{"type": "signature_delta", "signature": p.Signature})
		}
		for _, text := range p.Input {
			delta(object{"type": "input_json_delta", "partial_json": text})
		}
		events = append(events, event("content_block_stop", object{"type": "content_block_stop", "index": i}))
	}
	return append(events,
		event("message_delta", object{
			"type": "message_delta", "delta": object{"stop_reason": string(a.Stop), "stop_sequence": orNull(a.Sequence)},
			"usage": object{"output_tokens": a.Usage.OutputTokens},
		}),
		event("message_stop", object{"type": "message_stop"}))
}

// read understands a request by the provider's documentation, not by our decoder.
func read(tb testing.TB, r *http.Request, body []byte) backendtest.Asked {
	tb.Helper()
	if r.Method != http.MethodPost || r.URL.Path != "/v1/messages" || r.Header.Get("Anthropic-Version") != "2023-06-01" ||
		r.Header.Get("Content-Type") != "application/json" {
		tb.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
	}
	type block struct {
		Type      string
		Text      string
		Source    struct{ Type, Data string }
		ID, Name  string
		ToolUseID string `json:"tool_use_id"`
		Content   []block
	}
	var in struct {
		Model     string
		Stream    bool
		MaxTokens int `json:"max_tokens"`
		System    []block
		Messages  []struct {
			Role    string
			Content []block
		}
		Tools      []struct{ Name string }
		ToolChoice struct {
			Type    string
			Name    string
			Disable bool `json:"disable_parallel_tool_use"`
		} `json:"tool_choice"`
		Stop   []string `json:"stop_sequences"`
		Output struct {
			Format struct{ Schema json.RawMessage }
		} `json:"output_config"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		tb.Errorf("%v in %s", err, body)
	}
	out := backendtest.Asked{
		Model: in.Model, Stream: in.Stream, MaxTokens: in.MaxTokens, Stop: in.Stop, Schema: in.Output.Format.Schema,
		APIKey:     r.Header.Get("X-Api-Key"),
		ToolChoice: llm.ToolChoice{Mode: llm.ToolMode(in.ToolChoice.Type), Name: in.ToolChoice.Name, DisableParallel: in.ToolChoice.Disable},
		Results:    map[string]string{},
	}
	for _, b := range in.System {
		out.System += b.Text
	}
	for _, tool := range in.Tools {
		out.Tools = append(out.Tools, tool.Name)
	}
	for _, m := range in.Messages {
		for _, b := range m.Content {
			switch b.Type {
			case "text":
				out.Texts = append(out.Texts, b.Text)
			case "image":
				data, err := base64.StdEncoding.DecodeString(b.Source.Data)
				if err != nil {
					tb.Error(err)
				}
				out.Images = append(out.Images, data)
			case "tool_use":
				out.Calls = append(out.Calls, b.ID)
			case "tool_result":
				for _, inner := range b.Content {
					out.Results[b.ToolUseID] += inner.Text
				}
			}
		}
	}
	return out
}

// server answers with a body and notes what it was asked.
type server struct {
	*httptest.Server
	path   string
	header http.Header
	body   string
}

func serve(t *testing.T, contentType, answer string) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.path, s.header, s.body = r.URL.Path, r.Header, string(body)
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

const rawBody = `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["b2"],"max_tokens":5, "messages":[{"role":"user","content":"Hi"}],"future":1.0}`

// TestRawPath: a caller's own body goes up as it is and the answer comes back as it
// was, beside its events.
func TestRawPath(t *testing.T) {
	t.Parallel()
	const whole = `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"},{"type":"newer"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}, "future":1.0}`
	req, err := dialect.DecodeRequest([]byte(rawBody), dialect.Bedrock, "")
	if err != nil {
		t.Fatal(err)
	}
	req.Model = "claude-sonnet-4-5"
	s := serve(t, "application/json", whole)
	b := open(t, anthropic.Config{BaseURL: s.URL + "/v1/", Betas: []string{"b1"}, Headers: map[string]string{"Authorization": "Bearer x"}})
	resp := llmtest.Collect(t, b.Chat(t.Context(), req))
	if diff := cmp.Diff(s.body, `{"max_tokens":5, "messages":[{"role":"user","content":"Hi"}],"future":1.0,"model":"claude-sonnet-4-5"}`); diff != "" {
		t.Errorf("sent: got (-), want (+)\n%s", diff)
	}
	if got := s.header.Get("Anthropic-Beta"); got != "b1,b2" || s.header.Get("Authorization") != "Bearer x" || s.path != "/v1/messages" {
		t.Errorf("%s with %v", s.path, s.header)
	}
	if got := s.header.Values("Anthropic-Version"); len(got) != 1 || got[0] != "2023-06-01" {
		t.Errorf("version %q", got)
	}
	if string(resp.Raw) != whole || resp.Served.String() != "claude/claude-sonnet-4-5; fidelity=real" {
		t.Errorf("raw %s served by %s", resp.Raw, resp.Served)
	}
	if diff := llmtest.Diff(resp.Message.Content, []llm.Block{llmtest.Text("Hello")}); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}

	req.Stream = true
	events := strings.Join(stream(backendtest.Answer{ID: "msg_2", Parts: []backendtest.Part{{Text: []string{"a", "b"}}}, Stop: llm.EndTurn}), "")
	s = serve(t, "text/event-stream", events)
	b = open(t, anthropic.Config{BaseURL: s.URL})
	var raw strings.Builder
	for _, e := range llmtest.Events(t, b.Chat(t.Context(), req)) {
		if e, ok := e.(*llm.RawEvent); ok {
			fmt.Fprintf(&raw, "event: %s\ndata: %s\n\n", e.Name, e.Data)
		}
	}
	if diff := cmp.Diff(raw.String(), events); diff != "" {
		t.Errorf("raw events: got (-), want (+)\n%s", diff)
	}
	if !strings.Contains(s.body, `"stream":true`) {
		t.Errorf("sent %s", s.body)
	}

	// Someone answers a request for a stream with one object: then there are events.
	s = serve(t, "application/json; charset=utf-8", whole)
	b = open(t, anthropic.Config{BaseURL: s.URL})
	resp = llmtest.Collect(t, b.Chat(t.Context(), req))
	if resp.Raw != nil || len(resp.Message.Content) != 1 {
		t.Errorf("got %+v", resp)
	}
}

// TestVersion: a body goes up under the version it was written in, any other request
// under the one that has the sampling parameters.
func TestVersion(t *testing.T) {
	t.Parallel()
	f := func(req *llm.ChatRequest, cfg anthropic.Config, want string) {
		t.Helper()
		s := serve(t, "application/json", `{"input_tokens":14}`)
		cfg.BaseURL = s.URL
		if _, err := open(t, cfg).CountTokens(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if got := s.header.Values("Anthropic-Version"); len(got) != 1 || got[0] != want {
			t.Errorf("version %q, want %s", got, want)
		}
	}
	raw := func(version string) *llm.ChatRequest {
		req, err := dialect.DecodeRequest([]byte(strings.Replace(rawBody, "bedrock-2023-05-31", version, 1)), dialect.Bedrock, "")
		if err != nil {
			t.Fatal(err)
		}
		req.Model = "m"
		return req
	}
	configured := anthropic.Config{Headers: map[string]string{"anthropic-version": "2026-10-21"}}
	f(raw("2026-10-21"), anthropic.Config{}, "2026-10-21")
	f(raw("bedrock-2023-05-31"), anthropic.Config{}, "2023-06-01")
	f(raw("bedrock-2023-05-31"), configured, "2023-06-01")
	f(llmtest.Ask("m", "Hi"), anthropic.Config{}, "2023-06-01")
	f(llmtest.Ask("m", "Hi"), configured, "2026-10-21")
}

func TestCountTokens(t *testing.T) {
	t.Parallel()
	s := serve(t, "application/json", `{"input_tokens":14}`)
	b := open(t, anthropic.Config{BaseURL: s.URL, APIKey: "k"})
	req := llmtest.Ask("m", "Hi")
	req.Stream, req.Inference.MaxTokens = true, 5
	n, err := b.CountTokens(t.Context(), req)
	if n != 14 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if s.path != "/v1/messages/count_tokens" || s.header.Get("X-Api-Key") != "k" ||
		s.body != `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}` {
		t.Errorf("asked %s: %s", s.path, s.body)
	}
	for _, answer := range []string{``, `{}`, `{"input_tokens":"many"}`} {
		b := open(t, anthropic.Config{BaseURL: serve(t, "application/json", answer).URL})
		if _, err := b.CountTokens(t.Context(), req); !fault.Is(err, fault.ModelError) {
			t.Errorf("%q: %v", answer, err)
		}
	}
	req.Messages[0].Content = []llm.Block{&llm.Video{}}
	if _, err := b.CountTokens(t.Context(), req); !fault.Is(err, fault.Invalid) {
		t.Errorf("a video: %v", err)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/models" {
			t.Errorf("asked %s", r.URL)
		}
		if r.URL.Query().Get("after_id") == "" {
			_, _ = io.WriteString(w, `{"data":[{"id":"a"},{"id":"b"}],"has_more":true,"last_id":"b&c"}`)
			return
		}
		if got := r.URL.Query().Get("after_id"); got != "b&c" {
			t.Errorf("after %q", got)
		}
		_, _ = io.WriteString(w, `{"data":[{"id":"d"}],"has_more":false}`)
	}))
	t.Cleanup(srv.Close)
	b := open(t, anthropic.Config{BaseURL: srv.URL})
	names, err := b.Models(t.Context())
	if diff := cmp.Diff(names, []string{"a", "b", "d"}); diff != "" || err != nil {
		t.Errorf("%v, %v", names, err)
	}
	for _, answer := range []string{`{}`, `<html>`} {
		b := open(t, anthropic.Config{BaseURL: serve(t, "application/json", answer).URL})
		if _, err := b.Models(t.Context()); !fault.Is(err, fault.ModelError) {
			t.Errorf("%q: %v", answer, err)
		}
	}
	// A server that never ends its list is not followed for ever.
	pages := 0
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		pages++
		_, _ = io.WriteString(w, `{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}`)
	}))
	t.Cleanup(endless.Close)
	if names, err := open(t, anthropic.Config{BaseURL: endless.URL}).Models(t.Context()); err != nil || len(names) != pages || pages > 100 {
		t.Errorf("%d names of %d pages, %v", len(names), pages, err)
	}
}

func TestNewChecksItsConfig(t *testing.T) {
	t.Parallel()
	if _, err := anthropic.New(anthropic.Config{Name: "x", BaseURL: "ftp://a"}); err == nil {
		t.Error("an FTP address was taken")
	}
	b := open(t, anthropic.Config{})
	if got := b.BaseURL(); got != "https://api.anthropic.com/v1" {
		t.Errorf("base URL = %s", got)
	}
	for _, err := range b.Chat(t.Context(), &llm.ChatRequest{Messages: []llm.Message{llmtest.User(&llm.Audio{})}}) {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("audio: %v", err)
		}
	}
}

// TestStreamCutAnywhere: it does not matter where the network cuts a stream in two.
func TestStreamCutAnywhere(t *testing.T) {
	t.Parallel()
	text := strings.Join(stream(backendtest.Answer{ID: "m", Stop: llm.StopToolUse, Usage: llm.Usage{InputTokens: 3, OutputTokens: 4}, Parts: []backendtest.Part{
		{Reasoning: []string{"hm ", "…"}, Signature: "sig"}, {Text: []string{"Grü", "ße\n"}}, {ID: "t", Name: "f", Input: []string{`{"a":`, `"\n"}`}},
	}}), "")
	collect := func(r io.Reader) *llm.ChatResponse {
		var events []llm.Event
		reader, decoder := upstream.NewEventReader(r, 1<<16), dialect.NewStreamDecoder(&llm.ChatRequest{})
		for !decoder.Ended() {
			ev, err := reader.Next()
			if err != nil {
				t.Fatal(err)
			}
			some, err := decoder.Decode(ev.Data)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, some...)
		}
		return llmtest.Collect(t, llmtest.Stream(events...))
	}
	want := collect(strings.NewReader(text))
	if len(want.Message.Content) != 3 {
		t.Fatalf("read %+v", want.Message)
	}
	for i := range text {
		got := collect(io.MultiReader(strings.NewReader(text[:i]), strings.NewReader(text[i:])))
		if diff := llmtest.Diff(got, want); diff != "" {
			t.Fatalf("cut at %d: got (-), want (+)\n%s", i, diff)
		}
	}
}
