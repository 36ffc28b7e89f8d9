// Package anthropic is the door for clients of Anthropic's own API, as Bedrock has it
// beside its own operations: POST /anthropic/v1/messages and
// /anthropic/v1/messages/count_tokens, GET /anthropic/v1/models and
// /anthropic/v1/models/{id}.
//
// It takes an API key in x-api-key or as a bearer token, or SigV4, asks the same spine
// and leaves the same records as InvokeModel. Bodies, streams and errors are in
// Anthropic's form. Any chat model of the catalog answers, not only Anthropic's.
//
// Batches, files and the rest of Anthropic's API are not here: they are "not found".
package anthropic

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/api/access"
	"github.com/outcrop-ai/outcrop/internal/api/door"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/anthropic"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// Config is what the door needs. All fields but Logger are required.
type Config struct {
	Models        door.Models
	Catalog       *catalog.Catalog
	Authenticate  door.Authenticate
	Authorize     func(context.Context, call.Principal, access.Needs) error
	DefaultRegion string
	Logger        *slog.Logger // nil: silent
}

// operations answers the door's requests.
type operations struct{ cfg Config }

// New returns the handler of the paths below /anthropic/. It is safe for concurrent use.
func New(cfg Config) http.Handler {
	o := operations{cfg}
	d := door.New(door.Config{
		Service: "anthropic", Authenticate: cfg.Authenticate, DefaultRegion: cfg.DefaultRegion,
		Fail: failure, Logger: cfg.Logger,
	})
	d.Handle("POST /anthropic/v1/messages", "Messages", o.messages)
	d.Handle("POST /anthropic/v1/messages/count_tokens", "CountTokens", o.count)
	d.Handle("GET /anthropic/v1/models", "ListModels", o.models)
	d.Handle("GET /anthropic/v1/models/{id...}", "RetrieveModel", o.model)
	d.HandleUnknown("/anthropic/", "POST /anthropic/v1/messages, POST /anthropic/v1/messages/count_tokens, GET /anthropic/v1/models and GET /anthropic/v1/models/{model}")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Request-Id", w.Header().Get("X-Amzn-Requestid")) // where Anthropic's clients look
		d.ServeHTTP(w, r)
	})
}

// internalText is all that a client learns of an error that is ours.
const internalText = "Internal server error"

// failure gives an error Anthropic's form.
func failure(err error, requestID string) door.Failure {
	if api, ok := errors.AsType[wire.APIError](err); ok {
		return problem(dialect.Unauthenticated, api.ErrorMessage(), requestID)
	}
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case errors.Is(err, door.ErrTooLarge):
		return problem(dialect.TooLarge, f.Message, requestID)
	case !ok || f.Kind == fault.Internal:
		return problem(dialect.ProblemOf(fault.KindOf(err)), internalText, requestID)
	}
	out := problem(dialect.ProblemOf(f.Kind), f.Message, requestID)
	out.RetryAfter = f.RetryAfter
	return out
}

func problem(p dialect.Problem, message, requestID string) door.Failure {
	return door.Failure{Status: p.Status, Body: p.Encode(message, requestID)}
}
