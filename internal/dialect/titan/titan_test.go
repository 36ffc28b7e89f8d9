package titan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	f := func(body string, form Form, want Embedding) {
		t.Helper()
		got, err := DecodeEmbedding([]byte(body), form)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		if diff := cmp.Diff(&want, got, cmpopts.IgnoreUnexported(Embedding{})); diff != "" {
			t.Errorf("%s (-want +got): %s", body, diff)
		}
	}
	f(`{"inputText":"hi"}`, V1(), Embedding{Text: "hi", Float: true})
	f(`{"inputText":"hi"}`, V2(), Embedding{Text: "hi", Float: true, Normalize: true})
	f(` {"dimensions":256,"normalize":false,"embeddingTypes":["binary"],"inputText":"é\u0000"} `, V2(), Embedding{Text: "é\x00", Dimensions: 256, Binary: true})
	f(`{"inputText":"hi","embeddingTypes":["binary","float"]}`, V2(), Embedding{Text: "hi", Float: true, Binary: true, Normalize: true})
	f(`{"inputText":"hi","dimensions":384}`, Own(), Embedding{Text: "hi", Dimensions: 384, Float: true, Normalize: true})
	f(`{"inputText":"`+strings.Repeat("x", MaxCharacters)+`"}`, V1(), Embedding{Text: strings.Repeat("x", MaxCharacters), Float: true})
}

func TestRefused(t *testing.T) {
	t.Parallel()
	f := func(body string, form Form, want string) {
		t.Helper()
		_, err := DecodeEmbedding([]byte(body), form)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "please reformat your input and try again.") {
			t.Errorf("%.60s: %v, want %q", body, err, want)
		}
	}
	f(``, V1(), "Malformed input request, please")
	f(`{"inputText":"a"} x`, V1(), "Malformed input request, please")
	f(`[]`, V1(), "expected type: JSONObject, found: JSONArray")
	f(`"x"`, V1(), "found: String")
	f(`null`, V1(), "found: Null")
	f(`{}`, V2(), "required key [inputText] not found")
	f(`{"inputText":""}`, V1(), "#/inputText: expected minLength: 1, actual: 0")
	f(`{"inputText":null}`, V1(), "#/inputText: expected type: String, found: Null")
	f(`{"inputText":["a"]}`, V2(), "expected type: String, found: JSONArray")
	f(`{"inputText":1.5}`, V2(), "found: BigDecimal")
	f(`{"inputText":"`+strings.Repeat("x", MaxCharacters+1)+`"}`, V2(), "expected maxLength: 50000, actual: 50001")
	f(`{"inputText":"`+strings.Repeat("😀", MaxCharacters/2+1)+`"}`, V2(), "actual: 50002")
	f(`{"inputText":"a","dimensions":256}`, V1(), "extraneous key [dimensions] is not permitted")
	f(`{"inputText":"a","texts":[]}`, V2(), "extraneous key [texts] is not permitted")
	f(`{"inputText":"a","dimensions":384}`, V2(), "#/dimensions: 384 is not a valid enum value")
	f(`{"inputText":"a","dimensions":"256"}`, V2(), "#/dimensions: expected type: Integer, found: String")
	f(`{"inputText":"a","dimensions":1e3}`, V2(), "found: BigDecimal")
	f(`{"inputText":"a","normalize":1}`, V2(), "#/normalize: expected type: Boolean, found: Integer")
	f(`{"inputText":"a","embeddingTypes":[]}`, V2(), "minimum item count")
	f(`{"inputText":"a","embeddingTypes":["int8"]}`, V2(), "int8 is not a valid enum value")
	f(`{"inputText":"a","embeddingTypes":"float"}`, V2(), "expected type: JSONArray, found: String")
}

func TestEncode(t *testing.T) {
	t.Parallel()
	v := []float32{0.1, -2e-9, 0}
	f := func(e Embedding, want string) {
		t.Helper()
		got, err := e.Encode(v, 7)
		if err != nil || string(got) != want || !json.Valid(got) {
			t.Errorf("%+v: %s, %v, want %s", e, got, err, want)
		}
	}
	f(Embedding{Float: true}, `{"embedding":[0.1,-2e-09,0],"inputTextTokenCount":7}`)
	f(Embedding{Float: true, byType: true}, `{"embedding":[0.1,-2e-09,0],"inputTextTokenCount":7,"embeddingsByType":{"float":[0.1,-2e-09,0]}}`)
	f(Embedding{Binary: true, byType: true}, `{"inputTextTokenCount":7,"embeddingsByType":{"binary":[1,0,0]}}`)
	f(Embedding{Float: true, Binary: true, byType: true}, `{"embedding":[0.1,-2e-09,0],"inputTextTokenCount":7,"embeddingsByType":{"binary":[1,0,0],"float":[0.1,-2e-09,0]}}`)
	zero := float32(0)
	if _, err := (&Embedding{Float: true}).Encode([]float32{zero / zero}, 1); err == nil {
		t.Error("NaN is written")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"inputText":"a","dimensions":256,"normalize":true,"embeddingTypes":["float","binary"]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, form := range []Form{V1(), V2(), Own()} {
			e, err := DecodeEmbedding(body, form)
			if err != nil {
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("%q: %v", body, err)
				}
				continue
			}
			if e.Text == "" || !e.Float && !e.Binary {
				t.Errorf("%q: %+v", body, e)
			}
		}
	})
}
