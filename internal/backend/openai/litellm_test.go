package openai_test

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/backend/openai"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
)

// litellm opens the LiteLLM proxy of scripts/litellm.sh.
func litellm(t *testing.T) *openai.Backend {
	t.Helper()
	base := os.Getenv("OUTCROP_TEST_LITELLM")
	if base == "" {
		t.Skip(`no LiteLLM proxy: eval "$(scripts/litellm.sh start)" to run this test`)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := u.User.Password()
	u.User = nil
	b, err := openai.New(openai.Config{Name: "litellm", BaseURL: u.String(), APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// An implementation that is not ours agrees with what we make of the dialect.
func TestLiteLLM(t *testing.T) {
	b := litellm(t)
	const sky = "The sky is blue because of \"Rayleigh\" scattering.\nAt sunset it is red. äöü 世界"
	for _, stream := range []bool{false, true} {
		req := llmtest.Ask("mock-text", "Why is the sky blue?")
		req.System = []llm.Block{llmtest.Text("Be brief.")}
		req.Inference = llm.Inference{MaxTokens: 50, StopSequences: []string{"END"}}
		req.Stream = stream
		events := llmtest.Events(t, b.Chat(t.Context(), req))
		got, err := llm.Collect(llmtest.Stream(events...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got.Message, llmtest.Assistant(llmtest.Text(sky))); diff != "" || got.StopReason != llm.EndTurn {
			t.Errorf("stream %t: stopped for %s (-got +want):\n%s", stream, got.StopReason, diff)
		}
		if u := got.Usage; u.InputTokens == 0 || u.OutputTokens == 0 || u.Estimated {
			t.Errorf("stream %t: usage is %+v", stream, u)
		}
		if stream && len(events) < 10 {
			t.Errorf("the stream came in %d events", len(events))
		}
	}

	req := llmtest.Ask("mock-tools", "The weather?")
	req.Tools = []llm.Tool{{Name: "get_weather", InputSchema: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}}}`)}}
	req.ToolChoice.Mode = llm.ToolAny
	got := llmtest.Collect(t, b.Chat(t.Context(), req))
	want := []llm.Block{
		llmtest.Text("Let me look."),
		&llm.ToolUse{ID: "call_1", Name: "get_weather", Input: json.RawMessage(`{"city": "Paris"}`)},
		&llm.ToolUse{ID: "call_2", Name: "get_weather", Input: json.RawMessage(`{"city": "Rome"}`)},
	}
	if diff := cmp.Diff(got.Message.Content, want); diff != "" || got.StopReason != llm.StopToolUse {
		t.Errorf("tools: stopped for %s (-got +want):\n%s", got.StopReason, diff)
	}

	models, err := b.Models(t.Context())
	if err != nil || !slices.Contains(models, "mock-text") {
		t.Errorf("models are %q, %v", models, err)
	}
	vectors, err := b.Embed(t.Context(), &llm.EmbedRequest{Model: "mock-embed", Texts: []string{"a"}})
	if err != nil || !cmp.Equal(vectors.Vectors, [][]float32{{0.6, 0.8}}) {
		t.Errorf("embeddings are %+v, %v", vectors, err)
	}
	if n, err := b.Count(t.Context(), req); err != nil || !n.Estimated {
		t.Errorf("LiteLLM has no tokenizer to ask: %+v, %v", n, err)
	}
}

func TestLiteLLMErrors(t *testing.T) {
	b := litellm(t)
	for model, want := range map[string]fault.Kind{
		"mock-throttled": fault.Throttled, "mock-overflow": fault.Invalid, "mock-broken": fault.Unavailable,
		"mock-down": fault.Unavailable, "absent": fault.Invalid,
	} {
		for _, stream := range []bool{false, true} {
			req := llmtest.Ask(model, "hi")
			req.Stream = stream
			_, err := llm.Collect(b.Chat(t.Context(), req))
			if !fault.Is(err, want) {
				t.Errorf("%s, stream %t: %v, want %v", model, stream, err, want)
			}
			if model == "mock-overflow" && (err == nil || !strings.HasPrefix(err.Error(), "Input is too long for requested model")) {
				t.Errorf("a full context window says %v", err)
			}
		}
	}
	const key = "sk-wrong-key-123456"
	stranger, err := openai.New(openai.Config{Name: "litellm", BaseURL: b.BaseURL(), APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stranger.Close)
	// Without a database it can't look a key up and answers 400, not 401.
	_, err = llm.Collect(stranger.Chat(t.Context(), llmtest.Ask("mock-text", "hi")))
	if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), key) {
		t.Errorf("a wrong key is %v", err)
	}
}
