package pull

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Ollama keeps a manifest per model, below manifests/HOST/NAMESPACE/MODEL/TAG, which
// names blobs by their hash. The one that is a GGUF file is used where it is; nothing
// in these folders is ever written to.
const (
	ollamaHost      = "registry.ollama.ai"
	ollamaNamespace = "library"
	ollamaTag       = "latest"
	ollamaLayer     = "application/vnd.ollama.image."
)

// maxOllama bounds how many models of Ollama are looked at.
const maxOllama = 10_000

// ollamaDirs returns the folders where Ollama keeps models: the one that it is told to
// use, else those of a user and of the service that its installer sets up.
func ollamaDirs(getenv func(string) string) []string {
	if dir := getenv("OLLAMA_MODELS"); dir != "" {
		return []string{dir}
	}
	var dirs []string
	if home := getenv("HOME"); home != "" {
		dirs = append(dirs, filepath.Join(home, ".ollama", "models"))
	}
	return append(dirs, "/usr/share/ollama/.ollama/models")
}

// ollamaName is a model's name as Ollama has it.
type ollamaName struct{ host, namespace, model, tag string }

var ollamaPart = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// parseOllama reads [[HOST/]NAMESPACE/]MODEL[:TAG].
func parseOllama(s string) (*reference, error) {
	n := ollamaName{host: ollamaHost, namespace: ollamaNamespace, tag: ollamaTag}
	rest, tag, tagged := strings.Cut(s, ":")
	if tagged {
		n.tag = tag
	}
	parts := strings.Split(rest, "/")
	n.model = parts[len(parts)-1]
	if len(parts) > 1 {
		n.namespace = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		n.host = parts[0]
	}
	for _, p := range []string{n.host, n.namespace, n.model, n.tag} {
		if !ollamaPart.MatchString(p) || len(parts) > 3 {
			return nil, fmt.Errorf("%q is no model of Ollama: ollama:NAME or ollama:NAME:TAG", s)
		}
	}
	return &reference{name: n.String(), here: func(p *Puller) (*Model, error) { return p.findOllama(n) }}, nil
}

// String returns the name as Pull takes it, without what goes without saying.
func (n ollamaName) String() string {
	s := n.model + ":" + n.tag
	switch {
	case n.host != ollamaHost:
		s = n.host + "/" + n.namespace + "/" + s
	case n.namespace != ollamaNamespace:
		s = n.namespace + "/" + s
	}
	return "ollama:" + s
}

// findOllama returns a model that Ollama has. When it hasn't, the error is
// fs.ErrNotExist.
func (p *Puller) findOllama(n ollamaName) (*Model, error) {
	var problems []error
	for _, dir := range p.cfg.Ollama {
		m, err := openOllama(dir, n)
		if err == nil {
			return m, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s: %w", n, errors.Join(problems...))
	}
	return nil, fmt.Errorf("%w: Ollama has no model %s here (looked in %s)", fs.ErrNotExist, strings.TrimPrefix(n.String(), "ollama:"), strings.Join(p.cfg.Ollama, ", "))
}

// ollamaManifest is what Ollama knows about a model.
type ollamaManifest struct {
	Layers []ollamaBlob `json:"layers"`
}

type ollamaBlob struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

var ollamaDigest = regexp.MustCompile(`^sha256[:-]([0-9a-f]{64})$`)

// name returns the name of the blob's file, empty when the digest is none.
func (b *ollamaBlob) name() string {
	m := ollamaDigest.FindStringSubmatch(b.Digest)
	if m == nil {
		return ""
	}
	return "sha256-" + m[1]
}

// openOllama returns the model n of one folder.
func openOllama(dir string, n ollamaName) (*Model, error) {
	path := filepath.Join(dir, "manifests", n.host, n.namespace, n.model, n.tag)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	text, err := readBounded(path, maxManifest)
	if err != nil {
		return nil, err
	}
	var manifest ollamaManifest
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("the manifest %s: %w", path, err)
	}
	m := &Model{Name: n.String(), Path: filepath.Join(dir, "blobs"), Source: "Ollama: " + dir, Pulled: info.ModTime().UTC()}
	for _, b := range manifest.Layers {
		switch strings.TrimPrefix(b.MediaType, ollamaLayer) {
		case "model":
			if len(m.Files) > 0 {
				return nil, errors.New("it has several files of weights")
			}
			if err := m.addBlob(&b); err != nil {
				return nil, err
			}
		case "adapter":
			return nil, errors.New("it is an adapter on top of another model, which can't be used")
		case "license":
			if m.License == "" {
				m.License = firstLine(filepath.Join(m.Path, b.name()))
			}
		}
	}
	if len(m.Files) == 0 {
		return nil, errors.New("it has no GGUF file: models of Ollama's own formats can't be used, nor those that it runs elsewhere")
	}
	return m, nil
}

// addBlob takes the blob that holds the weights.
func (m *Model) addBlob(b *ollamaBlob) error {
	name := b.name()
	if name == "" {
		return fmt.Errorf("its weights have the digest %.80q", b.Digest)
	}
	m.weights = filepath.Join(m.Path, name)
	info, err := os.Stat(m.weights)
	if err != nil {
		return err
	}
	if info.Size() != b.Size {
		return fmt.Errorf("its weights have %d bytes of %d", info.Size(), b.Size)
	}
	if err := isGGUF(m.weights); err != nil {
		return err
	}
	m.Files = append(m.Files, File{Name: name, Size: b.Size, SHA256: strings.TrimPrefix(name, "sha256-")})
	return nil
}

// isGGUF looks at the first bytes of a file.
func isGGUF(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil || string(magic[:]) != "GGUF" {
		return fmt.Errorf("%s is no GGUF file", filepath.Base(path))
	}
	return nil
}

// firstLine returns the first words of a licence, as far as they are any.
func firstLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			return strings.ToValidUTF8(line[:min(len(line), 60)], "")
		}
	}
	return ""
}

// listOllama returns the models that Ollama has and that can be used.
func (p *Puller) listOllama() []*Model {
	var list []*Model
	for _, dir := range p.cfg.Ollama {
		root := filepath.Join(dir, "manifests")
		seen := 0
		// What can't be read is not there: these are somebody else's folders.
		_ = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return fs.SkipDir
			}
			if seen++; seen > maxOllama {
				return fs.SkipAll
			}
			rel, err := filepath.Rel(root, file)
			if err != nil {
				return fs.SkipAll
			}
			parts := strings.Split(filepath.ToSlash(rel), "/")
			switch {
			case d.IsDir() && len(parts) > 3:
				return fs.SkipDir
			case d.IsDir() || len(parts) != 4:
				return nil
			}
			n := ollamaName{parts[0], parts[1], parts[2], parts[3]}
			if r, err := parseOllama(path.Join(parts[0], parts[1], parts[2]) + ":" + parts[3]); err != nil || r.name != n.String() {
				return nil //nolint:nilerr // not a name that Pull takes
			}
			known := func(m *Model) bool { return m.Name == n.String() } // in a folder that comes first
			if m, err := openOllama(dir, n); err == nil && !slices.ContainsFunc(list, known) {
				list = append(list, m)
			}
			return nil
		})
	}
	return list
}

// readBounded returns a file that has at most n bytes.
func readBounded(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, n+1))
	if err == nil && int64(len(text)) > n {
		err = fmt.Errorf("%s has more than %d bytes", path, n)
	}
	return text, err
}
