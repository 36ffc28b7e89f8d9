package converse_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/dialect/converse"
	"github.com/outcrop-ai/outcrop/internal/fault"
	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

// source makes random values of the vocabulary, of what Converse can say.
type source struct{ *rand.Rand }

func (s source) maybe() bool { return s.IntN(2) == 0 }

func (s source) pick(list ...string) string { return list[s.IntN(len(list))] }

func (s source) word() string {
	return s.pick("", "a", "Grass is green.", "\"quoted\" \\ <&>", "Äöü 漢字 🌾", "line\nbreak\u2028", strings.Repeat("long ", 100))
}

func (s source) json() json.RawMessage {
	return json.RawMessage(s.pick(`{}`, `{"a":1.50,"z":[null,true]}`, `[]`, `"text"`, `{"nested":{"deep":"<&>"}}`, `12345678901234567890`))
}

func (s source) bytes() []byte { return []byte(s.pick("\x00", "\x89PNG\r\n\x1a\n", "plain")) }

func (s source) media() llm.Source {
	if s.maybe() {
		return llm.Source{S3: &llm.S3Location{URI: "s3://b/" + s.word(), BucketOwner: s.pick("", "123456789012")}}
	}
	return llm.Source{Bytes: s.bytes()}
}

func (s source) words() []string {
	var out []string
	for range s.IntN(3) {
		out = append(out, s.word())
	}
	return out
}

func (s source) image() *llm.Image {
	return &llm.Image{Format: s.pick("png", "jpeg", "gif", "webp"), Source: s.media()}
}

func (s source) document() *llm.Document {
	d := &llm.Document{Format: s.pick("", "pdf", "md"), Name: s.word(), Context: s.word(), Citations: s.maybe()}
	switch s.IntN(3) {
	case 0:
		d.Source = s.media()
	case 1:
		d.Text = s.word()
	default:
		d.Content = []llm.Text{{Text: s.word()}, {Text: s.word()}}
	}
	return d
}

func (s source) searchResult() *llm.SearchResult {
	return &llm.SearchResult{Source: s.word(), Title: s.word(), Content: s.words(), Citations: s.maybe()}
}

func (s source) citation() llm.Citation {
	c := llm.Citation{Title: s.word(), Source: s.word(), SourceContent: s.words()}
	switch kind := llm.LocationKind(s.pick("", "char", "page", "chunk", "search_result", "web")); kind {
	case llm.NoLocation:
	case llm.WebLocation:
		c.Location = llm.Location{Kind: kind, URL: s.word(), Domain: s.word()}
	default:
		c.Location = llm.Location{Kind: kind, Index: s.IntN(9), Start: s.IntN(9), End: s.IntN(9)}
	}
	return c
}

func (s source) guard() *llm.Guard {
	if s.maybe() {
		return &llm.Guard{Image: &llm.Image{Format: "png", Source: llm.Source{Bytes: s.bytes()}}}
	}
	g := &llm.Guard{Text: s.word()}
	if s.maybe() {
		g.Qualifiers = []string{"query", "grounding_source"}
	}
	return g
}

func (s source) toolUse() *llm.ToolUse {
	return &llm.ToolUse{ID: "id" + s.word(), Name: "n" + s.word(), Input: s.json(), Server: s.maybe()}
}

func (s source) reasoning() *llm.Reasoning {
	if s.maybe() {
		return &llm.Reasoning{Redacted: s.bytes()}
	}
	return &llm.Reasoning{Text: s.word(), Signature: s.word()}
}

func (s source) block() llm.Block {
	switch s.IntN(12) {
	case 0:
		return s.image()
	case 1:
		return s.document()
	case 2:
		return &llm.Video{Format: "three_gp", Source: s.media()}
	case 3:
		return &llm.Audio{Format: "mp3", Source: s.media()}
	case 4:
		return s.toolUse()
	case 5:
		r := &llm.ToolResult{ToolUseID: s.word(), Error: s.maybe(), Type: s.pick("", "nova_code_interpreter_result")}
		for range s.IntN(4) {
			r.Content = append(r.Content, s.resultBlock())
		}
		return r
	case 6:
		return s.guard()
	case 7:
		return &llm.CachePoint{TTL: s.pick("", "5m", "1h")}
	case 8:
		return s.reasoning()
	case 9:
		c := &llm.Citations{Text: s.word()}
		for range s.IntN(3) {
			c.Citations = append(c.Citations, s.citation())
		}
		return c
	case 10:
		return s.searchResult()
	default:
		return &llm.Text{Text: s.word()}
	}
}

func (s source) resultBlock() llm.Block {
	switch s.IntN(6) {
	case 0:
		return s.image()
	case 1:
		return s.document()
	case 2:
		return &llm.Video{Format: "mkv", Source: s.media()}
	case 3:
		return s.searchResult()
	case 4:
		return &llm.JSON{Value: s.json()}
	default:
		return &llm.Text{Text: s.word()}
	}
}

func (s source) request() *llm.ChatRequest {
	r := &llm.ChatRequest{Model: "m", Latency: s.pick("", "optimized"), ServiceTier: s.pick("", "flex")}
	for range s.IntN(4) {
		m := llm.Message{Role: llm.Role(s.pick("user", "assistant", "system"))}
		for range s.IntN(6) {
			m.Content = append(m.Content, s.block())
		}
		r.Messages = append(r.Messages, m)
	}
	if s.maybe() {
		r.System = []llm.Block{&llm.Text{Text: s.word()}, s.guard(), &llm.CachePoint{}}
	}
	if s.maybe() {
		r.Inference = llm.Inference{MaxTokens: 1 + s.IntN(9), Temperature: new(float64(s.IntN(11)) / 10), TopP: new(0.0), StopSequences: s.words(), Effort: s.pick("", "high")}
	}
	if s.maybe() {
		r.Tools = []llm.Tool{{Name: "a", Description: s.word(), InputSchema: s.json(), Strict: s.maybe()}, {Name: "nova_grounding", System: true}}
		r.ToolChoice = llm.ToolChoice{Mode: llm.ToolMode(s.pick("", "auto", "any", "tool"))}
		if r.ToolChoice.Mode == llm.ToolNamed {
			r.ToolChoice.Name = "a"
		}
		if s.maybe() {
			r.ToolCachePoint = &llm.CachePoint{TTL: s.pick("", "1h")}
		}
	}
	if s.maybe() {
		r.Output = llm.OutputFormat{Schema: s.json(), Name: s.word(), Description: s.word(), Strict: true}
		r.Extra, r.ExtraPaths = json.RawMessage(`{"top_k":5}`), []string{"/stop_sequence"}
		r.PromptVariables, r.Metadata = map[string]string{"a": s.word()}, map[string]string{"team": "x"}
		r.Guardrail = &llm.GuardrailConfig{ID: "g", Version: "1", Trace: s.pick("", "enabled")}
	}
	return r
}

func (s source) response() *llm.ChatResponse {
	r := &llm.ChatResponse{
		StopReason: llm.StopReason(s.pick("end_turn", "tool_use", "model_context_window_exceeded")),
		Usage:      llm.Usage{InputTokens: s.IntN(9), OutputTokens: s.IntN(9), CacheReadTokens: s.IntN(2), CacheWriteTokens: s.IntN(2)},
		Latency:    time.Duration(s.IntN(5000)) * time.Millisecond, ServiceTier: s.pick("", "flex"),
	}
	if s.maybe() {
		r.Extra, r.Trace = s.json(), json.RawMessage(trace)
		r.Usage.CacheDetails = []llm.CacheDetail{{TTL: "1h", InputTokens: 3}}
	}
	r.Message.Role = llm.Assistant
	for range s.IntN(5) {
		var b llm.Block = &llm.Text{Text: s.word()}
		switch s.IntN(6) {
		case 0:
			b = s.toolUse()
		case 1:
			b = s.reasoning()
		case 2:
			b = &llm.Citations{Text: s.word(), Citations: []llm.Citation{s.citation(), s.citation()}}
		case 3:
			b = &llm.ToolResult{ToolUseID: "a", Error: s.maybe(), Type: "x_result", Content: []llm.Block{&llm.Text{Text: s.word()}, &llm.JSON{Value: s.json()}}}
		case 4:
			b = s.image()
		}
		r.Message.Content = append(r.Message.Content, b)
	}
	return r
}

const trace = `{"guardrail":{"modelOutput":["blocked"],"inputAssessment":{"gr1":{"topicPolicy":{"topics":[{"name":"t","type":"DENY","action":"BLOCKED"}]}}},"actionReason":"why"},"promptRouter":{"invokedModelId":"arn:aws:bedrock:us-east-1::foundation-model/m"}}`

// FuzzRequestThereAndBack: what llm can say and Converse too survives the way through
// Converse's shapes and their JSON.
func FuzzRequestThereAndBack(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		want := source{rand.New(rand.NewPCG(seed, 1))}.request()
		shape, err := converse.ToRequest(want)
		if err != nil {
			t.Fatal(err)
		}
		shape = read[gen.ConverseRequest](t, write(t, shape))
		shape.ModelID = want.Model // in the path
		got, err := converse.FromRequest(shape)
		if err != nil {
			t.Fatal(err)
		}
		if diff := llmtest.Diff(got, want); diff != "" {
			t.Errorf("got (-), want (+)\n%s", diff)
		}

		want.Stream = true
		if want.Guardrail != nil {
			want.Guardrail.StreamMode = "async"
		}
		streaming, err := converse.ToStreamRequest(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = converse.FromStreamRequest(streaming); err != nil {
			t.Fatal(err)
		}
		if diff := llmtest.Diff(got, want); diff != "" {
			t.Errorf("streaming: got (-), want (+)\n%s", diff)
		}
	})
}

// FuzzResponseThereAndBack does the same with answers, whole and as a stream.
func FuzzResponseThereAndBack(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		want := source{rand.New(rand.NewPCG(seed, 2))}.response()
		shape, err := converse.ToResponse(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := converse.FromResponse(read[gen.ConverseResponse](t, write(t, shape)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := llmtest.Diff(got, want); diff != "" {
			t.Errorf("got (-), want (+)\n%s", diff)
		}

		var events []json.RawMessage
		for e, err := range converse.ToStream(llm.Replay(want)) {
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, write(t, e))
		}
		got = llmtest.Collect(t, converse.FromStream(outputs(t, events)))
		if diff := llmtest.Diff(got, want); diff != "" {
			t.Errorf("stream: got (-), want (+)\n%s", diff)
		}
	})
}

// FuzzFromRequest: any request that can be read is converted or refused, and what was
// converted means the same after another round.
func FuzzFromRequest(f *testing.F) {
	for seed := range uint64(20) {
		shape, err := converse.ToRequest(source{rand.New(rand.NewPCG(seed, 3))}.request())
		if err != nil {
			f.Fatal(err)
		}
		var w jsoncodec.Writer
		w.Struct(shape)
		f.Add(string(w.Written()))
	}
	f.Add(`{"messages":[{"role":"user","content":[{},{"image":{}},{"document":{"source":{"content":[{}]}}},{"toolAddition":{}}]}]}`)
	f.Add(`{"messages":[{"content":[{"toolUse":{}}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		in := &gen.ConverseRequest{}
		if jsoncodec.NewReader([]byte(text)).Body(in) != nil {
			return
		}
		first, err := converse.FromRequest(in)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			return
		}
		_ = converse.Validate(first) // judges; must not panic
		_ = llm.Validate(first)
		shape, err := converse.ToRequest(first)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			return // a wish such as a tool choice without tools
		}
		second, err := converse.FromRequest(shape)
		if err != nil {
			t.Fatal(err)
		}
		if diff := llmtest.Diff(second, first); diff != "" {
			t.Errorf("got (-), want (+)\n%s", diff)
		}
	})
}
