package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/iam"
)

const messages = "/anthropic/v1/messages"

// messageBody is a request of Anthropic's client; more is further members.
func messageBody(model, text, more string) string {
	return `{"model":"` + model + `","max_tokens":100,"messages":[{"role":"user","content":"` + text + `"}]` + more + `}`
}

// toAnthropic adds what Anthropic's clients always send.
func (a ask) toAnthropic() ask {
	if a.path == "" {
		a.path = messages
	}
	header := map[string]string{"Anthropic-Version": "2026-10-21"}
	maps.Copy(header, a.header)
	a.header = header
	return a
}

// TestAnthropicErrors looks at what Anthropic's client raises its exceptions by.
func TestAnthropicErrors(t *testing.T) {
	t.Parallel()
	i := start(t)
	_, limited := i.key(iam.NewKey{Name: "limited", Kind: iam.SigV4, Actions: []string{"bedrock:ListFoundationModels"}})
	get := http.MethodGet
	for _, tc := range []struct {
		name    string
		ask     ask
		status  int
		kind    string
		message string
	}{
		{"no key", ask{unsigned: true, body: messageBody(labChat, "hello", "")}, 401, "authentication_error", ""},
		{"a wrong key", ask{bearer: "sk-nothing", body: messageBody(labChat, "hello", "")}, 401, "authentication_error", ""},
		{"a wrong key in its own header", ask{unsigned: true, header: map[string]string{"X-Api-Key": "sk-nothing"}, body: messageBody(labChat, "hello", "")}, 401, "authentication_error", ""},
		{"signed for another service", ask{service: "sts", body: messageBody(labChat, "hello", "")}, 401, "authentication_error", ""},
		{"a key that may not", ask{key: limited, body: messageBody(labChat, "hello", "")}, 403, "permission_error", "not authorized"},
		{"a key that may not count", ask{key: limited, path: messages + "/count_tokens", body: messageBody(labChat, "hello", "")}, 403, "permission_error", "bedrock:CountTokens"},
		{"a key that may not look", ask{key: limited, method: get, path: "/anthropic/v1/models/" + claude}, 403, "permission_error", "bedrock:GetFoundationModel"},
		{"an unknown model", ask{body: messageBody("nobody.x", "hello", "")}, 404, "not_found_error", "model: nobody.x"},
		{"an unknown model's count", ask{path: messages + "/count_tokens", body: messageBody("nobody.x", "hello", "")}, 404, "not_found_error", "model: nobody.x"},
		{"an unknown model's data", ask{method: get, path: "/anthropic/v1/models/nobody.x"}, 404, "not_found_error", "model: nobody.x"},
		{"an unknown path", ask{path: "/anthropic/v1/files", body: `{}`}, 404, "not_found_error", "/anthropic/v1/files"},
		{"another method", ask{method: get}, 404, "not_found_error", messages},
		{"no JSON", ask{body: `{`}, 400, "invalid_request_error", "not valid JSON"},
		{"no messages", ask{body: `{"model":"lab.chat","max_tokens":5}`}, 400, "invalid_request_error", "messages: Field required"},
		{"no model", ask{body: `{"max_tokens":5,"messages":[{"role":"user","content":"hello"}]}`}, 400, "invalid_request_error", "model: Field required"},
		{"no version", ask{header: map[string]string{"Anthropic-Version": ""}, body: messageBody(labChat, "hello", "")}, 400, "invalid_request_error", "anthropic-version: header is required"},
		{"a version to come", ask{header: map[string]string{"Anthropic-Version": "2031-01-01"}, body: messageBody(labChat, "hello", "")}, 400, "invalid_request_error", "not a valid version"},
		{"a temperature", ask{body: messageBody(labChat, "hello", `,"temperature":1`)}, 400, "invalid_request_error", "temperature: Extra inputs are not permitted"},
		{"a temperature, counted", ask{path: messages + "/count_tokens", body: messageBody(labChat, "hello", `,"temperature":1`)}, 400, "invalid_request_error", "temperature: Extra inputs are not permitted"},
		{"too large", ask{body: strings.Repeat("x", 25<<20+1)}, 413, "request_too_large", "larger than"},
		{"throttled", ask{body: messageBody(labChat, "busy", "")}, 429, "rate_limit_error", "busy"},
		{"the model failed", ask{body: messageBody(labChat, "fail", "")}, 500, "api_error", ""},
		{"a backend that is down", ask{body: messageBody(broken, "hello", "")}, 529, "overloaded_error", ""},
		{"a stream that is throttled", ask{body: messageBody(labChat, "busy", `,"stream":true`)}, 429, "rate_limit_error", "busy"},
		{"a page of none", ask{method: get, path: "/anthropic/v1/models?limit=0"}, 400, "invalid_request_error", "limit"},
		{"a page after nobody", ask{method: get, path: "/anthropic/v1/models?after_id=nobody"}, 400, "invalid_request_error", "nobody"},
		{"a page on both sides", ask{method: get, path: "/anthropic/v1/models?after_id=a&before_id=b"}, 400, "invalid_request_error", "after_id"},
	} {
		a := i.do(tc.ask.toAnthropic())
		var e struct {
			Type      string
			Error     struct{ Type, Message string }
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal(a.body, &e); err != nil {
			t.Errorf("%s: %s: %v", tc.name, a.body, err)
		}
		if a.status != tc.status || e.Type != "error" || e.Error.Type != tc.kind || e.Error.Message == "" || !strings.Contains(e.Error.Message, tc.message) {
			t.Errorf("%s: got %d %s, want %d %s %q", tc.name, a.status, a.body, tc.status, tc.kind, tc.message)
		}
		id := a.header.Get("Request-Id")
		if inner.Match(a.body) || !requestID.MatchString(id) || e.RequestID != id || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v %s", tc.name, a.header, a.body)
		}
		if got := a.header.Get("Retry-After"); (tc.status == 429) != (got == "3") {
			t.Errorf("%s: Retry-After %q", tc.name, got)
		}
	}
	i.healthy()
}

func TestAnthropicModels(t *testing.T) {
	t.Parallel()
	i := start(t)
	type page struct {
		Data []struct {
			Type, ID, Lifecycle string
			Name                string `json:"display_name"`
			Created             string `json:"created_at"`
		}
		HasMore bool   `json:"has_more"`
		First   string `json:"first_id"`
		Last    string `json:"last_id"`
	}
	list := func(query string) page {
		t.Helper()
		a := i.do(ask{method: http.MethodGet, path: "/anthropic/v1/models" + query})
		var p page
		if err := json.Unmarshal(a.body, &p); err != nil || a.status != http.StatusOK {
			t.Fatalf("%d %.200s: %v", a.status, a.body, err)
		}
		if len(p.Data) > 0 && (p.First != p.Data[0].ID || p.Last != p.Data[len(p.Data)-1].ID) {
			t.Errorf("%s: from %s to %s in %+v", query, p.First, p.Last, p.Data)
		}
		return p
	}
	ids := func(p page) (out []string) {
		for _, m := range p.Data {
			if m.Type != "model" || m.Created == "" || m.Lifecycle != "active" && m.Lifecycle != "deprecated" {
				t.Errorf("%+v", m)
			}
			out = append(out, m.ID)
		}
		return out
	}
	whole := list("?limit=1000")
	all := ids(whole)
	found := map[string]bool{}
	for _, id := range all {
		found[id] = true
	}
	if whole.HasMore || !found[labChat] || !found[claude] || found["amazon.titan-embed-text-v2:0"] {
		t.Errorf("%d models, more %v: not those that chat", len(all), whole.HasMore)
	}
	if p := list(""); len(p.Data) != 20 || !p.HasMore {
		t.Errorf("the usual page has %d, more %v", len(p.Data), p.HasMore)
	}
	var forth []string
	for p := list("?limit=7"); ; p = list("?limit=7&after_id=" + p.Last) {
		forth = append(forth, ids(p)...)
		if !p.HasMore {
			break
		}
	}
	if diff := cmp.Diff(forth, all); diff != "" {
		t.Errorf("page by page (-), at once (+)\n%s", diff)
	}
	if p := list("?limit=3&before_id=" + all[5]); cmp.Diff(ids(p), all[2:5]) != "" || !p.HasMore {
		t.Errorf("before %s: %v", all[5], ids(p))
	}
	if p := list("?before_id=" + all[0]); len(p.Data) != 0 || p.HasMore {
		t.Errorf("before the first: %v", ids(p))
	}
	if a := i.do(ask{method: http.MethodGet, path: "/anthropic/v1/models/" + claude}); a.status != http.StatusOK || !strings.Contains(string(a.body), `"id":"`+claude+`"`) {
		t.Errorf("one model: %d %s", a.status, a.body)
	}
}

// TestAnthropicMessages reads answers as Anthropic's client does, with each credential.
func TestAnthropicMessages(t *testing.T) {
	t.Parallel()
	i := start(t)
	bearer, _ := i.key(iam.NewKey{Name: "notebook", Kind: iam.Bearer, Actions: []string{"bedrock:*"}})
	type response struct {
		Type, Role, Model string
		Stop              string `json:"stop_reason"`
		Content           []struct {
			Type, Text, ID, Name string
			Input                json.RawMessage
		}
		Usage struct {
			Input  int `json:"input_tokens"`
			Output int `json:"output_tokens"`
		}
	}
	chat := func(name string, a ask) response {
		t.Helper()
		got := i.do(a.toAnthropic())
		var r response
		if err := json.Unmarshal(got.body, &r); err != nil || got.status != http.StatusOK || r.Type != "message" || r.Role != "assistant" || len(r.Content) != 1 {
			t.Fatalf("%s: %d %s: %v", name, got.status, got.body, err)
		}
		if got.header.Get("X-Outcrop-Served-By") != "lab/chat; fidelity=scripted" || !requestID.MatchString(got.header.Get("Request-Id")) {
			t.Errorf("%s: %v", name, got.header)
		}
		return r
	}
	old := map[string]string{"Anthropic-Version": "2023-06-01", "Anthropic-Beta": "a-2026-01-01,b-2026-01-01"}
	for name, a := range map[string]ask{
		"signed": {}, "signed for the other host": {service: "bedrock-mantle"}, "a bearer": {bearer: bearer.Secret},
		"a key in its own header": {unsigned: true, header: map[string]string{"X-Api-Key": bearer.Secret}},
		"an older client":         {header: old},
	} {
		a.body = messageBody(labChat, "hello", "")
		if name == "an older client" {
			a.body = messageBody(labChat, "hello", `,"temperature":0.5`)
		}
		r := chat(name, a)
		if r.Content[0].Text != "Hello from the lab." || r.Stop != "end_turn" || r.Usage.Input != 11 || r.Usage.Output != 7 || r.Model != labChat {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := chat("tools", ask{body: messageBody(labChat, "weather", `,"tools":[{"name":"get_weather","input_schema":{"type":"object"}}]`)})
	if b := r.Content[0]; b.Type != "tool_use" || b.ID == "" || b.Name != "get_weather" || string(b.Input) != `{"city":"Oslo"}` || r.Stop != "tool_use" {
		t.Errorf("tools: %+v", r)
	}
	a := i.do(ask{path: messages + "/count_tokens", body: messageBody(labChat, "hello", "")}.toAnthropic())
	var count struct {
		Tokens int `json:"input_tokens"`
	}
	if err := json.Unmarshal(a.body, &count); err != nil || a.status != http.StatusOK || count.Tokens <= 0 {
		t.Errorf("count: %d %s", a.status, a.body)
	}
}

// sseEvents reads named server-sent events: their names, their text, the last one's data.
func sseEvents(t *testing.T, body string) (names []string, text, last string) {
	t.Helper()
	for part := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		name, data, ok := strings.Cut(part, "\ndata: ")
		name, named := strings.CutPrefix(name, "event: ")
		var e struct {
			Type  string
			Delta struct{ Text string }
		}
		if err := json.Unmarshal([]byte(data), &e); !ok || !named || err != nil || e.Type != name {
			t.Fatalf("event %q: %v", part, err)
		}
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
		text, last = text+e.Delta.Text, data
	}
	return names, text, last
}

func TestAnthropicStream(t *testing.T) {
	t.Parallel()
	i := start(t)
	a := i.do(ask{body: messageBody(labChat, "hello", `,"stream":true`)}.toAnthropic())
	names, text, _ := sseEvents(t, string(a.body))
	want := []string{"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"}
	if diff := cmp.Diff(names, want); diff != "" || text != "Hello from the lab." || a.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q, %v\n%s", text, a.header, diff)
	}
	if strings.Contains(string(a.body), "amazon-bedrock") {
		t.Errorf("Bedrock's metrics in Anthropic's stream:\n%s", a.body)
	}
	// An answer that breaks off ends with an error, and not as if it were whole.
	a = i.do(ask{body: messageBody(labChat, "tear", `,"stream":true`)}.toAnthropic())
	names, text, last := sseEvents(t, string(a.body))
	if names[len(names)-1] != "error" || !strings.HasPrefix(text, "one two") || !strings.Contains(last, `"request_id":"`+a.header.Get("Request-Id")+`"`) {
		t.Errorf("a torn stream:\n%s", a.body)
	}
	waitFor(t, "the records", func() bool { return len(i.records()) == 2 })
	for _, r := range i.records() {
		if r.Service != "anthropic" || r.Operation != "Messages" || r.ModelID != labChat || !r.Stream {
			t.Errorf("%+v", r)
		}
	}
}
