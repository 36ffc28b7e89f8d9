package embedded

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/pull"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// small opens the tests' little model, of 24 dimensions.
func small(t *testing.T) *engine.Encoder {
	t.Helper()
	c, err := kernel.New(kernel.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.OpenEncoder("../../engine/testdata/mean", c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// here is a model that has been found.
func here(m engine.Model) *found {
	return &found{size: m.Size(), open: func() (engine.Model, error) { return m, nil }}
}

func closes(t *testing.T, e *Models) {
	t.Helper()
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
}

func wantNotReady(t *testing.T, err error, text string) {
	t.Helper()
	if !fault.Is(err, fault.NotReady) || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "outcrop pull "+EmbedModel) {
		t.Errorf("%v, want a NotReady fault that says %q", err, text)
	}
}

// TestFetchInBackground has the first call wait a little, later ones too, until the
// model is there.
func TestFetchInBackground(t *testing.T) {
	t.Parallel()
	encoder := small(t)
	synctest.Test(t, func(t *testing.T) {
		e := NewModels(Config{})
		defer closes(t, e)
		var tries atomic.Int32
		e.find = func(ctx context.Context, _ string, far func(pull.Progress)) (*found, error) {
			tries.Add(1)
			far(pull.Progress{File: "model", Done: 34_000_000, Total: 100_000_000})
			select {
			case <-time.After(10 * time.Second):
				return here(encoder), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		ask := &llm.EmbedRequest{Model: EmbedModel, Texts: []string{"the end"}}
		start := time.Now()
		_, err := e.Embed(t.Context(), ask)
		wantNotReady(t, err, "34 % of 100 MB")
		if got := time.Since(start); got != patience {
			t.Errorf("the first call waits %v, want %v", got, patience)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := e.Embed(gone, ask); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that left: %v", err)
		}
		time.Sleep(7 * time.Second) // of the bubble: one second before the model is there
		got, err := e.Embed(t.Context(), ask)
		if err != nil || len(got.Vectors[0]) != 24 || tries.Load() != 1 {
			t.Errorf("%+v, %v after %d tries", got, err, tries.Load())
		}
	})
}

// TestSlowLoad waits longer for a model that is here.
func TestSlowLoad(t *testing.T) {
	t.Parallel()
	encoder := small(t)
	synctest.Test(t, func(t *testing.T) {
		e := NewModels(Config{})
		defer closes(t, e)
		takes := loadPatience + time.Second
		e.find = func(context.Context, string, func(pull.Progress)) (*found, error) {
			time.Sleep(takes)
			return here(encoder), nil
		}
		_, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel, Texts: []string{"x"}})
		if !fault.Is(err, fault.NotReady) || !strings.Contains(err.Error(), "being loaded") {
			t.Errorf("too slow: %v", err)
		}
		if _, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel, Texts: []string{"x"}}); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

// TestFetchFails leaves the source alone for a while.
func TestFetchFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := NewModels(Config{})
		defer closes(t, e)
		tries := 0
		e.find = func(context.Context, string, func(pull.Progress)) (*found, error) {
			tries++
			return nil, errors.New("secret.example answers 500")
		}
		for range 3 {
			_, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel, Texts: []string{"x"}})
			wantNotReady(t, err, "could not be loaded")
			if f, ok := errors.AsType[*fault.Error](err); !ok || strings.Contains(f.Message, "secret") {
				t.Errorf("the cause is shown: %v", err)
			}
		}
		time.Sleep(lull)
		_, _ = e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel, Texts: []string{"x"}})
		if tries != 2 {
			t.Errorf("%d tries, want 2", tries)
		}
	})
}

// TestCloseEndsTheFetch waits for what runs in the background.
func TestCloseEndsTheFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := NewModels(Config{})
		ended := false
		e.find = func(ctx context.Context, _ string, far func(pull.Progress)) (*found, error) {
			far(pull.Progress{File: EmbedModel, Total: -1})
			<-ctx.Done()
			ended = true
			return nil, ctx.Err()
		}
		_, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel})
		wantNotReady(t, err, "it has just begun")
		_, err = e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel})
		wantNotReady(t, err, "being fetched")
		closes(t, e)
		if !ended {
			t.Error("the fetch goes on")
		}
		if _, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestNever(t *testing.T) {
	t.Parallel()
	e := NewModels(Config{Dir: t.TempDir(), Never: true})
	defer closes(t, e)
	for range 2 {
		_, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel, Texts: []string{"x"}})
		wantNotReady(t, err, "pull: never")
	}
	_, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: "nosuch", Texts: []string{"x"}})
	if !fault.Is(err, fault.NotReady) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestOtherModels runs models that somebody has on disk.
func TestOtherModels(t *testing.T) {
	t.Parallel()
	e := NewModels(Config{Dir: t.TempDir()})
	defer closes(t, e)
	got, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: "../../engine/testdata/mean", Texts: []string{"the end", "the world"}})
	if err != nil || len(got.Vectors) != 2 || len(got.Vectors[1]) != 24 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = e.Embed(t.Context(), &llm.EmbedRequest{Model: "../../engine/testdata/reranker", Texts: []string{"x"}})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "makes no vectors") {
		t.Errorf("a reranker: %v", err)
	}
}

// TestRealModel runs the weights, and leaves no goroutine.
func TestRealModel(t *testing.T) { //nolint:paralleltest // counts goroutines
	dir := enginetest.Models(t)
	before := goleak.IgnoreCurrent()
	e := NewModels(Config{Dir: dir, Never: true})
	got, err := e.Embed(t.Context(), &llm.EmbedRequest{Model: EmbedModel, Texts: []string{"hello world", "", strings.Repeat("x ", 1000)}})
	if err != nil || len(got.Vectors) != 3 || len(got.Vectors[2]) != 384 || got.InputTokens != 1002 || got.Served.Model != EmbedModel {
		t.Errorf("%+v, %v", got, err)
	}
	f := func(req llm.EmbedRequest, text string) {
		t.Helper()
		req.Model = EmbedModel
		if _, err := e.Embed(t.Context(), &req); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want %q", req, err, text)
		}
	}
	f(llm.EmbedRequest{Texts: []string{"x"}, Dimensions: 300}, "300 were asked for")
	f(llm.EmbedRequest{Texts: []string{"a b c"}, TextTokens: 2}, "Max input tokens: 2, request input token count: 3")
	closes(t, e)
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
