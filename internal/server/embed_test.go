package server

import (
	"encoding/binary"
	"encoding/json"
	"errors"
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

// TestOpenAIEmbeddings has OpenAI's form, in both encodings, and its errors.
func TestOpenAIEmbeddings(t *testing.T) {
	t.Parallel()
	dir := enginetest.Models(t)
	i := start(t, func(c *config.Config) { c.ModelsDir = dir })
	post := func(body string) answer {
		t.Helper()
		return i.do(ask{path: "/openai/v1/embeddings", body: body})
	}
	type list struct {
		Data []struct {
			Index     int
			Embedding json.RawMessage
		}
		Model string
		Usage struct {
			Total int `json:"total_tokens"`
		}
	}
	var plain, packed list
	for body, into := range map[string]*list{
		`{"model":"outcrop.embed-v1","input":["hello world","again"]}`:                            &plain,
		`{"model":"outcrop.embed-v1","input":["hello world","again"],"encoding_format":"base64"}`: &packed,
	} {
		a := post(body)
		if err := json.Unmarshal(a.body, into); err != nil || a.status != http.StatusOK || len(into.Data) != 2 || into.Model != embedV1 || into.Usage.Total != 3 {
			t.Fatalf("%s: %d %.200s, %v", body, a.status, a.body, err)
		}
	}
	var floats []float32
	var raw []byte // base64
	if err := errors.Join(json.Unmarshal(plain.Data[1].Embedding, &floats), json.Unmarshal(packed.Data[1].Embedding, &raw)); err != nil || len(floats) != 384 || len(raw) != 4*384 {
		t.Fatalf("%d floats, %d bytes, %v", len(floats), len(raw), err)
	}
	if got := math.Float32frombits(binary.LittleEndian.Uint32(raw)); got != floats[0] {
		t.Errorf("base64 begins with %v, want %v", got, floats[0])
	}
	for body, status := range map[string]int{
		`{"model":"nobody.x","input":"x"}`:                          http.StatusNotFound,
		`{"model":"outcrop.reader-v1","input":"x"}`:                 http.StatusBadRequest,
		`{"model":"outcrop.embed-v1"}`:                              http.StatusBadRequest,
		`{"model":"outcrop.embed-v1","input":"x","dimensions":300}`: http.StatusBadRequest,
	} {
		if a := post(body); a.status != status || a.openaiError(t).Message == "" {
			t.Errorf("%s: %d %s, want %d", body, a.status, a.body, status)
		}
	}
	last := i.records()[0]
	if last.Service != "openai" || last.Operation != "Embeddings" || last.ModelID != embedV1 || last.InputTokens != 3 {
		t.Errorf("record %+v", last)
	}
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
