package upstream

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is what a provider said about a call it refused or broke off.
type Problem struct {
	Status     int    // HTTP status; inside a stream the one the body names, or zero
	Type       string // "invalid_request_error", "overloaded_error", …
	Code       string // "context_length_exceeded", …
	Message    string // the provider's own words, not yet safe to show
	RetryAfter time.Duration
}

// ParseProblem reads an error body leniently: OpenAI's and Anthropic's
// {"error": {…}}, Ollama's {"error": "…"}, older vLLM's {"object": "error", …},
// FastAPI's {"detail": …}, and plain text. It never fails: what it cannot read
// stays empty.
func ParseProblem(status int, body []byte) Problem {
	p := Problem{Status: status}
	body = bytes.TrimSpace(body)
	var envelope struct {
		Error   json.RawMessage `json:"error"`
		Detail  json.RawMessage `json:"detail"`
		Message json.RawMessage `json:"message"`
		Type    json.RawMessage `json:"type"`
		Code    json.RawMessage `json:"code"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		if !bytes.HasPrefix(body, []byte("<")) { // a proxy's page of HTML says nothing
			p.Message = string(body)
		}
		return p
	}
	var inner struct {
		Message json.RawMessage `json:"message"`
		Type    json.RawMessage `json:"type"`
		Code    json.RawMessage `json:"code"`
	}
	switch {
	case json.Unmarshal(envelope.Error, &inner) == nil && inner.Message != nil:
		p.Message, p.Type, p.Code = scalar(inner.Message), scalar(inner.Type), scalar(inner.Code)
	case envelope.Error != nil:
		p.Message = scalar(envelope.Error)
	case envelope.Message != nil:
		p.Message, p.Type, p.Code = scalar(envelope.Message), scalar(envelope.Type), scalar(envelope.Code)
	case envelope.Detail != nil:
		p.Message = scalar(envelope.Detail)
	}
	if n, err := strconv.Atoi(p.Code); err == nil {
		p.Code = ""
		if p.Status == 0 && n >= 400 && n < 600 {
			p.Status = n
		}
	}
	return p
}

// scalar returns a JSON string's value, and any other value as its text.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// retryAfter reads the header in both of its forms, relative to now. Providers
// that answer in milliseconds (retry-after-ms) are read too.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return clampRetry(ms / 1000)
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if secs, err := strconv.ParseFloat(v, 64); err == nil {
		return clampRetry(secs)
	}
	if at, err := http.ParseTime(v); err == nil {
		return clampRetry(at.Sub(now).Seconds())
	}
	return 0
}

// clampRetry turns seconds into a wait between nothing and a day: a header may
// say anything.
func clampRetry(seconds float64) time.Duration {
	const day = 24 * 60 * 60
	if !(seconds > 0) { // also NaN
		return 0
	}
	return time.Duration(min(seconds, day) * float64(time.Second))
}
