package server

import (
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// ServedModel is a model of the catalog and what answers for it.
type ServedModel struct {
	ID       string
	Name     string
	Provider string
	// Targets are "backend/model" in order; empty when nothing answers.
	Targets        []string
	Fidelity       string // empty when nothing answers
	InputMicroUSD  int64  // per million tokens
	OutputMicroUSD int64
}

// Serving says what answers for each model of a region, from the configuration alone: a
// model server that would be found on this machine is not looked for.
func Serving(c config.Config, region string) ([]ServedModel, error) {
	cat, err := catalog.New(catalog.Config{Regions: c.Regions, Models: entries(c)})
	if err != nil {
		return nil, err
	}
	var list []ServedModel
	for _, m := range cat.Models(region, catalog.Filter{}) {
		s := ServedModel{ID: m.ID, Name: m.Name, Provider: m.Provider, InputMicroUSD: m.Price.Input, OutputMicroUSD: m.Price.Output}
		own, ours := config.Embedded+"/"+embedded.ReaderModel, m.ID == embedded.ReaderModel
		if m.Embeds() {
			own, ours = config.Embedded+"/"+embedded.EmbedModel, m.ID == embedded.EmbedModel
		}
		switch {
		case len(c.Models[m.ID].Targets) > 0:
			s.Targets, s.Fidelity = c.Models[m.ID].Targets, string(fidelity(c, c.Models[m.ID].Targets[0]))
		case ours:
			s.Targets, s.Fidelity = []string{own}, string(llm.Real)
		case (m.Chat() || m.Embeds()) && c.StandIns:
			s.Targets, s.Fidelity = []string{own}, string(llm.StandIn)
		}
		list = append(list, s)
	}
	return list, nil
}

// fidelity is that of the answers of a configured target.
func fidelity(c config.Config, target string) llm.Fidelity {
	backend, _, _ := strings.Cut(target, "/")
	switch {
	case backend == config.Embedded:
		return llm.StandIn
	case c.Backends[backend].Type == "scripted":
		return llm.Scripted
	}
	return llm.Real
}
