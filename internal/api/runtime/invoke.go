package runtime

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// contentType is the only one that InvokeModel's bodies have here.
const contentType = "application/json"

// InvokeModel answers a provider's own request body with the provider's own response.
func (s *Service) InvokeModel(ctx context.Context, in *types.InvokeModelRequest) (*types.InvokeModelResponse, error) {
	if m := s.embeds(ctx, in.ModelID); m != nil {
		return s.embed(ctx, in, m)
	}
	req, err := s.invocation(ctx, in)
	if err != nil {
		return nil, s.models.Refuse(ctx, in.ModelID, err)
	}
	resp, err := llm.Collect(s.models.Chat(ctx, req))
	if err != nil {
		return nil, err
	}
	body, err := anthropic.EncodeResponse(resp, req.Model)
	if err != nil {
		return nil, err
	}
	h := call.From(ctx).Header
	h.Set("X-Amzn-Bedrock-Input-Token-Count", strconv.Itoa(resp.Usage.InputTokens))
	h.Set("X-Amzn-Bedrock-Output-Token-Count", strconv.Itoa(resp.Usage.OutputTokens))
	h.Set("X-Amzn-Bedrock-Invocation-Latency", strconv.FormatInt(resp.Latency.Milliseconds(), 10))
	if resp.Usage.CacheReadTokens+resp.Usage.CacheWriteTokens > 0 {
		h.Set("X-Amzn-Bedrock-Cache-Read-Input-Token-Count", strconv.Itoa(resp.Usage.CacheReadTokens))
		h.Set("X-Amzn-Bedrock-Cache-Write-Input-Token-Count", strconv.Itoa(resp.Usage.CacheWriteTokens))
	}
	return &types.InvokeModelResponse{
		Body: body, ContentType: contentType,
		PerformanceConfigLatency: in.PerformanceConfigLatency,
		ServiceTier:              types.ServiceTierType(resp.ServiceTier),
	}, nil
}

// InvokeModelWithResponseStream is InvokeModel with the provider's own stream events.
func (s *Service) InvokeModelWithResponseStream(ctx context.Context, in *types.InvokeModelWithResponseStreamRequest) (*types.InvokeModelWithResponseStreamResponse, error) {
	whole := types.InvokeModelRequest(*in)
	req, err := s.invocation(ctx, &whole)
	if err != nil {
		return nil, s.models.Refuse(ctx, in.ModelID, err)
	}
	req.Stream = true
	enc := &anthropic.StreamEncoder{Form: anthropic.Bedrock, Model: req.Model, Start: started(ctx)}
	return &types.InvokeModelWithResponseStreamResponse{
		ContentType:              contentType,
		PerformanceConfigLatency: in.PerformanceConfigLatency,
		Stream:                   inStream(chunks(s.models.Chat(ctx, req), enc)),
	}, nil
}

// chunks puts each event of the provider's stream into a chunk of Bedrock's.
func chunks(events iter.Seq2[llm.Event, error], enc *anthropic.StreamEncoder) iter.Seq2[*types.ResponseStream, error] {
	return func(yield func(*types.ResponseStream, error) bool) {
		for e, err := range events {
			var out []anthropic.Chunk
			if err == nil {
				out, err = enc.Encode(e)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, c := range out {
				if !yield(&types.ResponseStream{Chunk: &types.PayloadPart{Bytes: c.Data}}, nil) {
					return
				}
			}
		}
	}
}

// invocation reads a body in the dialect of the model's provider.
func (s *Service) invocation(ctx context.Context, in *types.InvokeModelRequest) (*llm.ChatRequest, error) {
	if err := s.speaksAnthropic(ctx, in.ModelID); err != nil {
		return nil, err
	}
	req, err := anthropic.DecodeRequest(in.Body, anthropic.Bedrock, "")
	if err != nil {
		return nil, err
	}
	req.Model = in.ModelID
	req.Latency = string(in.PerformanceConfigLatency)
	if in.ServiceTier != "" {
		req.ServiceTier = string(in.ServiceTier)
	}
	if in.GuardrailIdentifier != "" {
		req.Guardrail = &llm.GuardrailConfig{ID: in.GuardrailIdentifier, Version: in.GuardrailVersion, Trace: string(in.Trace)}
	}
	if in.RequestMetadata != "" {
		if err := json.Unmarshal([]byte(in.RequestMetadata), &req.Metadata); err != nil {
			return nil, fault.Errorf(fault.Invalid, "The X-Amzn-Bedrock-Request-Metadata header must be a JSON object of strings.")
		}
	}
	return req, nil
}

// speaksAnthropic reports, by its error, whether the model takes Anthropic's Messages
// body: Claude, Outcrop's own chat models and those a user added do.
func (s *Service) speaksAnthropic(ctx context.Context, model string) error {
	c := call.From(ctx)
	r, err := s.catalog.Lookup(c.Region, c.Account, model)
	if err != nil {
		return err
	}
	m := r.Model
	if m.Provider == "Anthropic" || (m.Own || m.UserDefined) && m.Chat() {
		return nil
	}
	if m.Chat() {
		return fault.Errorf(fault.NotImplemented, "Outcrop does not implement %s's own request body in %s yet; call %s through Converse.", m.Provider, c.Operation, m.ID)
	}
	return fault.Errorf(fault.NotImplemented, "Outcrop does not implement %s for %s yet: chat models can be invoked, and embedding models by InvokeModel.", c.Operation, m.ID)
}

func started(ctx context.Context) time.Time {
	if t := call.From(ctx).Start; !t.IsZero() {
		return t
	}
	return time.Now()
}
