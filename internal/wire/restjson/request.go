package restjson

import (
	"bytes"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/route"
)

// The places of a request.
const (
	inLabel  = "label"
	inQuery  = "query parameter"
	inHeader = "header"
	inBody   = "body"
)

// Request is what an input is read from.
type Request struct {
	HTTP   *http.Request
	Labels *[route.MaxLabels]string // escaped
	Body   []byte

	// BodyKept is set when the input refers to Body, which then must not be reused.
	BodyKept bool
}

// Reader returns a smithy.Reader of req, whose Struct reads the operation's input.
// Give it back with Release when the input is read.
func (o *Operation) Reader(req *Request) *RequestReader {
	return &RequestReader{op: o, req: req, json: o.pool.Reader(req.Body)}
}

// Release gives r's buffers back.
func (r *RequestReader) Release() { r.op.pool.PutReader(r.json) }

// RequestReader reads one request. Of smithy.Reader's methods only Struct is for
// callers; a request has no other values.
type RequestReader struct {
	textReader // the member being read, when it is text
	op         *Operation
	req        *Request
	json       *jsoncodec.Reader
}

// Struct implements smithy.Reader: it reads labels, query, headers and body, in
// that order.
func (r *RequestReader) Struct(v smithy.Struct) error {
	if err := r.readLabels(v); err != nil {
		return err
	}
	if err := r.readQuery(v); err != nil {
		return err
	}
	if err := r.readHeaders(v); err != nil {
		return err
	}
	return r.readBody(v)
}

// at prepares the reader for the text of member i.
func (r *RequestReader) at(i int, where string, format smithy.TimestampFormat) *textReader {
	r.textReader = textReader{where: where, member: &r.op.op.Input.Members[i], format: format, values: r.values[:0]}
	return &r.textReader
}

func (r *RequestReader) readLabels(v smithy.Struct) error {
	for _, b := range r.op.labels {
		t := r.at(b.member, inLabel, smithy.DateTime)
		text, err := url.PathUnescape(r.req.Labels[b.index])
		if err != nil {
			return t.fail(err, "escape")
		}
		t.text = text
		if err := v.ReadMember(t, b.member); err != nil {
			return err
		}
	}
	return nil
}

func (r *RequestReader) readQuery(v smithy.Struct) error {
	raw := r.req.HTTP.URL.RawQuery
	if raw == "" {
		return nil
	}
	var failed error
	for _, b := range r.op.query {
		t := r.at(b.member, inQuery, smithy.DateTime)
		for key, value := range queryPairs(raw, &failed) {
			if key == b.name {
				t.values = append(t.values, value)
			}
		}
		if failed != nil {
			return t.fail(failed, "escape")
		}
		if len(t.values) == 0 {
			continue
		}
		t.text = t.values[0]
		if err := v.ReadMember(t, b.member); err != nil {
			return err
		}
	}
	if r.op.params < 0 {
		return nil
	}
	t := r.at(r.op.params, inQuery, smithy.DateTime)
	t.pairs = queryPairs(raw, &failed)
	if err := v.ReadMember(t, r.op.params); err != nil {
		return err
	}
	if failed != nil {
		return t.fail(failed, "escape")
	}
	return nil
}

func (r *RequestReader) readHeaders(v smithy.Struct) error {
	h := r.req.HTTP.Header
	for _, b := range r.op.header {
		values := h[b.name]
		if len(values) == 0 {
			continue
		}
		t := r.at(b.member, inHeader, smithy.HTTPDate)
		t.values = append(t.values, values...)
		t.text = values[0]
		if err := v.ReadMember(t, b.member); err != nil {
			return err
		}
	}
	for _, b := range r.op.prefix {
		pairs := prefixed(h, b.name)
		for range pairs {
			t := r.at(b.member, inHeader, smithy.HTTPDate)
			t.pairs = pairs
			if err := v.ReadMember(t, b.member); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// prefixed yields the headers whose name begins with prefix, without it, in lower
// case.
func prefixed(h http.Header, prefix string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for name, values := range h {
			suffix, ok := strings.CutPrefix(strings.ToLower(name), prefix)
			if ok && !yield(suffix, strings.Join(values, ", ")) {
				return
			}
		}
	}
}

func (r *RequestReader) readBody(v smithy.Struct) error {
	body := r.req.Body
	switch {
	case r.op.stream >= 0:
		return nil // events are read as they come
	case r.op.payload >= 0:
		return r.readPayload(v)
	case len(bytes.TrimSpace(body)) == 0 || !r.op.body:
		return nil
	}
	if err := r.json.Body(v); err != nil {
		return err
	}
	return r.json.End()
}

func (r *RequestReader) readPayload(v smithy.Struct) error {
	i := r.op.payload
	t := r.at(i, inBody, smithy.DateTime)
	if len(r.req.Body) == 0 {
		return nil
	}
	switch t.member.Schema.Type { //nolint:exhaustive // what else is a payload is JSON
	case smithy.Blob:
		r.req.BodyKept = true
		return v.ReadMember(&rawReader{textReader: t, raw: r.req.Body}, i)
	case smithy.String, smithy.Enum:
		t.text = string(r.req.Body)
		return v.ReadMember(t, i)
	case smithy.Structure:
		if emptyObject(r.req.Body) {
			return nil // how clients write a payload that is not set
		}
	}
	if err := v.ReadMember(r.json, i); err != nil {
		return err
	}
	return r.json.End()
}

// emptyObject reports whether body is {} and nothing more.
func emptyObject(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) >= 2 && body[0] == '{' && body[len(body)-1] == '}' && len(bytes.TrimSpace(body[1:len(body)-1])) == 0
}

// rawReader reads a body that is a blob.
type rawReader struct {
	*textReader
	raw []byte
}

// Bytes implements smithy.Reader.
func (r *rawReader) Bytes(*smithy.Schema) ([]byte, error) { return r.raw, nil }
