package converse_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/dialect/converse"
	"github.com/outcrop-ai/outcrop/internal/fault"
	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

const (
	mustStart     = "A conversation must start with a user message. Try again with a conversation that starts with a user message."
	mustAlternate = "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again."
	badName       = "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character. Check that the file name conforms to these restrictions and retry your request."
)

func TestValidate(t *testing.T) {
	t.Parallel()
	f := func(want string, messages ...llm.Message) {
		t.Helper()
		check(t, &llm.ChatRequest{Model: "amazon.nova-lite-v1:0", Messages: messages}, want)
	}
	hi, hello := llmtest.User(llmtest.Text("Hi")), llmtest.Assistant(llmtest.Text("Hello"))
	system := llm.Message{Role: llm.System, Content: []llm.Block{llmtest.Text("Be brief.")}}
	f("", hi)
	f("", hi, hello, hi, hello) // the last one is a prefill
	f("", system, hi, system, hello)
	f(mustStart)
	f(mustStart, system)
	f(mustStart, hello, hi)
	f(mustAlternate, hi, hi)
	f(mustAlternate, hi, system, hi)
	f(mustAlternate, hi, hello, hello)
	for model, want := range map[string]string{
		"anthropic.claude-3-haiku-20240307-v1:0": "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0": "", "qwen.qwen3-32b-v1:0": "",
		"meta.llama3-1-8b-instruct-v1:0": mustStart, "my.model": mustStart,
	} {
		check(t, &llm.ChatRequest{Model: model, Messages: []llm.Message{hello, hi}}, want)
	}

	f("The content field in the Message object at messages.1 is empty. Add a ContentBlock object to the content field and try again.", hi, llmtest.Assistant())
	f("The text field in the ContentBlock object at messages.0.content.1 is blank. Add text to the text field, and try again.", llmtest.User(llmtest.Text("a"), llmtest.Text(" \n")))
	f("The toolConfig field must be defined when using toolUse and toolResult content blocks.",
		hi, llmtest.Assistant(&llm.ToolUse{ID: "a", Name: "b", Input: json.RawMessage(`{}`)}), llmtest.User(&llm.ToolResult{ToolUseID: "a"}))

	doc := func(name string) *llm.Document { return &llm.Document{Format: "txt", Name: name, Text: "x"} }
	f("", llmtest.User(llmtest.Text("a"), doc("My file-1 (draft) [2]_v2")))
	f("", llmtest.User(&llm.Guard{Text: "a"}, doc("a")))
	f("A text block must be included when using documents.", llmtest.User(doc("a")))
	for _, name := range []string{"", "a.pdf", "a  b", "a\tb", "Größe", "テスト　資料", "John's"} {
		f(badName, llmtest.User(llmtest.Text("a"), doc(name)))
	}
	f("Messages can't contain duplicate document names.", llmtest.User(llmtest.Text("a"), doc("a")), hello, llmtest.User(llmtest.Text("a"), doc("a")))
	f(badName, llmtest.User(&llm.ToolResult{ToolUseID: "a", Content: []llm.Block{doc("a.b")}}))

	var blocks []llm.Block
	for i := range 6 {
		blocks = append(blocks, doc("d"+strconv.Itoa(i)))
	}
	f("You can't include more than 5 documents in a request.", llmtest.User(append(blocks, llmtest.Text("a"))...))
	blocks = []llm.Block{doc("a")}
	for range 21 {
		blocks = append(blocks, &llm.Image{Format: "png", Source: llm.Source{Bytes: []byte("x")}})
	}
	f("too many images and documents: 21 + 1 > 20", llmtest.User(append(blocks, llmtest.Text("a"))...))
	f("messages.0.content.0.image.source.bytes: image exceeds 3.75 MB maximum: 3932161 bytes > 3932160 bytes",
		llmtest.User(&llm.Image{Format: "png", Source: llm.Source{Bytes: make([]byte, 3932161)}}))
	f("messages.0.content.0.toolResult.content.0.document.source.bytes: document exceeds 4.5 MB maximum: 4718593 bytes > 4718592 bytes",
		llmtest.User(&llm.ToolResult{ToolUseID: "a", Content: []llm.Block{&llm.Document{Name: "a", Source: llm.Source{Bytes: make([]byte, 4718593)}}}}))

	check(t, &llm.ChatRequest{Messages: []llm.Message{hi}, System: []llm.Block{llmtest.Text("")}},
		"The text field in the SystemContentBlock object at system.0 is blank. Add text to the text field, and try again.")
	check(t, &llm.ChatRequest{Messages: []llm.Message{hi}, ExtraPaths: []string{"/a", "b"}},
		`additionalModelResponseFieldPaths: "b" is not a JSON pointer; it starts with a slash`)
}

func check(t *testing.T, req *llm.ChatRequest, want string) {
	t.Helper()
	err := converse.Validate(req)
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!fault.Is(err, fault.Invalid) || err.Error() != want):
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestConversionRefuses holds what Converse or llm has no word for: none is dropped.
func TestConversionRefuses(t *testing.T) {
	t.Parallel()
	from := func(text, want string) {
		t.Helper()
		// The wire refuses most of these; the conversion must not count on it.
		in := &gen.ConverseRequest{}
		if err := json.Unmarshal([]byte(text), in); err != nil {
			t.Fatal(err)
		}
		_, err := converse.FromRequest(in)
		if !fault.Is(err, fault.Invalid) || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
	content := func(block string) string { return `{"messages":[{"role":"user","content":[` + block + `]}]}` }
	const empty = ": the block is empty; set exactly one of its members"
	from(content(`{}`), "messages.0.content.0"+empty)
	from(content(`{"text":"a"},{"image":{"format":"png"}}`), "messages.0.content.1.image.source"+empty)
	from(content(`{"image":{"format":"png","source":{"bytes":"AA=="},"errorValue":{"message":"x"}}}`), "messages.0.content.0.image.error: the error of a medium that a model could not make is not supported")
	from(content(`{"video":{"source":{}}}`), "messages.0.content.0.video.source"+empty)
	from(content(`{"audio":{"source":{}}}`), "messages.0.content.0.audio.source"+empty)
	from(content(`{"document":{"source":{}}}`), "messages.0.content.0.document.source"+empty)
	from(content(`{"document":{"source":{"content":[{}]}}}`), "messages.0.content.0.document.source.content.0"+empty)
	from(content(`{"toolResult":{"content":[{}]}}`), "messages.0.content.0.toolResult.content.0"+empty)
	from(content(`{"reasoningContent":{}}`), "messages.0.content.0.reasoningContent"+empty)
	from(content(`{"guardContent":{}}`), "messages.0.content.0.guardContent"+empty)
	from(content(`{"citationsContent":{"citations":[{"location":{}}]}}`), "messages.0.content.0.citationsContent.citations.0.location"+empty)
	from(content(`{"toolAddition":{"tool":{"name":"a"}}}`), "messages.0.content.0: toolAddition is not supported")
	from(content(`{"toolRemoval":{"tool":{"name":"a"}}}`), "messages.0.content.0: toolRemoval is not supported")
	from(`{"system":[{}]}`, "system.0"+empty)
	from(`{"toolConfig":{"tools":[{}]}}`, "toolConfig.tools.0"+empty)
	from(`{"toolConfig":{"tools":[{"toolSpec":{"name":"a"}}]}}`, "toolConfig.tools.0.toolSpec.inputSchema"+empty)
	from(`{"toolConfig":{"tools":[],"toolChoice":{}}}`, "toolConfig.toolChoice"+empty)
	from(`{"outputConfig":{"textFormat":{"type":"json_schema"}}}`, "outputConfig.textFormat.structure"+empty)
	from(`{"outputConfig":{"textFormat":{"structure":{"jsonSchema":{"schemaValue":"{"}}}}}`, "outputConfig.textFormat.structure.jsonSchema.schema: the schema is not valid JSON")
	from(`{"promptVariables":{"a":{}}}`, "promptVariables.a"+empty)

	to := func(want string, edit func(*llm.ChatRequest)) {
		t.Helper()
		req := llmtest.Ask("m", "Hi")
		edit(req)
		_, err := converse.ToRequest(req)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	put := func(b llm.Block) func(*llm.ChatRequest) {
		return func(r *llm.ChatRequest) { r.Messages[0].Content = []llm.Block{b} }
	}
	to("messages.0.content.0: content in another provider's own form is not supported", put(&llm.JSON{}))
	to("messages.0.content.0.image: a source given as a URL", put(&llm.Image{Source: llm.Source{URL: "u"}}))
	to("messages.0.content.0.document: a source given as a URL", put(&llm.Document{Source: llm.Source{URL: "u"}}))
	to("this kind of content in a tool result", put(&llm.ToolResult{Content: []llm.Block{&llm.Audio{}}}))
	to("top_k", func(r *llm.ChatRequest) { r.Inference.TopK = new(1) })
	to("seed", func(r *llm.ChatRequest) { r.Inference.Seed = new(int64) })
	to("reasoning budget", func(r *llm.ChatRequest) { r.Inference.ReasoningBudget = new(int) })
	to("choice of none", func(r *llm.ChatRequest) { r.ToolChoice.Mode = llm.ToolNone })
	to("parallel", func(r *llm.ChatRequest) { r.ToolChoice.DisableParallel = true })
	to("without a schema", func(r *llm.ChatRequest) { r.Output.JSON = true })
}
