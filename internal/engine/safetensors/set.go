package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// Names of the files in a model's folder.
const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"
)

// Limits of an index.
const (
	maxIndex  = 64 << 20
	maxShards = 1 << 10
)

// Set is the tensors of one model, from one file or several. It is safe for
// concurrent use until it is closed.
type Set struct {
	tensors map[string]*Tensor
	maps    []*mapping.File
}

// Open maps one file.
func Open(path string) (*Set, error) {
	s := &Set{tensors: map[string]*Tensor{}}
	if err := s.add(path, nil); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// OpenDir maps the model of a folder: model.safetensors, or the shards that
// model.safetensors.index.json names. A folder with neither gives an error that is
// fs.ErrNotExist.
func OpenDir(dir string) (*Set, error) {
	index, err := os.Open(filepath.Join(dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return Open(filepath.Join(dir, singleName))
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = index.Close() }() // only read
	shards, err := readIndex(index)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", indexName, err)
	}
	s := &Set{tensors: map[string]*Tensor{}}
	for _, name := range slices.Sorted(maps.Keys(shards)) {
		if err := s.add(filepath.Join(dir, name), shards[name]); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// readIndex returns the names of the tensors in each shard.
func readIndex(r io.Reader) (map[string][]string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxIndex+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxIndex {
		return nil, fmt.Errorf("larger than %d MiB", maxIndex>>20)
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, err
	}
	shards := map[string][]string{}
	for tensor, file := range index.WeightMap {
		if !filepath.IsLocal(file) || filepath.Base(file) != file || filepath.Ext(file) != ".safetensors" {
			return nil, fmt.Errorf("%.100q is no file name of a shard", file)
		}
		shards[file] = append(shards[file], tensor)
	}
	if len(shards) == 0 || len(shards) > maxShards {
		return nil, fmt.Errorf("%d shards", len(shards))
	}
	return shards, nil
}

// add maps a file and takes the tensors named, all when names is nil.
func (s *Set) add(path string, names []string) error {
	m, err := mapping.Open(path)
	if err != nil {
		return err
	}
	s.maps = append(s.maps, m)
	var tensors map[string]*Tensor
	err = m.Guard(func() (err error) {
		tensors, err = parse(m.Data())
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name(), err)
	}
	for _, t := range tensors {
		t.file = m
	}
	if names == nil {
		s.tensors = tensors
		return nil
	}
	for _, n := range names {
		t := tensors[n]
		if t == nil {
			return fmt.Errorf("%s: the index says that it holds %q", m.Name(), n)
		}
		s.tensors[n] = t
	}
	return nil
}

// Tensor returns the tensor of that name, nil when there is none.
func (s *Set) Tensor(name string) *Tensor { return s.tensors[name] }

// Names returns the names of all tensors, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.tensors)) }

// Maps returns the mapped files, sorted by name.
func (s *Set) Maps() []*mapping.File { return s.maps }

// Forget tells the system that the pages read so far are not needed in this
// process's memory; they come back from the file when they are.
func (s *Set) Forget() {
	for _, m := range s.maps {
		m.Forget(m.Data())
	}
}

// Close unmaps the files. No tensor may be used afterwards. Closing twice is fine.
func (s *Set) Close() error {
	var errs []error
	for _, m := range s.maps {
		errs = append(errs, m.Close())
	}
	s.maps, s.tensors = nil, nil
	return errors.Join(errs...)
}
