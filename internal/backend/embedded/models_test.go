package embedded

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/outcrop-ai/outcrop/internal/engine"
	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
	"github.com/outcrop-ai/outcrop/internal/engine/pull"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// closings lists models that left memory.
type closings struct {
	mu    sync.Mutex
	names []string
}

func (c *closings) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = append(c.names, name)
}

func (c *closings) are(want ...string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Equal(c.names, want)
}

// block is a model that only takes memory.
type block struct {
	size   int64
	closed *closings
	name   string
}

func (b *block) Size() int64  { return b.size }
func (b *block) Close() error { b.closed.add(b.name); return nil }

// shelf returns models of the given sizes; closed lists those that left memory.
func shelf(cfg Config, sizes map[string]int64) (m *Models, closed *closings) {
	m, closed = NewModels(cfg), &closings{}
	m.find = func(_ context.Context, name string, _ func(pull.Progress)) (*found, error) {
		size, ok := sizes[name]
		if !ok {
			return nil, errors.New("corrupt")
		}
		return here(&block{size: size, closed: closed, name: name}), nil
	}
	return m, closed
}

func take(t *testing.T, m *Models, name string) (release func()) {
	t.Helper()
	_, release, err := m.acquire(t.Context(), name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return release
}

// TestMemory has models make room for others, the one that was idle longest first, but
// never one in use.
func TestMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, closed := shelf(Config{Memory: 100}, map[string]int64{"a": 40, "b": 40, "c": 50, "huge": 101})
		defer closes(t, m)
		releaseA := take(t, m, "a")
		releaseB := take(t, m, "b")
		f := func(name, text string, kind fault.Kind) {
			t.Helper()
			if _, _, err := m.acquire(t.Context(), name); !fault.Is(err, kind) || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want %q", name, err, text)
			}
		}
		f("c", "beside the models that are in use", fault.Unavailable)
		f("huge", "engine.memory allows", fault.NotReady)
		releaseA()
		time.Sleep(time.Second)
		releaseB()
		releaseC := take(t, m, "c")
		if !closed.are("a") {
			t.Errorf("unloaded %v", closed.names)
		}
		time.Sleep(time.Second)
		releaseC()
		take(t, m, "a")() // comes back in place of b
		if !closed.are("a", "b") || m.taken != 90 {
			t.Errorf("unloaded %v; %d bytes", closed.names, m.taken)
		}
	})
}

// TestIdle unloads what nobody has used for a while, and nothing that is in use.
func TestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, closed := shelf(Config{Idle: time.Minute}, map[string]int64{"a": 1, "b": 1})
		defer closes(t, m)
		releaseA := take(t, m, "a")
		take(t, m, "b")()
		time.Sleep(59 * time.Second)
		take(t, m, "b")()
		time.Sleep(59 * time.Second)
		if !closed.are() {
			t.Errorf("unloaded %v too early", closed.names)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !closed.are("b") {
			t.Errorf("unloaded %v", closed.names)
		}
		releaseA()
		releaseA() // twice is once
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if !closed.are("b", "a") || m.taken != 0 {
			t.Errorf("unloaded %v; %d bytes", closed.names, m.taken)
		}
	})
}

// TestNoRoomLeftBehind gives back the memory of a model that does not open.
func TestNoRoomLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewModels(Config{Memory: 100})
		defer closes(t, m)
		m.find = func(context.Context, string, func(pull.Progress)) (*found, error) {
			return &found{size: 60, open: func() (engine.Model, error) { return nil, errors.New("torn") }}, nil
		}
		for range 2 {
			if _, _, err := m.acquire(t.Context(), "x"); !fault.Is(err, fault.NotReady) {
				t.Errorf("%v, want NotReady", err)
			}
			time.Sleep(lull)
		}
		if m.taken != 0 {
			t.Errorf("%d bytes are still taken", m.taken)
		}
	})
}

// TestMetrics counts what a model does.
func TestMetrics(t *testing.T) {
	t.Parallel()
	m := NewModels(Config{Dir: t.TempDir(), Memory: 1 << 40})
	defer closes(t, m)
	c := &Chat{Reader: &Reader{}, Models: m}
	path := enginetest.Tiny{}.GGUF(t)
	req := &llm.ChatRequest{Model: path, Inference: llm.Inference{MaxTokens: 5}, Messages: []llm.Message{
		{Role: llm.User, Content: []llm.Block{&llm.Text{Text: "hello"}}},
	}}
	got, err := llm.Collect(c.Chat(t.Context(), req))
	if err != nil || got.Served.Model != path || got.Usage.OutputTokens == 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(m.Collector())
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) float64 {
		for _, f := range families {
			if f.GetName() == "outcrop_engine_"+name {
				return max(f.GetMetric()[0].GetGauge().GetValue(), f.GetMetric()[0].GetCounter().GetValue())
			}
		}
		return -1
	}
	if g := value("generated_tokens_total"); int(g) != got.Usage.OutputTokens || value("prompt_tokens_total") != float64(got.Usage.InputTokens) || value("model_bytes") <= 0 {
		t.Errorf("%v", families)
	}
}
