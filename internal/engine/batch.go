package engine

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/token"
)

// batchTokens is how many tokens a pass takes, unless one text has more: enough for
// the products to be efficient, few enough for the activations to stay in the cache.
const batchTokens = 1024

// batch gathers texts of one call until they are worth a pass.
type batch struct {
	encoder *Encoder
	context context.Context //nolint:containedctx // lives for one call of the encoder
	// each gets the hidden states of one text after the other. It may not keep them.
	each      func(states []float32) error
	sequences []arch.Sequence
	rows      int
}

func (e *Encoder) batch(ctx context.Context, each func(states []float32) error) *batch {
	return &batch{encoder: e, context: ctx, each: each}
}

// add takes a text, and runs those before it when they are enough.
func (b *batch) add(t token.Encoding) error {
	if b.rows > 0 && b.rows+len(t.IDs) > batchTokens {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.sequences = append(b.sequences, arch.Sequence{IDs: t.IDs, Types: t.Types})
	b.rows += len(t.IDs)
	return nil
}

// flush waits for a turn and runs what has been gathered through the model.
func (b *batch) flush() error {
	if len(b.sequences) == 0 {
		return b.context.Err()
	}
	e := b.encoder
	var m *arch.BertMemory
	select {
	case m = <-e.turns:
	case <-b.context.Done():
		return b.context.Err()
	}
	defer func() { e.turns <- m }()
	states, err := e.model.Forward(b.context, b.sequences, m)
	if err != nil {
		return err
	}
	for _, s := range b.sequences {
		n := len(s.IDs) * e.model.Hidden
		if err := b.each(states[:n]); err != nil {
			return err
		}
		states = states[n:]
	}
	b.sequences, b.rows = b.sequences[:0], 0
	return nil
}
