package chat

import (
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

func BenchmarkPrompt(b *testing.B) {
	long := &llm.ChatRequest{Messages: []llm.Message{user(text(strings.Repeat("lorem ipsum ", 100_000)))}}
	for _, name := range []string{"qwen3", "llama31", "mistral3"} {
		f := newFormat(b, name)
		for _, c := range []struct {
			name string
			req  *llm.ChatRequest
		}{{"tools", testRequests()["parallel"]}, {"1.2MB", long}} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f.Prompt(b.Context(), c.req); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkParser reads an answer of words and one call, four bytes at a time as from
// tokens.
func BenchmarkParser(b *testing.B) {
	words := strings.Repeat("Some [words] of {text} with <marks>. ", 100)
	answer := "<think>" + words + "</think>" + words + "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": \"" + words + "\"}}\n</tool_call>"
	f := newFormat(b, "qwen3")
	req := &llm.ChatRequest{Tools: testTools()}
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		p := f.NewParser(&Prompt{}, req)
		for at := 0; at < len(answer); at += 4 {
			p.Write(answer[at:min(at+4, len(answer))], false)
		}
		p.Close()
	}
}
