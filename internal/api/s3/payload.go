package s3

import (
	"crypto/md5" //nolint:gosec // Content-MD5 is MD5
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/auth"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// idleTime is how long a body may stand still.
const idleTime = time.Minute

// body is a request's body on its way into the store.
type body struct {
	io.Reader
	size    int64       // of the data
	trailer http.Header // filled at the end of Reader; nil: there is none
}

// body returns the request's body, unwrapped; it checks what the signature promised.
func (x *exchange) body() (*body, error) {
	raw := &timed{body: x.r.Body, rc: http.NewResponseController(x.w)}
	if x.payload.Chunked {
		size, err := strconv.ParseInt(x.r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || size < 0 {
			return nil, object.Errorf("MissingContentLength", "You must provide the x-amz-decoded-content-length HTTP header.")
		}
		var v chunkVerifier
		if x.payload.Signed {
			v = x.payload
		}
		c := newChunked(raw, v, x.payload.Trailer, size)
		return &body{Reader: c, size: size, trailer: c.trailer}, nil
	}
	if x.r.ContentLength < 0 {
		return nil, object.Errorf("MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	b := &body{Reader: raw, size: x.r.ContentLength}
	if x.payload.Hash != "" {
		b.Reader = &hashed{in: raw, sum: sha256.New(), payload: x.payload}
	}
	return b, nil
}

// timed gives each read of a body a deadline of its own.
type timed struct {
	body io.Reader
	rc   *http.ResponseController
}

// Read implements io.Reader.
func (t *timed) Read(p []byte) (int, error) {
	// A writer without deadlines is a test's.
	set := t.rc.SetReadDeadline(time.Now().Add(idleTime)) == nil
	n, err := t.body.Read(p)
	if err == io.EOF && set {
		// The deadline must not end the watch for a client that goes away.
		_ = t.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// hashed holds a body to the SHA-256 that was signed.
type hashed struct {
	in      io.Reader
	sum     hash.Hash
	payload *auth.Payload
}

// Read implements io.Reader.
func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	h.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(h.sum.Sum(nil)) != h.payload.Hash {
		return n, h.payload.Mismatch()
	}
	return n, err
}

// digests is what a request's headers say about its body.
type digests struct {
	md5      string // hex; empty: nothing
	checksum object.Checksum
	trailing bool // the checksum's value comes in the trailer
}

// digests reads the headers. A request names one checksum at most.
func (x *exchange) digests() (digests, error) {
	var d digests
	if v := x.r.Header.Get("Content-Md5"); v != "" {
		sum, err := base64.StdEncoding.DecodeString(v)
		if err != nil || len(sum) != md5.Size {
			return d, object.Errorf("InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		d.md5 = hex.EncodeToString(sum)
	}
	for _, alg := range object.Algorithms() {
		v := x.r.Header.Get(checksumHeader(alg))
		if v == "" {
			continue
		}
		if d.checksum.Algorithm != "" {
			return d, object.Errorf(object.InvalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if !alg.Valid(v) {
			return d, object.Errorf(object.InvalidRequest, "Value for %s header is invalid.", strings.ToLower(checksumHeader(alg)))
		}
		d.checksum = object.Checksum{Algorithm: alg, Type: object.FullObject, Value: v}
	}
	return d, x.trailingDigest(&d)
}

// trailingDigest reads which checksum the trailer will have.
func (x *exchange) trailingDigest(d *digests) error {
	named := object.Algorithm(strings.ToUpper(x.r.Header.Get("X-Amz-Sdk-Checksum-Algorithm")))
	if named != "" && !named.Known() {
		return object.Errorf(object.InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	trailer := x.r.Header.Get("X-Amz-Trailer")
	if !x.payload.Trailer || trailer == "" {
		return nil
	}
	for _, alg := range object.Algorithms() {
		if strings.EqualFold(strings.TrimSpace(trailer), checksumHeader(alg)) {
			if d.checksum.Algorithm != "" {
				return object.Errorf(object.InvalidRequest, "Expecting a single x-amz-checksum- header")
			}
			d.checksum.Algorithm, d.trailing = alg, true
			return nil
		}
	}
	return object.Errorf(object.InvalidRequest, "The value specified in the x-amz-trailer header is not supported")
}

func checksumHeader(a object.Algorithm) string { return "X-Amz-Checksum-" + string(a) }

// check returns the check of a body, for the store to ask when it has read it.
func (d digests) check(b *body) func(object.Sums) error {
	return func(sums object.Sums) error {
		if d.md5 != "" && d.md5 != hex.EncodeToString(sums.MD5[:]) {
			return object.Errorf(object.BadDigest, "The Content-MD5 you specified did not match what we received.")
		}
		want := d.checksum
		if d.trailing {
			want.Value = b.trailer.Get(checksumHeader(want.Algorithm))
			if !want.Algorithm.Valid(want.Value) {
				return object.Errorf("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
			}
		}
		if want.Value != "" && want.Value != sums.Checksum.Value {
			return object.Errorf(object.BadDigest, "The %s you specified did not match the calculated checksum.", want.Algorithm)
		}
		return nil
	}
}

// incoming returns the body of a request that writes an object or a part, and the options
// that describe it.
func (x *exchange) incoming() (*body, object.PutOptions, error) {
	b, err := x.body()
	if err != nil {
		return nil, object.PutOptions{}, err
	}
	if b.size > object.MaxPut {
		return nil, object.PutOptions{}, object.Errorf(object.EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
	}
	d, err := x.digests()
	return b, object.PutOptions{Size: b.size, Checksum: d.checksum.Algorithm, Check: d.check(b)}, err
}

// bodyError names a body that broke off.
func bodyError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &object.Error{
			Code: object.IncompleteBody, Err: err,
			Message: "You did not provide the number of bytes specified by the Content-Length HTTP header",
		}
	}
	return err
}

// maxXML is more than a list of 1,000 keys or 10,000 parts takes.
const maxXML = 8 << 20

// readXML reads a document that a request brings. An empty body is an error, but for
// optional ones.
func (x *exchange) readXML(v any, optional bool) error {
	b, o, err := x.incoming()
	if err != nil {
		return err
	}
	if b.size == 0 && optional {
		return nil
	}
	b.Reader = object.NewMeter(b.Reader, &o)
	return readDocument(b, v)
}

// readDocument reads a document that is not too large.
func readDocument(b *body, v any) error {
	if b.size > maxXML {
		return errMalformed()
	}
	text, err := io.ReadAll(b)
	if err != nil {
		return bodyError(err)
	}
	return decodeXML(text, v)
}

// decodeXML reads one document and nothing beside it. Namespaces don't matter.
func decodeXML(text []byte, v any) error {
	if err := xml.Unmarshal(text, v); err != nil {
		return errMalformed()
	}
	return nil
}
