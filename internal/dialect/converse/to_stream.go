package converse

import (
	"iter"

	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// ToStream converts the events of an answer as they come. As in Bedrock's own streams
// only tools, tool results and images have a contentBlockStart. An error of the
// answer is passed on as it is and ends the stream.
func ToStream(events iter.Seq2[llm.Event, error]) iter.Seq2[*gen.ConverseStreamOutput, error] {
	return func(yield func(*gen.ConverseStreamOutput, error) bool) {
		s := streamer{yield: yield}
		for e, err := range events {
			if err != nil {
				yield(nil, err)
				return
			}
			if !s.event(e) {
				return
			}
		}
	}
}

// streamer sends one stream; its methods report whether to go on.
type streamer struct {
	yield func(*gen.ConverseStreamOutput, error) bool
	quiet bool // the open block thinks and has said nothing yet
}

func (s *streamer) send(out *gen.ConverseStreamOutput) bool { return s.yield(out, nil) }

func (s *streamer) fail(err error) bool {
	s.yield(nil, err)
	return false
}

func (s *streamer) event(e llm.Event) bool {
	switch e := e.(type) {
	case *llm.BlockDelta:
		return s.delta(e)
	case *llm.MessageStart:
		return s.send(&gen.ConverseStreamOutput{MessageStart: &gen.MessageStartEvent{Role: gen.ConversationRoleAssistant}})
	case *llm.BlockStart:
		return s.start(e)
	case *llm.BlockStop:
		// Without a delta nobody could tell that this block was one of thinking.
		if s.quiet && !s.reasoning(e.Index, &gen.ReasoningContentBlockDelta{Text: new(string)}) {
			return false
		}
		s.quiet = false
		return s.send(&gen.ConverseStreamOutput{ContentBlockStop: &gen.ContentBlockStopEvent{ContentBlockIndex: e.Index}})
	case *llm.MessageStop:
		return s.send(&gen.ConverseStreamOutput{MessageStop: &gen.MessageStopEvent{
			StopReason: gen.StopReason(e.Reason), AdditionalModelResponseFields: e.Extra,
		}})
	case *llm.Metadata:
		return s.metadata(e)
	default:
		return true
	}
}

func (s *streamer) start(e *llm.BlockStart) bool {
	start := &gen.ContentBlockStart{}
	switch b := e.Block.(type) {
	case *llm.Text, *llm.Citations:
		return true
	case *llm.Reasoning:
		s.quiet = true
		return true
	case *llm.ToolUse:
		use := toToolUse(b)
		start.ToolUse = &gen.ToolUseBlockStart{ToolUseID: use.ToolUseID, Name: use.Name, Type: use.Type}
	case *llm.ToolResult:
		start.ToolResult = &gen.ToolResultBlockStart{ToolUseID: b.ToolUseID, Type: b.Type, Status: toStatus(b)}
	case *llm.Image:
		start.Image = &gen.ImageBlockStart{Format: gen.ImageFormat(b.Format)}
	default:
		return s.fail(modelFault("The model answered with content that ConverseStream has no shape for (%T).", b))
	}
	return s.send(&gen.ConverseStreamOutput{ContentBlockStart: &gen.ContentBlockStartEvent{Start: start, ContentBlockIndex: e.Index}})
}

// textDelta is the event there are most of, in one piece of memory.
type textDelta struct {
	out   gen.ConverseStreamOutput
	event gen.ContentBlockDeltaEvent
	delta gen.ContentBlockDelta
}

func (s *streamer) delta(e *llm.BlockDelta) bool {
	d := &textDelta{}
	d.out.ContentBlockDelta = &d.event
	d.event = gen.ContentBlockDeltaEvent{Delta: &d.delta, ContentBlockIndex: e.Index}
	switch {
	case e.Text != "":
		d.delta.Text = &e.Text
	case e.ToolInput != "":
		d.delta.ToolUse = &gen.ToolUseBlockDelta{Input: e.ToolInput}
	case e.Reasoning != "":
		return s.reasoning(e.Index, &gen.ReasoningContentBlockDelta{Text: &e.Reasoning})
	case e.Signature != "":
		return s.reasoning(e.Index, &gen.ReasoningContentBlockDelta{Signature: &e.Signature})
	case e.Redacted != nil:
		return s.reasoning(e.Index, &gen.ReasoningContentBlockDelta{RedactedContent: e.Redacted})
	case e.Citation != nil:
		d.delta.Citation = toCitationsDelta(e.Citation)
	case e.ToolResult != nil:
		content, err := toResultDelta(e.ToolResult)
		if err != nil {
			return s.fail(err)
		}
		d.delta.ToolResult = content
	case e.Image != nil:
		image, err := toImage("image", e.Image)
		if err != nil {
			return s.fail(fault.Wrap(fault.ModelError, err, "The model answered with an image that ConverseStream has no shape for."))
		}
		d.delta.Image = &gen.ImageBlockDelta{Source: image.Source}
	default:
		return true
	}
	return s.send(&d.out)
}

func (s *streamer) reasoning(index int, d *gen.ReasoningContentBlockDelta) bool {
	s.quiet = false
	return s.send(&gen.ConverseStreamOutput{ContentBlockDelta: &gen.ContentBlockDeltaEvent{
		Delta: &gen.ContentBlockDelta{ReasoningContent: d}, ContentBlockIndex: index,
	}})
}

func toCitationsDelta(in *llm.Citation) *gen.CitationsDelta {
	out := &gen.CitationsDelta{Title: in.Title, Source: in.Source, Location: toLocation(in.Location)}
	for _, c := range in.SourceContent {
		out.SourceContent = append(out.SourceContent, gen.CitationSourceContentDelta{Text: c})
	}
	return out
}

func toResultDelta(blocks []llm.Block) ([]gen.ToolResultBlockDelta, error) {
	out := make([]gen.ToolResultBlockDelta, len(blocks))
	for i, b := range blocks {
		switch b := b.(type) {
		case *llm.Text:
			out[i].Text = &b.Text
		case *llm.JSON:
			out[i].JSON = b.Value
		default:
			return nil, modelFault("The model answered with a tool result that ConverseStream has no shape for (%T).", b)
		}
	}
	return out, nil
}

func (s *streamer) metadata(e *llm.Metadata) bool {
	out := &gen.ConverseStreamMetadataEvent{
		Usage:   toUsage(&e.Usage),
		Metrics: &gen.ConverseStreamMetrics{LatencyMs: e.Latency.Milliseconds()},
	}
	if e.ServiceTier != "" {
		out.ServiceTier = &gen.ServiceTier{Type: gen.ServiceTierType(e.ServiceTier)}
	}
	if e.Trace != nil {
		out.Trace = &gen.ConverseStreamTrace{}
		if err := readTrace(e.Trace, out.Trace); err != nil {
			return s.fail(err)
		}
	}
	return s.send(&gen.ConverseStreamOutput{Metadata: out})
}
