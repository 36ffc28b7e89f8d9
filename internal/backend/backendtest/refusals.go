package backendtest

import (
	"context"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// refusals are the statuses and what they mean to the caller.
var refusals = []struct {
	status   int
	kind     fault.Kind
	original int
}{
	{400, fault.Invalid, 0},
	{401, fault.ModelError, 401},
	{403, fault.ModelError, 403},
	{404, fault.ModelError, 404},
	{408, fault.Timeout, 0},
	{422, fault.Invalid, 0},
	{429, fault.Throttled, 0},
	{500, fault.Unavailable, 0},
	{502, fault.Unavailable, 0},
	{503, fault.Unavailable, 0},
	{504, fault.Timeout, 0},
	{529, fault.Unavailable, 0},
}

func testRefusals(t *testing.T, s *Script) {
	for _, tt := range refusals {
		for _, streaming := range []bool{false, true} {
			t.Run(strconv.Itoa(tt.status)+mode(streaming), func(t *testing.T) {
				t.Parallel()
				e := refused(t, s, streaming, tt.status, nil, s.Error(tt.status, "said so: key "+apiKey+" at http://user:hunter22@inner/"))
				if e.Kind != tt.kind || e.OriginalStatus != tt.original {
					t.Errorf("HTTP %d is %v (original status %d), want %v (%d)", tt.status, e.Kind, e.OriginalStatus, tt.kind, tt.original)
				}
				if tt.kind == fault.Invalid && !strings.Contains(e.Message, "said so") {
					t.Errorf("message %q does not say what the provider said", e.Message)
				}
				if tt.status == 404 && !strings.Contains(e.Message, "test-model") {
					t.Errorf("message %q does not name the model", e.Message)
				}
			})
		}
	}
	t.Run("throttled for seconds", func(t *testing.T) {
		t.Parallel()
		e := refused(t, s, false, 429, http.Header{"Retry-After": {"7"}}, s.Error(429, "slow down"))
		if e.RetryAfter != 7*time.Second {
			t.Errorf("retry after %v, want 7s", e.RetryAfter)
		}
	})
	t.Run("throttled until", func(t *testing.T) {
		t.Parallel()
		at := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
		e := refused(t, s, true, 429, http.Header{"Retry-After": {at}}, s.Error(429, "slow down"))
		if e.RetryAfter < 59*time.Minute || e.RetryAfter > time.Hour {
			t.Errorf("retry after %v, want an hour", e.RetryAfter)
		}
	})
	t.Run("context overflow", func(t *testing.T) {
		t.Parallel()
		status, body := s.Overflow()
		e := refused(t, s, false, status, nil, body)
		if e.Kind != fault.Invalid || !strings.Contains(e.Message, "Input is too long for requested model") {
			t.Errorf("got %v %q", e.Kind, e.Message)
		}
	})
	t.Run("a page of HTML", func(t *testing.T) {
		t.Parallel()
		e := refused(t, s, false, 502, nil, []byte("<html><body>Bad Gateway nginx/1.2</body></html>"))
		if e.Kind != fault.Unavailable || strings.Contains(e.Message, "nginx") {
			t.Errorf("got %v %q", e.Kind, e.Message)
		}
	})
	t.Run("an endless error", func(t *testing.T) {
		t.Parallel()
		e := refused(t, s, false, 500, nil, []byte(strings.Repeat("x", 4<<20)))
		if e.Kind != fault.Unavailable || len(e.Message) > 2000 {
			t.Errorf("got %v with %d bytes of message", e.Kind, len(e.Message))
		}
	})
	t.Run("a redirect", func(t *testing.T) {
		t.Parallel()
		e := refused(t, s, false, 307, http.Header{"Location": {"http://127.0.0.1:1/elsewhere"}}, nil)
		if e.Kind != fault.ModelError || e.OriginalStatus != 307 {
			t.Errorf("got %v %d, want the redirect refused", e.Kind, e.OriginalStatus)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		m := s.Open(t, Target{BaseURL: "http://" + closedPort(t), APIKey: apiKey})
		_, err := chat(t.Context(), t, m, question(true))
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want unavailable", err)
		}
	})
	t.Run("hangs up at once", func(t *testing.T) {
		t.Parallel()
		m := serve(t, s, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Target{}) //nolint:forbidigo // how a handler hangs up
		_, err := chat(t.Context(), t, m, question(false))
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v, want unavailable", err)
		}
	})
	t.Run("an answer that is no JSON", func(t *testing.T) {
		t.Parallel()
		for _, body := range []string{"", "{", "<html>", `"text"`, "null", "[]", "{}"} {
			e := refused(t, s, false, 200, http.Header{"Content-Type": {"application/json"}}, []byte(body))
			if e.Kind != fault.ModelError {
				t.Errorf("%q is %v %q, want a model error", body, e.Kind, e.Message)
			}
		}
	})
}

// refused returns the fault of a response, which tells no secret.
func refused(t *testing.T, s *Script, streaming bool, status int, header http.Header, body []byte) *fault.Error {
	t.Helper()
	m := serve(t, s, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}, Target{})
	_, err := chat(t.Context(), t, m, question(streaming))
	return asFault(t, err)
}

func asFault(t *testing.T, err error) *fault.Error {
	t.Helper()
	if err == nil {
		t.Fatal("Chat succeeded")
	}
	e, ok := err.(*fault.Error) //nolint:errorlint // backends return it bare
	if !ok {
		t.Fatalf("Chat failed with %T %v, want a *fault.Error", err, err)
	}
	if text := e.Message + e.Error(); leaks(text) || strings.Contains(text, "hunter22") {
		t.Errorf("the error tells a secret: %s", text)
	}
	if e.Message == "" {
		t.Error("the error has no message for the client")
	}
	return e
}

// closedPort returns an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(t.Context()), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
