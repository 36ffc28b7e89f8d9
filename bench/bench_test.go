package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The client reads what net/http writes, whole and in chunks, and reuses its connection.
func TestClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(modelServer())
	defer server.Close()
	addr := server.Listener.Addr().String()
	conn, err := dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	for range 3 {
		whole, err := completionRequest(addr, fast.id, question(1), false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.do(whole, nil); err != nil || string(conn.body) != answer {
			t.Errorf("got %q, %v", conn.body, err)
		}
		stream, err := completionRequest(addr, slow.id, question(2), true)
		if err != nil {
			t.Fatal(err)
		}
		first, err := conn.do(stream, []byte("word "))
		if err != nil || strings.Count(string(conn.body), "word ") != streamDeltas {
			t.Errorf("got %q, %v", conn.body, err)
		}
		if first < slow.delay {
			t.Errorf("first token after %v", first)
		}
		if _, err := conn.do(stream, []byte("never said")); err == nil {
			t.Error("an answer without a token is no error")
		}
	}
}

func TestClientReportsErrors(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	addr := server.Listener.Addr().String()
	conn, err := dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	request, err := converseRequest(t.Context(), addr, aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, "a.model-v1:0", "hello", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"POST /model/a.model-v1:0/converse-stream HTTP/1.1\r\n", "Authorization: AWS4-HMAC-SHA256 Credential=AKID/"} {
		if !strings.Contains(string(request), want) {
			t.Errorf("no %q in %q", want, request)
		}
	}
	if _, err := conn.do(request, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want the status", err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	var r result
	for i := range 2 {
		one := result{requests: 60, cpu: 6 * time.Millisecond, elapsed: time.Second}
		for j := range 50 {
			one.times = append(one.times, time.Duration(i*50+j)*time.Microsecond)
		}
		r.add(one)
	}
	if got := r.perRequest(); got != 100*time.Microsecond {
		t.Errorf("%v per request, want 100 µs", got)
	}
	if got := r.rate(); got != 50 {
		t.Errorf("%v requests a second, want 50", got)
	}
	for q, want := range map[float64]time.Duration{0.5: 50, 0.99: 99, 1: 99} {
		if got := r.quantile(q); got != want*time.Microsecond {
			t.Errorf("quantile %v is %v, want %d µs", q, got, want)
		}
	}
	if got := quantile(&r, nil, 0.999); got != "-" {
		t.Errorf("a 99.9th percentile of 100 is %s", got)
	}
}
