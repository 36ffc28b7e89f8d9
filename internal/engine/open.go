package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
)

// Config says how models run. All fields but Compute have a good zero value.
type Config struct {
	// Compute does the arithmetic of any number of models, and outlives them.
	Compute *kernel.Compute
	// Quantize makes matrices of floats smaller as they are loaded.
	Quantize weights.Quantize
	// PackedDir keeps weights in the form that the kernels want, for the next start.
	// Empty: nowhere.
	PackedDir string
	// Cache is the type of the cached keys and values.
	Cache arch.CacheType
	// CacheBytes bounds a model's cached keys and values; zero: 1 GiB. A model never
	// takes more than all its sequences can fill.
	CacheBytes int64
	// Context is the most tokens of a conversation, answer included; zero: 8,192, and
	// never more than the model's own.
	Context int
	// Sequences is how many requests a model works on at the same time; zero: 8.
	Sequences int
	// Queue is how many more may wait; zero: 64.
	Queue int
	// Reserved of the Sequences are kept for requests that have bought them.
	Reserved int
	// Logger is told of what goes wrong with PackedDir; nil: nobody.
	Logger *slog.Logger
}

const (
	defaultCacheBytes = 1 << 30
	defaultContext    = 8192
	defaultSequences  = 8
	defaultQueue      = 64
)

func (c Config) withDefaults() Config {
	if c.CacheBytes <= 0 {
		c.CacheBytes = defaultCacheBytes
	}
	if c.Context <= 0 {
		c.Context = defaultContext
	}
	if c.Sequences <= 0 {
		c.Sequences = defaultSequences
	}
	if c.Queue <= 0 {
		c.Queue = defaultQueue
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Model is a model in memory: an *Encoder or a *Generator.
type Model interface {
	// Size is the bytes of memory that it takes, or may come to take.
	Size() int64
	// Close frees them. It comes when all calls have returned.
	Close() error
}

// Open loads the model of a folder or file.
func Open(path string, c Config) (Model, error) {
	kind, err := KindOf(path)
	switch {
	case err != nil:
		return nil, err
	case kind == KindEncoder:
		return OpenEncoder(path, c.Compute)
	default:
		return OpenGenerator(path, c)
	}
}

// Kind says what a model is for.
type Kind string

// The kinds.
const (
	KindEncoder   Kind = "encoder"   // makes vectors, or scores pairs of texts
	KindGenerator Kind = "generator" // writes text
)

// KindOf says what the model of a folder or file is for. It looks at no weights.
func KindOf(path string) (Kind, error) {
	if info, err := os.Stat(path); err != nil {
		return "", err
	} else if !info.IsDir() {
		return KindGenerator, nil
	}
	inner := path
	if p, err := readPipeline(path); err == nil {
		inner = filepath.Join(path, p.transformer)
	}
	text, err := readSmall(inner, "config.json")
	if errors.Is(err, fs.ErrNotExist) {
		return KindGenerator, nil // GGUF, which package weights finds
	}
	if err != nil {
		return "", err
	}
	var config struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return "", fmt.Errorf("config.json: %w", err)
	}
	if config.ModelType == "bert" {
		return KindEncoder, nil
	}
	return KindGenerator, nil
}

// weightFiles are the endings of files that weights are read from.
var weightFiles = []string{".gguf", ".safetensors", ".bin"}

// Estimate says about how many bytes a model will take once it is loaded: its weights
// and, for a generator, what its cache may grow to.
func Estimate(path string, c Config) (int64, error) {
	c = c.withDefaults()
	kind, err := KindOf(path)
	if err != nil {
		return 0, err
	}
	size, err := weightBytes(path)
	if kind == KindGenerator {
		size += c.CacheBytes
	}
	return size, err
}

// weightBytes returns the size of a model's weights in their files.
func weightBytes(path string) (size int64, err error) {
	for _, f := range gguf.Shards(path) {
		n, err := treeBytes(f)
		if err != nil {
			return 0, err
		}
		size += n
	}
	return size, nil
}

// treeBytes is weightBytes of one file, or of all weights in a folder.
func treeBytes(path string) (size int64, err error) {
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if name != path && !hasAnySuffix(name, weightFiles) {
			return nil
		}
		info, err := os.Stat(name) // of what a link points to
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

func hasAnySuffix(s string, suffixes []string) bool {
	for _, suffix := range suffixes {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}
