package openai

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/backend/estimate"
	"github.com/outcrop-ai/outcrop/internal/backend/upstream"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/openai"
	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// tokenizerKind says how a server counts tokens.
type tokenizerKind = int32

const (
	tokenizerUnknown tokenizerKind = iota // not asked yet
	tokenizerVLLM                         // /tokenize takes messages
	tokenizerLlama                        // /apply-template, then /tokenize
	tokenizerNone                         // it does not: estimate
)

// TokenCount is a number of input tokens.
type TokenCount struct {
	Tokens int
	// Estimated: the server has no tokenizer to ask, see package estimate.
	Estimated bool
}

// CountTokens implements llm.TokenCounter; see Count.
func (b *Backend) CountTokens(ctx context.Context, req *llm.ChatRequest) (int, error) {
	n, err := b.Count(ctx, req)
	return n.Tokens, err
}

// Count returns the input tokens of a request, counted by the server's own
// tokenizer where it offers one beside the API (vLLM and llama.cpp do, chat
// completions itself has no such call), else estimated. Which it is, is found out
// by the first call and remembered.
func (b *Backend) Count(ctx context.Context, req *llm.ChatRequest) (TokenCount, error) {
	if b.hosted || b.tokenizer.Load() == tokenizerNone {
		return TokenCount{Tokens: estimate.Request(req), Estimated: true}, nil
	}
	plain := *req
	plain.Raw, plain.Extra, plain.Stream = nil, nil, false
	body, err := dialect.AppendRequest(ctx, nil, &plain, b.options)
	if err != nil {
		return TokenCount{}, err
	}
	n, ok, err := b.askTokenizer(ctx, body, req.Model)
	if err != nil {
		return TokenCount{}, err
	}
	if !ok {
		b.tokenizer.Store(tokenizerNone)
		return TokenCount{Tokens: estimate.Request(req), Estimated: true}, nil
	}
	return TokenCount{Tokens: n}, nil
}

// askTokenizer counts by the server's tokenizer; ok is false when it has none.
func (b *Backend) askTokenizer(ctx context.Context, body []byte, model string) (n int, ok bool, err error) {
	if b.tokenizer.Load() != tokenizerLlama {
		n, ok, err = b.askVLLM(ctx, body, model)
		if ok || err != nil {
			return n, ok, err
		}
	}
	return b.askLlama(ctx, body, model)
}

func (b *Backend) askVLLM(ctx context.Context, body []byte, model string) (int, bool, error) {
	request, err := pick(body, "model", "messages", "tools")
	if err != nil {
		return 0, false, err
	}
	var answer struct {
		Count *int `json:"count"`
	}
	if ok, err := b.ask(ctx, &upstream.Request{URL: b.tokenize, Body: request, Model: model}, &answer); !ok || err != nil {
		return 0, false, err
	}
	if answer.Count == nil { // llama.cpp: it looks for "content" only
		return 0, false, nil
	}
	b.tokenizer.Store(tokenizerVLLM)
	return *answer.Count, true, nil
}

func (b *Backend) askLlama(ctx context.Context, body []byte, model string) (int, bool, error) {
	request, err := pick(body, "messages", "tools")
	if err != nil {
		return 0, false, err
	}
	var templated struct {
		Prompt *string `json:"prompt"`
	}
	if ok, err := b.ask(ctx, &upstream.Request{URL: b.applyTemplate, Body: request, Model: model}, &templated); !ok || err != nil {
		return 0, false, err
	}
	if templated.Prompt == nil {
		return 0, false, nil
	}
	request, err = json.Marshal(map[string]any{"content": *templated.Prompt, "add_special": true, "parse_special": true})
	if err != nil {
		return 0, false, err
	}
	var answer struct {
		Tokens *[]json.RawMessage `json:"tokens"`
	}
	if ok, err := b.ask(ctx, &upstream.Request{URL: b.tokenize, Body: request, Model: model}, &answer); !ok || err != nil {
		return 0, false, err
	}
	if answer.Tokens == nil {
		return 0, false, nil
	}
	b.tokenizer.Store(tokenizerLlama)
	return len(*answer.Tokens), true, nil
}

// ask makes an exchange and reads JSON; ok is false when the server does not know
// the address, or answers with something else.
func (b *Backend) ask(ctx context.Context, r *upstream.Request, answer any) (ok bool, err error) {
	data, err := b.exchange(ctx, r)
	if err != nil {
		return false, unlessAbsent(err)
	}
	return json.Unmarshal(data, answer) == nil, nil
}

// unlessAbsent returns nil for an answer that says that there is no such address.
func unlessAbsent(err error) error {
	switch e := asFault(err); {
	case e == nil:
		return err
	case e.Kind == fault.ModelError && (e.OriginalStatus == http.StatusNotFound || e.OriginalStatus == http.StatusMethodNotAllowed),
		e.Kind == fault.Invalid, e.Kind == fault.ModelError && e.OriginalStatus == http.StatusNotImplemented:
		return nil
	}
	return err
}

// pick returns an object of some members of another one.
func pick(body []byte, keys ...string) ([]byte, error) {
	var fields []rawjson.Field
	for _, k := range keys {
		v, err := rawjson.Get(body, k)
		if err != nil {
			return nil, err
		}
		if v != nil {
			fields = append(fields, rawjson.Field{Key: k, Value: v})
		}
	}
	return rawjson.Set([]byte("{}"), fields...)
}
