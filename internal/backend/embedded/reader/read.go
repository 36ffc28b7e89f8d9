// Package reader decides what outcrop.reader-v1 says.
//
// A request goes one of five ways: a JSON schema is filled; a tool is called; tool
// results are told; a question is answered by quoting what the request holds; or
// the reader says plainly that there is nothing to answer from and what it is.
// Every fact in a reply is part of the request. There is no randomness and no state.
package reader

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Reply is what the reader says: *llm.Text, *llm.Citations and *llm.ToolUse blocks.
type Reply struct {
	Blocks []llm.Block
	Stop   llm.StopReason
}

// Read answers a request, which has at least one message. Errors are *fault.Error:
// a document that cannot be read, or ctx ended.
func Read(ctx context.Context, req *llm.ChatRequest) (*Reply, error) {
	a := findAsk(req)
	r := pending(req, a)
	c := callTools(req, a, r)
	if len(c.uses) > 0 {
		return &Reply{Blocks: c.uses, Stop: llm.StopToolUse}, nil
	}
	m, err := gather(ctx, req, a)
	if err != nil {
		return nil, err
	}
	reply := &Reply{Stop: llm.EndTurn}
	switch {
	case req.Output.Schema != nil || req.Output.JSON:
		reply.Blocks = structured(req, m, a)
	case len(c.missing) > 0:
		reply.Blocks = []llm.Block{&llm.Text{Text: c.question()}}
	case r != nil:
		reply.Blocks = r.tell(m, a)
	default:
		reply.Blocks = answer(m, a)
	}
	return reply, nil
}
