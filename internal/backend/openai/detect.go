package openai

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/backend/upstream"
)

// Local is a model server that runs on this machine.
type Local struct {
	Server  string // "ollama", "llama.cpp"
	BaseURL string
	Models  []string // chat models, the server's first choice first; never empty
}

// detectTime bounds the whole search.
const detectTime = 150 * time.Millisecond

// Detector looks for model servers on this machine. The zero value looks where
// they listen by default.
type Detector struct {
	Ollama string // base address; empty: http://127.0.0.1:11434
	Llama  string // base address; empty: http://127.0.0.1:8080
}

// Detect returns the servers that answer within 150 ms. It asks both places at
// once and returns early when both have answered or refused. Only servers that
// identify themselves are taken, and of Ollama only the models that run on this
// machine: anything else behind these ports could send prompts away, which takes a
// line of configuration.
func (d Detector) Detect(ctx context.Context) []Local {
	ctx, cancel := context.WithTimeout(ctx, detectTime)
	defer cancel()
	transport := upstream.NewTransport(upstream.TransportConfig{DialTimeout: detectTime})
	transport.Proxy = nil
	defer transport.CloseIdleConnections()

	probes := []func() *Local{
		func() *Local { return ollama(ctx, transport, orElse(d.Ollama, "http://127.0.0.1:11434")) },
		func() *Local { return llama(ctx, transport, orElse(d.Llama, "http://127.0.0.1:8080")) },
	}
	found := make([]*Local, len(probes))
	var wg sync.WaitGroup
	for i, probe := range probes {
		wg.Go(func() { found[i] = probe() })
	}
	wg.Wait()
	var locals []Local
	for _, l := range found {
		if l != nil {
			locals = append(locals, *l)
		}
	}
	return locals
}

func orElse(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// embeddingFamilies are architectures that do not chat.
var embeddingFamilies = []string{"bert", "nomic-bert", "nomic-bert-moe", "xlm-roberta"}

// ollama asks for the installed models. It names those that another machine runs.
func ollama(ctx context.Context, transport http.RoundTripper, base string) *Local {
	b, err := New(Config{Name: "ollama", BaseURL: base, Transport: transport, Timeout: detectTime})
	if err != nil {
		return nil
	}
	data, err := b.exchange(ctx, &upstream.Request{URL: b.client.URL("/api/tags")})
	if err != nil {
		return nil
	}
	var answer struct {
		Models []struct {
			Name       string `json:"name"`
			RemoteHost string `json:"remote_host"`
			Details    struct {
				Family string `json:"family"`
			} `json:"details"`
		} `json:"models"`
	}
	if json.Unmarshal(data, &answer) != nil {
		return nil
	}
	local := &Local{Server: "ollama", BaseURL: base + "/v1"}
	for _, m := range answer.Models {
		remote := m.RemoteHost != "" || strings.HasSuffix(m.Name, ":cloud") || strings.HasSuffix(m.Name, "-cloud")
		if m.Name == "" || remote || slices.Contains(embeddingFamilies, m.Details.Family) {
			continue
		}
		local.Models = append(local.Models, m.Name)
	}
	if len(local.Models) == 0 {
		return nil
	}
	return local
}

// llama asks for the list of models, whose owner llama.cpp's server gives as itself.
func llama(ctx context.Context, transport http.RoundTripper, base string) *Local {
	b, err := New(Config{Name: "llama.cpp", BaseURL: base + "/v1", Transport: transport, Timeout: detectTime})
	if err != nil {
		return nil
	}
	list, err := b.list(ctx)
	if err != nil {
		return nil
	}
	local := &Local{Server: "llama.cpp", BaseURL: base + "/v1"}
	for _, m := range list {
		if m.ID != "" && m.OwnedBy == "llamacpp" {
			local.Models = append(local.Models, m.ID)
		}
	}
	if len(local.Models) == 0 {
		return nil
	}
	return local
}
