package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockagent"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockagentruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/sts"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runtime is a model server for tests: it answers with what it was asked.
type runtime struct {
	bedrockruntime.Unimplemented
	// stream, when set, makes the events of ConverseStream.
	stream func(ctx context.Context) iter.Seq2[*bedrockruntime.ConverseStreamOutput, error]
}

func (r *runtime) Converse(ctx context.Context, in *bedrockruntime.ConverseRequest) (*bedrockruntime.ConverseResponse, error) {
	call.From(ctx).Header.Set("X-Outcrop-Served-By", "test/"+in.ModelID)
	text := ""
	if len(in.Messages) > 0 && in.Messages[0].Content[0].Text != nil {
		text = *in.Messages[0].Content[0].Text
	}
	switch text {
	case "panic":
		panic("asked to")
	case "throttle":
		return nil, &fault.Error{Kind: fault.Throttled, Message: "Too many requests.", RetryAfter: 1500 * time.Millisecond}
	case "modelled":
		return nil, &bedrockruntime.ThrottlingException{Message: "Too many tokens."}
	case "internal":
		return nil, errors.New("secret of the house")
	}
	return &bedrockruntime.ConverseResponse{
		Output: &bedrockruntime.ConverseOutput{Message: &bedrockruntime.Message{
			Role:    "assistant",
			Content: []bedrockruntime.ContentBlock{{Text: new("you said " + text)}},
		}},
		StopReason: "end_turn",
		Usage:      &bedrockruntime.TokenUsage{InputTokens: 1, OutputTokens: 2, TotalTokens: 3},
		Metrics:    &bedrockruntime.ConverseMetrics{LatencyMs: 4},
	}, nil
}

func (r *runtime) ConverseStream(ctx context.Context, in *bedrockruntime.ConverseStreamRequest) (*bedrockruntime.ConverseStreamResponse, error) {
	if r.stream != nil {
		return &bedrockruntime.ConverseStreamResponse{Stream: r.stream(ctx)}, nil
	}
	return &bedrockruntime.ConverseStreamResponse{Stream: talk("hello", " world")}, nil
}

func (r *runtime) InvokeModel(_ context.Context, in *bedrockruntime.InvokeModelRequest) (*bedrockruntime.InvokeModelResponse, error) {
	return &bedrockruntime.InvokeModelResponse{Body: in.Body, ContentType: in.ContentType}, nil
}

func (r *runtime) InvokeModelWithBidirectionalStream(
	_ context.Context, in *bedrockruntime.InvokeModelWithBidirectionalStreamRequest,
) (*bedrockruntime.InvokeModelWithBidirectionalStreamResponse, error) {
	return &bedrockruntime.InvokeModelWithBidirectionalStreamResponse{
		Stream: func(yield func(*bedrockruntime.InvokeModelWithBidirectionalStreamOutput, error) bool) {
			for e, err := range in.Stream {
				if err != nil {
					yield(nil, err)
					return
				}
				out := &bedrockruntime.InvokeModelWithBidirectionalStreamOutput{
					Chunk: &bedrockruntime.BidirectionalOutputPayloadPart{Bytes: e.Chunk.Bytes},
				}
				if !yield(out, nil) {
					return
				}
			}
		},
	}, nil
}

// talk is a stream as Bedrock's: start, deltas, stop, metadata.
func talk(words ...string) iter.Seq2[*bedrockruntime.ConverseStreamOutput, error] {
	return func(yield func(*bedrockruntime.ConverseStreamOutput, error) bool) {
		events := []*bedrockruntime.ConverseStreamOutput{{MessageStart: &bedrockruntime.MessageStartEvent{Role: "assistant"}}}
		for _, w := range words {
			events = append(events, delta(w))
		}
		events = append(events,
			&bedrockruntime.ConverseStreamOutput{ContentBlockStop: &bedrockruntime.ContentBlockStopEvent{}},
			&bedrockruntime.ConverseStreamOutput{MessageStop: &bedrockruntime.MessageStopEvent{StopReason: "end_turn"}},
			&bedrockruntime.ConverseStreamOutput{Metadata: &bedrockruntime.ConverseStreamMetadataEvent{
				Usage:   &bedrockruntime.TokenUsage{InputTokens: 1, OutputTokens: 2, TotalTokens: 3},
				Metrics: &bedrockruntime.ConverseStreamMetrics{LatencyMs: 5},
			}})
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func delta(text string) *bedrockruntime.ConverseStreamOutput {
	return &bedrockruntime.ConverseStreamOutput{ContentBlockDelta: &bedrockruntime.ContentBlockDeltaEvent{
		Delta: &bedrockruntime.ContentBlockDelta{Text: &text},
	}}
}

// identity answers sts.
type identity struct{ sts.Unimplemented }

func (identity) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityRequest) (*sts.GetCallerIdentityResponse, error) {
	p := call.From(ctx).Principal
	return &sts.GetCallerIdentityResponse{Account: p.Account, ARN: p.ARN, UserID: p.UserID}, nil
}

// mapError is a table as an api room has it.
func mapError(service string, err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok && service == "bedrock-runtime" {
		if e.Kind == fault.Throttled {
			return &bedrockruntime.ThrottlingException{Message: e.Message}
		}
		if e.Kind == fault.Denied {
			return &bedrockruntime.AccessDeniedException{Message: e.Message}
		}
	}
	if e, ok := errors.AsType[*smithy.ValidationError](err); ok && service == "bedrock-runtime" {
		return &bedrockruntime.ValidationException{Message: e.Error()}
	}
	return nil
}

func testConfig(rt *runtime) wire.Config {
	return wire.Config{
		Services: []wire.Service{
			{Model: &bedrockruntime.Model, Impl: rt, Padding: true},
			{Model: &bedrockagent.Model, Impl: bedrockagent.Unimplemented{}},
			{Model: &bedrockagentruntime.Model, Impl: bedrockagentruntime.Unimplemented{}},
			{Model: &sts.Model, Impl: identity{}},
		},
		Authenticate:  allowAll,
		MapError:      mapError,
		DefaultRegion: "us-east-1",
	}
}

// start serves h on the loopback until the test ends, and returns its address.
func start(t testing.TB, h http.Handler, cfg wire.ServerConfig) string {
	t.Helper()
	cfg.Handler = h
	s, err := wire.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background()) // outlives the test's context on purpose
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx, l); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return l.Addr().String()
}

// newClient returns a client whose connections end with the test.
func newClient(t testing.TB, h2 bool) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP1(!h2)
	tr.Protocols.SetUnencryptedHTTP2(h2)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 30 * time.Second}
}

// reply is a response that was read.
type reply struct {
	status int
	header http.Header
	body   string
}

func do(t testing.TB, c *http.Client, method, url, body string, header ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(got)}
}

// signedFor is a header that claims a scope; the test's authentication believes it.
func signedFor(service, region string) string {
	return fmt.Sprintf("AWS4-HMAC-SHA256 Credential=AKID/20261122/%s/%s/aws4_request, SignedHeaders=host, Signature=0", region, service)
}

const hello = `{"messages":[{"role":"user","content":[{"text":"hi"}]}]}`
