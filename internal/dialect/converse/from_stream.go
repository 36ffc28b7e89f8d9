package converse

import (
	"iter"
	"time"

	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// FromStream converts a stream of Bedrock's as it comes. An exception event is an
// error of the kind it names. Events out of order are an error of kind ModelError.
func FromStream(events iter.Seq2[*gen.ConverseStreamOutput, error]) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		r := streamReader{}
		for e, err := range events {
			if err == nil {
				err = r.event(e)
			}
			for _, e := range r.out {
				if !yield(e, nil) {
					return
				}
			}
			r.out = r.out[:0]
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// streamReader turns each event into the events in out, which its user empties.
type streamReader struct {
	out  []llm.Event
	open bool
	// theirs is the index of the open block as Bedrock counts, ours as llm does.
	theirs, ours int
	format       string // of the open image
}

func (r *streamReader) add(e llm.Event) { r.out = append(r.out, e) }

func (r *streamReader) event(e *gen.ConverseStreamOutput) error {
	switch {
	case e.ContentBlockDelta != nil:
		return r.delta(e.ContentBlockDelta)
	case e.MessageStart != nil:
		r.add(&llm.MessageStart{Role: llm.Role(e.MessageStart.Role)})
	case e.ContentBlockStart != nil:
		return r.start(e.ContentBlockStart)
	case e.ContentBlockStop != nil:
		return r.stop(e.ContentBlockStop.ContentBlockIndex)
	case e.MessageStop != nil:
		if r.open {
			return modelFault("The model's stream stops inside a block.")
		}
		r.add(&llm.MessageStop{Reason: llm.StopReason(e.MessageStop.StopReason), Extra: e.MessageStop.AdditionalModelResponseFields})
	case e.Metadata != nil:
		return r.metadata(e.Metadata)
	default:
		return exception(e)
	}
	return nil
}

// exception returns the error of an exception event; an event of a newer kind is none.
func exception(e *gen.ConverseStreamOutput) error {
	switch {
	case e.InternalServerException != nil:
		return fault.Wrap(fault.Unavailable, e.InternalServerException, e.InternalServerException.Message)
	case e.ModelStreamErrorException != nil:
		x := e.ModelStreamErrorException
		return &fault.Error{Kind: fault.ModelError, Message: x.Message, Err: x, OriginalStatus: value(x.OriginalStatusCode)}
	case e.ValidationException != nil:
		return fault.Wrap(fault.Invalid, e.ValidationException, e.ValidationException.Message)
	case e.ThrottlingException != nil:
		return fault.Wrap(fault.Throttled, e.ThrottlingException, e.ThrottlingException.Message)
	case e.ServiceUnavailableException != nil:
		return fault.Wrap(fault.Unavailable, e.ServiceUnavailableException, e.ServiceUnavailableException.Message)
	default:
		return nil
	}
}

func (r *streamReader) begin(index int, b llm.Block) error {
	if r.open {
		return modelFault("The model's stream starts block %d inside block %d.", index, r.theirs)
	}
	r.open, r.theirs = true, index
	r.add(&llm.BlockStart{Index: r.ours, Block: b})
	return nil
}

func (r *streamReader) start(e *gen.ContentBlockStartEvent) error {
	switch s := e.Start; {
	case s == nil:
	case s.ToolUse != nil:
		return r.begin(e.ContentBlockIndex, &llm.ToolUse{
			ID: s.ToolUse.ToolUseID, Name: s.ToolUse.Name, Server: s.ToolUse.Type == serverToolUse,
		})
	case s.ToolResult != nil:
		return r.begin(e.ContentBlockIndex, &llm.ToolResult{
			ToolUseID: s.ToolResult.ToolUseID, Type: s.ToolResult.Type, Error: s.ToolResult.Status == gen.ToolResultStatusError,
		})
	case s.Image != nil:
		r.format = string(s.Image.Format)
		return r.begin(e.ContentBlockIndex, &llm.Image{Format: string(s.Image.Format)})
	}
	return modelFault("The model's stream starts a block of an unknown kind.")
}

// delta starts the block first where Bedrock leaves the start out.
func (r *streamReader) delta(e *gen.ContentBlockDeltaEvent) error {
	if e.Delta == nil {
		return modelFault("The model's stream holds an empty delta.")
	}
	if !r.open {
		var b llm.Block = &llm.Text{}
		if e.Delta.ReasoningContent != nil {
			b = &llm.Reasoning{}
		}
		if err := r.begin(e.ContentBlockIndex, b); err != nil {
			return err
		}
	}
	if e.ContentBlockIndex != r.theirs {
		return modelFault("The model's stream goes on with block %d inside block %d.", e.ContentBlockIndex, r.theirs)
	}
	out := &llm.BlockDelta{Index: r.ours}
	switch d := e.Delta; {
	case d.Text != nil:
		out.Text = *d.Text
	case d.ToolUse != nil:
		out.ToolInput = d.ToolUse.Input
	case d.ReasoningContent != nil:
		out.Reasoning, out.Signature = value(d.ReasoningContent.Text), value(d.ReasoningContent.Signature)
		out.Redacted = d.ReasoningContent.RedactedContent
	case d.Citation != nil:
		c, err := fromCitationsDelta(d.Citation)
		if err != nil {
			return err
		}
		out.Citation = &c
	case d.ToolResult != nil:
		for _, b := range d.ToolResult {
			if b.Text != nil {
				out.ToolResult = append(out.ToolResult, &llm.Text{Text: *b.Text})
			} else {
				out.ToolResult = append(out.ToolResult, &llm.JSON{Value: b.JSON})
			}
		}
	case d.Image != nil:
		if d.Image.ErrorValue != nil {
			return modelFault("The model could not make an image: %s", d.Image.ErrorValue.Message)
		}
		image, err := fromImage("image", &gen.ImageBlock{Format: gen.ImageFormat(r.format), Source: d.Image.Source})
		if err != nil {
			return fault.Wrap(fault.ModelError, err, "The model's answer cannot be read.")
		}
		out.Image = image.(*llm.Image)
	}
	if !empty(out) {
		r.add(out)
	}
	return nil
}

// empty reports whether a delta says nothing.
func empty(d *llm.BlockDelta) bool {
	return d.Text == "" && d.ToolInput == "" && d.Reasoning == "" && d.Signature == "" &&
		d.Redacted == nil && d.Citation == nil && d.ToolResult == nil && d.Image == nil
}

func fromCitationsDelta(in *gen.CitationsDelta) (llm.Citation, error) {
	out := llm.Citation{Title: in.Title, Source: in.Source}
	for _, c := range in.SourceContent {
		out.SourceContent = append(out.SourceContent, c.Text)
	}
	if in.Location != nil {
		var ok bool
		if out.Location, ok = fromLocation(in.Location); !ok {
			return out, modelFault("The model's stream holds a citation of an unknown kind.")
		}
	}
	return out, nil
}

func (r *streamReader) stop(index int) error {
	if !r.open { // a text without a word
		if err := r.begin(index, &llm.Text{}); err != nil {
			return err
		}
	}
	if index != r.theirs {
		return modelFault("The model's stream stops block %d inside block %d.", index, r.theirs)
	}
	r.open = false
	r.add(&llm.BlockStop{Index: r.ours})
	r.ours++
	return nil
}

func (r *streamReader) metadata(e *gen.ConverseStreamMetadataEvent) error {
	out := &llm.Metadata{Usage: fromUsage(e.Usage)}
	if e.Metrics != nil {
		out.Latency = time.Duration(e.Metrics.LatencyMs) * time.Millisecond
	}
	if e.ServiceTier != nil {
		out.ServiceTier = string(e.ServiceTier.Type)
	}
	if e.Trace != nil {
		trace, err := writeTrace(e.Trace)
		if err != nil {
			return err
		}
		out.Trace = trace
	}
	r.add(out)
	return nil
}
