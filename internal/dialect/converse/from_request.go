package converse

import (
	"encoding/json"

	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// FromRequest converts a Converse request.
func FromRequest(in *gen.ConverseRequest) (*llm.ChatRequest, error) {
	out := &llm.ChatRequest{
		Model:      in.ModelID,
		Extra:      in.AdditionalModelRequestFields,
		ExtraPaths: in.AdditionalModelResponseFieldPaths,
		Metadata:   in.RequestMetadata,
	}
	var err error
	if out.Messages, err = fromMessages(in.Messages); err != nil {
		return nil, err
	}
	if out.System, err = fromSystem(in.System); err != nil {
		return nil, err
	}
	if err := fromToolConfig(out, in.ToolConfig); err != nil {
		return nil, err
	}
	if c := in.InferenceConfig; c != nil {
		out.Inference = llm.Inference{
			MaxTokens: value(c.MaxTokens), Temperature: c.Temperature, TopP: c.TopP, StopSequences: c.StopSequences,
		}
	}
	if err := fromOutputConfig(out, in.OutputConfig); err != nil {
		return nil, err
	}
	if c := in.GuardrailConfig; c != nil {
		out.Guardrail = &llm.GuardrailConfig{ID: c.GuardrailIdentifier, Version: c.GuardrailVersion, Trace: string(c.Trace)}
	}
	if in.PerformanceConfig != nil {
		out.Latency = string(in.PerformanceConfig.Latency)
	}
	if in.ServiceTier != nil {
		out.ServiceTier = string(in.ServiceTier.Type)
	}
	out.PromptVariables, err = fromVariables(in.PromptVariables)
	return out, err
}

// FromStreamRequest converts a ConverseStream request.
func FromStreamRequest(in *gen.ConverseStreamRequest) (*llm.ChatRequest, error) {
	out, err := FromRequest(&gen.ConverseRequest{
		ModelID:                           in.ModelID,
		Messages:                          in.Messages,
		System:                            in.System,
		InferenceConfig:                   in.InferenceConfig,
		ToolConfig:                        in.ToolConfig,
		AdditionalModelRequestFields:      in.AdditionalModelRequestFields,
		PromptVariables:                   in.PromptVariables,
		AdditionalModelResponseFieldPaths: in.AdditionalModelResponseFieldPaths,
		RequestMetadata:                   in.RequestMetadata,
		PerformanceConfig:                 in.PerformanceConfig,
		ServiceTier:                       in.ServiceTier,
		OutputConfig:                      in.OutputConfig,
	})
	if err != nil {
		return nil, err
	}
	out.Stream = true
	if c := in.GuardrailConfig; c != nil {
		out.Guardrail = &llm.GuardrailConfig{
			ID: c.GuardrailIdentifier, Version: c.GuardrailVersion,
			Trace: string(c.Trace), StreamMode: string(c.StreamProcessingMode),
		}
	}
	return out, nil
}

// FromTokensRequest converts the converse form of a CountTokens request.
func FromTokensRequest(modelID string, in *gen.ConverseTokensRequest) (*llm.ChatRequest, error) {
	return FromRequest(&gen.ConverseRequest{
		ModelID:                      modelID,
		Messages:                     in.Messages,
		System:                       in.System,
		ToolConfig:                   in.ToolConfig,
		AdditionalModelRequestFields: in.AdditionalModelRequestFields,
	})
}

func fromMessages(in []gen.Message) ([]llm.Message, error) {
	if in == nil {
		return nil, nil
	}
	out := make([]llm.Message, len(in))
	for i := range in {
		m := &in[i]
		content, err := fromContent("content", m.Content)
		if err != nil {
			return nil, under(path("messages").index(i), err)
		}
		out[i] = llm.Message{Role: llm.Role(m.Role), Content: content}
	}
	return out, nil
}

func fromSystem(in []gen.SystemContentBlock) ([]llm.Block, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]llm.Block, len(in))
	for i := range in {
		switch b := &in[i]; {
		case b.Text != nil:
			out[i] = &llm.Text{Text: *b.Text}
		case b.GuardContent != nil:
			guard, err := fromGuard(path("system").index(i).key("guardContent"), b.GuardContent)
			if err != nil {
				return nil, err
			}
			out[i] = guard
		case b.CachePoint != nil:
			out[i] = &llm.CachePoint{TTL: string(b.CachePoint.TTL)}
		default:
			return nil, path("system").index(i).missing()
		}
	}
	return out, nil
}

func fromToolConfig(out *llm.ChatRequest, in *gen.ToolConfiguration) error {
	if in == nil {
		return nil
	}
	out.Tools = make([]llm.Tool, 0, len(in.Tools))
	const tools path = "toolConfig.tools"
	for i := range in.Tools {
		switch t := &in.Tools[i]; {
		case t.ToolSpec != nil:
			tool := llm.Tool{Name: t.ToolSpec.Name, Description: t.ToolSpec.Description, Strict: value(t.ToolSpec.Strict)}
			if t.ToolSpec.InputSchema == nil || t.ToolSpec.InputSchema.JSON == nil {
				return tools.index(i).key("toolSpec.inputSchema").missing()
			}
			tool.InputSchema = t.ToolSpec.InputSchema.JSON
			out.Tools = append(out.Tools, tool)
		case t.SystemTool != nil:
			out.Tools = append(out.Tools, llm.Tool{Name: t.SystemTool.Name, System: true})
		case t.CachePoint != nil:
			out.ToolCachePoint = &llm.CachePoint{TTL: string(t.CachePoint.TTL)}
		default:
			return tools.index(i).missing()
		}
	}
	switch c := in.ToolChoice; {
	case c == nil:
	case c.Auto != nil:
		out.ToolChoice.Mode = llm.ToolAuto
	case c.Any != nil:
		out.ToolChoice.Mode = llm.ToolAny
	case c.Tool != nil:
		out.ToolChoice = llm.ToolChoice{Mode: llm.ToolNamed, Name: c.Tool.Name}
	default:
		return path("toolConfig.toolChoice").missing()
	}
	return nil
}

func fromOutputConfig(out *llm.ChatRequest, in *gen.OutputConfig) error {
	if in == nil {
		return nil
	}
	out.Inference.Effort = in.Effort
	if in.TextFormat == nil {
		return nil
	}
	const p path = "outputConfig.textFormat.structure"
	if in.TextFormat.Structure == nil || in.TextFormat.Structure.JSONSchema == nil {
		return p.missing()
	}
	s := in.TextFormat.Structure.JSONSchema
	if !json.Valid([]byte(s.SchemaValue)) {
		return invalid("%s: the schema is not valid JSON", p.key("jsonSchema.schema"))
	}
	out.Output = llm.OutputFormat{Schema: json.RawMessage(s.SchemaValue), Name: s.Name, Description: s.Description, Strict: true}
	return nil
}

func fromVariables(in map[string]gen.PromptVariableValues) (map[string]string, error) {
	if in == nil {
		return nil, nil
	}
	out := make(map[string]string, len(in))
	for name, v := range in {
		if v.Text == nil {
			return nil, path("promptVariables").key(name).missing()
		}
		out[name] = *v.Text
	}
	return out, nil
}
