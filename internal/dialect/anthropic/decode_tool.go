package anthropic

import (
	"encoding/json"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// tools reads the tools. One of the provider's own types is kept as it is.
func (d *requestDecoder) tools(p path, value json.RawMessage) error {
	var tools []json.RawMessage
	if err := p.decode(value, &tools); err != nil {
		return err
	}
	for i, raw := range tools {
		if err := d.tool(p.index(i), raw); err != nil {
			return err
		}
	}
	return nil
}

func (d *requestDecoder) tool(p path, raw json.RawMessage) error {
	var t struct {
		Type         string          `json:"type"`
		Name         string          `json:"name"`
		Description  string          `json:"description"`
		InputSchema  json.RawMessage `json:"input_schema"`
		Strict       bool            `json:"strict"`
		CacheControl *cacheControl   `json:"cache_control"`
	}
	if err := p.decode(raw, &t); err != nil {
		return err
	}
	if t.Type != "" && t.Type != "custom" {
		d.typedTools = append(d.typedTools, raw)
		return nil
	}
	p = p.key("custom")
	switch {
	case t.Name == "":
		return p.key("name").required()
	case isNull(t.InputSchema):
		return p.key("input_schema").required()
	case !isObject(t.InputSchema):
		return p.key("input_schema").errorf("Input should be a valid dictionary")
	}
	if t.CacheControl != nil {
		d.req.ToolCachePoint = t.CacheControl.point()
	}
	d.req.Tools = append(d.req.Tools, llm.Tool{
		Name: t.Name, Description: t.Description, InputSchema: t.InputSchema, Strict: t.Strict,
	})
	return nil
}

func (d *requestDecoder) toolChoice(p path, value json.RawMessage) error {
	if isNull(value) {
		return nil
	}
	var c struct {
		Type            string `json:"type"`
		Name            string `json:"name"`
		DisableParallel bool   `json:"disable_parallel_tool_use"`
	}
	if err := p.decode(value, &c); err != nil {
		return err
	}
	choice := llm.ToolChoice{DisableParallel: c.DisableParallel}
	switch c.Type {
	case "auto":
		choice.Mode = llm.ToolAuto
	case "any":
		choice.Mode = llm.ToolAny
	case "none":
		choice.Mode = llm.ToolNone
	case "tool":
		if c.Name == "" {
			return p.key("tool.name").required()
		}
		choice.Mode, choice.Name = llm.ToolNamed, c.Name
	case "":
		return p.key("type").required()
	default:
		return p.errorf("Input tag '%s' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'", c.Type)
	}
	d.req.ToolChoice = choice
	return nil
}
