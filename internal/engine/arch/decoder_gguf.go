package arch

import (
	"fmt"
	"math"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
)

// ggufDecoders are the architectures that GGUF files name and this graph computes.
func ggufDecoders() []string { return []string{"llama", "qwen2", "qwen3"} }

// metadata is what describes a model in a GGUF file. It keeps the first problem.
type metadata struct {
	f   *gguf.File
	err error
}

// ggufDecoder reads a GGUF file's metadata.
func ggufDecoder(f *gguf.File) (*DecoderConfig, error) {
	family, _ := f.String("general.architecture")
	if !slices.Contains(ggufDecoders(), family) {
		return nil, fmt.Errorf("the architecture %.40q is not one that is implemented: %v are", family, ggufDecoders())
	}
	m, at := &metadata{f: f}, family+"."
	if n := m.number(at+"expert_count", 0); n > 0 {
		return nil, fmt.Errorf("a mixture of %d experts is not implemented", n)
	}
	c := &DecoderConfig{
		Family:  family,
		Hidden:  m.need(at + "embedding_length"),
		Layers:  m.need(at + "block_count"),
		Inner:   m.need(at + "feed_forward_length"),
		Heads:   m.need(at + "attention.head_count"),
		Context: m.need(at + "context_length"),
		Epsilon: m.float(at+"attention.layer_norm_rms_epsilon", 1e-5),
		Window:  m.number(at+"attention.sliding_window", 0),
		Tied:    f.Tensor("output.weight") == nil,
		QKVBias: family == "qwen2",
		QKNorm:  family == "qwen3",
	}
	c.KVHeads = m.number(at+"attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = m.number(at+"attention.key_length", c.Hidden/c.Heads)
	}
	if n := m.number(at+"attention.value_length", c.HeadDim); n != c.HeadDim {
		return nil, fmt.Errorf("heads with keys of %d elements and values of %d are not implemented", c.HeadDim, n)
	}
	if t := f.Tensor("token_embd.weight"); t != nil && len(t.Shape) == 2 {
		c.Vocab = t.Shape[0]
	}
	c.Rope = m.rope(at, c)
	if s := c.Rope.Scaling; s == RopeYaRN || s == RopeLinear {
		c.Context = max(c.Context, stretched(c.Rope.Original, c.Rope.Factor))
	}
	return c, m.err
}

func (m *metadata) rope(at string, c *DecoderConfig) Rope {
	r := Rope{
		Base:        m.float(at+"rope.freq_base", 10000),
		Dim:         m.number(at+"rope.dimension_count", c.HeadDim),
		Interleaved: c.Family == "llama", // the converter rearranges these models' rows
		Original:    m.number(at+"rope.scaling.original_context_length", c.Context),
		Factor:      m.float(at+"rope.scaling.factor", 1),
		BetaFast:    m.float(at+"rope.scaling.yarn_beta_fast", 32),
		BetaSlow:    m.float(at+"rope.scaling.yarn_beta_slow", 1),
	}
	kind, _ := m.f.String(at + "rope.scaling.type")
	switch kind {
	case "", "none":
		if r.Factor = m.float(at+"rope.scale_linear", 1); r.Factor != 1 {
			r.Scaling = RopeLinear
		}
	case "linear":
		r.Scaling = RopeLinear
		r.Original = 0 // context_length counts the stretched ones
	case "yarn":
		r.Scaling = RopeYaRN
		r.Magnitude = yarnMagnitude(r.Factor, 1) * m.float(at+"rope.scaling.attn_factor", 1)
	default:
		m.note(fmt.Errorf("the scaling of positions %.40q is not implemented: linear and yarn are", kind))
	}
	return r
}

// number returns an integer, or otherwise if the file has none. An array, as models
// with layers of their own kinds have, must hold the same number for all.
func (m *metadata) number(key string, otherwise int) int {
	n, ok := m.f.Int(key)
	if all, array := m.f.Ints(key); array && len(all) > 0 {
		for _, x := range all {
			if x != all[0] {
				m.note(fmt.Errorf("%s differs between layers, which is not implemented", key))
			}
		}
		n, ok = all[0], true
	}
	switch {
	case !ok:
		return otherwise
	case n < 0 || n > math.MaxInt32:
		m.note(fmt.Errorf("%s is %d", key, n))
		return 0
	}
	return int(n)
}

// need returns an integer that must be there.
func (m *metadata) need(key string) int {
	n := m.number(key, -1)
	if n < 0 {
		m.note(fmt.Errorf("the file has no %s", key))
	}
	return n
}

func (m *metadata) float(key string, otherwise float64) float64 {
	if x, ok := m.f.Float(key); ok {
		return x
	}
	return otherwise
}

func (m *metadata) note(err error) {
	if m.err == nil {
		m.err = err
	}
}

// stretched returns a context times a factor, within bounds.
func stretched(context int, factor float64) int {
	n := float64(context) * factor
	if !(n > 0) {
		return 0
	}
	return int(min(n, maxDecoderContext))
}
