// Package anthropic converts between Anthropic's Messages API and package llm, in
// both directions: for the doors that take its bodies (InvokeModel on Claude's model
// IDs, the Messages API itself) and for the backends that send them.
//
//	door:     DecodeRequest  -> llm.ChatRequest;  llm events -> EncodeResponse, StreamEncoder
//	backend:  llm.ChatRequest -> EncodeRequest;   DecodeResponse, StreamDecoder -> llm events
//
// It knows two forms of the request. Direct is the one of Anthropic's own API:
// "model" and "stream" are members of the body and the version is a header. Bedrock
// is the one that InvokeModel takes: the body has "anthropic_version" and may have
// "anthropic_beta", and neither "model" nor "stream", which the operation says.
//
// It reads two versions, see version.go. A request of the newer is one of the older, so
// what is made from llm is written in the older, which has the sampling parameters.
//
// What llm has no word for:
//   - a top-level member goes to ChatRequest.Extra, and from there back to the top
//     level ("tools" of Extra are added to the others, as Bedrock does it with
//     additionalModelRequestFields);
//   - a content block becomes an llm.JSON block with the block's text, and goes out
//     as it was. Other dialects refuse such blocks;
//   - a tool of the provider's own (computer, bash, web search …) goes to Extra
//     under "tools";
//   - the answer's web citations lose their encrypted index, a cache marker inside a
//     tool result moves to its end, one on a tool to the end of the tools, and
//     "pause_turn" is EndTurn.
//
// A body that reaches an Anthropic upstream unchanged takes none of these ways: see
// llm.ChatRequest.Raw and RawRequest here.
//
// The package does no I/O. Its errors are *fault.Error of kind Invalid, worded as
// Anthropic's, for bodies that a caller wrote; errors about an upstream's bodies
// are plain, but for StreamError.
package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Dialect is the name of this dialect in llm.RawRequest and llm.RawEvent.
const Dialect = "anthropic"

// Form says which of the two forms a request has.
type Form uint8

// The forms.
const (
	Direct  Form = iota // Anthropic's own API
	Bedrock             // InvokeModel's body
)

// Names of content blocks.
const (
	typeText             = "text"
	typeImage            = "image"
	typeDocument         = "document"
	typeToolUse          = "tool_use"
	typeServerToolUse    = "server_tool_use"
	typeToolResult       = "tool_result"
	typeThinking         = "thinking"
	typeRedactedThinking = "redacted_thinking"
	typeSearchResult     = "search_result"

	// suffixToolResult ends the types of the results of the provider's own tools:
	// "web_search_tool_result".
	suffixToolResult = "_tool_result"
)

// Names of the stream's events.
const (
	eventMessageStart = "message_start"
	eventBlockStart   = "content_block_start"
	eventBlockDelta   = "content_block_delta"
	eventBlockStop    = "content_block_stop"
	eventMessageDelta = "message_delta"
	eventMessageStop  = "message_stop"
	eventPing         = "ping"
	eventError        = "error"
)

// mediaTypes maps the formats of documents to media types.
var mediaTypes = map[string]string{
	"pdf":  "application/pdf",
	"csv":  "text/csv",
	"html": "text/html",
	"txt":  "text/plain",
	"md":   "text/markdown",
	"doc":  "application/msword",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xls":  "application/vnd.ms-excel",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// documentFormat returns the format of a document's media type, or "".
func documentFormat(mediaType string) string {
	for format, m := range mediaTypes {
		if m == mediaType {
			return format
		}
	}
	return ""
}

// imageFormat returns the format of an image's media type, or "".
func imageFormat(mediaType string) string {
	format, ok := strings.CutPrefix(mediaType, "image/")
	if !ok {
		return ""
	}
	switch format {
	case "png", "jpeg", "gif", "webp":
		return format
	}
	return ""
}

var stopReasons = map[string]llm.StopReason{
	"end_turn":                      llm.EndTurn,
	"pause_turn":                    llm.EndTurn,
	"max_tokens":                    llm.MaxTokens,
	"stop_sequence":                 llm.StopSequence,
	"tool_use":                      llm.StopToolUse,
	"refusal":                       llm.ContentFiltered,
	"model_context_window_exceeded": llm.ContextWindowFull,
}

// stopReason returns the vocabulary's word. A reason newer than this code ends the
// turn: it is not for a converter to fail an answer that has been paid for.
func stopReason(reason string) llm.StopReason {
	if r, ok := stopReasons[reason]; ok {
		return r
	}
	return llm.EndTurn
}

// reasonText returns Anthropic's word for a stop reason.
func reasonText(reason llm.StopReason) string {
	switch reason {
	case llm.EndTurn, llm.MaxTokens, llm.StopSequence, llm.StopToolUse, llm.ContextWindowFull:
		return string(reason)
	case llm.ContentFiltered, llm.GuardrailStopped:
		return "refusal"
	case llm.MalformedOutput, llm.MalformedToolUse:
		return "end_turn"
	default:
		return "end_turn"
	}
}

// marshal encodes v without escaping <, > and &, as providers do.
func marshal(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// isNull reports whether a member is absent or null.
func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null"
}

// isObject reports whether raw is a JSON object, given that it is valid JSON.
func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{'
}

func isList(raw json.RawMessage) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '['
}

func isString(raw json.RawMessage) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '"'
}
