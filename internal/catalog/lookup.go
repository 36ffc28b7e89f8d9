package catalog

import (
	"slices"

	"github.com/outcrop-ai/outcrop/internal/arn"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Resolved is the model that a caller named, and how.
type Resolved struct {
	Model   *Model // never a variant
	ID      string // the ID the caller meant: the model's, a variant's or a profile's
	Profile string // ARN of the inference profile; empty without one
	Price   Price
	// Resources are the ARNs that have to be allowed, the profile's first.
	Resources []string

	region string
	within *profile
}

// Reaches reports whether the call may be served in a region: its own, and what
// the inference profile it went through routes to.
func (r *Resolved) Reaches(region string) bool {
	return region == r.region || (r.within != nil && (len(r.within.destinations) == 0 || slices.Contains(r.within.destinations, region)))
}

// invalidIdentifier is the text that clients match on.
const invalidIdentifier = "The provided model identifier is invalid."

// later names the resources that an ARN may mean and that Outcrop does not serve,
// in the words of the fault.
var later = map[string]string{
	"provisioned-model":             "provisioned throughput",
	"custom-model":                  "custom models",
	"custom-model-deployment":       "custom model deployments",
	"imported-model":                "imported models",
	"application-inference-profile": "application inference profiles",
	"prompt-router":                 "prompt routers",
	"default-prompt-router":         "default prompt routers",
	"prompt":                        "prompts of prompt management",
	"endpoint":                      "marketplace model endpoints",
}

// Lookup resolves what a caller gave as modelId in a region: a model ID, a model
// ID with a context length, a foundation-model ARN, a system inference profile's
// ID or ARN. The fault is Invalid for what is none of these or not offered in the
// region, and NotImplemented for resources that Outcrop does not serve.
func (c *Catalog) Lookup(region, account, id string) (*Resolved, error) {
	s := c.state.Load()
	if arn.Is(id) {
		return s.lookupARN(region, account, id)
	}
	if m := s.models[id]; m != nil {
		return s.resolveModel(m, region)
	}
	if p := s.profiles[id]; p != nil {
		return s.resolveProfile(p, region, account)
	}
	return nil, invalid(id)
}

func (s *state) lookupARN(region, account, id string) (*Resolved, error) {
	a, err := arn.Parse(id)
	if err != nil {
		return nil, invalid(id)
	}
	if what := later[a.Type()]; what != "" && (a.Service == "bedrock") != (a.Type() == "endpoint") {
		return nil, &fault.Error{
			Kind: fault.NotImplemented, Resource: id,
			Message: "Outcrop does not serve " + what + " yet: " + id,
		}
	}
	if a.Partition != "aws" || a.Service != "bedrock" || a.Region != region {
		return nil, invalid(id)
	}
	switch a.Type() {
	case "foundation-model":
		if m := s.models[a.ID()]; m != nil && a.Account == "" {
			return s.resolveModel(m, region)
		}
	case "inference-profile":
		if p := s.profiles[a.ID()]; p != nil && a.Account == account {
			return s.resolveProfile(p, region, account)
		}
	}
	return nil, invalid(id)
}

func (s *state) resolveModel(m *Model, region string) (*Resolved, error) {
	if !s.offered(m, region) {
		return nil, invalid(m.ID)
	}
	r := &Resolved{Model: m, ID: m.ID, Price: m.Price, Resources: []string{m.ARN(region)}, region: region}
	if m.Base != "" {
		r.Model = s.models[m.Base]
	}
	return r, nil
}

func (s *state) resolveProfile(p *profile, region, account string) (*Resolved, error) {
	if !p.offered(region) {
		return nil, invalid(p.id)
	}
	members := p.members(region)
	r := &Resolved{Model: p.model, ID: p.id, Profile: p.arn(region, account), Price: p.price, region: region, within: p}
	r.Resources = append(append(make([]string, 0, len(members)+1), r.Profile), members...)
	return r, nil
}

func invalid(id string) error {
	return &fault.Error{Kind: fault.Invalid, Message: invalidIdentifier, Resource: id}
}
