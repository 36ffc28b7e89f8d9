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

// EncodeError returns the status and body with which the Messages API reports a
// failure of the given kind. requestID may be empty. In a stream the body is the
// data of an event named "error".
func EncodeError(kind fault.Kind, message, requestID string) (status int, body []byte) {
	status, name := errorType(kind)
	body, err := marshal(errorBody{Type: eventError, Error: errorDetail{Type: name, Message: message}, RequestID: requestID})
	if err != nil { // three strings always encode
		return http.StatusInternalServerError, nil
	}
	return status, body
}

// statusOverloaded is Anthropic's own status.
const statusOverloaded = 529

func errorType(kind fault.Kind) (status int, name string) {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest, "invalid_request_error"
	case fault.Denied:
		return http.StatusForbidden, "permission_error"
	case fault.NotFound:
		return http.StatusNotFound, "not_found_error"
	case fault.Throttled, fault.QuotaExceeded:
		return http.StatusTooManyRequests, "rate_limit_error"
	case fault.Unavailable, fault.NotReady:
		return statusOverloaded, "overloaded_error"
	case fault.Timeout:
		return http.StatusGatewayTimeout, "timeout_error"
	case fault.NotImplemented:
		return http.StatusNotImplemented, "api_error"
	default:
		return http.StatusInternalServerError, "api_error"
	}
}
