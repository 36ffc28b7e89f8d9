package anthropic

import (
	"encoding/json"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// responseIn is a whole answer, as it is read.
type responseIn struct {
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	Model        string            `json:"model"`
	Content      []json.RawMessage `json:"content"`
	StopReason   string            `json:"stop_reason"`
	StopSequence *string           `json:"stop_sequence"`
	Usage        usage             `json:"usage"`
}

// DecodeResponse reads the body of a whole answer to req. Blocks that the vocabulary
// has no word for are left out; Raw has them when the caller's body was sent.
func DecodeResponse(body []byte, req *llm.ChatRequest) (*llm.ChatResponse, error) {
	var in responseIn
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	if in.Type != "message" {
		return nil, fmt.Errorf("read a message: it is of type %q", in.Type)
	}
	out := &llm.ChatResponse{
		Message:      llm.Message{Role: llm.Assistant},
		StopReason:   stopReason(in.StopReason),
		StopSequence: value(in.StopSequence),
		Usage:        in.Usage.decode(),
		Served:       llm.Served{Model: in.Model},
		ServiceTier:  tier(in.Usage.ServiceTier),
		ID:           in.ID,
	}
	for i, raw := range in.Content {
		b, _, err := decodeBlock(path("content").index(i), raw, 0)
		if err != nil {
			return nil, fmt.Errorf("read a message: %w", err)
		}
		if _, foreign := b.(*llm.JSON); !foreign {
			out.Message.Content = append(out.Message.Content, b)
		}
	}
	extra, err := rawjson.Select(body, req.ExtraPaths)
	if err != nil {
		return nil, err
	}
	out.Extra = extra
	if req.Raw != nil && req.Raw.Dialect == Dialect {
		out.Raw = body
	}
	return out, nil
}

// DecodeCount reads the answer to a request to count tokens.
func DecodeCount(body []byte) (int, error) {
	var in struct {
		InputTokens *int `json:"input_tokens"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return 0, fmt.Errorf("read a token count: %w", err)
	}
	if in.InputTokens == nil {
		return 0, fmt.Errorf("read a token count: it has no input_tokens")
	}
	return *in.InputTokens, nil
}
