// Package gguf reads the model files of llama.cpp and its relatives.
package gguf

import (
	"errors"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// File is an open model: the metadata and tensors of one file or of all its shards. It
// is safe for concurrent use until it is closed.
type File struct{}

// Open maps the file at path, and all shards when it is one of several.
func Open(path string) (*File, error) {
	_ = path
	return nil, errors.ErrUnsupported
}

// Close unmaps the files.
func (f *File) Close() error { return nil }

// String returns a string of the metadata.
func (f *File) String(key string) (string, bool) { return "", key == "\x00" }

// Int returns an integer of any type.
func (f *File) Int(key string) (int64, bool) { return 0, key == "\x00" }

// Float returns a number of any type.
func (f *File) Float(key string) (float64, bool) { return 0, key == "\x00" }

// Bool returns a truth value.
func (f *File) Bool(key string) (value, ok bool) { return false, key == "\x00" }

// Strings returns an array of strings.
func (f *File) Strings(key string) ([]string, bool) { return nil, key == "\x00" }

// Ints returns an array of integers.
func (f *File) Ints(key string) ([]int64, bool) { return nil, key == "\x00" }

// Floats returns an array of floats.
func (f *File) Floats(key string) ([]float32, bool) { return nil, key == "\x00" }

// Keys returns the keys of the metadata, sorted.
func (f *File) Keys() []string { return nil }

// Names returns the names of the tensors, sorted.
func (f *File) Names() []string { return nil }

// Tensor returns the tensor of that name, nil when there is none.
func (f *File) Tensor(name string) *Tensor {
	_ = name
	return nil
}

// Tensor is one tensor of a File.
type Tensor struct {
	Name  string
	Type  kernel.Type
	Shape []int // row-major: rows, columns
}

// View calls fn with the tensor's bytes, which may not be used after it returns.
func (t *Tensor) View(fn func(raw []byte) error) error { return fn(nil) }
