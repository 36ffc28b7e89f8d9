package openai

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

// decodeStream runs chunks through a decoder and checks the order of a whole answer.
func decodeStream(t *testing.T, chunks []string) (*llm.ChatResponse, error) {
	t.Helper()
	var d StreamDecoder
	var events []llm.Event
	var err error
	done := false
	for _, c := range chunks {
		done = done || Done([]byte(c))
		if events, err = d.Chunk(events, []byte(c)); err != nil {
			break
		}
	}
	if err == nil {
		events, err = d.Finish(events, done)
	}
	if err == nil {
		if orderErr := llmtest.Order(events); orderErr != nil {
			t.Errorf("%v in %s", orderErr, strings.Join(chunks, "\n"))
		}
	}
	var c llm.Collector
	for _, e := range events {
		if err := c.Add(e); err != nil {
			t.Errorf("collect: %v", err)
		}
	}
	return c.Response(), err
}

func delta(fields string) string {
	return `{"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{` + fields + `},"finish_reason":null}]}`
}

func finish(reason string) string {
	return `{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
}

func fragment(fields string) string { return delta(`"tool_calls":[{` + fields + `}]`) }

const (
	usageChunk = `{"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`
	doneChunk  = `[DONE]`
)

var someUsage = llm.Usage{InputTokens: 3, OutputTokens: 4}

// Every server's ways, as they are seen on the wire.
func TestStreamQuirks(t *testing.T) {
	t.Parallel()
	text := func(s string) []llm.Block { return []llm.Block{&llm.Text{Text: s}} }
	call := func(id, name, input string) llm.Block {
		return &llm.ToolUse{ID: id, Name: name, Input: json.RawMessage(input)}
	}
	tests := []struct {
		name   string
		chunks []string
		want   []llm.Block
		stop   llm.StopReason
	}{
		{
			"OpenAI: role first, usage last",
			[]string{delta(`"role":"assistant","content":"","refusal":null`), delta(`"content":"Hi"`), finish("stop"), usageChunk, doneChunk},
			text("Hi"), llm.EndTurn,
		},
		{
			"null content, null usage, unknown members",
			[]string{
				`{"id":"c1","usage":null,"x":[{"y":[1,{"z":"]}"}]}],"choices":[{"delta":{"role":"assistant","content":null,"extra":{"a":1}},"logprobs":{"content":[]}}]}`,
				delta(`"content":"Hi"`), finish("stop"), usageChunk, doneChunk,
			},
			text("Hi"), llm.EndTurn,
		},
		{
			"usage in the last chunk, no [DONE]",
			[]string{delta(`"content":"Hi"`), `{"id":"c1","choices":[{"delta":{"content":"!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`},
			text("Hi!"), llm.EndTurn,
		},
		{
			"a running count of usage",
			[]string{
				`{"id":"c1","choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`,
				`{"id":"c1","choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`, doneChunk,
			},
			text("ab"), llm.EndTurn,
		},
		{
			"counts as floats",
			[]string{delta(`"content":"a"`), finish("stop"), `{"choices":[],"usage":{"prompt_tokens":3.0,"completion_tokens":4e0}}`, doneChunk},
			text("a"), llm.EndTurn,
		},
		{
			"[DONE] without a reason to stop",
			[]string{delta(`"content":"Hi"`), usageChunk, doneChunk},
			text("Hi"), llm.EndTurn,
		},
		{
			"content as parts, thinking as parts (Mistral)",
			[]string{
				delta(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"},7]}]`),
				delta(`"content":[{"type":"text","text":"a"},"odd",{"type":"text","text":"b"}]`), finish("stop"), usageChunk, doneChunk,
			},
			[]llm.Block{&llm.Reasoning{Text: "hm"}, &llm.Text{Text: "ab"}},
			llm.EndTurn,
		},
		{
			"reasoning under both names (vLLM)",
			[]string{delta(`"reasoning":"hm","reasoning_content":"hm"`), delta(`"content":"a"`), finish("stop"), usageChunk, doneChunk},
			[]llm.Block{&llm.Reasoning{Text: "hm"}, &llm.Text{Text: "a"}},
			llm.EndTurn,
		},
		{
			"think tags stay",
			[]string{delta(`"content":"<think>hm</think>a"`), finish("stop"), usageChunk, doneChunk},
			text("<think>hm</think>a"), llm.EndTurn,
		},
		{
			"a refusal",
			[]string{delta(`"refusal":"I "`), delta(`"refusal":"won't."`), finish("stop"), usageChunk, doneChunk},
			text("I won't."), llm.ContentFiltered,
		},
		{
			"the stop sequence (vLLM)",
			[]string{delta(`"content":"a"`), `{"choices":[{"delta":{},"finish_reason":"stop","stop_reason":"END"}]}`, usageChunk, doneChunk},
			text("a"), llm.StopSequence,
		},
		{
			"a stop token is no stop sequence (vLLM)",
			[]string{delta(`"content":"a"`), `{"choices":[{"delta":{},"finish_reason":"stop","stop_reason":128009}]}`, usageChunk, doneChunk},
			text("a"), llm.EndTurn,
		},
		{
			"calls that end with stop (llama.cpp)",
			[]string{fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"{}"}`), finish("stop"), usageChunk, doneChunk},
			[]llm.Block{call("a", "f", "{}")},
			llm.StopToolUse,
		},
		{
			"tool_calls without a call",
			[]string{delta(`"content":"a"`), finish("tool_calls"), usageChunk, doneChunk},
			text("a"), llm.EndTurn,
		},
		{
			"a call without arguments",
			[]string{fragment(`"index":0,"id":"a","function":{"name":"f"}`), finish("tool_calls"), usageChunk, doneChunk},
			[]llm.Block{call("a", "f", "{}")},
			llm.StopToolUse,
		},
		{
			"a call with arguments of spaces",
			[]string{fragment(`"index":0,"id":"a","function":{"name":"f","arguments":" "}`), finish("tool_calls"), usageChunk, doneChunk},
			[]llm.Block{call("a", "f", " {}")},
			llm.StopToolUse,
		},
		{
			"arguments as an object (Ollama)",
			[]string{fragment(`"index":0,"id":"a","function":{"name":"f","arguments":{"x":[1,"}"]}}`), finish("stop"), usageChunk, doneChunk},
			[]llm.Block{call("a", "f", `{"x":[1,"}"]}`)},
			llm.StopToolUse,
		},
		{
			"whole calls, all with index 0 (Gemini)",
			[]string{
				fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}`),
				fragment(`"index":0,"id":"b","function":{"name":"f","arguments":"{\"x\":2}"}`), finish("tool_calls"), usageChunk, doneChunk,
			},
			[]llm.Block{call("a", "f", `{"x":1}`), call("b", "f", `{"x":2}`)},
			llm.StopToolUse,
		},
		{
			"no index",
			[]string{
				delta(`"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]`), delta(`"tool_calls":[{"function":{"arguments":"1}"}}]`),
				delta(`"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{}"}}]`), finish("tool_calls"), usageChunk, doneChunk,
			},
			[]llm.Block{call("a", "f", `{"x":1}`), call("b", "g", `{}`)},
			llm.StopToolUse,
		},
		{
			"ID and name in every fragment",
			[]string{
				fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}`),
				fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"1}"}`), finish("tool_calls"), usageChunk, doneChunk,
			},
			[]llm.Block{call("a", "f", `{"x":1}`)},
			llm.StopToolUse,
		},
		{
			"interleaved calls",
			[]string{
				fragment(`"index":0,"id":"a","function":{"name":"f","arguments":""}`), fragment(`"index":1,"id":"b","function":{"name":"g","arguments":""}`),
				fragment(`"index":0,"function":{"arguments":"{\"x\":"}`), fragment(`"index":1,"function":{"arguments":"{\"y\":"}`),
				fragment(`"index":1,"function":{"arguments":"2}"}`), fragment(`"index":0,"function":{"arguments":"1}"}`),
				finish("tool_calls"), usageChunk, doneChunk,
			},
			[]llm.Block{call("a", "f", `{"x":1}`), call("b", "g", `{"y":2}`)},
			llm.StopToolUse,
		},
		{
			"two calls in one chunk",
			[]string{
				delta(`"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]`),
				finish("tool_calls"), usageChunk, doneChunk,
			},
			[]llm.Block{call("a", "f", `{}`), call("b", "g", `{}`)},
			llm.StopToolUse,
		},
		{
			"text in the middle of a call",
			[]string{
				fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}`), delta(`"content":"late"`),
				fragment(`"index":0,"function":{"arguments":":1}"}`), finish("tool_calls"), usageChunk, doneChunk,
			},
			[]llm.Block{call("a", "f", `{"x":1}`), &llm.Text{Text: "late"}},
			llm.StopToolUse,
		},
		{
			"text after a call, and another call",
			[]string{
				fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"{}"}`), delta(`"content":"and"`),
				fragment(`"index":1,"id":"b","function":{"name":"g","arguments":"{}"}`), finish("tool_calls"), usageChunk, doneChunk,
			},
			[]llm.Block{call("a", "f", `{}`), &llm.Text{Text: "and"}, call("b", "g", `{}`)},
			llm.StopToolUse,
		},
		{
			"an ID that Bedrock does not know (Kimi)",
			[]string{fragment(`"index":0,"id":"functions.f:0","function":{"name":"f","arguments":"{}"}`), finish("tool_calls"), usageChunk, doneChunk},
			[]llm.Block{call("functions_f_0", "f", `{}`)},
			llm.StopToolUse,
		},
		{
			"function_call, before there were tools",
			[]string{delta(`"function_call":{"name":"f","arguments":"{\"x\""}`), delta(`"function_call":{"arguments":":1}"}`), finish("function_call"), usageChunk, doneChunk},
			[]llm.Block{call("made up", "f", `{"x":1}`)},
			llm.StopToolUse,
		},
		{
			"arguments that are no JSON",
			[]string{fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}`), finish("tool_calls"), usageChunk, doneChunk},
			[]llm.Block{call("a", "f", `{"x":`)},
			llm.MalformedToolUse,
		},
		{
			"a call cut by the limit",
			[]string{fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}`), finish("length"), usageChunk, doneChunk},
			[]llm.Block{call("a", "f", `{"x":`)},
			llm.MaxTokens,
		},
		{
			"a call without a name",
			[]string{fragment(`"index":0,"id":"a","function":{"arguments":"{}"}`), finish("tool_calls"), usageChunk, doneChunk},
			nil, llm.MalformedToolUse,
		},
		{
			"filtered",
			[]string{delta(`"content":"a"`), finish("content_filter"), usageChunk, doneChunk},
			text("a"), llm.ContentFiltered,
		},
		{
			"more than one choice",
			[]string{`{"choices":[{"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}`, finish("stop"), usageChunk, doneChunk},
			text("a"), llm.EndTurn,
		},
		{
			"strange types everywhere",
			[]string{
				`{"id":7,"choices":[null,7,"x"],"usage":"many","service_tier":{}}`,
				`{"choices":{"a":1}}`, `{"choices":[{"delta":"x","finish_reason":7}]}`,
				`{"choices":[{"delta":{"tool_calls":"x","content":7,"reasoning":{},"function_call":[]}}]}`,
				`{"choices":[{"delta":{"tool_calls":[7,{"function":"x"},{"id":9}]}}]}`,
				delta(`"content":"a"`), finish("stop"), usageChunk, doneChunk,
			},
			text("a"), llm.EndTurn,
		},
		{
			"escapes",
			[]string{delta(`"content":"\"\\\/\b\f\n\r\t\u00fc\uD83D\uDE00\ud83dx\uZZ"`), finish("stop"), usageChunk, doneChunk},
			text("\"\\/\b\f\n\r\tü😀\uFFFDx\uFFFDZZ"), llm.EndTurn,
		},
		{
			"bytes that are no UTF-8",
			[]string{delta("\"content\":\"a\xffb\""), finish("stop"), usageChunk, doneChunk},
			text("a\uFFFDb"), llm.EndTurn,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeStream(t, tt.chunks)
			if err != nil {
				t.Fatal(err)
			}
			for i, b := range got.Message.Content {
				if use, ok := b.(*llm.ToolUse); ok && i < len(tt.want) && tt.want[i].(*llm.ToolUse).ID == "made up" {
					if !madeUp.MatchString(use.ID) {
						t.Errorf("made up the ID %q", use.ID)
					}
					use.ID = "made up"
				}
			}
			if diff := cmp.Diff(got.Message.Content, tt.want); diff != "" {
				t.Errorf("content (-got +want):\n%s", diff)
			}
			if got.StopReason != tt.stop {
				t.Errorf("stopped for %q, want %q", got.StopReason, tt.stop)
			}
			if diff := cmp.Diff(got.Usage, someUsage); diff != "" {
				t.Errorf("usage (-got +want):\n%s", diff)
			}
		})
	}
}

var madeUp = regexp.MustCompile(`^call_[A-Za-z0-9]{20,59}$`)

// Calls that come one after the other are passed on as they come.
func TestStreamPassesCallsOn(t *testing.T) {
	t.Parallel()
	var d StreamDecoder
	var got []string
	for _, c := range []string{
		fragment(`"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}`), fragment(`"index":0,"function":{"arguments":":1}"}`),
		fragment(`"index":1,"id":"b","function":{"name":"g","arguments":"{"}`), fragment(`"index":1,"function":{"arguments":"}"}`),
	} {
		events, err := d.Chunk(nil, []byte(c))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if b, ok := e.(*llm.BlockDelta); ok {
				got = append(got, b.ToolInput)
			}
		}
		got = append(got, "|")
	}
	if diff := cmp.Diff(got, []string{`{"x"`, "|", ":1}", "|", "{", "|", "}", "|"}); diff != "" {
		t.Errorf("deltas by chunk (-got +want):\n%s", diff)
	}
}

func TestStreamErrors(t *testing.T) {
	t.Parallel()
	f := func(name string, want fault.Kind, chunks ...string) {
		t.Helper()
		_, err := decodeStream(t, chunks)
		if !fault.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	f("nothing", fault.ModelError)
	f("only the end", fault.ModelError, doneChunk)
	f("cut", fault.ModelError, delta(`"content":"a"`))
	f("an abort", fault.ModelError, delta(`"content":"a"`), finish("abort"), doneChunk)
	f("audio", fault.ModelError, delta(`"audio":{"data":"AAAA"}`))
	for _, broken := range []string{"", "{", "[]", "null", "7", `{"choices":[}`, `{"choices" 1}`, `{"id":"`, `{"id":"\`, "{}x", `{"a":nul}`, `{"a":+}`} {
		f(broken, fault.ModelError, broken)
	}
	_, err := decodeStream(t, []string{delta(`"content":"a"`), `{"error":{"message":"x"}}`})
	if pe, ok := errors.AsType[*ProviderError](err); !ok || !strings.Contains(string(pe.Body), `"x"`) {
		t.Errorf("a provider's error is %v", err)
	}
	if _, err := decodeStream(t, []string{`{"error":null,"choices":[{"delta":{},"finish_reason":"stop"}]}`}); err != nil {
		t.Errorf("a null error is %v", err)
	}
}

func TestStreamUsage(t *testing.T) {
	t.Parallel()
	f := func(usage string, want llm.Usage) {
		t.Helper()
		got, err := decodeStream(t, []string{delta(`"content":"a"`), finish("stop"), `{"choices":[],"usage":` + usage + `}`, doneChunk})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got.Usage, want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", usage, diff)
		}
	}
	f(`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8,"audio_tokens":0}}`,
		llm.Usage{InputTokens: 2, OutputTokens: 5, CacheReadTokens: 8})
	f(`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":null}`, llm.Usage{InputTokens: 10, OutputTokens: 5})
	f(`{"prompt_tokens":10,"completion_tokens":5,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6}`,
		llm.Usage{InputTokens: 6, OutputTokens: 5, CacheReadTokens: 4})
	f(`{"prompt_tokens":10,"completion_tokens":5,"cache_read_input_tokens":4,"cache_creation_input_tokens":3}`,
		llm.Usage{InputTokens: 3, OutputTokens: 5, CacheReadTokens: 4, CacheWriteTokens: 3})
	f(`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"completion_tokens_details":{"reasoning_tokens":3}}`,
		llm.Usage{InputTokens: 10, OutputTokens: 5})
	f(`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":18,"completion_tokens_details":{"reasoning_tokens":3}}`,
		llm.Usage{InputTokens: 10, OutputTokens: 8})
	f(`{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":99}}`, llm.Usage{CacheReadTokens: 10})
	f(`{"prompt_tokens":-10,"completion_tokens":1e99}`, llm.Usage{})
	f(`null`, llm.Usage{Estimated: true})
}

func TestStreamExtraPaths(t *testing.T) {
	t.Parallel()
	d := StreamDecoder{ExtraPaths: []string{"/system_fingerprint", "/usage/x", "/choices/0/why", "/absent"}}
	var events []llm.Event
	var err error
	for _, c := range []string{
		`{"system_fingerprint":"fp1","usage":null,"choices":[{"delta":{"content":"a"}}]}`,
		`{"system_fingerprint":"fp2","choices":[{"delta":{},"finish_reason":"stop","why":"enough"}]}`,
		`{"choices":[],"usage":{"x":7}}`,
	} {
		if events, err = d.Chunk(events, []byte(c)); err != nil {
			t.Fatal(err)
		}
	}
	if events, err = d.Finish(events, true); err != nil {
		t.Fatal(err)
	}
	resp := llmtest.Collect(t, llmtest.Stream(events...))
	want := json.RawMessage(`{"system_fingerprint":"fp2","usage":{"x":7},"choices":{"0":{"why":"enough"}}}`)
	if diff := llmtest.Diff(resp.Extra, want); diff != "" {
		t.Errorf("extra (-got +want):\n%s", diff)
	}
}

// Whatever the chunks are, the decoder does not panic and its events are in order,
// and no object that encoding/json takes is refused.
func FuzzStreamDecoder(f *testing.F) {
	f.Add(delta(`"content":"a"`), finish("stop"), usageChunk)
	f.Add(fragment(`"index":0,"id":"a","function":{"name":"f","arguments":""}`), fragment(`"index":1,"id":"b","function":{"name":"g","arguments":"{}"}`), fragment(`"index":0,"function":{"arguments":"{}"}`))
	f.Add(delta(`"content":[{"text":"\ud83d"}],"reasoning":"x","refusal":"y"`), delta(`"function_call":{"name":"f"}`), doneChunk)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		_, _ = decodeStream(t, []string{a, b, c, finish("stop")})
		var read completion
		if err := read.read([]byte(a)); err != nil && json.Valid([]byte(a)) && strings.HasPrefix(strings.TrimSpace(a), "{") {
			if _, ok := errors.AsType[*ProviderError](err); !ok {
				t.Errorf("valid JSON was refused: %v", err)
			}
		}
	})
}

// FuzzUnescape compares strings with encoding/json's reading of them. How many marks
// stand for a run of broken bytes is left open.
func FuzzUnescape(f *testing.F) {
	f.Add(`a\n\u00fc\ud83d\ude00\ud83d`)
	f.Add(`\"\\\/`)
	f.Fuzz(func(t *testing.T, inside string) {
		text := `"` + inside + `"`
		var want string
		if json.Unmarshal([]byte(text), &want) != nil {
			return
		}
		s := scanner{data: []byte(text)}
		got, ok := s.text()
		marks := regexp.MustCompile("\uFFFD+")
		got, want = marks.ReplaceAllString(got, "?"), marks.ReplaceAllString(want, "?")
		if s.end(); !ok || s.err() != nil || got != want {
			t.Errorf("read %s as %q, want %q (%v)", text, got, want, s.err())
		}
	})
}

// FuzzAppendString compares strings with encoding/json's writing of them.
func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\x00\x1f\x7fü\xff\u2028")
	f.Fuzz(func(t *testing.T, in string) {
		var got string
		if err := json.Unmarshal(appendString(nil, in), &got); err != nil {
			t.Fatalf("%q became broken JSON: %v", in, err)
		}
		if want := strings.ToValidUTF8(in, "\uFFFD"); got != want && strings.ToValidUTF8(got, "") == got {
			var wantJSON string
			plain, _ := json.Marshal(in)
			_ = json.Unmarshal(plain, &wantJSON)
			if got != wantJSON {
				t.Errorf("%q became %q, want %q", in, got, wantJSON)
			}
		}
	})
}

func BenchmarkStreamChunk(b *testing.B) {
	chunk := []byte(`{"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":" hello"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	var d StreamDecoder
	var events []llm.Event
	b.ReportAllocs()
	for b.Loop() {
		events, _ = d.Chunk(events[:0], chunk)
	}
}
