// Package backendtest holds every chat backend to the same behaviour.
//
// Run plays a provider's server on loopback. A Script says how that provider
// writes an answer and reads a request, so that each case is told once, in the
// vocabulary's words, and tried with each provider: text, reasoning, parallel
// tool calls, pictures, schemas, usage, stop reasons, refusals, and everything
// that can go wrong between two machines.
//
// It checks what llm.ChatModel and llm.Event promise and what the gateway relies
// on: the order of events, the kinds of faults, that no secret is told, that
// whoever stops listening stops the work upstream.
package backendtest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Target tells a backend where the provider's server is.
type Target struct {
	BaseURL           string // without a path
	APIKey            string
	FirstTokenTimeout time.Duration // zero: none
	IdleTimeout       time.Duration // zero: the backend's default
	Timeout           time.Duration // of a whole call; zero: the backend's default
}

// Script is one provider: how to open the backend and what its server says.
type Script struct {
	// Open returns the backend under test. It registers its own clean-up.
	Open func(tb testing.TB, target Target) llm.ChatModel
	// Whole writes an answer as one body.
	Whole func(a Answer) []byte
	// Stream writes an answer as server-sent events, each with its blank line. The
	// answer's text must not be in the first or the last one.
	Stream func(a Answer) []string
	// Error writes the body that comes with an HTTP status.
	Error func(status int, message string) []byte
	// StreamError writes the event that breaks off a stream because the provider is
	// overloaded.
	StreamError func() string
	// Overflow is what the provider says about a prompt beyond its context window.
	Overflow func() (status int, body []byte)
	// Read returns what a request asked for, in neutral words.
	Read func(tb testing.TB, r *http.Request, body []byte) Asked

	// What the provider has no word for; the cases are then left out.
	NoSchema       bool // structured output
	NoStopSequence bool // which stop sequence ended the answer
	NoReasoning    bool
}

// Answer is what the provider's model says.
type Answer struct {
	ID    string
	Parts []Part
	Stop  llm.StopReason
	// Sequence is the stop sequence, with llm.StopSequence.
	Sequence string
	Usage    llm.Usage
}

// Part is one block of an answer, in the pieces in which a stream brings it.
// Exactly one of Text, Reasoning and Input is set.
type Part struct {
	Text      []string
	Reasoning []string
	Signature string // with Reasoning; providers without signatures leave it out

	ID, Name string
	Input    []string // of a tool call
}

// Asked is what a provider's server has understood of a request.
type Asked struct {
	Model      string
	Stream     bool
	System     string // all of it, joined
	Texts      []string
	Images     [][]byte
	Tools      []string
	ToolChoice llm.ToolChoice
	Schema     json.RawMessage
	MaxTokens  int
	Stop       []string
	Calls      []string          // IDs of the assistant's calls
	Results    map[string]string // tool call ID -> text of its result
	APIKey     string
}

// Run holds a provider's backend to the suite.
func Run(t *testing.T, s Script) {
	t.Helper()
	t.Run("answers", func(t *testing.T) { t.Parallel(); testAnswers(t, &s) })
	t.Run("requests", func(t *testing.T) { t.Parallel(); testRequests(t, &s) })
	t.Run("refusals", func(t *testing.T) { t.Parallel(); testRefusals(t, &s) })
	t.Run("broken streams", func(t *testing.T) { t.Parallel(); testBroken(t, &s) })
	t.Run("cancelling", func(t *testing.T) { t.Parallel(); testCancel(t, &s) })
	t.Run("timeouts", func(t *testing.T) { t.Parallel(); testTimeouts(t, &s) })
	t.Run("kept alive", func(t *testing.T) { t.Parallel(); testKeptAlive(t, &s) })
	t.Run("concurrency", func(t *testing.T) { t.Parallel(); testConcurrent(t, &s) })
}
