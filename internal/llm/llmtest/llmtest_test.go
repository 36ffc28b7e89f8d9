package llmtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	start, stop, meta := &llm.MessageStart{}, &llm.MessageStop{Reason: llm.EndTurn}, &llm.Metadata{}
	text := &llm.BlockStart{Block: &llm.Text{}}
	f := func(problem string, events ...llm.Event) {
		t.Helper()
		err := llmtest.Order(events)
		if problem == "" && err == nil {
			return
		}
		if err == nil || problem == "" || !strings.Contains(err.Error(), problem) {
			t.Errorf("Order = %v, want %q", err, problem)
		}
	}
	f("", start, stop, meta)
	f("", &llm.RawEvent{}, start, text, &llm.BlockDelta{Text: "a"}, &llm.RawEvent{}, &llm.BlockStop{}, stop, meta, &llm.RawEvent{})
	f("complete")
	f("complete", start, stop)
	f("out of order", text)
	f("out of order", start, start)
	f("out of order", start, text, text)
	f("out of order", start, text, &llm.BlockDelta{Index: 1, Text: "a"})
	f("out of order", start, text, stop)
	f("out of order", start, stop, meta, meta)
	f("no reason", start, &llm.MessageStop{})
	f("fields []", start, text, &llm.BlockDelta{})
	f("fields", start, text, &llm.BlockDelta{Text: "a", ToolInput: "b"})
	f("fields", start, text, &llm.BlockDelta{ToolInput: "{"})
	f("cannot hold", start, &llm.BlockStart{Block: &llm.Video{}})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	f := func(a, b string, same bool) {
		t.Helper()
		if got := llmtest.Diff(json.RawMessage(a), json.RawMessage(b)) == ""; got != same {
			t.Errorf("%s and %s: same = %v, want %v", a, b, got, same)
		}
	}
	f(`{"a":1,"b":[ ]}`, `{"b":[],"a":1}`, true)
	f(`{"a":1}`, `{"a":1.0}`, false)
	f(`{`, `{`, true)
	f(`{`, `}`, false)
}
