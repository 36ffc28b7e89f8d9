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

func replayBlock(i int, b Block) (Block, []BlockDelta) {
	switch b := b.(type) {
	case *Text:
		return &Text{}, []BlockDelta{{Index: i, Text: b.Text}}
	case *ToolUse:
		return &ToolUse{ID: b.ID, Name: b.Name, Server: b.Server}, []BlockDelta{{Index: i, ToolInput: string(b.Input)}}
	case *Reasoning:
		if b.Redacted != nil {
			return &Reasoning{}, []BlockDelta{{Index: i, Redacted: b.Redacted}}
		}
		deltas := []BlockDelta{{Index: i, Reasoning: b.Text}}
		if b.Signature != "" {
			deltas = append(deltas, BlockDelta{Index: i, Signature: b.Signature})
		}
		return &Reasoning{}, deltas
	case *Citations:
		deltas := []BlockDelta{{Index: i, Text: b.Text}}
		for j := range b.Citations {
			deltas = append(deltas, BlockDelta{Index: i, Citation: &b.Citations[j]})
		}
		return &Citations{}, deltas
	case *ToolResult:
		return &ToolResult{ToolUseID: b.ToolUseID, Error: b.Error, Type: b.Type}, []BlockDelta{{Index: i, ToolResult: b.Content}}
	case *Image:
		return &Image{Format: b.Format}, []BlockDelta{{Index: i, Image: b}}
	default:
		return b, nil
	}
}
