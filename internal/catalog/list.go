package catalog

import (
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/arn"
)

// Filter chooses models as ListFoundationModels does. Empty fields choose all.
type Filter struct {
	Provider      string // in any case
	Customization Customization
	Output        Modality
	Inference     InferenceType
}

func (f Filter) match(m *Model) bool {
	return (f.Provider == "" || strings.EqualFold(f.Provider, m.Provider)) &&
		(f.Customization == "" || slices.Contains(m.Customizations, f.Customization)) &&
		(f.Output == "" || slices.Contains(m.Output, f.Output)) &&
		(f.Inference == "" || slices.Contains(m.InferenceTypes, f.Inference))
}

// Models returns the models of a region that a filter chooses, variants by
// context length included, sorted by ID.
func (c *Catalog) Models(region string, f Filter) []*Model {
	s := c.state.Load()
	list := make([]*Model, 0, len(s.sorted))
	for _, m := range s.sorted {
		if s.offered(m, region) && f.match(m) {
			list = append(list, m)
		}
	}
	return list
}

// Model returns one model of a region by ID or foundation-model ARN, as
// GetFoundationModel does: a variant is itself, and a profile is no model. The
// fault is Invalid.
func (c *Catalog) Model(region, id string) (*Model, error) {
	s := c.state.Load()
	if m := s.find(region, id); m != nil && s.offered(m, region) {
		return m, nil
	}
	return nil, invalid(id)
}

// find returns the model of any region with an ID, or an ARN in this region.
func (s *state) find(region, id string) *Model {
	if !arn.Is(id) {
		return s.models[id]
	}
	a, err := arn.Parse(id)
	if err != nil || a.Partition != "aws" || a.Service != "bedrock" || a.Region != region || a.Account != "" || a.Type() != "foundation-model" {
		return nil
	}
	return s.models[a.ID()]
}

// Availability says what stands between a caller and a model. Outcrop asks for no
// agreement and no entitlement, so only the region can: whether a policy allows
// the call and whether anything answers it are for the authorizer and the gateway.
type Availability struct {
	Model  *Model
	Region bool // offered in the region asked about
}

// Availability returns the facts about a model the catalog knows anywhere. The
// fault is Invalid.
func (c *Catalog) Availability(region, id string) (Availability, error) {
	s := c.state.Load()
	m := s.find(region, id)
	if m == nil {
		return Availability{}, invalid(id)
	}
	return Availability{Model: m, Region: s.offered(m, region)}, nil
}

// Find returns the model that a model ID, a variant's ID or an inference profile's
// ID means, whatever regions it is offered in, or nil.
func (c *Catalog) Find(id string) *Model {
	s := c.state.Load()
	if p := s.profiles[id]; p != nil {
		return p.model
	}
	m := s.models[id]
	if m != nil && m.Base != "" {
		return s.models[m.Base]
	}
	return m
}
