package arch

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// maxConfig bounds a config.json.
const maxConfig = 4 << 20

// folderConfig is the part of a Hugging Face decoder's config.json that the graph needs.
type folderConfig struct {
	Architectures []string `json:"architectures"`

	Hidden     int      `json:"hidden_size"`
	Layers     int      `json:"num_hidden_layers"`
	Heads      int      `json:"num_attention_heads"`
	KVHeads    *int     `json:"num_key_value_heads"`
	HeadDim    *int     `json:"head_dim"`
	Inner      int      `json:"intermediate_size"`
	Vocab      int      `json:"vocab_size"`
	Positions  int      `json:"max_position_embeddings"`
	Epsilon    float64  `json:"rms_norm_eps"`
	Activation string   `json:"hidden_act"`
	Tied       bool     `json:"tie_word_embeddings"`
	Theta      *float64 `json:"rope_theta"`
	Partial    *float64 `json:"partial_rotary_factor"`

	Window       *int     `json:"sliding_window"`
	UseWindow    bool     `json:"use_sliding_window"`
	FirstWindow  int      `json:"max_window_layers"`
	LayerTypes   []string `json:"layer_types"`
	Quantization any      `json:"quantization_config"`

	RopeScaling    *folderRope `json:"rope_scaling"`
	RopeParameters *folderRope `json:"rope_parameters"` // the same since transformers 5
}

// folderRope is how config.json describes positions.
type folderRope struct {
	Kind       string   `json:"rope_type"`
	OldKind    string   `json:"type"`
	Theta      *float64 `json:"rope_theta"`
	Partial    *float64 `json:"partial_rotary_factor"`
	Factor     *float64 `json:"factor"`
	Original   *int     `json:"original_max_position_embeddings"`
	BetaFast   *float64 `json:"beta_fast"`
	BetaSlow   *float64 `json:"beta_slow"`
	Attention  *float64 `json:"attention_factor"`
	MScale     float64  `json:"mscale"`
	MScaleAll  float64  `json:"mscale_all_dim"`
	Truncate   *bool    `json:"truncate"`
	LowFactor  float64  `json:"low_freq_factor"`
	HighFactor float64  `json:"high_freq_factor"`
}

// folderDecoder reads the config.json of a folder.
func folderDecoder(dir string) (*DecoderConfig, error) {
	f, err := os.Open(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxConfig {
		return nil, fmt.Errorf("config.json is larger than %d MiB", maxConfig>>20)
	}
	c, err := parseDecoderConfig(text)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	return c, nil
}

// folderFamilies are the models that config.json names and this graph computes.
func folderFamilies() []string {
	return []string{"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"}
}

// parseDecoderConfig reads a config.json; it doesn't check dimensions.
func parseDecoderConfig(text []byte) (*DecoderConfig, error) {
	var names struct {
		Architectures []string `json:"architectures"`
	}
	if err := json.Unmarshal(text, &names); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(folderFamilies(), func(f string) bool { return slices.Contains(names.Architectures, f) })
	if i < 0 {
		return nil, fmt.Errorf("the architectures %.80q are not ones that are implemented: %v are", names.Architectures, folderFamilies())
	}
	family := []string{"llama", "mistral", "qwen2", "qwen3"}[i]
	h := folderDefaults(family)
	if err := json.Unmarshal(text, h); err != nil {
		return nil, err
	}
	return h.decoder(family)
}

// folderDefaults returns what a family's config.json means where it says nothing.
func folderDefaults(family string) *folderConfig {
	h := &folderConfig{Positions: 2048, Epsilon: 1e-6, Activation: "silu", FirstWindow: 28}
	window := 4096
	switch family {
	case "mistral":
		h.Window, h.Positions = &window, 4096*32
	case "qwen2", "qwen3":
		h.Window, h.Positions = &window, 32768
	}
	if dim := 128; family == "qwen3" {
		h.HeadDim = &dim
	}
	return h
}

func (h *folderConfig) decoder(family string) (*DecoderConfig, error) {
	if h.Activation != "silu" {
		return nil, fmt.Errorf("hidden_act %.40q is not implemented: silu is", h.Activation)
	}
	if h.Quantization != nil {
		return nil, fmt.Errorf("weights that are quantised in a folder are not implemented: a GGUF file's are")
	}
	c := &DecoderConfig{
		Family: family, Hidden: h.Hidden, Layers: h.Layers, Inner: h.Inner, Vocab: h.Vocab, Heads: h.Heads,
		KVHeads: valueOr(h.KVHeads, h.Heads), Context: h.Positions, Epsilon: h.Epsilon, Tied: h.Tied,
		QKVBias: family == "qwen2", QKNorm: family == "qwen3",
	}
	if h.Heads > 0 {
		c.HeadDim = valueOr(h.HeadDim, h.Hidden/h.Heads)
	}
	if err := h.window(c); err != nil {
		return nil, err
	}
	return c, h.rope(c)
}

// window finds out which layers see how much.
func (h *folderConfig) window(c *DecoderConfig) error {
	if c.Family == "llama" {
		return nil
	}
	c.Window = valueOr(h.Window, 0)
	if c.Family == "mistral" {
		return nil
	}
	if !h.UseWindow {
		c.Window = 0
	}
	if c.Window == 0 || c.Layers > maxDecoderLayers {
		return nil
	}
	c.Windowed = make([]bool, max(c.Layers, 0))
	for i := range c.Windowed {
		c.Windowed[i] = i >= h.FirstWindow
	}
	if h.LayerTypes == nil {
		return nil
	}
	c.Windowed = c.Windowed[:0]
	for _, kind := range h.LayerTypes {
		if kind != "full_attention" && kind != "sliding_attention" {
			return fmt.Errorf("layers of type %.40q are not implemented", kind)
		}
		c.Windowed = append(c.Windowed, kind == "sliding_attention")
	}
	return nil
}

// rope finds out how positions turn heads, and how far they go.
func (h *folderConfig) rope(c *DecoderConfig) error {
	c.Rope = Rope{Base: valueOr(h.Theta, 10000), Dim: c.HeadDim}
	p := h.RopeParameters
	if p == nil {
		p = h.RopeScaling
	}
	if p == nil {
		p = &folderRope{}
	}
	c.Rope.Base = valueOr(p.Theta, c.Rope.Base)
	if part := valueOr(p.Partial, valueOr(h.Partial, 1)); part > 0 && part < 1 {
		c.Rope.Dim = int(part * float64(c.HeadDim))
	}
	kind := p.Kind
	if kind == "" {
		kind = p.OldKind
	}
	original := valueOr(p.Original, h.Positions)
	c.Rope.Original, c.Rope.Factor = original, valueOr(p.Factor, 1)
	switch kind {
	case "", "default":
	case "linear":
		c.Rope.Scaling = RopeLinear
		c.Context = stretched(h.Positions, c.Rope.Factor)
	case "dynamic":
		c.Rope.Scaling = RopeDynamic
		c.Rope.Original = h.Positions
		c.Context = stretched(h.Positions, c.Rope.Factor)
	case "yarn":
		c.Rope.Scaling = RopeYaRN
		if p.Factor == nil && original > 0 {
			c.Rope.Factor = float64(h.Positions) / float64(original)
		}
		p.yarn(&c.Rope)
		c.Context = max(h.Positions, stretched(original, c.Rope.Factor))
	case "llama3":
		c.Rope.Scaling = RopeLlama3
		c.Rope.LowFactor, c.Rope.HighFactor = p.LowFactor, p.HighFactor
	default:
		return fmt.Errorf("the scaling of positions %.40q is not implemented: linear, dynamic, yarn and llama3 are", kind)
	}
	return nil
}

func (p *folderRope) yarn(r *Rope) {
	r.BetaFast, r.BetaSlow = valueOr(p.BetaFast, 32), valueOr(p.BetaSlow, 1)
	r.Untruncated = !valueOr(p.Truncate, true)
	switch {
	case p.Attention != nil:
		r.Magnitude = *p.Attention
	case p.MScale != 0 && p.MScaleAll != 0:
		r.Magnitude = yarnMagnitude(r.Factor, p.MScale) / yarnMagnitude(r.Factor, p.MScaleAll)
	}
}

// valueOr returns what p points to, or otherwise if that is nothing.
func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
