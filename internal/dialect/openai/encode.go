package openai

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Options are what servers of the dialect differ in.
type Options struct {
	// MaxCompletionTokens writes the limit as max_completion_tokens, which OpenAI's
	// newer models demand, and not as max_tokens, which the other servers know.
	MaxCompletionTokens bool
	// OmitReasoning leaves out the reasoning of earlier turns: OpenAI refuses the
	// member reasoning_content, by which the other servers take it.
	OmitReasoning bool
}

// AppendRequest appends the chat completions body for req to dst.
func AppendRequest(ctx context.Context, dst []byte, req *llm.ChatRequest, opt Options) ([]byte, error) {
	if raw := req.Raw; raw != nil && raw.Dialect == Dialect {
		return appendRawRequest(dst, req)
	}
	start := len(dst)
	e := &encoder{ctx: ctx, opt: opt}
	dst = append(dst, '{')
	dst = appendMember(dst, "model", req.Model)
	dst = e.messages(appendKey(dst, "messages"), req)
	dst = e.tools(dst, req)
	dst = appendFormat(dst, &req.Output)
	dst = appendInference(dst, &req.Inference, opt)
	if req.Stream {
		dst = append(appendKey(dst, "stream"), "true"...)
		dst = append(appendKey(dst, "stream_options"), `{"include_usage":true}`...)
	}
	dst = append(dst, '}')
	if e.err != nil {
		return nil, e.err
	}
	if len(req.Extra) == 0 {
		return dst, nil
	}
	merged, err := mergeExtra(dst[start:], req.Extra)
	if err != nil {
		return nil, err
	}
	return append(dst[:start], merged...), nil
}

// appendRawRequest sends the caller's own body. Only the model's name changes, and
// what makes the answer come as req.Stream says, with its usage.
func appendRawRequest(dst []byte, req *llm.ChatRequest) ([]byte, error) {
	fields := []rawjson.Field{{Key: "model", Value: appendString(nil, req.Model)}}
	if req.Stream {
		options, err := rawjson.Get(req.Raw.Body, "stream_options")
		if err == nil && options != nil {
			options, err = rawjson.Set(options, rawjson.Field{Key: "include_usage", Value: json.RawMessage("true")})
		}
		if err != nil || options == nil {
			options = json.RawMessage(`{"include_usage":true}`)
		}
		fields = append(fields, rawjson.Field{Key: "stream", Value: json.RawMessage("true")},
			rawjson.Field{Key: "stream_options", Value: options})
	} else {
		fields = append(fields, rawjson.Field{Key: "stream"}, rawjson.Field{Key: "stream_options"})
	}
	body, err := rawjson.Set(req.Raw.Body, fields...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The request body is not a JSON object.")
	}
	return append(dst, body...), nil
}

// reserved are the members that say what is asked of which model and how it is
// answered: the spine has decided on them, and a caller's extra fields must not
// lead around it.
var reserved = []string{"model", "messages", "stream", "stream_options", "n"}

// mergeExtra puts the caller's additional fields over the body's own.
func mergeExtra(body []byte, extra json.RawMessage) ([]byte, error) {
	fields, err := rawjson.Fields(extra)
	if err != nil || !json.Valid(extra) {
		return nil, fault.Errorf(fault.Invalid, "The additional model request fields are not a JSON object.")
	}
	for _, f := range fields {
		if slices.Contains(reserved, f.Key) {
			return nil, fault.Errorf(fault.Invalid, "The additional model request field %q cannot be set.", f.Key)
		}
	}
	return rawjson.Set(body, fields...)
}

func (e *encoder) tools(dst []byte, req *llm.ChatRequest) []byte {
	if len(req.Tools) == 0 {
		return dst
	}
	dst = append(appendKey(dst, "tools"), '[')
	for i := range req.Tools {
		tool := &req.Tools[i]
		if tool.System {
			e.fail("The tool %q is the provider's own, which this backend does not have.", tool.Name)
			return dst
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"type":"function","function":{`...)
		dst = appendMember(dst, "name", tool.Name)
		dst = appendOptional(dst, "description", tool.Description)
		dst = appendRaw(appendKey(dst, "parameters"), tool.InputSchema, `{"type":"object","properties":{}}`)
		if tool.Strict {
			dst = append(appendKey(dst, "strict"), "true"...)
		}
		dst = append(dst, "}}"...)
	}
	dst = append(dst, ']')
	switch req.ToolChoice.Mode {
	case llm.ToolDefault:
	case llm.ToolAuto:
		dst = appendMember(dst, "tool_choice", "auto")
	case llm.ToolAny:
		dst = appendMember(dst, "tool_choice", "required")
	case llm.ToolNone:
		dst = appendMember(dst, "tool_choice", "none")
	case llm.ToolNamed:
		dst = append(appendKey(dst, "tool_choice"), `{"type":"function","function":{`...)
		dst = append(appendMember(dst, "name", req.ToolChoice.Name), "}}"...)
	}
	if req.ToolChoice.DisableParallel {
		dst = append(appendKey(dst, "parallel_tool_calls"), "false"...)
	}
	return dst
}

// defaultFormatName names a schema that came without a name, which OpenAI wants.
const defaultFormatName = "response"

func appendFormat(dst []byte, out *llm.OutputFormat) []byte {
	switch {
	case out.Schema != nil:
		dst = append(appendKey(dst, "response_format"), `{"type":"json_schema","json_schema":{`...)
		name := out.Name
		if name == "" {
			name = defaultFormatName
		}
		dst = appendMember(dst, "name", name)
		dst = appendOptional(dst, "description", out.Description)
		dst = appendRaw(appendKey(dst, "schema"), out.Schema, "{}")
		if out.Strict {
			dst = append(appendKey(dst, "strict"), "true"...)
		}
		return append(dst, "}}"...)
	case out.JSON:
		return append(appendKey(dst, "response_format"), `{"type":"json_object"}`...)
	}
	return dst
}

func appendInference(dst []byte, inf *llm.Inference, opt Options) []byte {
	if inf.MaxTokens > 0 {
		key := "max_tokens"
		if opt.MaxCompletionTokens {
			key = "max_completion_tokens"
		}
		dst = strconv.AppendInt(appendKey(dst, key), int64(inf.MaxTokens), 10)
	}
	if inf.Temperature != nil {
		dst = appendFloat(appendKey(dst, "temperature"), *inf.Temperature)
	}
	if inf.TopP != nil {
		dst = appendFloat(appendKey(dst, "top_p"), *inf.TopP)
	}
	if inf.TopK != nil { // not OpenAI's, but every local server's
		dst = strconv.AppendInt(appendKey(dst, "top_k"), int64(*inf.TopK), 10)
	}
	if len(inf.StopSequences) > 0 {
		dst = append(appendKey(dst, "stop"), '[')
		for i, s := range inf.StopSequences {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, s)
		}
		dst = append(dst, ']')
	}
	if inf.Seed != nil {
		dst = strconv.AppendInt(appendKey(dst, "seed"), *inf.Seed, 10)
	}
	return appendOptional(dst, "reasoning_effort", effort(inf))
}

// effort says how hard to think. The dialect knows levels and no budgets, so a
// budget of tokens becomes the level that is nearest to what providers give one.
func effort(inf *llm.Inference) string {
	switch budget := inf.ReasoningBudget; {
	case inf.Effort != "" || budget == nil || *budget <= 0:
		return inf.Effort
	case *budget <= 2048:
		return "low"
	case *budget <= 8192:
		return "medium"
	}
	return "high"
}
