package restjson

import (
	"fmt"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/eventstream"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

// The headers of an event frame.
const (
	headerMessage   = ":message-type"
	headerEvent     = ":event-type"
	headerException = ":exception-type"
	headerContent   = ":content-type"
	kindEvent       = "event"
	kindException   = "exception"
	kindError       = "error"
)

// EventWriter writes the events of one stream as frames. It keeps its buffers from
// one event to the next; it is not safe for concurrent use.
type EventWriter struct {
	frame  eventstream.Builder
	json   jsoncodec.Writer
	buf    []byte // the finished frame
	raw    []byte // a payload that is no JSON
	isRaw  bool
	schema *smithy.Schema // of the event
	member *smithy.Member // of the event, being written
	inBody bool           // the member is in the frame's payload

	// Pad returns the padding that goes into a JSON payload as member "p", so that
	// a frame's size does not tell the size of its text. Nil adds none.
	Pad func() string
}

// Event returns the frame of e, a union with one member set, or a structure of the
// union's members that is an error. The frame is valid until the next call.
func (w *EventWriter) Event(e smithy.Struct) ([]byte, error) {
	one := &unionWriter{w: w, union: e.Schema()}
	e.WriteMembers(one)
	switch {
	case one.err != nil:
		return nil, one.err
	case one.count != 1:
		return nil, fmt.Errorf("event %s has %d members set", e.Schema().Name, one.count)
	}
	return w.buf, nil
}

// Exception returns the frame of a modelled error: union is the stream's, which
// names it if it knows it.
func (w *EventWriter) Exception(union *smithy.Schema, e smithy.Struct) ([]byte, error) {
	s := e.Schema()
	name := s.Error
	for i := range union.Members {
		if m := &union.Members[i]; m.Schema == s || m.Schema.Error != "" && m.Schema.Error == s.Error {
			name = m.Name
		}
	}
	return w.structure(name, kindException, e)
}

// Failure returns the frame of an error that no model names.
func (w *EventWriter) Failure(code, message string) ([]byte, error) {
	w.frame.Begin(w.buf[:0])
	w.frame.Text(":error-code", code)
	w.frame.Text(":error-message", message)
	w.frame.Text(headerMessage, kindError)
	var err error
	w.buf, err = w.frame.Payload(nil)
	return w.buf, err
}

// structure writes the frame of one event or exception.
func (w *EventWriter) structure(name, kind string, v smithy.Struct) ([]byte, error) {
	w.schema = v.Schema()
	w.raw, w.isRaw = nil, false
	w.json.Reset()
	w.frame.Begin(w.buf[:0])
	if kind == kindException {
		w.frame.Text(headerException, name)
	} else {
		w.frame.Text(headerEvent, name)
	}
	media, object := eventType(w.schema)
	if media != "" {
		w.frame.Text(headerContent, media)
	}
	w.frame.Text(headerMessage, kind)
	if object {
		w.json.Open(w.schema)
	}
	v.WriteMembers((*eventMembers)(w))
	if object {
		if w.Pad != nil && kind == kindEvent {
			w.json.Key("p")
			w.json.String(nil, w.Pad())
		}
		w.json.Close()
	}
	if err := w.json.Err(); err != nil {
		return nil, err
	}
	payload := w.json.Written()
	if w.isRaw {
		payload = w.raw
	}
	var err error
	w.buf, err = w.frame.Payload(payload)
	return w.buf, err
}

// eventType returns the media type of an event's payload, and whether it is an
// object of the members that are bound to nothing else. Real frames of events with
// only headers have neither.
func eventType(s *smithy.Schema) (media string, object bool) {
	headers := false
	for i := range s.Members {
		switch m := &s.Members[i]; m.Location {
		case smithy.EventPayload:
			return fixedPayloadType(m), false
		case smithy.EventHeader:
			headers = true
		default:
			return mediaJSON, true
		}
	}
	if headers {
		return "", false
	}
	return mediaJSON, true
}

// unionWriter takes the one member of an event's union.
type unionWriter struct {
	jsoncodec.Writer // of values that are no structures, which no model has
	w                *EventWriter
	union            *smithy.Schema
	member           *smithy.Member
	count            int
	err              error
}

// Member implements smithy.Writer.
func (u *unionWriter) Member(i int) {
	u.member = &u.union.Members[i]
	u.count++
}

// Struct implements smithy.Writer.
func (u *unionWriter) Struct(v smithy.Struct) {
	kind := kindEvent
	if v.Schema().Error != "" {
		kind = kindException
	}
	if _, err := u.w.structure(u.member.Name, kind, v); err != nil && u.err == nil {
		u.err = err
	}
}

// eventMembers is the smithy.Writer of an event's members.
type eventMembers EventWriter

// Member implements smithy.Writer.
func (w *eventMembers) Member(i int) {
	w.member = &w.schema.Members[i]
	w.inBody = w.member.Location != smithy.EventHeader
	if w.inBody && w.member.Location != smithy.EventPayload {
		w.json.Member(i)
	}
}

func (w *eventMembers) header(t eventstream.Type, num int64, raw []byte) {
	w.frame.Header(eventstream.Header{Name: w.member.Name, Type: t, Num: num, Raw: raw})
}

// isRawPayload reports whether the member is a payload that is no JSON.
func (w *eventMembers) isRawPayload() bool {
	t := w.member.Schema.Type
	return w.member.Location == smithy.EventPayload && (t == smithy.Blob || t == smithy.String || t == smithy.Enum)
}

// Struct implements smithy.Writer.
func (w *eventMembers) Struct(v smithy.Struct) { w.json.Struct(v) }

// List implements smithy.Writer.
func (w *eventMembers) List(s *smithy.Schema, n int, elem func(i int)) { w.json.List(s, n, elem) }

// Map implements smithy.Writer.
func (w *eventMembers) Map(s *smithy.Schema, n int) { w.json.Map(s, n) }

// Key implements smithy.Writer.
func (w *eventMembers) Key(k string) { w.json.Key(k) }

// EndMap implements smithy.Writer.
func (w *eventMembers) EndMap() { w.json.EndMap() }

// Null implements smithy.Writer.
func (w *eventMembers) Null() { w.json.Null() }

// JSON implements smithy.Writer.
func (w *eventMembers) JSON(s *smithy.Schema, v []byte) { w.json.JSON(s, v) }

// Float implements smithy.Writer.
func (w *eventMembers) Float(s *smithy.Schema, v float64) { w.json.Float(s, v) }

// String implements smithy.Writer.
func (w *eventMembers) String(s *smithy.Schema, v string) {
	switch {
	case !w.inBody:
		w.header(eventstream.String, 0, []byte(v))
	case w.isRawPayload():
		w.raw, w.isRaw = []byte(v), true
	default:
		w.json.String(s, v)
	}
}

// Bool implements smithy.Writer.
func (w *eventMembers) Bool(s *smithy.Schema, v bool) {
	switch {
	case w.inBody:
		w.json.Bool(s, v)
	case v:
		w.header(eventstream.True, 0, nil)
	default:
		w.header(eventstream.False, 0, nil)
	}
}

// Int implements smithy.Writer.
func (w *eventMembers) Int(s *smithy.Schema, v int64) {
	if w.inBody {
		w.json.Int(s, v)
		return
	}
	t := eventstream.Long
	switch s.Type { //nolint:exhaustive // the others are long
	case smithy.Byte:
		t = eventstream.Byte
	case smithy.Short:
		t = eventstream.Short
	case smithy.Integer, smithy.IntEnum:
		t = eventstream.Int
	}
	w.header(t, v, nil)
}

// Bytes implements smithy.Writer.
func (w *eventMembers) Bytes(s *smithy.Schema, v []byte) {
	switch {
	case !w.inBody:
		w.header(eventstream.Bytes, 0, v)
	case w.isRawPayload():
		w.raw, w.isRaw = v, true
	default:
		w.json.Bytes(s, v)
	}
}

// Time implements smithy.Writer.
func (w *eventMembers) Time(s *smithy.Schema, v time.Time) {
	if w.inBody {
		w.json.Time(s, v)
		return
	}
	w.header(eventstream.Timestamp, v.UnixMilli(), nil)
}
