package door_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/api/door"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// open returns a door at /x/ that echoes bodies. Its callers are believed, but for those
// who say that they are strangers.
func open(seen *wire.AuthRequest) *door.Door {
	d := door.New(door.Config{
		Service: "x", DefaultRegion: "us-east-1",
		Authenticate: func(_ context.Context, r *wire.AuthRequest) (wire.Identity, error) {
			*seen = *r
			if r.HTTP.Header.Get("Authorization") == "stranger" {
				return wire.Identity{}, fault.Errorf(fault.Denied, "Who are you?")
			}
			return wire.Identity{Principal: call.Principal{Account: "123456789012"}}, nil
		},
		Fail: func(err error, requestID string) door.Failure {
			f := door.Failure{Status: 400 + int(fault.KindOf(err)), Body: fmt.Appendf(nil, "%s|%v", requestID, err)}
			if e, ok := errors.AsType[*fault.Error](err); ok {
				f.RetryAfter = e.RetryAfter
			}
			return f
		},
	})
	d.Handle("POST /x/echo", "Echo", func(w http.ResponseWriter, r *http.Request, body door.Body) error {
		first, err := body()
		if err != nil {
			return err
		}
		again, err := body()
		c := call.From(r.Context())
		door.WriteJSON(w, fmt.Appendf(nil, "%s %s %s %s %s", first, again, c.Service, c.Operation, c.Region))
		return err
	})
	d.HandleUnknown("/x/", "POST /x/echo")
	return d
}

// body is one that counts what is read of it and may fail.
type body struct {
	io.Reader
	read int
	err  error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	if err == io.EOF && b.err != nil {
		err = b.err
	}
	return n, err
}

func TestDoor(t *testing.T) {
	t.Parallel()
	var seen wire.AuthRequest
	d := open(&seen)
	send := func(path, authorization string, b *body) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, b)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		w.Header().Set("X-Amzn-Requestid", "id")
		d.ServeHTTP(w, r)
		return w
	}
	f := func(name string, w *httptest.ResponseRecorder, status int, text string) {
		t.Helper()
		if w.Code != status || !strings.Contains(w.Body.String(), text) || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %.200s %v, want %d %s", name, w.Code, w.Body, w.Header(), status, text)
		}
	}
	text := func(s string) *body { return &body{Reader: strings.NewReader(s)} }
	f("a call", send("/x/echo", "me", text("hi")), 200, "hi hi x Echo us-east-1")
	if seen.Service != "x" || seen.SigningName != "bedrock" {
		t.Errorf("asked about %s, signed for %s", seen.Service, seen.SigningName)
	}
	_ = send("/x/echo", "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/bedrock-mantle/aws4_request, …", text(""))
	if seen.SigningName != "bedrock-mantle" {
		t.Errorf("signed for %s", seen.SigningName)
	}
	b := text("hi")
	f("a stranger", send("/x/echo", "stranger", b), 400+int(fault.Denied), "id|Who are you?")
	if b.read != 0 {
		t.Errorf("%d bytes of a stranger's body were read", b.read)
	}
	f("unknown", send("/x/"+strings.Repeat("a", 500), "me", text("")), 400+int(fault.NotFound), strings.Repeat("a", 97)+"…. There are POST /x/echo.")
	f("too large", send("/x/echo", "me", &body{Reader: io.LimitReader(zeros{}, 26<<20)}), 400+int(fault.Invalid), "larger than 26214400 bytes")
	f("torn", send("/x/echo", "me", &body{Reader: strings.NewReader("hi"), err: io.ErrUnexpectedEOF}), 400+int(fault.Invalid), "did not arrive whole")
	full := &fault.Error{Kind: fault.Unavailable, Message: "full", RetryAfter: 1500 * time.Millisecond}
	w := send("/x/echo", "me", &body{Reader: strings.NewReader("hi"), err: full})
	f("no room", w, 400+int(fault.Unavailable), "full")
	if w.Header().Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// words writes the text of deltas; it has no word for a tool's input.
type words struct{}

func (words) Append(dst []byte, e llm.Event) ([]byte, error) {
	delta, ok := e.(*llm.BlockDelta)
	switch {
	case !ok:
		return dst, nil
	case delta.ToolInput != "":
		return dst, errors.New("no word")
	}
	return append(dst, delta.Text...), nil
}

func (words) AppendError(dst []byte, err error) []byte { return append(dst, "<"+err.Error()+">"...) }

func (words) AppendDone(dst []byte) []byte { return append(dst, "."...) }

func TestRelay(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	answer := func(err error, events ...llm.Event) iter.Seq2[llm.Event, error] {
		return func(yield func(llm.Event, error) bool) {
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
	a, b, tool := &llm.BlockDelta{Text: "a"}, &llm.BlockDelta{Text: "b"}, &llm.BlockDelta{ToolInput: "{}"}
	f := func(answer iter.Seq2[llm.Event, error], want, wantErr string) {
		t.Helper()
		w := httptest.NewRecorder()
		err := door.Relay(w, answer, words{})
		if (err == nil) != (wantErr == "") || err != nil && err.Error() != wantErr || w.Body.String() != want {
			t.Errorf("%q and %v, want %q and %q", w.Body, err, want, wantErr)
		}
		if stream := w.Header().Get("Content-Type") == "text/event-stream"; stream != (wantErr == "") {
			t.Errorf("headers %v for %q", w.Header(), want)
		}
	}
	f(answer(nil, &llm.MessageStart{}, a, b), "ab.", "")
	f(answer(broken, &llm.MessageStart{}), "", "broken")
	f(answer(broken, a), "a<broken>", "")
	f(answer(nil, tool), "", "no word")
	f(answer(nil, a, tool, b), "a<no word>", "")
	// A client that has left: the answer is given up.
	left := 0
	gone := func(yield func(llm.Event, error) bool) {
		for yield(a, nil) {
			left++
		}
	}
	if err := door.Relay(deaf{httptest.NewRecorder()}, gone, words{}); err != nil || left != 0 {
		t.Errorf("%v after %d events", err, left)
	}
}

// deaf is the writer of a connection that is gone.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
