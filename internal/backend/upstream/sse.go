package upstream

import (
	"bytes"
	"errors"
	"io"
)

// Event is one server-sent event.
type Event struct {
	Name string // "event" field; empty for the default
	Data []byte // "data" lines, joined by newlines
}

// ErrEventTooLarge is returned for an event beyond the reader's limit.
var ErrEventTooLarge = errors.New("server-sent event over its limit")

// EventReader reads server-sent events as the HTML standard defines them: any of
// LF, CRLF and CR ends a line, a byte-order mark at the start is skipped, lines
// that start with a colon are comments, "data" lines of an event are joined. It
// ignores "id" and "retry" (nobody reconnects to a model) and is laxer in one
// point: an event that the end of the input cuts off before its blank line is
// still delivered, because some servers leave that line out after the last one.
type EventReader struct {
	r     io.Reader
	limit int

	buf        []byte
	start, end int   // the unread part of buf
	err        error // of the last read
	begun      bool  // past a byte-order mark
	skipLF     bool  // the last line ended in CR, whose LF may follow

	data []byte // of the event being read; kept for reuse
	size int    // bytes taken for the event being read
}

// NewEventReader returns a reader of the events in r, none of which may take more
// than limit bytes.
func NewEventReader(r io.Reader, limit int) *EventReader {
	return &EventReader{r: r, limit: limit}
}

// Next returns the next event that has data, and io.EOF, as it is, after the
// last one. The data is good until the next call. After an error each call
// returns that error.
func (e *EventReader) Next() (Event, error) {
	var ev Event
	e.data, e.size = e.data[:0], 0
	hasData := false
	for {
		line, err := e.line()
		if err != nil && len(line) == 0 {
			if err == io.EOF && hasData { //nolint:errorlint // io.Reader returns it bare
				ev.Data = e.data
				return ev, nil
			}
			return Event{}, err
		}
		if len(line) == 0 {
			if hasData {
				ev.Data = e.data
				return ev, nil
			}
			ev, e.size = Event{}, 0
			continue
		}
		e.size += len(line)
		if e.size > e.limit {
			e.err, e.start, e.end = ErrEventTooLarge, 0, 0
			return Event{}, ErrEventTooLarge
		}
		switch field, value := cutField(line); string(field) {
		case "data":
			if hasData {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, value...)
			hasData = true
		case "event":
			ev.Name = string(value)
		case "": // a comment: it is over and counts for nothing
			e.size -= len(line)
		}
	}
}

// cutField splits a line at its first colon and drops one space after it.
func cutField(line []byte) (field, value []byte) {
	field, value, _ = bytes.Cut(line, []byte(":"))
	return field, bytes.TrimPrefix(value, []byte(" "))
}

// line returns the next line without its end; it is good until the next call. The
// last line may come without an end, and then an error only with the next call.
func (e *EventReader) line() ([]byte, error) {
	searched := 0
	for {
		if e.skipLF && e.start < e.end {
			if e.buf[e.start] == '\n' {
				e.start++
			}
			e.skipLF = false
		}
		window := e.buf[e.start:e.end]
		if i := lineEnd(window[searched:]); i >= 0 {
			i += searched
			e.skipLF = window[i] == '\r'
			e.start += i + 1
			return e.first(window[:i]), nil
		}
		searched = len(window)
		if len(window) > e.limit {
			e.err, e.start, e.end = ErrEventTooLarge, 0, 0
		}
		if e.err != nil {
			e.start = e.end
			return e.first(window), e.err
		}
		e.fill()
	}
}

// lineEnd returns the place of the first LF or CR, or -1.
func lineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

// first drops the byte-order mark from the input's first line.
func (e *EventReader) first(line []byte) []byte {
	if !e.begun {
		e.begun = true
		return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}

// fill reads once more into the buffer, moving what is unread to its start or
// growing it as needed.
func (e *EventReader) fill() {
	if e.start > 0 {
		e.end = copy(e.buf, e.buf[e.start:e.end])
		e.start = 0
	}
	if e.end == len(e.buf) {
		grown := make([]byte, max(4<<10, 2*len(e.buf)))
		copy(grown, e.buf[:e.end])
		e.buf = grown
	}
	for range 100 { // as bufio: a reader that returns nothing forever is broken
		n, err := e.r.Read(e.buf[e.end:])
		e.end += n
		if err != nil {
			e.err = err
			return
		}
		if n > 0 {
			return
		}
	}
	e.err = io.ErrNoProgress
}
