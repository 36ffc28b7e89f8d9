package embedded

import (
	"context"
	"errors"

	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/pull"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// EmbedModel is the name of Outcrop's embedding model, in model IDs and in
// llm.Served.Model: all-MiniLM-L6-v2, run by the engine.
const EmbedModel = pull.EmbedModel

var _ llm.Embedder = (*Models)(nil)

// Embed implements llm.Embedder. Dimensions other than the model's own are made by
// project.
func (m *Models) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.EmbedResponse, error) {
	loaded, release, err := m.acquire(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	defer release()
	encoder, ok := loaded.(*engine.Encoder)
	switch {
	case !ok:
		return nil, fault.Errorf(fault.Invalid, "The model %s writes text and makes no vectors.", req.Model)
	case encoder.Reranks():
		return nil, fault.Errorf(fault.Invalid, "The model %s scores pairs of texts and makes no vectors.", req.Model)
	}
	own := encoder.Dimensions()
	dims := req.Dimensions
	if dims == 0 {
		dims = own
	}
	if dims != own && !projects(dims) {
		return nil, fault.Errorf(fault.Invalid, "The model %s makes vectors of %d dimensions, and of 256, 512, 1024 and 1536 by projection; %d were asked for.", req.Model, own, dims)
	}
	got, err := encoder.Embed(ctx, req.Texts, engine.EmbedOptions{Normalize: req.Normalize, TextTokens: req.TextTokens})
	if long, ok := errors.AsType[*engine.TooLongError](err); ok {
		return nil, fault.Errorf(fault.Invalid, "400 Bad Request: Too many input tokens. Max input tokens: %d, request input token count: %d", long.Limit, long.Tokens)
	}
	if err != nil {
		return nil, err
	}
	if dims != own {
		for i, v := range got.Vectors {
			got.Vectors[i] = project(v, dims)
		}
	}
	return &llm.EmbedResponse{
		Vectors: got.Vectors, InputTokens: got.Tokens,
		Served: llm.Served{Model: req.Model, Fidelity: llm.Real},
	}, nil
}
