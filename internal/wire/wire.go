// Package wire serves AWS services over HTTP: one port for all of them.
//
// A Handler finds the service and operation that a request is for, reads its
// bounded body, has it authenticated, decodes and validates the input, has it
// authorised, calls the implementation and writes its output, its event stream or
// its error in the form of the service's protocol. A Server puts a Handler on
// listeners, with HTTP/1.1 and HTTP/2, in clear and over TLS, and drains it.
//
// What the services do, who may call them and how failures are named is decided by
// the hooks of Config; this package knows protocols only. Each protocol is a child
// package and one file here.
//
// Paths are matched as they stand on the wire, escaped and with trailing slashes.
// A request is dispatched by the service its signature's scope names; one without a
// scope by its path. The scope is not believed until Authenticate has returned.
package wire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

// Config says what a Handler serves and with whose help.
type Config struct {
	Services []Service

	// Authenticate proves who sent a request. An error that is an APIError is sent
	// to the client as it is, any other as an internal error. Required.
	Authenticate func(ctx context.Context, r *AuthRequest) (Identity, error)
	// Authorize decides whether the caller may do op with in; nil allows all. Its
	// error goes through MapError.
	Authorize func(ctx context.Context, c *call.Call, op *smithy.Operation, in smithy.Struct) error
	// Refused is told of a request whose input its protocol or its constraints refused,
	// once its caller is known; in holds what was read until then. Nil: nobody is told.
	Refused func(ctx context.Context, c *call.Call, in smithy.Struct, err error)
	// MapError returns a service's error for one that is none already: a modelled
	// exception or an APIError. Nil, or any other result, makes it an internal error.
	MapError func(service string, err error) error

	// Mounts are handlers of other doors by the first segment of their paths:
	// "healthz", "openai". They come before the services, but for those that are
	// ScopeOnly, and find the request's ID in the response's headers.
	Mounts map[string]http.Handler

	// Scopes are handlers of whole services by the signing name that a request's scope
	// claims: "s3", whose paths overlap all others. They come before everything else, and
	// find the request's ID as mounts do. They authenticate, and bound what they read.
	Scopes map[string]http.Handler

	// DefaultRegion is the region of requests whose credential names none.
	DefaultRegion string
	// StreamDelay is the least time between reading a request and sending the first
	// event of its stream: clients that race with the response's headers lose
	// streams that come sooner. Zero means 1 ms, a negative value no delay.
	StreamDelay time.Duration
	// WriteTimeout bounds the wait for a client of HTTP/2 that takes no more of a
	// stream. (Server bounds each write to a connection; one stream of many may
	// stand still without that.) Zero means 30 s.
	WriteTimeout time.Duration
	// BodyLimits bound request bodies, in bytes, by "service.Operation", "service"
	// or "". Absent ones take the limits of defaultLimits.
	BodyLimits map[string]int64
	// BodyBudget bounds the bytes of all bodies together that are being served, those
	// of mounted handlers too; what would exceed it is fault.Unavailable. It should be
	// no less than the largest limit. Zero means 512 MiB.
	BodyBudget int64
	// BodyGrace and BodyRate bound the time a body may take to arrive: the grace,
	// and a second more for each BodyRate bytes. Zero means 10 s and 64 KiB.
	BodyGrace time.Duration
	BodyRate  int64

	Logger *slog.Logger // nil discards
}

// Service is one AWS service.
type Service struct {
	Model *smithy.Service
	Impl  any // implements the service's generated interface
	// Padding adds to each event of a stream what hides the size of its text, as
	// bedrock-runtime does.
	Padding bool
	// ScopeOnly leaves the service out of dispatch by path, for one whose paths
	// overlap all others.
	ScopeOnly bool
}

// AuthRequest is a request to authenticate.
type AuthRequest struct {
	HTTP *http.Request
	// BodyHash reads the body, unless that was done, and returns its SHA-256.
	// Whoever can refuse a request without it keeps strangers from sending large
	// bodies. Streaming says that there is no body to hash, because the request's
	// events are still to come.
	BodyHash  func() ([32]byte, error)
	Streaming bool

	Service     string // as in smithy.Service.Name
	Operation   string // empty where the body names it
	SigningName string // the name that the signature's scope must have
	Protocols   []string
}

// Identity is the outcome of authentication.
type Identity struct {
	Principal call.Principal
	Region    string // of the credential's scope; may be empty
	// Revalidate is call.Call's.
	Revalidate func() error
	// VerifyFrame checks the signature of the next frame of a signed input event
	// stream, whose only other header is the date. Nil takes frames as they are.
	VerifyFrame func(date time.Time, payload, signature []byte) error
}

// APIError is an error that knows how the protocols show it. Errors of
// authentication implement it; so does ProtocolError.
type APIError interface {
	error
	ErrorCode() string    // "UnrecognizedClientException"
	ErrorMessage() string // for the client
	HTTPStatusCode() int
}

// ProtocolError is an error that no service models.
type ProtocolError struct {
	Code    string
	Status  int
	Message string
}

// Error implements error.
func (e *ProtocolError) Error() string { return e.Code + ": " + e.Message }

// ErrorCode implements APIError.
func (e *ProtocolError) ErrorCode() string { return e.Code }

// ErrorMessage implements APIError.
func (e *ProtocolError) ErrorMessage() string { return e.Message }

// HTTPStatusCode implements APIError.
func (e *ProtocolError) HTTPStatusCode() int { return e.Status }

// Handler serves requests. It is safe for concurrent use.
type Handler struct {
	cfg      Config
	log      *slog.Logger
	table    *table
	pool     jsoncodec.Pool
	bodies   bodyPool
	budget   budget
	inFlight atomic.Int64
}

// New returns a handler, or says what is wrong with cfg.
func New(cfg Config) (*Handler, error) {
	if cfg.Authenticate == nil {
		return nil, errors.New("wire: Config.Authenticate is nil")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.StreamDelay == 0 {
		cfg.StreamDelay = time.Millisecond
	}
	if cfg.BodyGrace <= 0 {
		cfg.BodyGrace = 10 * time.Second
	}
	if cfg.WriteTimeout <= 0 {
		cfg.WriteTimeout = 30 * time.Second
	}
	if cfg.BodyRate <= 0 {
		cfg.BodyRate = 64 << 10
	}
	if cfg.BodyBudget <= 0 {
		cfg.BodyBudget = defaultBudget
	}
	h := &Handler{cfg: cfg, log: cfg.Logger}
	h.budget.limit = cfg.BodyBudget
	var err error
	if h.table, err = newTable(cfg, &h.pool); err != nil {
		return nil, err
	}
	return h, nil
}

// InFlight returns how many requests are being served.
func (h *Handler) InFlight() int64 { return h.inFlight.Load() }
