package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Request is a chat completions request as a door receives it.
type Request struct {
	Chat *llm.ChatRequest
	// IncludeUsage: the client asked for a last chunk with the usage.
	IncludeUsage bool
}

// ParamError is a fault that concerns one parameter of the request, which OpenAI's
// errors name.
type ParamError struct {
	Param string
	Fault *fault.Error
}

func (e *ParamError) Error() string { return e.Param + ": " + e.Fault.Error() }

// Unwrap returns the fault.
func (e *ParamError) Unwrap() error { return e.Fault }

func invalid(param, format string, args ...any) error {
	return &ParamError{Param: param, Fault: fault.Errorf(fault.Invalid, format, args...)}
}

func unsupported(param string) error {
	return &ParamError{Param: param, Fault: fault.Errorf(fault.Invalid, "Unsupported parameter: '%s' is not supported here.", param)}
}

// wireRequest is the body in the form it has on the wire.
type wireRequest struct {
	Model               string            `json:"model"`
	Messages            []wireMessage     `json:"messages"`
	Tools               []wireTool        `json:"tools"`
	ToolChoice          json.RawMessage   `json:"tool_choice"`
	ParallelToolCalls   *bool             `json:"parallel_tool_calls"`
	Functions           []wireFunction    `json:"functions"`
	FunctionCall        json.RawMessage   `json:"function_call"`
	ResponseFormat      *wireFormat       `json:"response_format"`
	ReasoningEffort     string            `json:"reasoning_effort"`
	MaxTokens           *int              `json:"max_tokens"`
	MaxCompletionTokens *int              `json:"max_completion_tokens"`
	Temperature         *float64          `json:"temperature"`
	TopP                *float64          `json:"top_p"`
	TopK                *int              `json:"top_k"`
	Seed                *int64            `json:"seed"`
	Stop                json.RawMessage   `json:"stop"`
	N                   *int              `json:"n"`
	Stream              bool              `json:"stream"`
	StreamOptions       *wireStream       `json:"stream_options"`
	LogProbs            *bool             `json:"logprobs"`
	TopLogProbs         *int              `json:"top_logprobs"`
	Modalities          []string          `json:"modalities"`
	Audio               json.RawMessage   `json:"audio"`
	WebSearchOptions    json.RawMessage   `json:"web_search_options"`
	Metadata            map[string]string `json:"metadata"`
	User                string            `json:"user"`
	ServiceTier         string            `json:"service_tier"`
}

type wireStream struct {
	IncludeUsage bool `json:"include_usage"`
}

type wireTool struct {
	Type     string       `json:"type"`
	Function wireFunction `json:"function"`
}

type wireFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      *bool           `json:"strict"`
}

type wireFormat struct {
	Type       string `json:"type"`
	JSONSchema *struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Schema      json.RawMessage `json:"schema"`
		Strict      *bool           `json:"strict"`
	} `json:"json_schema"`
}

// DecodeRequest reads the body of a chat completions request. The Request refers
// to body, which must not be changed afterwards. Errors are of kind Invalid and
// name the parameter (see ParamError); members that OpenAI has and that change the
// answer in a way Outcrop cannot honour are refused, unknown ones are left to Raw.
func DecodeRequest(body []byte) (*Request, error) {
	var w wireRequest
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, decodeError(err)
	}
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return nil, &ParamError{Fault: fault.Errorf(fault.Invalid, "We could not parse the JSON body of your request: it is not an object.")}
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	chat := &llm.ChatRequest{
		Model: w.Model, Stream: w.Stream, ServiceTier: w.ServiceTier, Metadata: w.labels(),
		Raw: &llm.RawRequest{Dialect: Dialect, Body: body},
	}
	var d messageDecoder
	for i := range w.Messages {
		if err := d.message(fmt.Sprintf("messages.[%d]", i), &w.Messages[i]); err != nil {
			return nil, err
		}
	}
	chat.System, chat.Messages = d.system, d.messages
	if err := w.inference(&chat.Inference); err != nil {
		return nil, err
	}
	if err := w.tools(chat); err != nil {
		return nil, err
	}
	if err := w.format(&chat.Output); err != nil {
		return nil, err
	}
	var err error
	if chat.Logprobs, err = w.logprobs(); err != nil {
		return nil, err
	}
	return &Request{Chat: chat, IncludeUsage: w.StreamOptions != nil && w.StreamOptions.IncludeUsage}, nil
}

// decodeError says what is wrong with a body in the client's terms.
func decodeError(err error) error {
	if te, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // json.Unmarshal returns it bare
		return invalid(te.Field, "Invalid type for '%s': got %s.", te.Field, te.Value)
	}
	return &ParamError{Fault: fault.Wrap(fault.Invalid, err, "We could not parse the JSON body of your request.")}
}

// check refuses what is missing and what cannot be honoured.
func (w *wireRequest) check() error {
	switch {
	case w.Model == "":
		return invalid("model", "You must provide a model parameter.")
	case len(w.Messages) == 0:
		return invalid("messages", "Invalid 'messages': empty array. Expected an array with minimum length 1.")
	case w.N != nil && *w.N != 1:
		return invalid("n", "Unsupported value: 'n' must be 1: one choice is given for each request.")
	case given(w.Audio):
		return unsupported("audio")
	case given(w.WebSearchOptions):
		return unsupported("web_search_options")
	case w.StreamOptions != nil && !w.Stream:
		return invalid("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	for _, m := range w.Modalities {
		if m != "text" {
			return invalid("modalities", "Unsupported value: 'modalities' can hold only \"text\".")
		}
	}
	return nil
}

// given reports whether a member stands there with a value other than null.
func given(raw json.RawMessage) bool {
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null"))
}

func (w *wireRequest) labels() map[string]string {
	if w.User == "" {
		return w.Metadata
	}
	labels := map[string]string{"user": w.User}
	maps.Copy(labels, w.Metadata)
	return labels
}

func (w *wireRequest) inference(inf *llm.Inference) error {
	inf.Temperature, inf.TopP, inf.TopK, inf.Seed = w.Temperature, w.TopP, w.TopK, w.Seed
	if err := inRange("temperature", w.Temperature, 2); err != nil {
		return err
	}
	if err := inRange("top_p", w.TopP, 1); err != nil {
		return err
	}
	limit, param := w.MaxCompletionTokens, "max_completion_tokens"
	if limit == nil {
		limit, param = w.MaxTokens, "max_tokens"
	}
	if limit != nil {
		if *limit < 1 || *limit > math.MaxInt32 {
			return invalid(param, "Invalid '%s': expected an integer of at least 1, got %d.", param, *limit)
		}
		inf.MaxTokens = *limit
	}
	switch w.ReasoningEffort {
	case "", "low", "medium", "high":
		inf.Effort = w.ReasoningEffort
	case "minimal":
		inf.Effort = "low"
	case "xhigh":
		inf.Effort = "high"
	case "none":
		inf.ReasoningBudget = new(int)
	default:
		return invalid("reasoning_effort", "Invalid value: '%s'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high' and 'xhigh'.", w.ReasoningEffort)
	}
	return w.stop(inf)
}

func inRange(param string, v *float64, most float64) error {
	if v != nil && (*v < 0 || *v > most) {
		return invalid(param, "Invalid '%s': expected a value between 0 and %v, got %v.", param, most, *v)
	}
	return nil
}

func (w *wireRequest) stop(inf *llm.Inference) error {
	if !given(w.Stop) {
		return nil
	}
	var one string
	if json.Unmarshal(w.Stop, &one) == nil {
		inf.StopSequences = []string{one}
		return nil
	}
	if json.Unmarshal(w.Stop, &inf.StopSequences) != nil {
		return invalid("stop", "Invalid type for 'stop': expected a string or an array of strings.")
	}
	return nil
}

func (w *wireRequest) tools(chat *llm.ChatRequest) error {
	for i := range w.Tools {
		t := &w.Tools[i]
		if t.Type != "" && t.Type != "function" {
			return invalid(fmt.Sprintf("tools[%d].type", i), "Unsupported value: tools of type '%s' are not supported here, only 'function'.", t.Type)
		}
		if err := addTool(chat, fmt.Sprintf("tools[%d].function.name", i), &t.Function); err != nil {
			return err
		}
	}
	for i := range w.Functions {
		if err := addTool(chat, fmt.Sprintf("functions[%d].name", i), &w.Functions[i]); err != nil {
			return err
		}
	}
	if w.ParallelToolCalls != nil {
		chat.ToolChoice.DisableParallel = !*w.ParallelToolCalls
	}
	choice, param := w.ToolChoice, "tool_choice"
	if !given(choice) {
		choice, param = w.FunctionCall, "function_call"
	}
	if !given(choice) {
		return nil
	}
	return toolChoice(chat, param, choice)
}

func addTool(chat *llm.ChatRequest, param string, f *wireFunction) error {
	if f.Name == "" {
		return invalid(param, "Missing required parameter: '%s'.", param)
	}
	schema := f.Parameters
	if !given(schema) {
		schema = json.RawMessage(`{"type":"object","properties":{}}`)
	}
	chat.Tools = append(chat.Tools, llm.Tool{
		Name: f.Name, Description: f.Description, InputSchema: schema, Strict: f.Strict != nil && *f.Strict,
	})
	return nil
}

// toolChoice reads "auto", "none", "required", {"type": "function", "function":
// {"name": …}} and the legacy {"name": …}.
func toolChoice(chat *llm.ChatRequest, param string, raw json.RawMessage) error {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		switch word {
		case "auto":
			chat.ToolChoice.Mode = llm.ToolAuto
		case "none":
			chat.ToolChoice.Mode = llm.ToolNone
		case "required":
			chat.ToolChoice.Mode = llm.ToolAny
		default:
			return invalid(param, "Invalid value: '%s'. Supported values are: 'none', 'auto', and 'required'.", word)
		}
		if word == "required" && len(chat.Tools) == 0 {
			return invalid(param, "Invalid value for '%s': '%s' is only allowed when 'tools' are specified.", param, param)
		}
		return nil
	}
	var named struct {
		Type     string       `json:"type"`
		Name     string       `json:"name"`
		Function wireFunction `json:"function"`
	}
	if json.Unmarshal(raw, &named) != nil {
		return invalid(param, "Invalid type for '%s'.", param)
	}
	name := named.Function.Name
	if name == "" {
		name = named.Name
	}
	if name == "" || named.Type != "" && named.Type != "function" {
		return invalid(param, "Unsupported value for '%s': expected a function's name.", param)
	}
	for i := range chat.Tools {
		if chat.Tools[i].Name == name {
			chat.ToolChoice.Mode, chat.ToolChoice.Name = llm.ToolNamed, name
			return nil
		}
	}
	return invalid(param, "Invalid value for '%s': no function named '%s' was specified in the 'tools' parameter.", param, name)
}

func (w *wireRequest) format(out *llm.OutputFormat) error {
	f := w.ResponseFormat
	if f == nil {
		return nil
	}
	switch f.Type {
	case "", "text":
	case "json_object":
		out.JSON = true
	case "json_schema":
		s := f.JSONSchema
		if s == nil || s.Name == "" {
			return invalid("response_format.json_schema.name", "Missing required parameter: 'response_format.json_schema.name'.")
		}
		out.Name, out.Description, out.Schema = s.Name, s.Description, s.Schema
		out.Strict = s.Strict != nil && *s.Strict
		if !given(out.Schema) {
			out.Schema, out.JSON = nil, true
		}
	default:
		return invalid("response_format.type", "Invalid value: '%s'. Supported values are: 'text', 'json_object' and 'json_schema'.", strings.TrimSpace(f.Type))
	}
	return nil
}
