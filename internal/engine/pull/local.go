package pull

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
)

// local is an archive on this machine.
type local struct{ path string }

// String names the source.
func (l *local) String() string { return l.path }

func (l *local) fetch(_ context.Context, _ *Puller, work string) (*Model, error) {
	m, err := unpack(l.path, work)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(l.path), err)
	}
	return m, nil
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
