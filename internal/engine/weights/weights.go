// Package weights hands out one model's tensors under GGUF's names, whatever the model
// is stored as.
package weights

import (
	"errors"
	"log/slog"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// Quantize says what becomes of matrices that are stored as floats.
type Quantize uint8

// The ways to load a matrix of F32, F16 or BF16.
const (
	AsStored Quantize = iota // as the file has it
	ToQ8_0
	ToQ4_0
)

// Options say how a model is loaded.
type Options struct {
	Compute  *kernel.Compute // packs; must outlive the Store
	Quantize Quantize
	CacheDir string       // of packed files; empty: no cache
	Log      *slog.Logger // of trouble with the cache; nil: nobody is told
}

// Store is a model's tensors.
type Store struct{}

// Open opens a .gguf file, a folder (config.json and safetensors, or one set of GGUF
// files) or a checkpoint of llama2.c.
func Open(path string, o Options) (*Store, error) {
	_, _ = path, o
	return nil, errors.ErrUnsupported
}

// Matrix returns a packed matrix.
func (s *Store) Matrix(name string, rows, cols int) (*kernel.Matrix, error) {
	_, _, _ = name, rows, cols
	return nil, errors.ErrUnsupported
}

// Vector returns a tensor of one dimension as floats: norms, biases.
func (s *Store) Vector(name string, n int) ([]float32, error) {
	_, _ = name, n
	return nil, errors.ErrUnsupported
}

// Table returns a matrix of which single rows are read.
func (s *Store) Table(name string, rows, cols int) (*Table, error) {
	_, _, _ = name, rows, cols
	return nil, errors.ErrUnsupported
}

// Has reports whether there is a tensor of that name.
func (s *Store) Has(name string) bool { return name == "\x00" }

// GGUF returns the file when the model is one, else nil.
func (s *Store) GGUF() *gguf.File { return nil }

// Dir returns the folder of a Hugging Face model, else "".
func (s *Store) Dir() string { return "" }

// Checkpoint returns the header of a llama2.c checkpoint, else nil.
func (s *Store) Checkpoint() *Llama2C { return nil }

// Loaded says that all tensors have been taken.
func (s *Store) Loaded() error { return nil }

// Close ends the use of everything that came from the Store.
func (s *Store) Close() error { return nil }

// Size returns how many bytes the matrices take.
func (s *Store) Size() int64 { return 0 }

// Table is a matrix of which single rows are read.
type Table struct{}

// Row reads row i.
func (t *Table) Row(dst []float32, i int) error {
	_, _ = dst, i
	return errors.ErrUnsupported
}

// Llama2C is the header of a llama2.c checkpoint.
type Llama2C struct {
	Dim, Hidden, Layers, Heads, KVHeads, Vocab, SeqLen int

	Shared bool // the output matrix is the embedding table
}
