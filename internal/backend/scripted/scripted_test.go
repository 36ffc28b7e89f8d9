package scripted_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/backend/scripted"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, script string) *scripted.Backend {
	t.Helper()
	b, err := scripted.New(scripted.Config{Name: "ci", Script: []byte(script)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func example(t *testing.T) *scripted.Backend {
	t.Helper()
	b, err := scripted.Open("ci", "testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ask(text string) *llm.ChatRequest { return llmtest.Ask("test-model", text) }

// answer returns the text of an answer that must succeed.
func answer(t *testing.T, b *scripted.Backend, req *llm.ChatRequest) string {
	t.Helper()
	return text(llmtest.Collect(t, b.Chat(t.Context(), req)))
}

func text(r *llm.ChatResponse) string {
	var all strings.Builder
	for _, block := range r.Message.Content {
		switch block := block.(type) {
		case *llm.Text:
			all.WriteString(block.Text)
		case *llm.Citations:
			all.WriteString(block.Text)
		}
	}
	return all.String()
}

func fails(t *testing.T, b *scripted.Backend, req *llm.ChatRequest) *fault.Error {
	t.Helper()
	_, err := llm.Collect(b.Chat(t.Context(), req))
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("Chat = %v, want a fault", err)
	}
	return e
}

func TestExampleTexts(t *testing.T) {
	t.Parallel()
	b := example(t)
	f := func(question, want string) {
		t.Helper()
		for _, stream := range []bool{false, true} {
			req := ask(question)
			req.Stream = stream
			if got := answer(t, b, req); got != want {
				t.Errorf("%q (stream %t) is answered %q, want %q", question, stream, got, want)
			}
		}
	}
	f("Why, HELLO there", "Hello! How can I help you?")
	f("hi, my name is Ada", "Nice to meet you, Ada. This is answer 1 of our conversation.")
	f("give me a source", "Bedrock has a Converse API.")
	f("what else?", `I have no script for "what else?".`)
	f("weather in Paris", `I have no script for "weather in Paris".`) // the tool is not offered
}

func TestExampleToolLoop(t *testing.T) {
	t.Parallel()
	b := example(t)
	for _, stream := range []bool{false, true} {
		req := ask("what is the weather in Paris?")
		req.Stream = stream
		req.Tools = []llm.Tool{{Name: "other"}, {Name: "get_weather"}}
		got := llmtest.Collect(t, b.Chat(t.Context(), req))
		want := []llm.Block{
			&llm.Reasoning{Text: "I should look that up."},
			&llm.Text{Text: "Let me check."},
			&llm.ToolUse{ID: "scripted_1_1", Name: "get_weather", Input: json.RawMessage(`{"city":"Paris","days":3,"units":["celsius"]}`)},
		}
		if diff := cmp.Diff(got.Message.Content, want); diff != "" {
			t.Errorf("stream %t (-got +want):\n%s", stream, diff)
		}
		if got.StopReason != llm.StopToolUse {
			t.Errorf("stopped for %q", got.StopReason)
		}
		if want := (llm.Served{Backend: "ci", Model: "test-model", Fidelity: llm.Scripted}); got.Served != want {
			t.Errorf("served by %v, want %v", got.Served, want)
		}

		result := &llm.ToolResult{ToolUseID: "scripted_1_1", Content: []llm.Block{&llm.JSON{Value: json.RawMessage(`{"sky":"grey"}`)}}}
		req.Messages = append(req.Messages, got.Message, llmtest.User(result))
		if got, want := answer(t, b, req), `You asked: what is the weather in Paris? The tool says: {"sky":"grey"}`; got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
		result.Error = true
		if got, want := answer(t, b, req), "The weather service is down."; got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
	}
}

func TestExampleErrors(t *testing.T) {
	t.Parallel()
	b := example(t)
	if e := fails(t, b, ask("break")); e.Kind != fault.Unavailable || e.Message != "Down for test-model." {
		t.Errorf("got %v %q", e.Kind, e.Message)
	}
	for range 2 {
		if e := fails(t, b, ask("busy?")); e.Kind != fault.Throttled || e.RetryAfter != time.Second {
			t.Errorf("got %v, retry after %v", e.Kind, e.RetryAfter)
		}
	}
	for range 2 {
		if got := answer(t, b, ask("busy?")); got != "Now I have time." {
			t.Errorf("after throttling: %q", got)
		}
	}
	for range 2 {
		for _, want := range []string{"First.", "Second."} {
			if got := answer(t, b, ask("next")); got != want {
				t.Errorf("the sequence gave %q, want %q", got, want)
			}
		}
		if e := fails(t, b, ask("next")); e.Kind != fault.Timeout {
			t.Errorf("the sequence gave %v, want a timeout", e.Kind)
		}
	}
}

func TestExampleCut(t *testing.T) {
	t.Parallel()
	b := example(t)
	for _, stream := range []bool{true, false} {
		req := ask("cut it")
		req.Stream = stream
		got, err := llm.Collect(b.Chat(t.Context(), req))
		e, _ := errors.AsType[*fault.Error](err)
		if e == nil || e.Kind != fault.ModelError {
			t.Errorf("stream %t ended with %v", stream, err)
		}
		want := "one two three "
		if !stream {
			want = "one two three four five" // one piece
		}
		if text(got) != want || got.Usage.InputTokens != estimate.Request(req) || !got.Usage.Estimated {
			t.Errorf("stream %t gave %q with %+v before it broke, want %q", stream, text(got), got.Usage, want)
		}
	}
}

func TestExampleFacts(t *testing.T) {
	t.Parallel()
	b := example(t)
	ctx := call.With(t.Context(), &call.Call{Region: "eu-west-1"})
	req := ask("where are you?")
	req.Metadata = map[string]string{"team": "search-infra"}
	if got := text(llmtest.Collect(t, b.Chat(ctx, req))); got != "In eu-west-1, for search-infra." {
		t.Errorf("in Europe: %q", got)
	}
	if got := answer(t, b, req); !strings.HasPrefix(got, "I have no script") {
		t.Errorf("elsewhere: %q", got)
	}
	req.Metadata = nil
	if got := text(llmtest.Collect(t, b.Chat(ctx, req))); !strings.HasPrefix(got, "I have no script") {
		t.Errorf("without the label: %q", got)
	}

	long := ask("one")
	long.Messages = append(long.Messages, llmtest.Assistant(llmtest.Text("1")), llmtest.User(llmtest.Text("two")),
		llmtest.Assistant(llmtest.Text("2")), llmtest.User(llmtest.Text("still there?")))
	if got := answer(t, b, long); got != "We have been talking for a while." {
		t.Errorf("third turn: %q", got)
	}
	if got := answer(t, b, ask("still there?")); !strings.HasPrefix(got, "I have no script") {
		t.Errorf("first turn: %q", got)
	}

	if got := answer(t, b, ask("again")); !strings.HasPrefix(got, "I have no script") {
		t.Errorf("first call: %q", got)
	}
	again := ask("again")
	again.Stream = true
	var deltas []string
	resp := &llm.Collector{}
	for e, err := range b.Chat(t.Context(), again) {
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := e.(*llm.BlockDelta); ok {
			deltas = append(deltas, d.Text)
		}
		if err := resp.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(deltas, []string{"You asked", " that ", "before."}); diff != "" {
		t.Errorf("second call (-got +want):\n%s", diff)
	}
	if got := resp.Response().StopReason; got != llm.MaxTokens {
		t.Errorf("stopped for %q", got)
	}
	if got := answer(t, b, ask("again")); !strings.HasPrefix(got, "I have no script") {
		t.Errorf("third call: %q", got)
	}
}

func TestExampleStructured(t *testing.T) {
	t.Parallel()
	req := ask(`extract "this" \ and ${that}`)
	req.System = []llm.Block{&llm.Text{Text: "Answer in JSON."}}
	const want = `{"name":"extract \"this\" \\ and ${that}","tags":["a","b"],"score":0.5,"none":null}`
	if got := answer(t, example(t), req); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestExampleCitations(t *testing.T) {
	t.Parallel()
	got := llmtest.Collect(t, example(t).Chat(t.Context(), ask("a source please")))
	want := []llm.Block{&llm.Citations{Text: "Bedrock has a Converse API.", Citations: []llm.Citation{{
		Title: "User guide", Source: "https://docs.example/bedrock",
		SourceContent: []string{"The Converse API is one interface to all models."},
	}}}}
	if diff := cmp.Diff(got.Message.Content, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

func TestDelays(t *testing.T) {
	t.Parallel()
	b := example(t)
	synctest.Test(t, func(t *testing.T) {
		req := ask("slow")
		req.Stream = true
		start := time.Now()
		var at []time.Duration
		for e, err := range b.Chat(t.Context(), req) {
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := e.(*llm.BlockDelta); ok {
				at = append(at, time.Since(start))
			}
		}
		want := []time.Duration{200, 220, 240, 260, 280} // "Good things take time." in fives
		for i := range want {
			want[i] *= time.Millisecond
		}
		if diff := cmp.Diff(at, want); diff != "" {
			t.Errorf("pieces came at (-got +want):\n%s", diff)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := func(cause error, want fault.Kind) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if errors.Is(cause, context.Canceled) {
				go cancel()
			}
			_, err := llm.Collect(b.Chat(ctx, ask("slow")))
			if !fault.Is(err, want) {
				t.Errorf("cancelled for %v: %v, want %v", cause, err, want)
			}
			synctest.Wait()
		}
		f(context.Canceled, fault.Canceled)
		f(context.DeadlineExceeded, fault.Timeout)
	})
}

func TestBreakEndsTheReply(t *testing.T) {
	t.Parallel()
	b := open(t, "else: {reply: {text: a b c d, reasoning: hm, cut: 9}}")
	req := ask("x")
	req.Stream = true
	for stopAt := range 12 {
		n := 0
		for _, err := range b.Chat(t.Context(), req) {
			if n++; err != nil || n > stopAt {
				break
			}
		}
	}
}

func TestNoMatch(t *testing.T) {
	t.Parallel()
	b := open(t, "rules: [{when: {text: x}, reply: y}]")
	req := ask("What " + strings.Repeat("very ", 100) + "long question")
	req.Tools = []llm.Tool{{Name: "lookup"}}
	req.System = []llm.Block{&llm.Text{Text: "Be nice."}}
	req.Metadata = map[string]string{"team": "search"}
	e := fails(t, b, req)
	if e.Kind != fault.Invalid || len(e.Message) > 1000 {
		t.Errorf("got %v of %d bytes", e.Kind, len(e.Message))
	}
	for _, want := range []string{`"ci"`, `"test-model"`, "turn 1", `"What very`, `"lookup"`, `"Be nice."`, `"search"`} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q does not say %s", e.Message, want)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	f := func(script string, want llm.Usage) {
		t.Helper()
		got := llmtest.Collect(t, open(t, script).Chat(t.Context(), ask("12345678")))
		if diff := cmp.Diff(got.Usage, want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", script, diff)
		}
	}
	f("else: {reply: {text: ok, usage: {input: 7, output: 9, cache_read: 3, cache_write: 4}}}",
		llm.Usage{InputTokens: 7, OutputTokens: 9, CacheReadTokens: 3, CacheWriteTokens: 4})
	f("else: {reply: {text: ok, usage: {input: 0}}}", llm.Usage{InputTokens: 0, OutputTokens: 1, Estimated: true})
	f("else: {reply: a text of 24 characters.}", llm.Usage{InputTokens: 6, OutputTokens: 6, Estimated: true})
	b := open(t, "else: {reply: x}")
	if n, err := b.CountTokens(t.Context(), ask("12345678")); n != 6 || err != nil {
		t.Errorf("CountTokens = %d, %v, want 6", n, err)
	}
}

// A script with many mistakes tells all of them, each with its line.
func TestProblems(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("testdata/broken.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = scripted.New(scripted.Config{Name: "ci", Script: script})
	if err == nil {
		t.Fatal("New succeeded")
	}
	want, readErr := os.ReadFile("testdata/broken.golden")
	if readErr != nil || os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("testdata/broken.golden", []byte(err.Error()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(err.Error()+"\n", string(want)); diff != "" {
		t.Errorf("problems (-got +want):\n%s", diff)
	}
}

func TestProblemsAlone(t *testing.T) {
	t.Parallel()
	f := func(script, want string) {
		t.Helper()
		_, err := scripted.New(scripted.Config{Name: "ci", Script: []byte(script)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", script, err, want)
		}
	}
	f("", `needs "rules" or "else"`)
	f("[]", "has to be a mapping")
	f("rules: {}", "has to be a list")
	f("else: {reply: x}\n---\nelse: {reply: y}", "second one begins")
	f("rules: [\n", "")
	f("a: *b", "")
	f("else: {reply: '${x'}", "without its }")
	f("else: {reply: '${1}'}", "captures that much")
	f("else: &a {reply: {json: {x: *a}}}", "")
	f(strings.Repeat("#", 5<<20), "larger than")
	f("else: {reply: {json: "+strings.Repeat("[", 500)+strings.Repeat("]", 500)+"}}", "too deep")
	bomb := "anchors:\n  a0: &a0 [x]\n"
	for i := 1; i < 40; i++ {
		bomb += fmt.Sprintf("  a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	f(bomb+"else: {reply: {json: *a39}}", "")
	if _, err := scripted.Open("ci", "testdata/absent.yaml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of no file: %v", err)
	}
}

// Calls at the same time share the counters and nothing else.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	b := open(t, "rules: [{when: {text: x}, throttle: 10, replies: [a, b, c], after: stop}]\nelse: {reply: none}")
	var mu sync.Mutex
	counts := map[string]int{}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			resp, err := llm.Collect(b.Chat(t.Context(), ask("x")))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				counts["throttled"]++
				return
			}
			counts[text(resp)]++
		})
	}
	wg.Wait()
	if diff := cmp.Diff(counts, map[string]int{"throttled": 10, "a": 1, "b": 1, "c": 1, "none": 37}); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

// Whatever the script, New does not panic, and what it accepts answers in order.
func FuzzScript(f *testing.F) {
	for _, name := range []string{"testdata/example.yaml", "testdata/broken.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "hello")
	}
	f.Add("else: {reply: {json: {a: [1, 2.5, true, null, \"${text}\"]}, chunk: 1}}", "\"\\\x00")
	f.Fuzz(func(t *testing.T, script, question string) {
		script = strings.ReplaceAll(script, "delay", "d") // the clock is real here
		b, err := scripted.New(scripted.Config{Name: "ci", Script: []byte(script)})
		if err != nil {
			return
		}
		req := ask(question)
		req.Stream = len(question)%2 == 0
		var events []llm.Event
		for e, err := range b.Chat(t.Context(), req) {
			if err != nil {
				return
			}
			events = append(events, e)
		}
		if err := llmtest.Order(events); err != nil {
			t.Error(err)
		}
	})
}
