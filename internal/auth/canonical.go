package auth

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// canon is the canonical request under construction, and room to work in.
type canon struct {
	buf   []byte
	query []byte // the escaped names and values that pairs point into
	pairs []pair
}

// pair is one query parameter: query[start:eq] is the name, query[eq:end] the value.
type pair struct{ start, eq, end int }

// maxPooled keeps a request with a huge query from holding memory for ever.
const maxPooled = 64 << 10

// canonPool holds canons between requests.
type canonPool struct{ pool sync.Pool }

func (p *canonPool) get() *canon {
	if c, ok := p.pool.Get().(*canon); ok {
		return c
	}
	return &canon{buf: make([]byte, 0, 2048)}
}

func (p *canonPool) put(c *canon) {
	if cap(c.buf)+cap(c.query) <= maxPooled {
		p.pool.Put(c)
	}
}

// signed is a request whose signature is to be checked.
type signed struct {
	http        *http.Request
	path, query string // as they arrived
	rule        pathRule
	sig         *signature
	service     string
	body        func() ([32]byte, error)
	events      bool     // the body is a signed event stream
	deferred    *Payload // what the body's reader is to check; nil: nobody reads it later
}

// pathRule is how a service writes the path into the canonical request.
type pathRule uint8

const (
	// pathTwice takes the path as it arrived, drops "." and ".." segments and empty
	// ones, and escapes it once more, percent signs included.
	pathTwice pathRule = iota
	// pathOnce escapes the decoded path; segments stay as they are. s3's rule.
	pathOnce
)

// write builds the canonical request. omit names query parameters to leave out; the
// signature itself is always left out.
func (c *canon) write(s *signed, payload string, omit ...string) {
	c.buf = append(c.buf[:0], s.http.Method...)
	c.buf = append(c.buf, '\n')
	c.writePath(s.path, s.rule)
	c.buf = append(c.buf, '\n')
	c.writeQuery(s.query, s.sig.presigned, omit)
	c.buf = append(c.buf, '\n')
	for name := range strings.SplitSeq(s.sig.signedHeaders, ";") {
		c.buf = append(c.buf, name...)
		c.buf = append(c.buf, ':')
		c.writeHeader(s.http, name)
		c.buf = append(c.buf, '\n')
	}
	c.buf = append(c.buf, '\n')
	c.buf = append(c.buf, s.sig.signedHeaders...)
	c.buf = append(c.buf, '\n')
	c.buf = append(c.buf, payload...)
}

func (c *canon) writePath(path string, rule pathRule) {
	if path == "" {
		path = "/"
	}
	if rule == pathOnce {
		c.buf = appendReescaped(c.buf, path, true)
		return
	}
	if needsCleaning(path) {
		path = removeDotSegments(path)
	}
	for i := range len(path) {
		c.buf = appendEscaped(c.buf, path[i], true)
	}
}

// needsCleaning reports whether a segment is empty or starts with a dot.
func needsCleaning(path string) bool {
	return strings.Contains(path, "//") || strings.Contains(path, "/.")
}

// removeDotSegments resolves "." and ".." and drops empty segments, keeping a trailing
// slash, as the official signers do.
func removeDotSegments(path string) string {
	kept := make([]string, 0, 8)
	for s := range strings.SplitSeq(path, "/") {
		switch s {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, s)
		}
	}
	out := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		out += "/"
	}
	return out
}

// writeQuery writes the parameters in order of their escaped names, then values.
func (c *canon) writeQuery(query string, presigned bool, omit []string) {
	c.query, c.pairs = c.query[:0], c.pairs[:0]
	for param := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(param, "=")
		if param == "" || presigned && name == "X-Amz-Signature" || slices.Contains(omit, name) {
			continue
		}
		p := pair{start: len(c.query)}
		c.query = appendReescaped(c.query, name, false)
		p.eq = len(c.query)
		c.query = appendReescaped(c.query, value, false)
		p.end = len(c.query)
		c.pairs = append(c.pairs, p)
	}
	q := c.query
	slices.SortFunc(c.pairs, func(a, b pair) int {
		if d := slices.Compare(q[a.start:a.eq], q[b.start:b.eq]); d != 0 {
			return d
		}
		return slices.Compare(q[a.eq:a.end], q[b.eq:b.end])
	})
	for i, p := range c.pairs {
		if i > 0 {
			c.buf = append(c.buf, '&')
		}
		c.buf = append(c.buf, q[p.start:p.eq]...)
		c.buf = append(c.buf, '=')
		c.buf = append(c.buf, q[p.eq:p.end]...)
	}
}

// writeHeader writes the values of a header, joined by commas, with outer spaces removed
// and inner runs of them made one. A header that is signed but absent reads as empty: a
// proxy may have dropped one that was.
func (c *canon) writeHeader(r *http.Request, name string) {
	switch values := headerValues(r.Header, name); {
	case name == "host" || name == ":authority":
		c.buf = appendFolded(c.buf, r.Host)
	case len(values) > 0:
		for i, v := range values {
			if i > 0 {
				c.buf = append(c.buf, ',')
			}
			c.buf = appendFolded(c.buf, v)
		}
	// net/http moves these two out of the header map.
	case name == "content-length" && r.ContentLength >= 0:
		c.buf = strconv.AppendInt(c.buf, r.ContentLength, 10)
	case name == "transfer-encoding":
		c.buf = append(c.buf, strings.Join(r.TransferEncoding, ",")...)
	}
}

// headerValues looks a lowercase name up without allocating the map's canonical form.
func headerValues(h http.Header, name string) []string {
	var room [64]byte
	if len(name) > len(room) {
		return h[textproto.CanonicalMIMEHeaderKey(name)]
	}
	key := room[:len(name)]
	upper := true
	for i := range len(name) {
		b := name[i]
		if upper && b >= 'a' && b <= 'z' {
			b -= 'a' - 'A'
		}
		key[i] = b
		upper = b == '-'
	}
	return h[string(key)]
}

func appendFolded(dst []byte, v string) []byte {
	v = strings.Trim(v, " ")
	if !strings.Contains(v, "  ") {
		return append(dst, v...)
	}
	for i := range len(v) {
		if v[i] == ' ' && v[i-1] == ' ' { // v[0] is no space
			continue
		}
		dst = append(dst, v[i])
	}
	return dst
}

const upperHex = "0123456789ABCDEF"

// appendEscaped writes one byte, escaped unless it is unreserved (RFC 3986).
func appendEscaped(dst []byte, b byte, keepSlash bool) []byte {
	switch {
	case b >= 'A' && b <= 'Z', b >= 'a' && b <= 'z', b >= '0' && b <= '9',
		b == '-', b == '.', b == '_', b == '~', b == '/' && keepSlash:
		return append(dst, b)
	}
	return append(dst, '%', upperHex[b>>4], upperHex[b&15])
}

// appendReescaped decodes s and escapes it anew, so that every way to write a byte comes
// to one. In a query ("/" is escaped there) a plus is a space, as net/url reads it. A
// percent sign that starts no escape stands for itself.
func appendReescaped(dst []byte, s string, isPath bool) []byte {
	for i := 0; i < len(s); i++ {
		b := s[i]
		switch {
		case b == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b = byte(unhex(s[i+1])<<4 | unhex(s[i+2])) //nolint:gosec // two hex digits fit
			i += 2
			if isPath && b == '/' { // %2F is not a separator
				dst = append(dst, "%2F"...)
				continue
			}
		case b == '+' && !isPath:
			b = ' '
		}
		dst = appendEscaped(dst, b, isPath)
	}
	return dst
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
