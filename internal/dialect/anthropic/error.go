package anthropic

import (
	"fmt"
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// StreamError is an error event: the upstream broke off its answer.
type StreamError struct {
	Type    string // "overloaded_error"
	Message string // the provider's own words, not yet safe to show
}

// Error implements error.
func (e *StreamError) Error() string { return fmt.Sprintf("%s: %s", e.Type, e.Message) }

// errorBody is an error as the Messages API writes it, whole or in a stream.
type errorBody struct {
	Type      string      `json:"type"`
	Error     errorDetail `json:"error"`
	RequestID string      `json:"request_id,omitempty"`
}

type errorDetail struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// Problem is a sort of failure, as the Messages API tells them apart.
type Problem struct {
	Status int    // HTTP status
	Type   string // "invalid_request_error"
}

// Encode returns the body that reports the problem. requestID may be empty. In a stream
// it is the data of an event named "error".
func (p Problem) Encode(message, requestID string) []byte {
	body, err := marshal(errorBody{Type: eventError, Error: errorDetail{Type: p.Type, Message: message}, RequestID: requestID})
	if err != nil { // three strings always encode
		return []byte(`{"type":"error"}`)
	}
	return body
}

// The problems of a request that is not looked into.
var (
	Unauthenticated = Problem{http.StatusUnauthorized, "authentication_error"}
	TooLarge        = Problem{http.StatusRequestEntityTooLarge, "request_too_large"}
)

// statusOverloaded is Anthropic's own status.
const statusOverloaded = 529

// ProblemOf returns the problem for a kind of fault.
func ProblemOf(kind fault.Kind) Problem {
	switch kind {
	case fault.Invalid:
		return Problem{http.StatusBadRequest, "invalid_request_error"}
	case fault.Denied:
		return Problem{http.StatusForbidden, "permission_error"}
	case fault.NotFound:
		return Problem{http.StatusNotFound, "not_found_error"}
	case fault.Conflict:
		return Problem{http.StatusConflict, "conflict_error"}
	case fault.Throttled, fault.QuotaExceeded:
		return Problem{http.StatusTooManyRequests, "rate_limit_error"}
	case fault.Unavailable, fault.NotReady:
		return Problem{statusOverloaded, "overloaded_error"}
	case fault.Timeout:
		return Problem{http.StatusGatewayTimeout, "timeout_error"}
	case fault.NotImplemented:
		return Problem{http.StatusNotImplemented, "api_error"}
	case fault.Internal, fault.ModelError, fault.Canceled:
	}
	return Problem{http.StatusInternalServerError, "api_error"}
}
