package embedded

import (
	"context"
	"iter"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Chat is every model inside the binary as an llm.ChatModel and llm.TokenCounter: the
// reader, and the models with weights.
type Chat struct {
	Reader *Reader
	Models *Models // nil: there is only the reader
}

var (
	_ llm.ChatModel    = (*Chat)(nil)
	_ llm.TokenCounter = (*Chat)(nil)
)

// Chat implements llm.ChatModel.
func (c *Chat) Chat(ctx context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	if c.reads(req) {
		return c.Reader.Chat(ctx, req)
	}
	return func(yield func(llm.Event, error) bool) {
		g, release, err := c.Models.generator(ctx, req.Model)
		if err != nil {
			yield(nil, err)
			return
		}
		defer release()
		// Cached prompts are shared within an account and never between two.
		for ev, err := range g.Chat(ctx, call.From(ctx).Account, req) {
			if !yield(ev, err) {
				return
			}
		}
	}
}

// CountTokens implements llm.TokenCounter.
func (c *Chat) CountTokens(ctx context.Context, req *llm.ChatRequest) (int, error) {
	if c.reads(req) {
		return c.Reader.CountTokens(ctx, req)
	}
	g, release, err := c.Models.generator(ctx, req.Model)
	if err != nil {
		return 0, err
	}
	defer release()
	return g.CountTokens(ctx, req)
}

func (c *Chat) reads(req *llm.ChatRequest) bool {
	return c.Models == nil || req.Model == ReaderModel
}

// generator returns a model that writes text.
func (m *Models) generator(ctx context.Context, name string) (*engine.Generator, func(), error) {
	loaded, release, err := m.acquire(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	g, ok := loaded.(*engine.Generator)
	if !ok {
		release()
		return nil, nil, fault.Errorf(fault.Invalid, "The model %s is for embeddings or ranking and writes no text.", name)
	}
	return g, release, nil
}
