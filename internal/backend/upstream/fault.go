package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// maxErrorBody bounds how much of an error's body is read.
const maxErrorBody = 64 << 10

// statusFault reads an error response and returns its fault.
func (c *Client) statusFault(r *Response) error {
	r.watch.arm(10 * time.Second) // an error's body is short; do not wait long for it
	body, err := r.readAtMost(maxErrorBody)
	if cause := r.watch.cause(); err != nil && errors.Is(cause, context.Canceled) {
		return c.transportFault(err, cause)
	}
	p := ParseProblem(r.Status, body)
	p.RetryAfter = retryAfter(r.Header, time.Now())
	return c.Fault(p, r.model)
}

// Fault turns what a provider said into the fault that the caller sees:
//
//	400, 413, 422             Invalid, with the provider's message; a full context
//	                          window has the text that clients match on
//	401, 403                  ModelError: the credentials are Outcrop's, not the caller's
//	404                       ModelError naming the model and the address
//	408, 504                  Timeout
//	429                       Throttled, with RetryAfter
//	5xx                       Unavailable, with RetryAfter
//	any other                 ModelError
//
// Inside a stream there is no status; then Type and Code decide. The message is
// made safe: secrets, credentials in addresses and control characters are gone.
func (c *Client) Fault(p Problem, model string) *fault.Error {
	said := c.Safe(p.Message)
	if text := overflow(p); text != "" {
		return &fault.Error{Kind: fault.Invalid, Message: text, Err: c.cause(p)}
	}
	e := &fault.Error{Err: c.cause(p), Resource: model}
	switch status := p.status(); {
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity, status == http.StatusRequestEntityTooLarge:
		e.Kind, e.Message = fault.Invalid, c.says("refused the request", said)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		// The provider's words may quote the key and never concern the caller.
		e.Kind, e.OriginalStatus = fault.ModelError, status
		e.Message = fmt.Sprintf("The backend %q refused Outcrop's credentials (HTTP %d); check the backend's api_key.", c.cfg.Name, status)
	case status == http.StatusNotFound:
		e.Kind, e.OriginalStatus = fault.ModelError, status
		e.Message = c.says(fmt.Sprintf("does not know the model %q at %s (HTTP 404)", model, c.BaseURL()), said)
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		e.Kind, e.Message = fault.Timeout, fmt.Sprintf("The model %q did not answer in time (HTTP %d from the backend %q).", model, status, c.cfg.Name)
	case status == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = fault.Throttled, p.RetryAfter
		e.Message = c.says("is throttling", said)
	case status >= 500 && status < 600:
		e.Kind, e.RetryAfter = fault.Unavailable, p.RetryAfter
		e.Message = c.says(fmt.Sprintf("is failing (HTTP %d)", status), said)
	case status == 0:
		e.Kind, e.Message = fault.ModelError, c.says("broke off its answer", said)
	default:
		e.Kind, e.OriginalStatus = fault.ModelError, status
		e.Message = c.says(fmt.Sprintf("answered HTTP %d", status), said)
	}
	return e
}

// status is the HTTP status, or the one that an error inside a stream stands for.
func (p Problem) status() int {
	if p.Status != 0 {
		return p.Status
	}
	switch p.Type {
	case "rate_limit_error", "rate_limit_exceeded", "tokens", "requests":
		return http.StatusTooManyRequests
	case "overloaded_error", "server_error", "api_error", "internal_server_error", "InternalServerError":
		return http.StatusServiceUnavailable
	case "timeout_error":
		return http.StatusGatewayTimeout
	case "authentication_error":
		return http.StatusUnauthorized
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error":
		return http.StatusNotFound
	case "invalid_request_error", "BadRequestError", "request_too_large":
		return http.StatusBadRequest
	}
	return 0
}

func (c *Client) says(did string, said string) string {
	if said == "" {
		return fmt.Sprintf("The backend %q %s.", c.cfg.Name, did)
	}
	return fmt.Sprintf("The backend %q %s: %s", c.cfg.Name, did, said)
}

// The texts of a full context window: clients match on both.
const (
	tooLong      = "Input is too long for requested model."
	windowFull   = "input length and `max_tokens` exceed context limit"
	windowAdvice = "decrease input length or `max_tokens` and try again"
)

// What the servers say when the prompt with the room for the answer is too much,
// with the numbers: Anthropic, newer vLLM, OpenAI and older vLLM.
var windowSums = []*regexp.Regexp{
	regexp.MustCompile("input length and `max_tokens` exceed context limit: (?P<input>\\d+) \\+ (?P<output>\\d+) > (?P<limit>\\d+)"),
	regexp.MustCompile(`too large: (?P<output>\d+)\. This model's maximum context length is (?P<limit>\d+) tokens and your request has (?P<input>\d+) input tokens`),
	regexp.MustCompile(`maximum context length is (?P<limit>\d+) tokens.*?\((?P<input>\d+) in the messages, (?P<output>\d+) in the completion\)`),
	regexp.MustCompile(`maximum context length is (?P<limit>\d+) tokens.*?requested (?P<output>\d+) output tokens and your prompt contains (?:at least )?(?P<input>\d+) input tokens`),
}

// What the servers say when the prompt alone is too much, in lower case: OpenAI
// and vLLM, newer vLLM, llama.cpp, Anthropic, LM Studio, TGI, Mistral.
var overflowTexts = []string{
	"maximum context length", "longer than the maximum model length", "exceeds the available context size",
	"exceed context size", "exceeds context size", "prompt is too long", "context the overflows",
	"exceeds the context window", "exceeds model's maximum context", "input is too long", "`inputs` tokens + `max_new_tokens`",
	"too large for model with", "context window exceeded", "context_length_exceeded", "context length exceeded",
	"contextwindowexceedederror", // LiteLLM
}

// overflow returns the text for a full context window, or "" when p is about
// something else.
func overflow(p Problem) string {
	if s := p.status(); s != 0 && s != http.StatusBadRequest && s != http.StatusRequestEntityTooLarge &&
		s != http.StatusUnprocessableEntity && s != http.StatusInternalServerError {
		return ""
	}
	for _, re := range windowSums {
		m := re.FindStringSubmatch(p.Message)
		if m == nil {
			continue
		}
		input, output, limit := m[re.SubexpIndex("input")], m[re.SubexpIndex("output")], m[re.SubexpIndex("limit")]
		if longer(input, limit) {
			return tooLong
		}
		return fmt.Sprintf("%s: %s + %s > %s, %s", windowFull, input, output, limit, windowAdvice)
	}
	if p.Code == "context_length_exceeded" || p.Type == "exceed_context_size_error" || p.Type == "request_too_large" {
		return tooLong
	}
	message := strings.ToLower(p.Message)
	for _, text := range overflowTexts {
		if strings.Contains(message, text) {
			return tooLong
		}
	}
	return ""
}

// longer compares two numbers written without signs.
func longer(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return len(a) > len(b) || len(a) == len(b) && a > b
}

// transportFault turns a failed read or round trip into a fault. cause says why
// the exchange was cancelled, if it was.
func (c *Client) transportFault(err, cause error) error {
	late := &timeoutError{}
	switch {
	case errors.As(cause, &late):
		return fault.Wrap(fault.Timeout, err, fmt.Sprintf("The backend %q gave no answer within %s.", c.cfg.Name, late.after))
	case errors.Is(cause, context.DeadlineExceeded):
		return fault.Wrap(fault.Timeout, err, fmt.Sprintf("The backend %q did not answer in time.", c.cfg.Name))
	case cause != nil:
		return fault.Wrap(fault.Canceled, errors.Join(err, cause), "The call was cancelled.")
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() && !isDial(err) {
		return fault.Wrap(fault.Timeout, c.redacted(err), fmt.Sprintf("The backend %q did not answer in time.", c.cfg.Name))
	}
	return fault.Wrap(fault.Unavailable, c.redacted(err), fmt.Sprintf("The backend %q cannot be reached: %s.", c.cfg.Name, reason(err)))
}

// isDial tells an address that does not answer from a model that does not: the
// first is an outage.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// reason says in a few words what kept a connection from working, without the
// addresses that the error itself names.
func reason(err error) string {
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed in the middle of the answer"
	case errors.As(err, &dns):
		return "its host name cannot be resolved"
	case errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &verify):
		return "its TLS certificate is not trusted"
	case errors.As(err, &record):
		return "it does not speak TLS"
	case isDial(err):
		return "no connection could be made"
	}
	return "the connection failed"
}
