package llm_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

func TestReplayThenCollectIsTheSame(t *testing.T) {
	t.Parallel()
	citation := llm.Citation{Title: "T", SourceContent: []string{"s"}, Location: llm.Location{Kind: llm.CharLocation, Index: 1, End: 3}}
	want := &llm.ChatResponse{
		Message: llmtest.Assistant(
			&llm.Reasoning{Text: "hm", Signature: "sig"},
			&llm.Reasoning{Redacted: []byte{1, 2}},
			llmtest.Text("Hello"), llmtest.Text(""),
			&llm.Citations{Text: "Grass is green.", Citations: []llm.Citation{citation, {Title: "U"}}},
			&llm.ToolUse{ID: "t1", Name: "search", Input: json.RawMessage(`{"q":"x"}`), Server: true},
			&llm.ToolResult{ToolUseID: "t1", Type: "web_search_tool_result", Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`[]`)}}},
			&llm.Image{Format: "png", Source: llm.Source{Bytes: []byte("png")}},
		),
		StopReason: llm.StopSequence, StopSequence: "END", Extra: json.RawMessage(`{"a":1}`),
		Usage: llm.Usage{InputTokens: 1, OutputTokens: 2, CacheDetails: []llm.CacheDetail{{TTL: "1h", InputTokens: 3}}}, Latency: time.Second,
		ServiceTier: "default", Trace: json.RawMessage(`{}`), ID: "msg_1", Raw: json.RawMessage(`{"raw":true}`),
	}
	got := llmtest.Collect(t, llm.Replay(want))
	if diff := llmtest.Diff(got, want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	start, stop, meta := &llm.MessageStart{Role: llm.Assistant}, &llm.MessageStop{Reason: llm.EndTurn}, &llm.Metadata{}
	f := func(want []llm.Block, events ...llm.Event) {
		t.Helper()
		got := llmtest.Collect(t, llmtest.Stream(events...))
		if diff := llmtest.Diff(got.Message.Content, want); diff != "" {
			t.Errorf("got (-), want (+)\n%s", diff)
		}
	}
	f(nil, start, stop, meta)
	// A citation turns text into cited text, whenever it comes.
	cite := &llm.Citation{Title: "T"}
	f([]llm.Block{&llm.Citations{Text: "ab", Citations: []llm.Citation{{Title: "T"}, {Title: "T"}}}},
		start, &llm.BlockStart{Block: &llm.Text{}}, &llm.BlockDelta{Text: "a"}, &llm.BlockDelta{Citation: cite},
		&llm.BlockDelta{Text: "b"}, &llm.BlockDelta{Citation: cite}, &llm.BlockStop{}, stop, meta)
	// A tool without input gets an empty object.
	f([]llm.Block{&llm.ToolUse{ID: "a", Name: "b", Input: json.RawMessage("{}")}},
		start, &llm.BlockStart{Block: &llm.ToolUse{ID: "a", Name: "b"}}, &llm.BlockStop{}, stop, meta)
}

func TestCollectKeepsWhatArrived(t *testing.T) {
	t.Parallel()
	got, err := llm.Collect(llmtest.Stream(
		&llm.MessageStart{Role: llm.Assistant, Usage: &llm.Usage{InputTokens: 5}},
		&llm.BlockStart{Block: &llm.Text{}}, &llm.BlockDelta{Text: "half"},
	))
	if !errors.Is(err, llm.ErrTruncated) {
		t.Errorf("err = %v, want ErrTruncated", err)
	}
	want := &llm.ChatResponse{Message: llmtest.Assistant(llmtest.Text("half")), Usage: llm.Usage{InputTokens: 5}}
	if diff := llmtest.Diff(got, want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
	for _, events := range [][]llm.Event{
		{&llm.BlockDelta{Text: "a"}},
		{&llm.BlockStop{}},
		{&llm.BlockStart{Block: &llm.Text{}}, &llm.BlockStart{Block: &llm.Text{}}},
	} {
		if _, err := llm.Collect(llmtest.Stream(events...)); err == nil || errors.Is(err, llm.ErrTruncated) {
			t.Errorf("%T out of order: err = %v", events[len(events)-1], err)
		}
	}
}
