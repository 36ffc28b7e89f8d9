package anthropic

import (
	"encoding/json"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// The content blocks as they are written. Members without omitempty are required by
// the API or by its clients.
type (
	textOut struct {
		Type      string     `json:"type"`
		Text      string     `json:"text"`
		Citations []citation `json:"citations,omitempty"`
	}
	mediaOut struct {
		Type      string     `json:"type"`
		Source    sourceOut  `json:"source"`
		Title     string     `json:"title,omitempty"`
		Context   string     `json:"context,omitempty"`
		Citations *enableOut `json:"citations,omitempty"`
	}
	sourceOut struct {
		Type      string    `json:"type"`
		MediaType string    `json:"media_type,omitempty"`
		Data      any       `json:"data,omitempty"` // []byte becomes base64, string stays
		URL       string    `json:"url,omitempty"`
		Content   []textOut `json:"content,omitempty"`
	}
	enableOut struct {
		Enabled bool `json:"enabled"`
	}
	toolUseOut struct {
		Type  string          `json:"type"`
		ID    string          `json:"id"`
		Name  string          `json:"name"`
		Input json.RawMessage `json:"input"`
	}
	toolResultOut struct {
		Type      string `json:"type"`
		ToolUseID string `json:"tool_use_id"`
		Content   any    `json:"content,omitempty"` // []json.RawMessage or json.RawMessage
		IsError   bool   `json:"is_error,omitempty"`
	}
	thinkingOut struct {
		Type      string `json:"type"`
		Thinking  string `json:"thinking"`
		Signature string `json:"signature"`
	}
	redactedOut struct {
		Type string `json:"type"`
		Data string `json:"data"`
	}
	searchResultOut struct {
		Type      string     `json:"type"`
		Source    string     `json:"source"`
		Title     string     `json:"title"`
		Content   []textOut  `json:"content"`
		Citations *enableOut `json:"citations,omitempty"`
	}
)

// encodeContent writes blocks; a cache point becomes a marker on the block before it.
func encodeContent(p path, blocks []llm.Block) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, 0, len(blocks))
	for i, b := range blocks {
		at := p.index(i)
		if point, ok := b.(*llm.CachePoint); ok {
			if len(out) == 0 {
				return nil, at.errorf("A cache point must follow the content that it ends.")
			}
			marked, err := mark(out[len(out)-1], point)
			if err != nil {
				return nil, err
			}
			out[len(out)-1] = marked
			continue
		}
		raw, err := encodeBlock(at, b)
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}

// mark adds a cache marker to an encoded block or tool.
func mark(object json.RawMessage, point *llm.CachePoint) (json.RawMessage, error) {
	control, err := marshal(cacheControl{Type: "ephemeral", TTL: point.TTL})
	if err != nil {
		return nil, err
	}
	return rawjson.Set(object, rawjson.Field{Key: "cache_control", Value: control})
}

func encodeBlock(p path, b llm.Block) (json.RawMessage, error) {
	switch b := b.(type) {
	case *llm.Text:
		return marshal(textOut{Type: typeText, Text: b.Text})
	case *llm.Citations:
		return marshal(encodeCitations(b))
	case *llm.Image:
		return encodeImage(p, b)
	case *llm.Document:
		return encodeDocument(p, b)
	case *llm.ToolUse:
		return encodeToolUse(b)
	case *llm.ToolResult:
		return encodeToolResult(p, b)
	case *llm.Reasoning:
		if b.Redacted != nil {
			return marshal(redactedOut{Type: typeRedactedThinking, Data: string(b.Redacted)})
		}
		return marshal(thinkingOut{Type: typeThinking, Thinking: b.Text, Signature: b.Signature})
	case *llm.SearchResult:
		out := searchResultOut{Type: typeSearchResult, Source: b.Source, Title: b.Title, Content: []textOut{}}
		for _, text := range b.Content {
			out.Content = append(out.Content, textOut{Type: typeText, Text: text})
		}
		out.Citations = enable(b.Citations)
		return marshal(out)
	case *llm.Guard:
		if b.Image != nil {
			return encodeImage(p, b.Image)
		}
		return marshal(textOut{Type: typeText, Text: b.Text})
	case *llm.JSON:
		return encodeForeign(p, b)
	case *llm.Video:
		return nil, unsupported(p, "video")
	case *llm.Audio:
		return nil, unsupported(p, "audio")
	default:
		return nil, p.errorf("A block of type %T cannot stand here.", b)
	}
}

func unsupported(p path, what string) error {
	return p.errorf("This model doesn't support %s content.", what)
}

// encodeForeign writes a block that llm has no word for, as it came.
func encodeForeign(p path, b *llm.JSON) (json.RawMessage, error) {
	kind, err := rawjson.Get(b.Value, "type")
	if err != nil || !isString(kind) {
		return nil, p.errorf("A JSON value can only stand inside a tool result.")
	}
	return b.Value, nil
}

func enable(on bool) *enableOut {
	if on {
		return &enableOut{Enabled: true}
	}
	return nil
}

// encodeCitations leaves out citations of the web: the API wants the encrypted index
// that it gave with them, which the vocabulary does not keep.
func encodeCitations(b *llm.Citations) textOut {
	out := textOut{Type: typeText, Text: b.Text}
	for i := range b.Citations {
		if b.Citations[i].Location.Kind != llm.WebLocation {
			out.Citations = append(out.Citations, encodeCitation(&b.Citations[i]))
		}
	}
	return out
}

func encodeImage(p path, b *llm.Image) (json.RawMessage, error) {
	out := mediaOut{Type: typeImage}
	switch {
	case b.Source.S3 != nil:
		return nil, unsupported(p, "S3 image")
	case b.Source.URL != "":
		out.Source = sourceOut{Type: "url", URL: b.Source.URL}
	default:
		out.Source = sourceOut{Type: "base64", MediaType: "image/" + b.Format, Data: b.Source.Bytes}
	}
	return marshal(out)
}

func encodeDocument(p path, b *llm.Document) (json.RawMessage, error) {
	out := mediaOut{Type: typeDocument, Title: b.Name, Context: b.Context, Citations: enable(b.Citations)}
	switch {
	case b.Source.S3 != nil:
		return nil, unsupported(p, "S3 document")
	case b.Source.URL != "":
		out.Source = sourceOut{Type: "url", URL: b.Source.URL}
	case b.Content != nil:
		out.Source.Type = "content"
		for _, text := range b.Content {
			out.Source.Content = append(out.Source.Content, textOut{Type: typeText, Text: text.Text})
		}
	case b.Source.Bytes == nil:
		out.Source = sourceOut{Type: typeText, MediaType: "text/plain", Data: b.Text}
	case b.Format == "pdf":
		out.Source = sourceOut{Type: "base64", MediaType: mediaTypes["pdf"], Data: b.Source.Bytes}
	default: // readDocuments has left none in a request
		return nil, unsupported(p, b.Format+" document")
	}
	return marshal(out)
}

func encodeToolUse(b *llm.ToolUse) (json.RawMessage, error) {
	out := toolUseOut{Type: typeToolUse, ID: b.ID, Name: b.Name, Input: b.Input}
	if b.Server {
		out.Type = typeServerToolUse
	}
	if len(out.Input) == 0 {
		out.Input = json.RawMessage("{}")
	}
	return marshal(out)
}

func encodeToolResult(p path, b *llm.ToolResult) (json.RawMessage, error) {
	out := toolResultOut{Type: typeToolResult, ToolUseID: b.ToolUseID, IsError: b.Error}
	if isServerResult(b.Type) {
		out.Type = b.Type
		if len(b.Content) == 1 {
			if whole, ok := b.Content[0].(*llm.JSON); ok {
				out.Content = whole.Value
				return marshal(out)
			}
		}
	}
	if len(b.Content) == 0 {
		return marshal(out)
	}
	content := make([]json.RawMessage, 0, len(b.Content))
	for i, inner := range b.Content {
		raw, err := encodeResultBlock(p.key("content").index(i), inner)
		if err != nil {
			return nil, err
		}
		content = append(content, raw)
	}
	out.Content = content
	return marshal(out)
}

// encodeResultBlock writes a block inside a tool result, where JSON is text to be
// read by the model.
func encodeResultBlock(p path, b llm.Block) (json.RawMessage, error) {
	switch b := b.(type) {
	case *llm.JSON:
		return marshal(textOut{Type: typeText, Text: string(b.Value)})
	case *llm.Text, *llm.Image, *llm.Document, *llm.SearchResult:
		return encodeBlock(p, b)
	case *llm.Video:
		return nil, unsupported(p, "video")
	default:
		return nil, fault.Errorf(fault.Invalid, "%s: A block of type %T cannot stand inside a tool result.", p, b)
	}
}
