// Package llm is the one vocabulary for talking to models.
//
// Every front door (Converse, InvokeModel with a provider's body, the OpenAI-style
// door) is converted to it, and every upstream is spoken to from it, so a new door
// or a new upstream is one converter. It follows Bedrock's Converse, the widest of
// the dialects, in its words and its semantics.
//
// Streaming comes first: a model answers with a sequence of events, and a whole
// answer is a collected sequence (see Collect).
//
// The package holds types and the rules that any implementation must keep; it
// does no I/O and knows no provider.
package llm

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// ChatModel answers conversations.
//
// Chat returns a sequence to be ranged over once. Its events come in the order
// that Event documents. An error is the last thing the sequence yields; it is a
// *fault.Error where the kind matters. Breaking out of the loop, like cancelling
// ctx, cancels the work upstream before the sequence function returns. Nothing
// happens before the sequence is ranged over. The model must not change req.
// Implementations are safe for concurrent use.
type ChatModel interface {
	Chat(ctx context.Context, req *ChatRequest) iter.Seq2[Event, error]
}

// TokenCounter counts the input tokens that a request would be billed for.
type TokenCounter interface {
	CountTokens(ctx context.Context, req *ChatRequest) (int, error)
}

// Embedder turns texts into vectors. The result has one vector per text, in order,
// or the whole call fails.
type Embedder interface {
	Embed(ctx context.Context, req *EmbedRequest) (*EmbedResponse, error)
}

// EmbedRequest asks for the vectors of texts.
type EmbedRequest struct {
	Model      string
	Texts      []string
	Dimensions int  // zero: the model's own
	Normalize  bool // unit length
	// TextTokens bounds the tokens of each text: a longer one is refused as Invalid.
	// Zero: the model's own way with long texts. Models that cannot count ignore it.
	TextTokens int
}

// EmbedResponse holds one vector per text.
type EmbedResponse struct {
	Vectors     [][]float32
	InputTokens int
	Served      Served
}

// ChatRequest is one conversation to be continued.
//
// The zero value of an optional field means "not given": the model's own default.
type ChatRequest struct {
	// Model is what the caller asked for on the way in (model ID, ARN, inference
	// profile), and the upstream's own name once the gateway has routed the call.
	Model string

	System    []Block // Text, Guard and CachePoint
	Messages  []Message
	Inference Inference
	Tools     []Tool
	// ToolCachePoint: the caller marked the end of the tools for the prompt cache.
	ToolCachePoint *CachePoint
	ToolChoice     ToolChoice
	Output         OutputFormat

	// Logprobs asks how likely the answer's tokens were, with this many alternatives
	// for each; nil: not asked. A model that cannot say refuses (see NoLogprobs).
	Logprobs *int

	// Extra holds fields of the model's own that the vocabulary has no word for
	// (Converse's additionalModelRequestFields): a JSON object, or nil.
	Extra json.RawMessage
	// ExtraPaths are JSON pointers into the provider's response whose values the
	// caller wants back in MessageStop.Extra.
	ExtraPaths []string
	// PromptVariables fill a prompt resource's placeholders.
	PromptVariables map[string]string
	Metadata        map[string]string // the caller's labels, for logs
	Latency         string            // "standard", "optimized" or empty
	ServiceTier     string            // "default", "priority", "flex", "reserved" or empty
	Guardrail       *GuardrailConfig

	// Stream says that the caller wants increments as they come. When false an
	// implementation may wait for the whole answer and yield it in few events.
	Stream bool

	// Raw is the request as the caller wrote it, when it arrived in a provider's
	// own dialect. A backend that speaks that dialect sends Raw instead of
	// converting, so that fields newer than Outcrop survive. Whoever changes
	// another field of the request sets Raw to nil.
	Raw *RawRequest
}

// RawRequest is a request body in a provider's own dialect.
type RawRequest struct {
	Dialect string // "anthropic", "openai"
	Version string // of the dialect, in its own words; empty: it has but one
	Body    []byte // one JSON object; not to be changed
}

// Role says who speaks.
type Role string

// The roles.
const (
	User      Role = "user"
	Assistant Role = "assistant"
	System    Role = "system"
)

// Message is one turn.
type Message struct {
	Role    Role
	Content []Block
}

// Inference holds the sampling parameters. A nil pointer or zero means "not given".
type Inference struct {
	MaxTokens     int
	Temperature   *float64
	TopP          *float64
	TopK          *int
	StopSequences []string
	Seed          *int64
	// Effort is how hard a reasoning model should think: "low", "medium", "high" or empty.
	Effort string
	// ReasoningBudget is the number of tokens a reasoning model may think for;
	// nil: not given, zero: off.
	ReasoningBudget *int
}

// Tool describes a function the model may call, or names one of the provider's own.
type Tool struct {
	Name        string
	Description string
	InputSchema json.RawMessage // JSON Schema
	Strict      bool            // arguments must satisfy the schema exactly
	System      bool            // a tool the provider runs itself; only Name is set
}

// ToolMode says whether the model must call a tool.
type ToolMode string

// The tool modes. The empty mode is the provider's default, which is ToolAuto.
const (
	ToolDefault ToolMode = ""
	ToolAuto    ToolMode = "auto"
	ToolAny     ToolMode = "any"  // some tool
	ToolNamed   ToolMode = "tool" // the tool in ToolChoice.Name
	ToolNone    ToolMode = "none" // no tool; only doors other than Converse can say so
)

// ToolChoice is the caller's wish about calling tools.
type ToolChoice struct {
	Mode            ToolMode
	Name            string // with ToolNamed
	DisableParallel bool   // at most one call per turn
}

// OutputFormat asks for text that satisfies a JSON Schema. The zero value asks for nothing.
type OutputFormat struct {
	Schema      json.RawMessage // nil: free text, unless JSON is set
	Name        string
	Description string
	Strict      bool
	JSON        bool // any JSON object will do
}

// GuardrailConfig names the guardrail to apply to a call.
type GuardrailConfig struct {
	ID         string
	Version    string
	Trace      string // "enabled", "disabled", "enabled_full" or empty
	StreamMode string // "sync", "async" or empty
}

// Served says what answered a call and how true to the model asked for it is.
type Served struct {
	Backend  string // configured backend name: "embedded", "gpu"
	Model    string // the upstream's own name
	Fidelity Fidelity
}

// String returns the value of the x-outcrop-served-by header.
func (s Served) String() string {
	return s.Backend + "/" + s.Model + "; fidelity=" + string(s.Fidelity)
}

// Fidelity says how an answer was made.
type Fidelity string

// The fidelities.
const (
	Real     Fidelity = "real"     // the model the caller or the configuration named
	StandIn  Fidelity = "stand-in" // a model of Outcrop's own in place of the one asked for
	Replayed Fidelity = "replayed" // a recorded answer
	Scripted Fidelity = "scripted" // an answer somebody declared
)

// Usage counts tokens. InputTokens leaves out those read from or written to the
// prompt cache.
type Usage struct {
	InputTokens      int
	OutputTokens     int
	CacheReadTokens  int
	CacheWriteTokens int
	CacheDetails     []CacheDetail // cache writes by time to live; may be empty
	Estimated        bool          // counted by Outcrop because the upstream said nothing
}

// CacheDetail is the share of the cache writes with one time to live.
type CacheDetail struct {
	TTL         string // "5m", "1h"
	InputTokens int
}

// Total is the sum that Bedrock reports as totalTokens.
func (u Usage) Total() int {
	return u.InputTokens + u.OutputTokens + u.CacheReadTokens + u.CacheWriteTokens
}

// StopReason says why the model stopped.
type StopReason string

// The stop reasons, in Converse's words.
const (
	EndTurn           StopReason = "end_turn"
	StopToolUse       StopReason = "tool_use"
	MaxTokens         StopReason = "max_tokens"
	StopSequence      StopReason = "stop_sequence"
	GuardrailStopped  StopReason = "guardrail_intervened"
	ContentFiltered   StopReason = "content_filtered"
	MalformedOutput   StopReason = "malformed_model_output"
	MalformedToolUse  StopReason = "malformed_tool_use"
	ContextWindowFull StopReason = "model_context_window_exceeded"
)

// ChatResponse is a whole answer: a collected stream.
type ChatResponse struct {
	Message    Message
	StopReason StopReason
	// StopSequence is the sequence that ended the text, when the upstream said.
	StopSequence string
	Extra        json.RawMessage // see ChatRequest.ExtraPaths
	Logprobs     []Logprob       // of the text's tokens; nil unless asked for
	Usage        Usage
	Latency      time.Duration
	Served       Served
	ServiceTier  string
	Trace        json.RawMessage // guardrail and prompt-router trace in Converse's shape
	ID           string          // the upstream's own ID of the message; may be empty
	// Raw is the provider's whole response body when the request's Raw was sent
	// as it was and Stream was false.
	Raw json.RawMessage
}
