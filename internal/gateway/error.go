package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// slowError is the cause of a context that ended because a time limit passed.
type slowError struct {
	what  string
	limit time.Duration
}

func (e *slowError) Error() string {
	return fmt.Sprintf("the model did not %s within %s", e.what, e.limit)
}

// toFault returns err as the caller is told it. An unclassified error's own text is
// for the logs only. ctx tells a caller that left from an upstream that failed.
func toFault(ctx context.Context, err error) *fault.Error {
	if slow, ok := errors.AsType[*slowError](context.Cause(ctx)); ok {
		return fault.Wrap(fault.Timeout, err, "The model took too long: "+slow.Error()+".")
	}
	if ctx.Err() != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fault.Wrap(fault.Timeout, err, "The request's deadline passed before the model had answered.")
		}
		return fault.Wrap(fault.Canceled, err, "The caller left before the model had answered.")
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Timeout, err, "The model took too long.")
	case connection(err):
		return fault.Wrap(fault.Unavailable, err, "The model's backend cannot be reached.")
	}
	return fault.Wrap(fault.Internal, err, "The model's backend failed unexpectedly.")
}

// connection reports whether err is a connection that could not be made or broke.
func connection(err error) bool {
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// elsewhere reports whether another target may do better.
func elsewhere(k fault.Kind) bool {
	switch k {
	case fault.Throttled, fault.Timeout, fault.Unavailable, fault.NotReady, fault.ModelError, fault.Internal, fault.NotImplemented:
		return true
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Denied, fault.QuotaExceeded, fault.Canceled:
		return false
	}
	return false
}

// blames reports whether a fault speaks against its target in general. A model
// that failed on one request may be well; one whose provider refuses Outcrop's
// credentials, or does not know the model, is not.
func blames(f *fault.Error) bool {
	switch f.Kind {
	case fault.Throttled, fault.Timeout, fault.Unavailable, fault.NotReady, fault.Internal:
		return true
	case fault.ModelError:
		return f.OriginalStatus == 401 || f.OriginalStatus == 403 || f.OriginalStatus == 404
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Denied, fault.QuotaExceeded, fault.NotImplemented, fault.Canceled:
		return false
	}
	return false
}

// usefulness orders the faults of several targets by how much the caller can do
// with them: come back later first, what nobody can help last.
func usefulness(k fault.Kind) int {
	switch k {
	case fault.Throttled:
		return 6
	case fault.NotReady:
		return 5
	case fault.Timeout:
		return 4
	case fault.Unavailable:
		return 3
	case fault.ModelError:
		return 2
	case fault.NotImplemented:
		return 1
	case fault.Internal, fault.Invalid, fault.NotFound, fault.Conflict, fault.Denied, fault.QuotaExceeded, fault.Canceled:
		return 0
	}
	return 0
}

// failure is a target's fault.
type failure struct {
	target *target
	fault  *fault.Error
}

// best returns the most useful of several failures, the first among equals. Its
// fault has all of them as its cause, and the earliest time that one of the
// throttled asked to come back.
func best(failures []failure) failure {
	if len(failures) == 1 {
		return failures[0]
	}
	chosen := failures[0]
	causes := make([]error, len(failures))
	for i, f := range failures {
		causes[i] = fmt.Errorf("%s: %w", f.target, f.fault)
		if usefulness(f.fault.Kind) > usefulness(chosen.fault.Kind) {
			chosen = f
		}
	}
	merged := *chosen.fault
	merged.Err = errors.Join(causes...)
	for _, f := range failures {
		if after := f.fault.RetryAfter; f.fault.Kind == merged.Kind && after > 0 && (merged.RetryAfter == 0 || after < merged.RetryAfter) {
			merged.RetryAfter = after
		}
	}
	chosen.fault = &merged
	return chosen
}

// midstream returns the fault of an answer that broke off after it had begun. The
// runtime API has names for throttling and time-outs in a stream; all else is the
// model's stream that failed.
func midstream(f *fault.Error) *fault.Error {
	switch f.Kind {
	case fault.Throttled, fault.Timeout, fault.Canceled, fault.ModelError:
		return f
	case fault.Internal, fault.Invalid, fault.NotFound, fault.Conflict, fault.Denied, fault.QuotaExceeded, fault.Unavailable, fault.NotReady, fault.NotImplemented:
	}
	return &fault.Error{
		Kind: fault.ModelError, Err: f, OriginalStatus: f.OriginalStatus, Resource: f.Resource,
		Message: "The model's stream broke off before its end: " + f.Message,
	}
}
