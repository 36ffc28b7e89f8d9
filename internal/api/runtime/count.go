package runtime

import (
	"context"

	"github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/dialect/converse"
	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// CountTokens counts the input tokens of a request in Converse's form or in that of
// InvokeModel.
func (s *Service) CountTokens(ctx context.Context, in *types.CountTokensRequest) (*types.CountTokensResponse, error) {
	req, err := s.countable(ctx, in)
	if err != nil {
		return nil, err
	}
	n, err := s.models.CountTokens(ctx, req)
	if err != nil {
		return nil, err
	}
	return &types.CountTokensResponse{InputTokens: n}, nil
}

func (s *Service) countable(ctx context.Context, in *types.CountTokensRequest) (*llm.ChatRequest, error) {
	switch {
	case in.Input.Converse != nil:
		req, err := converse.FromTokensRequest(in.ModelID, in.Input.Converse)
		if err != nil {
			return nil, err
		}
		return req, converse.Validate(req)
	case in.Input.InvokeModel != nil:
		if err := s.speaksAnthropic(ctx, in.ModelID); err != nil {
			return nil, err
		}
		req, err := anthropic.DecodeCountRequest(in.Input.InvokeModel.Body, anthropic.Bedrock, "")
		if err != nil {
			return nil, err
		}
		req.Model = in.ModelID
		return req, nil
	default:
		return nil, fault.Errorf(fault.Invalid, "The input must hold converse or invokeModel.")
	}
}
