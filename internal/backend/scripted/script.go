package scripted

import (
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// script is a whole file.
type script struct {
	rules    []*rule
	fallback *rule // "else"; nil: no match is an error
}

// rule answers the requests that its conditions match.
type rule struct {
	name string // for messages; "rule 3" when the file gives none
	when condition
	// throttle is how many matching calls are turned away first.
	throttle   int
	retryAfter time.Duration
	replies    []*reply // never empty
	after      afterLast
}

// afterLast says what a rule does when all its replies have been given.
type afterLast uint8

const (
	repeatLast afterLast = iota
	startOver
	matchNoMore
)

// condition holds what a rule asks of a request. Everything that is set must hold.
type condition struct {
	model      *glob
	region     *glob
	text       *textMatch // of the last message
	system     *textMatch
	tools      []string // all offered
	toolResult *resultMatch
	metadata   []metadataMatch
	turn, call span
}

// span is a range of numbers from 1; the zero value is all of them.
type span struct{ from, to int }

func (s span) has(n int) bool { return n >= s.from && (s.to == 0 || n <= s.to) }

type metadataMatch struct {
	key   string
	value *glob
}

// resultMatch asks for a tool's result in the last message.
type resultMatch struct {
	tool    string     // empty: any tool
	text    *textMatch // nil: any result
	failure *bool      // nil: either
}

// reply is one answer.
type reply struct {
	reasoning template
	text      []template // the chunks, when the file cuts the text itself
	ownChunks bool
	json      jsonTemplate // instead of text
	citations []citation
	calls     []toolCall
	stop      llm.StopReason // empty: by the content
	sequence  string
	usage     *usage
	failure   *failure // instead of an answer
	cut       *cut

	first, between time.Duration
	chunk          chunking
}

type citation struct{ title, source, quote template }

type toolCall struct {
	id    template // empty: made up from the call's number
	name  string
	input jsonTemplate
}

// usage holds declared token counts; -1 is not declared.
type usage struct{ input, output, cacheRead, cacheWrite int }

// failure is an error by its AWS name.
type failure struct {
	name       string
	kind       fault.Kind
	message    template
	retryAfter time.Duration
	status     int
}

// cut breaks an answer off after a number of pieces.
type cut struct {
	after   int
	failure *failure
}

// chunking says how a stream cuts a text.
type chunking struct {
	runes int  // 0: see words
	words bool // at the spaces; neither: in one piece
}

// failures are the errors that Bedrock's runtime has, with their kinds.
var failures = map[string]fault.Kind{
	"AccessDeniedException":         fault.Denied,
	"ConflictException":             fault.Conflict,
	"InternalServerException":       fault.Internal,
	"ModelErrorException":           fault.ModelError,
	"ModelNotReadyException":        fault.NotReady,
	"ModelStreamErrorException":     fault.ModelError,
	"ModelTimeoutException":         fault.Timeout,
	"ResourceNotFoundException":     fault.NotFound,
	"ServiceQuotaExceededException": fault.QuotaExceeded,
	"ServiceUnavailableException":   fault.Unavailable,
	"ThrottlingException":           fault.Throttled,
	"ValidationException":           fault.Invalid,
}

// defaultMessages are the texts of errors that the file gives none.
var defaultMessages = map[string]string{
	"AccessDeniedException":         "You don't have access to the model with the specified model ID.",
	"ConflictException":             "The request conflicts with the state of the resource.",
	"InternalServerException":       "The system encountered an unexpected error during processing. Try your request again.",
	"ModelErrorException":           "The model failed while processing the request.",
	"ModelNotReadyException":        "The model is not ready for inference.",
	"ModelStreamErrorException":     "The model's stream failed.",
	"ModelTimeoutException":         "The model took too long to respond.",
	"ResourceNotFoundException":     "The resource was not found.",
	"ServiceQuotaExceededException": "The request exceeds a service quota.",
	"ServiceUnavailableException":   "The service is temporarily unavailable.",
	"ThrottlingException":           "Too many requests, please wait before trying again.",
	"ValidationException":           "The request is not valid.",
}
