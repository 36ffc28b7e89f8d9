package ledger

import (
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Record is one invocation of a model: what was asked, what answered, what it
// cost and how it ended. Calls that never reached a model (denied, throttled,
// refused by validation after the model was known) are records too.
//
// It holds no prompt and no answer. The zero value of a field means "not known"
// or "does not apply".
type Record struct {
	// Seq is the record's place in the ledger, set by the ledger: it grows with
	// every record and is never used twice. Append ignores it.
	Seq int64

	// Time is when the request was read. Its day (UTC) decides the file that
	// keeps the record.
	Time      time.Time
	RequestID string
	Account   string // twelve digits: whose call it was
	Region    string

	Principal   string // ARN of who called
	AccessKeyID string // the key that proved it; never a secret

	Service   string // "bedrock-runtime", "openai", …
	Operation string // "Converse"

	Model            string // as the caller wrote it: an ID, an ARN, an alias
	ModelID          string // the catalog's ID it resolved to; empty when it resolved to nothing
	InferenceProfile string // ARN of the inference profile the call went through
	Backend          string // the configured backend that answered, or failed last
	UpstreamModel    string // the upstream's own name of the model
	Fidelity         llm.Fidelity
	Attempts         int // upstream calls made, failed ones included

	// Status is the HTTP status that the caller saw: 200 for a stream that broke
	// after its headers.
	Status int
	// ErrorCode is the modelled exception's name ("ThrottlingException"); empty
	// when the call succeeded. ErrorKind has meaning only beside a code.
	ErrorCode    string
	ErrorKind    fault.Kind
	ErrorMessage string // what the client was told

	Latency    time.Duration // from Time to the last byte
	FirstToken time.Duration // from Time to the first token; zero when there was none

	InputTokens      int // without those read from or written to the cache
	OutputTokens     int
	CacheReadTokens  int
	CacheWriteTokens int
	OutputImages     int
	Estimated        bool  // tokens counted by Outcrop because the upstream said nothing
	CostNanoUSD      int64 // thousand-millionths of a dollar; zero also where the model has no price

	Stream       bool // the caller asked for increments
	Completeness Completeness

	// Metadata is the caller's labels (requestMetadata). The ledger keeps the map
	// it is given: whoever appends must not change it afterwards.
	Metadata map[string]string
}

// Completeness says how much of its answer a caller got.
type Completeness uint8

// The completenesses. They are stored: numbers are never reused.
const (
	Complete    Completeness = iota // the whole answer
	ClientGone                      // the caller left before the end
	UpstreamCut                     // the upstream broke off in the middle
	Failed                          // an error instead of an answer
)

var completenessNames = [...]string{"complete", "client gone", "upstream cut", "error"}

// String returns the completeness in words.
func (c Completeness) String() string {
	if int(c) < len(completenessNames) {
		return completenessNames[c]
	}
	return "unknown"
}

// Outcome is the class that metrics count a record in.
type Outcome uint8

// The outcomes, as CloudWatch's AWS/Bedrock metrics divide calls.
const (
	Success     Outcome = iota
	ClientError         // 4xx other than throttling
	ServerError         // 5xx, and answers that the upstream cut
	Throttle            // refused for rate or quota
)

var outcomeNames = [...]string{"success", "client_error", "server_error", "throttle"}

// String returns the outcome as a metric label has it.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown"
}

// Outcome classes the record. A caller who left is no error: it got what it
// wanted of the answer.
func (r *Record) Outcome() Outcome {
	switch {
	case r.ErrorCode != "" && r.ErrorKind == fault.Throttled, r.Status == 429:
		return Throttle
	case r.Status >= 500:
		return ServerError
	case r.Status >= 400 && r.ErrorKind != fault.Canceled:
		return ClientError
	case r.Completeness == UpstreamCut, r.Completeness == Failed && r.Status < 400:
		return ServerError
	}
	return Success
}
