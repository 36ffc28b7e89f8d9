package segment

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrCorrupt reports a frame whose bytes are all there and do not check. Whatever
// follows it in the segment is lost.
var ErrCorrupt = errors.New("segment: corrupt frame")

// window is how much a Reader reads at once.
const window = 256 << 10

// Reader reads the frames of one segment in order. It may run behind a Log that
// is still writing the segment. It is not safe for concurrent use.
type Reader struct {
	f      *os.File
	offset int64 // end of the last frame returned
	index  int   // number of frames returned
	buf    []byte
	unread []byte // part of buf
	err    error  // ErrCorrupt is final
}

// OpenReader opens segment id in dir.
func OpenReader(dir string, id int64) (*Reader, error) {
	f, err := os.Open(Path(dir, id))
	if err != nil {
		return nil, fmt.Errorf("segment %d: %w", id, err)
	}
	return &Reader{f: f}, nil
}

// Next returns the next payload, which is good until the next call, and its index
// in the segment. It looks at nothing behind limit, an offset at which a frame
// ends; a negative limit is the end of the file.
//
// It returns io.EOF where no whole frame is left before the limit: for now, when
// the segment is still being written, and else for good, Rest bytes being torn.
// It returns ErrCorrupt at a frame that does not check, then and ever after.
func (r *Reader) Next(limit int64) (payload []byte, index int, err error) {
	if r.err != nil {
		return nil, 0, r.err
	}
	if limit >= 0 && r.offset >= limit {
		return nil, 0, io.EOF
	}
	payload, size, torn := split(r.unread)
	if size == 0 && torn {
		if err := r.fill(limit); err != nil {
			return nil, 0, err
		}
		payload, size, torn = split(r.unread)
	}
	switch {
	case size == 0 && torn:
		return nil, 0, io.EOF
	case size == 0:
		r.err = ErrCorrupt
		return nil, 0, r.err
	}
	r.unread = r.unread[size:]
	r.offset += int64(size)
	r.index++
	return payload, r.index - 1, nil
}

// fill reads on from the last frame's end until a window, or the whole of a frame
// that is larger, is unread. The file ending sooner is no error.
func (r *Reader) fill(limit int64) error {
	if r.buf == nil {
		r.buf = make([]byte, window)
	}
	for {
		want := r.buf
		if limit >= 0 {
			want = want[:min(int64(len(want)), limit-r.offset)]
		}
		n, err := r.f.ReadAt(want, r.offset)
		r.unread = want[:n]
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("segment: %w", err)
		}
		_, size, torn := split(r.unread)
		if size > 0 || !torn || n < len(r.buf) || len(r.buf) > MaxPayload+header {
			return nil
		}
		r.buf = make([]byte, MaxPayload+header+1)
	}
}

// Offset returns the end of the last frame returned.
func (r *Reader) Offset() int64 { return r.offset }

// Rest returns how many bytes the file holds behind the last frame returned.
func (r *Reader) Rest() (int64, error) {
	info, err := r.f.Stat()
	if err != nil {
		return 0, fmt.Errorf("segment: %w", err)
	}
	return info.Size() - r.offset, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.f.Close() }
