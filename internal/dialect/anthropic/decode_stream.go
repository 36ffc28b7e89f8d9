package anthropic

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// StreamDecoder turns the events of the Messages API into llm events. It is not safe
// for concurrent use.
//
// It bears what the API's versioning policy announces: unknown events, unknown deltas
// and unknown blocks are left out.
type StreamDecoder struct {
	extraPaths []string
	raw        bool

	start   json.RawMessage // message_start's message, kept when somebody wants fields of it
	delta   json.RawMessage // message_delta's delta, likewise
	usage   usage
	reason  string
	stopSeq string
	open    bool   // a block is open
	kind    string // its type
	skip    bool   // and is one to be left out
	index   int    // of the next block
	input   bool   // the open tool's input has begun
	begun   bool
	ended   bool
}

// NewStreamDecoder returns a decoder for the answer to req. When req's Raw is of this
// dialect each event is preceded by an llm.RawEvent that holds it.
func NewStreamDecoder(req *llm.ChatRequest) *StreamDecoder {
	return &StreamDecoder{
		extraPaths: req.ExtraPaths,
		raw:        req.Raw != nil && req.Raw.Dialect == Dialect,
	}
}

// eventIn is an event of any type, as it is read.
type eventIn struct {
	Type    string          `json:"type"`
	Message json.RawMessage `json:"message"`
	Block   json.RawMessage `json:"content_block"`
	Delta   deltaIn         `json:"delta"`
	Usage   *usage          `json:"usage"`
	Error   *errorDetail    `json:"error"`
}

// deltaIn is the delta of a block or of the message.
type deltaIn struct {
	Type        string    `json:"type"`
	Text        string    `json:"text"`
	PartialJSON string    `json:"partial_json"`
	Thinking    string    `json:"thinking"`
	Signature   string    `json:"signature"`
	Citation    *citation `json:"citation"`

	StopReason   *string `json:"stop_reason"`
	StopSequence *string `json:"stop_sequence"`
}

// Usage returns the tokens counted so far: what a broken stream has cost at least.
func (d *StreamDecoder) Usage() llm.Usage { return d.usage.decode() }

// Ended reports whether the answer is complete: message_stop has come.
func (d *StreamDecoder) Ended() bool { return d.ended }

// Decode reads one event and returns what it says. An error event is a *StreamError.
// data may be reused afterwards.
func (d *StreamDecoder) Decode(data []byte) ([]llm.Event, error) {
	e := eventIn{Usage: &d.usage} // counts are cumulative: what an event leaves out stands
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("read a stream's event: %w", err)
	}
	if e.Type == eventError {
		return nil, streamError(e.Error)
	}
	if e.Type == eventMessageDelta && len(d.extraPaths) > 0 {
		delta, err := rawjson.Get(data, "delta")
		if err != nil {
			return nil, fmt.Errorf("read a stream's event: %w", err)
		}
		d.delta = bytes.Clone(delta)
	}
	events, err := d.decode(&e)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", e.Type, err)
	}
	if d.raw {
		raw := &llm.RawEvent{Dialect: Dialect, Name: e.Type, Data: bytes.Clone(data)}
		events = append([]llm.Event{raw}, events...)
	}
	return events, nil
}

func streamError(detail *errorDetail) error {
	if detail == nil {
		return &StreamError{Type: "api_error"}
	}
	return &StreamError{Type: detail.Type, Message: detail.Message}
}

func (d *StreamDecoder) decode(e *eventIn) ([]llm.Event, error) {
	if e.Type == eventMessageStart {
		return d.messageStart(e)
	}
	if !d.begun && e.Type != eventPing {
		return nil, fmt.Errorf("it comes before %s", eventMessageStart)
	}
	if d.ended {
		return nil, nil
	}
	switch e.Type {
	case eventBlockStart:
		return d.blockStart(e)
	case eventBlockDelta:
		return d.blockDelta(e)
	case eventBlockStop:
		return d.blockStop()
	case eventMessageDelta:
		if r := e.Delta.StopReason; r != nil {
			d.reason, d.stopSeq = *r, value(e.Delta.StopSequence)
		}
		return nil, nil
	case eventMessageStop:
		return d.messageStop()
	default: // ping, and what is newer than this code
		return nil, nil
	}
}

func (d *StreamDecoder) messageStart(e *eventIn) ([]llm.Event, error) {
	if d.begun {
		return nil, fmt.Errorf("the message has already begun")
	}
	d.begun = true
	m := struct {
		ID    string `json:"id"`
		Model string `json:"model"`
		Usage *usage `json:"usage"`
	}{Usage: &d.usage}
	if err := json.Unmarshal(e.Message, &m); err != nil {
		return nil, err
	}
	if len(d.extraPaths) > 0 {
		d.start = e.Message
	}
	u := d.usage.decode()
	return []llm.Event{&llm.MessageStart{Role: llm.Assistant, ID: m.ID, Served: llm.Served{Model: m.Model}, Usage: &u}}, nil
}

func (d *StreamDecoder) blockStart(e *eventIn) ([]llm.Event, error) {
	if d.open {
		return nil, fmt.Errorf("another block is open")
	}
	var in block
	if err := json.Unmarshal(e.Block, &in); err != nil {
		return nil, err
	}
	d.open, d.kind, d.skip, d.input = true, in.Type, false, false
	i := d.index
	var start llm.Block
	var first *llm.BlockDelta
	switch {
	case in.Type == typeText:
		start = &llm.Text{} // a citation makes it Citations
		if text := value(in.Text); text != "" {
			first = &llm.BlockDelta{Index: i, Text: text}
		}
	case in.Type == typeToolUse, in.Type == typeServerToolUse:
		start = &llm.ToolUse{ID: in.ID, Name: in.Name, Server: in.Type == typeServerToolUse}
		first = d.wholeInput(in.Input)
	case in.Type == typeThinking:
		start = &llm.Reasoning{}
		if text := value(in.Thinking); text != "" {
			first = &llm.BlockDelta{Index: i, Reasoning: text}
		}
	case in.Type == typeRedactedThinking:
		start = &llm.Reasoning{}
		first = &llm.BlockDelta{Index: i, Redacted: []byte(value(in.Data))}
	case isServerResult(in.Type):
		result := in.serverToolResult().(*llm.ToolResult)
		if result.Content != nil {
			first = &llm.BlockDelta{Index: i, ToolResult: result.Content}
		}
		result.Content = nil
		start = result
	default:
		d.skip = true
		return nil, nil
	}
	events := []llm.Event{&llm.BlockStart{Index: i, Block: start}}
	if first != nil {
		events = append(events, first)
	}
	return events, nil
}

// wholeInput returns the input that a server sent with the start of a tool use. The
// API itself sends an empty object there and fragments afterwards.
func (d *StreamDecoder) wholeInput(input json.RawMessage) *llm.BlockDelta {
	var compact bytes.Buffer
	if isNull(input) || json.Compact(&compact, input) != nil || compact.String() == "{}" {
		return nil
	}
	d.input = true
	return &llm.BlockDelta{Index: d.index, ToolInput: string(input)}
}

func (d *StreamDecoder) blockDelta(e *eventIn) ([]llm.Event, error) {
	if !d.open {
		return nil, fmt.Errorf("no block is open")
	}
	if d.skip {
		return nil, nil
	}
	in := &e.Delta
	if !fits(in.Type, d.kind) {
		return nil, fmt.Errorf("a %s in a %s block", in.Type, d.kind)
	}
	out := &llm.BlockDelta{Index: d.index}
	switch {
	case in.Type == "text_delta" && in.Text != "":
		out.Text = in.Text
	case in.Type == "input_json_delta" && in.PartialJSON != "" && !d.input:
		out.ToolInput = in.PartialJSON
	case in.Type == "thinking_delta" && in.Thinking != "":
		out.Reasoning = in.Thinking
	case in.Type == "signature_delta" && in.Signature != "":
		out.Signature = in.Signature
	case in.Type == "citations_delta" && in.Citation != nil:
		c := in.Citation.decode()
		out.Citation = &c
	default:
		return nil, nil
	}
	return []llm.Event{out}, nil
}

// fits reports whether a block of the given type can have the delta. One that is newer
// than this code fits, and is left out.
func fits(delta, block string) bool {
	switch delta {
	case "text_delta", "citations_delta":
		return block == typeText
	case "input_json_delta":
		return block == typeToolUse || block == typeServerToolUse
	case "thinking_delta", "signature_delta":
		return block == typeThinking
	default:
		return true
	}
}

func (d *StreamDecoder) blockStop() ([]llm.Event, error) {
	if !d.open {
		return nil, fmt.Errorf("no block is open")
	}
	d.open = false
	if d.skip {
		return nil, nil
	}
	d.index++
	return []llm.Event{&llm.BlockStop{Index: d.index - 1}}, nil
}

func (d *StreamDecoder) messageStop() ([]llm.Event, error) {
	if d.open {
		return nil, fmt.Errorf("a block is open")
	}
	d.ended = true
	extra, err := d.extra()
	if err != nil {
		return nil, err
	}
	return []llm.Event{
		&llm.MessageStop{Reason: stopReason(d.reason), Sequence: d.stopSeq, Extra: extra},
		&llm.Metadata{Usage: d.usage.decode(), ServiceTier: tier(d.usage.ServiceTier)},
	}, nil
}

// extra selects the fields that the caller asked for from the message as it would
// have come without streaming, but for its content.
func (d *StreamDecoder) extra() (json.RawMessage, error) {
	if len(d.extraPaths) == 0 {
		return nil, nil
	}
	usage, err := marshal(d.usage)
	if err != nil {
		return nil, err
	}
	var fields []rawjson.Field
	if d.delta != nil {
		if fields, err = rawjson.Fields(d.delta); err != nil {
			return nil, err
		}
	}
	whole, err := rawjson.Set(d.start, append(fields, rawjson.Field{Key: "usage", Value: usage})...)
	if err != nil {
		return nil, err
	}
	return rawjson.Select(whole, d.extraPaths)
}
