package s3

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/auth"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// chunkVerifier is auth.Payload, as far as a body needs it.
type chunkVerifier interface {
	VerifyChunk(sum [sha256.Size]byte, signature string) error
	VerifyTrailer(sum [sha256.Size]byte, signature string) error
}

var _ chunkVerifier = (*auth.Payload)(nil)

const (
	maxChunkLine = 1 << 10 // a chunk's header, and a line of the trailer
	maxTrailers  = 16
)

// chunked reads an aws-chunked body:
//
//	<hex size>[;chunk-signature=<hex>]\r\n<data>\r\n … 0[;…]\r\n[name:value\r\n …]\r\n
//
// It yields the data, and io.EOF once all is verified: each chunk's signature, that there
// are as many bytes as were promised, and the trailer's signature. It reads no further
// than the body's end, and nothing may follow it.
type chunked struct {
	in       *bufio.Reader
	verifier chunkVerifier // nil: chunks are not signed
	trailers bool          // a trailer is allowed
	want     int64         // bytes of data in all
	trailer  http.Header   // complete at io.EOF

	left      int64 // of the chunk
	begun     bool  // a chunk was read
	last      bool  // the last chunk's header was read
	signature string
	sum       hash.Hash
	err       error
}

func newChunked(body io.Reader, v chunkVerifier, trailers bool, want int64) *chunked {
	return &chunked{in: bufio.NewReaderSize(body, 64<<10), verifier: v, trailers: trailers, want: want, trailer: http.Header{}, sum: sha256.New()}
}

// Read implements io.Reader.
func (c *chunked) Read(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	if c.left == 0 {
		if c.err = c.next(); c.err != nil {
			return 0, c.err
		}
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.verifier != nil {
		c.sum.Write(p[:n])
	}
	if err != nil {
		c.err = cutOff(err)
	}
	return n, c.err
}

// next ends the chunk that was read and begins another one. It returns io.EOF after the
// last.
func (c *chunked) next() error {
	if c.begun {
		if err := c.endChunk(); err != nil {
			return err
		}
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	size, ext, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 63)
	if err != nil || len(size) > 16 {
		return errChunk("a chunk has no size")
	}
	if c.verifier != nil {
		var ok bool
		if c.signature, ok = strings.CutPrefix(ext, "chunk-signature="); !ok {
			return errChunk("a chunk has no signature")
		}
	}
	c.left, c.begun = int64(n), true
	if c.want -= c.left; c.want < 0 {
		return errLength()
	}
	if n > 0 {
		return nil
	}
	c.last = true
	return c.end()
}

// endChunk reads what follows a chunk's data.
func (c *chunked) endChunk() error {
	var crlf [2]byte
	if _, err := io.ReadFull(c.in, crlf[:]); err != nil {
		return cutOff(err)
	}
	if crlf != [2]byte{'\r', '\n'} {
		return errChunk("a chunk is longer than its size")
	}
	return c.verify()
}

func (c *chunked) verify() error {
	if c.verifier == nil {
		return nil
	}
	err := c.verifier.VerifyChunk([sha256.Size]byte(c.sum.Sum(nil)), c.signature)
	c.sum.Reset()
	return err
}

// end reads what follows the last chunk's header.
func (c *chunked) end() error {
	if c.want != 0 {
		return errLength()
	}
	if err := c.verify(); err != nil {
		return err
	}
	signed, signature := sha256.New(), ""
	for n := 0; ; n++ {
		line, err := c.line()
		if err == io.EOF && !c.trailers && n == 0 { //nolint:errorlint // as line returns it
			break // some clients leave the last line end out
		}
		if err == io.EOF { //nolint:errorlint // as line returns it
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || n == maxTrailers || !c.trailers {
			return errChunk("the trailer is malformed")
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			signature = value
			continue
		}
		c.trailer.Add(name, value)
		_, _ = io.WriteString(signed, name+":"+value+"\n") // a hash takes everything
	}
	if c.verifier != nil && c.trailers {
		if err := c.verifier.VerifyTrailer([sha256.Size]byte(signed.Sum(nil)), signature); err != nil {
			return err
		}
	}
	if _, err := c.in.ReadByte(); err != io.EOF {
		if err == nil {
			return errChunk("something follows the last chunk")
		}
		return err
	}
	return io.EOF
}

// line reads up to a line end. Its error is io.EOF when the body may end here and does.
func (c *chunked) line() (string, error) {
	var line []byte
	for {
		b, err := c.in.ReadByte()
		switch {
		case err == io.EOF && len(line) > 0:
			return "", io.ErrUnexpectedEOF
		case err == io.EOF && !c.last:
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		case b == '\n':
			text, ok := bytes.CutSuffix(line, []byte{'\r'})
			if !ok && len(line) > 0 {
				// The trailer of some clients ends its lines with \n alone.
				text = line
			}
			return string(text), nil
		case len(line) == maxChunkLine:
			return "", errChunk("a line is too long")
		}
		line = append(line, b)
	}
}

func cutOff(err error) error {
	if err == io.EOF { //nolint:errorlint // as readers return it
		return io.ErrUnexpectedEOF
	}
	return err
}

func errChunk(what string) error {
	return object.Errorf(object.InvalidRequest, "The aws-chunked body is malformed: %s.", what)
}

func errLength() error {
	return object.Errorf(object.IncompleteBody, "You did not provide the number of bytes specified by the x-amz-decoded-content-length header.")
}
