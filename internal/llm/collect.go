package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Collect ranges over a stream and returns the whole answer. When the stream
// breaks it returns what had arrived together with the error, so that partial
// usage can be recorded.
func Collect(stream iter.Seq2[Event, error]) (*ChatResponse, error) {
	var c Collector
	for e, err := range stream {
		if err != nil {
			return c.Response(), err
		}
		if err := c.Add(e); err != nil {
			return c.Response(), err
		}
	}
	return c.Response(), c.Err()
}

// Collector builds a ChatResponse from events as they pass by. The zero value is
// ready. It is not safe for concurrent use.
type Collector struct {
	resp    ChatResponse
	text    strings.Builder
	input   strings.Builder
	open    Block
	started bool
	stopped bool
}

// ErrTruncated is the error of a stream that ended before its MessageStop.
var ErrTruncated = errors.New("the model's stream ended before its end")

// Add takes the next event. An error means that the events are out of order: a
// defect of whoever produced them.
func (c *Collector) Add(e Event) error {
	switch e := e.(type) {
	case *MessageStart:
		c.started = true
		c.resp.Message.Role = e.Role
		c.resp.Served = e.Served
		c.resp.ID = e.ID
		if e.Usage != nil {
			c.resp.Usage = *e.Usage
		}
	case *BlockStart:
		if c.open != nil {
			return fmt.Errorf("block %d starts inside another", e.Index)
		}
		c.open = startCopy(e.Block)
	case *BlockDelta:
		c.resp.Logprobs = append(c.resp.Logprobs, e.Logprobs...)
		return c.delta(e)
	case *BlockStop:
		if c.open == nil {
			return fmt.Errorf("block %d stops and was not started", e.Index)
		}
		c.close()
	case *MessageStop:
		c.stopped = true
		c.resp.StopReason = e.Reason
		c.resp.StopSequence = e.Sequence
		c.resp.Extra = e.Extra
	case *Metadata:
		c.resp.Usage = e.Usage
		c.resp.Latency = e.Latency
		c.resp.ServiceTier = e.ServiceTier
		c.resp.Trace = e.Trace
	case *RawEvent:
		if e.Name == "" {
			c.resp.Raw = e.Data
		}
	}
	return nil
}

// Response returns what has arrived, closing an open block. It may be called at
// any time; the Collector must not be used afterwards.
func (c *Collector) Response() *ChatResponse {
	if c.open != nil {
		c.close()
	}
	return &c.resp
}

// Err reports a stream that ended early.
func (c *Collector) Err() error {
	if !c.started || !c.stopped {
		return ErrTruncated
	}
	return nil
}

func (c *Collector) delta(e *BlockDelta) error {
	switch b := c.open.(type) {
	case nil:
		return fmt.Errorf("delta for block %d, which is not open", e.Index)
	case *Text:
		c.text.WriteString(e.Text)
		if e.Citation != nil {
			c.open = &Citations{Text: b.Text, Citations: []Citation{*e.Citation}}
		}
	case *Citations:
		c.text.WriteString(e.Text)
		if e.Citation != nil {
			b.Citations = append(b.Citations, *e.Citation)
		}
	case *ToolUse:
		c.input.WriteString(e.ToolInput)
	case *Reasoning:
		c.text.WriteString(e.Reasoning)
		b.Signature += e.Signature
		b.Redacted = append(b.Redacted, e.Redacted...)
	case *ToolResult:
		b.Content = append(b.Content, e.ToolResult...)
	case *Image:
		if e.Image != nil {
			*b = *e.Image
		}
	}
	return nil
}

func (c *Collector) close() {
	switch b := c.open.(type) {
	case *Text:
		b.Text += c.text.String()
	case *Citations:
		b.Text += c.text.String()
	case *Reasoning:
		b.Text += c.text.String()
	case *ToolUse:
		if c.input.Len() > 0 {
			b.Input = json.RawMessage(c.input.String())
		}
		if len(b.Input) == 0 {
			b.Input = json.RawMessage("{}")
		}
	}
	c.text.Reset()
	c.input.Reset()
	c.resp.Message.Content = append(c.resp.Message.Content, c.open)
	c.open = nil
}

// startCopy keeps the collector from writing into the producer's block.
func startCopy(b Block) Block {
	switch b := b.(type) {
	case *Text:
		v := *b
		return &v
	case *Citations:
		v := *b
		return &v
	case *Reasoning:
		v := *b
		return &v
	case *ToolUse:
		v := *b
		return &v
	case *ToolResult:
		v := *b
		return &v
	case *Image:
		v := *b
		return &v
	default:
		return b
	}
}
