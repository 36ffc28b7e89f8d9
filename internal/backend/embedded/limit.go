package embedded

import (
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/reader"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// answer is a reply within the limits of its request.
type answer struct {
	blocks   []llm.Block
	stop     llm.StopReason
	sequence string // that stopped it
	tokens   int
}

// limit ends a reply at the first stop sequence or after maxTokens, whichever comes
// first. A tool call that does not fit as a whole is left out, for half of its JSON
// would be of no use.
func limit(reply *reader.Reply, inf llm.Inference) answer {
	a := answer{stop: reply.Stop}
	for _, b := range reply.Blocks {
		room := -1
		if inf.MaxTokens > 0 {
			room = inf.MaxTokens - a.tokens
		}
		text := blockText(b)
		if text == nil { // a tool call
			n := countBlock(b)
			if room >= 0 && n > room {
				a.stop = llm.MaxTokens
				return a
			}
			a.blocks = append(a.blocks, b)
			a.tokens += n
			continue
		}
		end, sequence := stopAt(*text, inf.StopSequences)
		cut, n := cutTokens((*text)[:end], room)
		*text = (*text)[:cut]
		a.tokens += n
		if *text != "" {
			a.blocks = append(a.blocks, b)
		}
		switch {
		case cut < end:
			a.stop = llm.MaxTokens
			return a
		case sequence != "":
			a.stop, a.sequence = llm.StopSequence, sequence
			return a
		}
	}
	return a
}

// blockText returns where a block of text keeps it, nil for other blocks.
func blockText(b llm.Block) *string {
	switch b := b.(type) {
	case *llm.Text:
		return &b.Text
	case *llm.Citations:
		return &b.Text
	default:
		return nil
	}
}

// stopAt returns where the earliest of the sequences begins in s, or its length.
func stopAt(s string, sequences []string) (int, string) {
	end, found := len(s), ""
	for _, q := range sequences {
		if q == "" {
			continue
		}
		if i := strings.Index(s, q); i >= 0 && (i < end || i == end && found == "") {
			end, found = i, q
		}
	}
	return end, found
}
