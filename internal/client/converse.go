package client

import (
	"encoding/json"
	"fmt"
)

// The types below are the part of Converse that the command line uses, in its JSON
// form. They are for reading and writing only.

// ConverseRequest is a conversation to be continued.
type ConverseRequest struct {
	Messages        []Message        `json:"messages"`
	System          []Block          `json:"system,omitempty"`
	InferenceConfig *InferenceConfig `json:"inferenceConfig,omitempty"`
	ToolConfig      json.RawMessage  `json:"toolConfig,omitempty"`
	OutputConfig    json.RawMessage  `json:"outputConfig,omitempty"`
}

// InferenceConfig holds sampling parameters; zero values are left out.
type InferenceConfig struct {
	MaxTokens   int      `json:"maxTokens,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"`
}

// Message is one turn.
type Message struct {
	Role    string  `json:"role"`
	Content []Block `json:"content"`
}

// Block is a content block; one field is set.
type Block struct {
	Text       *string          `json:"text,omitempty"`
	Document   *Document        `json:"document,omitempty"`
	ToolUse    *ToolUse         `json:"toolUse,omitempty"`
	ToolResult *ToolResult      `json:"toolResult,omitempty"`
	Citations  *CitationsBlock  `json:"citationsContent,omitempty"`
	Other      *json.RawMessage `json:"reasoningContent,omitempty"`
}

// Document is a file for the model to read.
type Document struct {
	Format    string           `json:"format"`
	Name      string           `json:"name"`
	Source    Source           `json:"source"`
	Citations *CitationsConfig `json:"citations,omitempty"`
}

// Source holds a document's bytes.
type Source struct {
	Bytes []byte `json:"bytes"`
}

// CitationsConfig asks for citations.
type CitationsConfig struct {
	Enabled bool `json:"enabled"`
}

// ToolUse is a call the model wants made.
type ToolUse struct {
	ToolUseID string          `json:"toolUseId"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
}

// ToolResult is what a tool returned.
type ToolResult struct {
	ToolUseID string            `json:"toolUseId"`
	Content   []ToolResultBlock `json:"content"`
}

// ToolResultBlock is a piece of a tool's result.
type ToolResultBlock struct {
	JSON json.RawMessage `json:"json,omitempty"`
	Text string          `json:"text,omitempty"`
}

// CitationsBlock is text with its sources.
type CitationsBlock struct {
	Content   []struct{ Text string } `json:"content"`
	Citations []Citation              `json:"citations"`
}

// Citation leads to the passage that supports a text.
type Citation struct {
	Title         string                  `json:"title"`
	SourceContent []struct{ Text string } `json:"sourceContent"`
	Location      CitationLocation        `json:"location"`
}

// CitationLocation is a place in a document; one field is set.
type CitationLocation struct {
	Char  *Span `json:"documentChar"`
	Page  *Span `json:"documentPage"`
	Chunk *Span `json:"documentChunk"`
}

// Span is a half-open range in one of the request's documents.
type Span struct {
	DocumentIndex int `json:"documentIndex"`
	Start         int `json:"start"`
	End           int `json:"end"`
}

// String returns the place in words, or "".
func (l CitationLocation) String() string {
	switch {
	case l.Char != nil:
		return fmt.Sprintf("characters %d to %d", l.Char.Start, l.Char.End)
	case l.Page != nil:
		return fmt.Sprintf("pages %d to %d", l.Page.Start, l.Page.End)
	case l.Chunk != nil:
		return fmt.Sprintf("chunks %d to %d", l.Chunk.Start, l.Chunk.End)
	}
	return ""
}

// ConverseResponse is an answer.
type ConverseResponse struct {
	Output struct {
		Message Message `json:"message"`
	} `json:"output"`
	StopReason string `json:"stopReason"`
	Usage      Usage  `json:"usage"`
}

// Usage counts tokens.
type Usage struct {
	InputTokens  int `json:"inputTokens"`
	OutputTokens int `json:"outputTokens"`
}

// StreamPayload is any event of a stream; the fields of other events stay zero.
type StreamPayload struct {
	Start struct {
		ToolUse *ToolUse `json:"toolUse"`
	} `json:"start"`
	Delta struct {
		Text     string    `json:"text"`
		Citation *Citation `json:"citation"`
		ToolUse  *struct {
			Input string `json:"input"`
		} `json:"toolUse"`
	} `json:"delta"`
	StopReason string `json:"stopReason"`
	Usage      Usage  `json:"usage"`
}
