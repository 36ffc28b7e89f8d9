package openai

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// wireMessage is a message in the form it has on the wire.
type wireMessage struct {
	Role             string          `json:"role"`
	Content          json.RawMessage `json:"content"`
	Name             string          `json:"name"`
	Refusal          string          `json:"refusal"`
	Reasoning        string          `json:"reasoning"`
	ReasoningContent string          `json:"reasoning_content"`
	ToolCallID       string          `json:"tool_call_id"`
	ToolCalls        []wireCall      `json:"tool_calls"`
	FunctionCall     *wireCalled     `json:"function_call"`
}

type wireCall struct {
	ID       string     `json:"id"`
	Type     string     `json:"type"`
	Function wireCalled `json:"function"`
}

type wireCalled struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type wirePart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Refusal  string `json:"refusal"`
	ImageURL *struct {
		URL string `json:"url"`
	} `json:"image_url"`
	File *struct {
		FileData string `json:"file_data"`
		FileID   string `json:"file_id"`
		Filename string `json:"filename"`
	} `json:"file"`
	InputAudio *struct {
		Data   string `json:"data"`
		Format string `json:"format"`
	} `json:"input_audio"`
}

// messageDecoder turns messages into turns. Neighbours of one role become one
// turn, because the results of tools are messages of their own in the dialect and
// part of the user's turn in the vocabulary.
type messageDecoder struct {
	system   []llm.Block
	messages []llm.Message
	calls    map[string]string // legacy function name -> ID of its last call
	legacy   int
}

func (d *messageDecoder) add(role llm.Role, blocks ...llm.Block) {
	if n := len(d.messages); n > 0 && d.messages[n-1].Role == role {
		d.messages[n-1].Content = append(d.messages[n-1].Content, blocks...)
		return
	}
	d.messages = append(d.messages, llm.Message{Role: role, Content: blocks})
}

func (d *messageDecoder) message(at string, m *wireMessage) error {
	switch m.Role {
	case "system", "developer":
		blocks, err := textBlocks(at+".content", m.Content)
		if err != nil {
			return err
		}
		if len(d.messages) == 0 {
			d.system = append(d.system, blocks...)
			return nil
		}
		d.add(llm.System, blocks...)
		return nil
	case "user":
		blocks, err := contentBlocks(at+".content", m.Content)
		if err != nil {
			return err
		}
		if len(blocks) == 0 {
			return invalid(at+".content", "Invalid value for '%s': expected a string or an array of content parts.", at+".content")
		}
		d.add(llm.User, blocks...)
		return nil
	case "assistant":
		return d.assistant(at, m)
	case "tool":
		if m.ToolCallID == "" {
			return invalid(at+".tool_call_id", "Missing required parameter: '%s.tool_call_id'.", at)
		}
		return d.result(at, m.ToolCallID, m.Content)
	case "function":
		id, ok := d.calls[m.Name]
		if !ok {
			return invalid(at, "Invalid parameter: messages with role 'function' must follow a message with 'function_call'.")
		}
		return d.result(at, id, m.Content)
	}
	return invalid(at+".role", "Invalid value: '%s'. Supported values are: 'system', 'developer', 'assistant', 'user', 'function' and 'tool'.", m.Role)
}

func (d *messageDecoder) result(at, id string, content json.RawMessage) error {
	blocks, err := contentBlocks(at+".content", content)
	if err != nil {
		return err
	}
	d.add(llm.User, &llm.ToolResult{ToolUseID: id, Content: blocks})
	return nil
}

func (d *messageDecoder) assistant(at string, m *wireMessage) error {
	var blocks []llm.Block
	if thought := m.ReasoningContent + m.Reasoning; thought != "" {
		if m.ReasoningContent != "" { // both hold the same
			thought = m.ReasoningContent
		}
		blocks = append(blocks, &llm.Reasoning{Text: thought})
	}
	if given(m.Content) {
		text, err := textBlocks(at+".content", m.Content)
		if err != nil {
			return err
		}
		blocks = append(blocks, text...)
	}
	if m.Refusal != "" {
		blocks = append(blocks, &llm.Text{Text: m.Refusal})
	}
	for i := range m.ToolCalls {
		c := &m.ToolCalls[i]
		where := fmt.Sprintf("%s.tool_calls[%d]", at, i)
		if c.ID == "" {
			return invalid(where+".id", "Missing required parameter: '%s.id'.", where)
		}
		use, err := toolUse(where, c.ID, &c.Function)
		if err != nil {
			return err
		}
		blocks = append(blocks, use)
	}
	if m.FunctionCall != nil {
		id := fmt.Sprintf("call_legacy_%d", d.legacy)
		use, err := toolUse(at+".function_call", id, m.FunctionCall)
		if err != nil {
			return err
		}
		blocks = append(blocks, use)
		if d.calls == nil {
			d.calls = map[string]string{}
		}
		d.legacy++
		d.calls[m.FunctionCall.Name] = id
	}
	if len(blocks) == 0 {
		return invalid(at+".content", "Invalid value for '%s.content': expected a string unless 'tool_calls' are given.", at)
	}
	d.add(llm.Assistant, blocks...)
	return nil
}

func toolUse(at, id string, f *wireCalled) (*llm.ToolUse, error) {
	if f.Name == "" {
		return nil, invalid(at+".function.name", "Missing required parameter: '%s.function.name'.", at)
	}
	input := json.RawMessage(f.Arguments)
	switch {
	case blank(f.Arguments):
		input = json.RawMessage("{}")
	case !json.Valid(input): // the model wrote it: it goes back as the text it is
		input = appendString(nil, f.Arguments)
	}
	return &llm.ToolUse{ID: id, Name: f.Name, Input: input}, nil
}

// textBlocks reads content that can hold only text and refusals.
func textBlocks(at string, raw json.RawMessage) ([]llm.Block, error) {
	blocks, err := contentBlocks(at, raw)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if _, ok := b.(*llm.Text); !ok {
			return nil, invalid(at, "Invalid value for '%s': only parts of type 'text' are allowed here.", at)
		}
	}
	return blocks, nil
}

// contentBlocks reads a string or a list of parts. Empty text makes no block.
func contentBlocks(at string, raw json.RawMessage) ([]llm.Block, error) {
	if !given(raw) {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "" {
			return nil, nil
		}
		return []llm.Block{&llm.Text{Text: text}}, nil
	}
	var parts []wirePart
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, invalid(at, "Invalid type for '%s': expected one of a string or an array of objects.", at)
	}
	blocks := make([]llm.Block, 0, len(parts))
	for i := range parts {
		b, err := partBlock(fmt.Sprintf("%s[%d]", at, i), &parts[i])
		if err != nil {
			return nil, err
		}
		if b != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks, nil
}

func partBlock(at string, p *wirePart) (llm.Block, error) {
	switch p.Type {
	case "text":
		return textBlockOrNil(p.Text), nil
	case "refusal":
		return textBlockOrNil(p.Refusal), nil
	case "image_url":
		if p.ImageURL == nil {
			return nil, invalid(at+".image_url", "Missing required parameter: '%s.image_url'.", at)
		}
		return imagePart(at+".image_url.url", p.ImageURL.URL)
	case "file":
		if p.File == nil || p.File.FileData == "" {
			return nil, invalid(at+".file.file_data", "Files are taken here only as '%s.file.file_data'; there are no uploaded files.", at)
		}
		return filePart(at+".file.file_data", p.File.FileData, p.File.Filename)
	case "input_audio":
		if p.InputAudio == nil {
			return nil, invalid(at+".input_audio", "Missing required parameter: '%s.input_audio'.", at)
		}
		data, err := base64.StdEncoding.DecodeString(p.InputAudio.Data)
		if err != nil || len(data) == 0 {
			return nil, invalid(at+".input_audio.data", "Invalid '%s.input_audio.data': it is not base64.", at)
		}
		return &llm.Audio{Format: p.InputAudio.Format, Source: llm.Source{Bytes: data}}, nil
	}
	return nil, invalid(at+".type", "Invalid value: '%s'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal' and 'file'.", p.Type)
}

func textBlockOrNil(text string) llm.Block {
	if text == "" {
		return nil
	}
	return &llm.Text{Text: text}
}

var imageFormats = []string{"png", "jpeg", "gif", "webp"}

func imagePart(at, url string) (llm.Block, error) {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		return &llm.Image{Source: llm.Source{URL: url}}, nil
	}
	mediaType, data, err := dataURL(at, url)
	if err != nil {
		return nil, err
	}
	format := strings.TrimPrefix(mediaType, "image/")
	if format == "jpg" {
		format = "jpeg"
	}
	if !slices.Contains(imageFormats, format) {
		return nil, invalid(at, "You uploaded an unsupported image. Please make sure your image has one of the following formats: %s.", strings.Join(imageFormats, ", "))
	}
	return &llm.Image{Format: format, Source: llm.Source{Bytes: data}}, nil
}

// documentTypes are the media types of the formats that a document can have.
var documentTypes = map[string]string{
	"application/pdf":    "pdf",
	"application/msword": "doc",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
	"application/vnd.ms-excel": "xls",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
	"text/csv":      "csv",
	"text/html":     "html",
	"text/markdown": "md",
	"text/plain":    "txt",
}

func filePart(at, url, filename string) (llm.Block, error) {
	mediaType, data, err := dataURL(at, url)
	if err != nil {
		return nil, err
	}
	format, ok := documentTypes[mediaType]
	if extension := strings.TrimPrefix(path.Ext(filename), "."); !ok || format == "txt" && extension != "" {
		format = strings.ToLower(extension)
	}
	if format == "" {
		return nil, invalid(at, "Invalid file data: the media type '%s' is not supported here.", mediaType)
	}
	name := strings.TrimSuffix(path.Base(filename), path.Ext(filename))
	if filename == "" {
		name = "file"
	}
	return &llm.Document{Format: format, Name: name, Source: llm.Source{Bytes: data}}, nil
}

// dataURL reads "data:<type>[;parameters];base64,<data>".
func dataURL(at, url string) (mediaType string, data []byte, err error) {
	head, encoded, ok := strings.Cut(strings.TrimPrefix(url, "data:"), ",")
	if !ok || !strings.HasPrefix(url, "data:") || !strings.HasSuffix(head, ";base64") {
		return "", nil, invalid(at, "Invalid '%s': expected a URL or a base64 data: URL.", at)
	}
	data, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(data) == 0 {
		return "", nil, invalid(at, "Invalid '%s': the data is not base64.", at)
	}
	mediaType, _, _ = strings.Cut(head, ";")
	return strings.ToLower(mediaType), data, nil
}
