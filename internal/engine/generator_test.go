package engine

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

func openGenerator(t testing.TB, path string, c Config) *Generator {
	t.Helper()
	c.Compute = compute(t, kernel.Config{Threads: 2})
	g, err := OpenGenerator(path, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func ask(text string) *llm.ChatRequest {
	return &llm.ChatRequest{
		Model:     "tiny",
		Messages:  []llm.Message{{Role: llm.User, Content: []llm.Block{&llm.Text{Text: text}}}},
		Inference: llm.Inference{MaxTokens: 24, Seed: new(int64(7))},
	}
}

func answer(t *testing.T, g *Generator, req *llm.ChatRequest) *llm.ChatResponse {
	t.Helper()
	got, err := llm.Collect(g.Chat(t.Context(), "me", req))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func text(r *llm.ChatResponse) (out string) {
	for _, b := range r.Message.Content {
		if b, ok := b.(*llm.Text); ok {
			out += b.Text
		}
	}
	return out
}

// TestChat has the same answer for the same seed, whoever else is being answered.
func TestChat(t *testing.T) {
	t.Parallel()
	g := openGenerator(t, enginetest.Tiny{}.GGUF(t), Config{})
	want := answer(t, g, ask("Hello there"))
	if want.StopReason != llm.MaxTokens && want.StopReason != llm.EndTurn || want.Usage.OutputTokens == 0 || want.Usage.InputTokens < 20 {
		t.Errorf("%+v", want)
	}
	if n, err := g.CountTokens(t.Context(), ask("Hello there")); err != nil || n != want.Usage.InputTokens {
		t.Errorf("CountTokens says %d (%v), the answer %d", n, err, want.Usage.InputTokens)
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			req := ask("Hello there")
			if i%2 == 0 {
				req = ask(strings.Repeat("something else ", i+1))
				req.Inference.Seed = new(int64(i))
			}
			got, err := llm.Collect(g.Chat(t.Context(), "me", req))
			if err != nil {
				t.Error(err)
			} else if i%2 == 1 {
				if diff := cmp.Diff(want.Message, got.Message); diff != "" {
					t.Errorf("in company (-alone +got):\n%s", diff)
				}
			}
		})
	}
	wg.Wait()
}

// TestStopSequences finds them wherever tokens are cut; here a token is a byte.
func TestStopSequences(t *testing.T) {
	t.Parallel()
	g := openGenerator(t, enginetest.Tiny{}.GGUF(t), Config{})
	req := ask("Hello there")
	req.Output = llm.OutputFormat{Schema: json.RawMessage(`{"const":"abc def ghi"}`)} // known text, token by token
	whole := text(answer(t, g, req))
	if whole != `"abc def ghi"` {
		t.Fatalf("the model says %q", whole)
	}
	f := func(stops []string, want, by string) {
		t.Helper()
		req.Inference.StopSequences = stops
		got := answer(t, g, req)
		if text(got) != want || got.StopSequence != by || (by != "") != (got.StopReason == llm.StopSequence) {
			t.Errorf("%q: %q, %s by %q; want %q by %q", stops, text(got), got.StopReason, got.StopSequence, want, by)
		}
	}
	f([]string{"def"}, `"abc`, "def") // white space at the end of an answer is left out
	f([]string{"ghi", "c d"}, `"ab`, "c d")
	f([]string{"def ghx", "ghi\"x"}, whole, "")
	f([]string{`"`}, "", `"`)
}

// TestSchema always gets valid JSON out of a model that knows none.
func TestSchema(t *testing.T) {
	t.Parallel()
	schema := `{"type":"object","properties":{"name":{"type":"string","maxLength":12},"age":{"type":"integer","minimum":0,"maximum":150},
		"tags":{"type":"array","items":{"enum":["red","green","blue"]},"maxItems":3}},"required":["name","age"],"additionalProperties":false}`
	compiled := compileSchema(t, schema)
	g := openGenerator(t, enginetest.Tiny{}.GGUF(t), Config{})
	for seed := range int64(20) {
		req := ask("Who?")
		req.Inference.Seed, req.Inference.MaxTokens, req.Inference.Temperature = &seed, 400, new(1.0)
		req.Output.Schema = json.RawMessage(schema)
		got := answer(t, g, req)
		if got.StopReason != llm.EndTurn {
			t.Errorf("seed %d: %s: %s", seed, got.StopReason, text(got))
			continue
		}
		validate(t, compiled, text(got))
	}
	req := ask("Who?")
	req.Inference.MaxTokens = 4
	req.Output.Schema = json.RawMessage(schema)
	if got := answer(t, g, req); got.StopReason != llm.MaxTokens {
		t.Errorf("cut after 4 tokens: %s", got.StopReason)
	}
	req.Output.Schema = json.RawMessage(`{"type":"nothing"}`)
	if _, err := llm.Collect(g.Chat(t.Context(), "me", req)); !fault.Is(err, fault.Invalid) {
		t.Errorf("a schema that is none: %v", err)
	}
}

func compileSchema(t *testing.T, schema string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("schema.json")
}

func validate(t *testing.T, s *jsonschema.Schema, value string) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(value))
	if err == nil {
		err = s.Validate(doc)
	}
	if err != nil {
		t.Errorf("%s: %v", value, err)
	}
}

// TestTools makes calls that fit their schemas, when it has to and when it may.
func TestTools(t *testing.T) {
	t.Parallel()
	g := openGenerator(t, enginetest.Tiny{}.GGUF(t), Config{})
	city := `{"type":"object","properties":{"city":{"type":"string","maxLength":20},"unit":{"enum":["C","F"]}},"required":["city","unit"],"additionalProperties":false}`
	compiled := compileSchema(t, city)
	for seed := range int64(10) {
		req := ask("How is the weather?")
		req.Tools = []llm.Tool{
			{Name: "weather", Description: "The weather of a city.", InputSchema: json.RawMessage(city)},
			{Name: "time", InputSchema: json.RawMessage(`{"type":"object","properties":{}}`)},
		}
		req.ToolChoice = llm.ToolChoice{Mode: llm.ToolNamed, Name: "weather", DisableParallel: true}
		req.Inference.MaxTokens, req.Inference.Seed = 300, &seed
		got := answer(t, g, req)
		if got.StopReason != llm.StopToolUse || len(got.Message.Content) != 1 {
			t.Errorf("seed %d: %s, %d blocks", seed, got.StopReason, len(got.Message.Content))
			continue
		}
		use, ok := got.Message.Content[0].(*llm.ToolUse)
		if !ok || use.Name != "weather" || use.ID == "" {
			t.Errorf("seed %d: %+v", seed, got.Message.Content[0])
			continue
		}
		validate(t, compiled, string(use.Input))
		req.ToolChoice = llm.ToolChoice{}
		answer(t, g, req) // whatever it says, it is a whole answer
	}
}

// TestCachePoint reads what it has read before, for the same owner only.
func TestCachePoint(t *testing.T) {
	t.Parallel()
	g := openGenerator(t, enginetest.Tiny{}.GGUF(t), Config{})
	req := ask("And now?")
	req.System = []llm.Block{&llm.Text{Text: strings.Repeat("A long instruction. ", 20)}, &llm.CachePoint{}}
	first := answer(t, g, req)
	again := answer(t, g, req)
	other, err := llm.Collect(g.Chat(t.Context(), "somebody else", req))
	if err != nil {
		t.Fatal(err)
	}
	all := first.Usage.InputTokens + first.Usage.CacheWriteTokens
	switch {
	case first.Usage.CacheReadTokens != 0 || first.Usage.CacheWriteTokens < 300:
		t.Errorf("at first: %+v", first.Usage)
	case again.Usage.CacheReadTokens < 300 || again.Usage.InputTokens+again.Usage.CacheReadTokens+again.Usage.CacheWriteTokens != all:
		t.Errorf("again: %+v", again.Usage)
	case other.Usage.CacheReadTokens != 0:
		t.Errorf("somebody else: %+v", other.Usage)
	case !slices.EqualFunc(first.Message.Content, again.Message.Content, func(a, b llm.Block) bool { return cmp.Equal(a, b) }):
		t.Errorf("the cache changes the answer:\n%s\n%s", text(first), text(again))
	}
}

// TestRefusals are requests that the model cannot take.
func TestRefusals(t *testing.T) {
	t.Parallel()
	g := openGenerator(t, enginetest.Tiny{}.GGUF(t), Config{Context: 256})
	f := func(change func(*llm.ChatRequest), want string) {
		t.Helper()
		req := ask("x")
		change(req)
		if _, err := llm.Collect(g.Chat(t.Context(), "me", req)); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(func(r *llm.ChatRequest) { r.Messages = nil }, "at least one message")
	f(func(r *llm.ChatRequest) { *r = *ask(strings.Repeat("x", 300)) }, "Input is too long for requested model")
	f(func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"top_q": 1}`) }, "top_q")
	f(func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"min_p": "x"}`) }, "min_p")
	f(func(r *llm.ChatRequest) { r.Extra = json.RawMessage(`{"min_p": 7}`) }, "Malformed input request")
	f(func(r *llm.ChatRequest) {
		r.Messages[0].Content = append(r.Messages[0].Content, &llm.Image{Format: "png", Source: llm.Source{Bytes: []byte("x")}})
	}, "image")

	full := ask("x")
	full.Inference.MaxTokens = 0
	full.Output.Schema = json.RawMessage(`{"type":"string","minLength":1000}`)
	if got := answer(t, g, full); got.StopReason != llm.ContextWindowFull {
		t.Errorf("a full context: %s after %d tokens", got.StopReason, got.Usage.OutputTokens)
	}
}

// TestLeaving ends an answer when its reader does.
func TestLeaving(t *testing.T) {
	t.Parallel()
	g := openGenerator(t, enginetest.Tiny{}.GGUF(t), Config{Sequences: 1, Queue: 1})
	long := ask("x")
	long.Inference.MaxTokens = 0
	long.Output.Schema = json.RawMessage(`{"type":"string","minLength":900}`)
	for range 5 { // a slot that stays taken would block the second
		next, stop := iter.Pull2(g.Chat(t.Context(), "me", long))
		for range 3 {
			if _, err, ok := next(); err != nil || !ok {
				t.Fatal(err, ok)
			}
		}
		stop()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range g.Chat(ctx, "me", long) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("cancelled: %v", last)
	}
}

// TestBrokenFiles gives errors for files that are cut or changed.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(enginetest.Tiny{}.GGUF(t))
	if err != nil {
		t.Fatal(err)
	}
	c := compute(t, kernel.Config{Threads: 1})
	f := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "broken.gguf")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		g, err := OpenGenerator(path, Config{Compute: c})
		if err == nil {
			t.Errorf("%s: opened", name)
			_ = g.Close() // it should not be there
		}
	}
	f("empty", nil)
	f("no GGUF", []byte("GIF89a"))
	for cut := 5; cut < len(whole); cut += len(whole)/40 + 1 {
		f("cut", whole[:cut])
	}
	if _, err := OpenGenerator(t.TempDir(), Config{Compute: c}); err == nil {
		t.Error("an empty folder: opened")
	}
}

// TestStories tells the story that everybody's copy of this model tells.
func TestStories(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(sharedtest.Dir(t), "models", "stories260k")
	g := openGenerator(t, filepath.Join(dir, "checkpoint_legacy.bin"), Config{})
	req := ask("Once upon a time")
	req.Inference = llm.Inference{MaxTokens: 60, Temperature: new(0.0)}
	got := answer(t, g, req)
	if !strings.Contains(text(got), "Lily") && !strings.Contains(text(got), "little") {
		t.Errorf("the story goes on: %q", text(got))
	}
}

// TestThinking tells thoughts from answers.
func TestThinking(t *testing.T) {
	t.Parallel()
	template := `{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n' }}` +
		`{%- if m.role == 'assistant' and m.reasoning_content %}{{- '<think>\n' + m.reasoning_content + '\n</think>\n\n' }}{%- endif %}` +
		`{{- m.content + '<|im_end|>\n' }}{%- endfor %}` +
		`{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n<think>\n' }}` +
		`{%- if enable_thinking is defined and enable_thinking is false %}{{- '\n</think>\n\n' }}{%- endif %}{%- endif %}`
	g := openGenerator(t, enginetest.Tiny{Template: template}.GGUF(t), Config{})
	req := ask("Hello there")
	req.Inference.Effort = "high"
	got := answer(t, g, req)
	if _, ok := got.Message.Content[0].(*llm.Reasoning); !ok || got.StopReason != llm.MaxTokens {
		t.Errorf("%s: begins with %+v", got.StopReason, got.Message.Content[0])
	}
	req.Inference.Effort, req.Inference.ReasoningBudget = "", new(int)
	if got := answer(t, g, req); text(got) == "" {
		t.Errorf("without a budget it answers at once: %+v", got.Message.Content[0])
	}
	req.Output.JSON, req.Inference.MaxTokens = true, 900
	req.Inference.ReasoningBudget = nil
	if got := answer(t, g, req); got.StopReason == llm.EndTurn && !json.Valid([]byte(text(got))) {
		t.Errorf("JSON: %q", text(got))
	}
}

// TestStopper cuts texts everywhere.
func TestStopper(t *testing.T) {
	t.Parallel()
	f := func(in string, sequences []string, want, stop string) {
		t.Helper()
		for cut := 1; cut <= max(len(in), 1); cut++ {
			s := stopper{sequences: sequences}
			var got, by string
			for piece := range slices.Chunk([]byte(in), cut) {
				var out string
				if out, by = s.write(string(piece)); by != "" {
					got += out
					break
				}
				got += out
			}
			if by == "" {
				got += s.flush()
			}
			if got != want || by != stop {
				t.Errorf("%q in pieces of %d: %q by %q, want %q by %q", in, cut, got, by, want, stop)
			}
		}
	}
	f("", []string{"x"}, "", "")
	f("no stop here", nil, "no stop here", "")
	f("aab", []string{"ab"}, "a", "ab")
	f("ababac", []string{"abac"}, "ab", "abac")
	f("Human: hi", []string{"\n\nHuman:", "Human:"}, "", "Human:")
	f("a\n\nHuman", []string{"\n\nHuman:"}, "a\n\nHuman", "")
	f("xyz", []string{"z", "yz"}, "x", "yz")
}
