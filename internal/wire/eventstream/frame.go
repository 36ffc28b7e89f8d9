// Package eventstream encodes and decodes the frames of
// application/vnd.amazon.eventstream: a prelude, typed headers, a payload and two
// checksums, all big-endian.
//
//	total length  4   the whole frame
//	header length 4
//	prelude CRC   4   of the two above
//	headers           name length 1, name, type 1, value
//	payload
//	message CRC   4   of all above
//
// It does not know what frames mean. Frames are built into a buffer the caller
// owns, so that a stream allocates nothing per event.
package eventstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// Limits of the format.
const (
	MaxFrame   = 24 << 20  // what AWS's own clients accept
	maxHeaders = 128 << 10 // all headers of a frame
	prelude    = 12
	trailer    = 4
)

// The reasons why bytes are not a frame.
var (
	ErrChecksum = errors.New("checksum mismatch")
	ErrLength   = errors.New("invalid length")
	ErrHeader   = errors.New("malformed header")
)

// Type is the type of a header's value, by its code on the wire.
type Type uint8

// The header types.
const (
	True Type = iota
	False
	Byte
	Short
	Int
	Long
	Bytes
	String
	Timestamp
	UUID
)

// Header is a header of a frame. Which field holds the value depends on its type:
// Num for the integers and timestamps (in milliseconds), Raw for the others.
type Header struct {
	Name string
	Type Type
	Num  int64
	Raw  []byte
}

// Text returns a string header.
func Text(name, v string) Header { return Header{Name: name, Type: String, Raw: []byte(v)} }

// At returns a timestamp header.
func At(name string, t time.Time) Header {
	return Header{Name: name, Type: Timestamp, Num: t.UnixMilli()}
}

// Text returns the value of a string header, "" of others.
func (h *Header) Text() string {
	if h.Type != String {
		return ""
	}
	return string(h.Raw)
}

// Message is a decoded frame.
type Message struct {
	Headers []Header
	Payload []byte
}

// Header returns the header of that name, nil when there is none.
func (m *Message) Header(name string) *Header {
	for i := range m.Headers {
		if m.Headers[i].Name == name {
			return &m.Headers[i]
		}
	}
	return nil
}

// Builder builds one frame: Begin, headers, Payload. Errors are kept until Payload.
type Builder struct {
	buf   []byte
	start int
	err   error
}

// Begin starts a frame at the end of buf.
func (b *Builder) Begin(buf []byte) {
	b.start = len(buf)
	b.buf = append(buf, make([]byte, prelude)...)
	b.err = nil
}

// Text adds a string header.
func (b *Builder) Text(name, value string) {
	b.name(name, String)
	b.length(len(value))
	b.buf = append(b.buf, value...)
}

// Header adds a header of any type.
func (b *Builder) Header(h Header) {
	b.name(h.Name, h.Type)
	switch h.Type {
	case True, False:
	case Byte:
		b.buf = append(b.buf, byte(h.Num)) //nolint:gosec // the type says eight bits
	case Short:
		b.buf = binary.BigEndian.AppendUint16(b.buf, uint16(h.Num)) //nolint:gosec // sixteen bits
	case Int:
		b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(h.Num)) //nolint:gosec // thirty-two bits
	case Long, Timestamp:
		b.buf = binary.BigEndian.AppendUint64(b.buf, uint64(h.Num)) //nolint:gosec // two's complement
	case Bytes, String:
		b.length(len(h.Raw))
		b.buf = append(b.buf, h.Raw...)
	case UUID:
		if len(h.Raw) != 16 {
			b.fail("UUID of %d bytes", len(h.Raw))
		}
		b.buf = append(b.buf, h.Raw...)
	default:
		b.fail("type %d", h.Type)
	}
}

func (b *Builder) name(name string, t Type) {
	if name == "" || len(name) > 255 {
		b.fail("name of %d bytes", len(name))
		return
	}
	b.buf = append(b.buf, byte(len(name))) //nolint:gosec // checked above
	b.buf = append(b.buf, name...)
	b.buf = append(b.buf, byte(t))
}

func (b *Builder) length(n int) {
	if n > 1<<15-1 {
		b.fail("value of %d bytes", n)
	}
	b.buf = binary.BigEndian.AppendUint16(b.buf, uint16(n)) //nolint:gosec // checked above
}

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%w: "+format, append([]any{ErrHeader}, args...)...)
	}
}

// Payload ends the headers, adds the payload and returns the buffer with the
// finished frame, or without it when it is not possible.
func (b *Builder) Payload(payload []byte) ([]byte, error) {
	headers := len(b.buf) - b.start - prelude
	total := prelude + headers + len(payload) + trailer
	if b.err == nil && (headers > maxHeaders || total > MaxFrame) {
		b.err = fmt.Errorf("%w: frame of %d bytes with %d of headers", ErrLength, total, headers)
	}
	if b.err != nil {
		return b.buf[:b.start], b.err
	}
	b.buf = append(b.buf, payload...)
	f := b.buf[b.start:]
	binary.BigEndian.PutUint32(f, uint32(total))       //nolint:gosec // bounded above
	binary.BigEndian.PutUint32(f[4:], uint32(headers)) //nolint:gosec // bounded above
	binary.BigEndian.PutUint32(f[8:], crc32.ChecksumIEEE(f[:8]))
	b.buf = binary.BigEndian.AppendUint32(b.buf, crc32.ChecksumIEEE(f))
	return b.buf, nil
}

// Append appends the frame of m to buf.
func Append(buf []byte, m *Message) ([]byte, error) {
	var b Builder
	b.Begin(buf)
	for _, h := range m.Headers {
		b.Header(h)
	}
	return b.Payload(m.Payload)
}
