package catalog

import (
	"slices"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/arn"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Profile is a system inference profile as seen from one region and account.
type Profile struct {
	ID          string // "us.anthropic.claude-…"
	ARN         string
	Name        string
	Description string
	Created     time.Time // the model's launch; zero when unknown
	Model       *Model
	Models      []string // ARNs of the model wherever the profile may route to
	Price       Price
}

// profile is what does not depend on who asks and where.
type profile struct {
	id           string
	name         string
	model        *Model
	geo          *geography
	destinations []string
	price        Price
}

func newProfile(m *Model, geo string, g *geography, d *profileData) *profile {
	p := &profile{
		id:           geo + "." + m.ID,
		name:         g.Name + " " + m.Provider + " " + m.Name,
		model:        m,
		geo:          g,
		destinations: g.Destinations,
		price:        m.Price,
	}
	if d.Destinations != nil {
		p.destinations = d.Destinations
	}
	if d.Price != nil {
		p.price = d.Price.price(m.Price.BatchPercent)
	}
	return p
}

// offered reports whether the profile can be called in a region. Regions that the
// configuration gives its model hold for the profile too.
func (p *profile) offered(region string) bool {
	return slices.Contains(p.geo.Sources, region) && (!p.model.pinned || slices.Contains(p.model.Regions, region))
}

// members returns the ARNs of the model in the regions the profile routes to from
// a region. A profile without borders has the caller's region and, as the real
// service has it, one ARN that names no region.
func (p *profile) members(region string) []string {
	if len(p.destinations) == 0 {
		return []string{p.model.ARN(region), p.model.ARN("")}
	}
	arns := make([]string, len(p.destinations))
	for i, r := range p.destinations {
		arns[i] = p.model.ARN(r)
	}
	return arns
}

func (p *profile) arn(region, account string) string {
	return arn.Bedrock(region, account, "inference-profile/"+p.id).String()
}

func (p *profile) from(region, account string) *Profile {
	to := "any commercial region"
	if len(p.destinations) > 0 {
		to = strings.Join(p.destinations, " ")
	}
	return &Profile{
		ID: p.id, ARN: p.arn(region, account), Name: p.name,
		Description: "Routes requests to " + p.model.Name + " in " + to + ".",
		Created:     p.model.Start, Model: p.model, Models: p.members(region), Price: p.price,
	}
}

// Profiles returns the system inference profiles of a region, sorted by ID.
func (c *Catalog) Profiles(region, account string) []*Profile {
	s := c.state.Load()
	var list []*Profile
	for _, id := range s.profileIDs {
		if p := s.profiles[id]; p.offered(region) {
			list = append(list, p.from(region, account))
		}
	}
	return list
}

// Profile returns the system inference profile with an ID or ARN. The fault for
// one that is not there is NotFound.
func (c *Catalog) Profile(region, account, id string) (*Profile, error) {
	s := c.state.Load()
	name := id
	if a, err := arn.Parse(id); err == nil {
		if a.Service != "bedrock" || a.Type() != "inference-profile" || a.Region != region || a.Account != account {
			return nil, profileNotFound(id)
		}
		name = a.ID()
	}
	p := s.profiles[name]
	if p == nil || !p.offered(region) {
		return nil, profileNotFound(id)
	}
	return p.from(region, account), nil
}

func profileNotFound(id string) error {
	return &fault.Error{Kind: fault.NotFound, Resource: id, Message: "There is no inference profile " + id + " in this region."}
}
