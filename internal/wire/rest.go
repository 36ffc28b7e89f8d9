package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/restjson"
)

// restJSON is restJson1 with event streams.
type restJSON struct{}

// operation implements protocol: the path told it.
func (restJSON) operation(*exchange) error { return nil }

func (restJSON) input(x *exchange, in smithy.Struct) error {
	size := int64(len(x.body))
	if x.streaming() {
		size = -1
	}
	if err := x.op.rest.CheckMedia(x.r.Header, size); err != nil {
		return err
	}
	req := &restjson.Request{HTTP: x.r, Labels: &x.labels, Body: x.body}
	r := x.op.rest.Reader(req)
	err := smithy.ReadValid(r, in)
	r.Release()
	x.keepBody = req.BodyKept
	if err == nil && x.streaming() {
		return x.receive(in)
	}
	return err
}

func (restJSON) output(x *exchange, out smithy.Struct) error {
	if x.op.OutputStream {
		return x.sendEvents(out)
	}
	resp := restjson.NewResponse(&x.h.pool, x.w.Header())
	defer resp.Release()
	resp.Output(x.op.Operation, out)
	if err := resp.Err(); err != nil {
		return fmt.Errorf("output of %s: %w", x.op.Name, err)
	}
	x.send(resp.Status, resp.Body())
	return nil
}

func (restJSON) modelled(x *exchange, e smithy.Struct) {
	resp := restjson.NewResponse(&x.h.pool, x.w.Header())
	defer resp.Release()
	delete(resp.Header, "Content-Type") // of an output that failed
	resp.Error(e)
	x.send(resp.Status, resp.Body())
}

func (restJSON) unmodelled(x *exchange, e APIError) {
	h := x.w.Header()
	h["X-Amzn-Errortype"] = []string{e.ErrorCode()}
	h["Content-Type"] = []string{"application/json"}
	body := jsoncodec.AppendString([]byte(`{"message":`), e.ErrorMessage())
	x.send(e.HTTPStatusCode(), append(body, '}'))
}

// send sends a whole response.
func (x *exchange) send(status int, body []byte) {
	x.sent = true
	if status < 100 || status > 999 {
		status = http.StatusInternalServerError
	}
	if status != http.StatusNoContent && status != http.StatusNotModified && status >= http.StatusOK {
		x.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	x.w.WriteHeader(status)
	// An error means that the client is gone: there is nobody to tell.
	_, _ = x.w.Write(body)
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// requestError returns how the protocols report a request that cannot be read, nil
// when err is something else.
func requestError(err error) APIError {
	if e, ok := errors.AsType[*smithy.SerializationError](err); ok {
		return &ProtocolError{Code: "SerializationException", Status: http.StatusBadRequest, Message: e.Error()}
	}
	if e, ok := errors.AsType[*restjson.UnsupportedMediaTypeError](err); ok {
		return &ProtocolError{Code: "UnsupportedMediaTypeException", Status: http.StatusUnsupportedMediaType, Message: e.Error()}
	}
	if e, ok := errors.AsType[*restjson.NotAcceptableError](err); ok {
		return &ProtocolError{Code: "NotAcceptableException", Status: http.StatusNotAcceptable, Message: e.Error()}
	}
	return nil
}

// unknown is the error for a request that no operation is for.
func (t *table) unknown(r *http.Request, s scope) error {
	e := &ProtocolError{Code: "UnknownOperationException", Status: http.StatusNotFound}
	router := t.byPath
	if s.service != "" {
		if router = t.byScope[s.service]; router == nil {
			e.Message = fmt.Sprintf("No service here is signed for as %q.", clip(s.service))
			return e
		}
	}
	e.Message = fmt.Sprintf("No operation is at %s %s.", clip(r.Method), clip(r.URL.EscapedPath()))
	if methods := router.Methods(r.URL.EscapedPath(), r.URL.RawQuery); len(methods) > 0 {
		e.Message += " That path takes " + strings.Join(methods, ", ") + "."
	}
	return e
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
