// Package weights hands out one model's tensors under GGUF's names, whatever the model
// is stored as: a GGUF file, a Hugging Face folder or a checkpoint of llama2.c.
//
// # What is handed out
//
// Tensors come as they are stored: nothing is transposed, permuted or scaled. That
// leaves one difference to the reader. The rows of attn_q and attn_k belong to pairs of
// elements that RoPE turns together, and llama.cpp's converter reorders them for some
// architectures: in a GGUF file of architecture "llama", and in a llama2.c checkpoint,
// pairs are neighbours; in a Hugging Face folder, and in GGUF files of most other
// architectures, they are half a head apart. GGUF, Dir and Checkpoint tell where a
// model comes from.
//
// A model whose output matrix is its embedding table has no output.weight: the matrix
// is token_embd.weight, asked for as both Table and Matrix.
//
// # Memory
//
// Files are mapped. A Matrix is packed for the kernels, on all threads, into memory
// outside the garbage collector's heap; pages of the file go back to the system as soon
// as they have been packed, so that loading takes little more than the packed matrices.
// A Table stays in the file, of which only the rows that are looked up are read.
// Vectors are few and small, and copied.
//
// # The cache of packed files
//
// Packing a model takes longer than mapping it, so what was packed is written to a file
// in Options.CacheDir, in the background once all tensors have been taken, and mapped
// when the model is opened again: see cache.go. Several processes then share its pages.
// The cache is never needed: a file in it that is missing, of another model or another
// version of this program, cut short or damaged is replaced.
//
// The package knows no architecture: package arch says which tensors a model has and
// what shape they have. Shapes are compared with what arch expects; nothing else of
// what a file says is trusted either, see packages gguf and safetensors.
package weights

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// Options say how a model is loaded.
type Options struct {
	// Compute packs, on its threads. It must not be closed before the Store.
	Compute *kernel.Compute
	// Quantize is for matrices that are stored as floats.
	Quantize Quantize
	// CacheDir is a folder for packed files, made when it is needed. Empty: no cache.
	CacheDir string
	// Log is told about trouble with the cache, which is never an error. Nil: nobody is.
	Log *slog.Logger
}

// Quantize says what becomes of matrices that are stored as F32, F16 or BF16. Quantised
// ones take less memory and are faster than the file's floats. Vectors and tables stay
// as they are, and so do matrices whose rows are no whole number of blocks.
type Quantize uint8

// The ways to load a matrix of floats.
const (
	AsStored Quantize = iota
	ToQ8_0            // 8.5 bits each, next to no loss
	ToQ4_0            // 4.5 bits each, a loss that shows
)

// target returns the type that a matrix of type t gets.
func (q Quantize) target(t kernel.Type, cols int) kernel.Type {
	if t != kernel.F32 && t != kernel.F16 && t != kernel.BF16 || cols%kernel.Q8_0.BlockLen() != 0 {
		return t
	}
	switch q {
	case ToQ8_0:
		return kernel.Q8_0
	case ToQ4_0:
		return kernel.Q4_0
	default:
		return t
	}
}

// Store is the tensors of one open model. Its methods may be called concurrently,
// Close excepted.
type Store struct {
	o      Options
	source source

	mu       sync.Mutex // held while a matrix is packed
	matrices map[string]*kernel.Matrix
	order    []string // of matrices, as they were asked for
	tables   []*Table
	packed   bool // one of them is not from the cache
	memory   arena
	cache    *cache // nil: there is none
}

// Open opens the model at path: a GGUF file or any of its shards, a checkpoint of
// llama2.c, a folder with a Hugging Face model (config.json, safetensors) or a folder
// with the files of one GGUF model.
func Open(path string, o Options) (*Store, error) {
	if o.Compute == nil {
		return nil, errors.New("weights: no Compute")
	}
	if o.Quantize > ToQ4_0 {
		return nil, fmt.Errorf("weights: Quantize is %d", o.Quantize)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	src, err := openSource(path)
	if err != nil {
		return nil, err
	}
	s := &Store{o: o, source: src, matrices: map[string]*kernel.Matrix{}}
	if o.CacheDir != "" {
		s.cache = openCache(path, src, &s.o)
	}
	return s, nil
}

// Has reports whether there is a tensor of that name.
func (s *Store) Has(name string) bool { return s.source.has(name) }

// GGUF returns the file when the model is one, else nil.
func (s *Store) GGUF() *gguf.File {
	if f, ok := s.source.(*ggufSource); ok {
		return f.file
	}
	return nil
}

// Dir returns the folder of a Hugging Face model, which has its configuration and
// tokenizer, and "" for other models.
func (s *Store) Dir() string {
	if f, ok := s.source.(*folderSource); ok {
		return f.dir
	}
	return ""
}

// Checkpoint returns the header of a llama2.c checkpoint, nil for other models.
func (s *Store) Checkpoint() *Llama2C {
	if f, ok := s.source.(*llama2cSource); ok {
		return &f.header
	}
	return nil
}

// Size returns how many bytes the matrices taken so far have.
func (s *Store) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int64(0)
	for _, m := range s.matrices {
		n += int64(len(m.Packed()))
	}
	return n
}

// Loaded says that all tensors have been taken that will be. It gives what has been
// read of the model's files back to the system, and has the cache written if that needs
// to be. It returns at once; Flush waits.
func (s *Store) Loaded() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.source.maps() {
		m.Forget(m.Data())
	}
	for _, t := range s.tables {
		t.stored.file.Scattered(t.stored.raw)
	}
	if s.cache != nil && s.packed {
		s.cache.write(s.order, s.matrices)
	}
	return nil
}

// Flush waits until nothing is being written to the cache any more.
func (s *Store) Flush() {
	if s.cache != nil {
		s.cache.wait()
	}
}

// Close gives everything back that came from the Store: matrices and tables may not be
// used afterwards. What is being written to the cache is given up; see Flush. Closing
// twice is fine.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if s.cache != nil {
		errs = append(errs, s.cache.close())
	}
	s.matrices, s.order = nil, nil
	return errors.Join(append(errs, s.memory.close(), s.source.close())...)
}
