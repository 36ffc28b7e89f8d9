package jsoncodec

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/scalar"
)

// Writer is a smithy.Writer that appends JSON to a buffer. The zero value is ready.
// It is not safe for concurrent use.
type Writer struct {
	buf    []byte
	schema *smithy.Schema // of the structure being written
	member *smithy.Member // the member or element being written, for its formats
	err    error
}

// Written returns what has been written; it is valid until the next Reset.
func (w *Writer) Written() []byte { return w.buf }

// Err returns the first error: a document that is not JSON.
func (w *Writer) Err() error { return w.err }

// Reset empties the writer.
func (w *Writer) Reset() { *w = Writer{buf: w.buf[:0]} }

// Append appends raw bytes, for a caller that composes a text of its own.
func (w *Writer) Append(raw ...byte) { w.buf = append(w.buf, raw...) }

// Open begins a structure of schema s that the caller writes member by member.
func (w *Writer) Open(s *smithy.Schema) {
	w.buf = append(w.buf, '{')
	w.schema = s
}

// Close ends what Open began.
func (w *Writer) Close() { w.buf = append(w.buf, '}') }

// Struct implements smithy.Writer.
func (w *Writer) Struct(v smithy.Struct) {
	outer := w.schema
	w.Open(v.Schema())
	v.WriteMembers(w)
	w.Close()
	w.schema = outer
}

// Member implements smithy.Writer.
func (w *Writer) Member(i int) {
	w.member = &w.schema.Members[i]
	w.Key(wireName(w.member))
}

// Key implements smithy.Writer.
func (w *Writer) Key(k string) {
	// A value never ends in an opening brace.
	if n := len(w.buf); n > 0 && w.buf[n-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = AppendString(w.buf, k)
	w.buf = append(w.buf, ':')
}

// List implements smithy.Writer.
func (w *Writer) List(s *smithy.Schema, n int, elem func(i int)) {
	w.buf = append(w.buf, '[')
	for i := range n {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.element(s, 0)
		elem(i)
	}
	w.buf = append(w.buf, ']')
}

func (w *Writer) element(s *smithy.Schema, member int) {
	if s != nil && member < len(s.Members) {
		w.member = &s.Members[member]
	}
}

// Map implements smithy.Writer.
func (w *Writer) Map(s *smithy.Schema, _ int) {
	w.buf = append(w.buf, '{')
	w.element(s, 1)
}

// EndMap implements smithy.Writer.
func (w *Writer) EndMap() { w.buf = append(w.buf, '}') }

// Null implements smithy.Writer.
func (w *Writer) Null() { w.buf = append(w.buf, "null"...) }

// String implements smithy.Writer.
func (w *Writer) String(s *smithy.Schema, v string) {
	if s != nil && (s.Type == smithy.BigInteger || s.Type == smithy.BigDecimal) && scalar.Number(v) {
		w.buf = append(w.buf, v...)
		return
	}
	w.buf = AppendString(w.buf, v)
}

// Bool implements smithy.Writer.
func (w *Writer) Bool(_ *smithy.Schema, v bool) { w.buf = strconv.AppendBool(w.buf, v) }

// Int implements smithy.Writer.
func (w *Writer) Int(_ *smithy.Schema, v int64) { w.buf = strconv.AppendInt(w.buf, v, 10) }

// Float implements smithy.Writer.
func (w *Writer) Float(s *smithy.Schema, v float64) {
	special := math.IsNaN(v) || math.IsInf(v, 0)
	if special {
		w.buf = append(w.buf, '"')
	}
	t := smithy.Double
	if s != nil {
		t = s.Type
	}
	w.buf = scalar.AppendFloat(w.buf, v, t)
	if special {
		w.buf = append(w.buf, '"')
	}
}

// Bytes implements smithy.Writer.
func (w *Writer) Bytes(_ *smithy.Schema, v []byte) {
	w.buf = append(w.buf, '"')
	w.buf = base64.StdEncoding.AppendEncode(w.buf, v)
	w.buf = append(w.buf, '"')
}

// Time implements smithy.Writer.
func (w *Writer) Time(s *smithy.Schema, v time.Time) {
	format := scalar.Format(w.member, s, smithy.EpochSeconds)
	if format == smithy.EpochSeconds {
		w.buf = scalar.AppendTime(w.buf, v, format)
		return
	}
	w.buf = append(w.buf, '"')
	w.buf = scalar.AppendTime(w.buf, v, format)
	w.buf = append(w.buf, '"')
}

// JSON implements smithy.Writer. An empty document is null; one that is not JSON is
// written as null and reported by Err, so that the text around it stays whole.
func (w *Writer) JSON(_ *smithy.Schema, v []byte) {
	if len(v) == 0 {
		w.Null()
		return
	}
	r := Reader{data: v}
	err := r.skip()
	if err == nil {
		err = r.End()
	}
	if err != nil {
		w.Null()
		if w.err == nil {
			w.err = fmt.Errorf("document: %w", err)
		}
		return
	}
	w.buf = append(w.buf, v...)
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, c)
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}

// maxPooled bounds the buffers that a Pool keeps, so that one large answer does not
// stay in memory.
const maxPooled = 64 << 10

// Pool keeps readers and writers for reuse. The zero value is ready.
type Pool struct {
	readers, writers sync.Pool
}

// Reader returns a reader of data. Give it back with PutReader.
func (p *Pool) Reader(data []byte) *Reader {
	r, ok := p.readers.Get().(*Reader)
	if !ok {
		r = &Reader{}
	}
	r.Reset(data)
	return r
}

// PutReader takes a reader back.
func (p *Pool) PutReader(r *Reader) {
	if cap(r.scratch) <= maxPooled {
		r.Reset(nil)
		p.readers.Put(r)
	}
}

// Writer returns an empty writer. Give it back with PutWriter once nothing refers
// to what it wrote.
func (p *Pool) Writer() *Writer {
	w, ok := p.writers.Get().(*Writer)
	if !ok {
		w = &Writer{}
	}
	w.Reset()
	return w
}

// PutWriter takes a writer back.
func (p *Pool) PutWriter(w *Writer) {
	if cap(w.buf) <= maxPooled {
		p.writers.Put(w)
	}
}
