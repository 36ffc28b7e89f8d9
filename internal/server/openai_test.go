package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/iam"
)

// openaiError is an error as OpenAI's clients read it.
type openaiError struct {
	Message string
	Type    string
	Param   *string
	Code    any
}

func (a answer) openaiError(t testing.TB) openaiError {
	t.Helper()
	var e struct{ Error openaiError }
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Errorf("%s: %v", a.body, err)
	}
	return e.Error
}

const completions = "/openai/v1/chat/completions"

// chatBody is a request of OpenAI's client; more is further members.
func chatBody(model, text, more string) string {
	return `{"model":"` + model + `","messages":[{"role":"user","content":"` + text + `"}]` + more + `}`
}

// TestOpenAIErrors looks at what OpenAI's client raises its exceptions by.
func TestOpenAIErrors(t *testing.T) {
	t.Parallel()
	i := start(t)
	_, limited := i.key(iam.NewKey{Name: "limited", Kind: iam.SigV4, Actions: []string{"bedrock:ListFoundationModels"}})
	bearer, _ := i.key(iam.NewKey{Name: "notebook", Kind: iam.Bearer, Actions: []string{"bedrock:*"}})
	for _, tc := range []struct {
		name    string
		ask     ask
		status  int
		kind    string
		code    any
		message string
	}{
		{"no key", ask{unsigned: true, body: chatBody(labChat, "hello", "")}, 401, "invalid_request_error", "invalid_api_key", ""},
		{"a wrong key", ask{bearer: "sk-nothing", body: chatBody(labChat, "hello", "")}, 401, "invalid_request_error", "invalid_api_key", ""},
		{"a key that may not", ask{key: limited, body: chatBody(labChat, "hello", "")}, 403, "*", "*", "not authorized"},
		{"an unknown model", ask{body: chatBody("nobody.x", "hello", "")}, 404, "invalid_request_error", "model_not_found", ""},
		{"an unknown model's data", ask{method: http.MethodGet, path: "/openai/v1/models/nobody.x"}, 404, "invalid_request_error", "model_not_found", "nobody.x"},
		{"an unknown path", ask{path: "/openai/v1/moderations", body: `{}`}, 404, "invalid_request_error", "*", "/openai/v1/moderations"},
		{"another method", ask{method: http.MethodGet, path: completions}, 404, "invalid_request_error", "*", ""},
		{"no JSON", ask{body: `{`}, 400, "invalid_request_error", "*", ""},
		{"no messages", ask{body: `{"model":"lab.chat"}`}, 400, "invalid_request_error", "*", "messages"},
		{"no model", ask{body: `{"messages":[{"role":"user","content":"hello"}]}`}, 400, "invalid_request_error", "*", "model"},
		{"broken UTF-8", ask{body: chatBody(labChat, "\xff", "")}, 400, "invalid_request_error", "*", ""},
		{"10,000 deep", ask{body: strings.Repeat(`{"messages":[`, 10_000)}, 400, "invalid_request_error", "*", ""},
		{"an orphan tool result", ask{body: `{"model":"lab.chat","messages":[{"role":"tool","tool_call_id":"x","content":"5"}]}`}, 400, "invalid_request_error", "*", ""},
		{"too large", ask{bearer: bearer.Secret, header: map[string]string{"Expect": "100-continue"}, body: strings.Repeat("x", 25<<20+1)}, 400, "invalid_request_error", "*", "larger than"},
		{"throttled", ask{body: chatBody(labChat, "busy", "")}, 429, "*", "*", "busy"},
		{"the model failed", ask{body: chatBody(labChat, "fail", "")}, 502, "*", "*", ""},
		{"a backend that is down", ask{body: chatBody(broken, "hello", "")}, 503, "*", "*", ""},
		{"a stream that is throttled", ask{body: chatBody(labChat, "busy", `,"stream":true`)}, 429, "*", "*", "busy"},
	} {
		if tc.ask.path == "" {
			tc.ask.path = completions
		}
		a := i.do(tc.ask)
		e := a.openaiError(t)
		if a.status != tc.status || tc.kind != "*" && e.Type != tc.kind || tc.code != "*" && e.Code != tc.code || e.Message == "" || !strings.Contains(e.Message, tc.message) {
			t.Errorf("%s: got %d %s, want %d %s %v %q", tc.name, a.status, a.body, tc.status, tc.kind, tc.code, tc.message)
		}
		if inner.Match(a.body) || !requestID.MatchString(a.header.Get("X-Amzn-Requestid")) || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v %s", tc.name, a.header, a.body)
		}
		if got := a.header.Get("Retry-After"); (tc.status == 429) != (got == "3") {
			t.Errorf("%s: Retry-After %q", tc.name, got)
		}
	}
	i.healthy()
}

func TestOpenAIModels(t *testing.T) {
	t.Parallel()
	i := start(t)
	a := i.do(ask{method: http.MethodGet, path: "/openai/v1/models"})
	var list struct {
		Object string
		Data   []struct {
			ID, Object string
			OwnedBy    string `json:"owned_by"`
			Created    int64
		}
	}
	if err := json.Unmarshal(a.body, &list); err != nil || list.Object != "list" {
		t.Fatalf("%d %.200s: %v", a.status, a.body, err)
	}
	found := map[string]bool{}
	for _, m := range list.Data {
		found[m.ID] = true
		if m.Object != "model" || m.OwnedBy == "" {
			t.Errorf("%+v", m)
		}
	}
	if !found[labChat] || !found[claude] || found["amazon.titan-embed-text-v2:0"] {
		t.Errorf("%d models: not those that chat", len(list.Data))
	}
	if a := i.do(ask{method: http.MethodGet, path: "/openai/v1/models/" + claude}); a.status != http.StatusOK || !strings.Contains(string(a.body), `"`+claude+`"`) {
		t.Errorf("one model: %d %s", a.status, a.body)
	}
}

// TestOpenAIChat reads answers as OpenAI's client does.
func TestOpenAIChat(t *testing.T) {
	t.Parallel()
	i := start(t)
	bearer, _ := i.key(iam.NewKey{Name: "notebook", Kind: iam.Bearer, Actions: []string{"bedrock:*"}})
	type response struct {
		Object, Model string
		Choices       []struct {
			FinishReason string `json:"finish_reason"`
			Message      struct {
				Role, Content string
				ToolCalls     []struct {
					ID, Type string
					Function struct{ Name, Arguments string }
				} `json:"tool_calls"`
			}
		}
		Usage struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
			Total      int `json:"total_tokens"`
		}
	}
	chat := func(a ask) response {
		t.Helper()
		a.path = completions
		got := i.do(a)
		var r response
		if err := json.Unmarshal(got.body, &r); err != nil || got.status != http.StatusOK || len(r.Choices) != 1 || r.Object != "chat.completion" {
			t.Fatalf("%d %s: %v", got.status, got.body, err)
		}
		if got.header.Get("X-Outcrop-Served-By") != "lab/chat; fidelity=scripted" {
			t.Errorf("served by %q", got.header.Get("X-Outcrop-Served-By"))
		}
		return r
	}
	for name, a := range map[string]ask{"signed": {}, "with an API key": {bearer: bearer.Secret}} {
		a.body = chatBody(labChat, "hello", "")
		r := chat(a)
		if r.Choices[0].Message.Content != "Hello from the lab." || r.Choices[0].FinishReason != "stop" || r.Usage.Prompt != 11 || r.Usage.Total != 18 || r.Model != labChat {
			t.Errorf("%s: %+v", name, r)
		}
	}
	tools := `,"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}}]`
	r := chat(ask{body: chatBody(labChat, "weather", tools)})
	if calls := r.Choices[0].Message.ToolCalls; len(calls) != 1 || calls[0].Type != "function" || calls[0].ID == "" || calls[0].Function.Name != "get_weather" ||
		calls[0].Function.Arguments != `{"city":"Oslo"}` || r.Choices[0].FinishReason != "tool_calls" {
		t.Errorf("tools: %+v", r)
	}
}

// chunk is one event of a stream.
type chunk struct {
	Object  string
	Choices []struct {
		Delta        struct{ Role, Content string }
		FinishReason *string `json:"finish_reason"`
	}
	Usage *struct {
		Total int `json:"total_tokens"`
	}
	Error *openaiError
}

// chunks reads server-sent events; done says whether the last is [DONE].
func chunks(t *testing.T, body string) (list []chunk, done bool) {
	t.Helper()
	for part := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		data, ok := strings.CutPrefix(part, "data: ")
		if !ok || done {
			t.Fatalf("event %q", part)
		}
		if data == "[DONE]" {
			done = true
			continue
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		list = append(list, c)
	}
	return list, done
}

func TestOpenAIStream(t *testing.T) {
	t.Parallel()
	i := start(t)
	for _, usage := range []bool{false, true} {
		more := `,"stream":true`
		if usage {
			more += `,"stream_options":{"include_usage":true}`
		}
		a := i.do(ask{path: completions, body: chatBody(labChat, "hello", more)})
		list, done := chunks(t, string(a.body))
		var text, finish string
		var total int
		for _, c := range list {
			if c.Object != "chat.completion.chunk" {
				t.Errorf("a chunk is a %q", c.Object)
			}
			for _, ch := range c.Choices {
				text += ch.Delta.Content
				if ch.FinishReason != nil {
					finish = *ch.FinishReason
				}
			}
			if c.Usage != nil {
				total = c.Usage.Total
			}
		}
		if !done || text != "Hello from the lab." || finish != "stop" || (total == 18) != usage || a.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("usage %v: %q %q %d done %v %v\n%s", usage, text, finish, total, done, a.header, a.body)
		}
	}
	// An answer that breaks off ends with an error, and not as if it were whole.
	a := i.do(ask{path: completions, body: chatBody(labChat, "tear", `,"stream":true`)})
	list, done := chunks(t, string(a.body))
	if last := list[len(list)-1]; done || last.Error == nil || last.Error.Message == "" {
		t.Errorf("a torn stream, done %v:\n%s", done, a.body)
	}
}

// TestOpenAILeave wants the upstream cancelled when the client goes.
func TestOpenAILeave(t *testing.T) {
	t.Parallel()
	i := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := i.http.Do(i.request(ctx, ask{path: completions, body: chatBody(labChat, "slowly", `,"stream":true`)}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 300)); err != nil {
		t.Error(err)
	}
	cancel()
	_ = resp.Body.Close()
	waitFor(t, "the call to end", func() bool { return len(i.records()) == 1 })
	if r := i.records()[0]; r.Latency.Seconds() > 5 || r.ErrorCode != "ClientGone" {
		t.Errorf("%+v", r)
	}
}
