package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// manifestName is the file that makes a folder a model.
const manifestName = "outcrop-model.json"

// maxManifest bounds it.
const maxManifest = 4 << 20

// Model is a model on this machine.
type Model struct {
	Name    string    `json:"name"`              // what it was pulled as
	Path    string    `json:"-"`                 // the folder of its files
	Source  string    `json:"source"`            // where it came from
	License string    `json:"license,omitempty"` // as the source states it; empty: unknown
	Pulled  time.Time `json:"pulled"`            // or changed, when it is used where it is
	Files   []File    `json:"files"`

	weights string // the file of one that Ollama has
}

// File is one file of a model.
type File struct {
	Name   string `json:"name"` // with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"` // empty: of a file that is used where it is
}

// Size is the sum of the files'.
func (m *Model) Size() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Find returns a model that is on this machine. When it is not, or not whole, the error
// is fs.ErrNotExist.
func (p *Puller) Find(ref string) (*Model, error) {
	r, err := parse(ref)
	if err != nil {
		return nil, err
	}
	return p.find(r)
}

func (p *Puller) find(r *reference) (*Model, error) {
	if r.here != nil {
		return r.here(p)
	}
	return open(filepath.Join(p.cfg.Dir, filepath.FromSlash(r.folder)))
}

// List returns the models on this machine, by name: those in the folder of models, and
// those that Ollama has.
func (p *Puller) List() ([]*Model, error) {
	var list []*Model
	err := filepath.WalkDir(p.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != p.cfg.Dir:
			return fs.SkipDir
		case d.Name() != manifestName:
			return nil
		}
		if m, err := open(filepath.Dir(path)); err == nil {
			list = append(list, m)
		}
		return nil
	})
	list = append(list, p.listOllama()...)
	slices.SortFunc(list, func(a, b *Model) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// open reads a folder's manifest and looks whether the files are there.
func open(dir string) (*Model, error) {
	f, err := os.Open(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return nil, err
	}
	m := &Model{Path: dir}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", fs.ErrNotExist, manifestName, err)
	}
	for _, file := range m.Files {
		if !safeName(file.Name) {
			return nil, fmt.Errorf("%w: the name %q leaves the model's folder", fs.ErrNotExist, file.Name)
		}
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file.Name)))
		if err != nil {
			return nil, err
		}
		if info.Size() != file.Size {
			return nil, fmt.Errorf("%w: %s has %d bytes of %d", fs.ErrNotExist, file.Name, info.Size(), file.Size)
		}
	}
	return m, nil
}

// install makes the files in work the model r: the manifest first, then one rename. A
// broken folder of that name goes away.
func (p *Puller) install(work string, r *reference, m *Model) (*Model, error) {
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	m.Pulled = time.Now().UTC().Truncate(time.Second)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := prune(work, m.Files); err != nil {
		return nil, err
	}
	if err := writeSynced(filepath.Join(work, manifestName), append(text, '\n')); err != nil {
		return nil, err
	}
	m.Path = filepath.Join(p.cfg.Dir, filepath.FromSlash(r.folder))
	if err := os.MkdirAll(filepath.Dir(m.Path), 0o755); err != nil { //nolint:gosec // weights are no secret
		return nil, err
	}
	if err := os.RemoveAll(m.Path); err != nil {
		return nil, err
	}
	return m, os.Rename(work, m.Path)
}

// prune removes what is in work beside the files: archives and notes of downloads.
func prune(work string, files []File) error {
	keep := map[string]bool{}
	for _, f := range files {
		keep[filepath.Join(work, filepath.FromSlash(f.Name))] = true
	}
	return filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || keep[path] {
			return err
		}
		return os.Remove(path) //nolint:gosec // below our own folder, under our own lock
	})
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // no secret
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// lock waits until this process is the only one that fetches r.
func (p *Puller) lock(ctx context.Context, r *reference) (unlock func(), err error) {
	dir := filepath.Join(p.cfg.Dir, ".lock")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // no secret
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, r.id()), os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // no secret
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing gives the lock back
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock: %w", err), f.Close())
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		}
	}
}

// describe returns a file of a model as its manifest lists it.
func describe(work, name string) (File, error) {
	f, err := os.Open(filepath.Join(work, filepath.FromSlash(name)))
	if err != nil {
		return File{}, err
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	n, err := io.Copy(h, f)
	return File{Name: name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}
