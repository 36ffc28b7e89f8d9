package wire_test

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/wire"
)

// nullWriter is a response that goes nowhere.
type nullWriter struct{ h http.Header }

func (w *nullWriter) Header() http.Header         { return w.h }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(int)             {}
func (w *nullWriter) Flush()                      {}

// trusting takes everyone's word without a look at the body.
func trusting(context.Context, *wire.AuthRequest) (wire.Identity, error) { return wire.Identity{}, nil }

// BenchmarkConverse is what this package adds to a small call: dispatch, body,
// decoding, validation, encoding. The model answers at once.
func BenchmarkConverse(b *testing.B) {
	cfg := testConfig(&runtime{})
	cfg.Authenticate = trusting
	h := newHandler(b, cfg)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/model/anthropic.x-v1:0/converse", nil)
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Authorization", signedFor("bedrock", "us-east-1"))
	r.ContentLength = int64(len(hello))
	body := strings.NewReader(hello)
	r.Body = io.NopCloser(body)
	w := &nullWriter{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(hello)
		clear(w.h)
		h.ServeHTTP(w, r)
	}
}

// BenchmarkStreamEvent is the cost of one event of a stream.
func BenchmarkStreamEvent(b *testing.B) {
	const events = 1000
	cfg := testConfig(&runtime{stream: func(context.Context) iter.Seq2[*event, error] {
		return func(yield func(*event, error) bool) {
			e := delta(" world")
			for range events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}})
	cfg.Authenticate = trusting
	cfg.StreamDelay = -1
	h := newHandler(b, cfg)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, streamPath, nil)
	r.ContentLength = int64(len(hello))
	body := strings.NewReader(hello)
	r.Body = io.NopCloser(body)
	w := &nullWriter{h: http.Header{}}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n%events == 0 {
			body.Reset(hello)
			clear(w.h)
			h.ServeHTTP(w, r)
		}
		n++
	}
}

// BenchmarkServer is a call over the loopback, to set beside net/http's own cost.
func BenchmarkServer(b *testing.B) {
	for _, bc := range []struct {
		name string
		h    http.Handler
	}{
		{"converse", newHandler(b, testConfig(&runtime{}))},
		{"bare", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = w.Write([]byte(hello))
		})},
	} {
		b.Run(bc.name, func(b *testing.B) {
			addr := start(b, bc.h, wire.ServerConfig{})
			c := newClient(b, false)
			b.ReportAllocs()
			for b.Loop() {
				if got := do(b, c, http.MethodPost, "http://"+addr+"/model/m/converse", hello); got.status != http.StatusOK {
					b.Fatal(got)
				}
			}
		})
	}
}
