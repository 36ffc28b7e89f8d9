// Package estimate counts tokens when no tokenizer is at hand.
//
// The rule is plain on purpose, so that whoever reads a figure marked as estimated
// can check it: four bytes of UTF-8 text are one token, rounded up; each message
// and each tool, its call and its result add four tokens; a picture is 1,024 tokens,
// and of film and sound, whose length is not known, 64 bytes are one. English prose
// comes out near what tokenizers count; other languages and code differ.
package estimate

import "github.com/outcrop-ai/outcrop/internal/llm"

// The parts of the rule.
const (
	bytesPerToken      = 4
	tokensPerItem      = 4 // a message's or a tool's frame
	tokensPerImage     = 1024
	mediaBytesPerToken = 64
)

// Bytes returns the tokens of n bytes of text.
func Bytes(n int) int { return (n + bytesPerToken - 1) / bytesPerToken }

// Text returns the tokens of s.
func Text(s string) int { return Bytes(len(s)) }

// Request returns the input tokens of a request.
func Request(req *llm.ChatRequest) int {
	var c counter
	if len(req.System) > 0 {
		c.tokens += tokensPerItem
		c.blocks(req.System)
	}
	for i := range req.Messages {
		c.tokens += tokensPerItem
		c.blocks(req.Messages[i].Content)
	}
	for i := range req.Tools {
		t := &req.Tools[i]
		c.tokens += tokensPerItem
		c.bytes += len(t.Name) + len(t.Description) + len(t.InputSchema)
	}
	c.bytes += len(req.Output.Schema)
	return c.total()
}

// Message returns the tokens of a message, as output.
func Message(m *llm.Message) int {
	var c counter
	c.blocks(m.Content)
	return c.total()
}

type counter struct{ bytes, tokens int }

func (c *counter) total() int { return c.tokens + Bytes(c.bytes) }

func (c *counter) blocks(blocks []llm.Block) {
	for _, b := range blocks {
		c.block(b)
	}
}

func (c *counter) block(b llm.Block) {
	switch b := b.(type) {
	case *llm.Text:
		c.bytes += len(b.Text)
	case *llm.Citations:
		c.bytes += len(b.Text)
	case *llm.Reasoning:
		c.bytes += len(b.Text) + len(b.Redacted)
	case *llm.JSON:
		c.bytes += len(b.Value)
	case *llm.Guard:
		c.bytes += len(b.Text)
		if b.Image != nil {
			c.tokens += tokensPerImage
		}
	case *llm.ToolUse:
		c.tokens += tokensPerItem
		c.bytes += len(b.Name) + len(b.Input)
	case *llm.ToolResult:
		c.tokens += tokensPerItem
		c.blocks(b.Content)
	case *llm.SearchResult:
		c.bytes += len(b.Source) + len(b.Title)
		for _, s := range b.Content {
			c.bytes += len(s)
		}
	case *llm.Document:
		c.document(b)
	case *llm.Image:
		c.tokens += tokensPerImage
	case *llm.Video:
		c.tokens += len(b.Source.Bytes) / mediaBytesPerToken
	case *llm.Audio:
		c.tokens += len(b.Source.Bytes) / mediaBytesPerToken
	case *llm.CachePoint:
	}
}

// document counts text as text, and a packed format by its bytes as they are: what
// unpacking adds, markup takes away.
func (c *counter) document(d *llm.Document) {
	c.bytes += len(d.Name) + len(d.Context) + len(d.Text) + len(d.Source.Bytes)
	for _, chunk := range d.Content {
		c.bytes += len(chunk.Text)
	}
}
