package gateway

import (
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// checkChat refuses what the model cannot do, in the texts that clients know.
func (g *Gateway) checkChat(m *catalog.Model, req *llm.ChatRequest) error {
	if req.Stream && !m.Streaming {
		return fault.Errorf(fault.Invalid, "The model is unsupported for streaming.")
	}
	if !m.Chat() {
		return fault.Errorf(fault.Invalid, "This action doesn't support the model that you provided. Try again with a supported text or chat model.")
	}
	if limit := m.MaxOutput; limit > 0 && req.Inference.MaxTokens > limit {
		return fault.Errorf(fault.Invalid, "The maximum tokens you requested exceeds the model limit of %d. Try again with a maximum tokens value that is lower than %d.", limit, limit)
	}
	if req.Guardrail != nil && !g.guarded {
		return fault.Errorf(fault.NotImplemented, "Outcrop does not apply guardrails yet: the call names guardrail %s and was not made.", req.Guardrail.ID)
	}
	for i := range req.Messages {
		if err := checkContent(m, req.Messages[i].Role, req.Messages[i].Content); err != nil {
			return err
		}
	}
	return nil
}

// checkContent looks for media that the model does not read.
func checkContent(m *catalog.Model, role llm.Role, blocks []llm.Block) error {
	for _, b := range blocks {
		var what string
		switch b := b.(type) {
		case *llm.Image:
			if !m.Accepts(catalog.Image) {
				what = "image"
			}
		case *llm.Guard:
			if b.Image != nil && !m.Accepts(catalog.Image) {
				what = "image"
			}
		case *llm.Video:
			if !m.Accepts(catalog.Video) {
				what = "video"
			}
		case *llm.Audio:
			if !m.Accepts(catalog.Speech) {
				what = "audio"
			}
		case *llm.ToolResult:
			if err := checkContent(m, role, b.Content); err != nil {
				return err
			}
		}
		if what != "" {
			return fault.Errorf(fault.Invalid, "This model doesn't support the %s field for %s messages. Remove %s and try again.", what, role, what)
		}
	}
	return nil
}

func checkEmbed(m *catalog.Model) error {
	if !m.Embeds() {
		return fault.Errorf(fault.Invalid, "This action doesn't support the model that you provided. Try again with a supported embedding model.")
	}
	return nil
}
