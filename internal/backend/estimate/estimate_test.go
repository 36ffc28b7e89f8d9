package estimate_test

import (
	"encoding/json"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 0, 1: 1, 4: 1, 5: 2, 400: 100} {
		if got := estimate.Bytes(n); got != want {
			t.Errorf("%d bytes are %d tokens, want %d", n, got, want)
		}
	}
	if got := estimate.Text("世界"); got != 2 {
		t.Errorf("six bytes are %d tokens, want 2", got)
	}
}

// Every part of the documented rule, each alone on top of a message's frame.
func TestRequest(t *testing.T) {
	t.Parallel()
	data := llm.Source{Bytes: make([]byte, 640)}
	f := func(want int, blocks ...llm.Block) {
		t.Helper()
		req := &llm.ChatRequest{Messages: []llm.Message{llmtest.User(blocks...)}}
		if got := estimate.Request(req); got != 4+want {
			t.Errorf("%T is %d tokens, want 4+%d", blocks, got, want)
		}
	}
	f(0)
	f(2, llmtest.Text("12345678"))
	f(1, llmtest.Text("12"), llmtest.Text("34")) // the bytes are added up first
	f(2, &llm.Citations{Text: "12345678"})
	f(2, &llm.Reasoning{Text: "1234", Redacted: []byte("5678")})
	f(2, &llm.JSON{Value: json.RawMessage(`"123456"`)})
	f(2, &llm.Guard{Text: "12345678"})
	f(1024, &llm.Guard{Image: &llm.Image{}})
	f(1024, &llm.Image{Source: data})
	f(10, &llm.Video{Source: data})
	f(10, &llm.Audio{Source: data})
	f(6, &llm.ToolUse{Name: "1234", Input: json.RawMessage(`{  }`)})
	f(6, &llm.ToolResult{Content: []llm.Block{llmtest.Text("12345678")}})
	f(3, &llm.SearchResult{Source: "1234", Title: "1234", Content: []string{"12", "34"}})
	f(4, &llm.Document{Name: "1234", Context: "1234", Text: "1234", Content: []llm.Text{{Text: "1234"}}})
	f(160, &llm.Document{Source: data})
	f(0, &llm.CachePoint{})

	req := llmtest.Ask("m", "1234")
	req.System = []llm.Block{llmtest.Text("1234")}
	req.Tools = []llm.Tool{{Name: "1234", Description: "1234", InputSchema: json.RawMessage(`{  }`)}}
	req.Output.Schema = json.RawMessage(`{  }`)
	if got := estimate.Request(req); got != 3*4+6 {
		t.Errorf("a whole request is %d tokens, want 18", got)
	}
	m := llmtest.Assistant(llmtest.Text("1234"))
	if got := estimate.Message(&m); got != 1 {
		t.Errorf("an answer is %d tokens, want 1", got)
	}
}
