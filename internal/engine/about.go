package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/token"
)

// defaults are a model's own sampling parameters: what its makers advise.
type defaults struct {
	Temperature   *float64 `json:"temperature"`
	TopP          *float64 `json:"top_p"`
	TopK          *int     `json:"top_k"`
	MinP          *float64 `json:"min_p"`
	RepeatPenalty *float64 `json:"repetition_penalty"`
	// Sample is false where the makers advise the likeliest token.
	Sample *bool `json:"do_sample"`
}

func aboutGGUF(f *gguf.File) (*about, error) {
	a := &about{}
	a.arch, _ = f.String("general.architecture")
	var ok bool
	if a.template, ok = f.String("tokenizer.chat_template.tool_use"); !ok {
		a.template, _ = f.String("tokenizer.chat_template")
	}
	number := func(key string, into **float64) {
		if v, ok := f.Float("general.sampling." + key); ok {
			*into = &v
		}
	}
	number("temp", &a.defaults.Temperature)
	number("top_p", &a.defaults.TopP)
	number("min_p", &a.defaults.MinP)
	number("penalty_repeat", &a.defaults.RepeatPenalty)
	if k, ok := f.Int("general.sampling.top_k"); ok {
		n := int(min(k, 1<<30))
		a.defaults.TopK = &n
	}
	table, err := token.TableOf(f)
	if err != nil {
		return nil, err
	}
	a.codec, err = token.FromTable(table)
	return a, err
}

func aboutFolder(dir string) (a *about, err error) {
	a = &about{}
	if a.codec, err = token.LoadCodec(dir); err != nil {
		return nil, err
	}
	text, err := readSmall(dir, "config.json")
	if err != nil {
		return nil, err
	}
	var config struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	a.arch = config.ModelType
	if text, err = readSmall(dir, "generation_config.json"); err == nil {
		err = json.Unmarshal(text, &a.defaults)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("generation_config.json: %w", err)
	}
	a.template, err = folderTemplate(dir)
	return a, err
}

// folderTemplate returns the chat template of a Hugging Face folder: a file of its own,
// or a member of tokenizer_config.json, where several may have names. Empty: none.
func folderTemplate(dir string) (string, error) {
	text, err := readSmall(dir, "chat_template.jinja")
	if err == nil {
		return string(text), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	text, err = readSmall(dir, "tokenizer_config.json")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var config struct {
		Template json.RawMessage `json:"chat_template"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return "", fmt.Errorf("tokenizer_config.json: %w", err)
	}
	if len(config.Template) == 0 {
		return "", nil
	}
	var one string
	if json.Unmarshal(config.Template, &one) == nil {
		return one, nil
	}
	var several []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := json.Unmarshal(config.Template, &several); err != nil {
		return "", fmt.Errorf("tokenizer_config.json: chat_template: %w", err)
	}
	var found string
	for _, t := range several {
		if t.Name == "tool_use" || t.Name == "default" && found == "" {
			found = t.Template
		}
	}
	return found, nil
}
