package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// pipeline is what a sentence-transformers folder says about a model: the steps around
// the transformer, and how long a text may be.
type pipeline struct {
	transformer string // its folder, inside the model's
	pooling     pooling
	normalize   bool
	maxTokens   int // zero: as many as the model has positions
}

// pooling says how the hidden states of a text become one vector.
type pooling string

// The poolings.
const (
	poolMean  pooling = "mean"
	poolFirst pooling = "cls"
)

// readPipeline reads modules.json and the files it names. A folder without one is a
// plain transformer: mean pooling, no normalisation.
func readPipeline(dir string) (*pipeline, error) {
	p := &pipeline{pooling: poolMean}
	text, err := readSmall(dir, "modules.json")
	if err == nil {
		err = p.readModules(dir, text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("modules.json: %w", err)
	}
	return p, p.readLimit(dir)
}

func (p *pipeline) readModules(dir string, text []byte) error {
	var modules []struct {
		Path string `json:"path"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(text, &modules); err != nil {
		return err
	}
	for _, m := range modules {
		if m.Path != "" && !filepath.IsLocal(m.Path) {
			return fmt.Errorf("the path %.100q leaves the folder", m.Path)
		}
		switch m.Type {
		case "sentence_transformers.models.Transformer":
			p.transformer = m.Path
		case "sentence_transformers.models.Pooling":
			if err := p.readPooling(dir, m.Path); err != nil {
				return err
			}
		case "sentence_transformers.models.Normalize":
			p.normalize = true
		default:
			return fmt.Errorf("the module %.100q is not implemented: Transformer, Pooling and Normalize are", m.Type)
		}
	}
	return nil
}

func (p *pipeline) readPooling(dir, path string) error {
	text, err := readSmall(dir, filepath.Join(path, "config.json"))
	if err != nil {
		return fmt.Errorf("pooling: %w", notMissing(err))
	}
	var c struct {
		First bool `json:"pooling_mode_cls_token"`
		Mean  bool `json:"pooling_mode_mean_tokens"`
		Max   bool `json:"pooling_mode_max_tokens"`
		Sqrt  bool `json:"pooling_mode_mean_sqrt_len_tokens"`
		Heavy bool `json:"pooling_mode_weightedmean_tokens"`
		Last  bool `json:"pooling_mode_lasttoken"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("pooling: %w", err)
	}
	if c.First == c.Mean || c.Max || c.Sqrt || c.Heavy || c.Last {
		return errors.New("pooling: either the mean of the tokens or the first one is implemented")
	}
	p.pooling = poolMean
	if c.First {
		p.pooling = poolFirst
	}
	return nil
}

// readLimit reads how many tokens the model was made for.
func (p *pipeline) readLimit(dir string) error {
	text, err := readSmall(dir, filepath.Join(p.transformer, "sentence_bert_config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var c struct {
		MaxTokens *int `json:"max_seq_length"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("sentence_bert_config.json: %w", err)
	}
	if c.MaxTokens != nil {
		if *c.MaxTokens < 1 {
			return fmt.Errorf("sentence_bert_config.json: max_seq_length is %d", *c.MaxTokens)
		}
		p.maxTokens = *c.MaxTokens
	}
	return nil
}

// notMissing hides that a file is missing from callers who ask about another one.
func notMissing(err error) error { return errors.New(err.Error()) }
