package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

func TestDecodeEmbedRequest(t *testing.T) {
	t.Parallel()
	f := func(body string, want EmbedRequest) {
		t.Helper()
		got, err := DecodeEmbedRequest([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	f(`{"model":"m","input":"a text"}`, EmbedRequest{Embed: &llm.EmbedRequest{Model: "m", Texts: []string{"a text"}, Normalize: true}})
	f(`{"model":"m","input":["a","b"],"dimensions":256,"encoding_format":"base64","user":"u"}`,
		EmbedRequest{Embed: &llm.EmbedRequest{Model: "m", Texts: []string{"a", "b"}, Dimensions: 256, Normalize: true}, Base64: true})
	bad := func(body, param, text string) {
		t.Helper()
		_, err := DecodeEmbedRequest([]byte(body))
		p, ok := errors.AsType[*ParamError](err)
		if !ok || p.Param != param || !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), text) {
			t.Errorf("%.60s: %v, want %s: %s", body, err, param, text)
		}
	}
	bad(``, "", "parse")
	bad(`null`, "", "not an object")
	bad(`{"input":"x"}`, "model", "model")
	bad(`{"model":"m"}`, "input", "must provide")
	bad(`{"model":"m","input":null}`, "input", "must provide")
	bad(`{"model":"m","input":[[1,2]]}`, "input", "lists of tokens")
	bad(`{"model":"m","input":[]}`, "input", "0 texts")
	bad(`{"model":"m","input":["a",""]}`, "input", "input[1]")
	bad(fmt.Sprintf(`{"model":"m","input":["a"%s]}`, strings.Repeat(`,"a"`, 2048)), "input", "2049 texts")
	bad(`{"model":"m","input":"x","dimensions":0}`, "dimensions", "at least 1")
	bad(`{"model":"m","input":"x","encoding_format":"int8"}`, "encoding_format", "int8")
}

func TestAppendEmbeddings(t *testing.T) {
	t.Parallel()
	resp := &llm.EmbedResponse{Vectors: [][]float32{{1, -0.5}, {float32(math.NaN()), 2}}, InputTokens: 7}
	req := &EmbedRequest{Embed: &llm.EmbedRequest{Model: `m"`}}
	const frame = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":%s},{"object":"embedding","index":1,"embedding":%s}],"model":"m\"","usage":{"prompt_tokens":7,"total_tokens":7}}`
	if got, want := string(AppendEmbeddings(nil, req, resp)), fmt.Sprintf(frame, "[1,-0.5]", "[0,2]"); got != want || !json.Valid([]byte(got)) {
		t.Errorf("%s\nwant %s", got, want)
	}
	req.Base64 = true
	if got, want := string(AppendEmbeddings(nil, req, resp)), fmt.Sprintf(frame, `"AACAPwAAAL8="`, `"AADAfwAAAEA="`); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
