// Package exception turns Outcrop's errors into the modelled exceptions of each AWS
// service. It is the only place that knows which exception a kind of failure is, and
// the last one that sees the text of an internal error.
package exception

import (
	"context"
	"errors"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// internalText is what a client reads of an error that is ours.
const internalText = "The server encountered an internal error while processing the request. Its log has the details under this request ID."

// table holds one service's exceptions by kind. Kinds without an entry are reported as
// the service's internal error.
type table map[fault.Kind]func(*fault.Error) error

// Mapper turns errors into one service's exceptions.
type Mapper struct {
	kinds   table
	invalid func(message string, violations []smithy.Violation) error
}

// For returns the mapper of a service, by smithy.Service.Name. A service without a
// table of its own gets one with the names that all of AWS uses.
func For(service string) *Mapper {
	switch service {
	case "bedrock":
		return &Mapper{kinds: control, invalid: controlInvalid}
	case "bedrock-runtime":
		return &Mapper{kinds: runtime, invalid: runtimeInvalid}
	case "bedrock-agent":
		return &Mapper{kinds: agents, invalid: agentsInvalid}
	case "bedrock-agent-runtime":
		return &Mapper{kinds: agentRuntime, invalid: agentRuntimeInvalid}
	default:
		return &Mapper{kinds: common, invalid: commonInvalid}
	}
}

// Map returns the exception of err: a modelled one, which is also a smithy.Struct, or a
// *wire.ProtocolError. Errors that are exceptions already are returned as they are.
func (m *Mapper) Map(err error) error {
	if _, ok := err.(interface { //nolint:errorlint // only an exception itself, not one that something wraps
		error
		smithy.Struct
	}); ok {
		return err
	}
	if v, ok := errors.AsType[*smithy.ValidationError](err); ok {
		return m.invalid(v.Error(), v.Violations)
	}
	if n, ok := errors.AsType[*smithy.NotImplementedError](err); ok {
		return m.kind(&fault.Error{Kind: fault.NotImplemented, Message: notImplemented(n)})
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		f = &fault.Error{Kind: fault.KindOf(err), Err: err}
	}
	return m.kind(f)
}

func notImplemented(n *smithy.NotImplementedError) string {
	return fmt.Sprintf("%s is not implemented by Outcrop yet. `outcrop coverage` lists what is.", n.Operation)
}

func (m *Mapper) kind(f *fault.Error) error {
	shown := *f
	if f.Kind == fault.Internal {
		shown.Message = internalText
	}
	if shown.Message == "" {
		shown.Message = defaultText(f.Kind)
	}
	if make, ok := m.kinds[f.Kind]; ok {
		return make(&shown)
	}
	return m.kinds[fault.Internal](&shown)
}

// defaultText is for errors that carry no text for the client, such as a bare
// context.DeadlineExceeded.
func defaultText(k fault.Kind) string {
	switch k {
	case fault.Timeout:
		return "Model has timed out in processing the request. Try your request again."
	case fault.Canceled:
		return context.Canceled.Error()
	case fault.Unavailable:
		return "The service cannot be reached now. Try your request again."
	default:
		return "The request failed: " + k.String() + "."
	}
}

// Known reports whether err is a failure that the request explains: a broken constraint
// or an operation that is not built. Neither is a fault, and neither belongs in a log.
func Known(err error) bool {
	_, invalid := errors.AsType[*smithy.ValidationError](err)
	_, missing := errors.AsType[*smithy.NotImplementedError](err)
	return invalid || missing
}
