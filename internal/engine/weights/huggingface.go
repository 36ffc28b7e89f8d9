package weights

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
	"github.com/outcrop-ai/outcrop/internal/engine/safetensors"
)

// folderSource is a Hugging Face folder.
type folderSource struct {
	dir   string
	set   *safetensors.Set
	names map[string]string // GGUF's to the file's
}

func openHuggingFace(dir string) (source, error) {
	set, err := safetensors.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	f := &folderSource{dir: dir, set: set, names: map[string]string{}}
	for _, name := range set.Names() {
		if n := ggufName(name); n != "" {
			f.names[n] = name
		}
	}
	return f, nil
}

// ggufName translates the name of a tensor of the Llama family: Llama, Mistral, SmolLM,
// Qwen2, Qwen3. Others give "".
func ggufName(name string) string {
	name = strings.TrimPrefix(name, "model.")
	switch name {
	case "embed_tokens.weight":
		return "token_embd.weight"
	case "norm.weight":
		return "output_norm.weight"
	case "lm_head.weight":
		return "output.weight"
	}
	rest, ok := strings.CutPrefix(name, "layers.")
	layer, part, found := strings.Cut(rest, ".")
	if n, err := strconv.Atoi(layer); !ok || !found || err != nil || n < 0 || strconv.Itoa(n) != layer {
		return ""
	}
	i := strings.LastIndexByte(part, '.')
	if i < 0 {
		return ""
	}
	base, kind := blockPart(part[:i]), part[i+1:]
	if base == "" || kind != "weight" && kind != "bias" {
		return ""
	}
	return "blk." + layer + "." + base + "." + kind
}

// blockPart translates the name of a module of a layer.
func blockPart(module string) string {
	switch module {
	case "input_layernorm":
		return "attn_norm"
	case "self_attn.q_proj":
		return "attn_q"
	case "self_attn.k_proj":
		return "attn_k"
	case "self_attn.v_proj":
		return "attn_v"
	case "self_attn.o_proj":
		return "attn_output"
	case "self_attn.q_norm":
		return "attn_q_norm"
	case "self_attn.k_norm":
		return "attn_k_norm"
	case "post_attention_layernorm":
		return "ffn_norm"
	case "mlp.gate_proj":
		return "ffn_gate"
	case "mlp.up_proj":
		return "ffn_up"
	case "mlp.down_proj":
		return "ffn_down"
	}
	return ""
}

func (f *folderSource) has(name string) bool { return f.names[name] != "" }

func (f *folderSource) tensor(name string) (*stored, error) {
	t := f.set.Tensor(f.names[name])
	if t == nil {
		return nil, fmt.Errorf("the model has no tensor %s", name)
	}
	s := &stored{name: t.Name, shape: t.Shape}
	s.file, s.raw = t.Mapped()
	switch t.Type {
	case safetensors.F32:
		s.typ = kernel.F32
	case safetensors.F16:
		s.typ = kernel.F16
	case safetensors.BF16:
		s.typ = kernel.BF16
	default:
		return nil, fmt.Errorf("tensor %s has the type %s: F32, F16 and BF16 are supported", t.Name, t.Type)
	}
	return s, nil
}

func (f *folderSource) maps() []*mapping.File { return f.set.Maps() }

func (f *folderSource) close() error { return f.set.Close() }
