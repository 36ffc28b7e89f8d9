package runtime

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/dialect/titan"
	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// embeds returns the model that the caller means when it is an embedding model, nil
// for others and for unknown ones, which are somebody else's to refuse.
func (s *Service) embeds(ctx context.Context, model string) *catalog.Model {
	c := call.From(ctx)
	r, err := s.catalog.Lookup(c.Region, c.Account, model)
	if err != nil || !r.Model.Embeds() {
		return nil
	}
	return r.Model
}

// embed answers InvokeModel for an embedding model.
func (s *Service) embed(ctx context.Context, in *types.InvokeModelRequest, m *catalog.Model) (*types.InvokeModelResponse, error) {
	body, err := embeddingBody(in, m)
	if err != nil {
		return nil, s.models.Refuse(ctx, in.ModelID, err)
	}
	start := time.Now()
	resp, err := s.models.Embed(ctx, &llm.EmbedRequest{
		Model: in.ModelID, Texts: []string{body.Text},
		Dimensions: body.Dimensions, Normalize: body.Normalize, TextTokens: titan.MaxTokens,
	})
	if err != nil {
		return nil, err
	}
	answer, err := body.Encode(resp.Vectors[0], resp.InputTokens)
	if err != nil {
		return nil, fault.Wrap(fault.ModelError, err, "The model returned a vector that is none.")
	}
	h := call.From(ctx).Header
	h.Set("X-Amzn-Bedrock-Input-Token-Count", strconv.Itoa(resp.InputTokens))
	h.Set("X-Amzn-Bedrock-Invocation-Latency", strconv.FormatInt(time.Since(start).Milliseconds(), 10))
	return &types.InvokeModelResponse{Body: answer, ContentType: contentType, PerformanceConfigLatency: in.PerformanceConfigLatency}, nil
}

// embeddingBody reads a body in the form of the model's provider.
func embeddingBody(in *types.InvokeModelRequest, m *catalog.Model) (*titan.Embedding, error) {
	if in.GuardrailIdentifier != "" {
		return nil, fault.Errorf(fault.NotImplemented, "Outcrop does not implement guardrails for embedding models yet.")
	}
	switch {
	case m.Own:
		return titan.DecodeEmbedding(in.Body, titan.Own())
	case strings.HasPrefix(m.ID, "amazon.titan-embed-text-v2"):
		return titan.DecodeEmbedding(in.Body, titan.V2())
	case strings.HasPrefix(m.ID, "amazon.titan-embed-text-v1"), strings.HasPrefix(m.ID, "amazon.titan-embed-g1-text"):
		return titan.DecodeEmbedding(in.Body, titan.V1())
	case m.UserDefined:
		return titan.DecodeEmbedding(in.Body, titan.Own())
	}
	return nil, fault.Errorf(fault.NotImplemented, "Outcrop does not implement %s's own request body of %s yet: of embedding models it knows those of Titan Text.", m.Provider, m.ID)
}
