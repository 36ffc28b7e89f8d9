package catalog

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

//go:embed data/*.json
var data embed.FS

// globalGeography is the geography whose sources are every commercial region.
const globalGeography = "global"

// geography is a set of regions that inference profiles route within.
type geography struct {
	Name         string   `json:"name"`
	Sources      []string `json:"sources"`      // where the profile can be called
	Destinations []string `json:"destinations"` // where it may route; none: anywhere
}

// providerData is one file: a provider's models.
type providerData struct {
	Provider string      `json:"provider"`
	Models   []modelData `json:"models"`
}

type modelData struct {
	ID             string                 `json:"id"`
	Name           string                 `json:"name"`
	Input          []Modality             `json:"input"`
	Output         []Modality             `json:"output"`
	Stream         bool                   `json:"stream"`
	Status         Lifecycle              `json:"status"`
	Start          date                   `json:"start"`
	Legacy         date                   `json:"legacy"`
	EOL            date                   `json:"eol"`
	Context        int                    `json:"context"`
	MaxOutput      int                    `json:"max_output"`
	Dimensions     int                    `json:"dimensions"`
	Regions        []string               `json:"regions"` // "global": every commercial region; "*": every configured one
	Customizations []Customization        `json:"customizations"`
	Provisioned    bool                   `json:"provisioned"`
	Suffixes       []string               `json:"suffixes"` // of the variants by context length
	Price          priceData              `json:"price"`
	BatchPercent   int                    `json:"batch_percent"`
	Profiles       map[string]profileData `json:"profiles"` // by geography
}

// profileData is what a system inference profile does not share with its model
// and its geography.
type profileData struct {
	Price        *priceData `json:"price"`
	Destinations []string   `json:"destinations"`
}

// priceData is in dollars per million tokens, as price pages write it; image and
// query are dollars apiece.
type priceData struct {
	Input        dollars `json:"input"`
	Output       dollars `json:"output"`
	CacheRead    dollars `json:"cache_read"`
	CacheWrite   dollars `json:"cache_write"`
	CacheWrite1h dollars `json:"cache_write_1h"`
	Image        dollars `json:"image"`
	Query        dollars `json:"query"`
}

func (p *priceData) price(batchPercent int) Price {
	return Price{
		Input: int64(p.Input), Output: int64(p.Output),
		CacheRead: int64(p.CacheRead), CacheWrite: int64(p.CacheWrite), CacheWrite1h: int64(p.CacheWrite1h),
		Image: int64(p.Image), Query: int64(p.Query),
		BatchPercent: batchPercent,
	}
}

// date is a day, or nothing.
type date time.Time

func (d *date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	*d = date(t)
	return err
}

// load parses the data. An error is a defect of the build, found by the tests.
func load() (*state, error) {
	s := &state{models: map[string]*Model{}, profiles: map[string]*profile{}}
	files, err := data.ReadDir("data")
	if err != nil {
		return nil, err
	}
	if err := read("geographies.json", &s.geos); err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Name() == "geographies.json" {
			continue
		}
		var p providerData
		if err := read(f.Name(), &p); err != nil {
			return nil, err
		}
		for i := range p.Models {
			if err := s.add(p.Models[i].model(p.Provider, s.geos)); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name(), err)
			}
		}
	}
	return s, nil
}

func read(name string, into any) error {
	text, err := data.ReadFile("data/" + name)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// model makes the entry that the data describes.
func (d *modelData) model(provider string, geos map[string]*geography) *Model {
	m := &Model{
		ID: d.ID, Name: d.Name, Provider: provider,
		Input: d.Input, Output: d.Output, Streaming: d.Stream, Customizations: d.Customizations,
		InferenceTypes: []InferenceType{OnDemand},
		Status:         d.Status, Start: time.Time(d.Start), Legacy: time.Time(d.Legacy), End: time.Time(d.EOL),
		Context: d.Context, MaxOutput: d.MaxOutput, Dimensions: d.Dimensions,
		Price: d.Price.price(d.BatchPercent),
		Own:   strings.HasPrefix(d.ID, ownPrefix),

		suffixes: d.Suffixes, profiles: d.Profiles,
	}
	if d.Provisioned {
		m.InferenceTypes = append(m.InferenceTypes, Provisioned)
	}
	if len(d.Profiles) > 0 {
		m.InferenceTypes = append(m.InferenceTypes, ThroughProfile)
	}
	for _, r := range d.Regions {
		switch r {
		case "*":
			m.everywhere = true
		case globalGeography:
			m.Regions = append(m.Regions, geos[globalGeography].Sources...)
		default:
			m.Regions = append(m.Regions, r)
		}
	}
	slices.Sort(m.Regions)
	return m
}

// add enters a model with its variants and profiles.
func (s *state) add(m *Model) error {
	if s.models[m.ID] != nil {
		return fmt.Errorf("model %s is there twice", m.ID)
	}
	s.models[m.ID] = m
	for _, suffix := range m.suffixes {
		v := m.variant(suffix)
		if s.models[v.ID] != nil {
			return fmt.Errorf("model %s is there twice", v.ID)
		}
		s.models[v.ID] = v
	}
	for geo, d := range m.profiles {
		g := s.geos[geo]
		if g == nil {
			return fmt.Errorf("model %s: no geography %q", m.ID, geo)
		}
		s.profiles[geo+"."+m.ID] = newProfile(m, geo, g, &d)
	}
	return nil
}
