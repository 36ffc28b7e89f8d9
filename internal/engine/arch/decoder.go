package arch

import (
	"context"
	"errors"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
)

// CacheType is how a Decoder keeps keys and values.
type CacheType uint8

// The types of a cache.
const (
	CacheF16  CacheType = iota // two bytes an element: what models are trained with
	CacheQ8_0                  // a byte, and a scale for every 32
	CacheF32                   // four bytes: for tests of the graph
)

// DecoderConfig describes a decoder.
type DecoderConfig struct{}

// DecoderConfigOf reads the description that came with the weights.
func DecoderConfigOf(s *weights.Store) (*DecoderConfig, error) {
	_ = s
	return nil, errors.ErrUnsupported
}

// DecoderOptions say how a Decoder is run. The zero value is the right one.
type DecoderOptions struct {
	Cache   CacheType
	Context int // the most tokens of a sequence; 0, or more than the model's: the model's
}

// Decoder is a language model's graph with its weights. It is immutable and safe for
// concurrent use with memory of one's own.
type Decoder struct{}

// LoadDecoder takes the weights of a model.
func LoadDecoder(c *DecoderConfig, s *weights.Store, k *kernel.Compute, o DecoderOptions) (*Decoder, error) {
	_, _, _, _ = c, s, k, o
	return nil, errors.ErrUnsupported
}

// Span is the part of a sequence that a pass reads.
type Span struct {
	IDs    []int32  // tokens to read now; at least one
	Start  int      // how many tokens of the sequence are cached before them
	Pages  [][]byte // the sequence's, in order, with room for Start+len(IDs) tokens
	Logits int      // how many of the last IDs logits are wanted for
}

// DecoderMemory is the working memory of a pass. The zero value is ready.
type DecoderMemory struct{}

// PageBytes returns the size of a page: kernel.PageTokens tokens' keys and values of all
// layers.
func (d *Decoder) PageBytes() int { return 0 }

// Vocab returns how many tokens there are.
func (d *Decoder) Vocab() int { return 0 }

// Context returns the most tokens of a sequence.
func (d *Decoder) Context() int { return 0 }

// Forward reads the tokens of all spans. It returns a row of Vocab logits for each token
// that a span wants them for, in order; they belong to m until its next pass.
func (d *Decoder) Forward(ctx context.Context, spans []Span, m *DecoderMemory) ([]float32, error) {
	_, _ = spans, m
	return nil, ctx.Err()
}
