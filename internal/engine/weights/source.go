package weights

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// source is what a model is stored as. It is safe for concurrent use until it is
// closed.
type source interface {
	has(name string) bool
	// tensor returns the tensor of a GGUF name, and an error when there is none or
	// nothing can be done with its type.
	tensor(name string) (*stored, error)
	// maps returns the files, in an order that is always the same.
	maps() []*mapping.File
	close() error
}

// stored is a tensor as its file has it.
type stored struct {
	name  string // in the file
	typ   kernel.Type
	shape []int // row-major
	file  *mapping.File
	raw   []byte // read inside file.Guard only
}

// openSource finds out what path is.
func openSource(path string) (source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openFolder(path)
	}
	var magic [4]byte
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	_, err = io.ReadFull(f, magic[:])
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if string(magic[:]) == "GGUF" {
		return openGGUF(path)
	}
	if filepath.Ext(path) == ".safetensors" {
		return nil, fmt.Errorf("%s: safetensors need their folder, with config.json and the tokenizer: open that", filepath.Base(path))
	}
	src, err := openLlama2C(path)
	if errors.Is(err, errNoCheckpoint) {
		return nil, fmt.Errorf("%s is neither a GGUF file nor a llama2.c checkpoint", filepath.Base(path))
	}
	return src, err
}

// openFolder opens the model of a folder.
func openFolder(dir string) (source, error) {
	for _, name := range []string{"model.safetensors", "model.safetensors.index.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return openHuggingFace(dir)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var models []string // the first file of each
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".gguf" {
			continue
		}
		if first := filepath.Base(gguf.Shards(e.Name())[0]); !slices.Contains(models, first) {
			models = append(models, first)
		}
	}
	switch len(models) {
	case 0:
		return nil, fmt.Errorf("%s has neither model.safetensors nor a .gguf file", dir)
	case 1:
		return openGGUF(filepath.Join(dir, models[0]))
	}
	return nil, fmt.Errorf("%s has several models, name one: %s", dir, strings.Join(models[:min(len(models), 20)], ", "))
}

// ggufSource is a GGUF file. Its names are the ones that this package goes by.
type ggufSource struct{ file *gguf.File }

func openGGUF(path string) (source, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	return &ggufSource{f}, nil
}

func (g *ggufSource) has(name string) bool { return g.file.Tensor(name) != nil }

func (g *ggufSource) tensor(name string) (*stored, error) {
	t := g.file.Tensor(name)
	if t == nil {
		return nil, fmt.Errorf("the model has no tensor %s", name)
	}
	if !t.Type.Supported() {
		return nil, fmt.Errorf("tensor %s has the type %s, which is not supported", name, t.Type)
	}
	file, raw := t.Mapped()
	return &stored{name: name, typ: t.Type, shape: t.Shape, file: file, raw: raw}, nil
}

func (g *ggufSource) maps() []*mapping.File { return g.file.Maps() }

func (g *ggufSource) close() error { return g.file.Close() }
