package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Routes says which upstreams there are and which of them answers for which model.
type Routes struct {
	Backends map[string]Backend
	// Targets are the upstreams of a model in order, by model ID or by inference
	// profile ID; what is said of a profile comes before what is said of its model.
	// Outcrop's own models need their line too, else they are only stand-ins.
	Targets map[string][]Target
	// StandIns answer for models that have no target in the caller's region. Nil:
	// nobody does, and such calls are denied.
	StandIns *StandIns
}

// StandIns are the upstreams that answer in place of any model, in order.
type StandIns struct {
	Chat  []Target
	Embed []Target
}

// Target is one model of one backend.
type Target struct {
	Backend string
	Model   string // the upstream's own name; may hold slashes
}

// ParseTarget reads "backend/model".
func ParseTarget(s string) (Target, error) {
	backend, model, ok := strings.Cut(s, "/")
	if !ok || backend == "" || model == "" {
		return Target{}, fmt.Errorf("%q is not backend/model", s)
	}
	return Target{Backend: backend, Model: model}, nil
}

// String returns "backend/model".
func (t Target) String() string { return t.Backend + "/" + t.Model }

// Backend is one upstream and what is known of it. At least one of Chat and Embed
// is set. Time limits work by ending the context: a backend returns soon after.
type Backend struct {
	Chat  llm.ChatModel
	Count llm.TokenCounter // nil: it cannot count; a stand-in does
	Embed llm.Embedder
	// AnyLength: its vectors can have the length of the model that was asked for, and
	// get it where the caller names none.
	AnyLength bool

	Dialect  string       // of llm.RawRequest; empty: raw requests are not for it
	Fidelity llm.Fidelity // empty: llm.Real
	Regions  []string     // serves calls of these regions; empty: of all

	Timeout    time.Duration // of one attempt; zero: what is left of Config.Timeout
	FirstToken time.Duration // until the first piece of the answer; zero: Timeout
	Idle       time.Duration // between events after that; zero: Timeout
}

// routes is one immutable generation of Routes.
type routes struct {
	byID   map[string][]*target
	chat   []*target // stand-ins
	embed  []*target
	stands bool
	known  map[Target]*breaker
}

// target is a Target in service.
type target struct {
	Target
	Backend
	served  llm.Served
	header  []string // served as a header's values
	breaker *breaker
}

// request returns a conversation as the target gets it.
func (t *target) request(req *llm.ChatRequest) *llm.ChatRequest {
	r := *req
	r.Model = t.Model
	if r.Raw != nil && r.Raw.Dialect != t.Dialect {
		r.Raw = nil
	}
	return &r
}

// limit bounds ctx by the target's time for one attempt.
func (t *target) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.Timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, t.Timeout, &slowError{"complete its answer", t.Timeout})
}

// Apply replaces the routes at once for all calls that come after; those under way
// end as they began. What was learned about targets that stay is kept. When r has
// problems Apply returns them joined and changes nothing. It is safe for concurrent
// use.
func (g *Gateway) Apply(r Routes) error {
	for {
		old := g.routes.Load()
		next, err := g.build(r, old)
		if err != nil {
			return err
		}
		if g.routes.CompareAndSwap(old, next) {
			return nil
		}
	}
}

func (g *Gateway) build(r Routes, old *routes) (*routes, error) {
	b := builder{backends: r.Backends, old: old, cfg: g.breaker, next: &routes{
		byID: map[string][]*target{}, stands: r.StandIns != nil, known: map[Target]*breaker{},
	}}
	b.checkBackends()
	for _, id := range slices.Sorted(maps.Keys(r.Targets)) {
		m := g.catalog.Find(id)
		if m == nil {
			b.say("models.%s: the catalog has no such model", id)
			continue
		}
		for _, t := range r.Targets[id] {
			if made := b.target("models."+id, t, m.Embeds(), false); made != nil {
				b.next.byID[id] = append(b.next.byID[id], made)
			}
		}
	}
	if r.StandIns != nil {
		b.next.chat = b.standIns(r.StandIns.Chat, false)
		b.next.embed = b.standIns(r.StandIns.Embed, true)
	}
	return b.next, errors.Join(b.problems...)
}

// builder makes targets and collects what is wrong with them.
type builder struct {
	backends map[string]Backend
	old      *routes
	cfg      BreakerConfig
	next     *routes
	problems []error
}

func (b *builder) say(format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf(format, args...))
}

func (b *builder) checkBackends() {
	for _, name := range slices.Sorted(maps.Keys(b.backends)) {
		be := b.backends[name]
		if be.Chat == nil && be.Embed == nil {
			b.say("backends.%s: it can neither chat nor embed", name)
		}
		if min(be.Timeout, be.FirstToken, be.Idle) < 0 {
			b.say("backends.%s: a time limit is below zero", name)
		}
	}
}

func (b *builder) standIns(list []Target, embed bool) []*target {
	var made []*target
	for _, t := range list {
		if x := b.target("stand_ins", t, embed, true); x != nil {
			made = append(made, x)
		}
	}
	return made
}

func (b *builder) target(where string, t Target, embed, standIn bool) *target {
	be, ok := b.backends[t.Backend]
	switch {
	case !ok:
		b.say("%s: there is no backend %q", where, t.Backend)
		return nil
	case t.Model == "":
		b.say("%s: target %q names no model", where, t)
		return nil
	case embed && be.Embed == nil:
		b.say("%s: backend %q cannot embed", where, t.Backend)
		return nil
	case !embed && be.Chat == nil:
		b.say("%s: backend %q cannot chat", where, t.Backend)
		return nil
	}
	if be.Fidelity == "" {
		be.Fidelity = llm.Real
	}
	served := llm.Served{Backend: t.Backend, Model: t.Model, Fidelity: be.Fidelity}
	if standIn && be.Fidelity == llm.Real {
		served.Fidelity = llm.StandIn
	}
	return &target{Target: t, Backend: be, served: served, header: header(served), breaker: b.breaker(t)}
}

// breaker returns what is known about a target already, or a fresh one.
func (b *builder) breaker(t Target) *breaker {
	if x := b.next.known[t]; x != nil {
		return x
	}
	x := b.old.known[t]
	if x == nil {
		x = &breaker{cfg: b.cfg}
	}
	b.next.known[t] = x
	return x
}

// targets returns who may answer a call, in order, and whether they were named for
// the model. It allocates nothing when all of them serve the region.
func (r *routes) targets(m *catalog.Resolved, embed bool) []*target {
	named := r.byID[m.ID]
	if named == nil {
		named = r.byID[m.Model.ID]
	}
	if named = reach(named, m); len(named) > 0 {
		return named
	}
	if embed {
		return reach(r.embed, m)
	}
	return reach(r.chat, m)
}

// reach leaves out targets whose backends are outside the regions where the call
// may be served.
func reach(list []*target, m *catalog.Resolved) []*target {
	inside := func(t *target) bool {
		return len(t.Regions) == 0 || slices.ContainsFunc(t.Regions, m.Reaches)
	}
	outside := func(t *target) bool { return !inside(t) }
	if !slices.ContainsFunc(list, outside) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), outside)
}
