// Package jsoncodec reads and writes shapes as the JSON of AWS protocols: members
// under their wire names, blobs in base64, timestamps as seconds unless their shape
// says otherwise, documents as they are.
//
// The Reader is strict, as AWS is: a value of the wrong type, a number out of
// range, broken UTF-8, a union without exactly one member or text after the value
// is a smithy.SerializationError with the path of the value. Unknown members are
// skipped, nulls count as absent, and of a repeated member the last one wins.
//
// HTTP bindings are another package's: Reader.Body and Writer.Member leave out
// members that are bound elsewhere only where their caller asks.
package jsoncodec

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/scalar"
)

// Reader is a smithy.Reader of one JSON text. What it returns never refers to that
// text. It is not safe for concurrent use.
type Reader struct {
	data    []byte
	pos     int
	depth   int
	scratch []byte
	member  *smithy.Member // the member or element being read, for its formats
}

// NewReader returns a reader of data.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Reset makes r read data, keeping its buffer.
func (r *Reader) Reset(data []byte) { *r = Reader{data: data, scratch: r.scratch} }

// End reports an error unless nothing but white space is left.
func (r *Reader) End() error {
	if r.peek(); r.pos < len(r.data) {
		return failf("Unexpected %s after the end of the JSON text", r.found())
	}
	return nil
}

// Struct implements smithy.Reader.
func (r *Reader) Struct(v smithy.Struct) error { return r.structure(v, false) }

// Body reads only those members of v that are bound to the body; the rest counts as
// unknown.
func (r *Reader) Body(v smithy.Struct) error { return r.structure(v, true) }

func (r *Reader) structure(v smithy.Struct, bodyOnly bool) error {
	if r.peek() != '{' {
		return r.expected("an object")
	}
	if err := r.enter(); err != nil {
		return err
	}
	s := v.Schema()
	set := 0 // how many members of a union
	for i, first := -1, true; ; first = false {
		more, err := r.next('}', first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		key, err := r.key()
		if err != nil {
			return err
		}
		if i, err = r.structMember(v, key, i+1, bodyOnly); err != nil {
			return err
		}
		if i >= 0 {
			set++
		}
	}
	r.depth--
	if s.Type == smithy.Union && set != 1 {
		return failf("Union must have exactly one member set, found %d", set)
	}
	return nil
}

// structMember reads one member of v, and returns its index; -1 when it was skipped.
// Members mostly come in the schema's order: the search starts at hint.
func (r *Reader) structMember(v smithy.Struct, key []byte, hint int, bodyOnly bool) (int, error) {
	s := v.Schema()
	i := find(s, key, hint)
	if i < 0 || bodyOnly && s.Members[i].Location != smithy.Body {
		if s.Type == smithy.Union && string(key) != "__type" {
			return -1, failf("Unknown union member %q", key)
		}
		return -1, r.skip()
	}
	if r.takeNull() {
		return -1, nil
	}
	m := &s.Members[i]
	r.member = m
	if err := v.ReadMember(r, i); err != nil {
		return i, within(err, wireName(m))
	}
	return i, nil
}

// find returns the index of the member named key, -1 when there is none.
func find(s *smithy.Schema, key []byte, hint int) int {
	for i := hint; i < len(s.Members); i++ {
		if wireName(&s.Members[i]) == string(key) {
			return i
		}
	}
	for i := range min(hint, len(s.Members)) {
		if wireName(&s.Members[i]) == string(key) {
			return i
		}
	}
	return -1
}

func wireName(m *smithy.Member) string {
	if m.WireName != "" {
		return m.WireName
	}
	return m.Name
}

// within puts a serialization error below step.
func within(err error, step string) error {
	if e, ok := errors.AsType[*smithy.SerializationError](err); ok {
		return e.In(step)
	}
	return err
}

// List implements smithy.Reader.
func (r *Reader) List(s *smithy.Schema, elem func(null bool) error) error {
	if r.peek() != '[' {
		return r.expected("a list")
	}
	if err := r.enter(); err != nil {
		return err
	}
	for n := 0; ; n++ {
		more, err := r.next(']', n == 0)
		if err != nil || !more {
			r.depth--
			return err
		}
		if err := r.element(s, 0, elem); err != nil {
			return within(err, fmt.Sprintf("[%d]", n))
		}
	}
}

// element reads one element of a list or map.
func (r *Reader) element(s *smithy.Schema, member int, elem func(null bool) error) error {
	null := r.takeNull()
	if null && !s.Sparse {
		return failf("Unexpected null: expected a value")
	}
	if member < len(s.Members) {
		r.member = &s.Members[member]
	}
	return elem(null)
}

// Map implements smithy.Reader.
func (r *Reader) Map(s *smithy.Schema, entry func(key string, null bool) error) error {
	if r.peek() != '{' {
		return r.expected("an object")
	}
	if err := r.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := r.next('}', first)
		if err != nil || !more {
			r.depth--
			return err
		}
		raw, err := r.key()
		if err != nil {
			return err
		}
		key := string(raw)
		if err := r.element(s, 1, func(null bool) error { return entry(key, null) }); err != nil {
			return within(err, key)
		}
	}
}

// String implements smithy.Reader. Big numbers come as the digits they have.
func (r *Reader) String(s *smithy.Schema) (string, error) {
	if s != nil && (s.Type == smithy.BigInteger || s.Type == smithy.BigDecimal) {
		num, err := r.number("a number")
		return string(num), err
	}
	if r.peek() != '"' {
		return "", r.expected("a string")
	}
	text, err := r.text()
	return string(text), err
}

// Bool implements smithy.Reader.
func (r *Reader) Bool(*smithy.Schema) (bool, error) {
	c := r.peek()
	switch {
	case c == 't' && r.literal("true"):
		r.pos += len("true")
		return true, nil
	case c == 'f' && r.literal("false"):
		r.pos += len("false")
		return false, nil
	}
	return false, r.expected("a boolean")
}

// Int implements smithy.Reader.
func (r *Reader) Int(s *smithy.Schema) (int64, error) {
	num, err := r.number("an integer")
	if err != nil {
		return 0, err
	}
	n, err := scalar.ParseInt(string(num), s.Type)
	switch {
	case errors.Is(err, scalar.ErrRange):
		return 0, failf("Number %s is out of range", clip(num))
	case err != nil:
		return 0, failf("Number %s is not an integer", clip(num))
	}
	return n, nil
}

// Float implements smithy.Reader.
func (r *Reader) Float(*smithy.Schema) (float64, error) {
	if r.peek() == '"' {
		text, err := r.text()
		if err != nil {
			return 0, err
		}
		if f, ok := scalar.Special(string(text)); ok {
			return f, nil
		}
		return 0, failf("Unexpected string: expected a number")
	}
	num, err := r.number("a number")
	if err != nil {
		return 0, err
	}
	f, err := scalar.ParseFloat(string(num))
	if err != nil {
		return 0, failf("Number %s is out of range", clip(num))
	}
	return f, nil
}

// clip shortens foreign text that goes into a message.
func clip(b []byte) string {
	if len(b) > 40 {
		return string(b[:40]) + "…"
	}
	return string(b)
}

// Bytes implements smithy.Reader.
func (r *Reader) Bytes(*smithy.Schema) ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.expected("a base64 string")
	}
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err != nil {
		return nil, failf("Invalid base64")
	}
	return out[:n], nil
}

// Time implements smithy.Reader.
func (r *Reader) Time(s *smithy.Schema) (time.Time, error) {
	format := scalar.Format(r.member, s, smithy.EpochSeconds)
	var text []byte
	var err error
	if format == smithy.EpochSeconds {
		text, err = r.number("a number of seconds")
	} else if r.peek() != '"' {
		err = r.expected("a timestamp string")
	} else {
		text, err = r.text()
	}
	if err != nil {
		return time.Time{}, err
	}
	t, err := scalar.ParseTime(string(text), format)
	if err != nil {
		return time.Time{}, failf("Invalid timestamp %q", clip(text))
	}
	return t, nil
}

// JSON implements smithy.Reader.
func (r *Reader) JSON(*smithy.Schema) ([]byte, error) {
	r.peek()
	start := r.pos
	if err := r.skip(); err != nil {
		return nil, err
	}
	return append([]byte(nil), r.data[start:r.pos]...), nil
}
