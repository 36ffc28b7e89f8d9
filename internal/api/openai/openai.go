// Package openai is the OpenAI-style door that Bedrock has beside its own operations:
// POST /openai/v1/chat/completions and /openai/v1/embeddings, GET /openai/v1/models and
// /openai/v1/models/{id}.
//
// It takes the same credentials (an API key as a bearer token, or SigV4), asks the same
// spine and leaves the same records as Converse. Bodies and errors are in OpenAI's form.
package openai

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/api/access"
	"github.com/outcrop-ai/outcrop/internal/api/door"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/openai"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// Config is what the door needs. All fields but Logger are required.
type Config struct {
	Models        Models
	Catalog       *catalog.Catalog
	Authenticate  door.Authenticate
	Authorize     func(context.Context, call.Principal, access.Needs) error
	DefaultRegion string
	Logger        *slog.Logger // nil: silent
}

// operations answers the door's requests.
type operations struct{ cfg Config }

// New returns the handler of the paths below /openai/. It is safe for concurrent use.
func New(cfg Config) http.Handler {
	o := operations{cfg}
	d := door.New(door.Config{
		Service: "openai", Authenticate: cfg.Authenticate, DefaultRegion: cfg.DefaultRegion,
		Fail: failure, Logger: cfg.Logger,
	})
	d.Handle("POST /openai/v1/chat/completions", "ChatCompletions", o.chat)
	d.Handle("POST /openai/v1/embeddings", "Embeddings", o.embed)
	d.Handle("GET /openai/v1/models", "ListModels", o.models)
	d.Handle("GET /openai/v1/models/{id...}", "RetrieveModel", o.model)
	d.HandleUnknown("/openai/", "POST /openai/v1/chat/completions, POST /openai/v1/embeddings, GET /openai/v1/models and GET /openai/v1/models/{model}")
	return d
}

func failure(err error, _ string) door.Failure {
	if api, ok := errors.AsType[wire.APIError](err); ok {
		return door.Failure{Status: http.StatusUnauthorized, Body: unauthorized(api)}
	}
	return door.Failure(dialect.EncodeError(err))
}

// unauthorized is a failure of authentication in OpenAI's form.
func unauthorized(e wire.APIError) []byte {
	var body struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    string  `json:"code"`
		} `json:"error"`
	}
	body.Error.Message = e.ErrorMessage()
	body.Error.Type = "invalid_request_error"
	body.Error.Code = "invalid_api_key"
	out, err := json.Marshal(body)
	if err != nil {
		return []byte(`{"error":{}}`) // strings always marshal
	}
	return out
}
