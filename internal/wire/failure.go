package wire

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// This file turns errors into what a client sees.

func internalError() *ProtocolError {
	return &ProtocolError{
		Code: "InternalServerException", Status: http.StatusInternalServerError,
		Message: "An internal error occurred. Retry your request.",
	}
}

// fail sends err in the protocol's form.
func (x *exchange) fail(err error) {
	if x.sent {
		x.h.log.WarnContext(x.ctx, "response broke off", x.attrs(), "error", err)
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to break off
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
	status := api.HTTPStatusCode()
	if x.r.ProtoMajor == 1 && (status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout) {
		x.w.Header()["Connection"] = []string{"close"} // the rest of the body will not be read
	}
	x.proto.unmodelled(x, api)
}

// gone reports whether there is nobody left to send err to.
func (x *exchange) gone(err error) bool {
	return errors.Is(err, context.Canceled) && x.ctx.Err() != nil && !x.shutDown()
}

// shutDown reports whether the server cancelled the request.
func (x *exchange) shutDown() bool { return errors.Is(context.Cause(x.ctx), errShutdown) }

func shutdownError() *ProtocolError {
	return &ProtocolError{
		Code: "ServiceUnavailableException", Status: http.StatusServiceUnavailable,
		Message: "The server is shutting down. Retry your request.",
	}
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
	if x.shutDown() {
		return nil, shutdownError()
	}
	if e := requestError(err); e != nil {
		return nil, e
	}
	if x.svc != nil && x.h.cfg.MapError != nil {
		switch e := x.h.cfg.MapError(x.svc.Model.Name, err).(type) { //nolint:errorlint // the mapped error itself
		case modelledError:
			return e, nil
		case APIError:
			return nil, e
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
	x.h.log.ErrorContext(x.ctx, "unexplained error", x.attrs(), "error", err)
	return internalError()
}
