package openai

import (
	"strconv"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// StreamEncoder writes the events of one answer as the chunks of a chat completion
// stream. It is not safe for concurrent use.
//
// Once it has met a llm.RawEvent of its dialect it passes on the provider's own
// chunks and writes none itself.
type StreamEncoder struct {
	info         Info
	includeUsage bool
	raw          bool
	calls        int // tool calls begun
	inCall       bool
	input        bool // the open call has had input
}

// NewStreamEncoder returns an encoder for one answer. includeUsage is
// Request.IncludeUsage.
func NewStreamEncoder(info Info, includeUsage bool) *StreamEncoder {
	return &StreamEncoder{info: info, includeUsage: includeUsage}
}

// Append appends the server-sent events for e to dst; for some events there are
// none.
func (s *StreamEncoder) Append(dst []byte, e llm.Event) []byte {
	if raw, ok := e.(*llm.RawEvent); ok {
		return s.rawChunk(dst, raw)
	}
	if s.raw {
		return dst
	}
	switch e := e.(type) {
	case *llm.MessageStart:
		dst = append(s.chunk(dst), `{"role":"assistant","content":"","refusal":null}`...)
		return s.end(dst, "")
	case *llm.BlockStart:
		return s.blockStart(dst, e)
	case *llm.BlockDelta:
		return s.delta(dst, e)
	case *llm.BlockStop:
		if s.inCall && !s.input {
			dst = s.toolInput(dst, "{}")
		}
		s.inCall = false
	case *llm.MessageStop:
		return s.end(append(s.chunk(dst), "{}"...), finishReason(e.Reason))
	case *llm.Metadata:
		return s.usage(dst, &e.Usage)
	}
	return dst
}

// AppendDone appends the end of a stream that went well.
func (s *StreamEncoder) AppendDone(dst []byte) []byte { return append(dst, "data: [DONE]\n\n"...) }

// AppendError appends an error that breaks the stream off.
func (s *StreamEncoder) AppendError(dst []byte, err error) []byte {
	dst = append(dst, "data: "...)
	dst = append(dst, EncodeError(err).Body...)
	return append(dst, "\n\n"...)
}

// rawChunk passes on a provider's own chunk, but for the one with the usage when
// only Outcrop had asked for it.
func (s *StreamEncoder) rawChunk(dst []byte, e *llm.RawEvent) []byte {
	if e.Dialect != Dialect || e.Name != RawChunk {
		return dst
	}
	s.raw = true
	if Done(e.Data) || !s.includeUsage && usageOnly(e.Data) {
		return dst
	}
	dst = append(dst, "data: "...)
	dst = append(dst, e.Data...)
	return append(dst, "\n\n"...)
}

// usageOnly reports whether a chunk holds the usage and nothing of the answer: it
// has no choice, or, from LiteLLM, an empty one.
func usageOnly(data []byte) bool {
	var c completion
	if c.read(data) != nil || !c.hasUsage || c.finish != "" {
		return false
	}
	p := &c.message
	return p.content == "" && p.reasoning == "" && p.refusal == "" && len(p.calls) == 0
}

func (s *StreamEncoder) chunk(dst []byte) []byte {
	dst = appendHead(append(dst, "data: "...), "chat.completion.chunk", s.info)
	return append(dst, `,"choices":[{"index":0,"delta":`...)
}

func (s *StreamEncoder) end(dst []byte, finish string) []byte {
	return s.endWith(dst, finish, nil)
}

func (s *StreamEncoder) endWith(dst []byte, finish string, logprobs []llm.Logprob) []byte {
	dst = appendLogprobs(dst, logprobs)
	dst = append(dst, `,"finish_reason":`...)
	if finish == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, finish)
	}
	dst = append(dst, "}]"...)
	if s.includeUsage {
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

func (s *StreamEncoder) blockStart(dst []byte, e *llm.BlockStart) []byte {
	use, ok := e.Block.(*llm.ToolUse)
	s.inCall, s.input = ok, false
	if !ok {
		return dst
	}
	dst = append(s.chunk(dst), `{"tool_calls":[{"index":`...)
	dst = strconv.AppendInt(dst, int64(s.calls), 10)
	s.calls++
	dst = appendMember(dst, "id", use.ID)
	dst = append(appendMember(dst, "type", "function"), `,"function":{`...)
	dst = append(appendMember(dst, "name", use.Name), `,"arguments":""}}]}`...)
	return s.end(dst, "")
}

func (s *StreamEncoder) delta(dst []byte, e *llm.BlockDelta) []byte {
	switch {
	case e.Text != "":
		return s.endWith(append(appendMember(append(s.chunk(dst), '{'), "content", e.Text), '}'), "", e.Logprobs)
	case e.Reasoning != "":
		return s.end(append(appendMember(append(s.chunk(dst), '{'), "reasoning_content", e.Reasoning), '}'), "")
	case e.ToolInput != "":
		return s.toolInput(dst, e.ToolInput)
	}
	return dst
}

func (s *StreamEncoder) toolInput(dst []byte, fragment string) []byte {
	s.input = true
	dst = append(s.chunk(dst), `{"tool_calls":[{"index":`...)
	dst = strconv.AppendInt(dst, int64(s.calls-1), 10)
	dst = append(dst, `,"function":{`...)
	dst = append(appendMember(dst, "arguments", fragment), "}}]}"...)
	return s.end(dst, "")
}

func (s *StreamEncoder) usage(dst []byte, u *llm.Usage) []byte {
	if !s.includeUsage {
		return dst
	}
	dst = appendHead(append(dst, "data: "...), "chat.completion.chunk", s.info)
	dst = appendUsage(append(dst, `,"choices":[],"usage":`...), u)
	return append(dst, "}\n\n"...)
}
