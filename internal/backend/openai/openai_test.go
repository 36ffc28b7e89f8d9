package openai_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/backend/backendtest"
	"github.com/outcrop-ai/outcrop/internal/backend/openai"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, backendtest.Script{
		Open: func(tb testing.TB, target backendtest.Target) llm.ChatModel {
			tb.Helper()
			b, err := openai.New(openai.Config{
				Name: "gpu", BaseURL: target.BaseURL + "/v1", APIKey: target.APIKey, Timeout: target.Timeout,
				FirstTokenTimeout: target.FirstTokenTimeout, IdleTimeout: target.IdleTimeout,
			})
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(b.Close)
			return b
		},
		Whole:  whole,
		Stream: stream,
		Error: func(status int, message string) []byte {
			return mustJSON(map[string]any{"error": map[string]any{
				"message": message, "type": "some_error", "param": nil, "code": fmt.Sprint("c", status),
			}})
		},
		StreamError: func() string {
			return "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"code\":503}}\n\n"
		},
		Overflow: func() (int, []byte) {
			return 400, mustJSON(map[string]any{"error": map[string]any{
				"message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
				"type":    "invalid_request_error", "param": "messages", "code": "context_length_exceeded",
			}})
		},
		Read: read,
	})
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

var finishes = map[llm.StopReason]string{
	llm.EndTurn: "stop", llm.StopSequence: "stop", llm.StopToolUse: "tool_calls", llm.MaxTokens: "length",
}

type object = map[string]any

func usage(u llm.Usage) object {
	prompt := u.InputTokens + u.CacheReadTokens
	return object{
		"prompt_tokens": prompt, "completion_tokens": u.OutputTokens, "total_tokens": prompt + u.OutputTokens,
		"prompt_tokens_details": object{"cached_tokens": u.CacheReadTokens},
	}
}

func whole(a backendtest.Answer) []byte {
	message := object{"role": "assistant", "content": nil}
	var calls []object
	for _, p := range a.Parts {
		switch {
		case p.Text != nil:
			message["content"] = strings.Join(p.Text, "")
		case p.Reasoning != nil:
			message["reasoning_content"] = strings.Join(p.Reasoning, "")
		default:
			calls = append(calls, object{
				"id": p.ID, "type": "function",
				"function": object{"name": p.Name, "arguments": strings.Join(p.Input, "")},
			})
		}
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	choice := object{"index": 0, "message": message, "finish_reason": finishes[a.Stop]}
	if a.Sequence != "" {
		choice["stop_reason"] = a.Sequence
	}
	return mustJSON(object{
		"id": a.ID, "object": "chat.completion", "created": 1, "model": "m", "choices": []object{choice}, "usage": usage(a.Usage),
	})
}

func stream(a backendtest.Answer) []string {
	chunk := func(choice object) string {
		return "data: " + string(mustJSON(object{
			"id": a.ID, "object": "chat.completion.chunk", "created": 1, "model": "m",
			"choices": []object{choice}, "usage": nil,
		})) + "\n\n"
	}
	delta := func(d object) string { return chunk(object{"index": 0, "delta": d, "finish_reason": nil}) }
	events := []string{delta(object{"role": "assistant", "content": ""})}
	calls := 0
	for _, p := range a.Parts {
		for _, text := range p.Text {
			events = append(events, delta(object{"content": text}))
		}
		for _, text := range p.Reasoning {
			events = append(events, delta(object{"reasoning_content": text}))
		}
		for i, input := range p.Input {
			call := object{"index": calls, "function": object{"arguments": input}}
			if i == 0 {
				call = object{"index": calls, "id": p.ID, "type": "function", "function": object{"name": p.Name, "arguments": input}}
			}
			events = append(events, delta(object{"tool_calls": []object{call}}))
		}
		if p.Input != nil {
			calls++
		}
	}
	last := object{"index": 0, "delta": object{}, "finish_reason": finishes[a.Stop]}
	if a.Sequence != "" {
		last["stop_reason"] = a.Sequence
	}
	return append(events, chunk(last),
		"data: "+string(mustJSON(object{"id": a.ID, "object": "chat.completion.chunk", "choices": []object{}, "usage": usage(a.Usage)}))+"\n\n",
		"data: [DONE]\n\n")
}

// read is a plain reading of the request, on its own terms: it shares no code with
// the dialect.
func read(tb testing.TB, r *http.Request, body []byte) backendtest.Asked {
	tb.Helper()
	if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Content-Type") != "application/json" {
		tb.Errorf("asked %s %s with %v", r.Method, r.URL, r.Header)
	}
	var w struct {
		Model    string
		Stream   bool
		Messages []struct {
			Role       string
			Content    any
			ToolCallID string `json:"tool_call_id"`
			ToolCalls  []struct {
				ID string
			} `json:"tool_calls"`
		}
		Tools []struct {
			Function struct{ Name string }
		}
		ToolChoice        any   `json:"tool_choice"`
		ParallelToolCalls *bool `json:"parallel_tool_calls"`
		MaxTokens         int   `json:"max_tokens"`
		Stop              []string
		ResponseFormat    struct {
			JSONSchema struct{ Schema json.RawMessage } `json:"json_schema"`
		} `json:"response_format"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(body, &w); err != nil {
		tb.Error(err)
	}
	if w.StreamOptions.IncludeUsage != w.Stream {
		tb.Error("a stream has to be asked for its usage, and nothing else")
	}
	in := backendtest.Asked{
		Model: w.Model, Stream: w.Stream, MaxTokens: w.MaxTokens, Stop: w.Stop, Schema: w.ResponseFormat.JSONSchema.Schema,
		APIKey: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), Results: map[string]string{},
	}
	switch choice := w.ToolChoice.(type) {
	case string:
		in.ToolChoice.Mode = map[string]llm.ToolMode{"auto": llm.ToolAuto, "required": llm.ToolAny, "none": llm.ToolNone}[choice]
	case object:
		in.ToolChoice = llm.ToolChoice{Mode: llm.ToolNamed, Name: choice["function"].(object)["name"].(string)}
	}
	in.ToolChoice.DisableParallel = w.ParallelToolCalls != nil && !*w.ParallelToolCalls
	for _, t := range w.Tools {
		in.Tools = append(in.Tools, t.Function.Name)
	}
	for _, m := range w.Messages {
		texts, images := parts(tb, m.Content)
		switch m.Role {
		case "system":
			in.System = strings.Join(texts, "\n")
		case "tool":
			in.Results[m.ToolCallID] = strings.Join(texts, "\n")
		default:
			in.Texts = append(in.Texts, texts...)
			in.Images = append(in.Images, images...)
		}
		for _, c := range m.ToolCalls {
			in.Calls = append(in.Calls, c.ID)
		}
	}
	return in
}

func parts(tb testing.TB, content any) (texts []string, images [][]byte) {
	tb.Helper()
	switch content := content.(type) {
	case string:
		return []string{content}, nil
	case []any:
		for _, p := range content {
			part := p.(object)
			if part["type"] == "text" {
				texts = append(texts, part["text"].(string))
				continue
			}
			url := part["image_url"].(object)["url"].(string)
			data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(url, "data:image/png;base64,"))
			if err != nil {
				tb.Error(err)
			}
			images = append(images, data)
		}
	}
	return texts, images
}
