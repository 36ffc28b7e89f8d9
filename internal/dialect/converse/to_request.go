package converse

import (
	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// ToRequest converts a request for Bedrock's Converse. What Converse has no word for
// (top_k, a seed, a reasoning budget, no tools at all …) is an error: it belongs into
// req.Extra, in the model's own words.
func ToRequest(req *llm.ChatRequest) (*gen.ConverseRequest, error) {
	if err := unsaid(req); err != nil {
		return nil, err
	}
	out := &gen.ConverseRequest{
		ModelID:                           req.Model,
		AdditionalModelRequestFields:      req.Extra,
		AdditionalModelResponseFieldPaths: req.ExtraPaths,
		RequestMetadata:                   req.Metadata,
		InferenceConfig:                   toInference(&req.Inference),
		OutputConfig:                      toOutputConfig(req),
		ToolConfig:                        toToolConfig(req),
	}
	for i, m := range req.Messages {
		content, err := toContent("content", m.Content)
		if err != nil {
			return nil, under(path("messages").index(i), err)
		}
		out.Messages = append(out.Messages, gen.Message{Role: gen.ConversationRole(m.Role), Content: content})
	}
	var err error
	if out.System, err = toSystem(req.System); err != nil {
		return nil, err
	}
	if g := req.Guardrail; g != nil {
		out.GuardrailConfig = &gen.GuardrailConfiguration{
			GuardrailIdentifier: g.ID, GuardrailVersion: g.Version, Trace: gen.GuardrailTrace(g.Trace),
		}
	}
	if req.Latency != "" {
		out.PerformanceConfig = &gen.PerformanceConfiguration{Latency: gen.PerformanceConfigLatency(req.Latency)}
	}
	if req.ServiceTier != "" {
		out.ServiceTier = &gen.ServiceTier{Type: gen.ServiceTierType(req.ServiceTier)}
	}
	if req.PromptVariables != nil {
		out.PromptVariables = make(map[string]gen.PromptVariableValues, len(req.PromptVariables))
		for name, v := range req.PromptVariables {
			out.PromptVariables[name] = gen.PromptVariableValues{Text: &v}
		}
	}
	return out, nil
}

// ToStreamRequest converts a request for Bedrock's ConverseStream, as ToRequest does.
func ToStreamRequest(req *llm.ChatRequest) (*gen.ConverseStreamRequest, error) {
	in, err := ToRequest(req)
	if err != nil {
		return nil, err
	}
	out := &gen.ConverseStreamRequest{
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
	}
	if g := req.Guardrail; g != nil {
		out.GuardrailConfig = &gen.GuardrailStreamConfiguration{
			GuardrailIdentifier: g.ID, GuardrailVersion: g.Version, Trace: gen.GuardrailTrace(g.Trace),
			StreamProcessingMode: gen.GuardrailStreamProcessingMode(g.StreamMode),
		}
	}
	return out, nil
}

// ToTokensRequest converts a request for the converse form of Bedrock's CountTokens.
func ToTokensRequest(req *llm.ChatRequest) (*gen.ConverseTokensRequest, error) {
	in, err := ToRequest(req)
	if err != nil {
		return nil, err
	}
	return &gen.ConverseTokensRequest{
		Messages: in.Messages, System: in.System, ToolConfig: in.ToolConfig,
		AdditionalModelRequestFields: in.AdditionalModelRequestFields,
	}, nil
}

// unsaid reports the first wish in req that Converse cannot say.
func unsaid(req *llm.ChatRequest) error {
	for _, w := range []struct {
		set  bool
		what string
	}{
		{req.Inference.TopK != nil, "top_k"},
		{req.Inference.Seed != nil, "seed"},
		{req.Inference.ReasoningBudget != nil, "a reasoning budget"},
		{req.ToolChoice.Mode == llm.ToolNone, "a tool choice of none"},
		{req.ToolChoice.DisableParallel, "forbidding parallel tool use"},
		{req.Output.JSON && req.Output.Schema == nil, "JSON output without a schema"},
		{len(req.Tools) == 0 && req.ToolCachePoint != nil, "a cache point without tools"},
		{len(req.Tools) == 0 && req.ToolChoice.Mode != "", "a tool choice without tools"},
	} {
		if w.set {
			return invalid("This model's API has no word for %s.", w.what)
		}
	}
	return nil
}

func toInference(in *llm.Inference) *gen.InferenceConfiguration {
	if in.MaxTokens == 0 && in.Temperature == nil && in.TopP == nil && in.StopSequences == nil {
		return nil
	}
	out := &gen.InferenceConfiguration{Temperature: in.Temperature, TopP: in.TopP, StopSequences: in.StopSequences}
	if in.MaxTokens != 0 {
		out.MaxTokens = &in.MaxTokens
	}
	return out
}

func toOutputConfig(req *llm.ChatRequest) *gen.OutputConfig {
	if req.Inference.Effort == "" && req.Output.Schema == nil {
		return nil
	}
	out := &gen.OutputConfig{Effort: req.Inference.Effort}
	if s := req.Output; s.Schema != nil {
		out.TextFormat = &gen.OutputFormat{Type: gen.OutputFormatTypeJSONSchema, Structure: &gen.OutputFormatStructure{
			JSONSchema: &gen.JSONSchemaDefinition{SchemaValue: string(s.Schema), Name: s.Name, Description: s.Description},
		}}
	}
	return out
}

func toToolConfig(req *llm.ChatRequest) *gen.ToolConfiguration {
	if len(req.Tools) == 0 {
		return nil
	}
	out := &gen.ToolConfiguration{Tools: make([]gen.Tool, 0, len(req.Tools)+1)}
	for i := range req.Tools {
		t := &req.Tools[i]
		if t.System {
			out.Tools = append(out.Tools, gen.Tool{SystemTool: &gen.SystemTool{Name: t.Name}})
			continue
		}
		spec := &gen.ToolSpecification{Name: t.Name, Description: t.Description, InputSchema: &gen.ToolInputSchema{JSON: t.InputSchema}}
		if t.Strict {
			spec.Strict = &t.Strict
		}
		out.Tools = append(out.Tools, gen.Tool{ToolSpec: spec})
	}
	if req.ToolCachePoint != nil {
		out.Tools = append(out.Tools, gen.Tool{CachePoint: cachePoint(req.ToolCachePoint.TTL)})
	}
	switch req.ToolChoice.Mode {
	case llm.ToolAuto:
		out.ToolChoice = &gen.ToolChoice{Auto: &gen.AutoToolChoice{}}
	case llm.ToolAny:
		out.ToolChoice = &gen.ToolChoice{Any: &gen.AnyToolChoice{}}
	case llm.ToolNamed:
		out.ToolChoice = &gen.ToolChoice{Tool: &gen.SpecificToolChoice{Name: req.ToolChoice.Name}}
	case llm.ToolDefault, llm.ToolNone: // nothing, and refused by unsaid
	}
	return out
}

func toSystem(in []llm.Block) ([]gen.SystemContentBlock, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]gen.SystemContentBlock, len(in))
	for i, b := range in {
		switch b := b.(type) {
		case *llm.Text:
			out[i].Text = &b.Text
		case *llm.CachePoint:
			out[i].CachePoint = cachePoint(b.TTL)
		case *llm.Guard:
			guard, err := toGuard(path("system").index(i).key("guardContent"), b)
			if err != nil {
				return nil, err
			}
			out[i].GuardContent = guard
		default:
			return nil, path("system").index(i).no("this kind of content in a system prompt")
		}
	}
	return out, nil
}
