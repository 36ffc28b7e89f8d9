package main

import (
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The pinned release of botocore.
const (
	releaseVersion = "1.44.5"
	releaseSHA256  = "8f16a56d1dff125dd65322ae021efa7ba5195a6db5102b96862566055b748921"
)

// maxModelBytes bounds one unpacked file of the release.
const maxModelBytes = 64 << 20

// folders are the names of services whose folder in botocore is named otherwise.
var folders = map[string]string{"monitoring": "cloudwatch"}

// release is an opened wheel of botocore.
type release struct {
	zip *zip.ReadCloser
}

// openRelease opens the pinned release in cache, downloading it when it is absent.
func openRelease(ctx context.Context, cache string) (*release, error) {
	name := filepath.Join(cache, "botocore-"+releaseVersion+"-py3-none-any.whl")
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		if err := download(ctx, cache); err != nil {
			return nil, err
		}
	}
	if err := checkSum(name, releaseSHA256); err != nil {
		return nil, err
	}
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	return &release{zip: z}, nil
}

func download(ctx context.Context, cache string) error {
	//nolint:gosec // the arguments are constants and a folder that the caller chose
	cmd := exec.CommandContext(ctx, "python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
		"--dest", cache, "botocore=="+releaseVersion)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("download botocore %s with pip: %w", releaseVersion, err)
	}
	return nil
}

func checkSum(name, want string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s has SHA-256 %s, want %s: delete it and run again", name, got, want)
	}
	return nil
}

// Close closes the wheel.
func (r *release) Close() error { return r.zip.Close() }

// model reads a service's model, of its newest API version.
func (r *release) model(service string) (*model, error) {
	folder := service
	if f, ok := folders[service]; ok {
		folder = f
	}
	m := &model{Name: service}
	if err := r.read(folder, "service-2.json", m); err != nil {
		return nil, err
	}
	if err := r.read(folder, "paginators-1.json", &m.Paginators); err != nil {
		return nil, err
	}
	return m, nil
}

// read decodes data/<folder>/<version>/<name>, gzipped or not, into v.
func (r *release) read(folder, name string, v any) error {
	var matches []string
	for _, f := range r.zip.File {
		dir, base := path.Split(strings.TrimSuffix(f.Name, ".gz"))
		if base == name && path.Dir(path.Clean(dir)) == "botocore/data/"+folder {
			matches = append(matches, f.Name)
		}
	}
	if len(matches) == 0 {
		return fmt.Errorf("no %s of %s in the release", name, folder)
	}
	newest := slices.Max(matches) // versions are dates
	f, err := r.zip.Open(newest)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	var in io.Reader = f
	if strings.HasSuffix(newest, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return err
		}
	}
	if err := json.NewDecoder(io.LimitReader(in, maxModelBytes)).Decode(v); err != nil {
		return fmt.Errorf("%s: %w", newest, err)
	}
	return nil
}
