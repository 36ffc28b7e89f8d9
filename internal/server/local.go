package server

import (
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/pull"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// localPrefix begins the IDs of models that are on this machine and that no line of
// the configuration names.
const localPrefix = "local."

// withLocal returns c with a model of its own for every model on this machine: what
// was pulled, and what Ollama keeps. Those that the configuration defines stay.
func withLocal(c config.Config, log *slog.Logger) config.Config {
	list, err := localModels(c)
	if err != nil {
		log.Warn("the models of this machine cannot be listed", "err", err)
		return c
	}
	if len(list) == 0 {
		return c
	}
	models := maps.Clone(c.Models)
	if models == nil {
		models = map[string]config.Model{}
	}
	for _, m := range list {
		if m.Name == pull.EmbedModel { // which the catalog has
			continue
		}
		id := localID(m.Name)
		for _, taken := models[id]; taken; _, taken = models[id] {
			id += "-2"
		}
		models[id] = m.config()
	}
	c.Models = models
	return c
}

// localModel is a model on this machine.
type localModel struct {
	*pull.Model
	kind engine.Kind
}

// localModels lists the models of this machine that run here.
func localModels(c config.Config) ([]localModel, error) {
	p, err := pull.New(pull.Config{Dir: c.ModelsDir, Offline: true})
	if err != nil {
		return nil, err
	}
	list, err := p.List()
	if err != nil {
		return nil, err
	}
	var out []localModel
	for _, m := range list {
		if kind, err := engine.KindOf(m.Weights()); err == nil { // else no model that runs here
			out = append(out, localModel{m, kind})
		}
	}
	return out, nil
}

func (m localModel) config() config.Model {
	c := config.Model{Name: m.Name, Targets: []string{config.Embedded + "/" + m.Name}}
	if m.kind == engine.KindEncoder {
		c.Output = []string{"EMBEDDING"}
	}
	return c
}

// localID makes a model ID of a model's name: hf:org/Some-Model.Q8_0.gguf becomes
// local.some-model-q8-0.
func localID(name string) string {
	_, rest, ok := strings.Cut(name, ":")
	if !ok {
		rest = name
	}
	rest = path.Base(rest)
	if _, file, ok := strings.Cut(rest, ":"); ok && strings.HasSuffix(file, ".gguf") {
		rest = file
	}
	rest = strings.TrimSuffix(strings.ToLower(rest), ".gguf")
	slug := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, rest)
	return localPrefix + strings.Trim(slug[:min(len(slug), 60)], "-")
}

// LocalModel is a model on this machine.
type LocalModel struct {
	Name    string // what `outcrop pull` and a target call it
	Kind    engine.Kind
	Size    int64 // bytes of its files
	Path    string
	License string   // empty: unknown
	Serves  []string // model IDs that it answers for, in the configuration or by itself
}

// Local lists the models of this machine and what they answer for.
func Local(c config.Config) ([]LocalModel, error) {
	list, err := localModels(c)
	if err != nil {
		return nil, err
	}
	all := withLocal(c, slog.New(slog.DiscardHandler)).Models
	out := make([]LocalModel, 0, len(list))
	for _, m := range list {
		l := LocalModel{Name: m.Name, Kind: m.kind, Size: m.Size(), Path: m.Weights(), License: m.License}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if slices.Contains(all[id].Targets, config.Embedded+"/"+m.Name) {
				l.Serves = append(l.Serves, id)
			}
		}
		if m.Name == pull.EmbedModel {
			l.Serves = append(l.Serves, m.Name)
		}
		out = append(out, l)
	}
	return out, nil
}
