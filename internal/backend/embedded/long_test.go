package embedded

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// TestLongInputs makes sure that no text takes long, however odd it is.
func TestLongInputs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a quarter of a minute of work: not with -short")
	}
	var fields strings.Builder
	for i := range 100 {
		fmt.Fprintf(&fields, `"field_%d":{"type":"string","description":"such as 'a', 'b'"},`, i)
	}
	wide := `{"type":"object","properties":{` + fields.String() + `"n":{"type":"integer"}},"required":["n"]}`
	const size = 1 << 15 // all that is longer is bounded before or linear: see BenchmarkLongDocument
	for _, unit := range []string{
		"a", "京", "two ", "(1,2),", "[", "{", `"`, "'", "` ", "- item\n", "=", ". ", ".", "A ", "1", "1 ", "x^2+", "and ", "from A to B ", "? ",
		"\n", "# a\n", "| a ", "\xff", "July ", "12:30 ", "https://a.b ", "a@b.c ", "a_b ", "<context>", "question: ", "i-0abc ",
	} {
		s := strings.Repeat(unit, size/len(unit))
		start := time.Now()
		chat(t, ask(s))
		chat(t, ask("What is a?", &llm.Document{Text: s, Citations: true}))
		chat(t, ask("Summarise this.", &llm.Document{Text: s}))
		chat(t, structured(wide, s))
		chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words(s))}, Tools: []llm.Tool{weather, tool("wide", s[:1000], wide)}, ToolChoice: llm.ToolChoice{Mode: llm.ToolAny}})
		use := &llm.ToolUse{ID: "1", Name: "x", Input: json.RawMessage(`{}`)}
		chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words("What is a?")), assistant(use), user(&llm.ToolResult{ToolUseID: "1", Content: []llm.Block{words(s)}})}, Tools: []llm.Tool{weather}})
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%q took %v", unit, d)
		} else if testing.Verbose() {
			t.Logf("%q %v", unit, d)
		}
	}
}

// TestTooLong wants a request beyond what the reader takes refused before any work.
func TestTooLong(t *testing.T) {
	t.Parallel()
	req := ask(strings.Repeat("ab ", maxInput))
	_, err := llm.Collect((&Reader{}).Chat(t.Context(), req))
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "Input is too long for requested model") {
		t.Errorf("err = %v", err)
	}
}
