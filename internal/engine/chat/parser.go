package chat

import "github.com/outcrop-ai/outcrop/internal/llm"

// EventKind says what an Event is.
type EventKind uint8

// The kinds of event.
const (
	Text      EventKind = iota // Text is part of the answer
	Reasoning                  // Text is part of what the model thought
	ToolStart                  // a call of the tool Name begins, with the new ID
	ToolInput                  // Text is a fragment of the call's arguments, a JSON object
	ToolStop                   // the call is complete
	Malformed                  // a call could not be read; Text says why. What was written of it is in Text events, or in ToolInput events when the call had begun
)

// Event is one step of reading what a model writes.
type Event struct {
	Kind     EventKind
	Text     string
	Name, ID string // ToolStart
}

// Parser reads what a model writes. It is not safe for concurrent use.
type Parser struct{}

// NewParser returns a parser of the answer to p, which was made from req.
func (f *Format) NewParser(p *Prompt, req *llm.ChatRequest) *Parser {
	_, _ = p, req
	return &Parser{}
}

// Write takes the next piece of text, cut anywhere. control: it is a control token.
func (p *Parser) Write(text string, control bool) []Event {
	_, _ = text, control
	return nil
}

// Close ends the answer and returns what was held back.
func (p *Parser) Close() []Event { return nil }
