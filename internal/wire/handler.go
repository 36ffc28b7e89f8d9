package wire

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/awsquery"
	"github.com/outcrop-ai/outcrop/internal/wire/route"
)

// protocol is one wire protocol's part in an exchange.
type protocol interface {
	// operation finds the operation, if that was not done; the body is read.
	operation(x *exchange) error
	// input reads the operation's input from the request.
	input(x *exchange, in smithy.Struct) error
	// output sends the answer.
	output(x *exchange, out smithy.Struct) error
	// modelled sends an error that the service models.
	modelled(x *exchange, e smithy.Struct)
	// unmodelled sends one that it does not.
	unmodelled(x *exchange, e APIError)
}

// exchange is one request and its response.
type exchange struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context //nolint:containedctx // of the one request
	proto  protocol
	form   *awsquery.Form // of the query protocol
	svc    *service
	op     *operation
	labels [route.MaxLabels]string
	call   call.Call
	id     Identity

	limit    int64
	buf      *[]byte // pooled
	body     []byte
	bodyRead bool
	bodyErr  error
	keepBody bool      // the input refers to body
	read     time.Time // when the request was read
	sent     bool      // the response has begun
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inFlight.Add(1)
	defer h.inFlight.Add(-1)
	s := scopeOf(r)
	if !h.table.names[s.service] {
		if m := h.mounted(r.URL.Path); m != nil {
			m.ServeHTTP(w, r)
			return
		}
	}
	x := &exchange{h: h, w: w, r: r, proto: restJSON{}}
	x.call = call.Call{
		RequestID: newRequestID(), Region: s.region, Start: time.Now(), Header: http.Header{},
	}
	if x.call.Region == "" {
		x.call.Region = h.cfg.DefaultRegion
	}
	w.Header()["X-Amzn-Requestid"] = []string{x.call.RequestID}
	defer x.finish()
	if err := x.route(s); err != nil {
		x.fail(err)
		return
	}
	if err := x.serve(); err != nil {
		x.fail(err)
	}
}

// mounted returns the handler for the first segment of path.
func (h *Handler) mounted(path string) http.Handler {
	seg, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return h.cfg.Mounts[seg]
}

// newRequestID returns a random UUID, version 4.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[:], b[:4])
	hex.Encode(out[9:], b[4:6])
	hex.Encode(out[14:], b[6:8])
	hex.Encode(out[19:], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// route finds out which service and protocol the request is for.
func (x *exchange) route(s scope) error {
	if svc := x.h.table.queryService(x.r, s); svc != nil {
		x.proto = queryProtocol{}
		x.svc = svc
		x.limit = x.h.cfg.limit(svc.Model.Name, "")
		return nil
	}
	op, labels, ok := x.h.table.rest(x.r, s)
	if !ok {
		return x.h.table.unknown(x.r, s)
	}
	x.svc, x.op, x.labels = op.svc, op, labels
	x.limit = op.limit
	return nil
}

// serve carries the exchange through to its output. An error it returns is to be
// sent, unless the output has begun.
func (x *exchange) serve() error {
	x.call.Service = x.svc.Model.Name
	if x.op != nil {
		x.call.Operation = x.op.Name
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	if !x.streaming() {
		if err := x.readBody(); err != nil {
			return err
		}
	}
	x.read = time.Now()
	if err := x.proto.operation(x); err != nil {
		return err
	}
	x.call.Operation = x.op.Name
	in := x.op.NewInput()
	if err := x.proto.input(x, in); err != nil {
		return err
	}
	x.ctx = call.With(x.r.Context(), &x.call)
	if x.h.cfg.Authorize != nil {
		if err := x.h.cfg.Authorize(x.ctx, &x.call, x.op.Operation, in); err != nil {
			return err
		}
	}
	out, err := x.op.Invoke(x.ctx, x.svc.Impl, in)
	if err != nil {
		return err
	}
	x.mergeHeader()
	return x.proto.output(x, out)
}

// streaming reports whether the request's body is an event stream, which is read
// while the operation runs.
func (x *exchange) streaming() bool { return x.op != nil && x.op.InputStream }

func (x *exchange) authenticate() error {
	id, err := x.h.cfg.Authenticate(x.r.Context(), &AuthRequest{
		HTTP:        x.r,
		BodyHash:    x.bodyHash,
		Streaming:   x.streaming(),
		Service:     x.svc.Model.Name,
		Operation:   x.call.Operation,
		SigningName: x.svc.Model.SigningName,
		Protocols:   x.svc.Model.Protocols,
	})
	if err != nil {
		return err
	}
	x.id = id
	if id.Region != "" {
		x.call.Region = id.Region
	}
	x.call.Principal = id.Principal
	x.call.Account = id.Principal.Account
	x.call.Revalidate = id.Revalidate
	return nil
}

func (x *exchange) bodyHash() ([32]byte, error) {
	if x.streaming() {
		return sha256.Sum256(nil), nil
	}
	if err := x.readBody(); err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(x.body), nil
}

// readBody reads the body once.
func (x *exchange) readBody() error {
	if x.bodyRead {
		return x.bodyErr
	}
	x.bodyRead = true
	x.buf = x.h.bodies.get()
	x.body, x.bodyErr = x.h.readBody(x.w, x.r, x.limit, *x.buf)
	return x.bodyErr
}

// mergeHeader adds the headers that the handler asked for.
func (x *exchange) mergeHeader() {
	h := x.w.Header()
	for name, values := range x.call.Header {
		h[name] = values
	}
}

// finish gives back what the exchange borrowed, and turns a panic into an error.
func (x *exchange) finish() {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint,err113 // the value net/http asks for
			panic(p)
		}
		x.h.log.ErrorContext(x.r.Context(), "panic in handler", x.attrs(), "panic", p, "stack", string(debug.Stack()))
		if x.sent {
			// What was sent so far must not look whole.
			panic(http.ErrAbortHandler)
		}
		x.proto.unmodelled(x, internalError())
		return // the input may still be in use
	}
	if !x.bodyRead && x.r.ContentLength != 0 && x.r.Body != http.NoBody {
		// net/http reads on to save the connection; not for as long as it takes.
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(x.h.cfg.BodyGrace))
	}
	if x.buf != nil && !x.keepBody {
		*x.buf = x.body
		x.h.bodies.put(x.buf)
	}
}

func (x *exchange) attrs() slog.Attr {
	return slog.Group("call", "requestID", x.call.RequestID, "service", x.call.Service, "operation", x.call.Operation)
}

func internalError() *ProtocolError {
	return &ProtocolError{
		Code: "InternalServerException", Status: http.StatusInternalServerError,
		Message: "An internal error occurred. Retry your request.",
	}
}

// fail sends err in the protocol's form.
func (x *exchange) fail(err error) {
	if x.sent {
		x.h.log.WarnContext(x.r.Context(), "response broke off", x.attrs(), "error", err)
		panic(http.ErrAbortHandler)
	}
	if x.gone(err) {
		return
	}
	x.mergeHeader()
	if e, ok := errors.AsType[*fault.Error](err); ok && e.RetryAfter > 0 {
		seconds := int64((e.RetryAfter + time.Second - 1) / time.Second)
		x.w.Header().Set("Retry-After", formatInt(seconds))
	}
	modelled, api := x.explain(err)
	if modelled != nil {
		x.proto.modelled(x, modelled)
		return
	}
	if status := api.HTTPStatusCode(); status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout {
		// The rest of the body will not be read.
		if x.r.ProtoMajor == 1 {
			x.w.Header()["Connection"] = []string{"close"}
		}
	}
	x.proto.unmodelled(x, api)
}

// gone reports whether there is nobody left to send err to.
func (x *exchange) gone(err error) bool {
	return errors.Is(err, context.Canceled) && x.r.Context().Err() != nil
}

// explain turns err into an error of the service's model, or into one of the
// protocol's.
func (x *exchange) explain(err error) (smithy.Struct, APIError) {
	type modelledError interface {
		error
		smithy.Struct
	}
	if e, ok := errors.AsType[modelledError](err); ok && e.Schema().Error != "" {
		return e, nil
	}
	if e, ok := errors.AsType[APIError](err); ok {
		return nil, e
	}
	if e := requestError(err); e != nil {
		return nil, e
	}
	if x.svc != nil && x.h.cfg.MapError != nil {
		if e := x.h.cfg.MapError(x.svc.Model.Name, err); e != nil {
			return e, nil
		}
	}
	return nil, x.unmapped(err)
}

// unmapped is for errors that MapError does not know.
func (x *exchange) unmapped(err error) APIError {
	if e, ok := errors.AsType[*smithy.ValidationError](err); ok {
		return &ProtocolError{Code: "ValidationException", Status: http.StatusBadRequest, Message: e.Error()}
	}
	if e, ok := errors.AsType[*smithy.NotImplementedError](err); ok {
		return &ProtocolError{Code: "NotImplementedException", Status: http.StatusNotImplemented, Message: e.Error()}
	}
	x.h.log.ErrorContext(x.r.Context(), "unexplained error", x.attrs(), "error", err)
	return internalError()
}
