package openai

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/outcrop-ai/outcrop/internal/document"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// encoder appends messages. Its first error sticks and what it has appended is
// then worth nothing.
type encoder struct {
	ctx context.Context //nolint:containedctx // lives for one AppendRequest call
	opt Options
	err error
}

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fault.Errorf(fault.Invalid, format, args...)
	}
}

func (e *encoder) messages(dst []byte, req *llm.ChatRequest) []byte {
	dst = append(dst, '[')
	if len(req.System) > 0 {
		dst = e.system(dst, req.System)
	}
	for i := range req.Messages {
		m := &req.Messages[i]
		switch m.Role {
		case llm.System:
			dst = e.system(dst, m.Content)
		case llm.Assistant:
			dst = e.assistant(dst, m.Content)
		case llm.User:
			dst = e.user(dst, m.Content)
		default:
			e.fail("The message role %q is not known.", m.Role)
		}
	}
	return append(dst, ']')
}

// appendRole opens a message.
func appendRole(dst []byte, role string) []byte {
	if dst[len(dst)-1] != '[' {
		dst = append(dst, ',')
	}
	return appendMember(append(dst, '{'), "role", role)
}

// system writes instructions as one string: the templates of many models take
// nothing else.
func (e *encoder) system(dst []byte, blocks []llm.Block) []byte {
	mark := len(dst)
	dst = append(appendKey(appendRole(dst, "system"), "content"), '"')
	open := len(dst)
	for _, b := range blocks {
		var text string
		switch b := b.(type) {
		case *llm.Text:
			text = b.Text
		case *llm.Guard:
			text = b.Text
		case *llm.CachePoint:
			continue
		default:
			e.fail("A system prompt can hold only text for this backend.")
		}
		if len(dst) > open && text != "" {
			dst = append(dst, `\n\n`...)
		}
		dst = appendEscaped(dst, text)
	}
	if len(dst) == open {
		return dst[:mark]
	}
	return append(dst, '"', '}')
}

// user writes a turn of the user: first a "tool" message for each result, as the
// dialect wants them right after the calls, then a "user" message with the rest.
func (e *encoder) user(dst []byte, blocks []llm.Block) []byte {
	results := 0
	for _, b := range blocks {
		if r, ok := b.(*llm.ToolResult); ok {
			dst = e.toolResult(dst, r)
			results++
		}
	}
	if text, ok := onlyText(blocks); ok {
		return append(appendMember(appendRole(dst, "user"), "content", text), '}')
	}
	mark := len(dst)
	dst = append(appendKey(appendRole(dst, "user"), "content"), '[')
	open := len(dst)
	for _, b := range blocks {
		if r, ok := b.(*llm.ToolResult); ok {
			dst = e.resultMedia(dst, r)
			continue
		}
		dst = e.part(dst, b)
	}
	if len(dst) == open && results > 0 {
		return dst[:mark]
	}
	return append(dst, ']', '}')
}

// onlyText returns the text of a message that is nothing else: a plain string is
// what every server takes.
func onlyText(blocks []llm.Block) (string, bool) {
	if len(blocks) != 1 {
		return "", false
	}
	t, ok := blocks[0].(*llm.Text)
	if !ok {
		return "", false
	}
	return t.Text, true
}

// part appends a content part, after a comma unless it is the first.
func (e *encoder) part(dst []byte, b llm.Block) []byte {
	switch b := b.(type) {
	case *llm.Text:
		return appendTextPart(dst, b.Text)
	case *llm.Citations:
		return appendTextPart(dst, b.Text)
	case *llm.Guard:
		if b.Image != nil {
			return e.image(dst, b.Image)
		}
		return appendTextPart(dst, b.Text)
	case *llm.Image:
		return e.image(dst, b)
	case *llm.Document:
		return appendTextPart(dst, e.document(b))
	case *llm.SearchResult:
		return appendTextPart(dst, searchResultText(b))
	case *llm.Audio:
		return e.audio(dst, b)
	case *llm.Video:
		return e.video(dst, b)
	case *llm.CachePoint:
		return dst
	}
	e.fail("A user message for this backend cannot hold a %s block.", blockName(b))
	return dst
}

func appendPart(dst []byte, kind string) []byte {
	if dst[len(dst)-1] != '[' {
		dst = append(dst, ',')
	}
	return appendMember(append(dst, '{'), "type", kind)
}

func appendTextPart(dst []byte, text string) []byte {
	return append(appendMember(appendPart(dst, "text"), "text", text), '}')
}

func (e *encoder) image(dst []byte, img *llm.Image) []byte {
	dst = append(appendKey(appendPart(dst, "image_url"), "image_url"), `{"url":`...)
	dst = e.source(dst, "image", "image/"+img.Format, &img.Source)
	return append(dst, "}}"...)
}

// video is no part of OpenAI's own API; vLLM and others take it in this form.
func (e *encoder) video(dst []byte, v *llm.Video) []byte {
	mediaType := "video/" + v.Format
	switch v.Format {
	case "mov":
		mediaType = "video/quicktime"
	case "mkv":
		mediaType = "video/x-matroska"
	case "three_gp":
		mediaType = "video/3gpp"
	}
	dst = append(appendKey(appendPart(dst, "video_url"), "video_url"), `{"url":`...)
	dst = e.source(dst, "video", mediaType, &v.Source)
	return append(dst, "}}"...)
}

func (e *encoder) audio(dst []byte, a *llm.Audio) []byte {
	if a.Source.Bytes == nil {
		e.fail("This backend takes audio only as bytes.")
		return dst
	}
	dst = append(appendKey(appendPart(dst, "input_audio"), "input_audio"), `{"data":"`...)
	dst = append(base64.StdEncoding.AppendEncode(dst, a.Source.Bytes), '"')
	return append(appendMember(dst, "format", a.Format), "}}"...)
}

// source appends the address of a medium as a JSON string.
func (e *encoder) source(dst []byte, what, mediaType string, src *llm.Source) []byte {
	switch {
	case src.Bytes != nil:
		return appendDataURL(dst, mediaType, src.Bytes)
	case src.URL != "":
		return appendString(dst, src.URL)
	}
	e.fail("This backend takes an %s only as bytes, not from an S3 location.", what)
	return dst
}

// document renders a document as text, under its name so that a question can
// refer to it.
func (e *encoder) document(d *llm.Document) string {
	var text bytes.Buffer
	text.WriteString(`<document`)
	for _, attr := range [][2]string{{"name", d.Name}, {"format", d.Format}, {"context", d.Context}} {
		if attr[1] != "" {
			text.WriteString(" " + attr[0] + `="` + attr[1] + `"`)
		}
	}
	text.WriteString(">\n")
	switch {
	case len(d.Content) > 0:
		for _, chunk := range d.Content {
			text.WriteString(chunk.Text)
			text.WriteByte('\n')
		}
	case d.Source.Bytes != nil:
		parsed, err := document.Parse(e.ctx, d.Format, d.Source.Bytes)
		if err != nil {
			if e.err == nil {
				e.err = err
			}
			return ""
		}
		text.WriteString(parsed.Markdown())
		text.WriteByte('\n')
	case d.Source.S3 != nil, d.Source.URL != "":
		e.fail("This backend takes the document %q only as bytes or text, not from another place.", d.Name)
	default:
		text.WriteString(d.Text)
		text.WriteByte('\n')
	}
	text.WriteString("</document>")
	return text.String()
}

func searchResultText(r *llm.SearchResult) string {
	var text bytes.Buffer
	text.WriteString("<search_result")
	for _, attr := range [][2]string{{"source", r.Source}, {"title", r.Title}} {
		if attr[1] != "" {
			text.WriteString(" " + attr[0] + `="` + attr[1] + `"`)
		}
	}
	text.WriteString(">\n")
	for _, passage := range r.Content {
		text.WriteString(passage)
		text.WriteByte('\n')
	}
	text.WriteString("</search_result>")
	return text.String()
}

// toolResult writes a "tool" message. It holds text only, in OpenAI's API and in
// most servers: media follow in the user message.
func (e *encoder) toolResult(dst []byte, r *llm.ToolResult) []byte {
	dst = appendMember(appendRole(dst, "tool"), "tool_call_id", r.ToolUseID)
	dst = append(appendKey(dst, "content"), '"')
	if r.Error {
		dst = append(dst, "Error: "...)
	}
	open := len(dst)
	for _, b := range r.Content {
		var text string
		switch b := b.(type) {
		case *llm.Text:
			text = b.Text
		case *llm.JSON:
			text = compact(b.Value)
		case *llm.Document:
			text = e.document(b)
		case *llm.SearchResult:
			text = searchResultText(b)
		case *llm.Image:
			text = "[image: see the next message]"
		case *llm.Video:
			text = "[video: see the next message]"
		default:
			e.fail("A tool result for this backend cannot hold a %s block.", blockName(b))
		}
		if len(dst) > open {
			dst = append(dst, `\n`...)
		}
		dst = appendEscaped(dst, text)
	}
	if len(dst) == open && r.Error {
		dst = append(dst, "the tool failed"...)
	}
	return append(dst, '"', '}')
}

// resultMedia appends the pictures and films of a tool's result as parts.
func (e *encoder) resultMedia(dst []byte, r *llm.ToolResult) []byte {
	named := false
	for _, b := range r.Content {
		switch b.(type) {
		case *llm.Image, *llm.Video:
			if !named {
				dst = appendTextPart(dst, "From the result of the tool call "+r.ToolUseID+":")
				named = true
			}
			dst = e.part(dst, b)
		}
	}
	return dst
}

// compact removes the white space of a JSON value: models pay for it.
func compact(value json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	return b.String()
}

// assistant writes an earlier answer of the model.
func (e *encoder) assistant(dst []byte, blocks []llm.Block) []byte {
	dst = append(appendKey(appendRole(dst, "assistant"), "content"), '"')
	open, calls, reasoning := len(dst), 0, 0
	for _, b := range blocks {
		switch b := b.(type) {
		case *llm.Text:
			dst = appendEscaped(dst, b.Text)
		case *llm.Citations:
			dst = appendEscaped(dst, b.Text)
		case *llm.Guard:
			dst = appendEscaped(dst, b.Text)
		case *llm.ToolUse:
			calls++
		case *llm.Reasoning:
			reasoning += len(b.Text)
		case *llm.CachePoint, *llm.ToolResult: // a result here is of a tool that the provider ran
		default:
			e.fail("An assistant message for this backend cannot hold a %s block.", blockName(b))
		}
	}
	if len(dst) == open && calls > 0 {
		dst = append(dst[:open-1], "null"...)
	} else {
		dst = append(dst, '"')
	}
	if reasoning > 0 && !e.opt.OmitReasoning {
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
	return append(dst, '}')
}

// appendToolCall appends a call, after a comma unless it is the first.
func appendToolCall(dst []byte, use *llm.ToolUse) []byte {
	if dst[len(dst)-1] != '[' {
		dst = append(dst, ',')
	}
	dst = appendMember(append(dst, '{'), "id", use.ID)
	dst = append(appendMember(dst, "type", "function"), `,"function":{`...)
	dst = appendMember(dst, "name", use.Name)
	dst = append(appendMember(dst, "arguments", arguments(use.Input)), "}}"...)
	return dst
}

// arguments returns a call's input as the text that stands in "arguments".
func arguments(input json.RawMessage) string {
	if len(input) == 0 {
		return "{}"
	}
	return string(input)
}

// blockName names a block in Converse's words.
func blockName(b llm.Block) string {
	switch b.(type) {
	case *llm.Text:
		return "text"
	case *llm.Image:
		return "image"
	case *llm.Document:
		return "document"
	case *llm.Video:
		return "video"
	case *llm.Audio:
		return "audio"
	case *llm.ToolUse:
		return "toolUse"
	case *llm.ToolResult:
		return "toolResult"
	case *llm.Guard:
		return "guardContent"
	case *llm.CachePoint:
		return "cachePoint"
	case *llm.Reasoning:
		return "reasoningContent"
	case *llm.Citations:
		return "citationsContent"
	case *llm.SearchResult:
		return "searchResult"
	case *llm.JSON:
		return "json"
	}
	return "unknown"
}
