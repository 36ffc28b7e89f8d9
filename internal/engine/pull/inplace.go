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

// GGUF files of this machine are used where they are: they hold everything a model
// needs, and are large.

// parseGGUF returns the reference of a file, or of a folder of files, at abs.
func parseGGUF(abs string) *reference {
	return &reference{name: abs, here: func(*Puller) (*Model, error) { return openGGUF(abs) }}
}

// holdsGGUF reports whether a folder has GGUF files and no other weights.
func holdsGGUF(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	found := false
	for _, e := range entries {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".safetensors":
			return false
		case ".gguf":
			found = found || !e.IsDir()
		}
	}
	return found
}

// openGGUF returns the model of a file, with all its shards, or of a folder.
func openGGUF(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Name: path, Path: path, Source: path}
	var files []string
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(escapeGlob(path), "*.gguf")); err != nil {
			return nil, err
		}
	} else {
		m.Path = filepath.Dir(path)
		files = gguf.Shards(path)
	}
	for _, f := range files {
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
		m.Files = append(m.Files, File{Name: filepath.Base(f), Size: info.Size()})
	}
	return m, nil
}

// escapeGlob makes a path stand for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
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
