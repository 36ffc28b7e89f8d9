package backendtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// answers are the answers that every provider can give.
func answers(s *Script) map[string]Answer {
	usage := llm.Usage{InputTokens: 12, OutputTokens: 34}
	all := map[string]Answer{
		"text": {ID: "m1", Parts: []Part{{Text: []string{"Ray", "leigh ", "scattering.\n\"Blue\" \u00fc \u4e16\u754c \U0001F600"}}}, Stop: llm.EndTurn, Usage: usage},
		"cut by the limit": {
			ID: "m2", Parts: []Part{{Text: []string{"Because", " the"}}}, Stop: llm.MaxTokens, Usage: usage,
		},
		"cached prompt": {
			ID: "m3", Parts: []Part{{Text: []string{"a", "b"}}}, Stop: llm.EndTurn,
			Usage: llm.Usage{InputTokens: 5, OutputTokens: 2, CacheReadTokens: 1000},
		},
		"tool call": {
			ID: "m4", Parts: []Part{
				{Text: []string{"Let me ", "look."}},
				{ID: "call_1", Name: "get_weather", Input: []string{`{"ci`, `ty":"Par`, `is"}`}},
			}, Stop: llm.StopToolUse, Usage: usage,
		},
		"parallel tool calls": {
			ID: "m5", Parts: []Part{
				{ID: "call_1", Name: "get_weather", Input: []string{`{"city":`, `"Paris"}`}},
				{ID: "call_2", Name: "get_weather", Input: []string{`{"city":`, `"Rome","days":[1,2.5e3,null]}`}},
				{ID: "call_3", Name: "get_time", Input: []string{`{}`}},
			}, Stop: llm.StopToolUse, Usage: usage,
		},
		"empty text": {ID: "m6", Stop: llm.EndTurn, Usage: llm.Usage{InputTokens: 12}},
	}
	if !s.NoReasoning {
		all["reasoning"] = Answer{
			ID: "m7", Parts: []Part{
				{Reasoning: []string{"The user ", "asks."}, Signature: "c2ln"},
				{Text: []string{"It ", "scatters."}},
			}, Stop: llm.EndTurn, Usage: usage,
		}
	}
	if !s.NoStopSequence {
		all["stop sequence"] = Answer{
			ID: "m8", Parts: []Part{{Text: []string{"one ", "two"}}}, Stop: llm.StopSequence, Sequence: "three", Usage: usage,
		}
	}
	return all
}

// want is the answer in the vocabulary.
func (a Answer) want() *llm.ChatResponse {
	out := &llm.ChatResponse{
		ID: a.ID, StopReason: a.Stop, StopSequence: a.Sequence, Usage: a.Usage,
		Message: llm.Message{Role: llm.Assistant},
	}
	for _, p := range a.Parts {
		var b llm.Block
		switch {
		case p.Text != nil:
			b = &llm.Text{Text: strings.Join(p.Text, "")}
		case p.Reasoning != nil:
			b = &llm.Reasoning{Text: strings.Join(p.Reasoning, "")}
		default:
			b = &llm.ToolUse{ID: p.ID, Name: p.Name, Input: json.RawMessage(strings.Join(p.Input, ""))}
		}
		out.Message.Content = append(out.Message.Content, b)
	}
	return out
}

// comparable drops what providers differ in.
func comparable(r *llm.ChatResponse) *llm.ChatResponse {
	out := *r
	out.Served, out.Latency, out.ServiceTier, out.Raw = llm.Served{}, 0, "", nil
	for _, b := range out.Message.Content {
		if thought, ok := b.(*llm.Reasoning); ok {
			thought.Signature = ""
		}
	}
	return &out
}

func testAnswers(t *testing.T, s *Script) {
	for name, a := range answers(s) {
		for _, streaming := range []bool{false, true} {
			t.Run(name+mode(streaming), func(t *testing.T) {
				t.Parallel()
				m := serve(t, s, answering(s, a, streaming), Target{})
				got, err := chat(t.Context(), t, m, question(streaming))
				if err != nil {
					t.Fatalf("Chat: %v", err)
				}
				if diff := cmp.Diff(comparable(got), a.want()); diff != "" {
					t.Errorf("answer (-got +want):\n%s", diff)
				}
				if got.Served.Model != "test-model" || got.Served.Fidelity != llm.Real {
					t.Errorf("served by %v, want the real test-model", got.Served)
				}
			})
		}
	}
	t.Run("increments", func(t *testing.T) { t.Parallel(); testIncrements(t, s) })
	t.Run("byte by byte", func(t *testing.T) { t.Parallel(); testByteByByte(t, s) })
}

func mode(streaming bool) string {
	if streaming {
		return ", streamed"
	}
	return ", whole"
}

// testIncrements checks that a stream is one: the pieces arrive as they were sent.
func testIncrements(t *testing.T, s *Script) {
	a := answers(s)["tool call"]
	m := serve(t, s, answering(s, a, true), Target{})
	var texts, inputs []string
	for e, err := range m.Chat(t.Context(), question(true)) {
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := e.(*llm.BlockDelta); ok {
			if d.Text != "" {
				texts = append(texts, d.Text)
			}
			if d.ToolInput != "" {
				inputs = append(inputs, d.ToolInput)
			}
		}
	}
	if diff := cmp.Diff(texts, a.Parts[0].Text); diff != "" {
		t.Errorf("text deltas (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(inputs, a.Parts[1].Input); diff != "" {
		t.Errorf("input deltas (-got +want):\n%s", diff)
	}
}

// testByteByByte checks that it doesn't matter how the network cuts a stream.
func testByteByByte(t *testing.T, s *Script) {
	a := answers(s)["parallel tool calls"]
	m := serve(t, s, answering(s, a, true), Target{})
	m2 := serve(t, s, pieces(s, a, 1), Target{})
	m3 := serve(t, s, pieces(s, a, 7), Target{})
	want, err := chat(t.Context(), t, m, question(true))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []llm.ChatModel{m2, m3} {
		got, err := chat(t.Context(), t, m, question(true))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("in pieces, whole (-got +want):\n%s", diff)
		}
	}
}
