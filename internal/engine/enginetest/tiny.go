package enginetest

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
)

// Tiny is what a TinyGGUF is like. The zero value has a chat template in ChatML with
// tool calls as Hermes and Qwen write them.
type Tiny struct {
	Template string // empty: ChatML; "-": none
	Seed     uint64
}

// Sizes of a TinyGGUF.
const (
	tinyHidden = 64
	tinyHeads  = 4
	tinyKV     = 2
	tinyInner  = 96
	tinyLayers = 2
)

// tinySpecials are a TinyGGUF's control tokens, after its 256 bytes and a few words.
var tinySpecials = []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}

// tinyMarks are its tokens that are no control tokens and have a meaning.
var tinyMarks = []string{"<tool_call>", "</tool_call>", "<think>", "</think>"}

// GGUF writes the model into a folder of the test's, and returns its file.
func (o Tiny) GGUF(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "tiny.gguf")
	if err := o.Write(path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Write writes a Llama with random weights and a tokenizer of single bytes. What it says
// makes no sense, but it says so fast and always the same.
func (o Tiny) Write(path string) error {
	var w gguf.Writer
	w.PutString("general.architecture", "llama")
	w.PutUint32("llama.context_length", 1024)
	w.PutUint32("llama.embedding_length", tinyHidden)
	w.PutUint32("llama.block_count", tinyLayers)
	w.PutUint32("llama.feed_forward_length", tinyInner)
	w.PutUint32("llama.attention.head_count", tinyHeads)
	w.PutUint32("llama.attention.head_count_kv", tinyKV)
	w.PutUint32("llama.rope.dimension_count", tinyHidden/tinyHeads)
	w.PutFloat32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	w.PutFloat32("llama.rope.freq_base", 10000)
	vocab := o.tokens(&w)
	w.PutUint32("llama.vocab_size", uint32(vocab)) //nolint:gosec // some hundreds
	switch o.Template {
	case "-":
	case "":
		w.PutString("tokenizer.chat_template", chatML)
	default:
		w.PutString("tokenizer.chat_template", o.Template)
	}
	o.weights(&w, vocab)
	return w.Create(path)
}

// tokens puts a byte-level vocabulary: every byte, two merges, and the special tokens.
func (o Tiny) tokens(w *gguf.Writer) int {
	var tokens []string
	var types []int32
	put := func(text string, typ int32) {
		tokens = append(tokens, text)
		types = append(types, typ)
	}
	var spare rune = 256
	letters := make([]string, 256)
	for b := range 256 {
		r := rune(b)
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			r = spare
			spare++
		}
		letters[b] = string(r)
		put(letters[b], 1)
	}
	put("he", 1)
	put(letters[' ']+"t", 1)
	for _, s := range tinySpecials {
		put(s, 3)
	}
	for _, s := range tinyMarks {
		put(s, 4)
	}
	w.PutString("tokenizer.ggml.model", "gpt2")
	w.PutString("tokenizer.ggml.pre", "gpt-2")
	w.PutStrings("tokenizer.ggml.tokens", tokens)
	w.PutInt32s("tokenizer.ggml.token_type", types)
	w.PutStrings("tokenizer.ggml.merges", []string{"h e", letters[' '] + " t"})
	w.PutUint32("tokenizer.ggml.bos_token_id", 258)
	w.PutUint32("tokenizer.ggml.eos_token_id", 260)
	w.PutBool("tokenizer.ggml.add_bos_token", false)
	return len(tokens)
}

func (o Tiny) weights(w *gguf.Writer, vocab int) {
	rng := rand.New(rand.NewPCG(o.Seed, 1)) //nolint:gosec // random weights for tests
	matrix := func(name string, rows, cols int) {
		x := make([]float32, rows*cols)
		for i := range x {
			x[i] = float32(rng.NormFloat64()) * 0.15
		}
		w.PutFloats(name, []int{rows, cols}, x)
	}
	norm := func(name string) {
		x := make([]float32, tinyHidden)
		for i := range x {
			x[i] = 1
		}
		w.PutFloats(name, []int{tinyHidden}, x)
	}
	const kv = tinyHidden / tinyHeads * tinyKV
	matrix("token_embd.weight", vocab, tinyHidden)
	for _, l := range []string{"blk.0.", "blk.1."} {
		norm(l + "attn_norm.weight")
		matrix(l+"attn_q.weight", tinyHidden, tinyHidden)
		matrix(l+"attn_k.weight", kv, tinyHidden)
		matrix(l+"attn_v.weight", kv, tinyHidden)
		matrix(l+"attn_output.weight", tinyHidden, tinyHidden)
		norm(l + "ffn_norm.weight")
		matrix(l+"ffn_gate.weight", tinyInner, tinyHidden)
		matrix(l+"ffn_up.weight", tinyInner, tinyHidden)
		matrix(l+"ffn_down.weight", tinyHidden, tinyInner)
	}
	norm("output_norm.weight")
}

// chatML is a template of our own in the common form.
const chatML = `{%- if tools %}
{{- '<|im_start|>system\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}
{{- 'You may call these tools:\n<tools>' }}
{%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\n</tools>\nA call is {"name": NAME, "arguments": OBJECT} between <tool_call> and </tool_call>.<|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'user' or message.role == 'assistant' and not message.tool_calls %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- elif message.role == 'assistant' %}
{{- '<|im_start|>assistant' }}
{%- if message.content %}{{- '\n' + message.content }}{%- endif %}
{%- for call in message.tool_calls %}
{{- '\n<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}{{- call.function.arguments | tojson }}{{- '}\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
`
