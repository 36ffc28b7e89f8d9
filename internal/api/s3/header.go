package s3

import (
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/object"
)

const metaPrefix = "x-amz-meta-"

// attributes reads what a request says about the object that it writes.
func (x *exchange) attributes() (object.Attributes, error) {
	h := x.r.Header
	a := object.Attributes{
		ContentType: h.Get("Content-Type"), CacheControl: h.Get("Cache-Control"),
		ContentDisposition: h.Get("Content-Disposition"), ContentLanguage: h.Get("Content-Language"),
		ContentEncoding: withoutChunked(h.Get("Content-Encoding")), Expires: h.Get("Expires"),
		Redirect: x.header("X-Amz-Website-Redirect-Location"),
	}
	if a.ContentType == "" {
		a.ContentType = "binary/octet-stream"
	}
	add := func(name string, values []string) {
		if k, ok := strings.CutPrefix(strings.ToLower(name), metaPrefix); ok && k != "" {
			if a.Metadata == nil {
				a.Metadata = map[string]string{}
			}
			a.Metadata[k] = decodeMeta(strings.Join(values, ","))
		}
	}
	for name, values := range h {
		add(name, values)
	}
	if x.presigned {
		for name, values := range x.query {
			add(name, values)
		}
	}
	return a, a.Validate()
}

// withoutChunked removes the encoding that is the transfer's, not the object's.
func withoutChunked(encoding string) string {
	var kept []string
	for e := range strings.SplitSeq(encoding, ",") {
		if e = strings.TrimSpace(e); e != "" && e != "aws-chunked" {
			kept = append(kept, e)
		}
	}
	return strings.Join(kept, ",")
}

// decodeMeta reads RFC 2047's form of text that is not ASCII, as some clients write it.
func decodeMeta(v string) string {
	if !strings.Contains(v, "=?") {
		return v
	}
	if text, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
		return text
	}
	return v
}

// encodeMeta writes it.
func encodeMeta(v string) string {
	for i := range len(v) {
		if v[i] >= 0x80 || v[i] < ' ' {
			return mime.BEncoding.Encode("UTF-8", v)
		}
	}
	return v
}

// headerTags reads the tags of x-amz-tagging, a query string.
func (x *exchange) headerTags() (map[string]string, error) {
	text := x.header("X-Amz-Tagging")
	if text == "" {
		return nil, nil //nolint:nilnil // there are none
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, object.Errorf(object.InvalidArgument, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	tags := map[string]string{}
	for k, v := range values {
		if len(v) != 1 {
			return nil, object.Errorf(object.InvalidArgument, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags[k] = v[0]
	}
	return tags, object.CheckTags(tags)
}

// writeConditions reads what must hold of the object that a write replaces.
func (x *exchange) writeConditions() (object.Conditions, error) {
	c := object.Conditions{IfMatch: unquote(x.r.Header.Get("If-Match")), IfNoneMatch: unquote(x.r.Header.Get("If-None-Match"))}
	if c.IfNoneMatch != "" && c.IfNoneMatch != "*" {
		return c, object.Errorf(object.NotImplemented, "A header you provided implies functionality that is not implemented: If-None-Match of an ETag in a write")
	}
	return c, nil
}

// readConditions returns the check of what a read asks of its object; prefix is that of
// the headers' names.
func (x *exchange) readConditions(prefix string) func(object.Info) error {
	h := x.r.Header
	match, none := h.Get(prefix+"If-Match"), h.Get(prefix+"If-None-Match")
	since, sinceErr := http.ParseTime(h.Get(prefix + "If-Modified-Since"))
	until, untilErr := http.ParseTime(h.Get(prefix + "If-Unmodified-Since"))
	return func(i object.Info) error {
		modified := i.Modified.Truncate(time.Second)
		switch {
		case match != "":
			if !listsETag(match, i.ETag) {
				return object.ErrPrecondition()
			}
		case untilErr == nil && modified.After(until):
			return object.ErrPrecondition()
		}
		unchanged := none != "" && listsETag(none, i.ETag) || none == "" && sinceErr == nil && !modified.After(since)
		if !unchanged {
			return nil
		}
		if prefix != "" { // a copy's source
			return object.ErrPrecondition()
		}
		x.w.Header().Set("Etag", quote(i.ETag))
		x.w.Header().Set("Last-Modified", i.Modified.Format(http.TimeFormat))
		return object.Errorf(object.NotModified, "Not Modified")
	}
}

// listsETag reports whether a header's list of ETags has one.
func listsETag(list, etag string) bool {
	for e := range strings.SplitSeq(list, ",") {
		if e = strings.TrimSpace(e); e == "*" || unquote(strings.TrimPrefix(e, "W/")) == etag {
			return true
		}
	}
	return false
}

func quote(etag string) string { return `"` + etag + `"` }

func unquote(etag string) string { return strings.Trim(strings.TrimSpace(etag), `"`) }

// byteRange reads a Range header. As S3 does, it takes one that it doesn't understand, or
// that has several ranges, for none.
func byteRange(h string) *object.Range {
	spec, ok := strings.CutPrefix(strings.TrimSpace(h), "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return nil
	}
	first, last, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return nil
	}
	number := func(s string) (int64, bool) {
		n, err := strconv.ParseUint(s, 10, 63)
		return int64(n), err == nil
	}
	if first == "" {
		n, ok := number(last)
		if !ok {
			return nil
		}
		if n == 0 {
			return &object.Range{First: object.MaxObject, Last: -1} // satisfied by nothing
		}
		return &object.Range{First: -n, Last: -1}
	}
	from, ok := number(first)
	if !ok {
		return nil
	}
	if last == "" {
		return &object.Range{First: from, Last: -1}
	}
	to, ok := number(last)
	if !ok || to < from {
		return nil
	}
	return &object.Range{First: from, Last: to}
}

// describe writes an object's headers.
func (x *exchange) describe(i *object.Info) {
	h := x.w.Header()
	for _, f := range []struct{ name, value, override string }{
		{"Content-Type", i.ContentType, "response-content-type"},
		{"Cache-Control", i.CacheControl, "response-cache-control"},
		{"Content-Disposition", i.ContentDisposition, "response-content-disposition"},
		{"Content-Encoding", i.ContentEncoding, "response-content-encoding"},
		{"Content-Language", i.ContentLanguage, "response-content-language"},
		{"Expires", i.Expires, "response-expires"},
		{"X-Amz-Website-Redirect-Location", i.Redirect, ""},
	} {
		if v := x.query.Get(f.override); v != "" {
			f.value = v
		}
		if f.value != "" {
			h.Set(f.name, f.value)
		}
	}
	for k, v := range i.Metadata { // clients read the names as they are written: in lower case
		h[metaPrefix+k] = []string{encodeMeta(v)}
	}
	h.Set("Etag", quote(i.ETag))
	h.Set("Last-Modified", i.Modified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	if i.TagCount > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(i.TagCount))
	}
}

// writeChecksum writes a checksum's headers.
func (x *exchange) writeChecksum(c object.Checksum) {
	if c.Value == "" {
		return
	}
	h := x.w.Header()
	h.Set(checksumHeader(c.Algorithm), c.Value)
	h.Set("X-Amz-Checksum-Type", c.Type)
}
