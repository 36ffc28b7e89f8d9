package restjson

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/eventstream"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

// ReadEvent reads a frame into e, an empty union. An exception that the union knows
// is read into it and so returned, when it is an error; other exceptions and errors
// are errors.
func ReadEvent(m *eventstream.Message, e smithy.Struct, read func(smithy.Reader, smithy.Struct) error) error {
	kind := m.Header(headerMessage)
	if kind == nil {
		return &smithy.SerializationError{Message: "Event has no :message-type"}
	}
	switch kind.Text() {
	case kindEvent:
		return readMember(m, headerEvent, e, read)
	case kindException:
		if err := readMember(m, headerException, e, read); err != nil {
			return err
		}
		return &ClientError{Event: e}
	case kindError:
		return &ClientError{Code: headerText(m, ":error-code"), Message: headerText(m, ":error-message")}
	}
	return &smithy.SerializationError{Message: fmt.Sprintf("Unknown :message-type %q", clip(kind.Text()))}
}

// ClientError is an error that a client sent in its event stream: a modelled one in
// Event, or one with a code.
type ClientError struct {
	Event         smithy.Struct // nil for one with a code
	Code, Message string
}

func (e *ClientError) Error() string {
	if e.Event != nil {
		return "the client ended the stream with an exception"
	}
	return fmt.Sprintf("the client ended the stream with the error %q: %s", clip(e.Code), clip(e.Message))
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

func headerText(m *eventstream.Message, name string) string {
	if h := m.Header(name); h != nil {
		return h.Text()
	}
	return ""
}

// readMember reads the event that the header called by names.
func readMember(m *eventstream.Message, by string, e smithy.Struct, read func(smithy.Reader, smithy.Struct) error) error {
	name := headerText(m, by)
	s := e.Schema()
	for i := range s.Members {
		if s.Members[i].Name == name {
			return read(&eventUnion{m: m, member: i}, e)
		}
	}
	return &smithy.SerializationError{Message: fmt.Sprintf("Unknown %s %q", by, clip(name))}
}

// none refuses every value; readers of a single kind of value embed it.
type none struct{}

var errNoValue = errors.New("restjson: not a value of its own")

func (none) Struct(smithy.Struct) error                                  { return errNoValue }
func (none) List(*smithy.Schema, func(null bool) error) error            { return errNoValue }
func (none) Map(*smithy.Schema, func(key string, null bool) error) error { return errNoValue }
func (none) String(*smithy.Schema) (string, error)                       { return "", errNoValue }
func (none) Bool(*smithy.Schema) (bool, error)                           { return false, errNoValue }
func (none) Int(*smithy.Schema) (int64, error)                           { return 0, errNoValue }
func (none) Float(*smithy.Schema) (float64, error)                       { return 0, errNoValue }
func (none) Bytes(*smithy.Schema) ([]byte, error)                        { return nil, errNoValue }
func (none) Time(*smithy.Schema) (time.Time, error)                      { return time.Time{}, errNoValue }
func (none) JSON(*smithy.Schema) ([]byte, error)                         { return nil, errNoValue }

// eventUnion reads the union of a stream from a frame: its one member.
type eventUnion struct {
	none
	m      *eventstream.Message
	member int
}

// Struct implements smithy.Reader.
func (r *eventUnion) Struct(v smithy.Struct) error {
	return v.ReadMember(&eventStruct{m: r.m, json: jsoncodec.NewReader(r.m.Payload)}, r.member)
}

// eventStruct reads the structure of an event from a frame.
type eventStruct struct {
	none
	m    *eventstream.Message
	json *jsoncodec.Reader
}

// Struct implements smithy.Reader.
func (r *eventStruct) Struct(v smithy.Struct) error {
	s := v.Schema()
	payload := false
	for i := range s.Members {
		m := &s.Members[i]
		var err error
		switch m.Location { //nolint:exhaustive // only these occur in events
		case smithy.EventHeader:
			if h := r.m.Header(m.Name); h != nil {
				err = v.ReadMember(&eventHeader{h: h}, i)
			}
		case smithy.EventPayload:
			payload = true
			err = r.readPayload(v, i)
		}
		if err != nil {
			return err
		}
	}
	if payload || len(r.m.Payload) == 0 {
		return nil
	}
	if err := r.json.Body(v); err != nil {
		return err
	}
	return r.json.End()
}

func (r *eventStruct) readPayload(v smithy.Struct, i int) error {
	m := &v.Schema().Members[i]
	switch m.Schema.Type { //nolint:exhaustive // what else is a payload is JSON
	case smithy.Blob:
		// The frame's buffer is used again for the next one.
		raw := append([]byte{}, r.m.Payload...)
		return v.ReadMember(&rawReader{textReader: &textReader{where: inBody, member: m}, raw: raw}, i)
	case smithy.String, smithy.Enum:
		return v.ReadMember(&textReader{where: inBody, member: m, text: string(r.m.Payload)}, i)
	}
	if err := v.ReadMember(r.json, i); err != nil {
		return err
	}
	return r.json.End()
}

// eventHeader reads one header of a frame.
type eventHeader struct {
	none
	h *eventstream.Header
}

func (r *eventHeader) fail(want string) error {
	return &smithy.SerializationError{Message: fmt.Sprintf("Header %q of the event is not %s", clip(r.h.Name), want)}
}

// String implements smithy.Reader.
func (r *eventHeader) String(*smithy.Schema) (string, error) {
	if r.h.Type != eventstream.String || !utf8.Valid(r.h.Raw) {
		return "", r.fail("a string")
	}
	return string(r.h.Raw), nil
}

// Bool implements smithy.Reader.
func (r *eventHeader) Bool(*smithy.Schema) (bool, error) {
	if r.h.Type > eventstream.False {
		return false, r.fail("a boolean")
	}
	return r.h.Type == eventstream.True, nil
}

// Int implements smithy.Reader. A narrower header than the shape will do.
func (r *eventHeader) Int(s *smithy.Schema) (int64, error) {
	if r.h.Type < eventstream.Byte || r.h.Type > eventstream.Long {
		return 0, r.fail("an integer")
	}
	limit := int64(math.MaxInt64)
	switch s.Type { //nolint:exhaustive // the others are long
	case smithy.Byte:
		limit = math.MaxInt8
	case smithy.Short:
		limit = math.MaxInt16
	case smithy.Integer, smithy.IntEnum:
		limit = math.MaxInt32
	}
	if r.h.Num > limit || r.h.Num < -limit-1 {
		return 0, r.fail("in range")
	}
	return r.h.Num, nil
}

// Bytes implements smithy.Reader.
func (r *eventHeader) Bytes(*smithy.Schema) ([]byte, error) {
	if r.h.Type != eventstream.Bytes {
		return nil, r.fail("bytes")
	}
	return append([]byte{}, r.h.Raw...), nil
}

// Time implements smithy.Reader.
func (r *eventHeader) Time(*smithy.Schema) (time.Time, error) {
	if r.h.Type != eventstream.Timestamp {
		return time.Time{}, r.fail("a timestamp")
	}
	return time.UnixMilli(r.h.Num).UTC(), nil
}
