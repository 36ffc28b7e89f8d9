package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

const jsonType = "application/json"

func TestConverse(t *testing.T) {
	t.Parallel()
	addr := start(t, newHandler(t, testConfig(&runtime{})), wire.ServerConfig{})
	for _, h2 := range []bool{false, true} {
		for _, path := range []string{"v1:0", "v1%3A0"} {
			got := do(t, newClient(t, h2), "POST", "http://"+addr+"/model/anthropic.x-"+path+"/converse", hello, "Content-Type", jsonType)
			want := `{"output":{"message":{"role":"assistant","content":[{"text":"you said hi"}]}},"stopReason":"end_turn",` +
				`"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"metrics":{"latencyMs":4}}`
			if got.status != http.StatusOK || got.body != want {
				t.Errorf("h2 %t, %s: %d %s", h2, path, got.status, got.body)
			}
			for name, want := range map[string]string{
				"Content-Type":        "^application/json$",
				"X-Amzn-Requestid":    "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
				"X-Outcrop-Served-By": "^test/anthropic.x-v1:0$",
				"Date":                " GMT$",
			} {
				if !regexp.MustCompile(want).MatchString(got.header.Get(name)) {
					t.Errorf("header %s: got %q, want %s", name, got.header.Get(name), want)
				}
			}
			if at, err := http.ParseTime(got.header.Get("Date")); err != nil || time.Since(at).Abs() > 5*time.Second {
				t.Errorf("Date %q: %v", got.header.Get("Date"), err)
			}
		}
	}
}

// TestBadInput sends what clients must not, and wants the error that AWS has for it.
func TestBadInput(t *testing.T) {
	t.Parallel()
	cfg := testConfig(&runtime{})
	cfg.BodyLimits = map[string]int64{"bedrock-runtime.Converse": 100 << 10, "sts": 1 << 10}
	h := newHandler(t, cfg)
	const converse = "/model/m/converse"
	text := func(s string) string {
		return `{"messages":[{"role":"user","content":[{"text":` + s + `}]}]}`
	}
	for _, tc := range []struct {
		name, body string
		status     int
		code, text string
	}{
		{"malformed", `{"messages":`, 400, "SerializationException", "Unexpected end of JSON"},
		{"trailing", hello + "x", 400, "SerializationException", "after the end of the JSON text"},
		{"not an object", `[]`, 400, "SerializationException", "Unexpected list: expected an object"},
		{"wrong type", `{"messages":"hi"}`, 400, "SerializationException", "Unexpected string: expected a list at messages"},
		{"wrong type, deep", text(`7`), 400, "SerializationException", "Unexpected number: expected a string at messages[0].content[0].text"},
		{"number for integer", `{"inferenceConfig":{"maxTokens":1.5}}`, 400, "SerializationException", "Number 1.5 is not an integer at inferenceConfig.maxTokens"},
		{"integer out of range", `{"inferenceConfig":{"maxTokens":3000000000}}`, 400, "SerializationException", "out of range"},
		{"unknown members", `{"new":{"a":[1,{"b":null}]},"messages":[{"role":"user","x":1,"content":[{"text":"hi"}]}]}`, 200, "", "you said hi"},
		{"null members", `{"system":null,"messages":[{"role":"user","content":[{"text":"hi","image":null}]}]}`, 200, "", "you said hi"},
		{"repeated member", `{"messages":[],"messages":[{"role":"user","content":[{"text":"hi"}]}]}`, 200, "", "you said hi"},
		{"no union member", `{"messages":[{"role":"user","content":[{}]}]}`, 400, "SerializationException", "exactly one member set, found 0 at messages[0].content[0]"},
		{"two union members", `{"messages":[{"role":"user","content":[{"text":"a","cachePoint":{"type":"default"}}]}]}`, 400, "SerializationException", "exactly one member set, found 2"},
		{"unknown union member", `{"messages":[{"role":"user","content":[{"smell":"a"}]}]}`, 400, "SerializationException", `Unknown union member "smell"`},
		{"broken UTF-8", text("\"a\xff\""), 400, "SerializationException", "Invalid UTF-8"},
		{"broken UTF-8 in a skipped member", "{\"x\":\"\xc3\"}", 400, "SerializationException", "Invalid UTF-8"},
		{"control character", text("\"a\x00b\""), 400, "SerializationException", "control character 0x00"},
		{"constraint", `{"inferenceConfig":{"maxTokens":0}}`, 400, "ValidationException", "1 validation error detected: Value '0' at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"10,000 deep", strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000), 400, "SerializationException", "nested more than 1000 levels deep"},
		{"10,000 deep lists", `{"toolConfig":` + strings.Repeat("[", 10000), 400, "SerializationException", "Unexpected list"},
		{"10,000 deep document", `{"additionalModelRequestFields":` + strings.Repeat("[", 10000), 400, "SerializationException", "nested more than"},
		{"oversize", text(`"` + strings.Repeat("a", 110<<10) + `"`), 413, "RequestEntityTooLargeException", "larger than the 102400 bytes"},
		{"empty body", "", 200, "", "you said "},
		{"panic", text(`"panic"`), 500, "InternalServerException", "An internal error occurred"},
		{"unexplained error", text(`"internal"`), 500, "InternalServerException", "An internal error occurred"},
		{"modelled error", text(`"modelled"`), 429, "ThrottlingException", "Too many tokens."},
		{"mapped error", text(`"throttle"`), 429, "ThrottlingException", "Too many requests."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := send(t, h, "POST", converse, tc.body, "Content-Type", jsonType)
			if w.Code != tc.status || w.Header().Get("X-Amzn-Errortype") != tc.code {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Header().Get("X-Amzn-Errortype"), tc.status, tc.code)
			}
			if !strings.Contains(unescaped(t, w.Body.Bytes()), tc.text) {
				t.Errorf("got %s, want %q in it", w.Body, tc.text)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s tells too much", w.Body)
			}
			if w.Header().Get("X-Amzn-Requestid") == "" {
				t.Error("no request ID")
			}
		})
	}
	t.Run("wrong content type", func(t *testing.T) {
		w := send(t, h, "POST", converse, hello, "Content-Type", "text/xml")
		if w.Code != http.StatusUnsupportedMediaType || w.Header().Get("X-Amzn-Errortype") != "UnsupportedMediaTypeException" {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
	})
	t.Run("no content type", func(t *testing.T) {
		if w := send(t, h, "POST", converse, hello); w.Code != http.StatusOK {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
	t.Run("bad escape in a label", func(t *testing.T) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/model/m/converse", strings.NewReader(hello))
		r.URL.RawPath, r.URL.Path = "/model/%ff/converse", "/model/\xff/converse"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || w.Header().Get("X-Amzn-Errortype") != "SerializationException" {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
	t.Run("retry after", func(t *testing.T) {
		w := send(t, h, "POST", converse, text(`"throttle"`))
		if got := w.Header().Get("Retry-After"); got != "2" {
			t.Errorf("Retry-After: got %q, want 2", got)
		}
	})
	const sts = "application/x-www-form-urlencoded"
	for _, tc := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"query, unknown action", "Action=Fly&Version=2011-06-15", 400, "InvalidAction"},
		{"query, no action", "Version=2011-06-15", 400, "MissingAction"},
		{"query, bad escape", "Action=%zz", 400, "MalformedInput"},
		{"query, wrong type", "Action=AssumeRole&RoleArn=a&RoleSessionName=b&DurationSeconds=x", 400, "MalformedInput"},
		{"query, constraint", "Action=AssumeRole&RoleArn=a&RoleSessionName=b", 400, "ValidationError"},
		{"query, not built", "Action=GetSessionToken", 501, "NotImplemented"},
		{"query, oversize", "Action=" + strings.Repeat("a", 2<<10), 413, "RequestEntityTooLarge"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := send(t, h, "POST", "/", tc.body, "Content-Type", sts, "Authorization", signedFor("sts", "us-east-1"))
			if w.Code != tc.status || !strings.Contains(w.Body.String(), "<Code>"+tc.code+"</Code>") {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func send(t testing.TB, h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// unescaped is the message of an error, or the body as it is.
func unescaped(t *testing.T, body []byte) string {
	t.Helper()
	var e struct{ Message string }
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if e.Message != "" {
		return e.Message
	}
	return string(body)
}

// authError is an error as authentication has it.
type authError struct{}

func (authError) Error() string     { return "not told to clients" }
func (authError) ErrorCode() string { return "UnrecognizedClientException" }
func (authError) ErrorMessage() string {
	return "The security token included in the request is invalid."
}
func (authError) HTTPStatusCode() int { return http.StatusForbidden }

func TestAuthentication(t *testing.T) {
	t.Parallel()
	cfg := testConfig(&runtime{})
	var seen []string
	cfg.Authenticate = func(_ context.Context, r *wire.AuthRequest) (wire.Identity, error) {
		if r.HTTP.Header.Get("Authorization") == "" {
			return wire.Identity{}, authError{}
		}
		hash, err := r.BodyHash()
		seen = append(seen, fmt.Sprintf("%s %s %x", r.Service, r.SigningName, hash))
		return wire.Identity{Principal: call.Principal{Account: "123456789012", ARN: "arn:aws:iam::123456789012:root"}, Region: "eu-west-1"}, err
	}
	cfg.Authorize = func(ctx context.Context, c *call.Call, op *smithy.Operation, in smithy.Struct) error {
		if c != call.From(ctx) || c.Region != "eu-west-1" || c.Account != "123456789012" {
			t.Errorf("call %+v", c)
		}
		if op.Name == "Converse" {
			return fault.Errorf(fault.Denied, "You may not.")
		}
		return nil
	}
	h := newHandler(t, cfg)

	w := send(t, h, "POST", "/model/m/converse", hello)
	if w.Code != http.StatusForbidden || w.Header().Get("X-Amzn-Errortype") != "UnrecognizedClientException" ||
		w.Body.String() != `{"message":"The security token included in the request is invalid."}` {
		t.Errorf("unsigned: %d %v %s", w.Code, w.Header(), w.Body)
	}
	w = send(t, h, "POST", "/", "Action=GetCallerIdentity", "Content-Type", "application/x-www-form-urlencoded")
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "<Code>UnrecognizedClientException</Code>") {
		t.Errorf("unsigned query: %d %s", w.Code, w.Body)
	}
	w = send(t, h, "POST", "/model/m/converse", hello, "Authorization", signedFor("bedrock", "us-west-2"))
	if w.Code != http.StatusForbidden || w.Header().Get("X-Amzn-Errortype") != "AccessDeniedException" {
		t.Errorf("denied: %d %v %s", w.Code, w.Header(), w.Body)
	}
	w = send(t, h, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15",
		"Content-Type", "application/x-www-form-urlencoded", "Authorization", signedFor("sts", "us-west-2"))
	want := regexp.MustCompile(`^<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
		`<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:root</Arn></GetCallerIdentityResult>` +
		`<ResponseMetadata><RequestId>[0-9a-f-]{36}</RequestId></ResponseMetadata></GetCallerIdentityResponse>$`)
	if w.Code != http.StatusOK || !want.MatchString(strings.ReplaceAll(w.Body.String(), "<UserId></UserId>", "")) {
		t.Errorf("sts: %d %s", w.Code, w.Body)
	}
	hash := func(body string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(body))) }
	wantSeen := []string{
		"bedrock-runtime bedrock " + hash(hello),
		"sts sts " + hash("Action=GetCallerIdentity&Version=2011-06-15"),
	}
	if diff := cmp.Diff(seen, wantSeen); diff != "" {
		t.Errorf("authenticated (-got +want):\n%s", diff)
	}
}

// TestRefusedUnread checks that a stranger's body is not read, nor one that is too
// large.
func TestRefusedUnread(t *testing.T) {
	t.Parallel()
	cfg := testConfig(&runtime{})
	cfg.Authenticate = func(context.Context, *wire.AuthRequest) (wire.Identity, error) {
		return wire.Identity{}, authError{}
	}
	strict := newHandler(t, cfg)
	for name, h := range map[string]http.Handler{"stranger": strict, "too large": newHandler(t, testConfig(&runtime{}))} {
		body := &countingReader{r: io.LimitReader(zeros{}, 30<<20)}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/model/m/converse", body)
		r.ContentLength = 30 << 20
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if body.n != 0 || w.Code < 400 {
			t.Errorf("%s: %d, %d bytes read", name, w.Code, body.n)
		}
	}
	// One that hides its size is read up to the limit.
	body := &countingReader{r: zeros{}}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/model/m/converse", body)
	r.ContentLength = -1
	w := httptest.NewRecorder()
	newHandler(t, testConfig(&runtime{})).ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge || body.n > 64<<20 {
		t.Errorf("endless: %d, %d bytes read", w.Code, body.n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

func TestMounts(t *testing.T) {
	t.Parallel()
	cfg := testConfig(&runtime{})
	cfg.Mounts = map[string]http.Handler{"healthz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	})}
	h := newHandler(t, cfg)
	if w := send(t, h, "GET", "/healthz?region=x", ""); w.Body.String() != "ok" {
		t.Errorf("mount: %d %s", w.Code, w.Body)
	}
	if w := send(t, h, "GET", "/healthz", "", "Authorization", signedFor("bedrock", "us-east-1")); w.Body.String() != "ok" {
		t.Errorf("signed: %d %s", w.Code, w.Body)
	}
	cfg.Services[3].ScopeOnly = true // a bucket may be called healthz
	if w := send(t, newHandler(t, cfg), "GET", "/healthz", "", "Authorization", signedFor("sts", "us-east-1")); w.Code != http.StatusNotFound {
		t.Errorf("signed for a service with every path: %d %s", w.Code, w.Body)
	}
}

func TestPanicIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg := testConfig(&runtime{})
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	send(t, newHandler(t, cfg), "POST", "/model/m/converse", strings.Replace(hello, "hi", "panic", 1))
	for _, want := range []string{"asked to", "stack=", "call.operation=Converse", "call.requestID="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log: %s", want, log.String())
		}
	}
}

// TestRaw speaks HTTP/1 by hand.
func TestRaw(t *testing.T) {
	t.Parallel()
	addr := start(t, newHandler(t, testConfig(&runtime{})), wire.ServerConfig{})
	post := "POST /model/m/converse HTTP/1.1\r\nHost: x\r\n"
	sized := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(hello), hello)
	chunked := fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(hello), hello)
	for _, tc := range []struct {
		name, send string
		want       []int
	}{
		{"plain", post + sized, []int{200}},
		{"chunked", post + chunked, []int{200}},
		{"pipelined", post + sized + post + chunked + post + sized, []int{200, 200, 200}},
		{"HTTP/1.0", "POST /model/m/converse HTTP/1.0\r\n" + sized, []int{200}},
		{"no content length", post + "\r\n", []int{200}},
		{"expect", post + "Expect: 100-continue\r\n" + sized, []int{100, 200}},
		{"expect of one who is not known", "POST /nowhere HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n", []int{404}},
		{"absolute target", "POST http://x/model/m/converse HTTP/1.1\r\nHost: x\r\n" + sized, []int{200}},
		{"bad chunk", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", []int{400}},
		{"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}", []int{400}},
		{"no such method", "BREW /model/m/converse HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}},
		{"no HTTP", "hello, this is the wrong port\r\n\r\n", []int{400}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr)
			if _, err := io.WriteString(c, tc.send); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(c)
			for _, want := range tc.want {
				resp, err := http.ReadResponse(r, nil) //nolint:bodyclose // read to its end, on a connection that is closed
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != want {
					t.Fatalf("got %d %s (%v), want %d", resp.StatusCode, body, err, want)
				}
			}
		})
	}
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSlowClients sends requests that never end, in each of their parts.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	cfg := testConfig(&runtime{})
	cfg.BodyGrace = 200 * time.Millisecond
	cfg.BodyRate = 1 << 30
	addr := start(t, newHandler(t, cfg), wire.ServerConfig{HeaderTimeout: 200 * time.Millisecond, IdleTimeout: 200 * time.Millisecond})
	for name, tc := range map[string]struct {
		send string
		want string
	}{
		"nothing":             {"", ""},
		"header":              {"POST /model/m/converse HTTP/1.1\r\nHost: x\r\nX-A", ""},
		"body":                {"POST /model/m/converse HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "HTTP/1.1 408"},
		"chunk":               {"POST /model/m/converse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{", "HTTP/1.1 408"},
		"a body nobody wants": {"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "HTTP/1.1 404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr)
			if _, err := io.WriteString(c, tc.send); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			got, err := io.ReadAll(c) // until the server hangs up
			if err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(got), tc.want) {
				t.Errorf("got %q, want %s", got, tc.want)
			}
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("hung up after %v", d)
			}
		})
	}
}

// TestSlowHTTP2 sends a body over HTTP/2 that does not end.
func TestSlowHTTP2(t *testing.T) {
	t.Parallel()
	cfg := testConfig(&runtime{})
	cfg.BodyGrace = 100 * time.Millisecond
	cfg.BodyRate = 1 << 30
	addr := start(t, newHandler(t, cfg), wire.ServerConfig{})
	body, w := io.Pipe()
	defer w.Close() //nolint:errcheck // a pipe's never fails
	go func() { _, _ = io.WriteString(w, "{") }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/model/m/converse", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newClient(t, true).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("got %s", resp.Status)
	}
}
