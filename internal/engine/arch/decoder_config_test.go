package arch_test

import (
	"encoding/json"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// configWith returns a good config.json with some members replaced; nil removes one.
func configWith(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	c := map[string]any{
		"architectures": []string{"LlamaForCausalLM"}, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
		"num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 100, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
	}
	for k, v := range changes {
		c[k] = v
		if v == nil {
			delete(c, k)
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFolderConfigs(t *testing.T) {
	t.Parallel()
	base := arch.DecoderConfig{
		Family: "llama", Hidden: 64, Layers: 3, Inner: 96, Vocab: 100, Heads: 4, KVHeads: 2, HeadDim: 16, Context: 512, Epsilon: 1e-5,
		Rope: arch.Rope{Base: 10000, Dim: 16, Original: 512, Factor: 1},
	}
	with := func(f func(c *arch.DecoderConfig)) arch.DecoderConfig {
		c := base
		f(&c)
		return c
	}
	for name, c := range map[string]struct {
		changes map[string]any
		want    arch.DecoderConfig
	}{
		"plain":                 {nil, base},
		"no key heads":          {map[string]any{"num_key_value_heads": nil}, with(func(c *arch.DecoderConfig) { c.KVHeads = 4 })},
		"tied":                  {map[string]any{"tie_word_embeddings": true}, with(func(c *arch.DecoderConfig) { c.Tied = true })},
		"several names":         {map[string]any{"architectures": []string{"Other", "LlamaForCausalLM"}}, base},
		"partial turns":         {map[string]any{"partial_rotary_factor": 0.5}, with(func(c *arch.DecoderConfig) { c.Rope.Dim = 8 })},
		"theta":                 {map[string]any{"rope_theta": 500000.0}, with(func(c *arch.DecoderConfig) { c.Rope.Base = 500000 })},
		"llama ignores windows": {map[string]any{"sliding_window": 5}, base},
		"mistral's default window": {map[string]any{"architectures": []string{"MistralForCausalLM"}}, with(func(c *arch.DecoderConfig) {
			c.Family, c.Window = "mistral", 4096
		})},
		"mistral without": {
			map[string]any{"architectures": []string{"MistralForCausalLM"}, "sliding_window": json.RawMessage("null")},
			with(func(c *arch.DecoderConfig) { c.Family = "mistral" }),
		},
		"qwen2": {map[string]any{"architectures": []string{"Qwen2ForCausalLM"}, "sliding_window": 32}, with(func(c *arch.DecoderConfig) {
			c.Family, c.QKVBias = "qwen2", true
		})},
		"qwen2, windows": {
			map[string]any{"architectures": []string{"Qwen2ForCausalLM"}, "sliding_window": 32, "use_sliding_window": true, "max_window_layers": 2},
			with(func(c *arch.DecoderConfig) {
				c.Family, c.QKVBias, c.Window, c.Windowed = "qwen2", true, 32, []bool{false, false, true}
			}),
		},
		"qwen3, layer types": {
			map[string]any{
				"architectures": []string{"Qwen3ForCausalLM"}, "sliding_window": 32, "use_sliding_window": true,
				"layer_types": []string{"sliding_attention", "full_attention", "sliding_attention"},
			},
			with(func(c *arch.DecoderConfig) {
				c.Family, c.QKNorm, c.HeadDim, c.Rope.Dim, c.Window, c.Windowed = "qwen3", true, 128, 128, 32, []bool{true, false, true}
			}),
		},
		"linear stretches the context": {map[string]any{"rope_scaling": map[string]any{"type": "linear", "factor": 4.0}}, with(func(c *arch.DecoderConfig) {
			c.Rope.Scaling, c.Rope.Factor, c.Context = arch.RopeLinear, 4, 2048
		})},
		"yarn's mscale": {
			map[string]any{"rope_scaling": map[string]any{"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256, "mscale": 1.0, "mscale_all_dim": 0.5}},
			with(func(c *arch.DecoderConfig) {
				c.Rope.Scaling, c.Rope.Factor, c.Rope.Original, c.Context = arch.RopeYaRN, 4, 256, 1024
				c.Rope.BetaFast, c.Rope.BetaSlow = 32, 1
				c.Rope.Magnitude = (0.1*math.Log(4) + 1) / (0.05*math.Log(4) + 1)
			}),
		},
		"no scaling": {map[string]any{"rope_scaling": json.RawMessage("null")}, base},
	} {
		got, err := arch.ParseDecoderConfig(configWith(t, c.changes))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, *got); diff != "" {
			t.Errorf("%s: want (-) and got (+): %s", name, diff)
		}
	}
}

func TestFolderConfigsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes map[string]any
		want    string // in the error
	}{
		"another architecture": {map[string]any{"architectures": []string{"GPT2LMHeadModel"}}, "Qwen3ForCausalLM"},
		"no architecture":      {map[string]any{"architectures": nil}, "implemented"},
		"activation":           {map[string]any{"hidden_act": "gelu"}, "silu"},
		"quantised":            {map[string]any{"quantization_config": map[string]any{"bits": 4}}, "GGUF"},
		"no hidden size":       {map[string]any{"hidden_size": nil}, "hidden size is 0"},
		"huge hidden size":     {map[string]any{"hidden_size": 1 << 40}, "hidden size"},
		"negative layers":      {map[string]any{"num_hidden_layers": -1}, "layers"},
		"no heads":             {map[string]any{"num_attention_heads": 0}, "heads"},
		"odd heads":            {map[string]any{"num_key_value_heads": 3}, "can't share"},
		"huge heads":           {map[string]any{"num_attention_heads": 1 << 20}, "heads"},
		"huge head":            {map[string]any{"head_dim": 1 << 30}, "size of a head"},
		"odd head":             {map[string]any{"head_dim": 15}, "even"},
		"huge vocabulary":      {map[string]any{"vocab_size": 1 << 31}, "vocabulary"},
		"huge context":         {map[string]any{"max_position_embeddings": 1 << 50}, "context"},
		"epsilon":              {map[string]any{"rms_norm_eps": 2.0}, "epsilon"},
		"base":                 {map[string]any{"rope_theta": 0.0}, "base"},
		"longrope":             {map[string]any{"rope_scaling": map[string]any{"type": "longrope"}}, "llama3"},
		"factor":               {map[string]any{"rope_scaling": map[string]any{"type": "linear", "factor": -2.0}}, "stretched"},
		"huge factor":          {map[string]any{"rope_scaling": map[string]any{"type": "dynamic", "factor": 1e300}}, "stretched"},
		"yarn's turns":         {map[string]any{"rope_scaling": map[string]any{"type": "yarn", "factor": 2.0, "beta_fast": -1.0}}, "YaRN"},
		"llama3's factors":     {map[string]any{"rope_scaling": map[string]any{"rope_type": "llama3", "factor": 2.0}}, "factors"},
		"layer types": {
			map[string]any{"architectures": []string{"Qwen2ForCausalLM"}, "use_sliding_window": true, "layer_types": []string{"linear_attention"}},
			"linear_attention",
		},
		"too few layer types": {
			map[string]any{"architectures": []string{"Qwen2ForCausalLM"}, "use_sliding_window": true, "layer_types": []string{"full_attention"}},
			"1 of 3 layers",
		},
		"negative window": {map[string]any{"architectures": []string{"MistralForCausalLM"}, "sliding_window": -1}, "window"},
		"not a number":    {map[string]any{"hidden_size": "64"}, "hidden_size"},
	} {
		_, err := arch.ParseDecoderConfig(configWith(t, c.changes))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

// FuzzFolderConfig looks for a config.json that makes trouble: whatever is accepted must
// be within bounds, and have frequencies.
func FuzzFolderConfig(f *testing.F) {
	f.Add(configWith(f, nil))
	for _, g := range readGolden(f).Cases {
		if g.Config != nil {
			f.Add([]byte(g.Config))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := arch.ParseDecoderConfig(text)
		if err != nil {
			return
		}
		if c.Heads*c.HeadDim > 1<<18 || c.Layers > 1<<10 || c.Vocab > 1<<21 || c.Context > 1<<24 {
			t.Errorf("accepted %+v", c)
		}
		for _, x := range c.Frequencies() {
			if !(x >= 0) || math.IsInf(x, 0) {
				t.Fatalf("a frequency of %v: %+v", x, c.Rope)
			}
		}
		for i := range c.Layers {
			if c.WindowOf(i) < 0 {
				t.Fatalf("a window of %d: %+v", c.WindowOf(i), c)
			}
		}
	})
}

// smallGGUF puts the metadata of a small model.
func smallGGUF(w *gguf.Writer, skip ...string) {
	put := func(key string, v uint32) {
		if !slices.Contains(skip, key) {
			w.PutUint32("llama."+key, v)
		}
	}
	w.PutString("general.architecture", "llama")
	put("embedding_length", 32)
	put("block_count", 1)
	put("feed_forward_length", 64)
	put("attention.head_count", 4)
	put("context_length", 128)
}

func TestGGUFConfigs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		put  func(w *gguf.Writer)
		want string // in the error; "" for none
	}{
		"plain":             {func(w *gguf.Writer) { smallGGUF(w) }, ""},
		"another":           {func(w *gguf.Writer) { w.PutString("general.architecture", "gemma3") }, "qwen3"},
		"none":              {func(w *gguf.Writer) { w.PutString("general.name", "x") }, "architecture"},
		"no layers":         {func(w *gguf.Writer) { smallGGUF(w, "block_count") }, "block_count"},
		"experts":           {func(w *gguf.Writer) { smallGGUF(w); w.PutUint32("llama.expert_count", 8) }, "experts"},
		"no experts":        {func(w *gguf.Writer) { smallGGUF(w); w.PutUint32("llama.expert_count", 0) }, ""},
		"same for all":      {func(w *gguf.Writer) { smallGGUF(w); w.PutInt32s("llama.attention.head_count_kv", []int32{2, 2}) }, ""},
		"differs by layer":  {func(w *gguf.Writer) { smallGGUF(w); w.PutInt32s("llama.attention.head_count_kv", []int32{2, 4}) }, "differs"},
		"negative":          {func(w *gguf.Writer) { smallGGUF(w); w.PutInt32("llama.attention.head_count_kv", -2) }, "-2"},
		"huge":              {func(w *gguf.Writer) { smallGGUF(w, "context_length"); w.PutUint64("llama.context_length", 1<<63) }, "context_length"},
		"values of another": {func(w *gguf.Writer) { smallGGUF(w); w.PutUint32("llama.attention.value_length", 9) }, "values of 9"},
		"longrope":          {func(w *gguf.Writer) { smallGGUF(w); w.PutString("llama.rope.scaling.type", "longrope") }, "longrope"},
		"linear": {func(w *gguf.Writer) {
			smallGGUF(w)
			w.PutString("llama.rope.scaling.type", "linear")
			w.PutFloat32("llama.rope.scaling.factor", 2)
		}, ""},
		"no number": {func(w *gguf.Writer) {
			smallGGUF(w)
			w.PutString("llama.rope.scaling.type", "linear")
			w.PutFloat32("llama.rope.scaling.factor", float32(math.NaN()))
		}, "stretched"},
		"half a head":   {func(w *gguf.Writer) { smallGGUF(w); w.PutUint32("llama.rope.dimension_count", 4) }, ""},
		"three to turn": {func(w *gguf.Writer) { smallGGUF(w); w.PutUint32("llama.rope.dimension_count", 3) }, "turn"},
	} {
		var w gguf.Writer
		c.put(&w)
		w.PutFloats("token_embd.weight", []int{10, 32}, make([]float32, 320))
		path := filepath.Join(t.TempDir(), "model.gguf")
		if err := w.Create(path); err != nil {
			t.Fatal(err)
		}
		k, err := kernel.New(kernel.Config{ISA: kernel.ISAGo, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(k.Close)
		config, err := arch.DecoderConfigOf(openWeights(t, path, k))
		if c.want == "" {
			if err != nil || config.Vocab != 10 || !config.Tied || !config.Rope.Interleaved {
				t.Errorf("%s: got %+v, %v", name, config, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

// TestBrokenWeights checks that a tensor that is missing or of another shape is named.
func TestBrokenWeights(t *testing.T) {
	t.Parallel()
	parts := map[string][]int{
		"token_embd.weight": {10, 32}, "output_norm.weight": {32}, "blk.0.attn_norm.weight": {32}, "blk.0.attn_q.weight": {32, 32},
		"blk.0.attn_k.weight": {32, 32}, "blk.0.attn_v.weight": {32, 32}, "blk.0.attn_output.weight": {32, 32},
		"blk.0.ffn_norm.weight": {32}, "blk.0.ffn_gate.weight": {64, 32}, "blk.0.ffn_up.weight": {64, 32}, "blk.0.ffn_down.weight": {32, 64},
		"rope_freqs.weight": {4},
	}
	write := func(change func(shapes map[string][]int)) string {
		shapes := maps.Clone(parts)
		change(shapes)
		var w gguf.Writer
		smallGGUF(&w)
		for name, s := range shapes {
			n := s[0]
			if len(s) > 1 {
				n *= s[1]
			}
			x := make([]float32, n)
			if name == "rope_freqs.weight" {
				x[0], x[1] = 1, 1 // the others divide by zero
			}
			w.PutFloats(name, s, x)
		}
		path := filepath.Join(t.TempDir(), "model.gguf")
		if err := w.Create(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	withoutFactors := func(s map[string][]int) { delete(s, "rope_freqs.weight") }
	if err := tryDecoder(t, write(withoutFactors), arch.DecoderOptions{}); err != nil {
		t.Error(err)
	}
	for name := range parts {
		if name == "token_embd.weight" || name == "rope_freqs.weight" { // gives the vocabulary; is optional
			continue
		}
		err := tryDecoder(t, write(func(s map[string][]int) { withoutFactors(s); delete(s, name) }), arch.DecoderOptions{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v", name, err)
		}
		err = tryDecoder(t, write(func(s map[string][]int) {
			withoutFactors(s)
			s[name] = append([]int{s[name][0] * 2}, s[name][1:]...)
		}), arch.DecoderOptions{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s twice as long: got %v", name, err)
		}
	}
	err := tryDecoder(t, write(func(map[string][]int) {}), arch.DecoderOptions{})
	if err == nil || !strings.Contains(err.Error(), "rope_freqs") {
		t.Errorf("factors of zero: got %v", err)
	}
}

// FuzzGGUFConfig looks for metadata that makes trouble.
func FuzzGGUFConfig(f *testing.F) {
	f.Add(uint32(32), uint32(1), uint32(4), uint32(2), uint32(8), uint64(128), float32(10000), float32(2), "yarn")
	f.Add(uint32(0), uint32(0), uint32(0), uint32(0), uint32(0), uint64(0), float32(0), float32(0), "")
	k, err := kernel.New(kernel.Config{ISA: kernel.ISAGo, Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(k.Close)
	f.Fuzz(func(t *testing.T, hidden, layers, heads, kvHeads, dim uint32, context uint64, base, factor float32, scaling string) {
		var w gguf.Writer
		w.PutString("general.architecture", "qwen3")
		w.PutUint32("qwen3.embedding_length", hidden)
		w.PutUint32("qwen3.block_count", layers)
		w.PutUint32("qwen3.feed_forward_length", hidden)
		w.PutUint32("qwen3.attention.head_count", heads)
		w.PutUint32("qwen3.attention.head_count_kv", kvHeads)
		w.PutUint32("qwen3.attention.key_length", dim)
		w.PutUint32("qwen3.attention.value_length", dim)
		w.PutUint64("qwen3.context_length", context)
		w.PutUint64("qwen3.rope.scaling.original_context_length", context/2)
		w.PutFloat32("qwen3.rope.freq_base", base)
		w.PutFloat32("qwen3.rope.scaling.factor", factor)
		w.PutFloat32("qwen3.rope.scaling.attn_factor", factor)
		w.PutString("qwen3.rope.scaling.type", scaling)
		w.PutFloats("token_embd.weight", []int{1, 1}, make([]float32, 1))
		path := filepath.Join(t.TempDir(), "model.gguf")
		if w.Create(path) != nil {
			return // not a string
		}
		c, err := arch.DecoderConfigOf(openWeights(t, path, k))
		if err != nil {
			return
		}
		if c.Heads*c.HeadDim > 1<<18 || c.Layers > 1<<10 || c.Context > 1<<24 {
			t.Errorf("accepted %+v", c)
		}
		for _, x := range c.Frequencies() {
			if !(x >= 0) || math.IsInf(x, 0) {
				t.Fatalf("a frequency of %v: %+v", x, c.Rope)
			}
		}
	})
}
