package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	types "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/llm/llmtest"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

const claude = "anthropic.claude-3-5-sonnet-20241022-v2:0"

// spine is a fake of the gateway: it answers with its events, then its error.
type spine struct {
	events []llm.Event
	err    error

	asked   []*llm.ChatRequest
	embeds  []*llm.EmbedRequest
	refused []string // models
}

func (s *spine) Chat(_ context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	s.asked = append(s.asked, req)
	return func(yield func(llm.Event, error) bool) {
		for e, err := range llmtest.Stream(s.events...) {
			if !yield(e, err) {
				return
			}
		}
		if s.err != nil {
			yield(nil, s.err)
		}
	}
}

func (s *spine) CountTokens(_ context.Context, req *llm.ChatRequest) (int, error) {
	s.asked = append(s.asked, req)
	return 42, s.err
}

func (s *spine) Embed(_ context.Context, req *llm.EmbedRequest) (*llm.EmbedResponse, error) {
	s.embeds = append(s.embeds, req)
	if s.err != nil {
		return nil, s.err
	}
	return &llm.EmbedResponse{Vectors: [][]float32{{0.5, -1}}, InputTokens: 9}, nil
}

func (s *spine) Refuse(_ context.Context, model string, err error) error {
	s.refused = append(s.refused, model)
	return err
}

// answer is a whole answer's events.
func answer() []llm.Event {
	return []llm.Event{
		&llm.MessageStart{}, &llm.BlockStart{Block: &llm.Text{}}, &llm.BlockDelta{Text: "Hello "}, &llm.BlockDelta{Text: "there."}, &llm.BlockStop{},
		&llm.MessageStop{Reason: llm.EndTurn},
		&llm.Metadata{Usage: llm.Usage{InputTokens: 11, OutputTokens: 7, CacheReadTokens: 3, CacheWriteTokens: 2}, Latency: 1500 * time.Millisecond},
	}
}

func newService(t *testing.T, s *spine) (*Service, context.Context, *call.Call) {
	t.Helper()
	c, err := catalog.New(catalog.Config{Regions: []string{"us-east-1"}, Models: map[string]catalog.Entry{"my.model": {}}})
	if err != nil {
		t.Fatal(err)
	}
	cl := &call.Call{Region: "us-east-1", Account: "123456789012", Operation: "InvokeModel", Header: http.Header{}}
	return New(s, c), call.With(t.Context(), cl), cl
}

func conversation() []types.Message {
	return []types.Message{{Role: "user", Content: []types.ContentBlock{{Text: new("hello")}}}}
}

const body = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"hello"}]}`

func TestConverse(t *testing.T) {
	t.Parallel()
	s := &spine{events: answer()}
	svc, ctx, _ := newService(t, s)
	out, err := svc.Converse(ctx, &types.ConverseRequest{ModelID: "my.model", Messages: conversation()})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.Output.Message.Content[0].Text; got != "Hello there." || out.StopReason != "end_turn" || out.Metrics.LatencyMs != 1500 || out.Usage.TotalTokens != 23 {
		t.Errorf("answer %q %s %+v %+v", got, out.StopReason, out.Metrics, out.Usage)
	}
	if len(s.asked) != 1 || s.asked[0].Model != "my.model" || s.asked[0].Stream || len(s.refused) != 0 {
		t.Errorf("asked %+v, refused %v", s.asked, s.refused)
	}
}

// TestRefused wants a record for each call that ends before the spine.
func TestRefused(t *testing.T) {
	t.Parallel()
	wrong := []types.Message{{Role: "assistant", Content: []types.ContentBlock{{Text: new("hello")}}}}
	for name, do := range map[string]func(context.Context, *Service) error{
		"Converse": func(ctx context.Context, s *Service) error {
			_, err := s.Converse(ctx, &types.ConverseRequest{ModelID: "my.model", Messages: wrong})
			return err
		},
		"ConverseStream": func(ctx context.Context, s *Service) error {
			_, err := s.ConverseStream(ctx, &types.ConverseStreamRequest{ModelID: "my.model", Messages: wrong})
			return err
		},
		"InvokeModel": func(ctx context.Context, s *Service) error {
			_, err := s.InvokeModel(ctx, &types.InvokeModelRequest{ModelID: "my.model", Body: []byte(`{`)})
			return err
		},
		"InvokeModelWithResponseStream": func(ctx context.Context, s *Service) error {
			_, err := s.InvokeModelWithResponseStream(ctx, &types.InvokeModelWithResponseStreamRequest{ModelID: "my.model", Body: []byte(`{`)})
			return err
		},
		"metadata": func(ctx context.Context, s *Service) error {
			_, err := s.InvokeModel(ctx, &types.InvokeModelRequest{ModelID: "my.model", Body: []byte(body), RequestMetadata: "[1]"})
			return err
		},
	} {
		s := &spine{events: answer()}
		svc, ctx, _ := newService(t, s)
		err := do(ctx, svc)
		if !fault.Is(err, fault.Invalid) || len(s.refused) != 1 || s.refused[0] != "my.model" || len(s.asked) != 0 {
			t.Errorf("%s: %v; refused %v, asked %v", name, err, s.refused, s.asked)
		}
	}
}

func TestInvokeModel(t *testing.T) {
	t.Parallel()
	s := &spine{events: answer()}
	svc, ctx, cl := newService(t, s)
	out, err := svc.InvokeModel(ctx, &types.InvokeModelRequest{
		ModelID: claude, Body: []byte(body), GuardrailIdentifier: "g1", GuardrailVersion: "1", RequestMetadata: `{"team":"search"}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Type    string
		Content []struct{ Text string }
		Usage   struct {
			Input int `json:"input_tokens"`
		}
	}
	if err := json.Unmarshal(out.Body, &got); err != nil || got.Type != "message" || got.Content[0].Text != "Hello there." || got.Usage.Input != 11 {
		t.Errorf("body %s (%v)", out.Body, err)
	}
	for name, want := range map[string]string{
		"X-Amzn-Bedrock-Input-Token-Count": "11", "X-Amzn-Bedrock-Output-Token-Count": "7", "X-Amzn-Bedrock-Invocation-Latency": "1500",
		"X-Amzn-Bedrock-Cache-Read-Input-Token-Count": "3", "X-Amzn-Bedrock-Cache-Write-Input-Token-Count": "2",
	} {
		if got := cl.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	req := s.asked[0]
	if req.Guardrail == nil || req.Guardrail.ID != "g1" || req.Metadata["team"] != "search" || req.Stream || out.ContentType != contentType {
		t.Errorf("request %+v", req)
	}
}

// TestWhoSpeaksAnthropic refuses other providers' bodies loudly.
func TestWhoSpeaksAnthropic(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]struct {
		ok   bool
		kind fault.Kind
		says string
	}{
		claude: {ok: true}, "us." + claude: {ok: true}, "my.model": {ok: true}, "outcrop.reader-v1": {ok: true},
		"amazon.nova-lite-v1:0":   {kind: fault.NotImplemented, says: "Amazon"},
		"amazon.nova-canvas-v1:0": {kind: fault.NotImplemented, says: "amazon.nova-canvas-v1:0"},
		"nobody.x":                {kind: fault.Invalid, says: "The provided model identifier is invalid."},
	} {
		s := &spine{events: answer()}
		svc, ctx, _ := newService(t, s)
		_, err := svc.InvokeModel(ctx, &types.InvokeModelRequest{ModelID: model, Body: []byte(body)})
		switch {
		case want.ok && err != nil:
			t.Errorf("%s: %v", model, err)
		case !want.ok && (!fault.Is(err, want.kind) || !strings.Contains(err.Error(), want.says) || len(s.asked) != 0):
			t.Errorf("%s: %v", model, err)
		}
	}
}

func TestCountTokens(t *testing.T) {
	t.Parallel()
	s := &spine{}
	svc, ctx, _ := newService(t, s)
	for name, in := range map[string]*types.CountTokensInput{
		"converse": {Converse: &types.ConverseTokensRequest{Messages: conversation()}},
		"body":     {InvokeModel: &types.InvokeModelTokensRequest{Body: []byte(body)}},
	} {
		out, err := svc.CountTokens(ctx, &types.CountTokensRequest{ModelID: "my.model", Input: in})
		if err != nil || out.InputTokens != 42 {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
	for name, in := range map[string]*types.CountTokensInput{
		"neither": {},
		"no form": {InvokeModel: &types.InvokeModelTokensRequest{Body: []byte(`{`)}},
		"no turn": {Converse: &types.ConverseTokensRequest{Messages: []types.Message{{Role: "assistant", Content: []types.ContentBlock{{Text: new("x")}}}}}},
	} {
		if _, err := svc.CountTokens(ctx, &types.CountTokensRequest{ModelID: "my.model", Input: in}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.refused) != 0 {
		t.Errorf("counts are no invocations, and leave no records: %v", s.refused)
	}
}

// TestStreamErrors tells an error before the first event, which is the operation's, from
// one after it, which is the stream's.
func TestStreamErrors(t *testing.T) {
	t.Parallel()
	denied := fault.Errorf(fault.Denied, "No.")
	streams := map[string]func(context.Context, *Service) iter.Seq2[smithy.Struct, error]{
		"ConverseStream": func(ctx context.Context, s *Service) iter.Seq2[smithy.Struct, error] {
			out, err := s.ConverseStream(ctx, &types.ConverseStreamRequest{ModelID: "my.model", Messages: conversation()})
			if err != nil {
				t.Fatal(err)
			}
			return out.Events()
		},
		"InvokeModelWithResponseStream": func(ctx context.Context, s *Service) iter.Seq2[smithy.Struct, error] {
			out, err := s.InvokeModelWithResponseStream(ctx, &types.InvokeModelWithResponseStreamRequest{ModelID: "my.model", Body: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			return out.Events()
		},
	}
	for name, open := range streams {
		for _, begun := range []bool{false, true} {
			s := &spine{err: denied}
			if begun {
				s.events = answer()[:3]
			}
			svc, ctx, _ := newService(t, s)
			n, last := 0, error(nil)
			for _, err := range open(ctx, svc) {
				n++
				last = err
			}
			if _, inStream := errors.AsType[*types.ValidationException](last); last == nil || inStream != begun || (n > 1) != begun {
				t.Errorf("%s, begun %v: %d events, then %v", name, begun, n-1, last)
			}
			if len(s.asked) != 1 || !s.asked[0].Stream {
				t.Errorf("%s: asked %+v", name, s.asked)
			}
		}
		// A consumer that leaves ends the spine's loop.
		s := &spine{events: answer()}
		svc, ctx, _ := newService(t, s)
		for _, err := range open(ctx, svc) {
			if err != nil {
				t.Error(err)
			}
			break
		}
	}
}

func TestInvoked(t *testing.T) {
	t.Parallel()
	for _, op := range types.Model.Operations {
		in := op.NewInput()
		switch in := in.(type) {
		case *types.ConverseRequest:
			in.ModelID = "m"
		case *types.ConverseStreamRequest:
			in.ModelID = "m"
		case *types.InvokeModelRequest:
			in.ModelID = "m"
		case *types.InvokeModelWithResponseStreamRequest:
			in.ModelID = "m"
		}
		model, ok := Invoked(in)
		invokes := op.Name == "Converse" || op.Name == "ConverseStream" || op.Name == "InvokeModel" || op.Name == "InvokeModelWithResponseStream"
		if ok != invokes || ok && model != "m" {
			t.Errorf("%s: %q, %v", op.Name, model, ok)
		}
	}
}
