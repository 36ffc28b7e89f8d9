package wire_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// held is a body whose end comes when the test says so.
type held struct {
	text io.Reader
	end  chan struct{}
}

func (h *held) Read(p []byte) (int, error) {
	n, err := h.text.Read(p)
	if n == 0 {
		<-h.end
	}
	return n, err
}

// TestBodyBudget holds bodies until there is no room for another, in a service and in a
// mounted handler, and sees that room comes back.
func TestBodyBudget(t *testing.T) {
	t.Parallel()
	const size = 1000
	cfg := testConfig(&runtime{})
	cfg.BodyBudget = 5*size + size/2
	cfg.MapError = func(_ string, err error) error {
		if fault.Is(err, fault.Unavailable) {
			return &bedrockruntime.ServiceUnavailableException{Message: "full"}
		}
		return nil
	}
	reading := make(chan struct{})
	var mounted error
	cfg.Mounts = map[string]http.Handler{"other": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, mounted = io.ReadAll(r.Body)
	})}
	cfg.Authenticate = func(_ context.Context, r *wire.AuthRequest) (wire.Identity, error) {
		if r.HTTP.Header.Get("Slow") != "" {
			defer func() { reading <- struct{}{} }()
			buf := make([]byte, size)
			_, err := io.ReadFull(r.HTTP.Body, buf)
			return wire.Identity{}, err
		}
		return wire.Identity{}, nil
	}
	h := newHandler(t, cfg)
	body := strings.Repeat(" ", size-len(hello)) + hello
	end, done := make(chan struct{}), make(chan struct{})
	for range 5 {
		go func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/model/m/converse", io.NopCloser(&held{strings.NewReader(body), end}))
			r.Header.Set("Slow", "yes")
			h.ServeHTTP(httptest.NewRecorder(), r)
			done <- struct{}{}
		}()
		<-reading
	}
	w := send(t, h, "POST", "/model/m/converse", body)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" ||
		w.Header().Get("X-Amzn-Errortype") != "ServiceUnavailableException" {
		t.Errorf("over the budget: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if send(t, h, "POST", "/other", body); !fault.Is(mounted, fault.Unavailable) {
		t.Errorf("mounted: got %v", mounted)
	}
	if w := send(t, h, "POST", "/model/m/converse", hello); w.Code != http.StatusOK {
		t.Errorf("a small one: %d %s", w.Code, w.Body)
	}
	close(end)
	for range 5 {
		<-done
	}
	for range 20 { // each gives back what it took
		if w := send(t, h, "POST", "/model/m/converse", body); w.Code != http.StatusOK {
			t.Fatalf("afterwards: %d %s", w.Code, w.Body)
		}
	}
}
