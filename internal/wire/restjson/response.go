package restjson

import (
	"encoding/base64"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/scalar"
)

// Response is a response being written. Headers go to Header as they come; the
// body is kept until the caller has sent it and calls Release.
type Response struct {
	Status int
	Header http.Header

	json   *jsoncodec.Writer
	raw    []byte // a payload that is no JSON
	isRaw  bool
	schema *smithy.Schema
	member *smithy.Member // at the top
	list   *headerList    // the header list being written
	key    string         // of the prefix header being written
	pool   *jsoncodec.Pool
}

type headerList struct {
	b []byte
	n int
}

// NewResponse returns an empty response that writes its headers to h.
func NewResponse(pool *jsoncodec.Pool, h http.Header) *Response {
	return &Response{Header: h, json: pool.Writer(), pool: pool}
}

// Body returns the body; it is valid until Release.
func (r *Response) Body() []byte {
	if r.isRaw {
		return r.raw
	}
	return r.json.Written()
}

// Err returns the first error of a value that could not be written.
func (r *Response) Err() error { return r.json.Err() }

// Release gives the response's buffers back.
func (r *Response) Release() { r.pool.PutWriter(r.json) }

// Output writes an operation's output but for its event stream.
func (r *Response) Output(op *smithy.Operation, out smithy.Struct) {
	r.Status = op.Code
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	if op.Output.EventStream() != nil {
		r.structure(out, false)
		r.setDefault("Content-Type", mediaEvents)
		return
	}
	r.structure(out, op.Output.Name != unitName || len(op.Output.Members) > 0)
}

// Error writes a modelled error.
func (r *Response) Error(e smithy.Struct) {
	s := e.Schema()
	r.Status = s.Status
	if r.Status == 0 {
		r.Status = http.StatusInternalServerError
	}
	code := s.Error
	if code == "" {
		code = s.Name
	}
	r.Header["X-Amzn-Errortype"] = []string{code}
	r.structure(e, true)
}

// structure writes v's members where they belong; object says that they make a
// JSON object if no payload replaces it.
func (r *Response) structure(v smithy.Struct, object bool) {
	r.schema = v.Schema()
	for i := range r.schema.Members {
		if r.schema.Members[i].Location == smithy.Payload {
			object = false
		}
	}
	if object {
		r.json.Open(r.schema)
	}
	v.WriteMembers((*topWriter)(r))
	if object {
		r.json.Close()
		r.setDefault("Content-Type", mediaJSON)
	}
}

func (r *Response) setDefault(name, value string) {
	if _, ok := r.Header[name]; !ok {
		r.Header[name] = []string{value}
	}
}

// topWriter is the smithy.Writer of the outermost structure. Values of members
// bound to the body go on to the JSON writer; nested structures talk to that one
// directly.
type topWriter Response

// Member implements smithy.Writer.
func (w *topWriter) Member(i int) {
	w.member = &w.schema.Members[i]
	w.list, w.key = nil, ""
	switch w.member.Location {
	case smithy.Payload:
		(*Response)(w).setDefault("Content-Type", fixedPayloadType(w.member))
	case smithy.Header, smithy.PrefixHeaders, smithy.StatusCode:
	default:
		w.json.Member(i)
	}
}

func fixedPayloadType(m *smithy.Member) string {
	if t := payloadType(m); t != "*" {
		return t
	}
	return mediaBytes
}

// inJSON reports whether the member being written is JSON.
func (w *topWriter) inJSON() bool {
	switch w.member.Location { //nolint:exhaustive // the others are in the body
	case smithy.Header, smithy.PrefixHeaders, smithy.StatusCode:
		return false
	case smithy.Payload:
		t := w.member.Schema.Type
		return t != smithy.Blob && t != smithy.String && t != smithy.Enum
	}
	return true
}

// text puts the text of a value where the member is bound. quote says that a comma
// in it needs quotes in a list.
func (w *topWriter) text(b []byte, quote bool) {
	switch {
	case w.list != nil:
		w.list.add(b, quote)
	case w.member.Location == smithy.PrefixHeaders:
		w.setPrefixed(string(b))
	case w.member.Location == smithy.Payload:
		w.raw, w.isRaw = b, true
	default:
		w.Header[textproto.CanonicalMIMEHeaderKey(headerName(w.member))] = []string{string(b)}
	}
}

func headerName(m *smithy.Member) string {
	if m.LocationName != "" {
		return m.LocationName
	}
	return m.Name
}

// setPrefixed sets a header of a map, unless a member of its own is bound to it.
func (w *topWriter) setPrefixed(value string) {
	name := w.member.LocationName + w.key
	for i := range w.schema.Members {
		if m := &w.schema.Members[i]; m.Location == smithy.Header && strings.EqualFold(headerName(m), name) {
			return
		}
	}
	w.Header[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
}

func (l *headerList) add(elem []byte, quote bool) {
	if l.n++; l.n > 1 {
		l.b = append(l.b, ", "...)
	}
	if !quote || !needsQuotes(elem) {
		l.b = append(l.b, elem...)
		return
	}
	l.b = append(l.b, '"')
	for _, c := range elem {
		if c == '"' || c == '\\' {
			l.b = append(l.b, '\\')
		}
		l.b = append(l.b, c)
	}
	l.b = append(l.b, '"')
}

func needsQuotes(elem []byte) bool {
	s := string(elem)
	return s == "" || strings.ContainsAny(s, `",`) || s != strings.TrimSpace(s)
}

// Struct implements smithy.Writer.
func (w *topWriter) Struct(v smithy.Struct) {
	if w.inJSON() {
		w.json.Struct(v)
	}
}

// List implements smithy.Writer.
func (w *topWriter) List(s *smithy.Schema, n int, elem func(i int)) {
	if w.inJSON() {
		w.json.List(s, n, elem)
		return
	}
	list := &headerList{}
	w.list = list
	for i := range n {
		elem(i)
	}
	w.list = nil
	w.text(list.b, false)
}

// Map implements smithy.Writer.
func (w *topWriter) Map(s *smithy.Schema, n int) {
	if w.inJSON() {
		w.json.Map(s, n)
	}
}

// Key implements smithy.Writer.
func (w *topWriter) Key(k string) {
	if w.inJSON() {
		w.json.Key(k)
		return
	}
	w.key = k
}

// EndMap implements smithy.Writer.
func (w *topWriter) EndMap() {
	if w.inJSON() {
		w.json.EndMap()
	}
}

// Null implements smithy.Writer.
func (w *topWriter) Null() {
	if w.inJSON() {
		w.json.Null()
	}
}

// String implements smithy.Writer.
func (w *topWriter) String(s *smithy.Schema, v string) {
	switch {
	case w.inJSON():
		w.json.String(s, v)
	case w.member.MediaType != "" && w.member.Location == smithy.Header:
		w.text(base64.StdEncoding.AppendEncode(nil, []byte(v)), false)
	default:
		w.text([]byte(v), true)
	}
}

// Bool implements smithy.Writer.
func (w *topWriter) Bool(s *smithy.Schema, v bool) {
	if w.inJSON() {
		w.json.Bool(s, v)
		return
	}
	w.text(strconv.AppendBool(nil, v), false)
}

// Int implements smithy.Writer.
func (w *topWriter) Int(s *smithy.Schema, v int64) {
	switch {
	case w.inJSON():
		w.json.Int(s, v)
	case w.member.Location == smithy.StatusCode:
		w.Status = int(v)
	default:
		w.text(strconv.AppendInt(nil, v, 10), false)
	}
}

// Float implements smithy.Writer.
func (w *topWriter) Float(s *smithy.Schema, v float64) {
	if w.inJSON() {
		w.json.Float(s, v)
		return
	}
	w.text(scalar.AppendFloat(nil, v, s.Type), false)
}

// Bytes implements smithy.Writer.
func (w *topWriter) Bytes(s *smithy.Schema, v []byte) {
	switch {
	case w.inJSON():
		w.json.Bytes(s, v)
	case w.member.Location == smithy.Payload:
		w.text(v, false)
	default:
		w.text(base64.StdEncoding.AppendEncode(nil, v), false)
	}
}

// Time implements smithy.Writer.
func (w *topWriter) Time(s *smithy.Schema, v time.Time) {
	if w.inJSON() {
		w.json.Time(s, v)
		return
	}
	w.text(scalar.AppendTime(nil, v, scalar.Format(w.member, s, smithy.HTTPDate)), false)
}

// JSON implements smithy.Writer.
func (w *topWriter) JSON(s *smithy.Schema, v []byte) {
	if w.inJSON() {
		w.json.JSON(s, v)
	}
}
