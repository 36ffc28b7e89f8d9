package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// LoadCodec reads the tokenizer of a model's folder: tokenizer.json, and what
// tokenizer_config.json, generation_config.json and config.json say about the tokens
// that begin a text and end a generation.
func LoadCodec(dir string) (*Codec, error) {
	text, err := readFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		return nil, err
	}
	c, err := ParseCodec(text)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	var config struct {
		BOS    *tokenContent `json:"bos_token"`
		EOS    *tokenContent `json:"eos_token"`
		AddBOS *bool         `json:"add_bos_token"`
	}
	if err := readJSON(dir, "tokenizer_config.json", &config); err != nil {
		return nil, err
	}
	var ends []int32
	if config.BOS != nil {
		if id, ok := c.Lookup(string(*config.BOS)); ok {
			c.bos = id
		}
	}
	if config.EOS != nil {
		if id, ok := c.Lookup(string(*config.EOS)); ok {
			ends = append(ends, id)
		}
	}
	if config.AddBOS != nil {
		c.addBOS = *config.AddBOS
	}
	for _, name := range []string{"generation_config.json", "config.json"} {
		var g struct {
			EOS ids `json:"eos_token_id"`
		}
		if err := readJSON(dir, name, &g); err != nil {
			return nil, err
		}
		ends = append(ends, g.EOS...)
	}
	c.setEnds(ends)
	return c, nil
}

// readJSON reads a file that need not be there.
func readJSON(dir, name string, to any) error {
	text, err := readFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// tokenContent is a token as a string or as an object with its content.
type tokenContent string

// UnmarshalJSON reads either form.
func (t *tokenContent) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		*t = tokenContent(s)
		return nil
	}
	var o struct {
		Content string `json:"content"`
	}
	err := json.Unmarshal(text, &o)
	*t = tokenContent(o.Content)
	return err
}

// ids is one ID or a list of them.
type ids []int32

// UnmarshalJSON reads either form.
func (x *ids) UnmarshalJSON(text []byte) error {
	var one *int32
	if json.Unmarshal(text, &one) == nil {
		if one != nil {
			*x = ids{*one}
		}
		return nil
	}
	var list []int32
	err := json.Unmarshal(text, &list)
	*x = list
	return err
}

// begin returns the token that the post-processor puts before a text, noToken when
// there is none.
func (f *codecFile) begin(c *Codec) (id int32, add bool) {
	var p struct {
		postProcessor
		Processors rawList `json:"processors"`
	}
	if json.Unmarshal(f.PostProcessor, &p) != nil {
		return noToken, false // one of a kind that puts nothing there
	}
	all := []postProcessor{p.postProcessor}
	for _, raw := range p.Processors {
		var x postProcessor
		if json.Unmarshal(raw, &x) == nil {
			all = append(all, x)
		}
	}
	for _, x := range all {
		if x.Type != "TemplateProcessing" {
			continue
		}
		t, err := x.template(x.Single)
		if err == nil && len(t) > 1 && t[0].text == 0 && t[1].text == 1 && c.Control(t[0].id) {
			return t[0].id, true
		}
	}
	return noToken, false
}
