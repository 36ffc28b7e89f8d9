// Package anthropic answers through Anthropic's Messages API, or any server that
// speaks it.
//
// It is transport only. dialect/anthropic knows the bodies, backend/upstream the
// exchange and the meaning of a refusal; this package joins them, and adds token
// counts and the list of models.
//
// A request that carries its body in the same dialect is sent as it is, but for the
// members that name the model and the form, and under the version of the API that it is
// written in; then each event of the answer is also yielded as it came (llm.RawEvent).
//
// The input of a stream is told with its start, so that a stream that breaks has its
// cost recorded; who records estimates the output, which the API tells last.
package anthropic

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/backend/upstream"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// DefaultBaseURL is Anthropic's own API.
const DefaultBaseURL = "https://api.anthropic.com"

// Config describes a server.
type Config struct {
	// Name is the backend's name in the configuration. Required.
	Name string
	// BaseURL is the address under which /v1/messages is; a trailing /v1 is fine.
	// Empty: DefaultBaseURL.
	BaseURL string
	// APIKey is sent as x-api-key. Empty: none, as local servers may want.
	APIKey string
	// Headers are sent with each request, e.g. an Authorization of a proxy's.
	Headers map[string]string
	// Betas are the beta features to ask for with each request, besides the caller's.
	Betas []string

	// Timeout bounds a whole call, FirstTokenTimeout the time to a stream's first
	// event, IdleTimeout the silence inside a stream. Zero: upstream's defaults.
	Timeout, FirstTokenTimeout, IdleTimeout time.Duration

	// Transport carries the requests; nil: one of the backend's own.
	Transport http.RoundTripper
}

// Backend is one server. It implements llm.ChatModel and llm.TokenCounter and is safe
// for concurrent use.
type Backend struct {
	name   string
	client *upstream.Client
	betas  []string

	messages, count, models *url.URL
}

// New checks cfg and returns a backend. It does not contact the server.
func New(cfg Config) (*Backend, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	header := http.Header{"Anthropic-Version": {dialect.Version2023}}
	if cfg.APIKey != "" {
		header.Set("X-Api-Key", cfg.APIKey)
	}
	for k, v := range cfg.Headers {
		header.Set(k, v)
	}
	client, err := upstream.NewClient(upstream.Config{
		Name: cfg.Name, BaseURL: strings.TrimSuffix(strings.TrimSuffix(cfg.BaseURL, "/"), "/v1") + "/v1",
		Header: header, Secrets: []string{cfg.APIKey},
		Timeout: cfg.Timeout, FirstTokenTimeout: cfg.FirstTokenTimeout, IdleTimeout: cfg.IdleTimeout,
		Transport: cfg.Transport,
	})
	if err != nil {
		return nil, err
	}
	return &Backend{
		name: cfg.Name, client: client, betas: cfg.Betas,
		messages: client.URL("/messages"),
		count:    client.URL("/messages/count_tokens"),
		models:   client.URL("/models?limit=1000"),
	}, nil
}

// Close releases the backend's idle connections.
func (b *Backend) Close() { b.client.Close() }

// BaseURL returns the API's address, ending in /v1, without credentials.
func (b *Backend) BaseURL() string { return b.client.BaseURL() }

// Chat implements llm.ChatModel.
func (b *Backend) Chat(ctx context.Context, req *llm.ChatRequest) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		body, err := dialect.EncodeRequest(ctx, req, dialect.Direct)
		if err == nil {
			err = llm.NoLogprobs(req)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		resp, err := b.client.Do(ctx, b.request(b.messages, body, req))
		if err != nil {
			yield(nil, err)
			return
		}
		defer resp.Close()
		if !req.Stream || resp.JSON() {
			b.whole(resp, req, yield)
			return
		}
		s := &stream{backend: b, req: req, resp: resp, decoder: dialect.NewStreamDecoder(req), yield: yield}
		s.run()
	}
}

func (b *Backend) request(to *url.URL, body *dialect.Request, req *llm.ChatRequest) *upstream.Request {
	out := &upstream.Request{URL: to, Body: body.Body, Model: req.Model, Stream: req.Stream, Header: http.Header{}}
	if len(b.betas)+len(body.Betas) > 0 {
		out.Header.Set("Anthropic-Beta", strings.Join(slices.Concat(b.betas, body.Betas), ","))
	}
	if body.Version != "" {
		out.Header.Set("Anthropic-Version", body.Version)
	}
	return out
}

func (b *Backend) served(req *llm.ChatRequest) llm.Served {
	return llm.Served{Backend: b.name, Model: req.Model, Fidelity: llm.Real}
}

// unreadable is the fault of an answer that isn't what the API promises.
func unreadable(err error) error {
	return fault.Wrap(fault.ModelError, err, "The model's answer cannot be read.")
}

// whole yields an answer that came in one piece.
func (b *Backend) whole(resp *upstream.Response, req *llm.ChatRequest, yield func(llm.Event, error) bool) {
	data, err := resp.ReadAll()
	if err != nil {
		yield(nil, err)
		return
	}
	out, err := dialect.DecodeResponse(data, req)
	if err != nil {
		yield(nil, unreadable(err))
		return
	}
	sent := out.Raw != nil && !req.Stream // a door that waits for events cannot use a whole body
	if sent && !yield(&llm.RawEvent{Dialect: dialect.Dialect, Data: data}, nil) {
		return
	}
	out.Raw, out.Served = nil, b.served(req)
	for e, err := range llm.Replay(out) {
		if !yield(e, err) {
			return
		}
	}
}

// stream is one streamed answer under way.
type stream struct {
	backend *Backend
	req     *llm.ChatRequest
	resp    *upstream.Response
	decoder *dialect.StreamDecoder
	yield   func(llm.Event, error) bool
}

func (s *stream) run() {
	for !s.decoder.Ended() {
		ev, err := s.resp.Next()
		switch {
		case errors.Is(err, io.EOF):
			s.yield(nil, unreadable(llm.ErrTruncated))
			return
		case err != nil:
			s.yield(nil, err)
			return
		}
		events, err := s.decoder.Decode(ev.Data)
		if err != nil {
			s.yield(nil, s.problem(err))
			return
		}
		for _, e := range events {
			if !s.pass(e) {
				return
			}
		}
	}
	s.resp.Drain()
}

// problem gives an error of the dialect its fault.
func (s *stream) problem(err error) error {
	if said, ok := errors.AsType[*dialect.StreamError](err); ok {
		return s.backend.client.Fault(upstream.Problem{Type: said.Type, Message: said.Message}, s.req.Model)
	}
	return unreadable(err)
}

// pass yields an event, with what only the backend knows.
func (s *stream) pass(e llm.Event) bool {
	if start, ok := e.(*llm.MessageStart); ok {
		start.Served = s.backend.served(s.req)
	}
	return s.yield(e, nil)
}

// CountTokens implements llm.TokenCounter.
func (b *Backend) CountTokens(ctx context.Context, req *llm.ChatRequest) (int, error) {
	body, err := dialect.EncodeCountRequest(ctx, req, dialect.Direct)
	if err != nil {
		return 0, err
	}
	out := b.request(b.count, body, req)
	out.Stream = false
	data, err := b.exchange(ctx, out)
	if err != nil {
		return 0, err
	}
	n, err := dialect.DecodeCount(data)
	if err != nil {
		return 0, unreadable(err)
	}
	return n, nil
}

// maxPages bounds how far Models follows a list.
const maxPages = 20

// Models returns the names of the server's models in its order.
func (b *Backend) Models(ctx context.Context) ([]string, error) {
	var names []string
	next := b.models
	for range maxPages {
		data, err := b.exchange(ctx, &upstream.Request{URL: next})
		if err != nil {
			return nil, err
		}
		var page struct {
			Data *[]struct {
				ID string `json:"id"`
			} `json:"data"`
			HasMore bool   `json:"has_more"`
			LastID  string `json:"last_id"`
		}
		if err := json.Unmarshal(data, &page); err != nil || page.Data == nil {
			return nil, fault.Wrap(fault.ModelError, err, "The server's list of models cannot be read; is it Anthropic's API?")
		}
		for _, m := range *page.Data {
			names = append(names, m.ID)
		}
		if !page.HasMore || page.LastID == "" {
			break
		}
		next = b.client.URL("/models?limit=1000&after_id=" + url.QueryEscape(page.LastID))
	}
	return names, nil
}

func (b *Backend) exchange(ctx context.Context, req *upstream.Request) ([]byte, error) {
	resp, err := b.client.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	defer resp.Close()
	return resp.ReadAll()
}
