// Package engine runs models inside the binary: embedded inference, in Go and
// assembly, without cgo.
//
// # Rooms
//
//	mapping      files in memory, guarded against those that shrink
//	gguf         models in one file (or shards) with their metadata and tokenizer
//	safetensors  weights of Hugging Face models
//	weights      tensors under one set of names, packed for the kernels, wherever they are from
//	token        text to token IDs and back, exactly as the reference implementations do
//	kernel       the arithmetic: packed matrices, attention, norms, a pool of threads
//	arch         the graphs: which tensors a model has and what is computed with them
//	kv           cached keys and values in pages, shared by requests with the same beginning
//	sample       logits to a token
//	grammar      JSON Schemas and the like as masks of allowed tokens
//	sched        many requests on one model, step by step
//	jinja, chat  conversations to prompts, and answers to text, thoughts and tool calls
//	pull         models by name: fetched, checked and kept in a per-user cache
//	engine       joins them: a file or folder becomes an Encoder or a Generator
//
// Nothing in a file is trusted by any of them.
//
// # What happens to a conversation
//
// Generator.Chat renders it with the model's own template (chat). What came from the
// caller stays marked as such, so that a user's "<|im_end|>" is eleven characters and
// no token (token.Segment). The request's schemas and tools become a grammar, its limits
// and seed a sched.Request.
//
// The scheduler drives the model in steps. A step reads the next token of every running
// request and a piece of one or more prompts, all in one pass of the graph (arch.Span):
// the matrices are read from memory once for all of them. Attention finds what a
// sequence has read before in pages of 64 tokens (kv). Requests of one owner that begin alike
// share pages; a cache point of the caller's keeps them longer. The logits are masked by the
// grammar, sampled (sample), and the token goes to its request, where it becomes text,
// is held against stop sequences, and is read as text, thought or tool call (chat.Parser).
//
// The result for a row of a pass is the same bits whatever shares the pass. So a seed fixes
// an answer, whoever else is being answered.
//
// # What happens to a text to be embedded
//
// Encoder.Embed cuts its texts into tokens, puts texts together until a batch has
// some hundred tokens, and runs each batch through the graph. The rows of all texts in
// a batch follow one another: there is no padding and no mask. The large products see
// one tall matrix, and attention is told where each text begins and ends (arch.Sequence,
// kernel.Sequence), so that texts of different lengths cost what they are long. What
// comes out is a row of floats per token, from which pooling makes a vector per text.
//
// # Memory
//
// Opening a model maps its files. Matrices are copied once, into the layout that the
// micro kernels read in order (drawn in package kernel), in the type that the file has or
// the one asked for; then their pages are given back. A generator's packed matrices may
// be kept in a file of their own, which the next start maps instead of packing again. The
// table of word embeddings stays in the file: a text reads only its own rows.
// Working memory is taken by the first pass and kept. Cached keys and values
// are taken as requests need them, up to Config.CacheBytes.
//
// # Threads
//
// One kernel.Compute serves any number of models. A pass alone uses all its threads;
// passes at the same time share them, one thread each. An Encoder runs as many passes
// at once as there are threads, and the others wait for their turn until their context
// ends. A Generator has one pass under way at a time, driven by its scheduler's only goroutine.
// Between layers a pass looks at its context.
//
// # Adding an architecture
//
// docs/engine.md lists the steps.
package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrTooLong says that a text has more tokens than its caller allows.
var ErrTooLong = errors.New("the text is too long")

// maxJSON bounds the small files of a model's folder.
const maxJSON = 4 << 20

// readSmall returns a file of a model's folder.
func readSmall(dir, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxJSON+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxJSON {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxJSON>>20)
	}
	return text, nil
}
