package openai

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// StreamDecoder turns the chunks of one stream into events, in llm.Event's order.
//
// Blocks don't interleave in the vocabulary, and tool calls may in the dialect.
// The first call that is not complete is passed on as it comes; what arrives for
// others meanwhile waits. A call is complete when its arguments are a whole JSON
// value and the next block has begun, so calls that come one after the other, as
// they nearly always do, all stream.
//
// The zero value is ready for a request without ExtraPaths. It is not safe for
// concurrent use.
type StreamDecoder struct {
	// ExtraPaths is llm.ChatRequest.ExtraPaths.
	ExtraPaths []string

	c        completion
	started  bool
	index    int // of the open block, or of the next one
	open     blockKind
	calls    []*call
	live     int // calls before it are closed
	late     strings.Builder
	finish   string
	sequence string
	tier     string
	refused  bool
	usage    llm.Usage
	hasUsage bool
	doc      []byte // what ExtraPaths are looked up in
}

type blockKind uint8

const (
	noBlock blockKind = iota
	textBlock
	reasoningBlock
	toolBlock
)

// call is a tool call that is being received.
type call struct {
	index     int
	id        string // as the server gave it
	name      string
	arguments []byte
	sent      int // bytes of arguments that are passed on
}

// whole reports whether the arguments are a complete JSON value.
func (c *call) whole() bool { return json.Valid(c.arguments) }

// Chunk reads the data of one server-sent event and appends the events it makes
// to dst. "[DONE]" makes none: see Done. The error is a *ProviderError where the
// chunk is one, else a *fault.Error.
func (d *StreamDecoder) Chunk(dst []llm.Event, data []byte) ([]llm.Event, error) {
	if Done(data) {
		return dst, nil
	}
	c := &d.c
	if err := c.read(data); err != nil {
		return dst, broken(err)
	}
	if c.message.audio {
		return dst, errAudio()
	}
	if len(d.ExtraPaths) > 0 {
		d.remember(data)
	}
	if c.hasUsage { // some servers send a running count: the last one stands
		d.usage, d.hasUsage = c.usage, true
	}
	if c.tier != "" {
		d.tier = c.tier
	}
	if !d.started {
		d.started = true
		dst = append(dst, &llm.MessageStart{Role: llm.Assistant, ID: c.id})
	}
	dst = d.message(dst, &c.message)
	if c.finish != "" {
		d.finish, d.sequence = c.finish, c.sequence
	}
	return dst, nil
}

// Done reports whether data is the mark of a stream's end.
func Done(data []byte) bool { return string(data) == "[DONE]" }

func (d *StreamDecoder) message(dst []llm.Event, p *piece) []llm.Event {
	if p.reasoning != "" {
		dst = d.text(dst, reasoningBlock, p.reasoning)
	}
	if p.content != "" {
		dst = d.text(dst, textBlock, p.content)
	}
	if p.refusal != "" {
		d.refused = true
		dst = d.text(dst, textBlock, p.refusal)
	}
	for i := range p.calls {
		dst = d.call(dst, &p.calls[i])
	}
	return dst
}

// text passes text or reasoning on, in a new block where another kind is open.
// While a call is incomplete it waits until the calls are through.
func (d *StreamDecoder) text(dst []llm.Event, kind blockKind, text string) []llm.Event {
	if d.live < len(d.calls) {
		dst = d.closeWhole(dst, len(d.calls))
		if d.live < len(d.calls) {
			if kind == textBlock { // thinking in the middle of a call is of no use later
				d.late.WriteString(text)
			}
			return dst
		}
	}
	if d.open != kind {
		dst = d.close(dst)
		d.open = kind
		var b llm.Block = &llm.Text{}
		if kind == reasoningBlock {
			b = &llm.Reasoning{}
		}
		dst = append(dst, &llm.BlockStart{Index: d.index, Block: b})
	}
	delta := &llm.BlockDelta{Index: d.index}
	if kind == reasoningBlock {
		delta.Reasoning = text
	} else {
		delta.Text = text
	}
	return append(dst, delta)
}

// close ends the open block, if there is one.
func (d *StreamDecoder) close(dst []llm.Event) []llm.Event {
	if d.open == noBlock {
		return dst
	}
	d.open = noBlock
	dst = append(dst, &llm.BlockStop{Index: d.index})
	d.index++
	return dst
}

// call takes a fragment of a call.
func (d *StreamDecoder) call(dst []llm.Event, p *callPiece) []llm.Event {
	i := d.find(p)
	if i < 0 {
		i = len(d.calls)
		d.calls = append(d.calls, &call{index: p.index, id: p.id, name: p.name})
	}
	c := d.calls[i]
	if i < d.live { // closed: only white space can still come for a whole value
		return dst
	}
	if c.id == "" {
		c.id = p.id
	}
	if c.name == "" {
		c.name = p.name
	}
	c.arguments = append(c.arguments, p.arguments...)
	if i > d.live {
		dst = d.closeWhole(dst, i)
	}
	if i == d.live {
		dst = d.pass(dst, c)
	}
	return dst
}

// find returns the place of the call that a fragment belongs to, or -1 when it
// begins a new one. Most servers count the calls; some give each the same index
// (Ollama, Gemini) or none, and then a new ID, or a name after a whole call, tells.
func (d *StreamDecoder) find(p *callPiece) int {
	for i, c := range slices.Backward(d.calls) {
		if p.index >= 0 && c.index != p.index {
			continue
		}
		switch {
		case p.id != "" && c.id != "" && p.id != c.id:
			if p.index >= 0 {
				return -1
			}
			continue
		case p.id == "" && p.name != "" && c.name != "" && c.whole():
			return -1
		}
		return i
	}
	return -1
}

// closeWhole closes calls from the live one on, up to but without end, as long as
// they are complete.
func (d *StreamDecoder) closeWhole(dst []llm.Event, end int) []llm.Event {
	for d.live < end && d.calls[d.live].whole() {
		dst = d.pass(dst, d.calls[d.live])
		dst = d.close(dst)
		d.live++
	}
	return dst
}

// pass opens the block of the live call and sends on what has arrived for it. A
// call whose name has not come yet waits.
func (d *StreamDecoder) pass(dst []llm.Event, c *call) []llm.Event {
	if d.open != toolBlock {
		if c.name == "" {
			return dst
		}
		dst = d.close(dst)
		d.open = toolBlock
		dst = append(dst, &llm.BlockStart{Index: d.index, Block: &llm.ToolUse{ID: callID(c.id), Name: c.name}})
	}
	if c.sent < len(c.arguments) {
		dst = append(dst, &llm.BlockDelta{Index: d.index, ToolInput: string(c.arguments[c.sent:])})
		c.sent = len(c.arguments)
	}
	return dst
}

// Finish appends the events that end the answer, once the stream is over. done
// says that "[DONE]" was seen. The error, a *fault.Error, says that the stream
// ended early; its events then still close the open block.
func (d *StreamDecoder) Finish(dst []llm.Event, done bool) ([]llm.Event, error) {
	switch {
	case !d.started:
		return dst, fault.Errorf(fault.ModelError, "The model's provider sent an empty stream.")
	case d.finish == "" && !done:
		return dst, fault.Wrap(fault.ModelError, llm.ErrTruncated, "The model's provider broke off its answer.")
	}
	dst, malformed := d.closeCalls(dst)
	if d.late.Len() > 0 {
		dst = d.text(dst, textBlock, d.late.String())
	}
	dst = d.close(dst)
	reason, err := stopReason(d.finish, d.sequence, len(d.calls), malformed)
	if err != nil {
		return dst, fault.Wrap(fault.ModelError, err, "The model's provider broke off its answer.")
	}
	stop := &llm.MessageStop{Reason: reason}
	if reason == llm.StopSequence {
		stop.Sequence = d.sequence
	}
	if d.refused {
		stop.Reason = llm.ContentFiltered
	}
	stop.Extra, _ = rawjson.Select(d.doc, d.ExtraPaths) // the chunks were JSON
	return append(dst, stop, &llm.Metadata{Usage: d.Usage(), ServiceTier: d.tier}), nil
}

// closeCalls passes on and closes every call that is left, and reports whether the
// arguments of any were no JSON.
func (d *StreamDecoder) closeCalls(dst []llm.Event) ([]llm.Event, bool) {
	malformed := false
	for _, c := range d.calls {
		if blank(string(c.arguments)) {
			c.arguments, c.sent = append(c.arguments[:0], "{}"...), 0
		}
		malformed = malformed || !c.whole() || c.name == ""
	}
	for ; d.live < len(d.calls); d.live++ {
		c := d.calls[d.live]
		if c.name == "" {
			continue
		}
		dst = d.close(d.pass(dst, c))
	}
	return dst, malformed
}

// Usage returns the tokens counted so far. It is marked Estimated, and zero, as
// long as the server has said nothing.
func (d *StreamDecoder) Usage() llm.Usage {
	u := d.usage
	u.Estimated = !d.hasUsage
	return u
}

// remember keeps the latest value of each member of the chunks, so that a pointer
// finds in a stream what it would find in a whole answer. The choices that count
// are the last ones: those that hold the reason to stop.
func (d *StreamDecoder) remember(data []byte) {
	fields, err := rawjson.Fields(data)
	if err != nil {
		return
	}
	if d.doc == nil {
		d.doc = []byte("{}")
	}
	kept := fields[:0]
	for _, f := range fields {
		if string(f.Value) == "null" || f.Key == "choices" && d.c.choices == 0 {
			continue
		}
		kept = append(kept, f)
	}
	if doc, err := rawjson.Set(d.doc, kept...); err == nil {
		d.doc = doc
	}
}
