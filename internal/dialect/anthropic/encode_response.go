package anthropic

import (
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// message is a whole answer.
type message struct {
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	Role         llm.Role          `json:"role"`
	Model        string            `json:"model"`
	Content      []json.RawMessage `json:"content"`
	StopReason   *string           `json:"stop_reason"`
	StopSequence *string           `json:"stop_sequence"`
	Usage        usage             `json:"usage"`
}

// EncodeResponse returns the body of a whole answer: the upstream's own when it
// spoke this dialect, else one that is made from resp. model is the name it says
// has answered.
func EncodeResponse(resp *llm.ChatResponse, model string) ([]byte, error) {
	if resp.Raw != nil {
		return resp.Raw, nil
	}
	out := newMessage(resp.ID, model, &resp.Usage, resp.ServiceTier)
	for _, b := range resp.Message.Content {
		raw, err := encodeAnswer(b)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, raw)
	}
	reason := reasonText(resp.StopReason)
	out.StopReason = &reason
	if resp.StopSequence != "" {
		out.StopSequence = &resp.StopSequence
	}
	return marshal(out)
}

// EncodeCount returns the body that answers a request to count tokens.
func EncodeCount(tokens int) ([]byte, error) {
	return marshal(struct {
		InputTokens int `json:"input_tokens"`
	}{tokens})
}

func newMessage(id, model string, u *llm.Usage, tier string) message {
	if !strings.HasPrefix(id, "msg_") {
		id = "msg_01" + rand.Text()[:22]
	}
	return message{
		ID: id, Type: "message", Role: llm.Assistant, Model: model,
		Content: []json.RawMessage{}, Usage: encodeUsage(u, tier),
	}
}

// encodeAnswer writes a block of an answer. Citations of the web are kept here: a
// reader wants them, and nobody checks their index.
func encodeAnswer(b llm.Block) (json.RawMessage, error) {
	switch b := b.(type) {
	case *llm.Citations:
		out := textOut{Type: typeText, Text: b.Text}
		for i := range b.Citations {
			out.Citations = append(out.Citations, encodeCitation(&b.Citations[i]))
		}
		return marshal(out)
	case *llm.Text, *llm.ToolUse, *llm.ToolResult, *llm.Reasoning:
		return encodeBlock("content", b)
	default:
		return nil, fault.Errorf(fault.ModelError, "The model answered with content that the Messages API has no form for (%T).", b)
	}
}
