// Package arch holds the graphs of the models that the engine runs: which tensors a
// model has, and what is computed with them in which order. One file per family.
//
// A graph reads its configuration, checks it against the weights, takes the packed
// matrices and then runs forward passes. It knows no texts, requests or schedules:
// package token makes the IDs, kv and sched decide which of them a pass reads and where
// their keys and values are kept, and package engine joins them all.
//
// Graphs are immutable once loaded. A forward pass writes only to the working memory
// it is given, and to the pages of its spans, so passes with memory and pages of their
// own can run at the same time. Nothing in a configuration is trusted: dimensions are
// bounded before memory is taken, and every tensor must have the shape that they imply.
//
// # Encoders
//
// [Bert] reads whole texts and returns their hidden states. It takes its tensors from a
// Hugging Face folder itself.
//
// # Decoders
//
// [Decoder] is the Llama family: Llama 2 and 3, SmolLM, TinyLlama, Mistral, Qwen2 and
// Qwen3. What its members differ in are fields of [DecoderConfig], not code of their own:
//
//	x = embedding of the token
//	for each layer:
//	    h = norm(x)
//	    q, k, v = h·Wq, h·Wk, h·Wv        Qwen2: + biases; Qwen3: each head of q and k normalised
//	    turn q and k by the token's position; store k and v in the sequence's page
//	    x += attention(q, keys and values of the sequence so far)·Wo
//	    h = norm(x)
//	    x += (SiLU(h·Wgate) ⊙ h·Wup)·Wdown
//	logits = norm(x)·Woutput              often the embedding table again
//
// DecoderConfigOf reads a GGUF file's metadata (decoder_gguf.go), a folder's config.json
// (decoder_folder.go) or the header of a llama2.c checkpoint. Package weights hands
// tensors out under GGUF's names whatever the file is, as they are stored; GGUF files of
// "llama" models and checkpoints have the rows of queries and keys rearranged so that
// neighbours turn together, which is Rope.Interleaved.
//
// A pass ([Decoder.Forward]) reads spans: some tokens of some sequences, each after what
// its pages hold already. A prompt in chunks, the next token of sixteen sequences, or
// both together are the same to the graph: all tokens are rows of the same matrices, and
// only storing and attending look at which row belongs where. So the weights are read
// once per pass, however many sequences share it. The promise of package kernel carries
// over: a token's logits are the same bits whatever else is in the pass. That makes
// prefixes shareable, requests reproducible from a seed, and tests simple.
//
// Where time goes is products; the rest is kept from adding to it. Queries, keys and
// values are products of one input, quantised once; so are gate and up. A residual is
// added by the norm after it. When one token is decoded, threads meet five times per
// layer: for queries, keys and values, for attention, for its output, for gate and up,
// and for down; what is too small to share is done by one. In the last layer
// only rows whose logits are wanted go on behind their keys and values.
//
// # Adding an architecture
//
// One that differs in a detail (a norm's place, a factor on the embeddings, another
// window) is a field of DecoderConfig:
//
//  1. Add the name to ggufDecoders and folderFamilies, and read the field in
//     decoder_gguf.go and decoder_folder.go. What isn't implemented must be refused by
//     name: silence is a wrong model. Bound every number in validate.
//  2. If it has tensors of its own, load them in decoder_load.go, with their shapes, and
//     let package weights translate the names of a Hugging Face folder.
//  3. Use the field in decoder.go. If it needs arithmetic that isn't there, that is a
//     function of package kernel, with a plain Go form first.
//  4. Add a small model to tools/goldens/decoder.py (a call of add: a family, a seed, a
//     configuration), run `make goldens`, and watch TestDecoders fail before step 3 and
//     pass after it. A graph is right when its logits are those of transformers within
//     2·10⁻⁵ of their spread on floats; a wrong one is off by tenths at least.
//     TestSpansInAnyCompany takes the new case up by itself.
//
// One that shares little (a mixture of experts, a state-space model, an encoder) gets a
// file of its own with a configuration, a load and a Forward over the same Span and
// DecoderMemory, and package engine picks it by name.
package arch

import (
	"fmt"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/safetensors"
)

// loader takes a model's tensors out of its files and keeps the first error, so that
// a graph can be read as a list of its parts.
type loader struct {
	set     *safetensors.Set
	compute *kernel.Compute
	prefix  string
	err     error
}

// tensor returns the tensor of a name and shape.
func (l *loader) tensor(name string, shape ...int) *safetensors.Tensor {
	if l.err != nil {
		return nil
	}
	t := l.set.Tensor(l.prefix + name)
	switch {
	case t == nil:
		l.err = fmt.Errorf("the weights have no %s", l.prefix+name)
	case !slices.Equal(t.Shape, shape):
		l.err = fmt.Errorf("%s has the shape %v, the configuration says %v", l.prefix+name, t.Shape, shape)
	case kernelType(t.Type) == kernel.F32 && t.Type != safetensors.F32:
		l.err = fmt.Errorf("%s has the type %s: F32, F16 and BF16 can be used", l.prefix+name, t.Type)
	default:
		return t
	}
	return nil
}

// vector returns n floats.
func (l *loader) vector(name string, n int) []float32 { return l.floats(name, n) }

// floats returns a tensor's elements as floats.
func (l *loader) floats(name string, shape ...int) []float32 {
	t := l.tensor(name, shape...)
	if t == nil {
		return nil
	}
	x, err := t.Floats()
	l.note(err)
	return x
}

// linear is a matrix with its bias.
type linear struct {
	w    *kernel.Matrix
	bias []float32
}

// linear returns the layer name with its weight of out×in elements, packed in the type
// it has in the file.
func (l *loader) linear(name string, out, in int) linear {
	t := l.tensor(name+".weight", out, in)
	bias := l.vector(name+".bias", out)
	if l.err != nil {
		return linear{}
	}
	raw, err := t.Bytes()
	if err != nil {
		l.note(err)
		return linear{}
	}
	w, err := l.compute.Pack(kernelType(t.Type), out, in, raw)
	l.note(err)
	return linear{w, bias}
}

// norm is the weight and bias of a layer normalisation.
type norm struct{ weight, bias []float32 }

// norm returns a normalisation; files converted from TensorFlow call its parts gamma
// and beta.
func (l *loader) norm(name string, n int) norm {
	if l.set.Tensor(l.prefix+name+".weight") == nil && l.set.Tensor(l.prefix+name+".gamma") != nil {
		return norm{l.vector(name+".gamma", n), l.vector(name+".beta", n)}
	}
	return norm{l.vector(name+".weight", n), l.vector(name+".bias", n)}
}

func (l *loader) note(err error) {
	if l.err == nil {
		l.err = err
	}
}

// kernelType returns the kernels' name of a type, F32 for what has none.
func kernelType(t safetensors.DType) kernel.Type {
	switch t {
	case safetensors.F16:
		return kernel.F16
	case safetensors.BF16:
		return kernel.BF16
	default:
		return kernel.F32
	}
}
