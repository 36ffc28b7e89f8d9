package llm

import (
	"encoding/json"
	"time"
)

// Event is one step of an answer. It is one of *MessageStart, *BlockStart,
// *BlockDelta, *BlockStop, *MessageStop, *Metadata and *RawEvent.
//
// Order: one MessageStart; for each block a BlockStart, any number of
// BlockDeltas and a BlockStop, all with the block's index (indexes count from 0
// and blocks do not interleave); one MessageStop; one Metadata, which is the
// last event. RawEvents may stand anywhere.
//
// A stream that breaks has no MessageStop and no Metadata, only its error: what is
// known of its usage stands in MessageStart.
//
// An event and what it points to belong to the receiver once it is yielded.
type Event interface{ event() }

// MessageStart opens the answer.
type MessageStart struct {
	Role   Role
	ID     string // the upstream's own ID of the message; may be empty
	Served Served // the gateway fills it in; backends may set Model
	// Usage is what the upstream already knows, normally the input tokens; may be nil.
	Usage *Usage
}

// BlockStart opens a block. Block says which kind follows: a *Text, *Reasoning,
// *Citations, *ToolUse (with ID and Name), *ToolResult or *Image, its content
// still empty.
type BlockStart struct {
	Index int
	Block Block
}

// BlockDelta adds to the open block. Exactly one field but for
// Logprobs is set, by the block's kind.
type BlockDelta struct {
	Index int

	Text      string    // Text, Citations
	Citation  *Citation // Citations, or Text, which it turns into Citations
	ToolInput string    // ToolUse: a fragment of the input's JSON text

	Logprobs []Logprob // beside Text: of the tokens that came since the last ones

	Reasoning string // Reasoning
	Signature string // Reasoning
	Redacted  []byte // Reasoning

	ToolResult []Block // ToolResult
	Image      *Image  // Image
}

// BlockStop closes a block.
type BlockStop struct {
	Index int
}

// MessageStop closes the answer.
type MessageStop struct {
	Reason   StopReason
	Sequence string          // the stop sequence, when the upstream said
	Extra    json.RawMessage // see ChatRequest.ExtraPaths
}

// Metadata is what is known once the answer is complete.
type Metadata struct {
	Usage       Usage
	Latency     time.Duration // the gateway fills it in
	ServiceTier string
	Trace       json.RawMessage
}

// RawEvent is one event (or, without streaming, the whole body) as the provider
// sent it. Backends yield it before the events it stands for, and only when they
// sent ChatRequest.Raw unchanged. A door of the same dialect passes it on and
// ignores the others; everyone else ignores it.
type RawEvent struct {
	Dialect string
	Name    string // the SSE event name; empty without streaming
	Data    []byte
}

func (*MessageStart) event() {}
func (*BlockStart) event()   {}
func (*BlockDelta) event()   {}
func (*BlockStop) event()    {}
func (*MessageStop) event()  {}
func (*Metadata) event()     {}
func (*RawEvent) event()     {}
