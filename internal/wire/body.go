package wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// bodyPool keeps buffers for request bodies. The zero value is ready.
type bodyPool struct{ pool sync.Pool }

// maxPooledBody bounds the buffers that are kept.
const maxPooledBody = 256 << 10

func (p *bodyPool) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 4<<10)
	return &b
}

func (p *bodyPool) put(b *[]byte) {
	if cap(*b) <= maxPooledBody {
		*b = (*b)[:0]
		p.pool.Put(b)
	}
}

// readBody reads the whole body of r, at most limit bytes, into buf. It gives up
// when the body comes too slowly.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request, limit int64, buf []byte) ([]byte, error) {
	if r.ContentLength > limit {
		return buf, tooLarge(limit)
	}
	if r.ContentLength == 0 || r.Body == http.NoBody {
		return buf, nil
	}
	expect := limit
	if r.ContentLength > 0 {
		expect = r.ContentLength
	}
	deadline := h.cfg.BodyGrace + time.Duration(expect/h.cfg.BodyRate)*time.Second
	rc := http.NewResponseController(w)
	// A writer without deadlines is a test's.
	timed := rc.SetReadDeadline(time.Now().Add(deadline)) == nil
	buf, err := readAll(r.Body, limit, r.ContentLength, buf)
	if err == nil && timed {
		// The deadline must not end the watch for a client that goes away.
		err = rc.SetReadDeadline(time.Time{})
	}
	return buf, bodyError(err)
}

// readAll reads body into buf. size is what the client announced, negative when it
// did not.
func readAll(body io.Reader, limit, size int64, buf []byte) ([]byte, error) {
	if size > int64(cap(buf)) && size <= maxPooledBody {
		buf = make([]byte, 0, size+1)
	}
	most := limit + 1
	if size >= 0 {
		most = size + 1
	}
	for {
		if len(buf) == cap(buf) {
			// In few steps, for large bodies leave much garbage; but what is not sent
			// must not take memory because it was announced.
			buf = append(make([]byte, 0, max(min(4*int64(cap(buf)), most), int64(len(buf))+1)), buf...)
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return buf, tooLarge(limit)
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

// bodyError names what went wrong with a body, for its client.
func bodyError(err error) error {
	var api *ProtocolError
	var full *fault.Error
	var netErr interface{ Timeout() bool }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api), errors.As(err, &full):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return &ProtocolError{
			Code: "RequestTimeoutException", Status: http.StatusRequestTimeout,
			Message: "The request body did not arrive in time.",
		}
	}
	return &ProtocolError{
		Code: "IncompleteBody", Status: http.StatusBadRequest,
		Message: "The request body ended early or is malformed.",
	}
}

func tooLarge(limit int64) error {
	return &ProtocolError{
		Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("The request body is larger than the %d bytes that this operation takes.", limit),
	}
}
