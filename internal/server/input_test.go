package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBadInput sends what no client should, and wants AWS's errors.
func TestBadInput(t *testing.T) {
	t.Parallel()
	i := start(t)
	deep := strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	const (
		serialization = "SerializationException"
		validation    = "ValidationException"
	)
	stop := `{"messages":[{"role":"user","content":[{"text":"hello"}]}],"inferenceConfig":{"stopSequences":["x"]}}`
	for _, tc := range []struct {
		name         string
		path, body   string
		header       map[string]string
		status       int
		code, says   string
		method, hash string
	}{
		{name: "cut JSON", body: `{"messages":[`, status: 400, code: serialization},
		{name: "no JSON", body: `hello`, status: 400, code: serialization},
		{name: "an array", body: `[]`, status: 400, code: serialization},
		{name: "text after the end", body: says("hello") + "x", status: 400, code: serialization},
		{name: "a number for a list", body: `{"messages":7}`, status: 400, code: serialization, says: "messages"},
		{name: "a number for a text", body: `{"messages":[{"role":"user","content":[{"text":7}]}]}`, status: 400, code: serialization, says: "text"},
		{name: "a text for a number", body: `{"messages":[],"inferenceConfig":{"maxTokens":"many"}}`, status: 400, code: serialization, says: "maxTokens"},
		{name: "base64 that is none", body: `{"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"bytes":"*"}}}]}]}`, status: 400, code: serialization, says: "bytes"},
		{name: "broken UTF-8", body: says("\xff\xfe"), status: 400, code: serialization},
		{name: "10,000 deep", body: deep, status: 400, code: serialization},
		{name: "10,000 deep in a document", body: `{"messages":[{"role":"user","content":[{"text":"hello"}]}],"additionalModelRequestFields":` + deep + `}`, status: 400, code: serialization},
		{name: "10,000 lists deep", body: strings.Repeat("[", 10_000), status: 400, code: serialization},

		{name: "nothing", body: ``, status: 400, code: validation, says: "message"},
		{name: "no messages", body: `{}`, status: 400, code: validation, says: "message"},
		{name: "empty messages", body: `{"messages":[]}`, status: 400, code: validation, says: "message"},
		{name: "no content", body: `{"messages":[{"role":"user","content":[]}]}`, status: 400, code: validation, says: "content"},
		{name: "missing content", body: `{"messages":[{"role":"user"}]}`, status: 400, code: validation, says: "messages.1.member.content"},
		{name: "an unknown role", body: `{"messages":[{"role":"boss","content":[{"text":"hello"}]}]}`, status: 400, code: validation, says: "Member must satisfy enum value set"},
		{name: "both union members", body: `{"messages":[{"role":"user","content":[{"text":"hello","toolUse":{"toolUseId":"a","name":"b","input":{}}}]}]}`, status: 400},
		{name: "no union member", body: `{"messages":[{"role":"user","content":[{}]}]}`, status: 400},
		{name: "an empty text", body: says(""), status: 400, code: validation, says: "text"},
		{name: "assistant first", body: `{"messages":[{"role":"assistant","content":[{"text":"hello"}]}]}`, status: 400, code: validation, says: "user message"},
		{name: "an orphan tool result", body: `{"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[{"text":"5"}]}}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"n","inputSchema":{"json":{"type":"object"}}}}]}}`, status: 400, code: validation, says: "toolResult"},
		{name: "temperature 2", body: `{"messages":[{"role":"user","content":[{"text":"hello"}]}],"inferenceConfig":{"temperature":2}}`, status: 400, code: validation, says: "inferenceConfig.temperature"},
		{name: "maxTokens 0", body: `{"messages":[{"role":"user","content":[{"text":"hello"}]}],"inferenceConfig":{"maxTokens":0}}`, status: 400, code: validation, says: "inferenceConfig.maxTokens"},

		{name: "an unknown model", path: converse("nobody.nothing-v1:0"), body: says("hello"), status: 400, code: validation, says: "The provided model identifier is invalid."},
		{name: "an unknown model's stream", path: converseStream("nobody.nothing-v1:0"), body: says("hello"), status: 400, code: validation, says: "The provided model identifier is invalid."},
		{name: "a model ID no pattern takes", path: converse("nobody%20nothing"), body: says("hello"), status: 400, code: validation},
		{name: "an unknown model's body", path: "/model/nobody.nothing-v1:0/invoke", body: `{}`, status: 400, code: validation, says: "The provided model identifier is invalid."},
		{name: "Anthropic's body, empty", path: "/model/" + claude + "/invoke", body: `{}`, status: 400, code: validation},
		{name: "Anthropic's body, broken", path: "/model/" + claude + "/invoke", body: `{"anthropic_version"`, status: 400, code: validation},
		{name: "another provider's body", path: "/model/amazon.nova-lite-v1:0/invoke", body: `{}`, status: 400, code: validation, says: "not implement"},
		{name: "count of nothing", path: "/model/" + labChat + "/count-tokens", body: `{"input":{}}`, status: 400},
		{name: "an embedding model in a conversation", path: converse("amazon.titan-embed-text-v2:0"), body: says("hello"), status: 400, code: validation},

		{name: "text/plain", body: says("hello"), header: map[string]string{"Content-Type": "text/plain"}, status: 415, code: "UnsupportedMediaTypeException"},
		{name: "XML accepted only", body: says("hello"), header: map[string]string{"Accept": "application/xml"}, status: 406, code: "NotAcceptableException"},
		{name: "an unknown path", path: "/nowhere", body: `{}`, status: 404, code: "UnknownOperationException", says: "/nowhere"},
		{name: "another method", method: http.MethodPut, body: says("hello"), status: 404, code: "UnknownOperationException", says: "takes POST"},
		{name: "an operation not built", path: "/guardrails", method: http.MethodGet, status: 400, code: validation, says: "ListGuardrails is not implemented"},
		{name: "bidirectional, not built", path: "/model/" + labChat + "/invoke-with-bidirectional-stream", hash: "STREAMING-AWS4-HMAC-SHA256-EVENTS", header: map[string]string{"Content-Type": "application/vnd.amazon.eventstream"}, status: 400, code: validation, says: "InvokeModelWithBidirectionalStream is not implemented"},
	} {
		a := i.do(ask{method: tc.method, path: tc.path, body: tc.body, header: tc.header, hash: tc.hash})
		code := tc.code
		if code == "" { // either is an honest reading of the rule
			code = validation
			if strings.HasPrefix(a.header.Get("X-Amzn-Errortype"), serialization) {
				code = serialization
			}
		}
		a.wantError(t, tc.name, tc.status, code, tc.says)
	}
	// Unknown members are ignored, wherever they are.
	a := i.do(ask{body: `{"novelty":{"a":[1]},"messages":[{"role":"user","mood":"good","content":[{"text":"hello"}]}]}`})
	if a.status != http.StatusOK {
		t.Errorf("unknown members: %d %s", a.status, a.body)
	}
	if a := i.do(ask{body: says(`hello \ud800`)}); a.status != http.StatusOK {
		t.Errorf("half a surrogate, which is read as U+FFFD: %d %s", a.status, a.body)
	}
	if a := i.do(ask{body: stop}); a.status != http.StatusOK {
		t.Errorf("stop sequences: %d %s", a.status, a.body)
	}
	i.healthy()
	if text := i.logs.String(); strings.Contains(text, "internal error") || strings.Contains(text, "unexplained") {
		t.Errorf("a client's mistake is in the log as the server's:\n%s", text)
	}
}

// TestOversize sends bodies over the limits: announced, and chunked without a length.
func TestOversize(t *testing.T) {
	t.Parallel()
	i := start(t)
	big := strings.Repeat("x", 25<<20+1)
	// The client waits to be asked for its body: who writes on may lose the answer with the
	// connection.
	tr := &http.Transport{ExpectContinueTimeout: time.Minute}
	t.Cleanup(tr.CloseIdleConnections)
	i.http = &http.Client{Transport: tr}
	wait := map[string]string{"Expect": "100-continue"}
	a := i.do(ask{body: big, header: wait})
	a.wantError(t, "converse", http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "26214400")

	a = i.do(ask{body: `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, path: "/inference-profiles", header: wait})
	a.wantError(t, "control plane", http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "1048576")

	r := i.request(t.Context(), ask{body: big})
	r.ContentLength = -1
	r.Body = io.NopCloser(struct{ io.Reader }{strings.NewReader(big)})
	resp, err := i.http.Do(r)
	if err == nil { // the server may close the connection under a client that still sends
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("chunked: %d", resp.StatusCode)
		}
		_ = resp.Body.Close()
	}
	i.healthy()
}

// TestSlowClient holds a connection open with half a header: others are served.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	i := start(t)
	for range 20 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", i.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // never used again
		if _, err := fmt.Fprint(conn, "POST /model/x/converse HTTP/1.1\r\nHost: x\r\nX-Slow"); err != nil {
			t.Fatal(err)
		}
	}
	i.healthy()
}

// TestGarbage speaks no HTTP at all, or too much of it.
func TestGarbage(t *testing.T) {
	t.Parallel()
	i := start(t)
	for _, text := range []string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", // TLS on a clear port
		"GET / HTTP/9.9\r\n\r\n",
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /model/x/converse HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"POST /model/x/converse HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("h", 128<<10) + "\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\xff", 64),
	} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", i.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Second)) // some have to wait for more
		_, _ = io.WriteString(conn, text)                 // it may hang up meanwhile
		reply, _ := io.ReadAll(bufio.NewReader(conn))
		if bytes.Contains(reply, []byte("200 OK")) || inner.Match(reply) {
			t.Errorf("%.20q: %q", text, reply)
		}
		_ = conn.Close()
	}
	i.healthy()
}

// TestIdleStreams opens many streams that wait for their model, leaves them, and wants
// the goroutines back.
func TestIdleStreams(t *testing.T) { //nolint:paralleltest // counts goroutines
	i := start(t)
	i.healthy()
	before := runtime.NumGoroutine()
	const n = 2000
	tr := &http.Transport{Protocols: new(http.Protocols)} // over HTTP/2, on a few connections
	tr.Protocols.SetUnencryptedHTTP2(true)
	i.http = &http.Client{Transport: tr}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var opened sync.WaitGroup
	opened.Add(n)
	for range n {
		r := i.request(ctx, ask{path: converseStream(labChat), body: says("slowly")})
		wg.Go(func() {
			resp, err := i.http.Do(r)
			opened.Done()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body) // until it is cancelled
			_ = resp.Body.Close()
		})
	}
	opened.Wait()
	i.healthy() // while they are open
	cancel()
	wg.Wait()
	i.http.CloseIdleConnections()
	waitFor(t, "the streams' goroutines to end", func() bool { return runtime.NumGoroutine() <= before+10 })
	gone := 0
	waitFor(t, "the streams' records", func() bool {
		gone = 0
		for _, r := range i.records() {
			if r.ErrorCode == "ClientGone" {
				gone++
			}
		}
		return gone == n
	})
	i.healthy()
}

// waitFor polls for what another goroutine is about to do.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
