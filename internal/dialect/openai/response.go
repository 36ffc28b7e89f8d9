package openai

import (
	"strconv"
	"time"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Info is what a completion says about itself.
type Info struct {
	ID          string // "chatcmpl-…"
	Model       string // as the client named it
	Created     time.Time
	Fingerprint string // system_fingerprint; empty writes null
}

// AppendResponse appends the chat completion for a whole answer. An answer that
// still has its provider's own body is that body.
//
// Citations and pictures have no place in the dialect: the cited text is kept.
func AppendResponse(dst []byte, resp *llm.ChatResponse, info Info) []byte {
	if resp.Raw != nil {
		return append(dst, resp.Raw...)
	}
	dst = appendHead(dst, "chat.completion", info)
	dst = append(dst, `,"choices":[{"index":0,"message":{"role":"assistant"`...)
	dst = appendContent(dst, resp.Message.Content)
	dst = appendLogprobs(append(dst, '}'), resp.Logprobs)
	dst = append(dst, `,"finish_reason":"`...)
	dst = append(dst, finishReason(resp.StopReason)...)
	dst = append(dst, `"}],"usage":`...)
	dst = appendUsage(dst, &resp.Usage)
	dst = appendOptional(dst, "service_tier", resp.ServiceTier)
	return append(dst, '}')
}

// appendHead opens the object and writes the members that every one has.
func appendHead(dst []byte, object string, info Info) []byte {
	dst = appendMember(append(dst, '{'), "id", info.ID)
	dst = appendMember(dst, "object", object)
	dst = strconv.AppendInt(appendKey(dst, "created"), info.Created.Unix(), 10)
	dst = appendMember(dst, "model", info.Model)
	dst = appendKey(dst, "system_fingerprint")
	if info.Fingerprint == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, info.Fingerprint)
}

// appendContent appends the members of the message.
func appendContent(dst []byte, blocks []llm.Block) []byte {
	text, reasoning, calls := 0, 0, 0
	for _, b := range blocks {
		switch b.(type) {
		case *llm.Text, *llm.Citations:
			text++
		case *llm.Reasoning:
			reasoning++
		case *llm.ToolUse:
			calls++
		}
	}
	dst = appendKey(dst, "content")
	if text == 0 && calls > 0 {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, '"')
		for _, b := range blocks {
			switch b := b.(type) {
			case *llm.Text:
				dst = appendEscaped(dst, b.Text)
			case *llm.Citations:
				dst = appendEscaped(dst, b.Text)
			}
		}
		dst = append(dst, '"')
	}
	dst = append(dst, `,"refusal":null`...)
	if reasoning > 0 {
		dst = append(appendKey(dst, "reasoning_content"), '"')
		for _, b := range blocks {
			if r, ok := b.(*llm.Reasoning); ok {
				dst = appendEscaped(dst, r.Text)
			}
		}
		dst = append(dst, '"')
	}
	if calls > 0 {
		dst = append(appendKey(dst, "tool_calls"), '[')
		for _, b := range blocks {
			if use, ok := b.(*llm.ToolUse); ok {
				dst = appendToolCall(dst, use)
			}
		}
		dst = append(dst, ']')
	}
	return dst
}

// finishReason is the dialect's word for a stop reason.
func finishReason(r llm.StopReason) string {
	switch r {
	case llm.StopToolUse:
		return "tool_calls"
	case llm.MaxTokens, llm.ContextWindowFull:
		return "length"
	case llm.ContentFiltered, llm.GuardrailStopped:
		return "content_filter"
	case llm.EndTurn, llm.StopSequence, llm.MalformedOutput, llm.MalformedToolUse:
	}
	return "stop"
}

func appendUsage(dst []byte, u *llm.Usage) []byte {
	prompt := u.InputTokens + u.CacheReadTokens + u.CacheWriteTokens
	dst = append(dst, `{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, int64(prompt), 10)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendInt(dst, int64(u.OutputTokens), 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, int64(prompt+u.OutputTokens), 10)
	dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":`...)
	dst = strconv.AppendInt(dst, int64(u.CacheReadTokens), 10)
	return append(dst, "}}"...)
}

// Model is an entry of the list of models.
type Model struct {
	ID      string
	OwnedBy string
	Created time.Time
}

// AppendModel appends one model, in the form of GET /models/{id}.
func AppendModel(dst []byte, m Model) []byte {
	dst = appendMember(append(dst, '{'), "id", m.ID)
	dst = appendMember(dst, "object", "model")
	dst = strconv.AppendInt(appendKey(dst, "created"), m.Created.Unix(), 10)
	return append(appendMember(dst, "owned_by", m.OwnedBy), '}')
}

// AppendModels appends the list of GET /models.
func AppendModels(dst []byte, models []Model) []byte {
	dst = append(dst, `{"object":"list","data":[`...)
	for i := range models {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendModel(dst, models[i])
	}
	return append(dst, "]}"...)
}
