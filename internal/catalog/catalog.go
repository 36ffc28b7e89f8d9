// Package catalog knows the models that callers may name: foundation models with
// their modalities, limits, prices, lifecycle and regions, the system inference
// profiles over them, Outcrop's own models, and those a user adds. It resolves
// every spelling of a model (ID, ID with a context length, foundation-model ARN,
// inference profile ID or ARN) to one entry and to the ARNs a policy speaks of.
//
// What it does not know is who answers: targets, stand-ins and backends belong to
// the gateway. Nothing here does I/O; the facts are checked-in data (data/*.json,
// one file per provider), embedded and parsed once.
//
// Invariants: an ID matches exactly or not at all; a model that is not offered in
// a region does not resolve there; values handed out are shared and not to be
// changed; money is integer micro-dollars (see Price).
package catalog

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
)

// Config says what the catalog of a server holds beside its data.
type Config struct {
	// Regions are those the server serves. A region that AWS does not have is
	// fine: every model is offered there. Required.
	Regions []string
	// Models changes or adds entries, by model ID.
	Models map[string]Entry
}

// Entry changes a model that the catalog knows or describes one that it does not.
// A zero field keeps what is known or takes the default it names.
type Entry struct {
	Name    string   // default: the ID
	Regions []string // default: every configured region
	Price   *Price   // default: free

	Input  []Modality // default: text; only for a model the catalog does not know
	Output []Modality // default: text; likewise

	Context   int // tokens; zero: unknown
	MaxOutput int // tokens; zero: unknown
}

// Catalog answers questions about models. It is safe for concurrent use.
type Catalog struct {
	state atomic.Pointer[state]
}

// state is one immutable generation of the catalog.
type state struct {
	configured []string // regions, in the configuration's order
	foreign    map[string]bool
	models     map[string]*Model
	sorted     []*Model // by ID
	geos       map[string]*geography
	profiles   map[string]*profile
	profileIDs []string // sorted
}

// New builds a catalog. The error joins every problem of cfg.
func New(cfg Config) (*Catalog, error) {
	c := &Catalog{}
	if err := c.Reload(cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload replaces what New was given, at once for all callers. When cfg has
// problems it returns them joined and changes nothing.
func (c *Catalog) Reload(cfg Config) error {
	s, err := load()
	if err != nil {
		return err
	}
	s.configured = slices.Clone(cfg.Regions)
	s.foreign = foreignRegions(s, cfg.Regions)
	if err := errors.Join(cfg.validate(s), s.apply(cfg.Models)); err != nil {
		return err
	}
	s.sorted = slices.SortedFunc(maps.Values(s.models), func(a, b *Model) int { return cmp.Compare(a.ID, b.ID) })
	s.profileIDs = slices.Sorted(maps.Keys(s.profiles))
	c.state.Store(s)
	return nil
}

// Regions returns the configured regions in their order.
func (c *Catalog) Regions() []string { return slices.Clone(c.state.Load().configured) }

// foreignRegions returns those of regions that no geography of AWS's has.
func foreignRegions(s *state, regions []string) map[string]bool {
	foreign := map[string]bool{}
	for _, r := range regions {
		foreign[r] = !slices.Contains(s.geos[globalGeography].Sources, r)
	}
	return foreign
}

// offered reports whether m may be called in a region.
func (s *state) offered(m *Model, region string) bool {
	if m.everywhere {
		return slices.Contains(s.configured, region)
	}
	return slices.Contains(m.Regions, region) || (s.foreign[region] && !m.pinned)
}
