package llm_test

import (
	"encoding/json"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

func use(id string) *llm.ToolUse {
	return &llm.ToolUse{ID: id, Name: "f", Input: json.RawMessage(`{}`)}
}

func result(id string) *llm.ToolResult { return &llm.ToolResult{ToolUseID: id} }

const pngHeader = "\x89PNG\r\n\x1a\n"

func TestValidateTurns(t *testing.T) {
	t.Parallel()
	f := func(want string, messages ...llm.Message) {
		t.Helper()
		check(t, &llm.ChatRequest{Messages: messages}, want)
	}
	hi := llmtest.User(llmtest.Text("Hi"))
	f("messages: at least one message is required")
	f("", hi)
	f("", hi, hi) // some doors allow it
	f("", hi, llmtest.Assistant(use("a"), use("b")), llmtest.User(result("b"), result("a"), llmtest.Text("well?")))
	f("", hi, llmtest.Assistant(use("a")), llm.Message{Role: llm.System, Content: []llm.Block{llmtest.Text("s")}}, llmtest.User(result("a")))
	f("", hi, llmtest.Assistant(&llm.ToolUse{ID: "s", Name: "search", Input: json.RawMessage(`{}`), Server: true},
		&llm.ToolResult{ToolUseID: "s", Type: "web_search_tool_result"}, use("a")), llmtest.User(result("a")))
	f(`messages.0.role: "tool" is not a role`, llm.Message{Role: "tool"})
	f("The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous turn.", llmtest.User(result("a")))
	f("The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn.",
		hi, llmtest.Assistant(use("a")), llmtest.User(result("a"), result("b")))
	f("Expected toolResult blocks at messages.2.content for the following Ids: a, c",
		hi, llmtest.Assistant(use("a"), use("b"), use("c")), llmtest.User(result("b")))
	f("Expected toolResult blocks at messages.2.content for the following Ids: a", hi, llmtest.Assistant(use("a")), llmtest.User(result("x")))
	f("Expected toolResult blocks at messages.2.content for the following Ids: a", hi, llmtest.Assistant(use("a")), hi)
	f("Expected toolResult blocks at messages.2.content for the following Ids: a", hi, llmtest.Assistant(use("a")))
	f("The toolUse blocks at messages.1.content contain duplicate Ids: a", hi, llmtest.Assistant(use("a"), use("a")), llmtest.User(result("a")))
	f("The toolResult blocks at messages.2.content contain duplicate Ids: a", hi, llmtest.Assistant(use("a"), use("b")), llmtest.User(result("a"), result("a")))
	f("messages.0.content.0: only the assistant can use a tool", llmtest.User(use("a")))
}

func TestValidateContent(t *testing.T) {
	t.Parallel()
	f := func(want string, b llm.Block) {
		t.Helper()
		check(t, &llm.ChatRequest{Messages: []llm.Message{llmtest.User(b)}}, want)
	}
	source := llm.Source{Bytes: []byte(pngHeader)}
	f("", &llm.Image{Format: "png", Source: source})
	f("", &llm.Image{Source: llm.Source{URL: "https://example.com"}})
	f("", &llm.Image{Format: "webp", Source: llm.Source{Bytes: []byte("who knows")}})
	f("", &llm.Document{Text: "a"})
	f("", &llm.Video{Source: llm.Source{S3: &llm.S3Location{URI: "s3://b/k"}}})
	f("messages.0.content.0.image.source.bytes: The image was specified using the image/jpeg media type, but the image appears to be a image/png image",
		&llm.Image{Format: "jpeg", Source: source})
	f("messages.0.content.0.guardContent.image.source.bytes: The image was specified using the image/jpeg media type, but the image appears to be a image/png image",
		&llm.Guard{Image: &llm.Image{Format: "jpeg", Source: source}})
	f("messages.0.content.0.image.source: exactly one source must be given", &llm.Image{Format: "jpeg"})
	f("messages.0.content.0.video.source: exactly one source must be given", &llm.Video{})
	f("messages.0.content.0.audio.source: exactly one source must be given", &llm.Audio{Source: llm.Source{URL: "u", Bytes: []byte{1}}})
	f("messages.0.content.0.document.source: exactly one source must be given", &llm.Document{Text: "a", Source: source})
	f("messages.0.content.0: the block is empty", nil)
	f("messages.0.content.0.json: the value is not valid JSON", &llm.JSON{Value: json.RawMessage(`{`)})

	bad := llmtest.User(&llm.ToolResult{ToolUseID: "a", Content: []llm.Block{llmtest.Text("x"), &llm.Image{Format: "gif", Source: source}}})
	check(t, &llm.ChatRequest{Messages: []llm.Message{llmtest.Assistant(use("a")), bad}},
		"messages.1.content.0.toolResult.content.1.image.source.bytes: The image was specified using the image/gif media type, but the image appears to be a image/png image")
	check(t, &llm.ChatRequest{Messages: []llm.Message{llmtest.Assistant(&llm.ToolUse{ID: "a", Name: "f", Input: json.RawMessage(`{`)}), llmtest.User(result("a"))}},
		"messages.0.content.0.toolUse.input: the input is not valid JSON")
	check(t, &llm.ChatRequest{System: []llm.Block{&llm.Image{}}, Messages: []llm.Message{llmtest.User(llmtest.Text("a"))}},
		"system.0: a system prompt cannot hold this kind of content")
}

func TestValidateTools(t *testing.T) {
	t.Parallel()
	f := func(want string, choice llm.ToolChoice, extra string, names ...string) {
		t.Helper()
		req := llmtest.Ask("m", "Hi")
		req.ToolChoice, req.Extra = choice, json.RawMessage(extra)
		for _, n := range names {
			req.Tools = append(req.Tools, llm.Tool{Name: n})
		}
		check(t, req, want)
	}
	f("", llm.ToolChoice{}, "")
	f("", llm.ToolChoice{Mode: llm.ToolNone}, "", "a", "b")
	f("", llm.ToolChoice{Mode: llm.ToolNamed, Name: "b"}, "", "a", "b")
	f("", llm.ToolChoice{Mode: llm.ToolNamed, Name: "bash"}, `{"tools":[{"type":"bash_20250124","name":"bash"}]}`)
	f("tools: Tool names must be unique. Repeated: a", llm.ToolChoice{}, "", "a", "b", "a")
	f("toolChoice: a tool can only be chosen while providing tools", llm.ToolChoice{Mode: llm.ToolAny}, "")
	f("toolChoice: Tool 'c' not found in provided tools", llm.ToolChoice{Mode: llm.ToolNamed, Name: "c"}, "", "a")
	f(`toolChoice: "maybe" is not a mode`, llm.ToolChoice{Mode: "maybe"}, "", "a")
}

func check(t *testing.T, req *llm.ChatRequest, want string) {
	t.Helper()
	err := llm.Validate(req)
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!fault.Is(err, fault.Invalid) || err.Error() != want):
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestImageFormat(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		pngHeader: "png", "\xff\xd8\xff\xe0": "jpeg", "GIF89a…": "gif", "GIF87a": "gif", "RIFF....WEBPVP8": "webp",
		"": "", "RIFF....WAVE": "", "RIFF": "", "%PDF-1.7": "",
	} {
		if got := llm.ImageFormat([]byte(data)); got != want {
			t.Errorf("ImageFormat(%q) = %q, want %q", data, got, want)
		}
	}
}
