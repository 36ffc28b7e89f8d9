package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// local is a folder or file of this machine.
type local struct {
	path string
	dir  bool
}

// String names the source.
func (l *local) String() string { return l.path }

func (l *local) fetch(ctx context.Context, _ *Puller, work string) (*Model, error) {
	base := filepath.Base(l.path)
	if !l.dir && kindOf(base) == "archive" {
		return unpack(l.path, work)
	}
	m := &Model{}
	take := func(name, from string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := copyFile(from, filepath.Join(work, filepath.FromSlash(name))); err != nil {
			return err
		}
		file, err := describe(work, name)
		m.Files = append(m.Files, file)
		return err
	}
	if !l.dir {
		return m, take(base, l.path)
	}
	weights := false
	err := filepath.WalkDir(l.path, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(l.path, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() || !safeName(name) || !wanted(name) && kindOf(name) != "weights" {
			return nil
		}
		weights = weights || kindOf(name) == "weights"
		return take(name, path)
	})
	if err == nil && !weights {
		err = errors.New("the folder has no .safetensors or .gguf file")
	}
	return m, err
}

func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // only read
	info, err := src.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return fmt.Errorf("%s is no file that can be taken", filepath.Base(from))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // weights are no secret
		return err
	}
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // weights are no secret
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

// web is a file at an address: weights, or an archive that holds a model.
type web struct {
	url    *url.URL
	name   string
	sha256 string
}

// String names the source, without a password.
func (w *web) String() string { return w.url.Redacted() }

func (w *web) fetch(ctx context.Context, p *Puller, work string) (*Model, error) {
	dst := filepath.Join(work, w.name)
	if err := p.download(ctx, remote{url: w.url.String(), size: -1, sha256: w.sha256}, w.name, dst); err != nil {
		return nil, err
	}
	if kindOf(w.name) == "archive" {
		return unpack(dst, work)
	}
	file, err := describe(work, w.name)
	return &Model{Files: []File{file}}, err
}
