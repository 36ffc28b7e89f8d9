package anthropic_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

// requests are bodies of the direct form in the spelling that EncodeRequest has, each
// with the request it means: both directions are held to them.
var requests = []struct {
	name string
	body string
	want llm.ChatRequest
}{
	{
		name: "the least", body: `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}`,
		want: llm.ChatRequest{Inference: llm.Inference{MaxTokens: 1}, Messages: []llm.Message{llmtest.User(llmtest.Text("Hi"))}},
	},
	{
		name: "sampling, stream, extra members",
		body: `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"temperature":0,"top_p":0.5,"top_k":40,` +
			`"stop_sequences":["END"],"stream":true,"metadata":{"user_id":"u"},"service_tier":"standard_only","newer":[1.50]}`,
		want: llm.ChatRequest{
			Inference: llm.Inference{MaxTokens: 9, Temperature: new(0.0), TopP: new(0.5), TopK: new(40), StopSequences: []string{"END"}},
			Messages:  []llm.Message{llmtest.User(llmtest.Text("Hi"))}, Stream: true,
			Extra: json.RawMessage(`{"metadata":{"user_id":"u"},"service_tier":"standard_only","newer":[1.50]}`),
		},
	},
	{
		name: "system and cache points",
		body: `{"model":"m","max_tokens":9,"system":[{"type":"text","text":"Be brief."},{"type":"text","text":"Be kind.","cache_control":{"type":"ephemeral","ttl":"1h"}}],` +
			`"messages":[{"role":"user","content":[{"type":"text","text":"Hi","cache_control":{"type":"ephemeral"}},{"type":"text","text":"there"}]}]}`,
		want: llm.ChatRequest{
			Inference: llm.Inference{MaxTokens: 9},
			System:    []llm.Block{llmtest.Text("Be brief."), llmtest.Text("Be kind."), &llm.CachePoint{TTL: "1h"}},
			Messages:  []llm.Message{llmtest.User(llmtest.Text("Hi"), &llm.CachePoint{}, llmtest.Text("there"))},
		},
	},
	{
		name: "media",
		body: `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[` +
			`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQI="}},` +
			`{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},` +
			`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AQI="},"title":"T","context":"C","citations":{"enabled":true}},` +
			`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"Grass <is> green."}},` +
			`{"type":"document","source":{"type":"content","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}},` +
			`{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}},` +
			`{"type":"search_result","source":"s3://a","title":"A","content":[{"type":"text","text":"found"}],"citations":{"enabled":true}},` +
			`{"type":"container_upload","file_id":"f_1","cache_control":{"type":"ephemeral"}}]}]}`,
		want: llm.ChatRequest{
			Inference: llm.Inference{MaxTokens: 9},
			Messages: []llm.Message{llmtest.User(
				&llm.Image{Format: "png", Source: llm.Source{Bytes: []byte{1, 2}}},
				&llm.Image{Source: llm.Source{URL: "https://example.com/a.png"}},
				&llm.Document{Format: "pdf", Name: "T", Context: "C", Citations: true, Source: llm.Source{Bytes: []byte{1, 2}}},
				&llm.Document{Text: "Grass <is> green."},
				&llm.Document{Content: []llm.Text{{Text: "a"}, {Text: "b"}}},
				&llm.Document{Format: "pdf", Source: llm.Source{URL: "https://example.com/a.pdf"}},
				&llm.SearchResult{Source: "s3://a", Title: "A", Content: []string{"found"}, Citations: true},
				&llm.JSON{Value: json.RawMessage(`{"type":"container_upload","file_id":"f_1","cache_control":{"type":"ephemeral"}}`)},
			)},
		},
	},
	{
		name: "tools",
		body: `{"model":"m","max_tokens":9000,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]},` +
			`{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"redacted_thinking","data":"opaque=="},{"type":"tool_use","id":"t1","name":"f","input":{"a":1.0}},{"type":"tool_use","id":"t2","name":"f","input":{}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"42"},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AQI="}}]},{"type":"tool_result","tool_use_id":"t2","is_error":true}]}],` +
			`"tools":[{"name":"f","description":"d","input_schema":{"type":"object","z":1,"a":2}},{"name":"g","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"}},{"type":"bash_20250124","name":"bash"}],` +
			`"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"thinking":{"type":"enabled","budget_tokens":2000}}`,
		want: llm.ChatRequest{
			Inference: llm.Inference{MaxTokens: 9000, ReasoningBudget: new(2000)},
			Messages: []llm.Message{
				llmtest.User(llmtest.Text("Hi")),
				llmtest.Assistant(
					&llm.Reasoning{Text: "hm", Signature: "sig"}, &llm.Reasoning{Redacted: []byte("opaque==")},
					&llm.ToolUse{ID: "t1", Name: "f", Input: json.RawMessage(`{"a":1.0}`)}, &llm.ToolUse{ID: "t2", Name: "f", Input: json.RawMessage(`{}`)},
				),
				llmtest.User(
					&llm.ToolResult{ToolUseID: "t1", Content: []llm.Block{llmtest.Text("42"), &llm.Image{Format: "jpeg", Source: llm.Source{Bytes: []byte{1, 2}}}}},
					&llm.ToolResult{ToolUseID: "t2", Error: true},
				),
			},
			Tools: []llm.Tool{
				{Name: "f", Description: "d", InputSchema: json.RawMessage(`{"type":"object","z":1,"a":2}`)},
				{Name: "g", InputSchema: json.RawMessage(`{"type":"object"}`), Strict: true},
			},
			ToolCachePoint: &llm.CachePoint{},
			ToolChoice:     llm.ToolChoice{Mode: llm.ToolNamed, Name: "f", DisableParallel: true},
			Extra:          json.RawMessage(`{"tools":[{"type":"bash_20250124","name":"bash"}]}`),
		},
	},
	{
		name: "a server's tool and cited text",
		body: `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"assistant","content":[` +
			`{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"q"}},` +
			`{"type":"web_search_tool_result","tool_use_id":"s1","content":[{"type":"web_search_result","title":"W","url":"u","encrypted_content":"e"}]},` +
			`{"type":"text","text":"cited","citations":[` +
			`{"type":"char_location","cited_text":"a","document_index":0,"document_title":"T","start_char_index":0,"end_char_index":5},` +
			`{"type":"page_location","cited_text":"b","document_index":1,"document_title":null,"start_page_number":1,"end_page_number":2},` +
			`{"type":"content_block_location","cited_text":"c","document_index":2,"document_title":"U","start_block_index":0,"end_block_index":1},` +
			`{"type":"search_result_location","cited_text":"d","search_result_index":0,"source":"s3://a","title":"A","start_block_index":0,"end_block_index":1}]}]}],` +
			`"tool_choice":{"type":"none"},"thinking":{"type":"disabled"},"output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object"}}}}`,
		want: llm.ChatRequest{
			Inference: llm.Inference{MaxTokens: 9, ReasoningBudget: new(0), Effort: "high"},
			Messages: []llm.Message{
				llmtest.User(llmtest.Text("Hi")),
				llmtest.Assistant(
					&llm.ToolUse{ID: "s1", Name: "web_search", Input: json.RawMessage(`{"query":"q"}`), Server: true},
					&llm.ToolResult{
						ToolUseID: "s1", Type: "web_search_tool_result",
						Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`[{"type":"web_search_result","title":"W","url":"u","encrypted_content":"e"}]`)}},
					},
					&llm.Citations{Text: "cited", Citations: []llm.Citation{
						{Title: "T", SourceContent: []string{"a"}, Location: llm.Location{Kind: llm.CharLocation, End: 5}},
						{SourceContent: []string{"b"}, Location: llm.Location{Kind: llm.PageLocation, Index: 1, Start: 1, End: 2}},
						{Title: "U", SourceContent: []string{"c"}, Location: llm.Location{Kind: llm.ChunkLocation, Index: 2, End: 1}},
						{Title: "A", Source: "s3://a", SourceContent: []string{"d"}, Location: llm.Location{Kind: llm.SearchResultLocation, End: 1}},
					}},
				),
			},
			ToolChoice: llm.ToolChoice{Mode: llm.ToolNone},
			Output:     llm.OutputFormat{Schema: json.RawMessage(`{"type":"object"}`), Strict: true},
		},
	},
	{
		name: "thinking that llm has no word for",
		body: `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"thinking":{"type":"adaptive","display":"omitted"},"anthropic_beta":["a"]}`,
		want: llm.ChatRequest{
			Inference: llm.Inference{MaxTokens: 9}, Messages: []llm.Message{llmtest.User(llmtest.Text("Hi"))},
			ToolChoice: llm.ToolChoice{Mode: llm.ToolAuto, DisableParallel: true},
			Extra:      json.RawMessage(`{"thinking":{"type":"adaptive","display":"omitted"},"anthropic_beta":["a"]}`),
		},
	},
}

func TestRequestBothWays(t *testing.T) {
	t.Parallel()
	for _, tt := range requests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := anthropic.DecodeRequest([]byte(tt.body), anthropic.Direct, anthropic.Version2023)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			want.Model, want.Raw = "m", &llm.RawRequest{Dialect: "anthropic", Version: "2023-06-01", Body: []byte(tt.body)}
			if diff := llmtest.Diff(got, &want); diff != "" {
				t.Fatalf("decoded: got (-), want (+)\n%s", diff)
			}
			got.Raw = nil
			out, err := anthropic.EncodeRequest(t.Context(), got, anthropic.Direct)
			if err != nil {
				t.Fatal(err)
			}
			wantBody, wantBetas := tt.body, []string(nil)
			if strings.Contains(tt.body, "anthropic_beta") {
				wantBody, wantBetas = strings.Replace(tt.body, `,"anthropic_beta":["a"]`, "", 1), []string{"a"}
			}
			if diff := llmtest.Diff(json.RawMessage(out.Body), json.RawMessage(wantBody)); diff != "" {
				t.Errorf("encoded: got\n%s\nwant\n%s", out.Body, wantBody)
			}
			if diff := cmp.Diff(out.Betas, wantBetas); diff != "" {
				t.Errorf("betas: got (-), want (+)\n%s", diff)
			}
		})
	}
}

func TestDecodeRequestSpellings(t *testing.T) {
	t.Parallel()
	f := func(members string, want llm.ChatRequest) {
		t.Helper()
		body := `{"anthropic_version":"bedrock-2023-05-31","max_tokens":5000,` + members + `}`
		got, err := anthropic.DecodeRequest([]byte(body), anthropic.Bedrock, "")
		if err != nil {
			t.Errorf("%s: %v", members, err)
			return
		}
		got.Raw = nil
		want.Inference.MaxTokens = 5000
		if diff := llmtest.Diff(got, &want); diff != "" {
			t.Errorf("%s: got (-), want (+)\n%s", members, diff)
		}
	}
	hi := []llm.Message{llmtest.User(llmtest.Text("Hi"))}
	f(`"system":"S","messages":[{"role":"user","content":"Hi"}]`, llm.ChatRequest{System: []llm.Block{llmtest.Text("S")}, Messages: hi})
	f(`"system":"","messages":[{"role":"user","content":"Hi"}]`, llm.ChatRequest{Messages: hi})
	f(`"system":null,"tool_choice":null,"thinking":null,"output_config":null,"messages":[{"role":"user","content":"Hi"}]`, llm.ChatRequest{Messages: hi})
	// Turns of one side that follow each other are one.
	f(`"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c"}]`,
		llm.ChatRequest{Messages: []llm.Message{llmtest.User(llmtest.Text("a"), llmtest.Text("b")), llmtest.Assistant(llmtest.Text("c"))}})
	f(`"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[]}]`,
		llm.ChatRequest{Messages: []llm.Message{hi[0], llmtest.Assistant()}})
	// The marker inside a tool result and the one on an early tool move to the end.
	f(`"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"5m"}},{"type":"text","text":"b"}]}]}]`,
		llm.ChatRequest{Messages: []llm.Message{llmtest.Assistant(&llm.ToolUse{ID: "t", Name: "f", Input: json.RawMessage(`{}`)}), llmtest.User(
			&llm.ToolResult{ToolUseID: "t", Content: []llm.Block{llmtest.Text("a"), llmtest.Text("b")}}, &llm.CachePoint{TTL: "5m"})}})
	// The last of two members with one name counts.
	f(`"temperature":5,"temperature":0.5,"messages":[{"role":"user","content":"Hi"}]`,
		llm.ChatRequest{Inference: llm.Inference{Temperature: new(0.5)}, Messages: hi})
	f(`"thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"},"messages":[{"role":"user","content":"Hi"}]`,
		llm.ChatRequest{
			Inference: llm.Inference{ReasoningBudget: new(1024)}, Messages: hi,
			Extra: json.RawMessage(`{"thinking":{"type":"enabled","budget_tokens":1024,"display":"omitted"}}`),
		})
}

func TestDecodeRequestErrors(t *testing.T) {
	t.Parallel()
	f := func(body, want string) {
		t.Helper()
		_, err := anthropic.DecodeRequest([]byte(body), anthropic.Bedrock, "")
		if err == nil || !fault.Is(err, fault.Invalid) || err.Error() != want {
			t.Errorf("%s\n got %v (%v)\nwant %s", body, err, fault.KindOf(err), want)
		}
	}
	body := func(members string) string {
		return `{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],` + members + `}`
	}
	content := func(block string) string {
		return `{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"user","content":[` + block + `]}]}`
	}
	f(``, "The request body is not valid JSON.")
	f(`{"a":}`, "The request body is not valid JSON.")
	f(strings.Repeat("[", 20000), "The request body is not valid JSON.")
	f(`[]`, "Input should be a valid dictionary")
	f(`null`, "Input should be a valid dictionary")
	f(`{}`, "anthropic_version: Field required")
	f(`{"anthropic_version":"bedrock-2023-05-31"}`, "messages: Field required")
	f(`{"anthropic_version":"bedrock-2023-05-31","messages":[{"role":"user","content":"Hi"}]}`, "max_tokens: Field required")
	f(`{"anthropic_version":"2023-06-01","messages":[]}`, "anthropic_version: Input should be 'bedrock-2023-05-31' or '2026-10-21'")
	f(`{"anthropic_version":1,"messages":[]}`, "anthropic_version: Input should be a valid string")
	f(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[]}`, "messages: at least one message is required")
	f(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":{}}`, "messages: Input should be a valid list")
	f(body(`"max_tokens":0`), "max_tokens: Input should be greater than or equal to 1")
	f(body(`"max_tokens":1.5`), "max_tokens: Input should be a valid integer")
	f(body(`"max_tokens":"5"`), "max_tokens: Input should be a valid integer")
	f(body(`"model":"m"`), "model: Extra inputs are not permitted")
	f(body(`"stream":true`), "stream: Extra inputs are not permitted")
	f(body(`"temperature":1.5`), "temperature: range: 0..1")
	f(body(`"top_p":"x"`), "top_p: Input should be a valid number")
	f(body(`"stop_sequences":"x"`), "stop_sequences: Input should be a valid list")
	f(body(`"system":[{"type":"image","source":{"type":"url","url":"u"}}]`), "system.0: Input should be a text block")
	f(body(`"system":5`), "system: Input should be a valid list")
	f(body(`"thinking":{"type":"enabled"}`), "thinking.enabled.budget_tokens: Field required")
	f(body(`"thinking":{"type":"enabled","budget_tokens":10}`), "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
	f(body(`"thinking":{}`), "thinking.type: Field required")
	f(body(`"tools":[{}]`), "tools.0.custom.name: Field required")
	f(body(`"tools":[{"name":"f"}]`), "tools.0.custom.input_schema: Field required")
	f(body(`"tools":[{"name":"f","input_schema":[]}]`), "tools.0.custom.input_schema: Input should be a valid dictionary")
	f(body(`"tool_choice":{"type":"maybe"}`), "tool_choice: Input tag 'maybe' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'")
	f(body(`"tool_choice":{"type":"tool"}`), "tool_choice.tool.name: Field required")
	f(body(`"output_config":{"format":{"type":"grammar"}}`), "output_config.format.type: Input should be 'json_schema'")
	f(content(`5`), "messages.0.content.0: Input should be a valid dictionary")
	f(content(``), "messages: messages.0: all messages must have non-empty content except for the optional final assistant message")
	f(content(`{}`), "messages.0.content.0.type: Field required")
	f(content(`{"type":"text"}`), "messages.0.content.0.text.text: Field required")
	f(content(`{"type":"text","text":5}`), "messages.0.content.0.text: Input should be a valid string")
	f(content(`{"type":"image"}`), "messages.0.content.0.image.source: Field required")
	f(content(`{"type":"image","source":{"type":"base64","media_type":"image/bmp","data":"AQI="}}`),
		"messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
	f(content(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"%"}}`), "messages.0.content.0.image.source.base64.data: Invalid base64 data")
	f(content(`{"type":"tool_use","id":"a","name":"b","input":[]}`), "messages.0.content.0.tool_use.input: Input should be a valid dictionary")
	f(content(`{"type":"tool_result"}`), "messages.0.content.0.tool_result.tool_use_id: Field required")
	f(content(`{"type":"tool_result","tool_use_id":"t","content":[{"type":"text"}]}`), "messages.0.content.0.tool_result.content.0.text.text: Field required")
	turns := func(turns ...string) string {
		return `{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[` + strings.Join(turns, ",") + `]}`
	}
	const hi, call, result = `{"role":"user","content":"Hi"}`, `{"type":"tool_use","id":"a","name":"f","input":{}}`, `{"type":"tool_result","tool_use_id":"a"}`
	assistant := func(blocks string) string { return `{"role":"assistant","content":[` + blocks + `]}` }
	user := func(blocks string) string { return `{"role":"user","content":[` + blocks + `]}` }
	const orphan = ": unexpected `tool_use_id` found in `tool_result` blocks: a. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
	const missing = ": `tool_use` ids were found without `tool_result` blocks immediately after: a. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
	f(turns(user(result)), "messages.0.content.0"+orphan)
	f(turns(hi, assistant(`{"type":"text","text":"a"}`), user(`{"type":"text","text":"a"},`+result)), "messages.2.content.1"+orphan)
	f(turns(hi, assistant(call), hi), "messages.1"+missing)
	f(turns(hi, assistant(call)), "messages.1"+missing)
	f(turns(hi, assistant(call), user(result+","+result)), "messages.2.content.1: each tool_use must have a single result. Found multiple `tool_result` blocks with id: a")
	f(turns(hi, assistant(call+","+call), user(result)), "messages: `tool_use` ids must be unique")
	f(turns(hi, assistant(`{"type":"text","text":"so "}`)), "messages: final assistant content cannot end with trailing whitespace")
	f(content(`{"type":"text","text":" "}`), "messages: text content blocks must contain non-whitespace text")
	f(body(`"tools":[{"name":"a.b","input_schema":{}}]`), "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
	f(body(`"tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}]`), "tools: Tool names must be unique.")
	f(body(`"max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":2000}`), "`max_tokens` must be greater than `thinking.budget_tokens`.")
	f(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"tool","content":"Hi"}]}`, "messages.0.role: Input should be 'user' or 'assistant'")
	f(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"role":"user"}]}`, "messages.0.content: Field required")
	f(`{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,"messages":[{"content":"Hi"}]}`, "messages.0.role: Field required")
	if _, err := anthropic.DecodeRequest([]byte(`{"messages":[]}`), anthropic.Direct, anthropic.Version2023); err == nil || err.Error() != "messages: at least one message is required" {
		t.Errorf("direct, no messages: %v", err)
	}
	if _, err := anthropic.DecodeRequest([]byte(`{"messages":[{"role":"user","content":"a"}]}`), anthropic.Direct, anthropic.Version2023); err == nil || err.Error() != "model: Field required" {
		t.Errorf("direct, no model: %v", err)
	}
}

func TestRawRequest(t *testing.T) {
	t.Parallel()
	const body = `{ "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["b1"], "max_tokens": 5,
		"messages": [ {"role":"user", "content":"Hi"} ], "future": {"n": 1.50} }`
	req, err := anthropic.DecodeRequest([]byte(body), anthropic.Bedrock, "")
	if err != nil {
		t.Fatal(err)
	}
	req.Model, req.Stream = `claude"x`, true
	f := func(form anthropic.Form, want string, betas ...string) {
		t.Helper()
		got, err := anthropic.EncodeRequest(t.Context(), req, form)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got.Body), want); diff != "" {
			t.Errorf("got (-), want (+)\n%s", diff)
		}
		if diff := cmp.Diff(got.Betas, betas); diff != "" {
			t.Errorf("betas: got (-), want (+)\n%s", diff)
		}
	}
	f(anthropic.Direct, `{ "max_tokens": 5,
		"messages": [ {"role":"user", "content":"Hi"} ], "future": {"n": 1.50},"model":"claude\"x","stream":true }`, "b1")
	f(anthropic.Bedrock, `{ "max_tokens": 5,
		"messages": [ {"role":"user", "content":"Hi"} ], "future": {"n": 1.50},"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["b1"] }`)
	count, err := anthropic.EncodeCountRequest(t.Context(), req, anthropic.Direct)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(count.Body), `{ "messages": [ {"role":"user", "content":"Hi"} ], "future": {"n": 1.50},"model":"claude\"x" }`); diff != "" {
		t.Errorf("count: got (-), want (+)\n%s", diff)
	}
}

func TestAddBetas(t *testing.T) {
	t.Parallel()
	f := func(extra, want string, header ...string) {
		t.Helper()
		req := &llm.ChatRequest{}
		if extra != "" {
			req.Extra = json.RawMessage(extra)
		}
		if err := anthropic.AddBetas(req, header); err != nil || string(req.Extra) != want {
			t.Errorf("%s and %q: %s, %v, want %s", extra, header, req.Extra, err, want)
		}
	}
	f("", "")
	f("", "", " , ")
	f("", `{"anthropic_beta":["a","b","c"]}`, "a, b", "c,a")
	f(`{"x":1,"anthropic_beta":["b"]}`, `{"x":1,"anthropic_beta":["b","a"]}`, "a,b")
	if err := anthropic.AddBetas(&llm.ChatRequest{Extra: json.RawMessage(`{"anthropic_beta":5}`)}, []string{"a"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("err = %v", err)
	}
}

// TestRecordedBodies reads bodies that the service has taken.
func TestRecordedBodies(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(sharedtest.Path(t, "vectors", "bedrock-recordings", "recordings.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Test    string
		Status  int
		Request struct {
			Input struct{ InvokeModel struct{ Body []byte } }
		}
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, r := range all {
		if body := r.Request.Input.InvokeModel.Body; body != nil && r.Status == http.StatusOK {
			seen++
			if _, err := anthropic.DecodeCountRequest(body, anthropic.Bedrock, ""); err != nil {
				t.Errorf("%s: %v", r.Test, err)
			}
		}
	}
	if seen == 0 {
		t.Error("no recording has such a body")
	}
}

func TestEncodeRequest(t *testing.T) {
	t.Parallel()
	f := func(edit func(*llm.ChatRequest), want string) {
		t.Helper()
		req := llmtest.Ask("m", "Hi")
		edit(req)
		got, err := anthropic.EncodeRequest(t.Context(), req, anthropic.Direct)
		if err != nil {
			t.Error(err)
			return
		}
		want = `{"model":"m",` + want + `}`
		if diff := llmtest.Diff(json.RawMessage(got.Body), json.RawMessage(want)); diff != "" {
			t.Errorf("got\n%s\nwant\n%s", got.Body, want)
		}
	}
	const hi = `"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]`
	f(func(*llm.ChatRequest) {}, `"max_tokens":4096,`+hi)
	f(func(r *llm.ChatRequest) { r.Inference.ReasoningBudget = new(3000) },
		`"max_tokens":7096,"thinking":{"type":"enabled","budget_tokens":3000},`+hi)
	f(func(r *llm.ChatRequest) {
		r.Extra = json.RawMessage(`{"thinking":{"type":"enabled","budget_tokens":3000}}`)
	},
		`"max_tokens":7096,"thinking":{"type":"enabled","budget_tokens":3000},`+hi)
	for model, want := range map[string]string{
		"claude-3-haiku-20240307": "4096", "claude-3-5-sonnet-20241022": "8192", "claude-3-7-sonnet-latest": "32000",
		"claude-sonnet-4-5": "32000", "claude-opus-7": "32000", "claude-2.1": "4096", "glm-5": "4096",
	} {
		req := llmtest.Ask(model, "Hi")
		if got, err := anthropic.EncodeRequest(t.Context(), req, anthropic.Direct); err != nil || !strings.Contains(string(got.Body), `"max_tokens":`+want+`,`) {
			t.Errorf("%s: %s, %v, want %s", model, got.Body, err, want)
		}
	}
	f(func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"max_tokens":7,"top_k":3}`) }, `"max_tokens":7,"top_k":3,`+hi)
	f(func(r *llm.ChatRequest) { r.ServiceTier, r.Inference.Seed = "priority", new(int64(1)) }, `"service_tier":"auto","max_tokens":4096,`+hi)
	f(func(r *llm.ChatRequest) {
		r.Messages[0].Content = []llm.Block{&llm.Guard{Text: "g"}, &llm.Document{Format: "csv", Name: "n", Source: llm.Source{Bytes: []byte("a,b")}}}
		r.Messages = append(r.Messages, llmtest.Assistant(&llm.Citations{Text: "w", Citations: []llm.Citation{{Location: llm.Location{Kind: llm.WebLocation, URL: "u"}}}}),
			llmtest.User(&llm.ToolResult{ToolUseID: "t", Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`{"a":1}`)}}}))
	}, `"max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"g"},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,b"},"title":"n"}]},`+
		`{"role":"assistant","content":[{"type":"text","text":"w"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"{\"a\":1}"}]}]}]`)
}

// TestEncodeReadsDocuments: a spreadsheet, here as CSV, and an office document become
// text; the caller's request stays as it was.
func TestEncodeReadsDocuments(t *testing.T) {
	t.Parallel()
	html := &llm.Document{Format: "html", Name: "h", Source: llm.Source{Bytes: []byte("\xff\xfeH\x00i\x00")}}
	req := &llm.ChatRequest{Model: "m", Inference: llm.Inference{MaxTokens: 1}, Messages: []llm.Message{
		llmtest.User(llmtest.Text("a"), html), llmtest.User(&llm.ToolResult{ToolUseID: "t", Content: []llm.Block{llmtest.Text("b"), html}}),
	}}
	out, err := anthropic.EncodeRequest(t.Context(), req, anthropic.Direct)
	if err != nil {
		t.Fatal(err)
	}
	const doc = `{"type":"document","source":{"type":"text","media_type":"text/plain","data":"Hi"},"title":"h"}`
	const want = `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"a"},` + doc + `]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"b"},` + doc + `]}]}]}`
	if diff := cmp.Diff(string(out.Body), want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
	if req.Messages[0].Content[1] != html || html.Text != "" {
		t.Error("the request was changed")
	}
}

func TestEncodeStopsReading(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := &llm.ChatRequest{Messages: []llm.Message{llmtest.User(&llm.Document{
		Format: "json", Name: "n", Source: llm.Source{Bytes: []byte(`{"a":[` + strings.Repeat("1,", 1e5) + `1]}`)},
	})}}
	if _, err := anthropic.EncodeRequest(ctx, req, anthropic.Direct); !fault.Is(err, fault.Canceled) {
		t.Errorf("err = %v (%v)", err, fault.KindOf(err))
	}
	out, err := anthropic.EncodeRequest(t.Context(), req, anthropic.Direct)
	if err != nil || !strings.Contains(string(out.Body), `"media_type":"text/plain"`) {
		t.Errorf("%.200s, %v", out.Body, err)
	}
}

func TestEncodeRequestRefuses(t *testing.T) {
	t.Parallel()
	f := func(want string, edit func(*llm.ChatRequest)) {
		t.Helper()
		req := llmtest.Ask("m", "Hi")
		edit(req)
		_, err := anthropic.EncodeRequest(t.Context(), req, anthropic.Direct)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
	put := func(b llm.Block) func(*llm.ChatRequest) {
		return func(r *llm.ChatRequest) { r.Messages[0].Content = []llm.Block{b} }
	}
	f("messages.0.content.0: This model doesn't support video content.", put(&llm.Video{}))
	f("audio", put(&llm.Audio{}))
	f("messages.0.content.0: ", put(&llm.Document{Format: "docx", Source: llm.Source{Bytes: []byte("PK")}}))
	f("S3 image", put(&llm.Image{Source: llm.Source{S3: &llm.S3Location{URI: "s3://b/k"}}}))
	f("S3 document", put(&llm.Document{Source: llm.Source{S3: &llm.S3Location{URI: "s3://b/k"}}}))
	f("Documents in the format xls cannot be read", put(&llm.ToolResult{Content: []llm.Block{&llm.Document{Format: "xls", Source: llm.Source{Bytes: []byte("x")}}}}))
	f("inside a tool result", put(&llm.JSON{Value: json.RawMessage(`{"a":1}`)}))
	f("messages.0.content.0.content.0", put(&llm.ToolResult{Content: []llm.Block{&llm.Video{}}}))
	f("cache point", put(&llm.CachePoint{}))
	f("system tool", func(r *llm.ChatRequest) { r.Tools = []llm.Tool{{Name: "nova_grounding", System: true}} })
	f("without a schema", func(r *llm.ChatRequest) { r.Output.JSON = true })
	f("additional field messages conflicts", func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"messages":[]}`) })
	f("additional field temperature conflicts", func(r *llm.ChatRequest) {
		r.Extra, r.Inference.Temperature = json.RawMessage(`{"temperature":1}`), new(0.0)
	})
	f("additionalModelRequestFields", func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`[]`) })
	f("anthropic_beta", func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"anthropic_beta":"x"}`) })
	f("tools", func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"tools":{}}`) })
}

func FuzzDecodeRequest(f *testing.F) {
	for _, r := range requests {
		f.Add([]byte(r.body), false)
		f.Add([]byte(r.body), true)
	}
	for _, r := range refused2026 {
		f.Add([]byte(`{"model":"m","max_tokens":5,`+r.members+`}`), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, newer bool) {
		version := anthropic.Version2023
		if newer {
			version = anthropic.Version2026
		}
		first, err := anthropic.DecodeRequest(body, anthropic.Direct, version)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			return
		}
		if newer { // it is stricter, and nothing else
			older, err := anthropic.DecodeRequest(body, anthropic.Direct, anthropic.Version2023)
			if err != nil {
				t.Fatalf("refused in the older version: %v", err)
			}
			older.Raw.Version = version
			if diff := llmtest.Diff(first, older); diff != "" {
				t.Fatalf("newer (-), older (+)\n%s", diff)
			}
		}
		raw, err := anthropic.EncodeRequest(t.Context(), first, anthropic.Direct)
		if err != nil || raw.Version != version {
			t.Fatalf("raw: version %q, %v", raw.Version, err)
		}
		first.Raw = nil
		out, err := anthropic.EncodeRequest(t.Context(), first, anthropic.Direct)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			return // a block that can be read and not sent
		}
		second, err := anthropic.DecodeRequest(out.Body, anthropic.Direct, anthropic.Version2023)
		if err != nil {
			t.Fatalf("encoded as %s: %v", out.Body, err)
		}
		second.Raw = nil
		again, err := anthropic.EncodeRequest(t.Context(), second, anthropic.Direct)
		if err != nil {
			t.Fatal(err)
		}
		if diff := llmtest.Diff(json.RawMessage(again.Body), json.RawMessage(out.Body)); diff != "" {
			t.Errorf("got (-), want (+)\n%s", diff)
		}
	})
}

const (
	cited       = `{"type":"text","text":"a","citations":[{"type":"char_location","cited_text":"a","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":1}]}`
	uncited     = `{"type":"text","text":"a","citations":[]}`
	pdf         = `{"type":"document","source":{"type":"url","url":"https://e.com/a.pdf"}}`
	hi          = `{"role":"user","content":"Hi"}`
	calling     = `{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}`
	citedSource = `{"type":"search_result","source":"s","title":"t","content":[` + cited + `]}`
)

// refused2026 are the members of bodies that only the older version takes.
var refused2026 = []struct{ members, want string }{
	{`"temperature":1,"messages":[` + hi + `]`, "temperature: Extra inputs are not permitted"},
	{`"top_p":null,"messages":[` + hi + `]`, "top_p: Extra inputs are not permitted"},
	{`"top_k":5,"messages":[` + hi + `]`, "top_k: Extra inputs are not permitted"},
	{
		`"messages":[` + hi + `,{"role":"assistant","content":[` + pdf + `]}]`,
		"messages.1.content.0: `document` blocks are not permitted in `assistant` messages",
	},
	{ // one that llm has no word for
		`"messages":[` + hi + `,{"role":"assistant","content":[{"type":"document","source":{"type":"file","file_id":"f"}}]}]`,
		"messages.1.content.0: `document` blocks are not permitted in `assistant` messages",
	},
	{
		`"messages":[{"role":"user","content":[` + uncited + `,` + cited + `]}]`,
		"messages.0.content.1.text.citations: citations are not permitted in `user` messages",
	},
	{
		`"messages":[{"role":"user","content":[` + citedSource + `]}]`,
		"messages.0.content.0.search_result.content.0.text.citations: citations are not permitted in `user` messages",
	},
	{
		`"messages":[` + calling + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[` + citedSource + `]}]}]`,
		"messages.1.content.0.tool_result.content.0.search_result.content.0.text.citations: citations are not permitted in `user` messages",
	},
}

func TestVersions(t *testing.T) {
	t.Parallel()
	f := func(body string, form anthropic.Form, header, version, want string) {
		t.Helper()
		for name, decode := range map[string]func([]byte, anthropic.Form, string) (*llm.ChatRequest, error){
			"decode": anthropic.DecodeRequest, "count": anthropic.DecodeCountRequest,
		} {
			req, err := decode([]byte(body), form, header)
			switch {
			case want == "" && err != nil:
				t.Errorf("%s: %v in %s", name, err, body)
			case want != "" && (!fault.Is(err, fault.Invalid) || err.Error() != want):
				t.Errorf("%s\n got %v\nwant %s", body, err, want)
			case want == "" && req.Raw.Version != version:
				t.Errorf("version = %q, want %q", req.Raw.Version, version)
			}
		}
	}
	const v2023, v2026 = anthropic.Version2023, anthropic.Version2026
	direct := func(members string) string { return `{"model":"m","max_tokens":5,` + members + `}` }
	bedrock := func(version, members string) string {
		return `{"max_tokens":5,` + members + `,"anthropic_version":"` + version + `"}`
	}
	for _, r := range refused2026 {
		f(direct(r.members), anthropic.Direct, v2023, v2023, "")
		f(direct(r.members), anthropic.Direct, v2026, "", r.want)
		f(bedrock("bedrock-2023-05-31", r.members), anthropic.Bedrock, "", v2023, "")
		f(bedrock("2026-10-21", r.members), anthropic.Bedrock, "", "", r.want)
	}
	for _, members := range []string{ // what stands near to what is refused
		`"messages":[{"role":"user","content":[` + uncited + `,` + pdf + `]},{"role":"assistant","content":[` + cited + `]}]`,
		`"messages":[` + calling + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[` + pdf + `]}]}]`,
		`"messages":[` + hi + `,{"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_fetch","input":{}},{"type":"web_fetch_tool_result","tool_use_id":"s","content":` + pdf + `}]}]`,
		`"messages":[` + hi + `,{"role":"system","content":"Be brief."}]`,
	} {
		f(direct(members), anthropic.Direct, v2026, v2026, "")
		f(bedrock("2026-10-21", members), anthropic.Bedrock, "", v2026, "")
	}
	f(direct(`"messages":[`+hi+`]`), anthropic.Direct, "", "", "anthropic-version: header is required")
	f(direct(`"messages":[`+hi+`]`), anthropic.Direct, "2023-06-02", "", `anthropic-version: "2023-06-02" is not a valid version: there are '2023-06-01' and '2026-10-21'`)
	f(bedrock("2023-06-01", `"model":"m","messages":[`+hi+`]`), anthropic.Direct, v2023, "", "anthropic_version: Extra inputs are not permitted")
	// The last of two versions counts.
	f(bedrock("2026-10-21", `"anthropic_version":"bedrock-2023-05-31","top_k":1,"messages":[`+hi+`]`), anthropic.Bedrock, "", "", "top_k: Extra inputs are not permitted")
}

// A body goes up in the version it was written in; what is made from llm in the older.
func TestEncodeVersion(t *testing.T) {
	t.Parallel()
	f := func(req *llm.ChatRequest, form anthropic.Form, header, body string) {
		t.Helper()
		got, err := anthropic.EncodeRequest(t.Context(), req, form)
		if err != nil {
			t.Fatal(err)
		}
		if got.Version != header || strings.Contains(string(got.Body), "anthropic_version") != (body != "") || !strings.Contains(string(got.Body), body) {
			t.Errorf("version %q, want %q; body %s, want %s", got.Version, header, got.Body, body)
		}
	}
	for body, version := range map[string]string{"bedrock-2023-05-31": "2023-06-01", "2026-10-21": "2026-10-21"} {
		req, err := anthropic.DecodeRequest([]byte(`{"max_tokens":5,"messages":[`+hi+`],"anthropic_version":"`+body+`"}`), anthropic.Bedrock, "")
		if err != nil {
			t.Fatal(err)
		}
		f(req, anthropic.Direct, version, "")
		f(req, anthropic.Bedrock, "", `"anthropic_version":"`+body+`"`)
		req.Raw = nil
		f(req, anthropic.Direct, "", "")
		f(req, anthropic.Bedrock, "", `"anthropic_version":"bedrock-2023-05-31"`)
	}
	req := llmtest.Ask("m", "Hi")
	req.Extra = json.RawMessage(`{"anthropic_version":"2026-10-21"}`)
	f(req, anthropic.Direct, "2026-10-21", "")
	f(req, anthropic.Bedrock, "", `"anthropic_version":"2026-10-21"`)
	req.Extra = json.RawMessage(`{"anthropic_version":"2026-10-22"}`)
	if _, err := anthropic.EncodeRequest(t.Context(), req, anthropic.Direct); !fault.Is(err, fault.Invalid) {
		t.Errorf("err = %v", err)
	}
}
