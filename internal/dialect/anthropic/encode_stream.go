package anthropic

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Chunk is one event of a stream: Name is the SSE event name, Data one JSON object.
// In the Bedrock form Data is the payload of a chunk.
type Chunk struct {
	Name string
	Data []byte
}

// StreamEncoder turns llm events into the events of the Messages API. When the
// upstream spoke this dialect, its own events are passed on and the converted ones
// ignored. It is not safe for concurrent use.
type StreamEncoder struct {
	// Form is the caller's. In the Bedrock form there are no pings, and the last
	// event has the invocation's metrics.
	Form Form
	// Model is the name that the answer says has answered.
	Model string
	// Start is when the call arrived, for the metrics of the Bedrock form.
	Start time.Time

	raw       bool
	firstByte time.Duration
	open      llm.Block // the open block, when its start is held back
	redacted  []byte
	content   []llm.Block // of a held tool result
	stop      *llm.MessageStop
	rawStop   []byte // the upstream's message_stop, held back for the metrics
}

// Encode returns the events to send for e, often one, sometimes none.
func (s *StreamEncoder) Encode(e llm.Event) ([]Chunk, error) {
	if s.firstByte == 0 && !s.Start.IsZero() {
		s.firstByte = max(time.Since(s.Start), 1)
	}
	if e, ok := e.(*llm.RawEvent); ok {
		return s.rawEvent(e), nil
	}
	if s.raw {
		if m, ok := e.(*llm.Metadata); ok && s.rawStop != nil {
			return s.finishRaw(m)
		}
		return nil, nil
	}
	switch e := e.(type) {
	case *llm.MessageStart:
		return s.messageStart(e)
	case *llm.BlockStart:
		return s.blockStart(e)
	case *llm.BlockDelta:
		return s.blockDelta(e)
	case *llm.BlockStop:
		return s.blockStop(e)
	case *llm.MessageStop:
		s.stop = e // message_delta has the usage, which comes with the metadata
		return nil, nil
	case *llm.Metadata:
		return s.metadata(e)
	default:
		return nil, nil
	}
}

func (s *StreamEncoder) rawEvent(e *llm.RawEvent) []Chunk {
	if e.Dialect != Dialect || e.Name == "" {
		return nil
	}
	s.raw = true
	if s.Form == Bedrock {
		switch e.Name {
		case eventPing:
			return nil
		case eventMessageStop:
			s.rawStop = e.Data
			return nil
		}
	}
	return []Chunk{{Name: e.Name, Data: e.Data}}
}

const metricsKey = "amazon-bedrock-invocationMetrics"

func (s *StreamEncoder) finishRaw(m *llm.Metadata) ([]Chunk, error) {
	value, err := marshal(encodeMetrics(m, s.firstByte.Milliseconds()))
	if err != nil {
		return nil, err
	}
	data, err := rawjson.Set(s.rawStop, rawjson.Field{Key: metricsKey, Value: value})
	if err != nil {
		return nil, fault.Wrap(fault.ModelError, err, "The model's answer cannot be read.")
	}
	s.rawStop = nil
	return []Chunk{{Name: eventMessageStop, Data: data}}, nil
}

// one returns one event.
func one(name string, v any) ([]Chunk, error) {
	data, err := marshal(v)
	if err != nil {
		return nil, err
	}
	return []Chunk{{Name: name, Data: data}}, nil
}

type (
	messageStartOut struct {
		Type    string  `json:"type"`
		Message message `json:"message"`
	}
	blockStartOut struct {
		Type  string `json:"type"`
		Index int    `json:"index"`
		Block any    `json:"content_block"`
	}
	blockDeltaOut struct {
		Type  string   `json:"type"`
		Index int      `json:"index"`
		Delta deltaOut `json:"delta"`
	}
	deltaOut struct {
		Type        string    `json:"type"`
		Text        *string   `json:"text,omitempty"`
		PartialJSON *string   `json:"partial_json,omitempty"`
		Thinking    *string   `json:"thinking,omitempty"`
		Signature   *string   `json:"signature,omitempty"`
		Citation    *citation `json:"citation,omitempty"`
	}
	blockStopOut struct {
		Type  string `json:"type"`
		Index int    `json:"index"`
	}
	messageDeltaOut struct {
		Type  string  `json:"type"`
		Delta stopOut `json:"delta"`
		Usage usage   `json:"usage"`
	}
	stopOut struct {
		StopReason   string  `json:"stop_reason"`
		StopSequence *string `json:"stop_sequence"`
	}
	messageStopOut struct {
		Type    string   `json:"type"`
		Metrics *metrics `json:"amazon-bedrock-invocationMetrics,omitempty"`
	}
)

func (s *StreamEncoder) messageStart(e *llm.MessageStart) ([]Chunk, error) {
	u := value(e.Usage)
	return one(eventMessageStart, messageStartOut{
		Type: eventMessageStart, Message: newMessage(e.ID, s.Model, &u, ""),
	})
}

// blockStart holds back the start of a block whose first event must have what only
// the deltas will bring.
func (s *StreamEncoder) blockStart(e *llm.BlockStart) ([]Chunk, error) {
	switch b := e.Block.(type) {
	case *llm.Text, *llm.Citations:
		return s.start(e.Index, textOut{Type: typeText})
	case *llm.ToolUse:
		kind := typeToolUse
		if b.Server {
			kind = typeServerToolUse
		}
		return s.start(e.Index, toolUseOut{Type: kind, ID: b.ID, Name: b.Name, Input: json.RawMessage("{}")})
	case *llm.Reasoning, *llm.ToolResult:
		s.open = b
		return nil, nil
	default:
		_, err := encodeAnswer(b)
		return nil, err
	}
}

func (s *StreamEncoder) start(index int, block any) ([]Chunk, error) {
	return one(eventBlockStart, blockStartOut{Type: eventBlockStart, Index: index, Block: block})
}

func (s *StreamEncoder) blockDelta(e *llm.BlockDelta) ([]Chunk, error) {
	switch {
	case e.Redacted != nil:
		s.redacted = append(s.redacted, e.Redacted...)
		return nil, nil
	case e.ToolResult != nil:
		s.content = append(s.content, e.ToolResult...)
		return nil, nil
	case e.Text != "":
		return delta(e.Index, deltaOut{Type: "text_delta", Text: &e.Text})
	case e.Citation != nil:
		c := encodeCitation(e.Citation)
		return delta(e.Index, deltaOut{Type: "citations_delta", Citation: &c})
	case e.ToolInput != "":
		return delta(e.Index, deltaOut{Type: "input_json_delta", PartialJSON: &e.ToolInput})
	case e.Reasoning != "":
		return s.thinking(e.Index, deltaOut{Type: "thinking_delta", Thinking: &e.Reasoning})
	case e.Signature != "":
		return s.thinking(e.Index, deltaOut{Type: "signature_delta", Signature: &e.Signature})
	}
	return nil, nil
}

func delta(index int, d deltaOut) ([]Chunk, error) {
	return one(eventBlockDelta, blockDeltaOut{Type: eventBlockDelta, Index: index, Delta: d})
}

// thinking sends the block's start first, if it was held back.
func (s *StreamEncoder) thinking(index int, d deltaOut) ([]Chunk, error) {
	var start []Chunk
	if s.open != nil {
		var err error
		if start, err = s.start(index, thinkingOut{Type: typeThinking}); err != nil {
			return nil, err
		}
		s.open = nil
	}
	chunks, err := delta(index, d)
	return append(start, chunks...), err
}

func (s *StreamEncoder) blockStop(e *llm.BlockStop) ([]Chunk, error) {
	held, err := s.heldBlock()
	if err != nil {
		return nil, err
	}
	var chunks []Chunk
	if held != nil {
		if chunks, err = s.start(e.Index, held); err != nil {
			return nil, err
		}
	}
	s.open, s.redacted, s.content = nil, nil, nil
	stop, err := one(eventBlockStop, blockStopOut{Type: eventBlockStop, Index: e.Index})
	return append(chunks, stop...), err
}

// heldBlock returns the whole of a block whose start was held back, or nil.
func (s *StreamEncoder) heldBlock() (json.RawMessage, error) {
	switch b := s.open.(type) {
	case *llm.Reasoning:
		return encodeBlock("content", &llm.Reasoning{Redacted: s.redacted})
	case *llm.ToolResult:
		whole := *b
		whole.Content = slices.Concat(b.Content, s.content)
		return encodeBlock("content", &whole)
	default:
		return nil, nil
	}
}

func (s *StreamEncoder) metadata(e *llm.Metadata) ([]Chunk, error) {
	if s.stop == nil {
		return nil, nil
	}
	d := messageDeltaOut{
		Type:  eventMessageDelta,
		Delta: stopOut{StopReason: reasonText(s.stop.Reason)},
		Usage: encodeUsage(&e.Usage, ""),
	}
	if s.stop.Sequence != "" {
		d.Delta.StopSequence = &s.stop.Sequence
	}
	last := messageStopOut{Type: eventMessageStop}
	if s.Form == Bedrock {
		m := encodeMetrics(e, s.firstByte.Milliseconds())
		last.Metrics = &m
	}
	chunks, err := one(eventMessageDelta, d)
	if err != nil {
		return nil, err
	}
	stop, err := one(eventMessageStop, last)
	return append(chunks, stop...), err
}
