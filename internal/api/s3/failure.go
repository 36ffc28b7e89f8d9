package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/auth"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// statuses are those that are not 400.
func status(code object.Code) int {
	switch code {
	case object.AccessDenied:
		return http.StatusForbidden
	case object.NoSuchBucket, object.NoSuchKey, object.NoSuchUpload, "NoSuchVersion":
		return http.StatusNotFound
	case object.BucketAlreadyExists, object.BucketAlreadyOwnedByYou, object.BucketNotEmpty, "OperationAborted":
		return http.StatusConflict
	case object.InvalidRange, object.InvalidPartNumber:
		return http.StatusRequestedRangeNotSatisfiable
	case object.NotImplemented:
		return http.StatusNotImplemented
	case object.NotModified:
		return http.StatusNotModified
	case object.PreconditionFailed:
		return http.StatusPreconditionFailed
	case object.ServiceUnavailable, object.SlowDown:
		return http.StatusServiceUnavailable
	case "InternalError":
		return http.StatusInternalServerError
	case "MethodNotAllowed":
		return http.StatusMethodNotAllowed
	case "MissingContentLength":
		return http.StatusLengthRequired
	default:
		return http.StatusBadRequest
	}
}

func errMethod() error {
	return object.Errorf("MethodNotAllowed", "The specified method is not allowed against this resource.")
}

func errDenied() error { return object.Errorf(object.AccessDenied, "Access Denied") }

func errMalformed() error {
	return object.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func notBuilt(operation string) error {
	return object.Errorf(object.NotImplemented, "%s is not implemented by Outcrop yet. `outcrop coverage` lists what is.", operation)
}

// failure is an error as S3 writes it.
type failure struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`

	status int
}

// explain returns what the client is told of err.
func (x *exchange) explain(err error) failure {
	f := failure{Resource: x.r.URL.Path, RequestID: x.requestID(), HostID: "outcrop"}
	set := func(code object.Code, message string) failure {
		f.Code, f.Message, f.status = string(code), message, status(code)
		return f
	}
	if e, ok := errors.AsType[*auth.Error](err); ok {
		f.Code, f.Message, f.status = e.Code, e.Message, e.Status
		return f
	}
	if e, ok := errors.AsType[*object.Error](err); ok {
		return set(e.Code, e.Message)
	}
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case ok && e.Kind == fault.Denied:
		return set(object.AccessDenied, e.Message)
	case ok && e.Kind == fault.Invalid:
		return set(object.InvalidArgument, e.Message)
	case ok && e.Kind == fault.Unavailable:
		return set(object.ServiceUnavailable, e.Message)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return set("RequestTimeout", "Your socket connection to the server was not read from or written to within the timeout period.")
	}
	return set("InternalError", "We encountered an internal error. Please try again.")
}

// fail answers with err. What has no words for the client goes to the log.
func (x *exchange) fail(err error) {
	if x.sent {
		x.d.log.WarnContext(x.ctx, "an answer of the S3 endpoint broke off", "operation", x.op.name, "err", err)
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to break off
	}
	if errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
		return // nobody is left to tell
	}
	f := x.explain(err)
	if f.Code == "InternalError" {
		x.d.log.ErrorContext(x.ctx, "internal error", "service", "s3", "operation", x.op.name, "request_id", f.RequestID, "err", err)
	}
	h := x.w.Header()
	if f.status == http.StatusNotModified {
		x.w.WriteHeader(f.status)
		return
	}
	if f.status >= http.StatusInternalServerError {
		h.Set("Retry-After", "1")
	}
	if x.r.ContentLength != 0 {
		// net/http reads on to save the connection; not for as long as it takes.
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(5 * time.Second))
	}
	for _, name := range []string{"Content-Length", "Etag", "Last-Modified", "Content-Range", "Accept-Ranges"} {
		h.Del(name)
	}
	if x.r.Method == http.MethodHead {
		h.Set("Content-Type", "application/xml")
		x.w.WriteHeader(f.status)
		return
	}
	_ = x.writeXML(f.status, f) // a client that left reads no error
}

// writeXML answers with a document.
func (x *exchange) writeXML(status int, v any) error {
	body, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	body = append([]byte(xml.Header), body...)
	h := x.w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.sent = true
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // a client that left reads nothing
	return nil
}

// writeNothing answers without a body.
func (x *exchange) writeNothing(status int) error {
	x.sent = true
	x.w.WriteHeader(status)
	return nil
}

// clip shortens foreign text for a message.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
