package openai_test

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/backend/openai"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

// serve starts a server and returns a backend for it.
func serve(t *testing.T, h http.HandlerFunc) *openai.Backend {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	b, err := openai.New(openai.Config{Name: "gpu", BaseURL: srv.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func respond(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

func kindOf(t *testing.T, err error) fault.Kind {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *fault.Error", err)
	}
	return e.Kind
}

const streamBody = "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"a\"}}], \"new\":1.50}\n\n" +
	"data: {\"id\":\"c\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

// A request in the dialect goes out as it came, and its answer comes back so too.
func TestRaw(t *testing.T) {
	t.Parallel()
	var sent string
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = string(body)
		if strings.Contains(sent, `"stream"`) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, streamBody)
			return
		}
		respond(w, `{"id":"c", "new":1.50,"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`)
	})
	req := llmtest.Ask("up", "hi")
	req.Raw = &llm.RawRequest{Dialect: "openai", Body: []byte(`{"model": "x", "new_field": 1.50}`)}
	events := llmtest.Events(t, b.Chat(t.Context(), req))
	if want := `{"model": "up", "new_field": 1.50}`; sent != want {
		t.Errorf("sent %s, want %s", sent, want)
	}
	raw, ok := events[0].(*llm.RawEvent)
	if !ok || raw.Dialect != "openai" || raw.Name != "" || string(raw.Data) != `{"id":"c", "new":1.50,"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}` {
		t.Errorf("the first event is %+v", events[0])
	}

	req.Stream = true
	events = llmtest.Events(t, b.Chat(t.Context(), req))
	var chunks []string
	for _, e := range events {
		if raw, ok := e.(*llm.RawEvent); ok {
			if raw.Dialect != "openai" || raw.Name == "" {
				t.Errorf("raw event %+v", raw)
			}
			chunks = append(chunks, "data: "+string(raw.Data)+"\n\n")
		}
	}
	if got := strings.Join(chunks, "") + "data: [DONE]\n\n"; got != streamBody {
		t.Errorf("chunks are %q, want %q", got, streamBody)
	}
	resp, err := llm.Collect(llmtest.Stream(events...))
	if err != nil || resp.Raw != nil {
		t.Errorf("a stream has no whole body: %s, %v", resp.Raw, err)
	}
	if diff := cmp.Diff(resp.Usage, llm.Usage{InputTokens: estimate.Request(req), OutputTokens: 1, Estimated: true}); diff != "" {
		t.Errorf("usage (-got +want):\n%s", diff)
	}
}

// A server that answers a request for a stream with one whole object is understood.
func TestWholeAnswerToStream(t *testing.T) {
	t.Parallel()
	b := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		respond(w, `{"choices":[{"message":{"content":"all"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`)
	})
	req := llmtest.Ask("m", "hi")
	req.Stream = true
	got := llmtest.Collect(t, b.Chat(t.Context(), req))
	if diff := cmp.Diff(got.Message, llmtest.Assistant(llmtest.Text("all"))); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

func TestErrorInOK(t *testing.T) {
	t.Parallel()
	b := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		respond(w, `{"error":{"message":"busy","type":"rate_limit_error"}}`)
	})
	_, err := llm.Collect(b.Chat(t.Context(), llmtest.Ask("m", "hi")))
	if kindOf(t, err) != fault.Throttled {
		t.Errorf("got %v", err)
	}
}

func TestEmbed(t *testing.T) {
	t.Parallel()
	var answer string
	var asked map[string]any
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/embeddings" {
			t.Errorf("asked %s", r.URL)
		}
		asked = map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&asked)
		respond(w, answer)
	})
	req := &llm.EmbedRequest{Model: "e", Texts: []string{"one", "two"}, Dimensions: 2, Normalize: true}
	answer = `{"data":[{"index":1,"embedding":[0,5]},{"index":0,"embedding":[3,4]}],"usage":{"prompt_tokens":7}}`
	got, err := b.Embed(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := &llm.EmbedResponse{
		Vectors: [][]float32{{0.6, 0.8}, {0, 1}}, InputTokens: 7,
		Served: llm.Served{Backend: "gpu", Model: "e", Fidelity: llm.Real},
	}
	if diff := cmp.Diff(got, want, cmp.Comparer(func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 })); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(asked, map[string]any{"model": "e", "input": []any{"one", "two"}, "dimensions": 2.0, "encoding_format": "float"}); diff != "" {
		t.Errorf("asked (-got +want):\n%s", diff)
	}
	req.Normalize, req.Dimensions = false, 0
	answer = `{"data":[{"embedding":"AABAQAAAgEA="},{"embedding":[0,0]}]}` // 3 and 4, little-endian
	if got, err = b.Embed(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Vectors, [][]float32{{3, 4}, {0, 0}}); diff != "" || got.InputTokens != 2 {
		t.Errorf("%d tokens (-got +want):\n%s", got.InputTokens, diff)
	}
	for _, answer = range []string{
		`{}`, `nonsense`, `{"data":[{"embedding":[1]}]}`, `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`,
		`{"data":[{"index":0,"embedding":[1]},{"index":9,"embedding":[1]}]}`, `{"data":[{"embedding":[1]},{"embedding":[1,2]}]}`,
		`{"data":[{"embedding":[]},{"embedding":[]}]}`, `{"data":[{"embedding":"AAAA"},{"embedding":"!"}]}`,
		`{"data":[{"embedding":"AADAfw=="},{"embedding":[1]}]}`, `{"data":[{"embedding":[1e99]},{"embedding":[1]}]}`,
	} {
		if _, err := b.Embed(t.Context(), req); kindOf(t, err) != fault.ModelError {
			t.Errorf("%s: %v, want a model error", answer, err)
		}
	}
	if got, err := b.Embed(t.Context(), &llm.EmbedRequest{}); err != nil || len(got.Vectors) != 0 {
		t.Errorf("no texts: %v, %v", got, err)
	}
}

// Servers are asked to count in their own way, and others not twice.
func TestCountTokens(t *testing.T) {
	t.Parallel()
	req := llmtest.Ask("m", "how many?")
	req.Tools = []llm.Tool{{Name: "f"}}
	f := func(name string, want openai.TokenCount, wantCalls []string, h http.HandlerFunc) {
		t.Helper()
		var calls []string
		b := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls = append(calls, r.URL.Path)
			h(w, r)
		})
		for range 2 {
			got, err := b.Count(t.Context(), req)
			if err != nil || got != want {
				t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
			}
		}
		if diff := cmp.Diff(calls, wantCalls); diff != "" {
			t.Errorf("%s was asked (-got +want):\n%s", name, diff)
		}
	}
	f("vLLM", openai.TokenCount{Tokens: 21}, []string{"/tokenize", "/tokenize"}, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body)
		if string(body["model"]) != `"m"` || body["messages"] == nil || body["tools"] == nil || len(body) != 3 {
			t.Errorf("vLLM was asked %s", body)
		}
		respond(w, `{"count":21,"max_model_len":4096,"tokens":[1,2]}`)
	})
	f("llama.cpp", openai.TokenCount{Tokens: 3}, []string{"/tokenize", "/apply-template", "/tokenize", "/apply-template", "/tokenize"}, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body)
		switch {
		case r.URL.Path == "/apply-template":
			respond(w, `{"prompt":"<user>how many?"}`)
		case body["content"] == nil:
			respond(w, `{"tokens":[]}`)
		case string(body["content"]) != `"\u003cuser\u003ehow many?"`:
			t.Errorf("llama.cpp was asked %s", body)
		default:
			respond(w, `{"tokens":[1,2,3]}`)
		}
	})
	f("nobody", openai.TokenCount{Tokens: estimate.Request(req), Estimated: true}, []string{"/tokenize", "/apply-template"},
		func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	f("a web page", openai.TokenCount{Tokens: estimate.Request(req), Estimated: true}, []string{"/tokenize", "/apply-template"},
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })

	b := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	for range 2 {
		if _, err := b.CountTokens(t.Context(), req); kindOf(t, err) != fault.Unavailable {
			t.Errorf("a server that is down: %v", err)
		}
	}
	hosted, err := openai.New(openai.Config{Name: "openai", BaseURL: "https://api.openai.com/v1", Transport: refuse{t}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := hosted.Count(t.Context(), req); err != nil || !got.Estimated {
		t.Errorf("OpenAI itself: %+v, %v", got, err)
	}
}

// refuse is a transport that must not be used.
type refuse struct{ t *testing.T }

func (r refuse) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("a request went to %s", req.URL)
	return nil, errors.New("refused")
}

func TestModels(t *testing.T) {
	t.Parallel()
	answer := `{"object":"list","data":[{"id":"b"},{"id":""},{"id":"a"}]}`
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/models" {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		respond(w, answer)
	})
	got, err := b.Models(t.Context())
	if diff := cmp.Diff(got, []string{"b", "a"}); diff != "" || err != nil {
		t.Errorf("%v (-got +want):\n%s", err, diff)
	}
	for _, answer = range []string{"", "<html>", "{}", "[]"} {
		if _, err := b.Models(t.Context()); kindOf(t, err) != fault.ModelError {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	ollama := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/tags" {
			t.Errorf("Ollama was asked %s", r.URL)
		}
		respond(w, `{"models":[{"name":"big:cloud"},{"name":"far:7b","remote_host":"https://x"},{"name":"nomic-embed-text:latest","details":{"family":"nomic-bert"}},
			{"name":"qwen3:8b","details":{"family":"qwen3"}},{"name":"gpt-oss:120b-cloud"},{"name":"llama3.2:3b"}]}`)
	}))
	t.Cleanup(ollama.Close)
	llama := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		respond(w, `{"object":"list","data":[{"id":"model.gguf","object":"model","owned_by":"llamacpp"}]}`)
	}))
	t.Cleanup(llama.Close)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		respond(w, `{"object":"list","data":[{"id":"gpt-4o","object":"model","owned_by":"openai"}],"models":[]}`)
	}))
	t.Cleanup(other.Close)
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hung.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()

	f := func(d openai.Detector, want ...openai.Local) {
		t.Helper()
		start := time.Now()
		got := d.Detect(t.Context())
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%+v (-got +want):\n%s", d, diff)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%+v took %v", d, took)
		}
	}
	atOllama := openai.Local{Server: "ollama", BaseURL: ollama.URL + "/v1", Models: []string{"qwen3:8b", "llama3.2:3b"}}
	atLlama := openai.Local{Server: "llama.cpp", BaseURL: llama.URL + "/v1", Models: []string{"model.gguf"}}
	f(openai.Detector{Ollama: ollama.URL, Llama: llama.URL}, atOllama, atLlama)
	f(openai.Detector{Ollama: closed, Llama: llama.URL}, atLlama)
	f(openai.Detector{Ollama: other.URL, Llama: other.URL})
	f(openai.Detector{Ollama: page.URL, Llama: page.URL})
	f(openai.Detector{Ollama: hung.URL, Llama: hung.URL})
	f(openai.Detector{Ollama: closed, Llama: closed})
}

func BenchmarkChat(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		respond(w, `{"id":"c","choices":[{"message":{"role":"assistant","content":"The sky is blue."},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`)
	}))
	defer srv.Close()
	m, err := openai.New(openai.Config{Name: "gpu", BaseURL: srv.URL + "/v1"})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	req := llmtest.Ask("m", "Why is the sky blue?")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := llm.Collect(m.Chat(b.Context(), req)); err != nil {
			b.Fatal(err)
		}
	}
}
