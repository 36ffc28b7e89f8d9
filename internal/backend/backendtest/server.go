package backendtest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

// apiKey is the secret that no message may tell. It does not look like a key.
const apiKey = "very-secret-0123456789"

// serve starts a provider's server and opens the backend for it.
func serve(t *testing.T, s *Script, h http.HandlerFunc, target Target) llm.ChatModel {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close) // waits until every handler has returned
	target.BaseURL, target.APIKey = srv.URL, apiKey
	return s.Open(t, target)
}

// answering answers every request with a.
func answering(s *Script, a Answer, streaming bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if streaming {
			writeEvents(w, s.Stream(a))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(s.Whole(a))
	}
}

// writeEvents sends events one by one.
func writeEvents(w http.ResponseWriter, events []string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		_, _ = io.WriteString(w, e)
		_ = http.NewResponseController(w).Flush()
	}
}

// question is a plain request.
func question(stream bool) *llm.ChatRequest {
	return &llm.ChatRequest{
		Model:     "test-model",
		Stream:    stream,
		Inference: llm.Inference{MaxTokens: 100},
		Messages:  []llm.Message{{Role: llm.User, Content: []llm.Block{&llm.Text{Text: "Why is the sky blue?"}}}},
	}
}

// chat collects an answer, and checks the order of its events on the way.
func chat(ctx context.Context, t *testing.T, m llm.ChatModel, req *llm.ChatRequest) (*llm.ChatResponse, error) {
	t.Helper()
	var c llm.Collector
	var events []llm.Event
	var failed error
	for e, err := range m.Chat(ctx, req) {
		if failed != nil {
			t.Error("the sequence goes on after its error")
		}
		if failed = err; err != nil {
			if e != nil {
				t.Errorf("an error comes with the event %T", e)
			}
			continue
		}
		events = append(events, e)
		if err := c.Add(e); err != nil {
			t.Errorf("collect: %v", err)
		}
	}
	if failed != nil {
		return c.Response(), failed
	}
	if err := llmtest.Order(events); err != nil {
		t.Error(err)
	}
	return c.Response(), c.Err()
}

// leaks reports the secrets that a text tells.
func leaks(text string) bool {
	return strings.Contains(text, apiKey) || strings.Contains(text, "very-secret")
}
