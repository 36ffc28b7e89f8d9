package converse

import (
	"fmt"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// The limits of one request.
const (
	maxImages        = 20
	maxImageBytes    = 3932160 // 3.75 MiB
	maxDocuments     = 5
	maxDocumentBytes = 4718592 // 4.5 MiB
)

// Validate reports how a request breaks the rules of Converse that hold for every
// model (but one: see opensWithAssistant) and for no other door: who speaks when, what must not be blank, how documents
// are named, how many media there may be. The texts are Bedrock's where they are
// known. llm.Validate has the rest.
//
// A request for a prompt resource brings no messages of its own: validate it when the
// prompt has been filled in.
func Validate(req *llm.ChatRequest) error {
	if err := validateRoles(req.Messages, opensWithAssistant(req.Model)); err != nil {
		return err
	}
	v := validator{names: map[string]bool{}}
	for i, b := range req.System {
		if t, ok := b.(*llm.Text); ok && blank(t.Text) {
			return invalid("The text field in the SystemContentBlock object at system.%d is blank. Add text to the text field, and try again.", i)
		}
	}
	for i := range req.Messages {
		if err := v.message(i, &req.Messages[i]); err != nil {
			return err
		}
	}
	if v.tools && len(req.Tools) == 0 {
		return invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
	}
	for _, p := range req.ExtraPaths {
		if !strings.HasPrefix(p, "/") {
			return invalid("additionalModelResponseFieldPaths: %q is not a JSON pointer; it starts with a slash", p)
		}
	}
	return nil
}

// opensWithAssistant reports whether the service takes a conversation that the model
// begins: of those that were tried, Anthropic's and Qwen's models do.
func opensWithAssistant(model string) bool {
	return strings.Contains(model, "anthropic.") || strings.Contains(model, "qwen.")
}

func validateRoles(messages []llm.Message, assistantFirst bool) error {
	var last llm.Role
	for _, m := range messages {
		switch {
		case m.Role == llm.System:
			continue
		case last == "" && m.Role != llm.User && !assistantFirst:
			return startWithUser()
		case last == m.Role:
			return invalid("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.")
		}
		last = m.Role
	}
	if last == "" {
		return startWithUser()
	}
	return nil
}

func startWithUser() error {
	return invalid("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// validator counts over a whole conversation.
type validator struct {
	images, documents int
	names             map[string]bool // of documents
	tools             bool            // a tool was used
}

func (v *validator) message(i int, m *llm.Message) error {
	if len(m.Content) == 0 {
		return invalid("The content field in the Message object at messages.%d is empty. Add a ContentBlock object to the content field and try again.", i)
	}
	at := func(j int) string { return fmt.Sprintf("messages.%d.content.%d", i, j) }
	var text, document bool
	for j, b := range m.Content {
		switch b := b.(type) {
		case *llm.Text:
			if blank(b.Text) {
				return invalid("The text field in the ContentBlock object at %s is blank. Add text to the text field, and try again.", at(j))
			}
			text = true
		case *llm.Document:
			document = true
			if err := v.document(at(j), b); err != nil {
				return err
			}
		case *llm.Image:
			if err := v.image(at(j), b); err != nil {
				return err
			}
		case *llm.ToolUse:
			v.tools = true
		case *llm.ToolResult:
			v.tools = true
			if err := v.toolResult(at(j), b); err != nil {
				return err
			}
		case *llm.Guard, *llm.Citations, *llm.SearchResult:
			text = true
		}
	}
	if document && !text {
		return invalid("A text block must be included when using documents.")
	}
	return nil
}

func (v *validator) toolResult(at string, b *llm.ToolResult) error {
	for j, inner := range b.Content {
		at := fmt.Sprintf("%s.toolResult.content.%d", at, j)
		switch inner := inner.(type) {
		case *llm.Image:
			if err := v.image(at, inner); err != nil {
				return err
			}
		case *llm.Document:
			if err := v.document(at, inner); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *validator) image(at string, b *llm.Image) error {
	if v.images++; v.images > maxImages {
		return invalid("too many images and documents: %d + %d > %d", v.images, v.documents, maxImages)
	}
	if n := len(b.Source.Bytes); n > maxImageBytes {
		return invalid("%s.image.source.bytes: image exceeds 3.75 MB maximum: %d bytes > %d bytes", at, n, maxImageBytes)
	}
	return nil
}

func (v *validator) document(at string, b *llm.Document) error {
	if v.documents++; v.documents > maxDocuments {
		return invalid("You can't include more than %d documents in a request.", maxDocuments)
	}
	if n := len(b.Source.Bytes); n > maxDocumentBytes {
		return invalid("%s.document.source.bytes: document exceeds 4.5 MB maximum: %d bytes > %d bytes", at, n, maxDocumentBytes)
	}
	if !goodName(b.Name) {
		return invalid("The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character. Check that the file name conforms to these restrictions and retry your request.")
	}
	if v.names[b.Name] {
		return invalid("Messages can't contain duplicate document names.")
	}
	v.names[b.Name] = true
	return nil
}

// goodName reports whether Bedrock takes a document's name. It takes underscores, too,
// and of all white space only the blank.
func goodName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("-()[]_", c) >= 0:
		case c == ' ' && (i == 0 || name[i-1] != ' '):
		default:
			return false
		}
	}
	return name != ""
}
