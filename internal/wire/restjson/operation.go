// Package restjson is the restJson1 protocol on the server's side: it reads an
// HTTP request into an operation's input and writes its output, or an error, as an
// HTTP response, following the HTTP bindings of the shapes.
//
// Labels are read from the escaped path, and values that do not fit their type are
// smithy.SerializationErrors. Media types are checked as Smithy asks, with one
// tolerance: a JSON body may come without a Content-Type, as it may at AWS.
//
// It finds no operation, checks no identity and validates no constraint.
package restjson

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/route"
)

// The media types of the protocol.
const (
	mediaJSON   = "application/json"
	mediaText   = "text/plain"
	mediaBytes  = "application/octet-stream"
	mediaEvents = "application/vnd.amazon.eventstream"
)

// Operation is an operation's HTTP binding. It is safe for concurrent use.
type Operation struct {
	op     *smithy.Operation
	labels []binding // names hold no meaning: index is the label's
	query  []binding
	header []binding
	params int // member that takes the whole query string, -1 for none
	prefix []binding

	payload int  // member that is the body, -1 for none
	body    bool // some members are in a JSON body
	stream  int  // member that is the event stream, -1 for none

	contentType string // the request body's; "" for none, "*" for any
	accept      string // the response body's, likewise
	pool        *jsoncodec.Pool
}

// binding is a member and where it stands.
type binding struct {
	member int
	index  int    // of a label
	name   string // of a query parameter or header
}

// Compile prepares op.
func Compile(op *smithy.Operation, pool *jsoncodec.Pool) (*Operation, error) {
	o := &Operation{op: op, params: -1, payload: -1, stream: -1, pool: pool}
	names := route.Labels(op.URI)
	for i := range op.Input.Members {
		if err := o.bind(i, names); err != nil {
			return nil, fmt.Errorf("operation %s: %w", op.Name, err)
		}
	}
	o.contentType = requestType(op, o)
	o.accept = responseType(op)
	return o, nil
}

// Input returns the schema of the operation's input.
func (o *Operation) Input() *smithy.Schema { return o.op.Input }

func (o *Operation) bind(i int, labels []string) error {
	m := &o.op.Input.Members[i]
	b := binding{member: i, name: m.LocationName}
	if b.name == "" {
		b.name = m.Name
	}
	if m.Schema.IsEventStream() {
		o.stream = i
		return nil
	}
	switch m.Location {
	case smithy.Label:
		for b.index = 0; b.index < len(labels); b.index++ {
			if labels[b.index] == b.name || labels[b.index] == m.Name {
				o.labels = append(o.labels, b)
				return nil
			}
		}
		return fmt.Errorf("no label for member %s in %s", m.Name, o.op.URI)
	case smithy.Query:
		o.query = append(o.query, b)
	case smithy.QueryParams:
		o.params = i
	case smithy.Header:
		b.name = textproto.CanonicalMIMEHeaderKey(b.name)
		o.header = append(o.header, b)
	case smithy.PrefixHeaders:
		b.name = strings.ToLower(m.LocationName)
		o.prefix = append(o.prefix, b)
	case smithy.Payload:
		o.payload = i
	case smithy.Body:
		o.body = true
	case smithy.StatusCode, smithy.EventHeader, smithy.EventPayload, smithy.Host:
	}
	return nil
}

// requestType returns the content type that o's requests have.
func requestType(op *smithy.Operation, o *Operation) string {
	for _, h := range o.header {
		if h.name == "Content-Type" {
			return "*" // it is the caller's to choose
		}
	}
	switch {
	case o.stream >= 0:
		return mediaEvents
	case o.payload >= 0:
		return payloadType(&op.Input.Members[o.payload])
	case o.body, len(op.Input.Members) == 0 && op.Input.Name != unitName:
		return mediaJSON
	}
	return ""
}

// unitName is the name of the structure that stands for no input or output.
const unitName = "Unit"

// payloadType returns the media type of a member that is a body; any for a blob
// that names none.
func payloadType(m *smithy.Member) string {
	switch t := m.Schema.Type; {
	case m.MediaType != "":
		return m.MediaType
	case t == smithy.Blob:
		return "*"
	case t == smithy.String || t == smithy.Enum:
		return mediaText
	}
	return mediaJSON
}

func responseType(op *smithy.Operation) string {
	if op.Output.EventStream() != nil {
		return "*" // clients that read events still ask for JSON at times
	}
	for i := range op.Output.Members {
		if m := &op.Output.Members[i]; m.Location == smithy.Payload {
			return payloadType(m)
		}
	}
	return mediaJSON
}

// UnsupportedMediaTypeError says that a request's Content-Type is not the
// operation's.
type UnsupportedMediaTypeError struct{ Got, Want string }

func (e *UnsupportedMediaTypeError) Error() string {
	switch {
	case e.Want == "":
		return fmt.Sprintf("This operation takes no body, so no Content-Type %q", e.Got)
	case e.Got == "":
		return fmt.Sprintf("The request has no Content-Type: expected %q", e.Want)
	}
	return fmt.Sprintf("Unsupported Content-Type %q: expected %q", e.Got, e.Want)
}

// NotAcceptableError says that a client does not accept what the operation answers.
type NotAcceptableError struct{ Accept, Offered string }

func (e *NotAcceptableError) Error() string {
	return fmt.Sprintf("The response is %q, which Accept %q does not allow", e.Offered, e.Accept)
}

// CheckMedia checks the Content-Type and Accept headers of a request whose body has
// size bytes; a negative size is unknown.
func (o *Operation) CheckMedia(h http.Header, size int64) error {
	if got := first(h["Content-Type"]); !o.acceptsType(got, size) {
		return &UnsupportedMediaTypeError{Got: got, Want: o.contentType}
	}
	if accept := h["Accept"]; len(accept) > 0 && !allows(accept, o.accept) {
		return &NotAcceptableError{Accept: strings.Join(accept, ", "), Offered: o.accept}
	}
	return nil
}

func (o *Operation) acceptsType(got string, size int64) bool {
	switch {
	case o.contentType == "*", size == 0:
		return true
	case got == "":
		return o.contentType != mediaText
	}
	media, _, _ := strings.Cut(got, ";")
	return strings.EqualFold(strings.TrimSpace(media), o.contentType)
}

func first(v []string) string {
	if len(v) == 0 {
		return ""
	}
	return v[0]
}

// allows reports whether an Accept header allows the media type offered.
func allows(accept []string, offered string) bool {
	if offered == "*" {
		return true
	}
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			media, _, _ := strings.Cut(part, ";")
			if mediaMatches(strings.TrimSpace(media), offered) {
				return true
			}
		}
	}
	return false
}

func mediaMatches(pattern, media string) bool {
	if pattern == "" || pattern == "*/*" || strings.EqualFold(pattern, media) {
		return true
	}
	prefix, ok := strings.CutSuffix(pattern, "*")
	return ok && strings.HasSuffix(prefix, "/") && len(media) > len(prefix) && strings.EqualFold(media[:len(prefix)], prefix)
}
