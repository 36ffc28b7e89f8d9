// Package openai is the OpenAI-style door that Bedrock has beside its own operations:
// POST /openai/v1/chat/completions, GET /openai/v1/models and /openai/v1/models/{id}.
//
// It takes the same credentials (an API key as a bearer token, or SigV4), asks the same
// spine and leaves the same records as Converse. Bodies and errors are in OpenAI's form.
package openai

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/api/access"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	dialect "github.com/outcrop-ai/outcrop/internal/dialect/openai"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// service is what calls through this door are counted under.
const service = "openai"

// maxBody bounds a request, pictures in it included.
const maxBody = 25 << 20

// bodyTime bounds how long a request's body may take to arrive.
const bodyTime = 2 * time.Minute

// Models is the spine as this room sees it.
type Models interface {
	llm.ChatModel
	// Refuse records a call that ends before it reaches Chat, and returns err.
	Refuse(ctx context.Context, model string, err error) error
}

// reader returns a request's whole body.
type reader func() ([]byte, error)

// Config is what the door needs. All fields but Logger are required.
type Config struct {
	Models        Models
	Catalog       *catalog.Catalog
	Authenticate  func(context.Context, *wire.AuthRequest) (wire.Identity, error)
	Authorize     func(context.Context, call.Principal, access.Needs) error
	DefaultRegion string
	Logger        *slog.Logger // nil: silent
}

// Door serves the paths below /openai/. It is safe for concurrent use.
type Door struct {
	cfg Config
	mux *http.ServeMux
}

// New returns a door.
func New(cfg Config) *Door {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Door{cfg: cfg, mux: http.NewServeMux()}
	d.mux.HandleFunc("POST /openai/v1/chat/completions", d.served("ChatCompletions", d.chat))
	d.mux.HandleFunc("GET /openai/v1/models", d.served("ListModels", d.models))
	d.mux.HandleFunc("GET /openai/v1/models/{id...}", d.served("RetrieveModel", d.model))
	d.mux.HandleFunc("/openai/", func(w http.ResponseWriter, r *http.Request) {
		d.fail(w, fault.Errorf(fault.NotFound, "Unknown request: %s %s. There are POST /openai/v1/chat/completions, GET /openai/v1/models and GET /openai/v1/models/{model}.", r.Method, clip(r.URL.Path)))
	})
	return d
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// served wraps an operation with what all of them need: who calls, the body, and errors
// in OpenAI's form.
func (d *Door) served(operation string, serve func(http.ResponseWriter, *http.Request, reader) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call.Call{
			RequestID: w.Header().Get("X-Amzn-Requestid"), Service: service, Operation: operation,
			Start: time.Now(), Header: w.Header(),
		}
		// The body is read when a signature has to be checked against it, or else once
		// the caller is known: strangers cannot make the door read.
		read := sync.OnceValues(func() ([]byte, error) { return readBody(w, r) })
		err := d.identify(r, read, c)
		if err == nil {
			err = serve(w, r.WithContext(call.With(r.Context(), c)), read)
		}
		if err != nil {
			d.fail(w, err)
		}
	}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	rc := http.NewResponseController(w)
	if rc.SetReadDeadline(time.Now().Add(bodyTime)) == nil {
		defer func() { _ = rc.SetReadDeadline(time.Time{}) }() // the watch for a client that leaves goes on
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.Errorf(fault.Invalid, "The request body is larger than %d bytes.", maxBody)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The request body did not arrive whole.")
	}
	return body, nil
}

// identify proves who calls and completes c.
func (d *Door) identify(r *http.Request, read reader, c *call.Call) error {
	id, err := d.cfg.Authenticate(r.Context(), &wire.AuthRequest{
		HTTP: r,
		BodyHash: func() ([32]byte, error) {
			body, err := read()
			return sha256.Sum256(body), err
		},
		Service: "bedrock-runtime", SigningName: "bedrock",
	})
	if err != nil {
		return err
	}
	c.Principal, c.Account, c.Region, c.Revalidate = id.Principal, id.Principal.Account, id.Region, id.Revalidate
	if c.Region == "" {
		c.Region = d.cfg.DefaultRegion
	}
	return nil
}

// fail writes an error. Only faults and failures of authentication have a text for the
// client; the rest goes to the log.
func (d *Door) fail(w http.ResponseWriter, err error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if api, ok := errors.AsType[wire.APIError](err); ok {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write(unauthorized(api)) // a client that left reads no error
		return
	}
	if fault.KindOf(err) == fault.Internal {
		d.cfg.Logger.Error("openai door", "request_id", h.Get("X-Amzn-Requestid"), "err", err)
	}
	e := dialect.EncodeError(err)
	if e.RetryAfter > 0 {
		h.Set("Retry-After", seconds(e.RetryAfter))
	}
	w.WriteHeader(e.Status)
	_, _ = w.Write(e.Body) // a client that left reads no error
}

// clip shortens what a client wrote for an error about it.
func clip(s string) string {
	const shown = 100
	if len(s) > shown {
		return strings.ToValidUTF8(s[:shown], "") + "…"
	}
	return s
}
