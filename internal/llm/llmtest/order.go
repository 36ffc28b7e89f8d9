package llmtest

import (
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Order reports how the events of a whole stream break the rules that llm.Event
// states, or nil.
func Order(events []llm.Event) error {
	var o order
	for i, e := range events {
		if err := o.add(e); err != nil {
			return fmt.Errorf("event %d (%T): %w", i, e, err)
		}
	}
	if o.state != done {
		return fmt.Errorf("after %d events: the stream isn't complete: want %s", len(events), o.state)
	}
	return nil
}

type state uint8

const (
	before state = iota
	between
	inside
	stopped
	done
)

func (s state) String() string {
	return [...]string{"MessageStart", "BlockStart or MessageStop", "BlockDelta or BlockStop", "Metadata", "nothing"}[s]
}

// order follows a stream.
type order struct {
	state state
	index int
	open  llm.Block
}

func (o *order) add(e llm.Event) error {
	var ok bool
	switch e := e.(type) {
	case *llm.RawEvent:
		return nil
	case *llm.MessageStart:
		ok, o.state = o.state == before, between
	case *llm.BlockStart:
		return o.start(e)
	case *llm.BlockDelta:
		return o.delta(e)
	case *llm.BlockStop:
		ok = o.state == inside && e.Index == o.index
		o.state = between
		o.index++
	case *llm.MessageStop:
		if e.Reason == "" {
			return fmt.Errorf("it has no reason")
		}
		ok, o.state = o.state == between, stopped
	case *llm.Metadata:
		ok, o.state = o.state == stopped, done
	}
	if !ok {
		return fmt.Errorf("it is out of order")
	}
	return nil
}

func (o *order) start(e *llm.BlockStart) error {
	if o.state != between || e.Index != o.index {
		return fmt.Errorf("it is out of order: block %d, want %d after %s", e.Index, o.index, between)
	}
	switch e.Block.(type) {
	case *llm.Text, *llm.Reasoning, *llm.Citations, *llm.ToolUse, *llm.ToolResult, *llm.Image:
	default:
		return fmt.Errorf("a stream cannot hold a %T", e.Block)
	}
	o.state, o.open = inside, e.Block
	return nil
}

// delta checks that exactly one field is set, and one that the open block has.
func (o *order) delta(e *llm.BlockDelta) error {
	if o.state != inside || e.Index != o.index {
		return fmt.Errorf("it is out of order: block %d", e.Index)
	}
	var set []string
	var fits bool
	note := func(is bool, name string, ok bool) {
		if is {
			set = append(set, name)
			fits = ok
		}
	}
	var text, tool, reasoning, result, image bool
	switch o.open.(type) {
	case *llm.Text, *llm.Citations:
		text = true
	case *llm.ToolUse:
		tool = true
	case *llm.Reasoning:
		reasoning = true
	case *llm.ToolResult:
		result = true
	case *llm.Image:
		image = true
	}
	note(e.Text != "", "Text", text)
	note(e.Citation != nil, "Citation", text)
	note(e.ToolInput != "", "ToolInput", tool)
	note(e.Reasoning != "", "Reasoning", reasoning)
	note(e.Signature != "", "Signature", reasoning)
	note(e.Redacted != nil, "Redacted", reasoning)
	note(e.ToolResult != nil, "ToolResult", result)
	note(e.Image != nil, "Image", image)
	if len(set) != 1 || !fits {
		return fmt.Errorf("fields %q are set in a delta of a %T", set, o.open)
	}
	return nil
}
