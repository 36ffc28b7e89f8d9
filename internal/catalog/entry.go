package catalog

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// userID is what the control plane accepts as the ID of a foundation model.
var userID = regexp.MustCompile(`^[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}(\.?[a-z0-9-]{1,63})(:[a-z0-9-]{1,63}){0,2}$`)

// ownPrefix is the provider part of Outcrop's own models' IDs.
const ownPrefix = "outcrop."

// maxID is the longest model ID that the control plane can return.
const maxID = 140

var modalities = []Modality{Text, Image, Speech, Video, Embedding}

// validate returns every problem of the configuration, joined.
func (cfg *Config) validate(s *state) error {
	var problems []error
	if len(cfg.Regions) == 0 {
		problems = append(problems, errors.New("regions: at least one is needed"))
	}
	for _, id := range slices.Sorted(maps.Keys(cfg.Models)) {
		e := cfg.Models[id]
		for _, p := range e.problems(id, s) {
			problems = append(problems, fmt.Errorf("models.%s: %w", id, p))
		}
		for _, r := range e.Regions {
			if !slices.Contains(cfg.Regions, r) {
				problems = append(problems, fmt.Errorf("models.%s.regions: %q is not one of the configured regions %v", id, r, cfg.Regions))
			}
		}
	}
	return errors.Join(problems...)
}

func (e *Entry) problems(id string, s *state) []error {
	var problems []error
	say := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	known := s.models[id]
	switch {
	case s.profiles[id] != nil:
		if !e.empty() {
			say("is a system inference profile: it can be given targets, and its model %s everything else", s.profiles[id].model.ID)
		}
	case known != nil && known.Base != "":
		say("is a variant of %s: configure that", known.Base)
	case known == nil && strings.HasPrefix(id, ownPrefix):
		say("names of Outcrop's own models start with %s: choose another", ownPrefix)
	case known == nil && (len(id) > maxID || !userID.MatchString(id)):
		say("is no model ID that clients can send: provider.name in lower case, such as my.qwen or my.qwen-v1:0")
	}
	if known != nil && (len(e.Input) > 0 || len(e.Output) > 0) {
		say("input and output are known for this model and cannot be changed")
	}
	for _, m := range slices.Concat(e.Input, e.Output) {
		if !slices.Contains(modalities, m) {
			say("%q is no modality: use %v", m, modalities)
		}
	}
	if slices.Contains(e.Input, Embedding) {
		say("EMBEDDING can only be an output")
	}
	if e.Context < 0 || e.MaxOutput < 0 {
		say("context and max_output are numbers of tokens")
	}
	if e.Price != nil && e.Price.negative() {
		say("a price is below zero")
	}
	return problems
}

func (e *Entry) empty() bool {
	return e.Name == "" && len(e.Regions) == 0 && e.Price == nil && len(e.Input) == 0 && len(e.Output) == 0 &&
		e.Context == 0 && e.MaxOutput == 0
}

func (p *Price) negative() bool {
	return min(p.Input, p.Output, p.CacheRead, p.CacheWrite, p.CacheWrite1h, p.Image, p.Query, int64(p.BatchPercent)) < 0
}

// apply changes and adds the entries of a valid configuration.
func (s *state) apply(entries map[string]Entry) error {
	var problems []error
	for id, e := range entries {
		switch {
		case s.profiles[id] != nil:
		case s.models[id] != nil:
			s.change(s.models[id], e)
		default:
			problems = append(problems, s.add(e.model(id, s.configured)))
		}
	}
	return errors.Join(problems...)
}

// change lets an entry overrule a known model, its variants and its profiles.
func (s *state) change(m *Model, e Entry) {
	same := []*Model{m}
	for _, suffix := range m.suffixes {
		same = append(same, s.models[m.ID+suffix])
	}
	for _, m := range same {
		e.overrule(m)
	}
	if e.Price == nil {
		return
	}
	for geo := range m.profiles {
		s.profiles[geo+"."+m.ID].price = m.Price
	}
}

func (e *Entry) overrule(m *Model) {
	if e.Name != "" {
		m.Name = e.Name
	}
	if len(e.Regions) > 0 {
		m.Regions, m.everywhere, m.pinned = slices.Clone(e.Regions), false, true
	}
	if e.Price != nil {
		m.Price = e.price(m)
	}
	if e.Context > 0 {
		m.Context = e.Context
	}
	if e.MaxOutput > 0 {
		m.MaxOutput = e.MaxOutput
	}
}

// price returns the entry's price; the model's discount for batches stays, unless
// the entry has its own.
func (e *Entry) price(m *Model) Price {
	p := *e.Price
	if p.BatchPercent == 0 {
		p.BatchPercent = m.Price.BatchPercent
	}
	return p
}

// model describes a model that only the configuration knows.
func (e *Entry) model(id string, regions []string) *Model {
	m := &Model{
		ID: id, Name: id, Provider: "Custom",
		Input: []Modality{Text}, Output: []Modality{Text},
		InferenceTypes: []InferenceType{OnDemand}, Status: Active,
		Regions: slices.Clone(regions), UserDefined: true,
	}
	if len(e.Input) > 0 {
		m.Input = e.Input
	}
	if len(e.Output) > 0 {
		m.Output = e.Output
	}
	m.Streaming = m.Produces(Text)
	e.overrule(m)
	return m
}
