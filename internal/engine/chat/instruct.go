package chat

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/jinja"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// instructions returns what the system prompt has to say beyond the caller's words:
// the tools where the template cannot show them, and the form of the answer. A
// grammar can make an answer fit its schema; only a model that knows the schema fills
// it with sense.
func (f *Format) instructions(req *llm.ChatRequest, tools []llm.Tool, source int32) words {
	var out words
	if !f.native && len(tools) > 0 {
		out = describeTools(tools, req.ToolChoice, source)
	}
	return out.and("\n\n", describeOutput(&req.Output, source))
}

// describeTools tells a model without a format for tools how to call them.
func describeTools(tools []llm.Tool, choice llm.ToolChoice, source int32) words {
	out := own("You can call these tools:\n")
	for _, t := range tools {
		out = append(out, jinja.Segment{Text: "\n"}, jinja.Segment{Text: toolJSON(&t), Source: source})
	}
	out = append(out, own("\n\nTo call a tool, answer with nothing but a JSON object of this form on a line of its own:\n"+
		`{"name": "the tool's name", "arguments": {…}}`)...)
	if choice.DisableParallel {
		out = append(out, own("\nCall one tool at a time.")...)
	} else {
		out = append(out, own("\nFor several calls, write one object per line.")...)
	}
	switch choice.Mode {
	case llm.ToolAny:
		return append(out, own(" You must call a tool now.")...)
	case llm.ToolNamed:
		return append(append(append(out, own(" You must call the tool ")...), jinja.Segment{Text: choice.Name, Source: source}), own(" now.")...)
	case llm.ToolDefault, llm.ToolAuto, llm.ToolNone:
	}
	return append(out, own(" The results come in the next message. When no tool is needed, answer in plain text.")...)
}

// toolJSON returns a tool as one line of JSON.
func toolJSON(t *llm.Tool) string {
	var schema bytes.Buffer
	if err := json.Compact(&schema, t.InputSchema); err != nil {
		schema.Reset()
		schema.WriteString("{}") // the door has checked schemas; the model gets on without
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	line := struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters"`
	}{t.Name, t.Description, schema.Bytes()}
	if err := e.Encode(&line); err != nil {
		return t.Name
	}
	return strings.TrimSpace(b.String())
}

// describeOutput tells the form of the answer.
func describeOutput(o *llm.OutputFormat, source int32) words {
	if o.Schema == nil {
		if o.JSON {
			return own("Answer with a JSON object and nothing else.")
		}
		return nil
	}
	out := own("Answer with nothing but a JSON value that satisfies this JSON Schema")
	if o.Name != "" {
		out = append(out, own(" (")...)
		out = append(out, jinja.Segment{Text: o.Name, Source: source})
		out = append(out, own(")")...)
	}
	out = append(out, own(":\n")...)
	if o.Description != "" {
		out = append(out, jinja.Segment{Text: o.Description + "\n", Source: source})
	}
	var schema bytes.Buffer
	if err := json.Compact(&schema, o.Schema); err != nil {
		schema.Reset()
		schema.Write(o.Schema)
	}
	return append(out, jinja.Segment{Text: schema.String(), Source: source})
}

// tellTools writes calls and their results as text, for templates that have no place
// for them.
func tellTools(turns []turn) []turn {
	out := make([]turn, 0, len(turns))
	for _, t := range turns {
		switch {
		case t.role == roleTool:
			head := own("Result of the tool ")
			if t.name != "" {
				head = append(head, jinja.Segment{Text: t.name, Source: t.source})
			}
			t.text = append(append(head, own(":\n")...), t.text...)
			t.role = roleUser
		case len(t.calls) > 0:
			for _, c := range t.calls {
				t.text = t.text.and("\n", words{{Text: callJSON(&c), Source: c.source}})
			}
			t.calls = nil
		}
		out = append(out, t)
	}
	return out
}

// callJSON returns a call as the JSON family writes it.
func callJSON(c *call) string {
	var input bytes.Buffer
	if err := json.Compact(&input, c.input); err != nil || input.Len() == 0 {
		input.Reset()
		input.WriteString("{}")
	}
	name, err := json.Marshal(c.name)
	if err != nil {
		name = []byte(`""`)
	}
	return `{"name": ` + string(name) + `, "arguments": ` + input.String() + "}"
}
