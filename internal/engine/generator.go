package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/chat"
	"github.com/outcrop-ai/outcrop/internal/engine/grammar"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/sched"
	"github.com/outcrop-ai/outcrop/internal/engine/token"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
)

// Generator writes text: a decoder with its tokenizer, its way of speaking and a
// scheduler that runs all requests together. It is safe for concurrent use.
type Generator struct {
	store    *weights.Store
	decoder  *arch.Decoder
	codec    *token.Codec
	format   *chat.Format
	grammars *grammar.Compiler
	sched    *sched.Scheduler
	defaults defaults
	ends     []int32  // tokens that end an answer
	marks    []string // texts that do, and are no tokens
	size     int64
	log      *slog.Logger
}

// OpenGenerator loads the model of a file or folder: GGUF, a Hugging Face folder with
// safetensors, or a checkpoint of llama2.c.
func OpenGenerator(path string, c Config) (_ *Generator, err error) {
	c = c.withDefaults()
	g := &Generator{log: c.Logger}
	g.store, err = weights.Open(path, weights.Options{Compute: c.Compute, Quantize: c.Quantize, CacheDir: c.PackedDir, Log: c.Logger})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.store.Close())
		}
	}()
	about, err := readAbout(path, g.store)
	if err != nil {
		return nil, err
	}
	config, err := arch.DecoderConfigOf(g.store)
	if err != nil {
		return nil, err
	}
	if err := g.speak(about); err != nil {
		return nil, err
	}
	if g.decoder, err = arch.LoadDecoder(config, g.store, c.Compute, arch.DecoderOptions{Cache: c.Cache, Context: c.Context}); err != nil {
		return nil, err
	}
	if g.codec.Size() > g.decoder.Vocab() {
		return nil, fmt.Errorf("the tokenizer has %d tokens, the model %d", g.codec.Size(), g.decoder.Vocab())
	}
	if err := g.store.Loaded(); err != nil {
		return nil, err
	}
	cache := cacheBytes(c, g.decoder)
	g.sched, err = sched.New(sched.Config{
		Model: g.decoder, Compute: c.Compute, CacheBytes: cache,
		MaxSequences: c.Sequences, MaxQueue: c.Queue, Reserved: c.Reserved,
	})
	if err != nil {
		return nil, err
	}
	g.size = g.store.Size() + cache
	return g, nil
}

// cacheBytes is the budget of a model's cache: what all sequences can fill, and not
// more than the configuration allows.
func cacheBytes(c Config, d *arch.Decoder) int64 {
	pages := int64(d.Context()+kernel.PageTokens-1) / kernel.PageTokens
	return min(c.CacheBytes, pages*int64(c.Sequences)*int64(d.PageBytes()))
}

// speak prepares what stands between texts and tokens.
func (g *Generator) speak(a *about) (err error) {
	g.codec, g.defaults = a.codec, a.defaults
	text := func(id int32) string {
		if id < 0 {
			return ""
		}
		return string(g.codec.Piece(id))
	}
	bos, add := g.codec.BOS()
	options := chat.Options{
		Arch: a.arch, BOS: text(bos), AddBOS: add,
		Specials: func(s string) bool {
			id, ok := g.codec.Lookup(s)
			return ok && g.codec.Control(id)
		},
	}
	g.ends = slices.Clone(g.codec.Ends())
	if len(g.ends) > 0 {
		options.EOS = text(g.ends[0])
	}
	if g.format, err = chat.New(a.template, options); err != nil {
		return fmt.Errorf("chat template: %w", err)
	}
	for _, s := range g.format.Ends() {
		if id, ok := g.codec.Lookup(s); ok {
			if !slices.Contains(g.ends, id) {
				g.ends = append(g.ends, id)
			}
		} else {
			g.marks = append(g.marks, s)
		}
	}
	g.grammars = grammar.NewCompiler(vocabulary{g.codec, g.ends})
	return nil
}

// vocabulary is a codec as grammars see it, with all tokens that end an answer.
type vocabulary struct {
	*token.Codec
	ends []int32
}

// Ends implements grammar.Vocab.
func (v vocabulary) Ends() []int32 { return v.ends }

// Size implements Model.
func (g *Generator) Size() int64 { return g.size }

// Stats are the figures of its scheduler.
func (g *Generator) Stats() sched.Stats { return g.sched.Stats() }

// Context is the most tokens of a conversation, its answer included.
func (g *Generator) Context() int { return g.decoder.Context() }

// Family names the way in which the model calls tools; see chat.Format.
func (g *Generator) Family() string { return g.format.Family() }

// Close ends all requests and frees the model.
func (g *Generator) Close() error {
	g.sched.Close()
	return g.store.Close()
}

// about is what a model's files say of it beside its weights.
type about struct {
	arch     string
	codec    *token.Codec
	template string
	defaults defaults
}

func readAbout(path string, s *weights.Store) (*about, error) {
	switch {
	case s.GGUF() != nil:
		return aboutGGUF(s.GGUF())
	case s.Checkpoint() != nil:
		codec, err := token.ReadLlama2C(filepath.Join(filepath.Dir(path), "tokenizer.bin"), s.Checkpoint().Vocab)
		return &about{arch: "llama", codec: codec}, err
	default:
		return aboutFolder(s.Dir())
	}
}

// CountTokens returns how many input tokens a conversation has.
func (g *Generator) CountTokens(ctx context.Context, req *ChatRequest) (int, error) {
	p, err := g.prompt(ctx, req)
	if err != nil {
		return 0, err
	}
	return len(p.ids), nil
}
