package wire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/wire"
	"github.com/outcrop-ai/outcrop/internal/wire/eventstream"
)

const streamPath = "/model/m/converse-stream"

type event = bedrockruntime.ConverseStreamOutput

// readFrames reads frames to the end.
func readFrames(t testing.TB, r io.Reader) []*eventstream.Message {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var out []*eventstream.Message
	for frames := eventstream.NewReader(bytes.NewReader(data), 0); ; {
		m, err := frames.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		m.Payload = bytes.Clone(m.Payload)
		for i := range m.Headers {
			m.Headers[i].Raw = bytes.Clone(m.Headers[i].Raw)
		}
		out = append(out, m)
	}
}

// shape describes a frame: its headers in order, and its payload without padding.
func shape(t testing.TB, m *eventstream.Message) string {
	t.Helper()
	var b strings.Builder
	for i := range m.Headers {
		b.WriteString(m.Headers[i].Name + "=" + m.Headers[i].Text() + " ")
	}
	var payload map[string]any
	if err := json.Unmarshal(m.Payload, &payload); err != nil {
		t.Fatalf("payload %q: %v", m.Payload, err)
	}
	if p, ok := payload["p"]; ok {
		delete(payload, "p")
		b.WriteString("+p ")
		const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		if s, ok := p.(string); !ok || s == "" || !strings.HasPrefix(alphabet, s) {
			t.Errorf("padding %v", p)
		}
	}
	rest, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(rest)
	return b.String()
}

func frameOf(kind, payload string) string {
	return ":event-type=" + kind + " :content-type=application/json :message-type=event +p " + payload
}

func shapes(t testing.TB, r io.Reader) []string {
	t.Helper()
	var out []string
	for _, m := range readFrames(t, r) {
		out = append(out, shape(t, m))
	}
	return out
}

func TestStream(t *testing.T) {
	t.Parallel()
	addr := start(t, newHandler(t, testConfig(&runtime{})), wire.ServerConfig{})
	for _, h2 := range []bool{false, true} {
		got := do(t, newClient(t, h2), "POST", "http://"+addr+streamPath, hello, "Content-Type", jsonType, "Accept", jsonType)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/vnd.amazon.eventstream" {
			t.Errorf("%d %v", got.status, got.header)
		}
		want := []string{
			frameOf("messageStart", `{"role":"assistant"}`),
			frameOf("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"hello"}}`),
			frameOf("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":" world"}}`),
			frameOf("contentBlockStop", `{"contentBlockIndex":0}`),
			frameOf("messageStop", `{"stopReason":"end_turn"}`),
			frameOf("metadata", `{"metrics":{"latencyMs":5},"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}`),
		}
		if diff := cmp.Diff(shapes(t, strings.NewReader(got.body)), want); diff != "" {
			t.Errorf("h2 %t (-got +want):\n%s", h2, diff)
		}
	}
}

// TestStreamDelay checks that headers and first event come together, and not at
// once.
func TestStreamDelay(t *testing.T) {
	t.Parallel()
	cfg := testConfig(&runtime{})
	cfg.StreamDelay = 30 * time.Millisecond
	w := &timedWriter{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, streamPath, strings.NewReader(hello))
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	newHandler(t, cfg).ServeHTTP(w, r)
	if d := w.headerAt.Sub(begin); d < 30*time.Millisecond {
		t.Errorf("headers after %v, want 30ms or more", d)
	}
	if w.flushedAtHeader != 0 || w.writes != 6 || w.flushes != 6 {
		t.Errorf("%d flushes before the headers, %d writes, %d flushes", w.flushedAtHeader, w.writes, w.flushes)
	}
}

type timedWriter struct {
	header                           http.Header
	headerAt                         time.Time
	writes, flushes, flushedAtHeader int
}

func (w *timedWriter) Header() http.Header { return w.header }
func (w *timedWriter) Flush()              { w.flushes++ }
func (w *timedWriter) WriteHeader(int)     { w.headerAt, w.flushedAtHeader = time.Now(), w.flushes }
func (w *timedWriter) Write(b []byte) (int, error) {
	w.writes++
	return len(b), nil
}

// after is a stream that gives one delta and then an error.
func after(n int, err error) func(context.Context) iter.Seq2[*event, error] {
	return func(context.Context) iter.Seq2[*event, error] {
		return func(yield func(*event, error) bool) {
			for range n {
				if !yield(delta("x"), nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
}

func TestStreamErrors(t *testing.T) {
	t.Parallel()
	first := frameOf("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"x"}}`)
	exception := func(kind, text string) string {
		return ":exception-type=" + kind + ` :content-type=application/json :message-type=exception {"message":"` + text + `"}`
	}
	throttled := &fault.Error{Kind: fault.Throttled, Message: "Too many."}
	for _, tc := range []struct {
		name   string
		events int
		err    error
		status int
		want   []string
	}{
		{"before the first event", 0, throttled, 429, nil},
		{"mapped", 1, throttled, 200, []string{first, exception("throttlingException", "Too many.")}},
		{"modelled", 1, &bedrockruntime.ModelStreamErrorException{Message: "Broken."}, 200, []string{first, exception("modelStreamErrorException", "Broken.")}},
		{"not of the union", 1, fault.Errorf(fault.Denied, "No more."), 200, []string{first, exception("AccessDeniedException", "No more.")}},
		{"unexplained", 1, errors.New("secret"), 200, []string{first, exception("internalServerException", "An internal error occurred. Retry your request.")}},
		{"of authentication", 1, authError{}, 200, []string{first, exception("unrecognizedClientException", "The security token included in the request is invalid.")}},
		{"no events", 0, nil, 200, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := send(t, newHandler(t, testConfig(&runtime{stream: after(tc.events, tc.err)})), "POST", streamPath, hello)
			if w.Code != tc.status {
				t.Fatalf("status %d, want %d", w.Code, tc.status)
			}
			if tc.status != http.StatusOK {
				if w.Header().Get("Content-Type") != jsonType || w.Body.String() != `{"message":"Too many."}` {
					t.Errorf("%v %s", w.Header(), w.Body)
				}
				return
			}
			if diff := cmp.Diff(shapes(t, w.Body), tc.want); diff != "" {
				t.Errorf("-got +want:\n%s", diff)
			}
		})
	}
}

func TestStreamRevoked(t *testing.T) {
	t.Parallel()
	var checks atomic.Int64
	cfg := testConfig(&runtime{stream: after(5, nil)})
	cfg.Authenticate = func(context.Context, *wire.AuthRequest) (wire.Identity, error) {
		return wire.Identity{Revalidate: func() error {
			if checks.Add(1) > 2 {
				return authError{}
			}
			return nil
		}}, nil
	}
	w := send(t, newHandler(t, cfg), "POST", streamPath, hello)
	got := shapes(t, w.Body)
	if len(got) != 4 || !strings.HasPrefix(got[3], ":exception-type=unrecognizedClientException") {
		t.Errorf("got %q", got)
	}
}

// endless is a stream that counts how many of it run, and ends with its context or
// its reader.
func endless(running *atomic.Int64) func(context.Context) iter.Seq2[*event, error] {
	return func(ctx context.Context) iter.Seq2[*event, error] {
		return func(yield func(*event, error) bool) {
			running.Add(1)
			defer running.Add(-1)
			if !yield(delta("x"), nil) {
				return
			}
			<-ctx.Done()
			yield(nil, context.Cause(ctx))
		}
	}
}

func TestStreamClientGone(t *testing.T) {
	t.Parallel()
	var running atomic.Int64
	h := newHandler(t, testConfig(&runtime{stream: endless(&running)}))
	addr := start(t, h, wire.ServerConfig{})
	for _, h2 := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+streamPath, strings.NewReader(hello))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := newClient(t, h2).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := eventstream.NewReader(resp.Body, 0).Next(); err != nil {
			t.Fatal(err)
		}
		if running.Load() != 1 || h.InFlight() != 1 {
			t.Errorf("%d running, %d in flight", running.Load(), h.InFlight())
		}
		cancel()
		_ = resp.Body.Close()
		eventually(t, func() bool { return running.Load() == 0 && h.InFlight() == 0 })
	}
}

func eventually(t testing.TB, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(deadline) {
			t.Fatal("did not come about in 10s")
		}
		goruntime.Gosched()
	}
}

func chunkFrame(t testing.TB, payload string) []byte {
	t.Helper()
	frame, err := eventstream.Append(nil, &eventstream.Message{
		Headers: []eventstream.Header{
			eventstream.Text(":event-type", "chunk"), eventstream.Text(":content-type", jsonType), eventstream.Text(":message-type", "event"),
		},
		Payload: []byte(payload),
	})
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// envelope is a frame in a signed frame.
func envelope(t testing.TB, frame []byte) []byte {
	t.Helper()
	out, err := eventstream.Append(nil, &eventstream.Message{
		Headers: []eventstream.Header{
			eventstream.At(":date", time.Now()), {Name: ":chunk-signature", Type: eventstream.Bytes, Raw: []byte("signature")},
		},
		Payload: frame,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBidirectional has a conversation, each answer before the next question.
func TestBidirectional(t *testing.T) {
	t.Parallel()
	addr := start(t, newHandler(t, testConfig(&runtime{})), wire.ServerConfig{})
	for _, signed := range []bool{false, true} {
		body, questions := io.Pipe()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/model/m/invoke-with-bidirectional-stream", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/vnd.amazon.eventstream")
		ask := func(frame []byte) {
			if signed {
				frame = envelope(t, frame)
			}
			if _, err := questions.Write(frame); err != nil {
				t.Error(err)
			}
		}
		go ask(chunkFrame(t, `{"bytes":"b25l"}`))
		resp, err := newClient(t, true).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answers := eventstream.NewReader(resp.Body, 0)
		for i, want := range []string{"b25l", "dHdv", "dHdv"} {
			m, err := answers.Next()
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Bytes string }
			if err := json.Unmarshal(m.Payload, &got); err != nil || got.Bytes != want {
				t.Errorf("answer %d: %s", i, m.Payload)
			}
			if i < 2 {
				ask(chunkFrame(t, `{"bytes":"dHdv"}`))
			}
		}
		if signed {
			ask(nil) // the empty envelope that ends a signed stream
		}
		_ = questions.Close()
		if _, err := answers.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("end: %v", err)
		}
		_ = resp.Body.Close()
	}
}

func TestBadInputEvents(t *testing.T) {
	t.Parallel()
	good := chunkFrame(t, `{"bytes":"b25l"}`)
	broken := bytes.Clone(good)
	broken[len(broken)-1] ^= 1
	unsigned := testConfig(&runtime{})
	unsigned.Authenticate = func(context.Context, *wire.AuthRequest) (wire.Identity, error) {
		return wire.Identity{VerifyFrame: func(_ time.Time, _, sig []byte) error {
			if string(sig) != "signature" {
				return authError{}
			}
			return nil
		}}, nil
	}
	for _, tc := range []struct {
		name, body, code string
		signed           bool
	}{
		{"broken frame", string(broken), "SerializationException", false},
		{"bad JSON", string(chunkFrame(t, `{"bytes":`)), "SerializationException", false},
		{"bad base64", string(chunkFrame(t, `{"bytes":"*"}`)), "SerializationException", false},
		{"no frame", strings.Repeat("x", 100), "SerializationException", false},
		{"not signed", string(good), "SerializationException", true},
		{"broken envelope", string(envelope(t, broken)), "SerializationException", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(&runtime{})
			if tc.signed {
				cfg = unsigned
			}
			w := send(t, newHandler(t, cfg), "POST", "/model/m/invoke-with-bidirectional-stream", tc.body)
			if w.Code != http.StatusBadRequest || w.Header().Get("X-Amzn-Errortype") != tc.code {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
}

// TestIdleStreams opens many streams that say nothing, and bounds what each costs.
func TestIdleStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("opens thousands of streams")
	}
	const streams = 2000
	var running atomic.Int64
	h := newHandler(t, testConfig(&runtime{stream: endless(&running)}))
	addr := start(t, h, wire.ServerConfig{})
	before := heap()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := newClient(t, true)
	for range streams {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+streamPath, strings.NewReader(hello))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // cancelled
	}
	eventually(t, func() bool { return running.Load() == streams })
	per := (heap() - before) / streams
	t.Logf("%d idle streams over HTTP/2: %d bytes each, client included", streams, per)
	if per > 64<<10 {
		t.Errorf("each stream costs %d bytes", per)
	}
	cancel()
	eventually(t, func() bool { return running.Load() == 0 })
}

// heap is the memory in use, stacks included.
func heap() uint64 {
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
