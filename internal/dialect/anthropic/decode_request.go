package anthropic

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// DecodeRequest reads the body of a request for an answer. The result's Raw holds
// the body, so that an Anthropic upstream gets it as it was written. In the Bedrock
// form the caller sets Model and Stream. In the direct form version is the request's
// anthropic-version header; in the Bedrock form, which has it in the body, it is ignored.
//
// Turns of the same role that follow each other are one turn, as Anthropic has it.
func DecodeRequest(body []byte, form Form, version string) (*llm.ChatRequest, error) {
	d := newRequestDecoder(body, form, version)
	if err := d.decode(body); err != nil {
		return nil, err
	}
	_, given := d.seen["max_tokens"]
	switch {
	case !given:
		return nil, path("max_tokens").required()
	case d.req.Inference.MaxTokens < 1:
		return nil, path("max_tokens").errorf("Input should be greater than or equal to 1")
	}
	return d.req, nil
}

// DecodeCountRequest reads the body of a request to count tokens: what DecodeRequest
// reads, with "max_tokens" optional.
func DecodeCountRequest(body []byte, form Form, version string) (*llm.ChatRequest, error) {
	d := newRequestDecoder(body, form, version)
	if err := d.decode(body); err != nil {
		return nil, err
	}
	return d.req, nil
}

// requestDecoder reads one body, member by member. Keys are matched exactly.
type requestDecoder struct {
	form       Form
	version    string // Version2023 or Version2026, once it has been read
	req        *llm.ChatRequest
	seen       map[string]int // where each member was last
	extra      []rawjson.Field
	typedTools []json.RawMessage
}

func newRequestDecoder(body []byte, form Form, version string) *requestDecoder {
	raw := &llm.RawRequest{Dialect: Dialect, Body: body}
	return &requestDecoder{form: form, version: version, req: &llm.ChatRequest{Raw: raw}}
}

func (d *requestDecoder) decode(body []byte) error {
	if !json.Valid(body) {
		return fault.Errorf(fault.Invalid, "The request body is not valid JSON.")
	}
	fields, err := rawjson.Fields(body)
	if err != nil {
		return fault.Errorf(fault.Invalid, "Input should be a valid dictionary")
	}
	d.seen = make(map[string]int, len(fields))
	for i, f := range fields {
		d.seen[f.Key] = i
	}
	var version json.RawMessage
	if i, given := d.seen["anthropic_version"]; given {
		version = fields[i].Value
	}
	if err := d.readVersion(version); err != nil { // it says how to read the rest
		return err
	}
	for i, f := range fields {
		if d.seen[f.Key] != i { // the last one counts
			continue
		}
		if err := d.member(f.Key, f.Value); err != nil {
			return err
		}
	}
	if err := d.requiredMembers(); err != nil {
		return err
	}
	if err := validate(d.req); err != nil {
		return err
	}
	return d.finishExtra()
}

func (d *requestDecoder) requiredMembers() error {
	has := func(key string) bool { _, ok := d.seen[key]; return ok }
	switch {
	case d.form == Direct && !has("model"):
		return path("model").required()
	case !has("messages"):
		return path("messages").required()
	}
	return nil
}

// member reads one member of the body.
func (d *requestDecoder) member(key string, value json.RawMessage) error {
	p, req := path(key), d.req
	switch key {
	case "model", "stream":
		return d.formMember(key, value)
	case "anthropic_version": // see readVersion
		return nil
	case "messages":
		return d.messages(p, value)
	case "system":
		return d.system(p, value)
	case "max_tokens":
		return p.decode(value, &req.Inference.MaxTokens)
	case "temperature":
		return p.unit(value, &req.Inference.Temperature)
	case "top_p":
		return p.unit(value, &req.Inference.TopP)
	case "top_k":
		return p.decode(value, &req.Inference.TopK)
	case "stop_sequences":
		return p.decode(value, &req.Inference.StopSequences)
	case "thinking":
		return d.thinking(p, value)
	case "tools":
		return d.tools(p, value)
	case "tool_choice":
		return d.toolChoice(p, value)
	case "output_config":
		return d.outputConfig(p, value)
	default:
		d.extra = append(d.extra, rawjson.Field{Key: key, Value: value})
		return nil
	}
}

// formMember reads a member that only the direct form has.
func (d *requestDecoder) formMember(key string, value json.RawMessage) error {
	if d.form == Bedrock {
		return path(key).errorf("Extra inputs are not permitted")
	}
	if key == "stream" {
		return path(key).decode(value, &d.req.Stream)
	}
	if err := path(key).decode(value, &d.req.Model); err != nil {
		return err
	}
	if d.req.Model == "" {
		return path(key).errorf("String should have at least 1 character")
	}
	return nil
}

// unit reads an optional number between 0 and 1.
func (p path) unit(value json.RawMessage, to **float64) error {
	if err := p.decode(value, to); err != nil {
		return err
	}
	if v := *to; v != nil && (*v < 0 || *v > 1) {
		return p.errorf("range: 0..1")
	}
	return nil
}

func (d *requestDecoder) messages(p path, value json.RawMessage) error {
	var messages []struct {
		Role    *string         `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := p.decode(value, &messages); err != nil {
		return err
	}
	if len(messages) == 0 {
		return p.errorf("at least one message is required")
	}
	for i, m := range messages {
		at := p.index(i)
		if m.Role == nil {
			return at.key("role").required()
		}
		role := llm.Role(*m.Role)
		switch role {
		case llm.User, llm.Assistant, llm.System:
		default:
			return at.key("role").errorf("Input should be 'user' or 'assistant'")
		}
		if isNull(m.Content) {
			return at.key("content").required()
		}
		blocks, err := decodeContent(at.key("content"), m.Content, rulesFor(d.version, role))
		if err != nil {
			return err
		}
		if len(blocks) == 0 && (i < len(messages)-1 || role != llm.Assistant) {
			return p.errorf("messages.%d: all messages must have non-empty content except for the optional final assistant message", i)
		}
		d.addMessage(role, blocks)
	}
	return nil
}

// addMessage adds a turn, or adds to the last one when the same side goes on.
func (d *requestDecoder) addMessage(role llm.Role, blocks []llm.Block) {
	if n := len(d.req.Messages); n > 0 && d.req.Messages[n-1].Role == role {
		last := &d.req.Messages[n-1]
		last.Content = append(last.Content, blocks...)
		return
	}
	d.req.Messages = append(d.req.Messages, llm.Message{Role: role, Content: blocks})
}

func (d *requestDecoder) system(p path, value json.RawMessage) error {
	if isNull(value) {
		return nil
	}
	blocks, err := decodeContent(p, value, 0)
	if err != nil {
		return err
	}
	for i, b := range blocks {
		switch b := b.(type) {
		case *llm.CachePoint:
		case *llm.Text:
			if b.Text == "" && isString(value) {
				return nil // system: "" is no system prompt
			}
		default:
			return p.index(i).errorf("Input should be a text block")
		}
	}
	d.req.System = blocks
	return nil
}

// thinking reads the budget. Modes that the vocabulary has no word for ("adaptive",
// a display) stay in Extra, and the upstream gets them from there.
func (d *requestDecoder) thinking(p path, value json.RawMessage) error {
	if isNull(value) {
		return nil
	}
	var t struct {
		Type    string          `json:"type"`
		Budget  *int            `json:"budget_tokens"`
		Display json.RawMessage `json:"display"`
	}
	if err := p.decode(value, &t); err != nil {
		return err
	}
	switch t.Type {
	case "enabled":
		if t.Budget == nil {
			return p.key("enabled.budget_tokens").required()
		}
		if *t.Budget < 1024 {
			return p.key("enabled.budget_tokens").errorf("Input should be greater than or equal to 1024")
		}
		d.req.Inference.ReasoningBudget = t.Budget
		if !isNull(t.Display) {
			d.extra = append(d.extra, rawjson.Field{Key: "thinking", Value: value})
		}
	case "disabled":
		d.req.Inference.ReasoningBudget = new(int)
	case "":
		return p.key("type").required()
	default:
		d.extra = append(d.extra, rawjson.Field{Key: "thinking", Value: value})
	}
	return nil
}

func (d *requestDecoder) outputConfig(p path, value json.RawMessage) error {
	if isNull(value) {
		return nil
	}
	var config struct {
		Effort *string `json:"effort"`
		Format *struct {
			Type   string          `json:"type"`
			Schema json.RawMessage `json:"schema"`
		} `json:"format"`
	}
	if err := p.decode(value, &config); err != nil {
		return err
	}
	if config.Effort != nil {
		d.req.Inference.Effort = *config.Effort
	}
	f := config.Format
	switch {
	case f == nil:
	case f.Type != "json_schema":
		return p.key("format.type").errorf("Input should be 'json_schema'")
	case !isObject(f.Schema):
		return p.key("format.schema").required()
	default:
		d.req.Output = llm.OutputFormat{Schema: f.Schema, Strict: true}
	}
	return nil
}

// finishExtra puts the members that were set aside into one object.
func (d *requestDecoder) finishExtra() error {
	if len(d.typedTools) > 0 {
		tools, err := marshal(d.typedTools)
		if err != nil {
			return fault.Errorf(fault.Invalid, "tools: %w", err)
		}
		d.extra = append(d.extra, rawjson.Field{Key: "tools", Value: tools})
	}
	if len(d.extra) == 0 {
		return nil
	}
	extra, err := rawjson.Set([]byte("{}"), d.extra...)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "The request cannot be read.")
	}
	d.req.Extra = extra
	return nil
}

// AddBetas adds to req the beta features that a caller named in the anthropic-beta
// header. They are kept in Extra, where those of a Bedrock body are.
func AddBetas(req *llm.ChatRequest, header []string) error {
	list, err := betas(req)
	if err != nil {
		return err
	}
	for _, value := range header {
		for beta := range strings.SplitSeq(value, ",") {
			if beta = strings.TrimSpace(beta); beta != "" && !slices.Contains(list, beta) {
				list = append(list, beta)
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	value, err := marshal(list)
	if err != nil {
		return err
	}
	extra := req.Extra
	if extra == nil {
		extra = json.RawMessage("{}")
	}
	req.Extra, err = rawjson.Set(extra, rawjson.Field{Key: "anthropic_beta", Value: value})
	return err
}
