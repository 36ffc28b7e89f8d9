package pull

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
)

// Models of this machine are used where they are, for they are large: a folder, or a
// file that holds everything a model needs. Only archives are unpacked.

// parseHere returns the reference of a file, or of a folder of files, at abs.
func parseHere(abs string) *reference {
	return &reference{name: abs, here: func(*Puller) (*Model, error) { return openHere(abs) }}
}

// openHere returns the model of a file, with all its shards, or of a folder.
func openHere(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Name: path, Path: path, Source: path}
	names := gguf.Shards(path)
	if info.IsDir() {
		if names, err = folderFiles(path); err != nil {
			return nil, err
		}
	} else {
		m.Path = filepath.Dir(path)
	}
	for _, f := range names {
		info, err := os.Stat(f)
		if err != nil {
			return nil, fmt.Errorf("a file of the model: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%w: %s is no file", fs.ErrNotExist, f)
		}
		if t := info.ModTime().UTC(); t.After(m.Pulled) {
			m.Pulled = t
		}
		name, err := filepath.Rel(m.Path, f)
		if err != nil {
			return nil, err
		}
		m.Files = append(m.Files, File{Name: filepath.ToSlash(name), Size: info.Size()})
	}
	if !info.IsDir() && kindOf(path) == "weights" {
		m.weights = gguf.Shards(path)[0]
	}
	return m, nil
}

// folderFiles returns the files of a folder that belong to a model. There are weights
// among them.
func folderFiles(dir string) (files []string, err error) {
	weights := false
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch name = filepath.ToSlash(name); {
		case d.IsDir() && strings.Count(name, "/") > 0:
			return fs.SkipDir // no model has folders in folders
		case d.IsDir() || !safeName(name) || !wanted(name) && kindOf(name) != "weights":
			return nil
		}
		weights = weights || kindOf(name) == "weights"
		files = append(files, path)
		return nil
	})
	if err == nil && !weights {
		err = fmt.Errorf("the folder %s has no .safetensors or .gguf file", dir)
	}
	return files, err
}

// Weights returns what package weights opens: the GGUF file of a model that has one,
// the first when it is in several, else the model's folder.
func (m *Model) Weights() string {
	if m.weights != "" {
		return m.weights
	}
	var models []string
	for _, f := range m.Files {
		if filepath.Ext(f.Name) != ".gguf" {
			continue
		}
		first := gguf.Shards(filepath.Join(m.Path, filepath.FromSlash(f.Name)))[0]
		if !slices.Contains(models, first) {
			models = append(models, first)
		}
	}
	if len(models) == 1 {
		return models[0]
	}
	return m.Path
}
