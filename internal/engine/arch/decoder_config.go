package arch

import (
	"errors"
	"fmt"
	"math"

	"github.com/outcrop-ai/outcrop/internal/engine/weights"
)

// Bounds of what a decoder's configuration may ask for, well above any model.
const (
	maxDecoderHidden  = 1 << 16
	maxDecoderInner   = 1 << 20
	maxDecoderLayers  = 1 << 10
	maxDecoderHeads   = 1 << 10
	maxDecoderHeadDim = 1 << 10
	maxDecoderWidth   = 1 << 18 // of all heads together
	maxDecoderContext = 1 << 24
)

// DecoderConfig describes a decoder of the Llama family: layers of attention and a gated
// feed-forward, each after an RMS norm, with rotary positions. The fields are what the
// models of this family differ in.
type DecoderConfig struct {
	Family string // "llama" (Llama 2 and 3, SmolLM, TinyLlama), "mistral", "qwen2" or "qwen3"

	Hidden, Layers, Inner, Vocab int
	Heads, KVHeads, HeadDim      int     // HeadDim need not be Hidden/Heads
	Context                      int     // tokens of a sequence, with the scaling of positions
	Epsilon                      float64 // of the norms

	Tied    bool // the output matrix is the embedding table
	QKVBias bool // queries, keys and values have biases: without them the file is broken
	QKNorm  bool // each head's query and key is normalised before it is turned

	// Window, if positive, is how many tokens a token sees in the layers that Windowed
	// names; nil names all.
	Window   int
	Windowed []bool

	Rope Rope
}

// DecoderConfigOf reads the description that came with the weights: a GGUF file's
// metadata, a folder's config.json or a checkpoint's header.
func DecoderConfigOf(s *weights.Store) (*DecoderConfig, error) {
	var c *DecoderConfig
	var err error
	switch {
	case s.GGUF() != nil:
		c, err = ggufDecoder(s.GGUF())
	case s.Dir() != "":
		c, err = folderDecoder(s.Dir())
	case s.Checkpoint() != nil:
		c = llama2cDecoder(s.Checkpoint())
	default:
		err = errors.New("the weights have no description of a model")
	}
	if err != nil {
		return nil, err
	}
	return c, c.validate()
}

// llama2cDecoder describes a checkpoint of llama2.c, whose header leaves out what all
// of them share.
func llama2cDecoder(h *weights.Llama2C) *DecoderConfig {
	c := &DecoderConfig{
		Family: "llama", Hidden: h.Dim, Layers: h.Layers, Inner: h.Hidden, Vocab: h.Vocab,
		Heads: h.Heads, KVHeads: h.KVHeads, Context: h.SeqLen, Epsilon: 1e-5, Tied: h.Shared,
	}
	if h.Heads > 0 {
		c.HeadDim = h.Dim / h.Heads
	}
	c.Rope = Rope{Base: 10000, Dim: c.HeadDim, Interleaved: true}
	return c
}

// validate reports everything that the graph can't compute, and bounds what loading and
// a pass may take.
func (c *DecoderConfig) validate() error {
	var problems []error
	in := func(name string, n, limit int) {
		if n < 1 || n > limit {
			problems = append(problems, fmt.Errorf("%s is %d: 1 to %d can be used", name, n, limit))
		}
	}
	in("the hidden size", c.Hidden, maxDecoderHidden)
	in("the number of layers", c.Layers, maxDecoderLayers)
	in("the size of the feed-forward", c.Inner, maxDecoderInner)
	in("the size of the vocabulary", c.Vocab, maxWords)
	in("the number of heads", c.Heads, maxDecoderHeads)
	in("the number of key heads", c.KVHeads, maxDecoderHeads)
	in("the size of a head", c.HeadDim, maxDecoderHeadDim)
	in("the context", c.Context, maxDecoderContext)
	if c.KVHeads > 0 && c.Heads%c.KVHeads != 0 {
		problems = append(problems, fmt.Errorf("%d heads can't share %d key heads", c.Heads, c.KVHeads))
	}
	if c.Heads*c.HeadDim > maxDecoderWidth {
		problems = append(problems, fmt.Errorf("%d heads of %d elements are too many", c.Heads, c.HeadDim))
	}
	if !(c.Epsilon >= 0 && c.Epsilon < 1) {
		problems = append(problems, fmt.Errorf("the norms' epsilon is %v", c.Epsilon))
	}
	if c.Window < 0 {
		problems = append(problems, fmt.Errorf("the sliding window is %d", c.Window))
	}
	if c.Windowed != nil && len(c.Windowed) != c.Layers {
		problems = append(problems, fmt.Errorf("the configuration types %d of %d layers", len(c.Windowed), c.Layers))
	}
	return errors.Join(append(problems, c.Rope.validate(c.HeadDim))...)
}

// window returns how many tokens a token of a layer sees, 0 for all.
func (c *DecoderConfig) window(layer int) int {
	if c.Windowed != nil && !c.Windowed[layer] || c.Window >= c.Context {
		return 0
	}
	return c.Window
}

// finite reports whether x is a positive number.
func finite(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
