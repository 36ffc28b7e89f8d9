// Package gguf reads and writes model files in the format of llama.cpp: metadata, which
// holds everything from the architecture to the tokenizer, and tensors.
//
// A file is mapped, not read: opening one costs its header. Arrays of the metadata,
// some of which have a value per token, are decoded when they are asked for, and
// tensors are views of the file. Version 2 and 3 are read, in little-endian order; a
// model that is split into several files is opened by the name of any of them.
//
//	"GGUF" version tensors keys
//	key: name, type, value          … for each key
//	tensor: name, shape, type, offset   … for each tensor
//	padding to general.alignment
//	data: every tensor at its offset
//
// Nothing in a file is trusted. Counts and lengths are held against the bytes that are
// there before memory is taken for them; names are unique; tensors lie inside the data,
// aligned, and don't overlap. A file that shrinks while it is mapped makes reads fail
// with ErrShrunk. A tensor of a type that package kernel doesn't compute with is no
// reason to refuse a file, only to refuse that tensor, by Tensor.View.
//
// The package knows no architecture; package weights and the readers of metadata do.
package gguf

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// ErrShrunk says that a file lost bytes while it was in use.
var ErrShrunk = mapping.ErrShrunk

// File is an open model: the metadata and tensors of one file, or of all its shards. It
// is safe for concurrent use until it is closed.
type File struct {
	values  map[string]value // of the first shard
	meta    *mapping.File    // which it is
	tensors map[string]*Tensor
	maps    []*mapping.File
}

// Open maps the file at path; when it is one of the shards of a model
// (NAME-00001-of-00003.gguf), all of them.
func Open(path string) (*File, error) {
	f, err := open([]string{path})
	if err != nil {
		return nil, err
	}
	n, _ := f.Int(keySplitCount)
	if n <= 1 {
		return f, nil
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	paths := Shards(path)
	if int64(len(paths)) != n {
		return nil, fmt.Errorf("%s is one of %d files, but its name is not like NAME-00001-of-%05d.gguf", filepath.Base(path), n, n)
	}
	return open(paths)
}

// open maps the shards of a model, all of them in their order.
func open(paths []string) (*File, error) {
	f := &File{tensors: map[string]*Tensor{}}
	for i, p := range paths {
		if err := f.add(p, i, len(paths)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if want, ok := f.Int(keySplitTensors); ok && len(paths) > 1 && want != int64(len(f.tensors)) {
		return nil, errors.Join(fmt.Errorf("the shards of %s have %d tensors, not %d", filepath.Base(paths[0]), len(f.tensors), want), f.Close())
	}
	return f, nil
}

// add maps shard i of n and takes what it holds.
func (f *File) add(path string, i, n int) error {
	m, err := mapping.Open(path)
	if err != nil {
		return err
	}
	f.maps = append(f.maps, m)
	var h *header
	err = m.Guard(func() (err error) {
		h, err = parse(m.Data())
		return err
	})
	if err == nil && n > 1 {
		err = h.belongs(i, n)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name(), err)
	}
	if i == 0 {
		f.values, f.meta = h.values, m
	}
	for name, t := range h.tensors {
		if f.tensors[name] != nil {
			return fmt.Errorf("%s: tensor %q is in another shard too", m.Name(), name)
		}
		t.file = m
		f.tensors[name] = t
	}
	return nil
}

// Close unmaps the files. Nothing that came from f may be used afterwards, except what
// was copied: values of the metadata are. Closing twice is fine.
func (f *File) Close() error {
	var errs []error
	for _, m := range f.maps {
		errs = append(errs, m.Close())
	}
	*f = File{}
	return errors.Join(errs...)
}

// Keys returns the keys of the metadata, sorted.
func (f *File) Keys() []string { return slices.Sorted(maps.Keys(f.values)) }

// Names returns the names of the tensors, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.tensors)) }

// Tensor returns the tensor of that name, nil when there is none.
func (f *File) Tensor(name string) *Tensor { return f.tensors[name] }

// Maps returns the mapped files, the first shard first.
func (f *File) Maps() []*mapping.File { return f.maps }

// Tensor is one tensor of a File.
type Tensor struct {
	Name  string
	Type  kernel.Type
	Shape []int // row-major: rows, columns

	file *mapping.File // nil: data is in memory
	data []byte        // nil: of a type whose size is not known
}

// View calls fn with the tensor's bytes as the file has them: rows one after the other.
// fn may not keep them, and reads them on its own goroutine only. When some are gone
// the error is ErrShrunk.
func (t *Tensor) View(fn func(raw []byte) error) error {
	if !t.Type.Supported() {
		return fmt.Errorf("tensor %q has the type %s, which is not supported", t.Name, t.Type)
	}
	if t.file == nil {
		return fn(t.data)
	}
	err := t.file.Guard(func() error { return fn(t.data) })
	if errors.Is(err, ErrShrunk) {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return err
}

// Mapped returns the tensor's bytes, nil for a type that isn't supported, and the
// mapping that they belong to, whose Guard covers every read of them: for callers who
// read on several goroutines.
func (t *Tensor) Mapped() (*mapping.File, []byte) { return t.file, t.data }
