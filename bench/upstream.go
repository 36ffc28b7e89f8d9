package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/backend/upstream"
)

// The roles in which the program starts itself. The process says its address on
// standard output and ends when its standard input does.
const (
	roleUpstream = "upstream"
	roleProxy    = "proxy"
)

// model is one of the mock server's.
type model struct {
	id    string
	delay time.Duration // until the first token
}

var (
	fast = model{"mock-0ms", 0}
	slow = model{"mock-20ms", 20 * time.Millisecond}
)

const (
	streamDeltas = 16
	streamPace   = 2 * time.Millisecond
	maxBody      = 1 << 20
)

const answer = `{"id":"chatcmpl-bench","object":"chat.completion","created":1763800000,"model":"mock","choices":[{"index":0,"message":` +
	`{"role":"assistant","content":"The server answers with this sentence, whatever it is asked, and then it stops."},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":57,"completion_tokens":16,"total_tokens":73}}`

const (
	streamHead  = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1763800000,"model":"mock","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}` + "\n\n"
	streamDelta = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1763800000,"model":"mock","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}` + "\n\n"
	streamTail  = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1763800000,"model":"mock","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n" +
		`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1763800000,"model":"mock","choices":[],"usage":{"prompt_tokens":57,"completion_tokens":16,"total_tokens":73}}` + "\n\n" +
		"data: [DONE]\n\n"
)

// serveUpstream is a model server that speaks chat completions: the same answer to
// every request, after the delay that the model's name says.
func serveUpstream(ctx context.Context) error { return serve(ctx, modelServer()) }

func modelServer() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if bytes.Contains(body, []byte(slow.id)) {
			time.Sleep(slow.delay)
		}
		if bytes.Contains(body, []byte(`"stream":true`)) {
			streamAnswer(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	})
}

func streamAnswer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := http.NewResponseController(w)
	_, _ = io.WriteString(w, streamHead)
	for i := range streamDeltas {
		if i > 0 {
			time.Sleep(streamPace)
		}
		_, _ = io.WriteString(w, streamDelta)
		if flusher.Flush() != nil {
			return
		}
	}
	_, _ = io.WriteString(w, streamTail)
}

// serveProxy is the least a gateway can do: pass requests on. Its transport is that of
// Outcrop's backends, and it flushes streams at once.
func serveProxy(ctx context.Context, target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	return serve(ctx, &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:     upstream.NewTransport(upstream.TransportConfig{}),
		FlushInterval: -1,
	})
}

// serve serves h on a free port, which it prints, until standard input ends.
func serve(ctx context.Context, h http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); !strings.Contains(err.Error(), http.ErrServerClosed.Error()) {
		return err
	}
	return nil
}
