package converse

import (
	"encoding/json"
	"time"

	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

// ToResponse converts a whole answer.
func ToResponse(resp *llm.ChatResponse) (*gen.ConverseResponse, error) {
	content, err := toContent("output.message.content", resp.Message.Content)
	if err != nil {
		return nil, fault.Wrap(fault.ModelError, err, "The model answered with content that Converse has no shape for.")
	}
	out := &gen.ConverseResponse{
		Output:                        &gen.ConverseOutput{Message: &gen.Message{Role: gen.ConversationRoleAssistant, Content: content}},
		StopReason:                    gen.StopReason(resp.StopReason),
		Usage:                         toUsage(&resp.Usage),
		Metrics:                       &gen.ConverseMetrics{LatencyMs: resp.Latency.Milliseconds()},
		AdditionalModelResponseFields: resp.Extra,
	}
	if resp.ServiceTier != "" {
		out.ServiceTier = &gen.ServiceTier{Type: gen.ServiceTierType(resp.ServiceTier)}
	}
	if resp.Trace != nil {
		out.Trace = &gen.ConverseTrace{}
		err = readTrace(resp.Trace, out.Trace)
	}
	return out, err
}

// FromResponse converts an answer of Bedrock's.
func FromResponse(in *gen.ConverseResponse) (*llm.ChatResponse, error) {
	if in.Output == nil || in.Output.Message == nil {
		return nil, modelFault("The model's answer holds no message.")
	}
	content, err := fromContent("output.message.content", in.Output.Message.Content)
	if err != nil {
		return nil, fault.Wrap(fault.ModelError, err, "The model's answer cannot be read.")
	}
	out := &llm.ChatResponse{
		Message:    llm.Message{Role: llm.Role(in.Output.Message.Role), Content: content},
		StopReason: llm.StopReason(in.StopReason),
		Usage:      fromUsage(in.Usage),
		Extra:      in.AdditionalModelResponseFields,
	}
	if in.Metrics != nil {
		out.Latency = time.Duration(in.Metrics.LatencyMs) * time.Millisecond
	}
	if in.ServiceTier != nil {
		out.ServiceTier = string(in.ServiceTier.Type)
	}
	if in.Trace != nil {
		out.Trace, err = writeTrace(in.Trace)
	}
	return out, err
}

// toUsage gives the cache's counts always, as Bedrock does for models that have one:
// callers read them without asking first.
func toUsage(u *llm.Usage) *gen.TokenUsage {
	out := &gen.TokenUsage{
		InputTokens: u.InputTokens, OutputTokens: u.OutputTokens, TotalTokens: u.Total(),
		CacheReadInputTokens: &u.CacheReadTokens, CacheWriteInputTokens: &u.CacheWriteTokens,
	}
	for _, d := range u.CacheDetails {
		out.CacheDetails = append(out.CacheDetails, gen.CacheDetail{TTL: gen.CacheTTL(d.TTL), InputTokens: d.InputTokens})
	}
	return out
}

func fromUsage(u *gen.TokenUsage) llm.Usage {
	if u == nil {
		return llm.Usage{}
	}
	out := llm.Usage{
		InputTokens: u.InputTokens, OutputTokens: u.OutputTokens,
		CacheReadTokens: value(u.CacheReadInputTokens), CacheWriteTokens: value(u.CacheWriteInputTokens),
	}
	for _, d := range u.CacheDetails {
		out.CacheDetails = append(out.CacheDetails, llm.CacheDetail{TTL: string(d.TTL), InputTokens: d.InputTokens})
	}
	return out
}

// readTrace reads a trace in Converse's shape.
func readTrace(raw json.RawMessage, out smithy.Struct) error {
	if err := jsoncodec.NewReader(raw).Struct(out); err != nil {
		return fault.Wrap(fault.Internal, err, "The trace cannot be read.")
	}
	return nil
}

func writeTrace(in smithy.Struct) (json.RawMessage, error) {
	var w jsoncodec.Writer
	w.Struct(in)
	if err := w.Err(); err != nil {
		return nil, modelFault("The trace of the model's answer cannot be read.")
	}
	return w.Written(), nil
}
