package wire

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
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
	id := newRequestID()
	w.Header()["X-Amzn-Requestid"] = []string{id}
	if whole := h.cfg.Scopes[s.service]; whole != nil {
		whole.ServeHTTP(w, r)
		return
	}
	if r.ContentLength != 0 && r.Body != http.NoBody {
		body := &meteredBody{ReadCloser: r.Body, budget: &h.budget}
		defer body.release()
		r.Body = body
	}
	if !h.table.scopeOnly[s.service] {
		if m := h.mounted(r.URL.Path); m != nil {
			m.ServeHTTP(w, r)
			return
		}
	}
	x := &exchange{h: h, w: w, r: r, ctx: r.Context(), proto: restJSON{}}
	x.call = call.Call{
		RequestID: id, Region: s.region, Start: time.Now(), Header: http.Header{},
	}
	if x.call.Region == "" {
		x.call.Region = h.cfg.DefaultRegion
	}
	defer x.finish()
	err := x.route(s)
	if err == nil {
		err = x.serve()
	}
	if err != nil {
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
	if u, ok := unbuiltRequest(x.r); ok {
		return x.routeUnbuilt(u, s)
	}
	if svc := x.h.table.queryService(x.r, s); svc != nil {
		x.proto = queryProtocol{}
		x.svc = svc
		x.limit = x.h.cfg.limit(svc.Model.Name, "")
		return nil
	}
	op, labels, ok := x.h.table.rest(x.r, s)
	if !ok {
		if p, ok := unserved(x.r, s); ok {
			x.proto = p
		}
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
	x.ctx = call.With(x.ctx, &x.call)
	if err := x.proto.input(x, in); err != nil {
		if x.h.cfg.Refused != nil {
			x.h.cfg.Refused(x.ctx, &x.call, in, err)
		}
		return err
	}
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
	id, err := x.h.cfg.Authenticate(x.ctx, &AuthRequest{
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
	maps.Copy(x.w.Header(), x.call.Header)
}

// finish gives back what the exchange borrowed, and turns a panic into an error.
func (x *exchange) finish() {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint,err113 // the value net/http asks for
			panic(p) //nolint:forbidigo // it is net/http's
		}
		x.h.log.ErrorContext(x.ctx, "panic in handler", x.attrs(), "panic", p, "stack", string(debug.Stack()))
		if x.sent {
			// What was sent so far must not look whole.
			panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to break off
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
