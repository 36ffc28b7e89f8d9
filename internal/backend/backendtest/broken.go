package backendtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// long is an answer with some text before its end.
func long() Answer {
	return Answer{
		ID: "m1", Parts: []Part{{Text: []string{"one ", "two ", "three ", "four "}}}, Stop: llm.EndTurn,
		Usage: llm.Usage{InputTokens: 12, OutputTokens: 34},
	}
}

// upTo returns the events of a stream up to the one that holds text.
func upTo(t *testing.T, events []string, text string) []string {
	t.Helper()
	for i, e := range events {
		if strings.Contains(e, text) {
			return events[:i+1]
		}
	}
	t.Fatalf("no event holds %q", text)
	return nil
}

// pieces sends an answer's stream in pieces of n bytes.
func pieces(s *Script, a Answer, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		var parts []string
		for rest := strings.Join(s.Stream(a), ""); rest != ""; {
			k := min(n, len(rest))
			parts, rest = append(parts, rest[:k]), rest[k:]
		}
		writeEvents(w, parts)
	}
}

func testBroken(t *testing.T, s *Script) {
	begin := upTo(t, s.Stream(long()), "two ")
	cases := []struct {
		name string
		tail string // after begin
		hang bool   // hang up instead of ending well
		kind fault.Kind
	}{
		{"ends early", "", false, fault.ModelError},
		{"hangs up", "", true, fault.Unavailable},
		{"hangs up inside an event", "data: {\"id\":", true, fault.Unavailable},
		{"ends inside an event", "data: {\"id\":", false, fault.ModelError},
		{"no JSON", "data: {nonsense}\n\n", false, fault.ModelError},
		{"provider's error", s.StreamError(), false, fault.Unavailable},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := serve(t, s, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				writeEvents(w, append(slices.Clip(begin), tt.tail))
				if tt.hang {
					panic(http.ErrAbortHandler) //nolint:forbidigo // how a handler hangs up
				}
			}, Target{})
			got, err := chat(t.Context(), t, m, question(true))
			if e := asFault(t, err); e.Kind != tt.kind {
				t.Errorf("got %v %q, want %v", e.Kind, e.Error(), tt.kind)
			}
			if diff := cmp.Diff(got.Message.Content, []llm.Block{&llm.Text{Text: "one two "}}); diff != "" {
				t.Errorf("what had arrived (-got +want):\n%s", diff)
			}
			if got.Usage.InputTokens == 0 { // the gateway counts the output that it saw
				t.Errorf("usage of a broken stream is %+v, want its input known or estimated", got.Usage)
			}
		})
	}
	for name, body := range map[string]string{"empty": "", "only comments": ": hello\n\n: still here\n\n", "only blank lines": "\n\n\n\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := serve(t, s, func(w http.ResponseWriter, _ *http.Request) { writeEvents(w, []string{body}) }, Target{})
			_, err := chat(t.Context(), t, m, question(true))
			if e := asFault(t, err); e.Kind != fault.ModelError {
				t.Errorf("got %v %q, want a model error", e.Kind, e.Error())
			}
		})
	}
	t.Run("comments between", func(t *testing.T) {
		t.Parallel()
		a := long()
		m := serve(t, s, func(w http.ResponseWriter, _ *http.Request) {
			writeEvents(w, []string{strings.Join(s.Stream(a), ": ping\n\n")})
		}, Target{})
		got, err := chat(t.Context(), t, m, question(true))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(comparable(got), a.want()); diff != "" {
			t.Errorf("answer (-got +want):\n%s", diff)
		}
	})
}

// hanging sends the start of a stream, then waits until the client has gone and
// says so.
func hanging(begin []string, gone chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		writeEvents(w, begin)
		<-r.Context().Done()
		close(gone)
	}
}

func testCancel(t *testing.T, s *Script) {
	begin := upTo(t, s.Stream(long()), "two ")
	t.Run("break", func(t *testing.T) {
		t.Parallel()
		gone := make(chan struct{})
		m := serve(t, s, hanging(begin, gone), Target{})
		for e, err := range m.Chat(t.Context(), question(true)) {
			if err != nil {
				t.Fatal(err)
			}
			if d, ok := e.(*llm.BlockDelta); ok && d.Text != "" {
				break
			}
		}
		awaitGone(t, gone)
	})
	t.Run("context", func(t *testing.T) {
		t.Parallel()
		gone := make(chan struct{})
		m := serve(t, s, hanging(begin, gone), Target{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var failed error
		var usage llm.Usage
		for e, err := range m.Chat(ctx, question(true)) {
			failed = err
			switch e := e.(type) {
			case *llm.BlockDelta:
				if strings.Contains(e.Text, "two") {
					cancel()
				}
			case *llm.Metadata:
				t.Error("a broken stream yields Metadata, which ends an answer")
			case *llm.MessageStart:
				if e.Usage != nil {
					usage = *e.Usage
				}
			}
		}
		if e := asFault(t, failed); e.Kind != fault.Canceled {
			t.Errorf("got %v, want cancelled", e.Kind)
		}
		if usage.InputTokens == 0 {
			t.Errorf("usage of a cancelled stream is %+v", usage)
		}
		awaitGone(t, gone)
	})
	t.Run("before the headers", func(t *testing.T) {
		t.Parallel()
		arrived, gone := make(chan struct{}), make(chan struct{})
		m := serve(t, s, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http notices a client that left only then
			close(arrived)
			<-r.Context().Done()
			close(gone)
		}, Target{})
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { <-arrived; cancel(errors.New("the client hung up")) }()
		_, err := chat(ctx, t, m, question(false))
		if e := asFault(t, err); e.Kind != fault.Canceled {
			t.Errorf("got %v, want cancelled", e.Kind)
		}
		awaitGone(t, gone)
	})
}

// awaitGone waits until the server has seen the client go.
func awaitGone(t *testing.T, gone <-chan struct{}) {
	t.Helper()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the server did not see the client go")
	}
}

func testTimeouts(t *testing.T, s *Script) {
	begin := upTo(t, s.Stream(long()), "two ")
	const brief = 50 * time.Millisecond
	cases := []struct {
		name      string
		begin     []string
		streaming bool
		target    Target
	}{
		{"no headers", nil, false, Target{Timeout: brief}},
		{"no first event", nil, true, Target{FirstTokenTimeout: brief}},
		{"only comments", []string{": one\n\n", ": two\n\n"}, true, Target{FirstTokenTimeout: brief}},
		{"silence in the middle", begin, true, Target{IdleTimeout: brief}},
		{"too long in all", begin, true, Target{Timeout: 4 * brief}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan struct{})
			m := serve(t, s, hangingAfter(tt.begin, gone), tt.target)
			_, err := chat(t.Context(), t, m, question(tt.streaming))
			if e := asFault(t, err); e.Kind != fault.Timeout {
				t.Errorf("got %v %q, want a timeout", e.Kind, e.Error())
			}
			awaitGone(t, gone)
		})
	}
	t.Run("the caller's deadline", func(t *testing.T) {
		t.Parallel()
		gone := make(chan struct{})
		m := serve(t, s, hangingAfter(begin, gone), Target{})
		ctx, cancel := context.WithTimeout(t.Context(), brief)
		defer cancel()
		_, err := chat(ctx, t, m, question(true))
		if e := asFault(t, err); e.Kind != fault.Timeout {
			t.Errorf("got %v %q, want a timeout", e.Kind, e.Error())
		}
		awaitGone(t, gone)
	})
}

// hangingAfter is hanging; without a start not even headers are sent.
func hangingAfter(begin []string, gone chan<- struct{}) http.HandlerFunc {
	if begin != nil {
		return hanging(begin, gone)
	}
	return func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(gone)
	}
}

// testKeptAlive checks that a stream that has ended leaves its connection usable.
func testKeptAlive(t *testing.T, s *Script) {
	remotes := map[string]bool{}
	m := serve(t, s, func(w http.ResponseWriter, r *http.Request) {
		remotes[r.RemoteAddr] = true
		answering(s, long(), true)(w, r)
	}, Target{})
	for range 5 {
		if _, err := chat(t.Context(), t, m, question(true)); err != nil {
			t.Fatal(err)
		}
	}
	if len(remotes) != 1 {
		t.Errorf("5 streams, one after the other, took %d connections", len(remotes))
	}
}

// testConcurrent checks that calls don't share state, and that connections are
// used again.
func testConcurrent(t *testing.T, s *Script) {
	const workers, rounds = 8, 5
	var mu sync.Mutex
	remotes := map[string]bool{}
	m := serve(t, s, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		remotes[r.RemoteAddr] = true
		mu.Unlock()
		in := s.Read(t, r, body)
		a := long()
		a.Parts[0].Text = []string{"echo ", in.Texts[0], " end"}
		r.Body = http.NoBody
		answering(s, a, in.Stream)(w, r)
	}, Target{})
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for j := range rounds {
				req := question(j%2 == 0)
				text := fmt.Sprintf("call %d of %d", j, i)
				req.Messages[0].Content = []llm.Block{&llm.Text{Text: text}}
				got, err := chat(t.Context(), t, m, req)
				if err != nil {
					t.Error(err)
					return
				}
				if diff := cmp.Diff(got.Message.Content, []llm.Block{&llm.Text{Text: "echo " + text + " end"}}); diff != "" {
					t.Errorf("answer (-got +want):\n%s", diff)
				}
			}
		})
	}
	wg.Wait()
	if len(remotes) > 2*workers {
		t.Errorf("%d connections for %d workers: they are not kept alive", len(remotes), workers)
	}
}
