// Package embedded is the backend inside the binary: the models that Outcrop
// brings along and that need no server.
//
// Its first is outcrop.reader-v1, a reader without weights: rules, word statistics
// and a small lexicon. It answers only from what a request holds, by quoting it;
// picks tools and fills their arguments from the conversation; fills JSON schemas;
// and says plainly that it is no general chat model when a request holds nothing
// to answer from. The same request always has the same answer.
//
// This package makes a model of the reader: events, token counts, maxTokens and
// stop sequences. What is said is decided in the child reader.
package embedded

import (
	"context"
	"iter"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/reader"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// ReaderModel is the name of the reader, in model IDs and in llm.Served.Model.
const ReaderModel = "outcrop.reader-v1"

// maxInput is the longest request that is read, in tokens by our own count: as much as
// the largest models take. It bounds the memory of one call to some 200 MB.
const maxInput = 1_000_000

// Reader is outcrop.reader-v1 as an llm.ChatModel and llm.TokenCounter. The zero
// value is ready. It holds no state and is safe for concurrent use.
type Reader struct{}

var (
	_ llm.ChatModel    = (*Reader)(nil)
	_ llm.TokenCounter = (*Reader)(nil)
)

// Chat answers a conversation. Whatever the request's Model says, the reader answers.
func (r *Reader) Chat(ctx context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		if len(req.Messages) == 0 {
			yield(nil, fault.Errorf(fault.Invalid, "A conversation must have at least one message."))
			return
		}
		if err := llm.NoLogprobs(req); err != nil {
			yield(nil, err)
			return
		}
		usage := llm.Usage{InputTokens: countRequest(req)}
		if usage.InputTokens > maxInput {
			yield(nil, fault.Errorf(fault.Invalid, "Input is too long for requested model. %s reads at most %d tokens; the request has %d.", ReaderModel, maxInput, usage.InputTokens))
			return
		}
		reply, err := reader.Read(ctx, req)
		if err != nil {
			yield(nil, err)
			return
		}
		e := &emitter{ctx: ctx, yield: yield, stream: req.Stream, usage: usage}
		e.emit(limit(reply, req.Inference))
	}
}

// CountTokens counts the input tokens of a request by the rule that Chat's usage
// follows; see countText.
func (r *Reader) CountTokens(ctx context.Context, req *llm.ChatRequest) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return countRequest(req), nil
}
