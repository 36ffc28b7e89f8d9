package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/backend/anthropic"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded"
	"github.com/outcrop-ai/outcrop/internal/backend/openai"
	"github.com/outcrop-ai/outcrop/internal/backend/scripted"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/pull"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
	"github.com/outcrop-ai/outcrop/internal/gateway"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// Upstream is a backend that `outcrop doctor` can ask what it has.
type Upstream interface {
	Models(ctx context.Context) ([]string, error)
}

// Backends is one generation of upstreams, made from one configuration.
type Backends struct {
	byName map[string]gateway.Backend
	// Upstreams are the ones that can be reached and asked for their models.
	Upstreams map[string]Upstream
	closers   []func()
}

// newModels returns the models with weights, which do nothing until they are asked.
func newModels(c config.Config, log *slog.Logger) *embedded.Models {
	e := c.Engine
	cfg := embedded.Config{
		Dir: c.ModelsDir, HuggingFace: c.HuggingFace, Index: c.PackageIndex, Never: c.Pull == "never",
		Threads: e.Threads, Memory: int64(e.Memory), Idle: e.Idle, Logger: log,
		Engine: engine.Config{
			Context: e.Context, CacheBytes: int64(e.Cache), Sequences: e.Sequences, Queue: e.Queue,
			Cache:    map[string]arch.CacheType{"f16": arch.CacheF16, "q8_0": arch.CacheQ8_0}[e.CacheType],
			Quantize: map[string]weights.Quantize{"": weights.AsStored, "q8_0": weights.ToQ8_0, "q4_0": weights.ToQ4_0}[e.Quantize],
		},
	}
	if cfg.Memory == 0 {
		cfg.Memory = machineMemory() / 5 * 4
	}
	if e.KeepPacked {
		dir := c.ModelsDir
		if dir == "" {
			dir = pull.DefaultDir()
		}
		cfg.Engine.PackedDir = filepath.Join(dir, ".packed")
	}
	return embedded.NewModels(cfg)
}

// NewBackends makes the configured backends. It contacts none of them. The models stay
// the caller's; nil: there is only the reader.
func NewBackends(c config.Config, models *embedded.Models) (*Backends, error) {
	b := &Backends{byName: map[string]gateway.Backend{}, Upstreams: map[string]Upstream{}}
	chat := &embedded.Chat{Reader: &embedded.Reader{}, Models: models}
	own := gateway.Backend{Chat: chat, Count: chat, AnyLength: true}
	if models != nil {
		own.Embed = models
	}
	b.byName[config.Embedded] = own
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.Backends)) {
		if c.Backends[name].Disabled {
			continue
		}
		if err := b.add(name, c.Backends[name]); err != nil {
			problems = append(problems, fmt.Errorf("backends.%s: %w", name, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Backends) add(name string, c config.Backend) error {
	g := gateway.Backend{Regions: c.Regions, Timeout: c.Timeout, FirstToken: c.TTFT}
	switch c.Type {
	case "openai":
		up, err := openai.New(openai.Config{
			Name: name, BaseURL: c.BaseURL, APIKey: c.APIKey, Headers: c.Headers,
			Timeout: c.Timeout, FirstTokenTimeout: c.TTFT,
		})
		if err != nil {
			return err
		}
		g.Chat, g.Count, g.Embed, g.Dialect = up, up, up, "openai"
		b.Upstreams[name] = up
		b.closers = append(b.closers, up.Close)
	case "anthropic":
		up, err := anthropic.New(anthropic.Config{
			Name: name, BaseURL: c.BaseURL, APIKey: c.APIKey, Headers: c.Headers,
			Timeout: c.Timeout, FirstTokenTimeout: c.TTFT,
		})
		if err != nil {
			return err
		}
		g.Chat, g.Count, g.Dialect = up, up, "anthropic"
		b.Upstreams[name] = up
		b.closers = append(b.closers, up.Close)
	case "scripted":
		up, err := scripted.Open(name, c.File)
		if err != nil {
			return err
		}
		g.Chat, g.Count, g.Fidelity = up, up, llm.Scripted
	default:
		return fmt.Errorf("type %q is not one that can be built", c.Type)
	}
	b.byName[name] = g
	return nil
}

// Close gives up the connections of all backends.
func (b *Backends) Close() {
	for _, closeOne := range b.closers {
		closeOne()
	}
}

// routes says who answers for which model: the configuration's targets, and for the
// rest the stand-ins, of which a model server found on this machine comes first.
func (b *Backends) routes(c config.Config, local []openai.Local) (gateway.Routes, error) {
	r := gateway.Routes{Backends: maps.Clone(b.byName), Targets: map[string][]gateway.Target{}}
	reader := gateway.Target{Backend: config.Embedded, Model: embedded.ReaderModel}
	r.Targets[embedded.ReaderModel] = []gateway.Target{reader}
	embed := gateway.Target{Backend: config.Embedded, Model: embedded.EmbedModel}
	r.Targets[embedded.EmbedModel] = []gateway.Target{embed}
	for id, m := range c.Models {
		for _, t := range m.Targets {
			target, err := gateway.ParseTarget(t)
			if err != nil {
				return r, fmt.Errorf("models.%s: %w", id, err)
			}
			if c.Backends[target.Backend].Disabled {
				continue
			}
			r.Targets[id] = append(r.Targets[id], target)
		}
	}
	if !c.StandIns {
		return r, nil
	}
	r.StandIns = &gateway.StandIns{}
	for _, found := range local {
		up, err := openai.New(openai.Config{Name: found.Server, BaseURL: found.BaseURL})
		if err != nil {
			return r, fmt.Errorf("%s at %s: %w", found.Server, found.BaseURL, err)
		}
		if _, taken := r.Backends[found.Server]; taken {
			continue // configured under the same name: that one is meant
		}
		b.closers = append(b.closers, up.Close)
		r.Backends[found.Server] = gateway.Backend{Chat: up, Count: up, Embed: up, Dialect: "openai", Fidelity: llm.StandIn}
		r.StandIns.Chat = append(r.StandIns.Chat, gateway.Target{Backend: found.Server, Model: found.Models[0]})
	}
	r.StandIns.Chat = append(r.StandIns.Chat, reader)
	r.StandIns.Embed = []gateway.Target{embed}
	return r, nil
}

// entries turns the configuration's models into the catalog's.
func entries(c config.Config) map[string]catalog.Entry {
	out := map[string]catalog.Entry{}
	for id, m := range c.Models {
		e := catalog.Entry{
			Name: m.Name, Regions: m.Regions, Context: m.Context, MaxOutput: m.MaxOutput,
			Input: modalities(m.Input), Output: modalities(m.Output),
		}
		if p := m.Price; p != nil {
			e.Price = &catalog.Price{
				Input: int64(p.Input), Output: int64(p.Output), CacheRead: int64(p.CacheRead), CacheWrite: int64(p.CacheWrite),
			}
		}
		out[id] = e
	}
	return out
}

func modalities(names []string) []catalog.Modality {
	var out []catalog.Modality
	for _, n := range names {
		out = append(out, catalog.Modality(n))
	}
	return out
}
