package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

func decode(t *testing.T, body string) *Request {
	t.Helper()
	r, err := DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDecodeRequest(t *testing.T) {
	t.Parallel()
	const body = `{
	"model": "gpt", "stream": true, "stream_options": {"include_usage": true}, "n": 1, "user": "u1", "metadata": {"team": "x"},
	"max_completion_tokens": 50, "max_tokens": 99, "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["a", "b"],
	"reasoning_effort": "high", "parallel_tool_calls": false, "logprobs": false, "modalities": ["text"], "future": {"x": 1},
	"tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}}, {"type": "function", "function": {"name": "g"}}],
	"tool_choice": {"type": "function", "function": {"name": "f"}},
	"response_format": {"type": "json_schema", "json_schema": {"name": "n", "description": "d", "strict": true, "schema": {"type": "object"}}},
	"messages": [
		{"role": "developer", "content": "Be brief."},
		{"role": "system", "content": [{"type": "text", "text": "And kind."}]},
		{"role": "user", "name": "ann", "content": [
			{"type": "text", "text": "look"}, {"type": "text", "text": ""},
			{"type": "image_url", "image_url": {"url": "data:image/JPG;base64,AAAA", "detail": "low"}},
			{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
			{"type": "file", "file": {"filename": "a report.PDF", "file_data": "data:application/pdf;base64,AAAA"}},
			{"type": "file", "file": {"filename": "x.md", "file_data": "data:text/plain;base64,AAAA"}},
			{"type": "file", "file": {"file_data": "data:text/csv;charset=utf-8;base64,AAAA"}},
			{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}]},
		{"role": "assistant", "content": null, "reasoning_content": "hm", "reasoning": "hm", "tool_calls": [
			{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}},
			{"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
			{"id": "c3", "type": "function", "function": {"name": "g", "arguments": "{broken"}}]},
		{"role": "tool", "tool_call_id": "c1", "content": "1"},
		{"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "2"}]},
		{"role": "tool", "tool_call_id": "c3", "content": ""},
		{"role": "user", "content": "and?"},
		{"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "r"}], "refusal": "no"},
		{"role": "system", "content": "New rules."},
		{"role": "assistant", "content": "x", "function_call": {"name": "h", "arguments": "{}"}},
		{"role": "function", "name": "h", "content": "42"}
	]}`
	bytes := []byte{0, 0, 0}
	want := &Request{IncludeUsage: true, Chat: &llm.ChatRequest{
		Model: "gpt", Stream: true, Metadata: map[string]string{"team": "x", "user": "u1"},
		System: []llm.Block{&llm.Text{Text: "Be brief."}, &llm.Text{Text: "And kind."}},
		Messages: []llm.Message{
			llmtest.User(
				llmtest.Text("look"), &llm.Image{Format: "jpeg", Source: llm.Source{Bytes: bytes}},
				&llm.Image{Source: llm.Source{URL: "https://a.example/b.png"}},
				&llm.Document{Format: "pdf", Name: "a report", Source: llm.Source{Bytes: bytes}},
				&llm.Document{Format: "md", Name: "x", Source: llm.Source{Bytes: bytes}},
				&llm.Document{Format: "csv", Name: "file", Source: llm.Source{Bytes: bytes}},
				&llm.Audio{Format: "mp3", Source: llm.Source{Bytes: bytes}},
			),
			llmtest.Assistant(
				&llm.Reasoning{Text: "hm"}, &llm.ToolUse{ID: "c1", Name: "f", Input: json.RawMessage(`{"a": 1}`)},
				&llm.ToolUse{ID: "c2", Name: "g", Input: json.RawMessage(`{}`)}, &llm.ToolUse{ID: "c3", Name: "g", Input: json.RawMessage(`"{broken"`)},
			),
			llmtest.User(
				&llm.ToolResult{ToolUseID: "c1", Content: []llm.Block{llmtest.Text("1")}},
				&llm.ToolResult{ToolUseID: "c2", Content: []llm.Block{llmtest.Text("2")}},
				&llm.ToolResult{ToolUseID: "c3"}, llmtest.Text("and?"),
			),
			llmtest.Assistant(llmtest.Text("a"), llmtest.Text("r"), llmtest.Text("no")),
			{Role: llm.System, Content: []llm.Block{llmtest.Text("New rules.")}},
			llmtest.Assistant(llmtest.Text("x"), &llm.ToolUse{ID: "call_legacy_0", Name: "h", Input: json.RawMessage(`{}`)}),
			llmtest.User(&llm.ToolResult{ToolUseID: "call_legacy_0", Content: []llm.Block{llmtest.Text("42")}}),
		},
		Inference: llm.Inference{
			MaxTokens: 50, Temperature: new(0.5), TopP: new(0.9), Seed: new(int64(7)), StopSequences: []string{"a", "b"}, Effort: "high",
		},
		Tools: []llm.Tool{
			{Name: "f", Description: "d", InputSchema: json.RawMessage(`{"type": "object"}`), Strict: true},
			{Name: "g", InputSchema: json.RawMessage(`{"type":"object","properties":{}}`)},
		},
		ToolChoice: llm.ToolChoice{Mode: llm.ToolNamed, Name: "f", DisableParallel: true},
		Output:     llm.OutputFormat{Name: "n", Description: "d", Strict: true, Schema: json.RawMessage(`{"type": "object"}`)},
		Raw:        &llm.RawRequest{Dialect: Dialect, Body: []byte(body)},
	}}
	if diff := llmtest.Diff(decode(t, body), want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

func TestDecodeRequestForms(t *testing.T) {
	t.Parallel()
	f := func(fields string, check func(*llm.ChatRequest) bool) {
		t.Helper()
		r := decode(t, `{"model":"m","messages":[{"role":"user","content":"hi"}],`+fields+`}`)
		if !check(r.Chat) {
			t.Errorf("%s gave %+v", fields, r.Chat)
		}
	}
	tools := `"tools":[{"type":"function","function":{"name":"f"}}],`
	f(`"stop":"x"`, func(r *llm.ChatRequest) bool { return cmp.Equal(r.Inference.StopSequences, []string{"x"}) })
	f(`"stop":null`, func(r *llm.ChatRequest) bool { return r.Inference.StopSequences == nil })
	f(`"max_tokens":5`, func(r *llm.ChatRequest) bool { return r.Inference.MaxTokens == 5 })
	f(`"reasoning_effort":"minimal"`, func(r *llm.ChatRequest) bool { return r.Inference.Effort == "low" })
	f(`"reasoning_effort":"none"`, func(r *llm.ChatRequest) bool {
		return r.Inference.Effort == "" && r.Inference.ReasoningBudget != nil && *r.Inference.ReasoningBudget == 0
	})
	f(tools+`"tool_choice":"required"`, func(r *llm.ChatRequest) bool { return r.ToolChoice.Mode == llm.ToolAny })
	f(tools+`"tool_choice":"none"`, func(r *llm.ChatRequest) bool { return r.ToolChoice.Mode == llm.ToolNone })
	f(`"tool_choice":"auto"`, func(r *llm.ChatRequest) bool { return r.ToolChoice.Mode == llm.ToolAuto })
	f(`"functions":[{"name":"f"}],"function_call":{"name":"f"}`, func(r *llm.ChatRequest) bool {
		return r.ToolChoice == llm.ToolChoice{Mode: llm.ToolNamed, Name: "f"} && len(r.Tools) == 1
	})
	f(`"response_format":{"type":"json_object"}`, func(r *llm.ChatRequest) bool { return r.Output.JSON })
	f(`"response_format":{"type":"text"}`, func(r *llm.ChatRequest) bool { return cmp.Equal(r.Output, llm.OutputFormat{}) })
	f(`"response_format":{"type":"json_schema","json_schema":{"name":"n"}}`, func(r *llm.ChatRequest) bool { return r.Output.JSON && r.Output.Schema == nil })
	f(`"stream":false`, func(r *llm.ChatRequest) bool { return !r.Stream })
}

func TestDecodeRequestRefuses(t *testing.T) {
	t.Parallel()
	f := func(body, param string) {
		t.Helper()
		_, err := DecodeRequest([]byte(body))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want it invalid", body, err)
			return
		}
		pe, ok := errors.AsType[*ParamError](err)
		if !ok || pe.Param != param {
			t.Errorf("%s: %v names the parameter %q, want %q", body, err, pe.Param, param)
		}
		r := EncodeError(err)
		if r.Status != 400 || !json.Valid(r.Body) || !strings.Contains(string(r.Body), `"invalid_request_error"`) {
			t.Errorf("%s: answered %d %s", body, r.Status, r.Body)
		}
	}
	for _, body := range []string{"", "{", "null", `{"model"}`} {
		f(body, "")
	}
	f(`{}`, "model")
	f(`{"model":"m"}`, "messages")
	f(`{"model":7}`, "model")
	f(`{"model":"m","messages":"hi"}`, "messages")
	with := func(fields, param string) {
		t.Helper()
		f(`{"model":"m","messages":[{"role":"user","content":"hi"}],`+fields+`}`, param)
	}
	with(`"n":2`, "n")
	with(`"n":0`, "n")
	with(`"logprobs":true,"top_logprobs":21`, "top_logprobs")
	with(`"top_logprobs":2`, "top_logprobs")
	with(`"audio":{"voice":"x"}`, "audio")
	with(`"modalities":["text","audio"]`, "modalities")
	with(`"web_search_options":{}`, "web_search_options")
	with(`"stream_options":{"include_usage":true}`, "stream_options")
	with(`"temperature":2.5`, "temperature")
	with(`"top_p":-1`, "top_p")
	with(`"max_tokens":0`, "max_tokens")
	with(`"max_completion_tokens":99999999999`, "max_completion_tokens")
	with(`"reasoning_effort":"huge"`, "reasoning_effort")
	with(`"stop":7`, "stop")
	with(`"tools":[{"type":"web_search"}]`, "tools[0].type")
	with(`"tools":[{"type":"function","function":{}}]`, "tools[0].function.name")
	with(`"functions":[{}]`, "functions[0].name")
	with(`"tool_choice":"maybe"`, "tool_choice")
	with(`"tool_choice":"required"`, "tool_choice")
	with(`"tool_choice":7`, "tool_choice")
	with(`"tool_choice":{"type":"allowed_tools"}`, "tool_choice")
	with(`"tool_choice":{"type":"function","function":{"name":"nobody"}}`, "tool_choice")
	with(`"response_format":{"type":"xml"}`, "response_format.type")
	with(`"response_format":{"type":"json_schema"}`, "response_format.json_schema.name")
	message := func(m, param string) {
		t.Helper()
		f(`{"model":"m","messages":[`+m+`]}`, param)
	}
	message(`{"role":"robot","content":"x"}`, "messages.[0].role")
	message(`{"role":"user","content":""}`, "messages.[0].content")
	message(`{"role":"user","content":7}`, "messages.[0].content")
	message(`{"role":"user","content":[{"type":"video"}]}`, "messages.[0].content[0].type")
	message(`{"role":"user","content":[{"type":"image_url"}]}`, "messages.[0].content[0].image_url")
	message(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}`, "messages.[0].content[0].image_url.url")
	message(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,!"}}]}`, "messages.[0].content[0].image_url.url")
	message(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/svg;base64,AAAA"}}]}`, "messages.[0].content[0].image_url.url")
	message(`{"role":"user","content":[{"type":"file","file":{"file_id":"f1"}}]}`, "messages.[0].content[0].file.file_data")
	message(`{"role":"user","content":[{"type":"file","file":{"file_data":"data:a/b;base64,AAAA"}}]}`, "messages.[0].content[0].file.file_data")
	message(`{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"!"}}]}`, "messages.[0].content[0].input_audio.data")
	message(`{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}`, "messages.[0].content")
	message(`{"role":"assistant"}`, "messages.[0].content")
	message(`{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}`, "messages.[0].tool_calls[0].id")
	message(`{"role":"assistant","tool_calls":[{"id":"a"}]}`, "messages.[0].tool_calls[0].function.name")
	message(`{"role":"tool","content":"x"}`, "messages.[0].tool_call_id")
	message(`{"role":"function","name":"f","content":"x"}`, "messages.[0]")
}

var info = Info{ID: "chatcmpl-1", Model: "gpt", Created: time.Unix(1700000000, 0), Fingerprint: "fp"}

var whole = &llm.ChatResponse{
	ID: "up-1", StopReason: llm.StopToolUse, Usage: llm.Usage{InputTokens: 2, OutputTokens: 5, CacheReadTokens: 8},
	Message: llmtest.Assistant(
		&llm.Reasoning{Text: "hm"}, &llm.Text{Text: "a\n\"b\""}, &llm.Citations{Text: " c"},
		&llm.ToolUse{ID: "c1", Name: "f", Input: json.RawMessage(`{"x":1}`)}, &llm.ToolUse{ID: "c2", Name: "g", Input: json.RawMessage(`{}`)},
	),
}

// What the door writes, the upstream side reads: one converter checks the other.
func TestResponseRoundTrip(t *testing.T) {
	t.Parallel()
	want := *whole
	want.ID = info.ID
	want.Message = llmtest.Assistant(whole.Message.Content[0], &llm.Text{Text: "a\n\"b\" c"}, whole.Message.Content[3], whole.Message.Content[4])
	got, err := DecodeResponse(AppendResponse(nil, whole, info), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := llmtest.Diff(got, &want); diff != "" {
		t.Errorf("whole (-got +want):\n%s", diff)
	}

	s := NewStreamEncoder(info, true)
	var out []byte
	for e, err := range llm.Replay(whole) {
		if err != nil {
			t.Fatal(err)
		}
		out = s.Append(out, e)
	}
	out = s.AppendDone(out)
	var chunks []string
	for event := range strings.SplitSeq(strings.TrimSuffix(string(out), "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		if !ok || !Done([]byte(data)) && !json.Valid([]byte(data)) {
			t.Errorf("event %q", event)
		}
		chunks = append(chunks, data)
	}
	got, err = decodeStream(t, chunks)
	if err != nil {
		t.Fatal(err)
	}
	if diff := llmtest.Diff(got, &want); diff != "" {
		t.Errorf("streamed (-got +want):\n%s", diff)
	}
}

func TestAppendResponseForm(t *testing.T) {
	t.Parallel()
	resp := &llm.ChatResponse{StopReason: llm.EndTurn, Message: llmtest.Assistant(llmtest.Text("hi")), Usage: llm.Usage{InputTokens: 1, OutputTokens: 2}}
	const want = `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt","system_fingerprint":"fp",` +
		`"choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}`
	if got := string(AppendResponse(nil, resp, info)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	resp.Logprobs = []llm.Logprob{{Token: "hi\xff", Logprob: -0.5, Top: []llm.Alternative{{Token: "hi", Logprob: -0.25}}}}
	const probs = `"logprobs":{"content":[{"token":"hi\ufffd","logprob":-0.5,"bytes":[104,105,255],"top_logprobs":[{"token":"hi","logprob":-0.25,"bytes":[104,105]}]}],"refusal":null}`
	if got := string(AppendResponse(nil, resp, info)); !strings.Contains(got, strings.ReplaceAll(probs, `\ufffd`, "\ufffd")) {
		t.Errorf("logprobs became %s", got)
	}
	resp.Raw = json.RawMessage(`{"as":"it came"}`)
	if got := string(AppendResponse(nil, resp, info)); got != `{"as":"it came"}` {
		t.Errorf("the raw body became %s", got)
	}
	resp = &llm.ChatResponse{StopReason: llm.StopToolUse, Message: llmtest.Assistant(&llm.ToolUse{ID: "a", Name: "f"})}
	if got := string(AppendResponse(nil, resp, Info{})); !strings.Contains(got, `"content":null`) || !strings.Contains(got, `"arguments":"{}"`) || !strings.Contains(got, `"system_fingerprint":null`) {
		t.Errorf("a call became %s", got)
	}
}

func TestFinishReasons(t *testing.T) {
	t.Parallel()
	for reason, want := range map[llm.StopReason]string{
		llm.EndTurn: "stop", llm.StopSequence: "stop", llm.StopToolUse: "tool_calls", llm.MaxTokens: "length", llm.ContextWindowFull: "length",
		llm.ContentFiltered: "content_filter", llm.GuardrailStopped: "content_filter", llm.MalformedOutput: "stop", llm.MalformedToolUse: "stop", "new": "stop",
	} {
		if got := finishReason(reason); got != want {
			t.Errorf("%s is %q, want %q", reason, got, want)
		}
	}
}

// A provider's own chunks pass as they are; the usage that only Outcrop asked for
// does not.
func TestStreamEncoderRaw(t *testing.T) {
	t.Parallel()
	events := []llm.Event{
		&llm.RawEvent{Dialect: Dialect, Name: RawChunk, Data: []byte(`{"id":"x", "choices":[{"delta":{"content":"a"}}],"new":1}`)},
		&llm.MessageStart{}, &llm.BlockStart{Block: &llm.Text{}}, &llm.BlockDelta{Text: "a"},
		&llm.RawEvent{Dialect: "anthropic", Name: "ping", Data: []byte(`{}`)},
		&llm.RawEvent{Dialect: Dialect, Name: RawChunk, Data: []byte(`{"id":"x","choices": [],"usage":{"prompt_tokens":1}}`)},
		&llm.RawEvent{Dialect: Dialect, Name: RawChunk, Data: []byte(`[DONE]`)},
		&llm.MessageStop{Reason: llm.EndTurn}, &llm.Metadata{},
	}
	f := func(includeUsage bool, want string) {
		t.Helper()
		s := NewStreamEncoder(info, includeUsage)
		var out []byte
		for _, e := range events {
			out = s.Append(out, e)
		}
		if got := string(s.AppendDone(out)); got != want {
			t.Errorf("with usage %t: %q, want %q", includeUsage, got, want)
		}
	}
	const first = "data: {\"id\":\"x\", \"choices\":[{\"delta\":{\"content\":\"a\"}}],\"new\":1}\n\n"
	f(false, first+"data: [DONE]\n\n")
	f(true, first+"data: {\"id\":\"x\",\"choices\": [],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n")
}

func TestUsageOnly(t *testing.T) {
	t.Parallel()
	f := func(data string, want bool) {
		t.Helper()
		if got := usageOnly([]byte(data)); got != want {
			t.Errorf("%s: %t, want %t", data, got, want)
		}
	}
	f(`{"choices":[],"usage":{"prompt_tokens":1}}`, true)
	f(`{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}`, true)
	f(`{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}`, false)
	f(`{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}`, false)
	f(`{"choices":[],"usage":null}`, false)
	f(`nonsense`, false)
}

func TestStreamEncoderEmptyInput(t *testing.T) {
	t.Parallel()
	s := NewStreamEncoder(info, false)
	var out []byte
	for _, e := range []llm.Event{
		&llm.MessageStart{}, &llm.BlockStart{Block: &llm.ToolUse{ID: "a", Name: "f"}}, &llm.BlockStop{},
		&llm.MessageStop{Reason: llm.StopToolUse}, &llm.Metadata{Usage: llm.Usage{InputTokens: 1}},
	} {
		out = s.Append(out, e)
	}
	if got := string(out); !strings.Contains(got, `"arguments":"{}"`) || strings.Contains(got, "usage") {
		t.Errorf("got %s", got)
	}
	if got := string(s.AppendError(nil, fault.Errorf(fault.Unavailable, "gone"))); got != `data: {"error":{"message":"gone","type":"server_error","param":null,"code":"unavailable"}}`+"\n\n" {
		t.Errorf("the error is %s", got)
	}
}

func TestEncodeError(t *testing.T) {
	t.Parallel()
	f := func(err error, status int, want ...string) {
		t.Helper()
		got := EncodeError(err)
		if got.Status != status || !json.Valid(got.Body) {
			t.Errorf("%v is %d %s, want %d", err, got.Status, got.Body, status)
		}
		for _, w := range want {
			if !strings.Contains(string(got.Body), w) {
				t.Errorf("%v is %s, want it to hold %s", err, got.Body, w)
			}
		}
		if strings.Contains(string(got.Body), "secret") {
			t.Errorf("%v tells what is internal: %s", err, got.Body)
		}
	}
	f(fault.Errorf(fault.Invalid, "bad \"x\""), 400, `"bad \"x\""`, `"code":null`)
	f(fault.Errorf(fault.Invalid, "Input is too long for requested model."), 400, `"context_length_exceeded"`, `"param":"messages"`)
	f(fault.Errorf(fault.Invalid, "input length and `max_tokens` exceed context limit: 1"), 400, `"context_length_exceeded"`)
	f(fault.Errorf(fault.NotFound, "no"), 404, `"model_not_found"`)
	f(fault.Errorf(fault.Conflict, "no"), 409)
	f(fault.Errorf(fault.Denied, "no"), 403, `"access_denied"`)
	f(fault.Errorf(fault.Throttled, "no"), 429, `"rate_limit_exceeded"`)
	f(fault.Errorf(fault.QuotaExceeded, "no"), 429, `"insufficient_quota"`)
	f(fault.Errorf(fault.Unavailable, "no"), 503)
	f(fault.Errorf(fault.NotReady, "no"), 503)
	f(fault.Errorf(fault.Timeout, "no"), 504)
	f(fault.Wrap(fault.ModelError, errors.New("secret"), "the model"), 502, `"the model"`)
	f(fault.Errorf(fault.NotImplemented, "no"), 501)
	f(fault.Errorf(fault.Canceled, "no"), 499)
	f(fault.Errorf(fault.Internal, "secret"), 500, "The server had an error")
	f(errors.New("secret"), 500, "The server had an error")
	f(fmt.Errorf("secret: %w", t.Context().Err()), 500)
	wait := &fault.Error{Kind: fault.Throttled, Message: "no", RetryAfter: 3 * time.Second}
	if got := EncodeError(fmt.Errorf("outer: %w", wait)); got.RetryAfter != 3*time.Second || got.Status != 429 {
		t.Errorf("got %+v", got)
	}
}

func TestAppendModels(t *testing.T) {
	t.Parallel()
	got := string(AppendModels(nil, []Model{{ID: "a", OwnedBy: "me", Created: time.Unix(5, 0)}, {ID: "b", OwnedBy: "you", Created: time.Unix(6, 0)}}))
	const want = `{"object":"list","data":[{"id":"a","object":"model","created":5,"owned_by":"me"},{"id":"b","object":"model","created":6,"owned_by":"you"}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(AppendModels(nil, nil)); got != `{"object":"list","data":[]}` {
		t.Errorf("no models: %s", got)
	}
}

// A request in the dialect, decoded and written again without its raw body, says
// the same.
func FuzzDecodeRequest(f *testing.F) {
	f.Add(`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"tools":[{"function":{"name":"f"}}],"stop":["x"]}`)
	f.Add(`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := DecodeRequest([]byte(body))
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%v is not a fault of kind invalid", err)
			}
			return
		}
		r.Chat.Raw = nil
		again, err := AppendRequest(t.Context(), nil, r.Chat, Options{})
		if err != nil {
			return
		}
		second, err := DecodeRequest(again)
		if err != nil {
			if pe, ok := errors.AsType[*ParamError](err); ok && strings.HasSuffix(pe.Param, "content") {
				return // an empty turn has no form in the dialect
			}
			t.Fatalf("%v in %s", err, again)
		}
		if second.Chat.Model != r.Chat.Model || len(second.Chat.Tools) != len(r.Chat.Tools) {
			t.Errorf("%s became %s", body, again)
		}
	})
}

func BenchmarkDecodeResponse(b *testing.B) {
	body := AppendResponse(nil, &llm.ChatResponse{
		StopReason: llm.EndTurn, Usage: llm.Usage{InputTokens: 10, OutputTokens: 100},
		Message: llmtest.Assistant(llmtest.Text(strings.Repeat("The sky is blue because of Rayleigh scattering.\n", 10))),
	}, info)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := DecodeResponse(body, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStreamEncoder(b *testing.B) {
	s := NewStreamEncoder(info, false)
	e := &llm.BlockDelta{Text: " hello"}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = s.Append(out[:0], e)
	}
}
