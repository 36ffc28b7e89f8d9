package server

import (
	"context"
	"log/slog"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/gateway"
	"github.com/outcrop-ai/outcrop/internal/ledger"
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

// Serving says what answers for each model of a region, by the rules that the gateway
// routes by. A model server that would be found on this machine is not looked for.
func Serving(c config.Config, region string) ([]ServedModel, error) {
	c = withLocal(c, slog.New(slog.DiscardHandler))
	cat, err := catalog.New(catalog.Config{Regions: c.Regions, Models: entries(c)})
	if err != nil {
		return nil, err
	}
	backends, err := NewBackends(c, newModels(c, slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	defer backends.Close()
	routes, err := backends.routes(c, nil)
	if err != nil {
		return nil, err
	}
	g, err := gateway.New(gateway.Config{Catalog: cat, Authorizer: noCalls{}, Recorder: noCalls{}, Routes: routes})
	if err != nil {
		return nil, err
	}
	var list []ServedModel
	for _, m := range cat.Models(region, catalog.Filter{}) {
		served, err := g.Serves(region, c.Account, m.ID)
		if err != nil {
			return nil, err
		}
		s := ServedModel{ID: m.ID, Name: m.Name, Provider: m.Provider, InputMicroUSD: m.Price.Input, OutputMicroUSD: m.Price.Output}
		for _, by := range served {
			s.Targets = append(s.Targets, by.Backend+"/"+by.Model)
		}
		if len(served) > 0 {
			s.Fidelity = string(served[0].Fidelity)
		}
		list = append(list, s)
	}
	return list, nil
}

// noCalls stands where a gateway that is only asked about its routes needs somebody.
type noCalls struct{}

// Authorize refuses.
func (noCalls) Authorize(context.Context, call.Principal, gateway.Access) error {
	return fault.Errorf(fault.Denied, "This gateway makes no calls.")
}

// Append drops: there are no calls.
func (noCalls) Append(ledger.Record) {}

// Begin does nothing.
func (noCalls) Begin() {}

// End does nothing.
func (noCalls) End() {}
