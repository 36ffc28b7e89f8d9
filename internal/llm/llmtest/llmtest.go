// Package llmtest helps to test what speaks package llm: a checker of the order of
// events, builders of small conversations, and a comparison that takes JSON for what
// it means. It starts nothing and holds no model.
package llmtest

import (
	"bytes"
	"encoding/json"
	"iter"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Diff compares two values and returns "" or a report of what is only in got (-) and
// only in want (+). JSON values are equal when they mean the same; a nil and an empty
// slice are equal.
func Diff(got, want any) string {
	return cmp.Diff(got, want, cmp.FilterPath(isJSON, cmp.Comparer(sameJSON)), cmp.FilterPath(isNotJSON, cmpopts.EquateEmpty()))
}

func isJSON(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[json.RawMessage]() }

func isNotJSON(p cmp.Path) bool { return !isJSON(p) }

func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	va, oka := decode(a)
	vb, okb := decode(b)
	return oka && okb && cmp.Equal(va, vb)
}

func decode(raw json.RawMessage) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	return v, d.Decode(&v) == nil
}

// Stream returns a sequence of the given events.
func Stream(events ...llm.Event) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Events ranges over a stream and returns its events. It fails the test when the
// stream does, and when the events are not in the order that llm.Event asks for.
func Events(tb testing.TB, stream iter.Seq2[llm.Event, error]) []llm.Event {
	tb.Helper()
	var events []llm.Event
	for e, err := range stream {
		if err != nil {
			tb.Fatalf("the stream failed after %d events: %v", len(events), err)
		}
		events = append(events, e)
	}
	if err := Order(events); err != nil {
		tb.Fatal(err)
	}
	return events
}

// Collect is llm.Collect for a stream that must not fail and must be in order.
func Collect(tb testing.TB, stream iter.Seq2[llm.Event, error]) *llm.ChatResponse {
	tb.Helper()
	resp, err := llm.Collect(Stream(Events(tb, stream)...))
	if err != nil {
		tb.Fatal(err)
	}
	return resp
}

// User returns a user's turn of the given blocks.
func User(blocks ...llm.Block) llm.Message { return llm.Message{Role: llm.User, Content: blocks} }

// Assistant returns the model's turn of the given blocks.
func Assistant(blocks ...llm.Block) llm.Message {
	return llm.Message{Role: llm.Assistant, Content: blocks}
}

// Text returns a text block.
func Text(text string) *llm.Text { return &llm.Text{Text: text} }

// Ask returns a request with one question.
func Ask(model, question string) *llm.ChatRequest {
	return &llm.ChatRequest{Model: model, Messages: []llm.Message{User(Text(question))}}
}
