package embedded

import (
	"context"
	"unicode"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// emitter yields an answer as events.
type emitter struct {
	ctx    context.Context //nolint:containedctx // lives for one Chat call
	yield  func(llm.Event, error) bool
	stream bool
	usage  llm.Usage
	done   bool // the receiver or the context ended it
}

func (e *emitter) send(ev llm.Event) {
	if e.done {
		return
	}
	if err := e.ctx.Err(); err != nil {
		e.done = true
		e.yield(nil, err)
		return
	}
	e.done = !e.yield(ev, nil)
}

func (e *emitter) emit(a answer) {
	usage := e.usage
	e.send(&llm.MessageStart{Role: llm.Assistant, Served: llm.Served{Model: ReaderModel}, Usage: &usage})
	for i, b := range a.blocks {
		e.block(i, b)
		if e.done {
			return
		}
	}
	e.send(&llm.MessageStop{Reason: a.stop, Sequence: a.sequence})
	e.usage.OutputTokens = a.tokens
	e.send(&llm.Metadata{Usage: e.usage})
}

func (e *emitter) block(i int, b llm.Block) {
	switch b := b.(type) {
	case *llm.Text:
		e.send(&llm.BlockStart{Index: i, Block: &llm.Text{}})
		e.words(i, b.Text)
	case *llm.Citations:
		e.send(&llm.BlockStart{Index: i, Block: &llm.Citations{}})
		e.words(i, b.Text)
		for j := range b.Citations {
			e.send(&llm.BlockDelta{Index: i, Citation: &b.Citations[j]})
		}
	case *llm.ToolUse:
		e.send(&llm.BlockStart{Index: i, Block: &llm.ToolUse{ID: b.ID, Name: b.Name}})
		for _, part := range e.parts(string(b.Input)) {
			e.send(&llm.BlockDelta{Index: i, ToolInput: part})
		}
	}
	e.send(&llm.BlockStop{Index: i})
}

func (e *emitter) words(i int, s string) {
	for _, part := range e.parts(s) {
		if e.done {
			return
		}
		e.send(&llm.BlockDelta{Index: i, Text: part})
	}
}

// parts cuts s before the white space of each word; whole when nobody waits for it.
func (e *emitter) parts(s string) []string {
	if !e.stream || s == "" {
		return []string{s}
	}
	var out []string
	start, word := 0, false
	for i, r := range s {
		space := unicode.IsSpace(r)
		if word && (space || i-start > 40 && utf8.RuneStart(s[i])) {
			out = append(out, s[start:i])
			start, word = i, false
		}
		word = word || !space
	}
	return append(out, s[start:])
}
