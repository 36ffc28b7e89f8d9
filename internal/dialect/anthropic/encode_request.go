package anthropic

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// The limits sent when the caller gave none: the API wants one, and Bedrock's own is
// the most that the model can write. Of Anthropic's models from the fourth generation
// on, each can write 32,000 tokens and some more.
const (
	minLimit     = 4096 // what every model can write, and room for an answer after the thinking
	limit35      = 8192
	currentLimit = 32000
)

// defaultLimit returns the limit for a model by its name.
func defaultLimit(model string) int {
	switch has := func(s string) bool { return strings.Contains(model, s) }; {
	case has("claude-3-7"):
		return currentLimit
	case has("claude-3-5"):
		return limit35
	case !has("claude-"), has("claude-3"), has("claude-2"), has("claude-instant"):
		return minLimit
	default:
		return currentLimit
	}
}

// Request is a request for an upstream.
type Request struct {
	Body  []byte
	Betas []string // values of the anthropic-beta header; nil in the Bedrock form, whose body has them
	// Version is the anthropic-version header that the caller's own body asks for. Empty:
	// Version2023 will do; in the Bedrock form, whose body has it, it always is.
	Version string
}

// requestOut is the part of a body that the vocabulary has words for.
type requestOut struct {
	Model         string            `json:"model,omitempty"`
	Version       string            `json:"anthropic_version,omitempty"`
	MaxTokens     int               `json:"max_tokens,omitempty"`
	System        []json.RawMessage `json:"system,omitempty"`
	Messages      []messageOut      `json:"messages"`
	Tools         []json.RawMessage `json:"tools,omitempty"`
	ToolChoice    *toolChoiceOut    `json:"tool_choice,omitempty"`
	Thinking      *thinkingConfig   `json:"thinking,omitempty"`
	OutputConfig  *outputConfigOut  `json:"output_config,omitempty"`
	Temperature   *float64          `json:"temperature,omitempty"`
	TopP          *float64          `json:"top_p,omitempty"`
	TopK          *int              `json:"top_k,omitempty"`
	StopSequences []string          `json:"stop_sequences,omitempty"`
	ServiceTier   string            `json:"service_tier,omitempty"`
	Stream        bool              `json:"stream,omitempty"`
}

type (
	messageOut struct {
		Role    llm.Role          `json:"role"`
		Content []json.RawMessage `json:"content"`
	}
	toolOut struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		InputSchema json.RawMessage `json:"input_schema"`
		Strict      bool            `json:"strict,omitempty"`
	}
	toolChoiceOut struct {
		Type            llm.ToolMode `json:"type"`
		Name            string       `json:"name,omitempty"`
		DisableParallel bool         `json:"disable_parallel_tool_use,omitempty"`
	}
	thinkingConfig struct {
		Type   string `json:"type"`
		Budget int    `json:"budget_tokens,omitempty"`
	}
	outputConfigOut struct {
		Effort string     `json:"effort,omitempty"`
		Format *formatOut `json:"format,omitempty"`
	}
	formatOut struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	}
)

// EncodeRequest returns the body for an upstream, with req.Model as its name of the
// model. When req.Raw is of this dialect it is that body, byte for byte but for the
// members in which the two forms differ. The fields of req.Extra are added: its "tools"
// to the others; one that the request has already is an error.
//
// Documents in formats that the API does not take are read into text; ctx bounds that.
// A seed is not sent: the API has none and a seed promises nothing. So are a service
// tier other than "priority", and a guardrail.
func EncodeRequest(ctx context.Context, req *llm.ChatRequest, form Form) (*Request, error) {
	if req.Raw != nil && req.Raw.Dialect == Dialect {
		return rawRequest(req, form)
	}
	out, err := encodeRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	if out.MaxTokens == 0 {
		if out.MaxTokens, err = defaultMaxTokens(out, req); err != nil {
			return nil, err
		}
	}
	if req.ServiceTier == "priority" {
		out.ServiceTier = "auto"
	}
	out.Stream = req.Stream
	return finishRequest(out, req, form)
}

// defaultMaxTokens leaves room for an answer after the thinking. It is zero when the
// limit is in req.Extra.
func defaultMaxTokens(out *requestOut, req *llm.ChatRequest) (int, error) {
	thinking := value(out.Thinking)
	if req.Extra != nil {
		limit, err := rawjson.Get(req.Extra, "max_tokens")
		if err != nil || limit != nil {
			return 0, nil //nolint:nilerr // an Extra that is no object is found later
		}
		if raw, _ := rawjson.Get(req.Extra, "thinking"); !isNull(raw) {
			if err := path("thinking").decode(raw, &thinking); err != nil {
				return 0, err
			}
		}
	}
	return max(defaultLimit(req.Model), minLimit+thinking.Budget), nil
}

// EncodeCountRequest returns the body for an upstream that counts tokens. Members
// that the endpoint refuses, because they change no count, are left out.
func EncodeCountRequest(ctx context.Context, req *llm.ChatRequest, form Form) (*Request, error) {
	if req.Raw != nil && req.Raw.Dialect == Dialect {
		r, err := rawRequest(req, form)
		if err != nil {
			return nil, err
		}
		return r, r.remove("max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "service_tier", "metadata")
	}
	out, err := encodeRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	out.MaxTokens, out.Temperature, out.TopP, out.TopK, out.StopSequences = 0, nil, nil, nil, nil
	r, err := finishRequest(out, req, form)
	if err != nil {
		return nil, err
	}
	return r, r.remove("service_tier", "metadata")
}

func (r *Request) remove(keys ...string) error {
	fields := make([]rawjson.Field, len(keys))
	for i, k := range keys {
		fields[i].Key = k
	}
	body, err := rawjson.Set(r.Body, fields...)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "The request body is not a JSON object.")
	}
	r.Body = body
	return nil
}

// rawRequest adapts a body that the caller wrote in this dialect.
func rawRequest(req *llm.ChatRequest, form Form) (*Request, error) {
	betas, err := betas(req)
	if err != nil {
		return nil, err
	}
	edits := []rawjson.Field{{Key: "anthropic_version"}, {Key: "anthropic_beta"}}
	if form == Bedrock {
		edits = append(edits, rawjson.Field{Key: "model"}, rawjson.Field{Key: "stream"})
	} else {
		model, err := marshal(req.Model)
		if err != nil {
			return nil, err
		}
		edits = append(edits, rawjson.Field{Key: "model", Value: model}, streamField(req.Stream))
	}
	out := &Request{Betas: betas, Version: cmp.Or(req.Raw.Version, Version2023)}
	if out.Body, err = rawjson.Set(req.Raw.Body, edits...); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The request body is not a JSON object.")
	}
	return out, out.setForm(form)
}

func streamField(on bool) rawjson.Field {
	f := rawjson.Field{Key: "stream"}
	if on {
		f.Value = json.RawMessage("true")
	}
	return f
}

// setForm adds the members that only the Bedrock form has.
func (r *Request) setForm(form Form) error {
	if form != Bedrock {
		return nil
	}
	fields := []rawjson.Field{{Key: "anthropic_version", Value: json.RawMessage(`"` + bodyVersion(r.Version) + `"`)}}
	r.Version = ""
	if len(r.Betas) > 0 {
		list, err := marshal(r.Betas)
		if err != nil {
			return err
		}
		fields = append(fields, rawjson.Field{Key: "anthropic_beta", Value: list})
		r.Betas = nil
	}
	body, err := rawjson.Set(r.Body, fields...)
	r.Body = body
	return err
}

// betas returns the beta features that the caller asked for.
func betas(req *llm.ChatRequest) ([]string, error) {
	if req.Extra == nil {
		return nil, nil
	}
	raw, err := rawjson.Get(req.Extra, "anthropic_beta")
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "additionalModelRequestFields: Input should be a valid dictionary")
	}
	if isNull(raw) {
		return nil, nil
	}
	var list []string
	if err := path("anthropic_beta").decode(raw, &list); err != nil {
		return nil, err
	}
	return list, nil
}

func encodeRequest(ctx context.Context, req *llm.ChatRequest) (*requestOut, error) {
	out := &requestOut{
		MaxTokens:     req.Inference.MaxTokens,
		Temperature:   req.Inference.Temperature,
		TopP:          req.Inference.TopP,
		TopK:          req.Inference.TopK,
		StopSequences: req.Inference.StopSequences,
		Messages:      make([]messageOut, 0, len(req.Messages)),
	}
	messages, err := readDocuments(ctx, req.Messages)
	if err != nil {
		return nil, err
	}
	if len(req.System) > 0 {
		if out.System, err = encodeContent("system", req.System); err != nil {
			return nil, err
		}
	}
	for i, m := range messages {
		content, err := encodeContent(path("messages").index(i).key("content"), m.Content)
		if err != nil {
			return nil, err
		}
		out.Messages = append(out.Messages, messageOut{Role: m.Role, Content: content})
	}
	if out.Tools, err = encodeTools(req); err != nil {
		return nil, err
	}
	out.ToolChoice = encodeToolChoice(req.ToolChoice)
	if budget := req.Inference.ReasoningBudget; budget != nil {
		out.Thinking = &thinkingConfig{Type: "disabled"}
		if *budget > 0 {
			out.Thinking = &thinkingConfig{Type: "enabled", Budget: *budget}
		}
	}
	out.OutputConfig, err = encodeOutput(req)
	return out, err
}

func encodeTools(req *llm.ChatRequest) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for i, t := range req.Tools {
		p := path("tools").index(i)
		if t.System {
			return nil, p.errorf("This model has no system tool named %q.", t.Name)
		}
		tool, err := marshal(toolOut{Name: t.Name, Description: t.Description, InputSchema: t.InputSchema, Strict: t.Strict})
		if err != nil {
			return nil, p.key("input_schema").errorf("Input should be valid JSON")
		}
		out = append(out, tool)
	}
	if req.ToolCachePoint != nil && len(out) > 0 {
		marked, err := mark(out[len(out)-1], req.ToolCachePoint)
		if err != nil {
			return nil, err
		}
		out[len(out)-1] = marked
	}
	return out, nil
}

func encodeToolChoice(c llm.ToolChoice) *toolChoiceOut {
	if c.Mode == llm.ToolDefault {
		if !c.DisableParallel {
			return nil
		}
		c.Mode = llm.ToolAuto
	}
	return &toolChoiceOut{Type: c.Mode, Name: c.Name, DisableParallel: c.DisableParallel && c.Mode != llm.ToolNone}
}

func encodeOutput(req *llm.ChatRequest) (*outputConfigOut, error) {
	out := outputConfigOut{Effort: req.Inference.Effort}
	switch {
	case req.Output.Schema != nil:
		out.Format = &formatOut{Type: "json_schema", Schema: req.Output.Schema}
	case req.Output.JSON:
		return nil, fault.Errorf(fault.Invalid, "This model doesn't support JSON output without a schema. Give a JSON schema and try again.")
	}
	if out == (outputConfigOut{}) {
		return nil, nil //nolint:nilnil // no configuration is no error
	}
	return &out, nil
}

// finishRequest encodes out, adds req.Extra and what the form has.
func finishRequest(out *requestOut, req *llm.ChatRequest, form Form) (*Request, error) {
	betas, err := betas(req)
	if err != nil {
		return nil, err
	}
	var fields []rawjson.Field
	if req.Extra != nil {
		if fields, err = rawjson.Fields(req.Extra); err != nil {
			return nil, fault.Errorf(fault.Invalid, "additionalModelRequestFields: Input should be a valid dictionary")
		}
	}
	edits, version := fields[:0:0], ""
	for _, f := range fields {
		switch f.Key {
		case "anthropic_beta":
		case "anthropic_version":
			if version, err = parseBodyVersion(f.Value); err != nil {
				return nil, err
			}
		case "model", "stream", "messages", "system":
			// They'd make another call of it than the one that was authorised and counted.
			return nil, conflict(f.Key)
		case "tools":
			var more []json.RawMessage
			if err := path("tools").decode(f.Value, &more); err != nil {
				return nil, err
			}
			out.Tools = append(out.Tools, more...)
		case "thinking":
			out.Thinking = nil
			edits = append(edits, f)
		default:
			edits = append(edits, f)
		}
	}
	if form == Bedrock {
		out.Stream = false
	} else {
		out.Model = req.Model
	}
	r := &Request{Betas: betas, Version: version}
	if r.Body, err = marshal(out); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The request holds a value that is not valid JSON.")
	}
	if len(edits) > 0 {
		for _, f := range edits {
			if v, err := rawjson.Get(r.Body, f.Key); err != nil || v != nil {
				return nil, conflict(f.Key)
			}
		}
		if r.Body, err = rawjson.Set(r.Body, edits...); err != nil {
			return nil, err
		}
	}
	return r, r.setForm(form)
}

// conflict is the error of a field that is given in two ways.
func conflict(key string) error {
	return fault.Errorf(fault.Invalid, "The additional field %s conflicts with an existing field.", key)
}
