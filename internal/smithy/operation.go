package smithy

import (
	"context"
	"iter"
)

// Service describes one AWS service: what a protocol needs to serve it.
type Service struct {
	Name         string // endpoint prefix: "bedrock-runtime"
	SigningName  string // SigV4 scope: "bedrock"
	SDKID        string // "Bedrock Runtime"
	Protocols    []string
	APIVersion   string // "2023-09-30"
	TargetPrefix string // X-Amz-Target of the awsJson protocols
	XMLNamespace string
	Operations   []*Operation
}

// Operation describes one operation of a service.
type Operation struct {
	Name   string
	Method string // HTTP binding: "POST"
	URI    string // HTTP binding: "/model/{modelId}/converse"
	Code   int    // status of success

	Input, Output *Schema
	Errors        []*Schema // modelled errors, each with Error and Status set

	NewInput func() Struct
	// Invoke calls the operation's method of impl, which implements the generated
	// Service interface.
	Invoke func(ctx context.Context, impl any, in Struct) (Struct, error)

	OutputStream bool // the output has an event stream, see EventSource
	InputStream  bool // the input has one, see EventSink
	Paginated    bool
}

// EventSource is an output whose event stream the protocol sends.
type EventSource interface {
	Struct
	// Events returns the stream; each event is the stream's union with one member
	// set. An error ends it and is sent as an exception.
	Events() iter.Seq2[Struct, error]
}

// EventSink is an input whose event stream the protocol receives.
type EventSink interface {
	Struct
	// NewEvent returns an empty union to read one event into.
	NewEvent() Struct
	// SetEvents gives the handler the stream, to be ranged over once.
	SetEvents(iter.Seq2[Struct, error])
}
