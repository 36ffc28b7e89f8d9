// Package engine runs models inside the binary: embedded inference, in Go and
// assembly, without cgo.
//
// # Rooms
//
//	safetensors  weights of Hugging Face models, mapped, nothing trusted
//	token        text to token IDs, exactly as the reference implementations do
//	arch         the graphs: which tensors a model has and what is computed with them
//	kernel       the arithmetic: packed matrices, attention, norms, a pool of threads
//	pull         models by name: fetched, checked and kept in a per-user cache
//	engine       joins them: a folder becomes a model that takes texts
//
// Imports point down that list from engine; kernel, token and safetensors know
// nothing of each other.
//
// # What happens to a text
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
// Opening a model maps its files. Matrices are copied once, into the panels that the
// micro kernels read in order (drawn in package kernel), in the type that the file has;
// then their pages are given back. The table of word embeddings stays in the file: a
// text reads only its own rows. A loaded all-MiniLM-L6-v2 holds 43 MB of its 91.
// Working memory is taken by the first pass and kept: about (5·hidden + inner) × 4
// bytes per token of a batch.
//
// # Threads
//
// One kernel.Compute serves any number of models. A pass alone uses all its threads;
// passes at the same time share them, one thread each. An Encoder runs as many passes
// at once as there are threads, and the others wait for their turn until their context
// ends. Between layers a pass looks at its context.
//
// # Adding an architecture
//
//  1. arch: a file with the configuration's fields (bounded in validate), a Load that
//     lists the tensors by name and shape through the loader, and a Forward.
//  2. token: the tokenizer's family, if it is new, with a golden file made by
//     tools/goldens from the reference implementation.
//  3. engine: how the model is used (Encoder here; decoders will have their own).
//  4. tools/goldens: a small model with seeded random weights, written as safetensors
//     into testdata, with what the reference computes for it. A graph is right when
//     its numbers are.
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
