package openai

import (
	"encoding/json"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// DecodeResponse reads a whole chat completion. extraPaths are
// llm.ChatRequest.ExtraPaths. Usage is marked Estimated, and zero, when the body
// has none. The error is a *ProviderError where the body is one, else a
// *fault.Error.
func DecodeResponse(body []byte, extraPaths []string) (*llm.ChatResponse, error) {
	var c completion
	if err := c.read(body); err != nil {
		return nil, broken(err)
	}
	if c.choices == 0 {
		return nil, fault.Errorf(fault.ModelError, "The model's provider sent a completion without a choice.")
	}
	if c.message.audio {
		return nil, errAudio()
	}
	resp := &llm.ChatResponse{ID: c.id, Usage: c.usage, ServiceTier: c.tier}
	resp.Usage.Estimated = !c.hasUsage
	resp.Message.Role = llm.Assistant
	malformed := appendBlocks(&resp.Message, &c.message)
	reason, err := stopReason(c.finish, c.sequence, len(c.message.calls), malformed)
	if err != nil {
		return nil, fault.Wrap(fault.ModelError, err, "The model's provider broke off its answer.")
	}
	resp.StopReason = reason
	if reason == llm.StopSequence {
		resp.StopSequence = c.sequence
	}
	if c.message.refusal != "" {
		resp.StopReason = llm.ContentFiltered
	}
	if resp.Extra, err = rawjson.Select(body, extraPaths); err != nil {
		return nil, broken(err)
	}
	return resp, nil
}

// appendBlocks turns a whole message into blocks, and reports whether a call's
// arguments were no JSON; they become a JSON string then, so that the answer as a
// whole stays valid and the caller can see what the model wrote.
func appendBlocks(m *llm.Message, p *piece) (malformed bool) {
	if p.reasoning != "" {
		m.Content = append(m.Content, &llm.Reasoning{Text: p.reasoning})
	}
	if text := p.content + p.refusal; text != "" {
		m.Content = append(m.Content, &llm.Text{Text: text})
	}
	for i := range p.calls {
		call := &p.calls[i]
		use := &llm.ToolUse{ID: callID(call.id), Name: call.name, Input: json.RawMessage(call.arguments)}
		switch {
		case blank(call.arguments):
			use.Input = json.RawMessage("{}")
		case !json.Valid(use.Input):
			malformed = true
			use.Input = appendString(nil, call.arguments)
		}
		m.Content = append(m.Content, use)
	}
	return malformed
}

func blank(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\n', '\r':
		default:
			return false
		}
	}
	return true
}

// broken gives bytes that are no completion their fault; a ProviderError stays one.
func broken(err error) error {
	if pe, ok := err.(*ProviderError); ok { //nolint:errorlint // from completion.read, bare
		return pe
	}
	return fault.Wrap(fault.ModelError, err, "The model's provider sent an answer that is not valid JSON.")
}

// errAudio refuses loudly what would otherwise be lost in silence.
func errAudio() error {
	return fault.Errorf(fault.ModelError, "The model answered with audio, which Outcrop does not pass on; ask for text only.")
}
