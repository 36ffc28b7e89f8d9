package chat

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/jinja"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// abilities are what a template can do, found by asking it (probe.go).
type abilities struct {
	system          bool // a system turn that opens the conversation
	systemLater     bool // system turns elsewhere
	tools           bool // shows the tools it is given
	calls           bool // shows calls in the history
	results         bool // shows what tools returned
	parallel        bool // several calls in one turn
	userAfterResult bool // takes a user's turn after a tool's
	argumentsText   bool // wants a call's arguments as JSON text, not as an object
	noneContent     bool // wants none for the text of a turn that only calls
	parts           bool // wants a turn's text as a list of parts
	shortIDs        bool // wants IDs of calls to be nine letters or digits
	toolList        bool // wants a list of tools even when there are none
}

// model is a template with what it needs to be rendered.
type model struct {
	template *jinja.Template
	can      abilities
	bos, eos string
	now      func() time.Time
}

// view is one rendering's input.
type view struct {
	turns    []turn
	tools    []llm.Tool // shown by the template itself
	toolsSrc int32
	generate bool        // end with the opening of an answer
	thinking *bool       // nil: as the model does by itself
	effort   string      // "low", "medium", "high" or empty
	extra    *jinja.Dict // variables of the caller's own; may be nil
	limits   jinja.Options
}

// render renders a view.
func (m *model) render(v *view) ([]jinja.Segment, error) {
	messages := make([]jinja.Value, len(v.turns))
	for i := range v.turns {
		msg, err := m.message(&v.turns[i])
		if err != nil {
			return nil, err
		}
		messages[i] = msg
	}
	vars := make(map[string]jinja.Value)
	if v.extra != nil {
		maps.Insert(vars, v.extra.All())
	}
	vars["messages"] = jinja.List(messages...)
	vars["add_generation_prompt"] = jinja.Bool(v.generate)
	vars["bos_token"] = jinja.String(m.bos, 0)
	vars["eos_token"] = jinja.String(m.eos, 0)
	vars["tools"], vars["documents"] = jinja.None(), jinja.None()
	if len(v.tools) > 0 || m.can.toolList {
		tools, err := toolValues(v.tools, v.toolsSrc)
		if err != nil {
			return nil, err
		}
		vars["tools"] = tools
	}
	if v.thinking != nil {
		vars["enable_thinking"] = jinja.Bool(*v.thinking)
		vars["thinking"] = jinja.Bool(*v.thinking)
	}
	if v.effort != "" {
		vars["reasoning_effort"] = jinja.String(v.effort, 0)
	}
	options := v.limits
	options.Now = m.now
	return m.template.Render(vars, options)
}

// message returns a turn in the form of Hugging Face's chat templates.
func (m *model) message(t *turn) (jinja.Value, error) {
	d := (&jinja.Dict{}).Set("role", jinja.String(string(t.role), 0))
	d.Set("content", m.content(t))
	if len(t.reasoning) > 0 {
		d.Set("reasoning_content", t.reasoning.value())
	}
	if t.role == roleTool {
		d.Set("tool_call_id", jinja.String(m.callID(t.id), t.source))
		d.Set("name", jinja.String(t.name, t.source))
	}
	if len(t.calls) == 0 {
		return d, nil
	}
	calls := make([]jinja.Value, len(t.calls))
	for i, c := range t.calls {
		arguments, err := m.arguments(&c)
		if err != nil {
			return nil, err
		}
		function := (&jinja.Dict{}).Set("name", jinja.String(c.name, c.source)).Set("arguments", arguments)
		calls[i] = (&jinja.Dict{}).Set("id", jinja.String(m.callID(c.id), c.source)).
			Set("type", jinja.String("function", 0)).Set("function", function)
	}
	d.Set("tool_calls", jinja.List(calls...))
	return d, nil
}

func (m *model) content(t *turn) jinja.Value {
	if len(t.text) == 0 && len(t.calls) > 0 && m.can.noneContent {
		return jinja.None()
	}
	if !m.can.parts {
		return t.text.value()
	}
	part := (&jinja.Dict{}).Set("type", jinja.String("text", 0)).Set("text", t.text.value())
	return jinja.List(part)
}

func (m *model) arguments(c *call) (jinja.Value, error) {
	input := c.input
	if len(bytes.TrimSpace(input)) == 0 {
		input = json.RawMessage("{}")
	}
	if m.can.argumentsText {
		var b bytes.Buffer
		if err := json.Compact(&b, input); err != nil {
			return nil, fmt.Errorf("the input of the call %s: %w", c.id, err)
		}
		return jinja.String(b.String(), c.source), nil
	}
	v, err := jinja.FromJSON(input, c.source)
	if err != nil {
		return nil, fmt.Errorf("the input of the call %s: %w", c.id, err)
	}
	return v, nil
}

// shortID is the length of IDs in Mistral's formats.
const shortID = 9

// callID returns the ID as the template takes it. The same ID is always the same.
func (m *model) callID(id string) string {
	if !m.can.shortIDs || len(id) == shortID && isAlphanumeric(id) {
		return id
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	sum := sha256.Sum256([]byte(id))
	short := make([]byte, shortID)
	for i := range short {
		short[i] = letters[int(sum[i])%len(letters)]
	}
	return string(short)
}

func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// toolValues returns tools in the form of OpenAI's function calling, which templates
// expect.
func toolValues(tools []llm.Tool, source int32) (jinja.Value, error) {
	out := make([]jinja.Value, len(tools))
	for i, t := range tools {
		v, err := toolValue(&t, source)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return jinja.List(out...), nil
}

func toolValue(t *llm.Tool, source int32) (jinja.Value, error) {
	schema := t.InputSchema
	if len(bytes.TrimSpace(schema)) == 0 {
		schema = json.RawMessage(`{"type": "object", "properties": {}}`)
	}
	parameters, err := jinja.FromJSON(schema, source)
	if err != nil {
		return nil, fmt.Errorf("the schema of the tool %s: %w", t.Name, err)
	}
	function := (&jinja.Dict{}).Set("name", jinja.String(t.Name, source)).
		Set("description", jinja.String(t.Description, source)).Set("parameters", parameters)
	return (&jinja.Dict{}).Set("type", jinja.String("function", 0)).Set("function", function), nil
}
