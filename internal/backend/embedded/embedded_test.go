package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

func user(blocks ...llm.Block) llm.Message { return llm.Message{Role: llm.User, Content: blocks} }

func assistant(blocks ...llm.Block) llm.Message {
	return llm.Message{Role: llm.Assistant, Content: blocks}
}

func words(s string) *llm.Text { return &llm.Text{Text: s} }

// ask is a request of one message, the question after the other blocks.
func ask(question string, blocks ...llm.Block) *llm.ChatRequest {
	return &llm.ChatRequest{Messages: []llm.Message{user(append(blocks, words(question))...)}}
}

func chat(tb testing.TB, req *llm.ChatRequest) *llm.ChatResponse {
	tb.Helper()
	resp, err := llm.Collect((&Reader{}).Chat(tb.Context(), req))
	if err != nil {
		tb.Fatal(err)
	}
	return resp
}

// said joins the text of an answer.
func said(resp *llm.ChatResponse) string {
	var sb strings.Builder
	for _, b := range resp.Message.Content {
		if t := blockText(b); t != nil {
			sb.WriteString(*t)
		}
	}
	return sb.String()
}

var manual = &llm.Document{Format: "md", Name: "manual", Citations: true, Source: llm.Source{Bytes: []byte(`# Lampe Ünal

## Installing the battery

1. Unplug the lamp.
2. Open the lid with a coin.
3. Insert the battery.

## Warranty

The warranty lasts 24 months from the date of purchase. It does not cover water damage.
The lamp was designed by Ada Berg in 2019.
`)}}

func TestStreamSaysTheSame(t *testing.T) {
	t.Parallel()
	requests := []*llm.ChatRequest{
		ask("How long is the warranty?", manual),
		ask("Hello"),
		{Messages: []llm.Message{user(words("What's the weather in Paris and London?"))}, Tools: []llm.Tool{weather}},
	}
	for _, req := range requests {
		whole := chat(t, req)
		streamed := *req
		streamed.Stream = true
		events := llmtest.Events(t, (&Reader{}).Chat(t.Context(), &streamed))
		resp, err := llm.Collect(llmtest.Stream(events...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := llmtest.Diff(resp, whole); diff != "" {
			t.Errorf("streamed answer (-streamed +whole):\n%s", diff)
		}
		for _, e := range events {
			if d, ok := e.(*llm.BlockDelta); ok && len(strings.Fields(d.Text)) > 1 {
				t.Errorf("delta %q has more than one word", d.Text)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	req := ask("How long is the warranty?", manual)
	resp := chat(t, req)
	n, err := (&Reader{}).CountTokens(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Usage.InputTokens != n || n < 50 || n > 150 {
		t.Errorf("input tokens %d, counted %d: want the same, near 100", resp.Usage.InputTokens, n)
	}
	if got := resp.Usage.OutputTokens; got != countBlocks(resp.Message.Content) || got == 0 {
		t.Errorf("output tokens %d, want those of %q", got, said(resp))
	}
	if resp.Served.Model != ReaderModel {
		t.Errorf("served model %q", resp.Served.Model)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	whole := said(chat(t, ask("Hello")))
	for n := 1; n < 40; n++ {
		req := ask("Hello")
		req.Inference.MaxTokens = n
		resp := chat(t, req)
		got := said(resp)
		if !strings.HasPrefix(whole, got) || resp.Usage.OutputTokens > n || countText(got) > n {
			t.Errorf("maxTokens %d: %q with %d tokens", n, got, resp.Usage.OutputTokens)
		}
		if got != whole && resp.StopReason != llm.MaxTokens {
			t.Errorf("maxTokens %d: stop reason %q", n, resp.StopReason)
		}
	}
	req := ask("Hello")
	req.Inference.StopSequences = []string{"never said", "documents", "answers only"}
	resp := chat(t, req)
	if got := said(resp); !strings.HasSuffix(got, "a reader that ") || resp.StopReason != llm.StopSequence || resp.StopSequence != "answers only" {
		t.Errorf("stop sequence: %q, %q, %q", got, resp.StopReason, resp.StopSequence)
	}
	// A call that does not fit is not begun.
	req = &llm.ChatRequest{Messages: []llm.Message{user(words("What's the weather in Paris?"))}, Tools: []llm.Tool{weather}}
	req.Inference.MaxTokens = 3
	if resp := chat(t, req); len(resp.Message.Content) != 0 || resp.StopReason != llm.MaxTokens {
		t.Errorf("tool call in 3 tokens: %d blocks, %q", len(resp.Message.Content), resp.StopReason)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := ask("Hello")
	req.Stream = true
	n := 0
	var last error
	for _, err := range (&Reader{}).Chat(ctx, req) {
		if n++; n == 4 {
			cancel()
		}
		last = err
	}
	if n != 5 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d events and error %v after a cancel at the fourth, want one more and Canceled", n, last)
	}
	n = 0
	for range (&Reader{}).Chat(t.Context(), req) { //nolint:errcheck // it breaks before any
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d events after a break at the third", n)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		req  *llm.ChatRequest
		kind fault.Kind
	}{
		{"empty", &llm.ChatRequest{}, fault.Invalid},
		{"pdf", ask("?", &llm.Document{Format: "pdf", Source: llm.Source{Bytes: []byte("%PDF-1.4")}}), fault.Invalid},
		{"by location", ask("?", &llm.Document{Format: "txt", Source: llm.Source{S3: &llm.S3Location{URI: "s3://b/k"}}}), fault.NotImplemented},
		{"broken", ask("?", &llm.Document{Format: "docx", Source: llm.Source{Bytes: []byte("x")}}), fault.Invalid},
	} {
		if _, err := llm.Collect((&Reader{}).Chat(t.Context(), tt.req)); !fault.Is(err, tt.kind) {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.kind)
		}
	}
}

// TestPDF asks of a real file and wants its page cited.
func TestPDF(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(sharedtest.Path(t, "eval", "documents"), "files", "docling__multi_page.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	resp := chat(t, ask("Who patented the typewriter?", &llm.Document{Format: "pdf", Name: "history", Citations: true, Source: llm.Source{Bytes: data}}))
	for _, b := range resp.Message.Content {
		if c, ok := b.(*llm.Citations); ok && strings.Contains(c.Text, "Christopher Latham Sholes") {
			want := llm.Location{Kind: llm.PageLocation, Start: 1, End: 2}
			if diff := cmp.Diff(c.Citations[0].Location, want); diff != "" {
				t.Errorf("location (-got +want):\n%s", diff)
			}
			return
		}
	}
	t.Errorf("answer %+v, want a citation that names Christopher Latham Sholes", resp.Message.Content)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	f := func(s string, want int) {
		t.Helper()
		if got := countText(s); got != want {
			t.Errorf("countText(%q) = %d, want %d", s, got, want)
		}
		for room := range want + 2 {
			end, n := cutTokens(s, room)
			if n > room || countText(s[:end]) > room {
				t.Errorf("cutTokens(%q, %d) = %d, %d", s, room, end, n)
			}
		}
	}
	f("", 0)
	f("The cat sat.", 4)
	f("internationalization", 4)
	f("12345 6", 3)
	f("東京都です", 5)
	f("  \n\n x", 2)
	f("{\"a\":[1,2]}", 7)
}

func FuzzTokens(f *testing.F) {
	f.Add("The quick-brown fox, 12345 東京 {}", 4)
	f.Fuzz(func(t *testing.T, s string, room int) {
		end, n := cutTokens(s, room)
		if end < 0 || end > len(s) || room >= 0 && n > room {
			t.Errorf("cutTokens(%q, %d) = %d, %d", s, room, end, n)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	req := ask("How long is the warranty?", manual)
	b.ReportAllocs()
	for b.Loop() {
		chat(b, req)
	}
}

func BenchmarkGreeting(b *testing.B) {
	req := ask("Hello")
	b.ReportAllocs()
	for b.Loop() {
		chat(b, req)
	}
}

func BenchmarkToolCall(b *testing.B) {
	req := &llm.ChatRequest{Messages: []llm.Message{user(words("What's the weather in Paris and London?"))}, Tools: []llm.Tool{weather}}
	b.ReportAllocs()
	for b.Loop() {
		chat(b, req)
	}
}

func BenchmarkLongDocument(b *testing.B) {
	long := strings.Repeat("The quick brown fox jumped over the lazy dog near the river bank in 1999. ", 14000) + "The warranty lasts 24 months."
	req := ask("How long is the warranty?", &llm.Document{Text: long})
	b.SetBytes(int64(len(long)))
	for b.Loop() {
		chat(b, req)
	}
}

// TestSame makes sure that an answer depends on the request alone.
func TestSame(t *testing.T) {
	t.Parallel()
	for _, req := range []*llm.ChatRequest{
		ask("Summarise the document.", manual),
		{Messages: []llm.Message{user(words("What's the weather in Paris and London?"))}, Tools: []llm.Tool{weather}},
	} {
		first := chat(t, req)
		for range 20 {
			if diff := cmp.Diff(chat(t, req), first, cmp.Comparer(func(a, b json.RawMessage) bool { return string(a) == string(b) })); diff != "" {
				t.Fatalf("another answer (-got +first):\n%s", diff)
			}
		}
	}
}
