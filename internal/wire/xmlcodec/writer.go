// Package xmlcodec writes shapes as the XML of AWS's query and restXml protocols:
// a member is an element of its wire name, list elements and map entries are
// elements inside it or, where the model flattens them, in its place.
//
// Attributes are not written: no shape of a service that is built has one.
package xmlcodec

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/scalar"
)

// Writer is a smithy.Writer that appends XML to a buffer. It writes elements only
// inside what its caller has opened. The zero value is ready.
type Writer struct {
	buf    []byte
	schema *smithy.Schema // of the structure being written
	next   element        // that the next value goes into
	member *smithy.Member // of the next value, for its formats
	maps   []mapFrame
}

// element is the name and namespace of an element.
type element struct {
	name string
	ns   *smithy.Namespace
}

// mapFrame is a map being written.
type mapFrame struct {
	outer element // around each entry when flattened, else around all
	flat  bool
	entry bool // an entry is open
	s     *smithy.Schema
}

// Written returns what has been written.
func (w *Writer) Written() []byte { return w.buf }

// Open opens an element, with a default namespace unless xmlns is empty.
func (w *Writer) Open(name, xmlns string) {
	e := element{name: name}
	if xmlns != "" {
		e.ns = &smithy.Namespace{URI: xmlns}
	}
	w.open(e)
}

// Close closes an element.
func (w *Writer) Close(name string) {
	w.buf = append(w.buf, "</"...)
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

// Text writes an element that holds text.
func (w *Writer) Text(name, text string) {
	w.Open(name, "")
	w.buf = AppendText(w.buf, text)
	w.Close(name)
}

// Members writes v's members where the writer stands.
func (w *Writer) Members(v smithy.Struct) {
	outer := w.schema
	w.schema = v.Schema()
	v.WriteMembers(w)
	w.schema = outer
}

func (w *Writer) open(e element) {
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, e.name...)
	if e.ns != nil {
		w.buf = append(w.buf, " xmlns"...)
		if e.ns.Prefix != "" {
			w.buf = append(append(w.buf, ':'), e.ns.Prefix...)
		}
		w.buf = append(w.buf, `="`...)
		w.buf = AppendText(w.buf, e.ns.URI)
		w.buf = append(w.buf, '"')
	}
	w.buf = append(w.buf, '>')
}

func nameOf(m *smithy.Member) element {
	if m.WireName != "" {
		return element{m.WireName, m.Namespace}
	}
	return element{m.Name, m.Namespace}
}

// Member implements smithy.Writer.
func (w *Writer) Member(i int) {
	w.member = &w.schema.Members[i]
	w.next = nameOf(w.member)
}

// Struct implements smithy.Writer.
func (w *Writer) Struct(v smithy.Struct) {
	e := w.next
	w.open(e)
	w.Members(v)
	w.Close(e.name)
}

// List implements smithy.Writer.
func (w *Writer) List(s *smithy.Schema, n int, elem func(i int)) {
	e, flat := w.next, w.member.Flattened || s.Flattened
	inner := nameOf(&s.Members[0])
	if flat {
		inner.name = e.name
		if inner.ns == nil {
			inner.ns = e.ns
		}
	} else {
		w.open(e)
	}
	for i := range n {
		w.next, w.member = inner, &s.Members[0]
		elem(i)
	}
	if !flat {
		w.Close(e.name)
	}
}

// Map implements smithy.Writer.
func (w *Writer) Map(s *smithy.Schema, _ int) {
	f := mapFrame{outer: w.next, flat: w.member.Flattened || s.Flattened, s: s}
	if !f.flat {
		w.open(f.outer)
	}
	w.maps = append(w.maps, f)
}

func (f *mapFrame) entryName() element {
	if f.flat {
		return f.outer
	}
	return element{name: "entry"}
}

// Key implements smithy.Writer.
func (w *Writer) Key(k string) {
	w.closeEntry()
	f := &w.maps[len(w.maps)-1]
	f.entry = true
	w.open(f.entryName())
	key := nameOf(&f.s.Members[0])
	w.open(key)
	w.buf = AppendText(w.buf, k)
	w.Close(key.name)
	w.next, w.member = nameOf(&f.s.Members[1]), &f.s.Members[1]
}

// closeEntry closes the entry that is open, if one is.
func (w *Writer) closeEntry() {
	if f := &w.maps[len(w.maps)-1]; f.entry {
		w.Close(f.entryName().name)
		f.entry = false
	}
}

// EndMap implements smithy.Writer.
func (w *Writer) EndMap() {
	w.closeEntry()
	f := w.maps[len(w.maps)-1]
	w.maps = w.maps[:len(w.maps)-1]
	if !f.flat {
		w.Close(f.outer.name)
	}
}

// value writes an element around what add appends.
func (w *Writer) value(add func(b []byte) []byte) {
	e := w.next
	w.open(e)
	w.buf = add(w.buf)
	w.Close(e.name)
}

// Null implements smithy.Writer: an empty element.
func (w *Writer) Null() { w.value(func(b []byte) []byte { return b }) }

// String implements smithy.Writer.
func (w *Writer) String(_ *smithy.Schema, v string) {
	w.value(func(b []byte) []byte { return AppendText(b, v) })
}

// Bool implements smithy.Writer.
func (w *Writer) Bool(_ *smithy.Schema, v bool) {
	w.value(func(b []byte) []byte { return strconv.AppendBool(b, v) })
}

// Int implements smithy.Writer.
func (w *Writer) Int(_ *smithy.Schema, v int64) {
	w.value(func(b []byte) []byte { return strconv.AppendInt(b, v, 10) })
}

// Float implements smithy.Writer.
func (w *Writer) Float(s *smithy.Schema, v float64) {
	w.value(func(b []byte) []byte { return scalar.AppendFloat(b, v, s.Type) })
}

// Bytes implements smithy.Writer.
func (w *Writer) Bytes(_ *smithy.Schema, v []byte) {
	w.value(func(b []byte) []byte { return base64.StdEncoding.AppendEncode(b, v) })
}

// Time implements smithy.Writer.
func (w *Writer) Time(s *smithy.Schema, v time.Time) {
	format := scalar.Format(w.member, s, smithy.DateTime)
	w.value(func(b []byte) []byte { return scalar.AppendTime(b, v, format) })
}

// JSON implements smithy.Writer: the document as text.
func (w *Writer) JSON(_ *smithy.Schema, v []byte) { w.String(nil, string(v)) }

// AppendText appends s as the text of an element or attribute. What XML cannot hold
// becomes U+FFFD.
func AppendText(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r == '\r':
			b = append(b, "&#xD;"...)
		case r < ' ' && r != '\t' && r != '\n', r == 0xfffe, r == 0xffff:
			b = append(b, "\ufffd"...)
		default:
			b = utf8.AppendRune(b, r) // an invalid byte is U+FFFD by now
		}
		i += size
	}
	return b
}
