package eventstream

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf8"
)

// Decode reads the frame that data consists of. The result refers to data.
func Decode(data []byte) (*Message, error) {
	total, headers, err := lengths(data)
	if err != nil {
		return nil, err
	}
	if total != len(data) {
		return nil, fmt.Errorf("%w: frame of %d bytes says %d", ErrLength, len(data), total)
	}
	body := data[:total-trailer]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(data[total-trailer:]) {
		return nil, fmt.Errorf("message %w", ErrChecksum)
	}
	m := &Message{Payload: body[prelude+headers:]}
	for rest := body[prelude : prelude+headers]; len(rest) > 0; {
		var h Header
		if h, rest, err = decodeHeader(rest); err != nil {
			return nil, err
		}
		m.Headers = append(m.Headers, h)
	}
	return m, nil
}

// lengths checks a prelude and returns the lengths it holds.
func lengths(p []byte) (total, headers int, err error) {
	if len(p) < prelude {
		return 0, 0, fmt.Errorf("%w: prelude of %d bytes", ErrLength, len(p))
	}
	t, h := binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
	if crc32.ChecksumIEEE(p[:8]) != binary.BigEndian.Uint32(p[8:]) {
		return 0, 0, fmt.Errorf("prelude %w", ErrChecksum)
	}
	if t > MaxFrame || h > maxHeaders || t < prelude+trailer || h > t-prelude-trailer {
		return 0, 0, fmt.Errorf("%w: frame of %d bytes with %d of headers", ErrLength, t, h)
	}
	return int(t), int(h), nil
}

// decodeHeader reads the header that b begins with.
func decodeHeader(b []byte) (h Header, rest []byte, err error) {
	n := int(b[0])
	if n == 0 || len(b) < 1+n+1 {
		return h, nil, fmt.Errorf("%w: name of %d bytes", ErrHeader, n)
	}
	h.Name, h.Type = string(b[1:1+n]), Type(b[1+n])
	b = b[2+n:]
	size := 0
	switch h.Type {
	case True, False:
	case Byte:
		size = 1
	case Short:
		size = 2
	case Int:
		size = 4
	case Long, Timestamp:
		size = 8
	case UUID:
		size = 16
	case Bytes, String:
		if len(b) < 2 {
			return h, nil, fmt.Errorf("%w: %q is cut off", ErrHeader, h.Name)
		}
		size = int(binary.BigEndian.Uint16(b))
		b = b[2:]
	default:
		return h, nil, fmt.Errorf("%w: %q is of the unknown type %d", ErrHeader, h.Name, h.Type)
	}
	if len(b) < size {
		return h, nil, fmt.Errorf("%w: %q is cut off", ErrHeader, h.Name)
	}
	h.value(b[:size])
	if h.Type == String && !utf8.Valid(h.Raw) || !utf8.ValidString(h.Name) {
		return h, nil, fmt.Errorf("%w: %q is not UTF-8", ErrHeader, h.Name)
	}
	return h, b[size:], nil
}

func (h *Header) value(b []byte) {
	switch h.Type {
	case Byte:
		h.Num = int64(int8(b[0])) //nolint:gosec // signed on the wire
	case Short:
		h.Num = int64(int16(binary.BigEndian.Uint16(b))) //nolint:gosec // signed on the wire
	case Int:
		h.Num = int64(int32(binary.BigEndian.Uint32(b))) //nolint:gosec // signed on the wire
	case Long, Timestamp:
		h.Num = int64(binary.BigEndian.Uint64(b)) //nolint:gosec // signed on the wire
	case Bytes, String, UUID:
		h.Raw = b
	case True, False:
	}
}

// Reader reads frames one after the other.
type Reader struct {
	r   io.Reader
	max int
	buf []byte
}

// NewReader returns a reader of r that refuses frames over limit bytes; zero means
// MaxFrame.
func NewReader(r io.Reader, limit int) *Reader {
	if limit <= 0 || limit > MaxFrame {
		limit = MaxFrame
	}
	return &Reader{r: r, max: limit}
}

// Next returns the next frame, io.EOF after the last one, io.ErrUnexpectedEOF when
// the input ends inside one. The frame is valid until the next call.
func (r *Reader) Next() (*Message, error) {
	r.buf = append(r.buf[:0], make([]byte, prelude)...)
	if _, err := io.ReadFull(r.r, r.buf); err != nil {
		return nil, err
	}
	total, _, err := lengths(r.buf)
	if err != nil {
		return nil, err
	}
	if total > r.max {
		return nil, fmt.Errorf("%w: frame of %d bytes, at most %d are allowed", ErrLength, total, r.max)
	}
	// The buffer grows with what arrives, not with what a prelude promises.
	for len(r.buf) < total {
		n := min(total-len(r.buf), 64<<10)
		from := len(r.buf)
		r.buf = append(r.buf, make([]byte, n)...)
		if _, err := io.ReadFull(r.r, r.buf[from:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return Decode(r.buf)
}
