// Package door is what the doors that speak another provider's API have in common: they
// find out who calls, read a bounded body, relay an answer as server-sent events and
// report errors. What the bodies say, and how errors look, is the door's own.
//
// A door takes the credentials that Bedrock takes (SigV4, or an API key), asks the same
// spine and leaves the same records as Bedrock's own operations. Strangers cannot make it
// read a body.
package door

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// maxBody bounds a request, pictures in it included.
const maxBody = 25 << 20

// bodyTime bounds how long a request's body may take to arrive.
const bodyTime = 2 * time.Minute

// ErrTooLarge is inside the error of a body that is larger than a door takes.
var ErrTooLarge = errors.New("body too large")

// Models is the spine as the doors see it.
type Models interface {
	llm.ChatModel
	llm.TokenCounter
	// Refuse records a call that ends before it reaches Chat, and returns err.
	Refuse(ctx context.Context, model string, err error) error
}

// Authenticate proves who has sent a request. It gets Config.Service as the service.
type Authenticate func(context.Context, *wire.AuthRequest) (wire.Identity, error)

// Failure is an error in a door's own form.
type Failure struct {
	Status     int
	Body       []byte        // JSON
	RetryAfter time.Duration // zero: nothing is said
}

// Config is what a door needs. All fields but Logger are required.
type Config struct {
	// Service is what calls through the door are counted under.
	Service       string
	Authenticate  Authenticate
	DefaultRegion string
	// Fail gives an error the door's own form. A wire.APIError is a failure of
	// authentication; only those and *fault.Error have a text for the client.
	Fail   func(err error, requestID string) Failure
	Logger *slog.Logger // nil: silent
}

// Body returns the request's whole body, the same each time.
type Body func() ([]byte, error)

// Operation answers one request. An error that it returns is written to the client; it
// returns none once it has begun to answer.
type Operation func(w http.ResponseWriter, r *http.Request, body Body) error

// Door is a mux of operations. It is safe for concurrent use once all are there.
type Door struct {
	cfg Config
	mux *http.ServeMux
}

// New returns a door without operations.
func New(cfg Config) *Door {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Door{cfg: cfg, mux: http.NewServeMux()}
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// Handle adds an operation for a pattern of http.ServeMux. The operation runs for
// callers who have proved who they are; its requests carry a call.Call.
func (d *Door) Handle(pattern, name string, serve Operation) {
	d.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call.Call{
			RequestID: requestID(w), Service: d.cfg.Service, Operation: name,
			Start: time.Now(), Header: w.Header(),
		}
		// The body is read when a signature has to be checked against it, or else once
		// the caller is known.
		body := sync.OnceValues(func() ([]byte, error) { return readBody(w, r) })
		err := d.identify(r, body, c)
		if err == nil {
			err = serve(w, r.WithContext(call.With(r.Context(), c)), body)
		}
		if err != nil {
			d.fail(w, err)
		}
	})
}

// HandleUnknown answers whatever below prefix no operation is for. there lists for the
// client what there is.
func (d *Door) HandleUnknown(prefix, there string) {
	d.mux.HandleFunc(prefix, func(w http.ResponseWriter, r *http.Request) {
		d.fail(w, fault.Errorf(fault.NotFound, "Unknown request: %s %s. There are %s.", r.Method, Clip(r.URL.Path), there))
	})
}

func requestID(w http.ResponseWriter) string { return w.Header().Get("X-Amzn-Requestid") }

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	rc := http.NewResponseController(w)
	if rc.SetReadDeadline(time.Now().Add(bodyTime)) == nil {
		defer func() { _ = rc.SetReadDeadline(time.Time{}) }() // the watch for a client that leaves goes on
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.Wrap(fault.Invalid, ErrTooLarge, "The request body is larger than "+strconv.Itoa(maxBody)+" bytes.")
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return nil, f // wire has no room for it
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return nil, err // the server holds too many bodies
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "The request body did not arrive whole.")
	}
	return body, nil
}

// identify proves who calls and completes c.
func (d *Door) identify(r *http.Request, read Body, c *call.Call) error {
	id, err := d.cfg.Authenticate(r.Context(), &wire.AuthRequest{
		HTTP: r,
		BodyHash: func() ([32]byte, error) {
			body, err := read()
			return sha256.Sum256(body), err
		},
		Service: d.cfg.Service, SigningName: signingName(r),
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

// signingName returns the service that a signature should be for: Bedrock's host for
// other providers' APIs has a name of its own, and clients made for it sign with that.
func signingName(r *http.Request) string {
	const mantle = "bedrock-mantle"
	if strings.Contains(r.Header.Get("Authorization"), "/"+mantle+"/aws4_request") {
		return mantle
	}
	return "bedrock"
}

// fail writes an error. What has no text for the client goes to the log.
func (d *Door) fail(w http.ResponseWriter, err error) {
	h := w.Header()
	if _, unknown := errors.AsType[wire.APIError](err); !unknown && fault.KindOf(err) == fault.Internal {
		d.cfg.Logger.Error("internal error", "service", d.cfg.Service, "request_id", requestID(w), "err", err)
	}
	f := d.cfg.Fail(err, requestID(w))
	h.Set("Content-Type", "application/json")
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write(f.Body) // a client that left reads no error
}

// WriteJSON answers with a body.
func WriteJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that left reads nothing
}

// ModelIn returns the model that a body names, if so much of it can be read: the record
// of a call that is refused should say whose call it was.
func ModelIn(body []byte) string {
	var b struct{ Model string }
	_ = json.Unmarshal(body, &b) // a model is found or not
	return b.Model
}

// Unknown reports whether a model's ID means nothing in the caller's region. Bedrock calls
// that an invalid request; clients of other providers' APIs wait for "not found".
func Unknown(ctx context.Context, models *catalog.Catalog, id string) bool {
	c := call.From(ctx)
	_, err := models.Lookup(c.Region, c.Account, id)
	return fault.Is(err, fault.Invalid)
}

// Clip shortens what a client wrote for an error about it.
func Clip(s string) string {
	const shown = 100
	if len(s) > shown {
		return strings.ToValidUTF8(s[:shown], "") + "…"
	}
	return s
}
