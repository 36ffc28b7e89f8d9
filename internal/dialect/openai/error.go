package openai

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// ErrorResponse is an error in OpenAI's form.
type ErrorResponse struct {
	Status     int
	Body       []byte        // {"error": {message, type, param, code}}
	RetryAfter time.Duration // for the Retry-After header; zero: none
}

// errorForm is what a kind of fault looks like to OpenAI's clients.
type errorForm struct {
	status   int
	kind     string
	code     string // empty writes null
	nameless bool   // the message is ours alone: say only that something failed
}

// form is the table of kinds.
func form(k fault.Kind) errorForm {
	switch k {
	case fault.Invalid:
		return errorForm{status: http.StatusBadRequest, kind: "invalid_request_error"}
	case fault.NotFound:
		return errorForm{status: http.StatusNotFound, kind: "invalid_request_error", code: "model_not_found"}
	case fault.Conflict:
		return errorForm{status: http.StatusConflict, kind: "invalid_request_error"}
	case fault.Denied:
		return errorForm{status: http.StatusForbidden, kind: "invalid_request_error", code: "access_denied"}
	case fault.Throttled:
		return errorForm{status: http.StatusTooManyRequests, kind: "requests", code: "rate_limit_exceeded"}
	case fault.QuotaExceeded:
		return errorForm{status: http.StatusTooManyRequests, kind: "insufficient_quota", code: "insufficient_quota"}
	case fault.Unavailable, fault.NotReady:
		return errorForm{status: http.StatusServiceUnavailable, kind: "server_error", code: "unavailable"}
	case fault.Timeout:
		return errorForm{status: http.StatusGatewayTimeout, kind: "server_error", code: "timeout"}
	case fault.ModelError:
		return errorForm{status: http.StatusBadGateway, kind: "server_error", code: "model_error"}
	case fault.NotImplemented:
		return errorForm{status: http.StatusNotImplemented, kind: "invalid_request_error", code: "not_implemented"}
	case fault.Canceled:
		return errorForm{status: 499, kind: "invalid_request_error", code: "cancelled"}
	case fault.Internal:
	}
	return errorForm{status: http.StatusInternalServerError, kind: "server_error", nameless: true}
}

const internalText = "The server had an error while processing your request."

// EncodeError gives an error OpenAI's form: status, type and code by its kind, the
// parameter from a ParamError. The text of an error that is no *fault.Error, or
// whose kind is Internal, stays inside.
func EncodeError(err error) ErrorResponse {
	f := form(fault.KindOf(err))
	message, param := internalText, ""
	resp := ErrorResponse{Status: f.status}
	if fe, ok := errors.AsType[*fault.Error](err); ok && !f.nameless {
		message, resp.RetryAfter = fe.Message, fe.RetryAfter
	} else if !f.nameless {
		message = http.StatusText(f.status)
	}
	if pe, ok := errors.AsType[*ParamError](err); ok {
		param = pe.Param
	}
	if f.status == http.StatusBadRequest && tooLong(message) {
		f.code = "context_length_exceeded"
		param = "messages"
	}
	body := appendMember(append([]byte(nil), `{"error":{`...), "message", message)
	body = appendMember(body, "type", f.kind)
	body = appendNullable(body, "param", param)
	body = appendNullable(body, "code", f.code)
	resp.Body = append(body, "}}"...)
	return resp
}

// tooLong recognizes Bedrock's texts for a full context window.
func tooLong(message string) bool {
	return strings.Contains(message, "Input is too long for requested model") ||
		strings.Contains(message, "exceed context limit")
}

func appendNullable(dst []byte, key, value string) []byte {
	if value == "" {
		return append(appendKey(dst, key), "null"...)
	}
	return appendMember(dst, key, value)
}
