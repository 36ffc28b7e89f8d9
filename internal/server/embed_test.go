package server

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

const (
	titanV1 = "amazon.titan-embed-text-v1"
	titanV2 = "amazon.titan-embed-text-v2:0"
	embedV1 = "outcrop.embed-v1"
)

func invoke(model string) string { return "/model/" + model + "/invoke" }

// embedding is the body of a Titan answer.
type embedding struct {
	Embedding           []float64            `json:"embedding"`
	InputTextTokenCount int                  `json:"inputTextTokenCount"`
	EmbeddingsByType    map[string][]float64 `json:"embeddingsByType"`
}

func (i *instance) embed(model, body string) (embedding, answer) {
	i.t.Helper()
	a := i.do(ask{path: invoke(model), body: body})
	var e embedding
	if a.status == http.StatusOK {
		if err := json.Unmarshal(a.body, &e); err != nil {
			i.t.Fatalf("%s: %v: %.200s", model, err, a.body)
		}
	}
	return e, a
}

func cosine(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	return ab / math.Sqrt(aa*bb)
}

// TestEmbed asks Outcrop's own model by its name and in place of Titan's.
func TestEmbed(t *testing.T) {
	t.Parallel()
	dir := enginetest.Models(t)
	i := start(t, func(c *config.Config) { c.ModelsDir = dir })
	const a, b, c = "How do I reset the gateway?", "Restarting the gateway", "Bananas are rich in potassium."
	vector := func(model, text, more string, dims int) []float64 {
		t.Helper()
		e, got := i.embed(model, fmt.Sprintf(`{"inputText":%q%s}`, text, more))
		if got.status != http.StatusOK || len(e.Embedding) != dims || e.InputTextTokenCount < 2 {
			t.Fatalf("%s %s: %d, %d dimensions, %d tokens: %.200s", model, more, got.status, len(e.Embedding), e.InputTextTokenCount, got.body)
		}
		if l := cosine(e.Embedding, e.Embedding); math.Abs(l-1) > 1e-6 {
			t.Errorf("%s %s: length %v", model, more, l)
		}
		return e.Embedding
	}
	near := cosine(vector(embedV1, a, "", 384), vector(embedV1, b, "", 384))
	far := cosine(vector(embedV1, a, "", 384), vector(embedV1, c, "", 384))
	if near < 0.6 || far > 0.2 {
		t.Errorf("the same subject: %.3f, another one: %.3f", near, far)
	}
	for _, m := range []struct {
		model, more string
		dims        int
		off         float64
	}{
		{titanV2, "", 1024, 1e-5},
		{titanV2, `,"dimensions":1024,"normalize":false`, 1024, 1e-5},
		{titanV2, `,"dimensions":512`, 512, 1e-5},
		{titanV2, `,"dimensions":256`, 256, 0.15},
		{titanV1, "", 1536, 1e-5},
		{embedV1, `,"dimensions":512`, 512, 1e-5},
	} {
		if got := cosine(vector(m.model, a, m.more, m.dims), vector(m.model, b, m.more, m.dims)); math.Abs(got-near) > m.off {
			t.Errorf("%s %s: cosine %.4f, by its name %.4f", m.model, m.more, got, near)
		}
	}
	e, got := i.embed(titanV2, `{"inputText":"hello world","embeddingTypes":["binary"]}`)
	if e.Embedding != nil || len(e.EmbeddingsByType["binary"]) != 1024 || e.EmbeddingsByType["float"] != nil {
		t.Errorf("binary: %.200s", got.body)
	}
	if want := "embedded/outcrop.embed-v1; fidelity=stand-in"; got.header.Get("X-Outcrop-Served-By") != want || got.header.Get("X-Amzn-Bedrock-Input-Token-Count") != "2" {
		t.Errorf("headers %v", got.header)
	}
	r := i.records()
	last := r[len(r)-1]
	if last.Operation != "InvokeModel" || last.ModelID != titanV2 || last.UpstreamModel != embedV1 || last.Fidelity != llm.StandIn ||
		last.InputTokens != 2 || last.Estimated || last.Completeness != ledger.Complete || last.CostNanoUSD != 40 {
		t.Errorf("record %+v", last)
	}
	// Long texts are read as far as the model goes, up to Titan's own limit.
	if e, got := i.embed(titanV2, `{"inputText":"`+strings.Repeat("word ", 8192)+`"}`); e.InputTextTokenCount != 8192 {
		t.Errorf("8,192 tokens: %d %.200s", got.status, got.body)
	}
	_, got = i.embed(titanV2, `{"inputText":"`+strings.Repeat("word ", 8193)+`"}`)
	got.wantError(t, "8,193 tokens", http.StatusBadRequest, "ValidationException", "Too many input tokens. Max input tokens: 8192, request input token count: 8193")
	_, got = i.embed(titanV2, `{"inputText":"`+strings.Repeat("x", 50_001)+`"}`)
	got.wantError(t, "50,001 characters", http.StatusBadRequest, "ValidationException", "expected maxLength: 50000, actual: 50001")
	_, got = i.embed(titanV1, `{"inputText":"x","dimensions":256}`)
	got.wantError(t, "v1 with dimensions", http.StatusBadRequest, "ValidationException", "extraneous key [dimensions]")
	_, got = i.embed("cohere.embed-english-v3", `{"texts":["x"],"input_type":"search_query"}`)
	got.wantError(t, "Cohere", http.StatusBadRequest, "ValidationException", "Cohere's own request body")
}

// TestEmbedNotReady has no weights and may not fetch them.
func TestEmbedNotReady(t *testing.T) {
	t.Parallel()
	i := start(t)
	for _, model := range []string{embedV1, titanV2} {
		_, a := i.embed(model, `{"inputText":"hello"}`)
		a.wantError(t, model, http.StatusTooManyRequests, "ModelNotReadyException", "outcrop pull outcrop.embed-v1")
	}
	r := i.records()
	if len(r) != 2 || r[0].ErrorCode != "ModelNotReadyException" || r[1].Fidelity != llm.StandIn || r[1].Completeness != ledger.Failed {
		t.Errorf("records %+v", r)
	}
	i.healthy()
}
