package runtime

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/dialect/converse"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Converse continues a conversation and returns the whole answer.
func (s *Service) Converse(ctx context.Context, in *types.ConverseRequest) (*types.ConverseResponse, error) {
	req, err := converse.FromRequest(in)
	if err == nil {
		err = converse.Validate(req)
	}
	if err != nil {
		return nil, s.models.Refuse(ctx, in.ModelID, err)
	}
	resp, err := llm.Collect(s.models.Chat(ctx, req))
	if err != nil {
		return nil, err
	}
	return converse.ToResponse(resp)
}

// ConverseStream continues a conversation and returns the answer as it comes.
func (s *Service) ConverseStream(ctx context.Context, in *types.ConverseStreamRequest) (*types.ConverseStreamResponse, error) {
	req, err := converse.FromStreamRequest(in)
	if err == nil {
		err = converse.Validate(req)
	}
	if err != nil {
		return nil, s.models.Refuse(ctx, in.ModelID, err)
	}
	return &types.ConverseStreamResponse{Stream: inStream(converse.ToStream(s.models.Chat(ctx, req)))}, nil
}
