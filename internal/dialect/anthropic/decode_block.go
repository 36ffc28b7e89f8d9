package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// cacheControl marks the end of a prefix worth caching.
type cacheControl struct {
	Type string `json:"type"`
	TTL  string `json:"ttl,omitempty"`
}

func (c *cacheControl) point() *llm.CachePoint { return &llm.CachePoint{TTL: c.TTL} }

// block is a content block of any type, as it is read.
type block struct {
	Type         string          `json:"type"`
	CacheControl *cacheControl   `json:"cache_control"`
	Citations    json.RawMessage `json:"citations"` // a list in text, an object elsewhere

	Text *string `json:"text"` // text

	Source  json.RawMessage `json:"source"` // image, document; a string in search_result
	Title   *string         `json:"title"`  // document, search_result
	Context *string         `json:"context"`

	ID    string          `json:"id"` // tool_use
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`

	ToolUseID string          `json:"tool_use_id"` // tool_result
	Content   json.RawMessage `json:"content"`     // also search_result
	IsError   bool            `json:"is_error"`

	Thinking  *string `json:"thinking"`
	Signature string  `json:"signature"`
	Data      *string `json:"data"` // redacted_thinking
}

// source is where an image or a document comes from.
type source struct {
	Type      string          `json:"type"`
	MediaType string          `json:"media_type"`
	Data      json.RawMessage `json:"data"`
	URL       string          `json:"url"`
	Content   json.RawMessage `json:"content"`
}

// decodeContent reads a content: a string or a list of blocks. A cache marker stands
// after its block.
func decodeContent(p path, raw json.RawMessage, r rules) ([]llm.Block, error) {
	if isString(raw) {
		var text string
		if err := p.decode(raw, &text); err != nil {
			return nil, err
		}
		return []llm.Block{&llm.Text{Text: text}}, nil
	}
	if !isList(raw) {
		return nil, p.errorf("Input should be a valid list")
	}
	var list []json.RawMessage
	if err := p.decode(raw, &list); err != nil {
		return nil, err
	}
	blocks := make([]llm.Block, 0, len(list))
	for i, raw := range list {
		b, cache, err := decodeBlock(p.index(i), raw, r)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
		if cache != nil {
			blocks = append(blocks, cache)
		}
	}
	return blocks, nil
}

// decodeBlock reads one block; cache is what follows it, or nil.
func decodeBlock(p path, raw json.RawMessage, r rules) (b llm.Block, cache *llm.CachePoint, err error) {
	if !isObject(raw) {
		return nil, nil, p.errorf("Input should be a valid dictionary")
	}
	var kind struct {
		Type *string `json:"type"`
	}
	if err := p.decode(raw, &kind); err != nil {
		return nil, nil, err
	}
	if kind.Type == nil {
		return nil, nil, p.key("type").required()
	}
	if *kind.Type == typeDocument && r&noDocuments != 0 {
		return nil, nil, p.errorf("`document` blocks are not permitted in `assistant` messages")
	}
	if !known(*kind.Type) {
		return &llm.JSON{Value: raw}, nil, nil
	}
	var in block
	if err := p.decode(raw, &in); err != nil {
		return nil, nil, err
	}
	if b, err = in.decode(p.key(in.Type), r); err != nil {
		return nil, nil, err
	}
	if b == nil { // a form of the block that the vocabulary cannot hold
		return &llm.JSON{Value: raw}, nil, nil
	}
	if in.CacheControl != nil {
		cache = in.CacheControl.point()
	}
	return b, cache, nil
}

// known reports whether the vocabulary has a word for the type of block.
func known(kind string) bool {
	switch kind {
	case typeText, typeImage, typeDocument, typeToolUse, typeServerToolUse, typeToolResult,
		typeThinking, typeRedactedThinking, typeSearchResult:
		return true
	}
	return isServerResult(kind)
}

// isServerResult reports whether kind is the result of one of the provider's own
// tools. Those of MCP servers stay with their calls, which llm has no word for.
func isServerResult(kind string) bool {
	return strings.HasSuffix(kind, suffixToolResult) && kind != "mcp"+suffixToolResult
}

// decode converts the block, or returns nil for a form that llm cannot hold.
func (in *block) decode(p path, r rules) (llm.Block, error) {
	switch in.Type {
	case typeText:
		return in.text(p, r)
	case typeImage:
		return in.image(p)
	case typeDocument:
		return in.document(p)
	case typeToolUse, typeServerToolUse:
		return in.toolUse(p)
	case typeToolResult:
		return in.toolResult(p, r)
	case typeThinking:
		if in.Thinking == nil {
			return nil, p.key("thinking").required()
		}
		return &llm.Reasoning{Text: *in.Thinking, Signature: in.Signature}, nil
	case typeRedactedThinking:
		if in.Data == nil {
			return nil, p.key("data").required()
		}
		return &llm.Reasoning{Redacted: []byte(*in.Data)}, nil
	case typeSearchResult:
		return in.searchResult(p, r)
	default: // the result of one of the provider's own tools
		if in.ToolUseID == "" {
			return nil, p.key("tool_use_id").required()
		}
		return in.serverToolResult(), nil
	}
}

func (in *block) text(p path, r rules) (llm.Block, error) {
	if in.Text == nil {
		return nil, p.key("text").required()
	}
	if isNull(in.Citations) || !isList(in.Citations) {
		return &llm.Text{Text: *in.Text}, nil
	}
	var list []citation
	if err := p.key("citations").decode(in.Citations, &list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return &llm.Text{Text: *in.Text}, nil
	}
	if r&noCitations != 0 {
		return nil, p.key("citations").errorf("citations are not permitted in `user` messages")
	}
	out := &llm.Citations{Text: *in.Text, Citations: make([]llm.Citation, len(list))}
	for i := range list {
		out.Citations[i] = list[i].decode()
	}
	return out, nil
}

func (in *block) source(p path) (source, error) {
	var s source
	if isNull(in.Source) {
		return s, p.key("source").required()
	}
	return s, p.key("source").decode(in.Source, &s)
}

func (in *block) image(p path) (llm.Block, error) {
	s, err := in.source(p)
	if err != nil {
		return nil, err
	}
	p = p.key("source").key(s.Type)
	switch s.Type {
	case "base64":
		format := imageFormat(s.MediaType)
		if format == "" {
			return nil, p.key("media_type").errorf("Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
		}
		data, err := s.base64(p)
		if err != nil {
			return nil, err
		}
		return &llm.Image{Format: format, Source: llm.Source{Bytes: data}}, nil
	case "url":
		if s.URL == "" {
			return nil, p.key("url").required()
		}
		return &llm.Image{Source: llm.Source{URL: s.URL}}, nil
	}
	return nil, nil //nolint:nilnil // no error: the block is kept as it is
}

// base64 decodes the source's data.
func (s *source) base64(p path) ([]byte, error) {
	if isNull(s.Data) {
		return nil, p.key("data").required()
	}
	var data []byte
	if !isString(s.Data) || json.Unmarshal(s.Data, &data) != nil {
		return nil, p.key("data").errorf("Invalid base64 data")
	}
	if len(data) == 0 {
		return nil, p.key("data").errorf("String should have at least 1 character")
	}
	return data, nil
}

func (in *block) document(p path) (llm.Block, error) {
	s, err := in.source(p)
	if err != nil {
		return nil, err
	}
	doc := &llm.Document{Citations: in.citesSources()}
	if in.Title != nil {
		doc.Name = *in.Title
	}
	if in.Context != nil {
		doc.Context = *in.Context
	}
	p = p.key("source").key(s.Type)
	switch s.Type {
	case "base64":
		if doc.Format = documentFormat(s.MediaType); doc.Format == "" {
			return nil, nil //nolint:nilnil // no error: the block is kept as it is
		}
		doc.Source.Bytes, err = s.base64(p)
		return doc, err
	case "text":
		if !isString(s.Data) {
			return nil, p.key("data").required()
		}
		if s.MediaType != "" && s.MediaType != "text/plain" {
			return nil, p.key("media_type").errorf("Input should be 'text/plain'")
		}
		return doc, p.key("data").decode(s.Data, &doc.Text)
	case "url":
		if s.URL == "" {
			return nil, p.key("url").required()
		}
		doc.Format, doc.Source.URL = "pdf", s.URL
		return doc, nil
	case "content":
		content, err := decodeContent(p.key("content"), s.Content, 0)
		if err != nil {
			return nil, err
		}
		for _, b := range content {
			text, ok := b.(*llm.Text)
			if !ok {
				return nil, nil //nolint:nilnil // an image among the chunks: the block is kept as it is
			}
			doc.Content = append(doc.Content, *text)
		}
		return doc, nil
	}
	return nil, nil //nolint:nilnil // no error: the block is kept as it is
}

// citesSources reads {"citations": {"enabled": true}}.
func (in *block) citesSources() bool {
	var config struct {
		Enabled bool `json:"enabled"`
	}
	return isObject(in.Citations) && json.Unmarshal(in.Citations, &config) == nil && config.Enabled
}

func (in *block) toolUse(p path) (llm.Block, error) {
	switch {
	case in.ID == "":
		return nil, p.key("id").required()
	case in.Name == "":
		return nil, p.key("name").required()
	case isNull(in.Input):
		return nil, p.key("input").required()
	case !isObject(in.Input):
		return nil, p.key("input").errorf("Input should be a valid dictionary")
	}
	return &llm.ToolUse{ID: in.ID, Name: in.Name, Input: in.Input, Server: in.Type == typeServerToolUse}, nil
}

func (in *block) toolResult(p path, r rules) (llm.Block, error) {
	if in.ToolUseID == "" {
		return nil, p.key("tool_use_id").required()
	}
	out := &llm.ToolResult{ToolUseID: in.ToolUseID, Error: in.IsError}
	if isNull(in.Content) {
		return out, nil
	}
	content, err := decodeContent(p.key("content"), in.Content, r.insideResult())
	if err != nil {
		return nil, err
	}
	inner := content[:0]
	for _, b := range content {
		if _, ok := b.(*llm.CachePoint); ok {
			if in.CacheControl == nil {
				in.CacheControl = &cacheControl{TTL: b.(*llm.CachePoint).TTL}
			}
			continue
		}
		inner = append(inner, b)
	}
	out.Content = inner
	return out, nil
}

// serverToolResult keeps what a tool of the provider's own returned as one JSON value.
func (in *block) serverToolResult() llm.Block {
	out := &llm.ToolResult{ToolUseID: in.ToolUseID, Type: in.Type}
	if !isNull(in.Content) {
		out.Content = []llm.Block{&llm.JSON{Value: bytes.Clone(in.Content)}}
	}
	return out
}

func (in *block) searchResult(p path, r rules) (llm.Block, error) {
	out := &llm.SearchResult{Citations: in.citesSources()}
	if in.Title != nil {
		out.Title = *in.Title
	}
	if isNull(in.Source) {
		return nil, p.key("source").required()
	}
	if err := p.key("source").decode(in.Source, &out.Source); err != nil {
		return nil, err
	}
	if isNull(in.Content) {
		return nil, p.key("content").required()
	}
	content, err := decodeContent(p.key("content"), in.Content, r.insideSource())
	if err != nil {
		return nil, err
	}
	for i, b := range content {
		switch b := b.(type) {
		case *llm.Text:
			out.Content = append(out.Content, b.Text)
		case *llm.Citations: // what the source itself cited is no part of what it says
			out.Content = append(out.Content, b.Text)
		default:
			return nil, p.key("content").index(i).errorf("Input should be a text block")
		}
	}
	return out, nil
}
