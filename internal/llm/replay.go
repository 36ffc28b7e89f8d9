package llm

import "iter"

// Replay yields a whole answer as the events that would have made it. Collect of
// the result gives the answer back. Backends that wait for a whole response
// answer with it.
func Replay(resp *ChatResponse) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if resp.Raw != nil && !yield(&RawEvent{Data: resp.Raw}, nil) {
			return
		}
		usage := resp.Usage
		if !yield(&MessageStart{Role: resp.Message.Role, ID: resp.ID, Served: resp.Served, Usage: &usage}, nil) {
			return
		}
		for i, b := range resp.Message.Content {
			start, deltas := replayBlock(i, b)
			if !yield(&BlockStart{Index: i, Block: start}, nil) {
				return
			}
			for j := range deltas {
				if !yield(&deltas[j], nil) {
					return
				}
			}
			if !yield(&BlockStop{Index: i}, nil) {
				return
			}
		}
		if !yield(&MessageStop{Reason: resp.StopReason, Sequence: resp.StopSequence, Extra: resp.Extra}, nil) {
			return
		}
		yield(&Metadata{Usage: usage, Latency: resp.Latency, ServiceTier: resp.ServiceTier, Trace: resp.Trace}, nil)
	}
}

// replayBlock returns the start and the deltas of a block; what is empty needs none.
func replayBlock(i int, b Block) (start Block, deltas []BlockDelta) {
	add := func(d BlockDelta) {
		d.Index = i
		deltas = append(deltas, d)
	}
	text := func(text string) {
		if text != "" {
			add(BlockDelta{Text: text})
		}
	}
	switch b := b.(type) {
	case *Text:
		text(b.Text)
		return &Text{}, deltas
	case *ToolUse:
		if len(b.Input) > 0 {
			add(BlockDelta{ToolInput: string(b.Input)})
		}
		return &ToolUse{ID: b.ID, Name: b.Name, Server: b.Server}, deltas
	case *Reasoning:
		if b.Redacted != nil {
			add(BlockDelta{Redacted: b.Redacted})
			return &Reasoning{}, deltas
		}
		if b.Text != "" {
			add(BlockDelta{Reasoning: b.Text})
		}
		if b.Signature != "" {
			add(BlockDelta{Signature: b.Signature})
		}
		return &Reasoning{}, deltas
	case *Citations:
		text(b.Text)
		for j := range b.Citations {
			add(BlockDelta{Citation: &b.Citations[j]})
		}
		return &Citations{}, deltas
	case *ToolResult:
		if len(b.Content) > 0 {
			add(BlockDelta{ToolResult: b.Content})
		}
		return &ToolResult{ToolUseID: b.ToolUseID, Error: b.Error, Type: b.Type}, deltas
	case *Image:
		add(BlockDelta{Image: b})
		return &Image{Format: b.Format}, deltas
	default:
		return b, nil
	}
}
