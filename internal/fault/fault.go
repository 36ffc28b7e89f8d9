// Package fault names the kinds of failure that cross Outcrop's rooms.
//
// A room that fails in a way its caller should tell apart returns an *Error
// (or an error that wraps one). Only the api rooms turn kinds into the modelled
// exceptions and status codes of an AWS service; only they and the logs ever see
// Err, so text of an internal error never reaches a client.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of failure happened, in the caller's terms.
type Kind uint8

// The kinds. The zero value is Internal: an error nobody classified is ours.
const (
	Internal       Kind = iota // a defect or a broken disk: nothing the caller can change
	Invalid                    // the request is wrong; Message says what to change
	NotFound                   // the named resource does not exist
	Conflict                   // the resource's state does not allow this now
	Denied                     // identity is known and policy refuses
	Throttled                  // too many requests; RetryAfter says when
	QuotaExceeded              // a limit on a resource count or size
	Unavailable                // an upstream or a store cannot be reached now
	Timeout                    // the model did not answer in time
	ModelError                 // the model or its provider failed on this request
	NotReady                   // the model exists and cannot serve yet
	NotImplemented             // Outcrop does not do this; Message names the operation
	Canceled                   // the caller went away
)

var kindNames = [...]string{
	"internal", "invalid", "not found", "conflict", "denied", "throttled", "quota exceeded",
	"unavailable", "timeout", "model error", "not ready", "not implemented", "canceled",
}

// String returns the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error is a failure with its kind and a message that is safe to show the caller.
type Error struct {
	Kind    Kind
	Message string // for the client; complete sentence or AWS's own wording
	Err     error  // the cause, for logs only; may be nil

	RetryAfter     time.Duration // Throttled, Unavailable: zero when unknown
	OriginalStatus int           // ModelError: the provider's HTTP status; zero when none
	Resource       string        // the ARN or name concerned; may be empty
}

// Error returns the message, and the cause where the message does not hold it.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	cause := e.Err.Error()
	switch {
	case e.Message == "":
		return cause
	case strings.Contains(e.Message, cause):
		return e.Message
	}
	return e.Message + ": " + cause
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an *Error whose message is for the client. A %w verb also makes
// its operand the cause, and then its text is part of the message: wrap only
// errors whose text a client may read.
func Errorf(kind Kind, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Message: wrapped.Error(), Err: errors.Unwrap(wrapped)}
}

// Wrap returns an *Error of the given kind with a message for the client and a
// cause for the logs. A nil cause is allowed.
func Wrap(kind Kind, cause error, message string) *Error {
	return &Error{Kind: kind, Message: message, Err: cause}
}

// KindOf returns the kind of the first *Error in err's tree; context errors are
// Canceled and Timeout; anything else is Internal. KindOf(nil) is Internal too:
// ask only about errors.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Internal
}

// Is reports whether err is of kind k. Is(nil, k) is false.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }
