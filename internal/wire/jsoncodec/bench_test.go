package jsoncodec_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

// plainRequest is a Converse request for encoding/json.
type plainRequest struct {
	Messages []struct {
		Role    string `json:"role"`
		Content []struct {
			Text *string `json:"text"`
		} `json:"content"`
	} `json:"messages"`
	System []struct {
		Text *string `json:"text"`
	} `json:"system"`
	InferenceConfig *struct {
		MaxTokens     *int     `json:"maxTokens"`
		Temperature   *float64 `json:"temperature"`
		StopSequences []string `json:"stopSequences"`
	} `json:"inferenceConfig"`
}

func converseBody(words int) []byte {
	text := strings.TrimSpace(strings.Repeat("the quick brown fox, ", words/4))
	return []byte(`{"messages":[{"role":"user","content":[{"text":"` + text + `"}]},{"role":"assistant","content":[{"text":"fine"}]},` +
		`{"role":"user","content":[{"text":"and \"now\"?"}]}],"system":[{"text":"Be brief."}],` +
		`"inferenceConfig":{"maxTokens":512,"temperature":0.5,"stopSequences":["END"]}}`)
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []struct {
		name  string
		words int
	}{{"small", 40}, {"large", 12000}} {
		body := converseBody(size.words)
		b.Run(size.name+"/jsoncodec", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			var pool jsoncodec.Pool
			for b.Loop() {
				r := pool.Reader(body)
				var in bedrockruntime.ConverseRequest
				if err := r.Body(&in); err != nil {
					b.Fatal(err)
				}
				pool.PutReader(r)
			}
		})
		b.Run(size.name+"/jsoncodec-validating", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := readValid(body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(size.name+"/encoding-json", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				var in plainRequest
				if err := json.Unmarshal(body, &in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// readValid reads and checks a request; its label is missing, which is not a
// matter of the body.
func readValid(body []byte) error {
	var in bedrockruntime.ConverseRequest
	if err := smithy.ReadValid(jsoncodec.NewReader(body), &in); err != nil && len(in.Messages) != 3 {
		return err
	}
	return nil
}

type plainResponse struct {
	Output struct {
		Message struct {
			Role    string `json:"role"`
			Content []struct {
				Text *string `json:"text"`
			} `json:"content"`
		} `json:"message"`
	} `json:"output"`
	StopReason string `json:"stopReason"`
	Usage      struct {
		InputTokens  int `json:"inputTokens"`
		OutputTokens int `json:"outputTokens"`
		TotalTokens  int `json:"totalTokens"`
	} `json:"usage"`
	Metrics struct {
		LatencyMs int64 `json:"latencyMs"`
	} `json:"metrics"`
}

func BenchmarkWrite(b *testing.B) {
	text := strings.Repeat("the quick brown fox\n", 20)
	out := &bedrockruntime.ConverseResponse{
		Output: &bedrockruntime.ConverseOutput{Message: &bedrockruntime.Message{
			Role: "assistant", Content: []bedrockruntime.ContentBlock{{Text: &text}},
		}},
		StopReason: "end_turn",
		Usage:      &bedrockruntime.TokenUsage{InputTokens: 10, OutputTokens: 20, TotalTokens: 30},
		Metrics:    &bedrockruntime.ConverseMetrics{LatencyMs: 4},
	}
	var pool jsoncodec.Pool
	w := pool.Writer()
	w.Struct(out)
	var plain plainResponse
	if err := json.Unmarshal(w.Written(), &plain); err != nil {
		b.Fatal(err)
	}
	size := int64(len(w.Written()))
	b.Run("jsoncodec", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			w := pool.Writer()
			w.Struct(out)
			pool.PutWriter(w)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(&plain); err != nil {
				b.Fatal(err)
			}
		}
	})
}
