// Package openai answers through any server that speaks OpenAI's chat completions:
// vLLM, llama.cpp, Ollama, LM Studio, LiteLLM, OpenAI itself.
//
// It is transport only. dialect/openai knows the bodies, backend/upstream the
// exchange and the meaning of a refusal; this package joins them, and adds
// embeddings, token counts, the list of models and the search for a local server.
//
// A request that carries its body in the same dialect is sent as it is, but for
// the model's name and what makes a stream report its usage; then each piece of
// the answer is also yielded as it came (llm.RawEvent). Where the server counts no
// tokens they are estimated and marked so.
//
// The dialect tells the usage of a stream at its end. So that one that breaks has a
// usage too, its llm.MessageStart carries an estimate of the input, or what the
// server has said by then.
package openai

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/backend/upstream"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/openai"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Config describes a server.
type Config struct {
	// Name is the backend's name in the configuration. Required.
	Name string
	// BaseURL is the address under which /chat/completions is, normally ending in
	// /v1. Required.
	BaseURL string
	// APIKey is sent as a bearer token. Empty: none, as local servers want.
	APIKey string
	// Headers are sent with each request and may replace Authorization.
	Headers map[string]string

	// Timeout bounds a whole call, FirstTokenTimeout the time to a stream's first
	// event, IdleTimeout the silence inside a stream. Zero: upstream's defaults.
	Timeout, FirstTokenTimeout, IdleTimeout time.Duration

	// Transport carries the requests; nil: one of the backend's own.
	Transport http.RoundTripper
}

// Backend is one server. It implements llm.ChatModel, llm.TokenCounter and
// llm.Embedder and is safe for concurrent use.
type Backend struct {
	name    string
	client  *upstream.Client
	options dialect.Options
	hosted  bool // OpenAI's own API

	chat, embeddings, models *url.URL
	tokenize, applyTemplate  *url.URL
	tokenizer                atomic.Int32 // a tokenizerKind
}

// New checks cfg and returns a backend. It does not contact the server.
func New(cfg Config) (*Backend, error) {
	header := http.Header{}
	if cfg.APIKey != "" {
		header.Set("Authorization", "Bearer "+cfg.APIKey)
	}
	for k, v := range cfg.Headers {
		header.Set(k, v)
	}
	client, err := upstream.NewClient(upstream.Config{
		Name: cfg.Name, BaseURL: cfg.BaseURL, Header: header, Secrets: []string{cfg.APIKey},
		Timeout: cfg.Timeout, FirstTokenTimeout: cfg.FirstTokenTimeout, IdleTimeout: cfg.IdleTimeout,
		Transport: cfg.Transport,
	})
	if err != nil {
		return nil, err
	}
	b := &Backend{
		name: cfg.Name, client: client,
		chat: client.URL("/chat/completions"), embeddings: client.URL("/embeddings"), models: client.URL("/models"),
	}
	b.hosted = hosted(b.chat.Hostname())
	b.options = dialect.Options{MaxCompletionTokens: b.hosted, OmitReasoning: b.hosted}
	b.tokenize, b.applyTemplate = beside(b.chat, "/tokenize"), beside(b.chat, "/apply-template")
	return b, nil
}

// hosted reports whether a host is OpenAI's own, or Microsoft's of the same
// strictness: they refuse members that they don't know.
func hosted(host string) bool {
	return host == "api.openai.com" || strings.HasSuffix(host, ".api.openai.com") || strings.HasSuffix(host, ".openai.azure.com")
}

// beside returns the address of a path that servers have outside of /v1.
func beside(chat *url.URL, path string) *url.URL {
	u := *chat
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/chat/completions"), "/v1") + path
	u.RawPath = ""
	return &u
}

// Close releases the backend's idle connections.
func (b *Backend) Close() { b.client.Close() }

// BaseURL returns the server's address without credentials.
func (b *Backend) BaseURL() string { return b.client.BaseURL() }

// Chat implements llm.ChatModel.
func (b *Backend) Chat(ctx context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		body, err := dialect.AppendRequest(ctx, make([]byte, 0, 2<<10), req, b.options)
		if err == nil && req.Raw == nil { // what is converted loses them
			err = llm.NoLogprobs(req)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		resp, err := b.client.Do(ctx, &upstream.Request{URL: b.chat, Body: body, Model: req.Model, Stream: req.Stream})
		if err != nil {
			yield(nil, err)
			return
		}
		defer resp.Close()
		if !req.Stream || resp.JSON() {
			b.whole(resp, req, yield)
			return
		}
		s := &stream{backend: b, req: req, resp: resp, raw: sentRaw(req), yield: yield}
		s.decoder.ExtraPaths = req.ExtraPaths
		s.run()
	}
}

// sentRaw reports whether the caller's own body was sent.
func sentRaw(req *llm.ChatRequest) bool {
	return req.Raw != nil && req.Raw.Dialect == dialect.Dialect
}

func (b *Backend) served(req *llm.ChatRequest) llm.Served {
	return llm.Served{Backend: b.name, Model: req.Model, Fidelity: llm.Real}
}

// whole yields an answer that came in one piece.
func (b *Backend) whole(resp *upstream.Response, req *llm.ChatRequest, yield func(llm.Event, error) bool) {
	data, err := resp.ReadAll()
	if err != nil {
		yield(nil, err)
		return
	}
	out, err := dialect.DecodeResponse(data, req.ExtraPaths)
	if err != nil {
		yield(nil, b.problem(err, req.Model))
		return
	}
	if out.Usage.Estimated {
		out.Usage.InputTokens = estimate.Request(req)
		out.Usage.OutputTokens = estimate.Message(&out.Message)
	}
	out.Served = b.served(req)
	if sentRaw(req) && !req.Stream && !yield(&llm.RawEvent{Dialect: dialect.Dialect, Data: data}, nil) {
		return
	}
	for e, err := range llm.Replay(out) {
		if !yield(e, err) {
			return
		}
	}
}

// problem gives an error of the dialect its fault.
func (b *Backend) problem(err error, model string) error {
	if pe, ok := errors.AsType[*dialect.ProviderError](err); ok {
		return b.client.Fault(upstream.ParseProblem(0, pe.Body), model)
	}
	return err
}

// stream is one streamed answer under way.
type stream struct {
	backend *Backend
	req     *llm.ChatRequest
	resp    *upstream.Response
	decoder dialect.StreamDecoder
	raw     bool
	yield   func(llm.Event, error) bool

	events []llm.Event // reused for each chunk
	output int         // bytes of text that have been yielded
}

func (s *stream) run() {
	done := false
	for !done {
		ev, err := s.resp.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.fail(err)
			return
		}
		if ev.Name == "error" {
			s.fail(&dialect.ProviderError{Body: ev.Data})
			return
		}
		done = dialect.Done(ev.Data)
		if s.raw && !done && !s.pass(&llm.RawEvent{Dialect: dialect.Dialect, Name: dialect.RawChunk, Data: append([]byte(nil), ev.Data...)}) {
			return
		}
		s.events, err = s.decoder.Chunk(s.events[:0], ev.Data)
		if !s.passAll() {
			return
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
	if done {
		s.resp.Drain()
	}
	var err error
	s.events, err = s.decoder.Finish(s.events[:0], done)
	if s.passAll() && err != nil {
		s.fail(err)
	}
}

func (s *stream) passAll() bool {
	for _, e := range s.events {
		if !s.pass(e) {
			return false
		}
	}
	return true
}

// pass yields an event, with what only the backend knows.
func (s *stream) pass(e llm.Event) bool {
	switch e := e.(type) {
	case *llm.MessageStart:
		e.Served = s.backend.served(s.req)
		usage := s.usage()
		e.Usage = &usage
	case *llm.BlockDelta:
		s.output += len(e.Text) + len(e.Reasoning) + len(e.ToolInput)
	case *llm.Metadata:
		e.Usage = s.usage()
	}
	return s.yield(e, nil)
}

func (s *stream) usage() llm.Usage {
	u := s.decoder.Usage()
	if u.Estimated {
		u.InputTokens, u.OutputTokens = estimate.Request(s.req), estimate.Bytes(s.output)
	}
	return u
}

func (s *stream) fail(err error) { s.yield(nil, s.backend.problem(err, s.req.Model)) }
