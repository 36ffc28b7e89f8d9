package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a client of a server with the given handler.
func open(t *testing.T, cfg Config, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg.Name = "gpu"
	cfg.BaseURL = strings.Replace(cfg.BaseURL, "HOST", srv.Listener.Addr().String(), 1)
	if cfg.BaseURL == "" {
		cfg.BaseURL = srv.URL + "/v1"
	}
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func kindOf(t *testing.T, err error) fault.Kind {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *fault.Error", err)
	}
	return e.Kind
}

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "host/v1", "ftp://host", "http://", "http://a b", "http://user:hunter22@host:port"} {
		_, err := NewClient(Config{Name: "gpu", BaseURL: base})
		if err == nil || !strings.Contains(err.Error(), "gpu") || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("NewClient(%q) = %v", base, err)
		}
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	c := open(t, Config{
		BaseURL: "http://ann:hunter22@HOST/base/v1/?x=1#y", Header: http.Header{"x-team": {"search"}},
	}, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	if strings.Contains(c.BaseURL(), "hunter22") || !strings.HasSuffix(c.BaseURL(), "/base/v1") {
		t.Errorf("the base is %s", c.BaseURL())
	}
	do := func(r *Request) {
		t.Helper()
		resp, err := c.Do(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		if text, err := resp.ReadAll(); err != nil || string(text) != "ok" {
			t.Errorf("read %q, %v", text, err)
		}
	}
	do(&Request{URL: c.URL("/chat?api-version=2"), Body: []byte("{}"), Stream: true, Header: http.Header{"X-One": {"1"}}})
	if got.Method != http.MethodPost || got.URL.String() != "/base/v1/chat?api-version=2" || string(body) != "{}" || got.ContentLength != 2 {
		t.Errorf("sent %s %s %q", got.Method, got.URL, body)
	}
	want := map[string]string{
		"Authorization": "Basic YW5uOmh1bnRlcjIy", "Accept": "text/event-stream", "Content-Type": "application/json",
		"X-Team": "search", "X-One": "1", "X-Idempotency-Key": "", "Accept-Encoding": "",
	}
	for k, v := range want {
		if got.Header.Get(k) != v {
			t.Errorf("header %s is %q, want %q", k, got.Header.Get(k), v)
		}
	}
	do(&Request{URL: c.URL("/models")})
	if got.Method != http.MethodGet || got.Header.Get("Accept") != "application/json" || got.Header.Get("X-One") != "" {
		t.Errorf("sent %s with %v", got.Method, got.Header)
	}
}

// A connection that the server closed while it was kept alive does not fail the
// next call.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := open(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) == 2 {
			panic(http.ErrAbortHandler) // as if it had been closed before the request came
		}
		_, _ = io.WriteString(w, "ok")
	})
	for range 2 {
		resp, err := c.Do(t.Context(), &Request{URL: c.URL("/x"), Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = resp.ReadAll()
		resp.Close()
	}
	if calls.Load() != 3 {
		t.Errorf("%d calls arrived, want 3", calls.Load())
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	f := func(base, path, want string) {
		t.Helper()
		c, err := NewClient(Config{Name: "gpu", BaseURL: base, Transport: http.DefaultTransport})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.URL(path); got.String() != want || got.RequestURI()[0] != '/' {
			t.Errorf("%s and %s make %s (%s), want %s", base, path, got, got.RequestURI(), want)
		}
	}
	f("http://h", "/x", "http://h/x")
	f("http://h/", "x", "http://h/x")
	f("http://h:1/v1", "/x/y", "http://h:1/v1/x/y")
	f("http://h/a%2Fb/v1/", "/x", "http://h/a%2Fb/v1/x")
	f("https://h/v1//", "/x?a=b", "https://h/v1/x?a=b")
	f("http://[::1]:8080/v1", "/x", "http://[::1]:8080/v1/x")
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	for _, chunked := range []bool{false, true} {
		c := open(t, Config{MaxBody: 100, MaxEvent: 100}, func(w http.ResponseWriter, r *http.Request) {
			text := strings.Repeat("x", 101)
			if r.URL.Path == "/v1/exact" {
				text = text[1:]
			}
			if chunked {
				_ = http.NewResponseController(w).Flush()
			}
			_, _ = io.WriteString(w, text)
		})
		get := func(path string) *Response {
			t.Helper()
			resp, err := c.Do(t.Context(), &Request{URL: c.URL(path)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(resp.Close)
			return resp
		}
		if _, err := get("/over").ReadAll(); kindOf(t, err) != fault.ModelError {
			t.Errorf("chunked %t: a body over the limit: %v", chunked, err)
		}
		if body, err := get("/exact").ReadAll(); err != nil || len(body) != 100 {
			t.Errorf("chunked %t: %d bytes, %v", chunked, len(body), err)
		}
		if _, err := get("/over").Next(); kindOf(t, err) != fault.ModelError {
			t.Errorf("chunked %t: an event over the limit: %v", chunked, err)
		}
	}
}

// A listener that is slow to take events does not make the model late.
func TestSlowListener(t *testing.T) {
	t.Parallel()
	taken := make(chan struct{})
	c := open(t, Config{FirstTokenTimeout: 40 * time.Millisecond, IdleTimeout: 40 * time.Millisecond}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-taken
		_, _ = io.WriteString(w, "data: 2\n\n")
	})
	resp, err := c.Do(t.Context(), &Request{URL: c.URL("/x"), Stream: true})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	if _, err := resp.Next(); err != nil {
		t.Fatal(err)
	}
	<-time.After(120 * time.Millisecond) // the listener is busy
	close(taken)
	if ev, err := resp.Next(); err != nil || string(ev.Data) != "2" {
		t.Errorf("got %q, %v", ev.Data, err)
	}
	if _, err := resp.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
}

// Drain makes a connection usable again, and gives up on one that goes on.
func TestDrain(t *testing.T) {
	t.Parallel()
	remotes := make(chan string, 3)
	c := open(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		remotes <- r.RemoteAddr
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/v1/endless" {
			<-r.Context().Done()
		}
	})
	do := func(path string) string {
		t.Helper()
		resp, err := c.Do(t.Context(), &Request{URL: c.URL(path), Stream: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resp.Next(); err != nil {
			t.Fatal(err)
		}
		resp.Drain()
		resp.Close()
		return <-remotes
	}
	if first, second := do("/short"), do("/short"); first != second {
		t.Error("a drained connection was not used again")
	}
	start := time.Now()
	do("/endless")
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("draining an endless stream took %v", d)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	trusting := NewTransport(TransportConfig{TLS: srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()})
	t.Cleanup(trusting.CloseIdleConnections)
	c, err := NewClient(Config{Name: "gpu", BaseURL: srv.URL, Transport: trusting})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(t.Context(), &Request{URL: c.URL("/")})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	if proto, _ := resp.ReadAll(); string(proto) != "HTTP/2.0" {
		t.Errorf("spoke %s, want HTTP/2.0", proto)
	}

	wary, err := NewClient(Config{Name: "gpu", BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wary.Close)
	if _, err = wary.Do(t.Context(), &Request{URL: wary.URL("/")}); kindOf(t, err) != fault.Unavailable || !strings.Contains(err.Error(), "not trusted") {
		t.Errorf("an unknown authority is %v", err)
	}
	plain, err := NewClient(Config{Name: "gpu", BaseURL: strings.Replace(open(t, Config{}, nil).BaseURL(), "http:", "https:", 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	if _, err = plain.Do(t.Context(), &Request{URL: plain.URL("/")}); kindOf(t, err) != fault.Unavailable {
		t.Errorf("TLS with a server without it is %v", err)
	}
}

func TestUnknownHost(t *testing.T) {
	t.Parallel()
	c, err := NewClient(Config{Name: "gpu", BaseURL: "http://nobody.invalid/v1", Transport: &http.Transport{}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), &Request{URL: c.URL("/x")})
	if kindOf(t, err) != fault.Unavailable || !strings.Contains(err.Error(), "resolved") {
		t.Errorf("an unknown host is %v", err)
	}
}

func TestParseProblem(t *testing.T) {
	t.Parallel()
	f := func(body string, want Problem) {
		t.Helper()
		if got := ParseProblem(want.Status, []byte(body)); got != want {
			t.Errorf("%s is %+v, want %+v", body, got, want)
		}
	}
	f(`{"error":{"message":"m","type":"t","param":null,"code":"c"}}`, Problem{Message: "m", Type: "t", Code: "c"})
	f(`{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"r"}`, Problem{Message: "m", Type: "overloaded_error"})
	f(`{"error":"m"}`, Problem{Message: "m"})
	f(`{"object":"error","message":"m","type":"BadRequestError","code":400}`, Problem{Message: "m", Type: "BadRequestError", Status: 400})
	f(`{"error":{"message":"m","type":"t","code":503}}`, Problem{Message: "m", Type: "t", Status: 503})
	f(`{"detail":"Not Found"}`, Problem{Message: "Not Found", Status: 404})
	f(`{"detail":[{"loc":["a"]}]}`, Problem{Message: `[{"loc":["a"]}]`})
	f(`plain text`, Problem{Message: "plain text"})
	f(`<html>`, Problem{})
	f(``, Problem{})
	f(`null`, Problem{})
	f(`{"error":{"code":99999}}`, Problem{Message: `{"code":99999}`})
}

func TestOverflow(t *testing.T) {
	t.Parallel()
	c, err := NewClient(Config{Name: "gpu", BaseURL: "http://h"})
	if err != nil {
		t.Fatal(err)
	}
	const both = "input length and `max_tokens` exceed context limit"
	f := func(status int, body, want string) {
		t.Helper()
		e := c.Fault(ParseProblem(status, []byte(body)), "m")
		if e.Kind != fault.Invalid || !strings.Contains(e.Message, want) {
			t.Errorf("%s is %v %q, want %q", body, e.Kind, e.Message, want)
		}
	}
	text := func(s string) string { return `{"error":{"message":` + quoteJSON(s) + `}}` }
	f(400, `{"error":{"code":"context_length_exceeded","message":"x"}}`, tooLong)
	f(400, text("This model's maximum context length is 4097 tokens. However, you requested 4160 tokens (4060 in the messages, 100 in the completion)."), both+": 4060 + 100 > 4097")
	f(400, text("This model's maximum context length is 4097 tokens. However, you requested 5160 tokens (5060 in the messages, 100 in the completion)."), tooLong)
	f(400, text("'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 2048 tokens and your request has 12 input tokens (5000 > 2048 - 12)."), both+": 12 + 5000 > 2048")
	f(400, text("The decoder prompt (length 5000) is longer than the maximum model length of 2048."), tooLong)
	f(400, `{"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}`, tooLong)
	f(400, text("prompt is too long: 210000 tokens > 200000 maximum"), tooLong)
	f(400, text("input length and `max_tokens` exceed context limit: 198437 + 8192 > 200000, decrease input length or `max_tokens` and try again"), both+": 198437 + 8192 > 200000")
	f(413, `{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}`, tooLong)
	f(400, text("litellm.ContextWindowExceededError: litellm.BadRequestError: too much"), tooLong)
	f(500, text("Trying to keep the first 9000 tokens when context the overflows."), tooLong)
	if e := c.Fault(ParseProblem(429, []byte(text("maximum context length of tokens per minute"))), "m"); e.Kind != fault.Throttled {
		t.Errorf("throttling is %v", e.Kind)
	}
}

func quoteJSON(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

// Errors inside a stream have no status.
func TestFaultInStream(t *testing.T) {
	t.Parallel()
	c, err := NewClient(Config{Name: "gpu", BaseURL: "http://h"})
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]fault.Kind{
		"rate_limit_error": fault.Throttled, "overloaded_error": fault.Unavailable, "api_error": fault.Unavailable,
		"authentication_error": fault.ModelError, "permission_error": fault.ModelError, "not_found_error": fault.ModelError,
		"timeout_error": fault.Timeout, "invalid_request_error": fault.Invalid, "": fault.ModelError, "new_error": fault.ModelError,
	} {
		if e := c.Fault(Problem{Type: kind, Message: "m"}, "m"); e.Kind != want {
			t.Errorf("%q is %v, want %v", kind, e.Kind, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := func(name, value string, want time.Duration) {
		t.Helper()
		if got := retryAfter(http.Header{name: {value}}, now); got != want {
			t.Errorf("%s: %s is %v, want %v", name, value, got, want)
		}
	}
	f("Retry-After", "7", 7*time.Second)
	f("Retry-After", " 1.5 ", 1500*time.Millisecond)
	f("Retry-After", now.Add(time.Minute).Format(http.TimeFormat), time.Minute)
	f("Retry-After", now.Add(-time.Minute).Format(http.TimeFormat), 0)
	f("Retry-After", "-3", 0)
	f("Retry-After", "NaN", 0)
	f("Retry-After", "1e300", 24*time.Hour)
	f("Retry-After", "soon", 0)
	f("Retry-After-Ms", "250", 250*time.Millisecond)
}

func TestSafe(t *testing.T) {
	t.Parallel()
	c, err := NewClient(Config{
		Name: "gpu", BaseURL: "http://ann:hunter22@h", Secrets: []string{"topsecret", "abc"},
		Header: http.Header{"X-Api-Key": {"k-1234567"}, "X-Team": {"search"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := func(in, want string) {
		t.Helper()
		if got := c.Safe(in); got != want {
			t.Errorf("Safe(%q) = %q, want %q", in, got, want)
		}
	}
	f("plain words, abc and search", "plain words, abc and search")
	f("key topsecret.", "key [redacted].")
	f("header k-1234567", "header [redacted]")
	f("password hunter22", "password [redacted]")
	f("Incorrect API key provided: sk-proj-abc***xyz.", "Incorrect API key provided: [redacted]")
	f("Authorization: Bearer eyJhbGciOi.x", "Authorization: [redacted]")
	f("GET https://bob:pw@inner.example/x?api_key=123&b=1", "GET https://[redacted]@inner.example/x[redacted]&b=1")
	f("line\none\r\x00two\x1b[31m", "line one two [31m")
	f("bad \xff utf", "bad \uFFFD utf")
	if got := c.Safe(strings.Repeat("é", 5000)); len(got) > maxMessage+4 || !strings.HasSuffix(got, "é…") {
		t.Errorf("a long message has %d bytes and ends in %q", len(got), got[len(got)-8:])
	}
}

func FuzzParseProblem(f *testing.F) {
	f.Add(400, `{"error":{"message":"m","type":"t","code":"c"}}`)
	f.Add(0, `{"detail":[1]}`)
	c, err := NewClient(Config{Name: "gpu", BaseURL: "http://h", Secrets: []string{"topsecret"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		e := c.Fault(ParseProblem(status, []byte(body)), "m")
		if e.Message == "" || len(e.Message) > 2*maxMessage || strings.Contains(e.Error(), "topsecret") {
			t.Errorf("%d %q is %q", status, body, e.Error())
		}
	})
}

func BenchmarkDo(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer srv.Close()
	c, err := NewClient(Config{Name: "gpu", BaseURL: srv.URL})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := &Request{URL: c.URL("/x"), Body: []byte(`{"a":1}`)}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := c.Do(context.Background(), r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := resp.ReadAll(); err != nil {
			b.Fatal(err)
		}
		resp.Close()
	}
}
