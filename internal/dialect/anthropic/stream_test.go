package anthropic_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

// stream is a whole answer as the API documents it, one event a line.
const stream = `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":7,"cache_read_input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":2},"output_tokens":1,"service_tier":"standard"}}}
{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
{"type":"ping"}
{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}
{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see"}}
{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig=="}}
{"type":"content_block_stop","index":0}
{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"opaque=="}}
{"type":"content_block_stop","index":1}
{"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}
{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}
{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"query\":\"q\"}"}}
{"type":"content_block_stop","index":2}
{"type":"content_block_start","index":3,"content_block":{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","title":"W","url":"u","encrypted_content":"e"}]}}
{"type":"content_block_stop","index":3}
{"type":"content_block_start","index":4,"content_block":{"type":"newer_block","stuff":1}}
{"type":"content_block_delta","index":4,"delta":{"type":"newer_delta"}}
{"type":"content_block_stop","index":4}
{"type":"content_block_start","index":5,"content_block":{"type":"text","text":"","citations":[]}}
{"type":"content_block_delta","index":5,"delta":{"type":"text_delta","text":"The grass "}}
{"type":"content_block_delta","index":5,"delta":{"type":"text_delta","text":"is green"}}
{"type":"content_block_delta","index":5,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"The grass is green.","document_index":0,"document_title":"My Doc","start_char_index":0,"end_char_index":20}}}
{"type":"content_block_delta","index":5,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","cited_text":"x","url":"https://e.com","title":null,"encrypted_index":"e"}}}
{"type":"content_block_stop","index":5}
{"type":"content_block_start","index":6,"content_block":{"type":"text","text":""}}
{"type":"content_block_delta","index":6,"delta":{"type":"text_delta","text":"."}}
{"type":"content_block_stop","index":6}
{"type":"content_block_start","index":7,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}
{"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}
{"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":": 1}"}}
{"type":"content_block_stop","index":7}
{"type":"newer_event"}
{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{"output_tokens":42}}
{"type":"message_stop"}`

// answer is what stream says.
func answer() *llm.ChatResponse {
	return &llm.ChatResponse{
		Message: llmtest.Assistant(
			&llm.Reasoning{Text: "Let me see", Signature: "sig=="},
			&llm.Reasoning{Redacted: []byte("opaque==")},
			&llm.ToolUse{ID: "srvtoolu_1", Name: "web_search", Input: json.RawMessage(`{"query":"q"}`), Server: true},
			&llm.ToolResult{ToolUseID: "srvtoolu_1", Type: "web_search_tool_result", Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`[{"type":"web_search_result","title":"W","url":"u","encrypted_content":"e"}]`)}}},
			&llm.Citations{Text: "The grass is green", Citations: []llm.Citation{
				{Title: "My Doc", SourceContent: []string{"The grass is green."}, Location: llm.Location{Kind: llm.CharLocation, End: 20}},
				{SourceContent: []string{"x"}, Location: llm.Location{Kind: llm.WebLocation, URL: "https://e.com"}},
			}},
			llmtest.Text("."),
			&llm.ToolUse{ID: "toolu_1", Name: "f", Input: json.RawMessage(`{"a":1}`)},
		),
		StopReason: llm.StopSequence, StopSequence: "END",
		Usage: llm.Usage{
			InputTokens: 10, OutputTokens: 42, CacheReadTokens: 3, CacheWriteTokens: 7,
			CacheDetails: []llm.CacheDetail{{TTL: "5m", InputTokens: 5}, {TTL: "1h", InputTokens: 2}},
		},
		Served: llm.Served{Model: "claude-x"}, ServiceTier: "default", ID: "msg_1",
	}
}

// decode runs lines of events through a decoder.
func decode(req *llm.ChatRequest, lines string) ([]llm.Event, error) {
	d := anthropic.NewStreamDecoder(req)
	var events []llm.Event
	for line := range strings.Lines(lines) {
		some, err := d.Decode([]byte(line))
		if err != nil {
			return events, err
		}
		events = append(events, some...)
	}
	if !d.Ended() {
		return events, llm.ErrTruncated
	}
	return events, nil
}

func TestDecodeStream(t *testing.T) {
	t.Parallel()
	req := &llm.ChatRequest{ExtraPaths: []string{"/stop_sequence", "/usage/output_tokens", "/id", "/absent"}}
	events, err := decode(req, stream)
	if err != nil {
		t.Fatal(err)
	}
	want := answer()
	want.Extra = json.RawMessage(`{"stop_sequence":"END","usage":{"output_tokens":42},"id":"msg_1"}`)
	if diff := llmtest.Diff(llmtest.Collect(t, llmtest.Stream(events...)), want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
	if start := events[0].(*llm.MessageStart); start.Usage.InputTokens != 10 {
		t.Errorf("usage at the start = %+v", start.Usage)
	}
}

func TestDecodeStreamYieldsRawEventsFirst(t *testing.T) {
	t.Parallel()
	events, err := decode(&llm.ChatRequest{Raw: &llm.RawRequest{Dialect: "anthropic"}}, stream)
	if err != nil {
		t.Fatal(err)
	}
	llmtest.Collect(t, llmtest.Stream(events...))
	var raw []string
	for _, e := range events {
		if e, ok := e.(*llm.RawEvent); ok {
			raw = append(raw, string(e.Data))
		}
	}
	if diff := cmp.Diff(strings.Join(raw, ""), stream); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
}

func TestDecodeStreamErrors(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(stream, "\n")
	f := func(want string, lines ...string) {
		t.Helper()
		_, err := decode(&llm.ChatRequest{}, strings.Join(lines, ""))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
	f("before message_start", lines[1])
	f("already begun", lines[0], lines[0])
	f("another block", lines[0], lines[1], lines[1])
	f("no block is open", lines[0], lines[3])
	f("no block is open", lines[0], lines[6])
	f("a thinking_delta in a text block", lines[0], lines[18], lines[3])
	f("a text_delta in a redacted_thinking block", lines[0], lines[7], lines[19])
	f("a block is open", lines[0], lines[1], lines[len(lines)-1])
	f("ended before its end", lines[0], lines[1])
	f("read a stream's event", "{\n")
	f("read message_start", `{"type":"message_start"}`)
	f("read content_block_start", lines[0], `{"type":"content_block_start"}`)
	var broken *anthropic.StreamError
	_, err := decode(&llm.ChatRequest{}, lines[0]+`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)
	if !errors.As(err, &broken) || broken.Type != "overloaded_error" || broken.Message != "Overloaded" {
		t.Errorf("err = %v", err)
	}
}

func TestDecodeResponse(t *testing.T) {
	t.Parallel()
	const body = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
		{"type":"thinking","thinking":"Let me see","signature":"sig=="},{"type":"redacted_thinking","data":"opaque=="},
		{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},
		{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","title":"W","url":"u","encrypted_content":"e"}]},
		{"type":"newer_block","stuff":1},
		{"type":"text","text":"The grass is green","citations":[{"type":"char_location","cited_text":"The grass is green.","document_index":0,"document_title":"My Doc","start_char_index":0,"end_char_index":20},
			{"type":"web_search_result_location","cited_text":"x","url":"https://e.com","title":null,"encrypted_index":"e"}]},
		{"type":"text","text":".","citations":null},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}],
		"stop_reason":"stop_sequence","stop_sequence":"END","usage":{"input_tokens":10,"cache_creation_input_tokens":7,"cache_read_input_tokens":3,
		"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":2},"output_tokens":42,"service_tier":"standard"}}`
	got, err := anthropic.DecodeResponse([]byte(body), &llm.ChatRequest{ExtraPaths: []string{"/stop_sequence"}, Raw: &llm.RawRequest{Dialect: "anthropic"}})
	if err != nil {
		t.Fatal(err)
	}
	want := answer()
	want.Extra, want.Raw = json.RawMessage(`{"stop_sequence":"END"}`), json.RawMessage(body)
	if diff := llmtest.Diff(got, want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
	for reason, want := range map[string]llm.StopReason{
		"end_turn": llm.EndTurn, "max_tokens": llm.MaxTokens, "tool_use": llm.StopToolUse, "refusal": llm.ContentFiltered,
		"pause_turn": llm.EndTurn, "model_context_window_exceeded": llm.ContextWindowFull, "newer": llm.EndTurn,
	} {
		got, err := anthropic.DecodeResponse([]byte(`{"type":"message","content":[],"stop_reason":"`+reason+`"}`), &llm.ChatRequest{})
		if err != nil || got.StopReason != want {
			t.Errorf("%s: %v, %v, want %v", reason, got.StopReason, err, want)
		}
	}
	for _, body := range []string{``, `{}`, `{"type":"error"}`, `{"type":"message","content":[{"type":"text"}]}`, `{"type":"message","content":[5]}`} {
		if _, err := anthropic.DecodeResponse([]byte(body), &llm.ChatRequest{}); err == nil {
			t.Errorf("%q was read", body)
		}
	}
}

// encode runs events through an encoder.
func encode(t *testing.T, s *anthropic.StreamEncoder, events []llm.Event) string {
	t.Helper()
	var out strings.Builder
	for _, e := range events {
		chunks, err := s.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range chunks {
			var named struct {
				Type string `json:"type"`
			}
			if err := json.Unmarshal(c.Data, &named); err != nil || named.Type != c.Name {
				t.Errorf("chunk %q has type %q, %v", c.Name, named.Type, err)
			}
			out.Write(c.Data)
			out.WriteByte('\n')
		}
	}
	return out.String()
}

func TestEncodeStreamThenDecodeIsTheSame(t *testing.T) {
	t.Parallel()
	want := answer()
	want.ServiceTier = ""
	text := encode(t, &anthropic.StreamEncoder{Model: "claude-x"}, llmtest.Events(t, llm.Replay(want)))
	events, err := decode(&llm.ChatRequest{}, text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := llmtest.Diff(llmtest.Collect(t, llmtest.Stream(events...)), want); diff != "" {
		t.Errorf("got (-), want (+)\n%s\n%s", diff, text)
	}
}

func TestEncodeStreamWording(t *testing.T) {
	t.Parallel()
	got := encode(t, &anthropic.StreamEncoder{Model: "claude-y", Form: anthropic.Bedrock}, []llm.Event{
		&llm.MessageStart{Role: llm.Assistant, ID: "msg_9", Usage: &llm.Usage{InputTokens: 4}},
		&llm.BlockStart{Block: &llm.Text{}}, &llm.BlockDelta{Text: "<Hi>"}, &llm.BlockStop{},
		&llm.BlockStart{Index: 1, Block: &llm.Reasoning{}}, &llm.BlockStop{Index: 1},
		&llm.MessageStop{Reason: llm.EndTurn}, &llm.Metadata{Usage: llm.Usage{InputTokens: 4, OutputTokens: 2}, Latency: 1500 * time.Millisecond},
	})
	const want = `{"type":"message_start","message":{"id":"msg_9","type":"message","role":"assistant","model":"claude-y","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}
{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"<Hi>"}}
{"type":"content_block_stop","index":0}
{"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":"","signature":""}}
{"type":"content_block_stop","index":1}
{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}
{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":4,"outputTokenCount":2,"invocationLatency":1500,"firstByteLatency":0}}
`
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
}

// TestEncodeStreamPassesRawOn: the upstream's own events go to the caller as they
// came; in the Bedrock form without pings, and with the metrics at the end.
func TestEncodeStreamPassesRawOn(t *testing.T) {
	t.Parallel()
	events, err := decode(&llm.ChatRequest{Raw: &llm.RawRequest{Dialect: "anthropic"}}, stream)
	if err != nil {
		t.Fatal(err)
	}
	trim := func(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n\n", "\n") }
	if diff := cmp.Diff(trim(encode(t, &anthropic.StreamEncoder{}, events)), stream); diff != "" {
		t.Errorf("direct: got (-), want (+)\n%s", diff)
	}
	want := strings.Replace(stream, `{"type":"ping"}`+"\n", "", 1)
	want = strings.TrimSuffix(want, "}") + `,"amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":42,"invocationLatency":0,"firstByteLatency":0,"cacheReadInputTokenCount":3,"cacheWriteInputTokenCount":7}}`
	if diff := cmp.Diff(trim(encode(t, &anthropic.StreamEncoder{Form: anthropic.Bedrock}, events)), want); diff != "" {
		t.Errorf("bedrock: got (-), want (+)\n%s", diff)
	}
}

func TestEncodeResponse(t *testing.T) {
	t.Parallel()
	want := answer()
	body, err := anthropic.EncodeResponse(want, "claude-x")
	if err != nil {
		t.Fatal(err)
	}
	got, err := anthropic.DecodeResponse(body, &llm.ChatRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := llmtest.Diff(got, want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
	want.Raw = json.RawMessage(`{"its": "own"}`)
	if body, err := anthropic.EncodeResponse(want, "claude-x"); err != nil || string(body) != `{"its": "own"}` {
		t.Errorf("raw = %s, %v", body, err)
	}
	_, err = anthropic.EncodeResponse(&llm.ChatResponse{Message: llmtest.Assistant(&llm.Image{})}, "m")
	if !fault.Is(err, fault.ModelError) {
		t.Errorf("an image: %v", err)
	}
	body, err = anthropic.EncodeResponse(&llm.ChatResponse{StopReason: llm.GuardrailStopped, ID: "chatcmpl-1"}, "m")
	var made struct {
		ID         string `json:"id"`
		StopReason string `json:"stop_reason"`
		Content    []any  `json:"content"`
	}
	if err != nil || json.Unmarshal(body, &made) != nil || made.Content == nil || made.StopReason != "refusal" || !strings.HasPrefix(made.ID, "msg_") {
		t.Errorf("%s, %v", body, err)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	body, err := anthropic.EncodeCount(7)
	if err != nil || string(body) != `{"input_tokens":7}` {
		t.Errorf("%s, %v", body, err)
	}
	if n, err := anthropic.DecodeCount(body); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := anthropic.DecodeCount([]byte(`{}`)); err == nil {
		t.Error("an empty count was read")
	}
	req, err := anthropic.DecodeCountRequest([]byte(`{"model":"m","messages":[{"role":"user","content":"Hi"}],"thinking":{"type":"disabled"}}`), anthropic.Direct, anthropic.Version2023)
	if err != nil {
		t.Fatal(err)
	}
	req.Raw = nil
	out, err := anthropic.EncodeCountRequest(t.Context(), req, anthropic.Direct)
	if err != nil || string(out.Body) != `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"thinking":{"type":"disabled"}}` {
		t.Errorf("%s, %v", out.Body, err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	f := func(kind fault.Kind, status int, name string) {
		t.Helper()
		p := anthropic.ProblemOf(kind)
		got, body := p.Status, p.Encode("why", "req_1")
		want := `{"type":"error","error":{"type":"` + name + `","message":"why"},"request_id":"req_1"}`
		if got != status || string(body) != want {
			t.Errorf("%v: %d %s, want %d %s", kind, got, body, status, want)
		}
	}
	f(fault.Invalid, 400, "invalid_request_error")
	f(fault.Denied, 403, "permission_error")
	f(fault.NotFound, 404, "not_found_error")
	f(fault.Throttled, 429, "rate_limit_error")
	f(fault.Unavailable, 529, "overloaded_error")
	f(fault.Timeout, 504, "timeout_error")
	f(fault.Internal, 500, "api_error")
	f(fault.ModelError, 500, "api_error")
	f(fault.Conflict, 409, "conflict_error")
	f(fault.NotImplemented, 501, "api_error")
}

func TestEncodeModels(t *testing.T) {
	t.Parallel()
	f := func(list []anthropic.Model, more bool, want string) {
		t.Helper()
		got, err := anthropic.EncodeModels(list, more)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("got (-), want (+)\n%s", diff)
		}
	}
	f(nil, false, `{"data":[],"has_more":false,"first_id":null,"last_id":null}`)
	f([]anthropic.Model{
		{ID: "a", Name: "A & B", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), MaxInput: 200_000, MaxOutput: 8192},
		{ID: "b", Deprecated: true},
	}, true, `{"data":[`+
		`{"type":"model","id":"a","display_name":"A & B","created_at":"2026-01-02T03:04:05Z","lifecycle":"active","max_input_tokens":200000,"max_tokens":8192},`+
		`{"type":"model","id":"b","display_name":"","created_at":"1970-01-01T00:00:00Z","lifecycle":"deprecated","max_input_tokens":null,"max_tokens":null}`+
		`],"has_more":true,"first_id":"a","last_id":"b"}`)
}

// FuzzDecodeStream puts together streams of the known events, in any order, with a
// foreign line among them. Its inputs are short because the fuzzer spends up to a minute
// on making each that is new as short as it can.
func FuzzDecodeStream(f *testing.F) {
	lines := strings.SplitAfter(stream, "\n")
	whole := make([]byte, len(lines))
	for i := range whole {
		whole[i] = byte(i)
	}
	for i, line := range lines {
		f.Add(whole[:i], strings.TrimSpace(line), whole[min(i+1, len(whole)):])
	}
	f.Add(whole[:1], `{"type":"content_block_start","content_block":{"type":"tool_use","input":{"a":1}}}`, whole[3:])
	f.Add([]byte{}, `{"type":"message_start","message":{}}`, whole[1:3])
	f.Add(whole[:3], `{"type":"error","error":null}`, []byte{})
	f.Fuzz(func(t *testing.T, before []byte, line string, after []byte) {
		var text strings.Builder
		known := func(order []byte) {
			for _, n := range order[:min(len(order), 2*len(lines))] {
				text.WriteString(strings.TrimSpace(lines[int(n)%len(lines)]) + "\n")
			}
		}
		known(before)
		text.WriteString(line + "\n")
		known(after)
		plain, err := decode(&llm.ChatRequest{ExtraPaths: []string{"/usage"}}, text.String())
		raw, rawErr := decode(&llm.ChatRequest{Raw: &llm.RawRequest{Dialect: "anthropic"}, ExtraPaths: []string{"/usage"}}, text.String())
		if (err == nil) != (rawErr == nil) {
			t.Fatalf("%v, and with raw events %v", err, rawErr)
		}
		raw = slices.DeleteFunc(raw, func(e llm.Event) bool { _, is := e.(*llm.RawEvent); return is })
		if diff := llmtest.Diff(raw, plain); diff != "" {
			t.Errorf("with raw events (-), without (+)\n%s", diff)
		}
		if err != nil {
			return
		}
		if err := llmtest.Order(plain); err != nil {
			t.Errorf("%v in %s", err, text.String())
		}
		// What was read can be told on, and is read the same.
		s := &anthropic.StreamEncoder{Model: "m"}
		var again strings.Builder
		for _, e := range plain {
			chunks, err := s.Encode(e)
			if err != nil {
				t.Fatalf("%T: %v in %s", e, err, text.String())
			}
			for _, c := range chunks {
				again.Write(c.Data)
				again.WriteByte('\n')
			}
		}
		second, err := decode(&llm.ChatRequest{}, again.String())
		if err != nil {
			t.Fatalf("%v in %s, from %s", err, again.String(), text.String())
		}
		if err := llmtest.Order(second); err != nil {
			t.Errorf("%v in %s", err, again.String())
		}
	})
}

func BenchmarkDecodeStreamDelta(b *testing.B) {
	d := anthropic.NewStreamDecoder(&llm.ChatRequest{})
	for line := range strings.Lines(stream) {
		if _, err := d.Decode([]byte(line)); err != nil {
			b.Fatal(err)
		}
		if strings.Contains(line, "content_block_start") {
			break
		}
	}
	data := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRequest(b *testing.B) {
	body := []byte(requests[4].body)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := anthropic.DecodeRequest(body, anthropic.Direct, anthropic.Version2023); err != nil {
			b.Fatal(err)
		}
	}
}
