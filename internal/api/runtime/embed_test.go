package runtime

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

func TestInvokeEmbedding(t *testing.T) {
	t.Parallel()
	f := func(model, body string, want llm.EmbedRequest, answer string) {
		t.Helper()
		s := &spine{}
		svc, ctx, c := newService(t, s)
		out, err := svc.InvokeModel(ctx, &types.InvokeModelRequest{ModelID: model, Body: []byte(body)})
		if err != nil {
			t.Errorf("%s %s: %v", model, body, err)
			return
		}
		want.Model, want.Texts, want.TextTokens = model, []string{"hi"}, 8192
		if diff := cmp.Diff([]*llm.EmbedRequest{&want}, s.embeds); diff != "" {
			t.Errorf("%s %s: %s", model, body, diff)
		}
		if string(out.Body) != answer || out.ContentType != "application/json" || c.Header.Get("X-Amzn-Bedrock-Input-Token-Count") != "9" {
			t.Errorf("%s %s: %s, headers %v", model, body, out.Body, c.Header)
		}
	}
	const floats = `"embedding":[0.5,-1],"inputTextTokenCount":9`
	f("amazon.titan-embed-text-v1", `{"inputText":"hi"}`, llm.EmbedRequest{}, "{"+floats+"}")
	f("amazon.titan-embed-text-v2:0", `{"inputText":"hi"}`, llm.EmbedRequest{Normalize: true}, "{"+floats+`,"embeddingsByType":{"float":[0.5,-1]}}`)
	f("arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0", `{"inputText":"hi","dimensions":256,"normalize":false,"embeddingTypes":["binary"]}`,
		llm.EmbedRequest{Dimensions: 256}, `{"inputTextTokenCount":9,"embeddingsByType":{"binary":[1,0]}}`)
	f("outcrop.embed-v1", `{"inputText":"hi","dimensions":384}`, llm.EmbedRequest{Dimensions: 384, Normalize: true}, "{"+floats+`,"embeddingsByType":{"float":[0.5,-1]}}`)
}

func TestInvokeEmbeddingRefused(t *testing.T) {
	t.Parallel()
	s := &spine{}
	svc, ctx, _ := newService(t, s)
	f := func(in types.InvokeModelRequest, want fault.Kind) {
		t.Helper()
		s.refused = nil
		_, err := svc.InvokeModel(ctx, &in)
		if !fault.Is(err, want) || len(s.refused) != 1 || len(s.embeds)+len(s.asked) != 0 {
			t.Errorf("%s %s: %v, want %v; refused %v, asked %v", in.ModelID, in.Body, err, want, s.refused, s.embeds)
		}
	}
	f(types.InvokeModelRequest{ModelID: "amazon.titan-embed-text-v2:0", Body: []byte(`{"text":"hi"}`)}, fault.Invalid)
	f(types.InvokeModelRequest{ModelID: "amazon.titan-embed-text-v2:0", Body: []byte(`{"inputText":"hi"}`), GuardrailIdentifier: "g"}, fault.NotImplemented)
	f(types.InvokeModelRequest{ModelID: "amazon.titan-embed-image-v1", Body: []byte(`{"inputText":"hi"}`)}, fault.NotImplemented)
	f(types.InvokeModelRequest{ModelID: "cohere.embed-english-v3", Body: []byte(`{"texts":["hi"]}`)}, fault.NotImplemented)
	s.err = fault.Errorf(fault.NotReady, "not yet")
	if _, err := svc.InvokeModel(ctx, &types.InvokeModelRequest{ModelID: "outcrop.embed-v1", Body: []byte(`{"inputText":"hi"}`)}); !fault.Is(err, fault.NotReady) {
		t.Errorf("not ready: %v", err)
	}
}
