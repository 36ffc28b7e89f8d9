package smithy

import (
	"context"
	"fmt"
	"iter"
)

// Service describes one AWS service: what a protocol needs to serve it.
type Service struct {
	Name         string   // endpoint prefix: "bedrock-runtime"
	SigningName  string   // SigV4 scope: "bedrock"
	SDKID        string   // "Bedrock Runtime"
	Protocols    []string // that its clients may use, the preferred one first
	APIVersion   string   // "2023-09-30"
	TargetPrefix string   // X-Amz-Target of the awsJson protocols
	XMLNamespace string
	Operations   []*Operation

	// QueryCompatible says that clients of the newer protocols expect the query
	// protocol's error codes in a header (awsQueryCompatible).
	QueryCompatible bool
}

// The protocols, named as in Smithy's traits.
const (
	RestJSON1 = "restJson1"
	AWSJSON10 = "awsJson1_0"
	AWSJSON11 = "awsJson1_1"
	AWSQuery  = "awsQuery"
	RestXML   = "restXml"
	RPCV2CBOR = "rpcv2Cbor"
)

// Operation describes one operation of a service.
type Operation struct {
	Name   string
	Method string // HTTP binding: "POST"
	URI    string // HTTP binding: "/model/{modelId}/converse"
	Code   int    // status of success

	Input, Output *Schema
	Errors        []*Schema // modelled errors, each with Error and Status set

	NewInput, NewOutput func() Struct
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

// Invoke calls method on impl, which implements the generated interface S. It is
// the body of the generated Operation.Invoke. Its type parameters are pointers, so
// that Go compiles it once for all operations of a service.
func Invoke[S any, I, O pointer](
	ctx context.Context, impl any, in Struct, method func(S, context.Context, I) (O, error),
) (Struct, error) {
	svc, ok := impl.(S)
	if !ok {
		return nil, fmt.Errorf("%T does not implement the service", impl)
	}
	typed, ok := in.(I)
	if !ok {
		return nil, &TypeError{Want: typed.Schema().Name}
	}
	out, err := method(svc, ctx, typed)
	if err != nil {
		return nil, err
	}
	var none O
	if out == none {
		return nil, &TypeError{Want: none.Schema().Name} // neither an output nor an error
	}
	return out, nil
}

// pointer is a pointer to a generated structure, whose Schema needs no value.
type pointer interface {
	comparable
	Struct
}
