package upstream

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func readEvents(t *testing.T, r io.Reader, limit int) ([]Event, error) {
	t.Helper()
	var events []Event
	er := NewEventReader(r, limit)
	for {
		ev, err := er.Next()
		if err != nil {
			if _, again := er.Next(); again == nil {
				t.Errorf("Next after %v gave an event", err)
			}
			return events, err
		}
		events = append(events, Event{Name: ev.Name, Data: bytes.Clone(ev.Data)})
	}
}

var eventStreams = []struct {
	name, in string
	want     []Event
}{
	{"empty", "", nil},
	{"one", "data: a\n\n", []Event{{Data: []byte("a")}}},
	{"crlf", "data: a\r\n\r\ndata: b\r\n\r\n", []Event{{Data: []byte("a")}, {Data: []byte("b")}}},
	{"cr", "data: a\r\rdata: b\r\r", []Event{{Data: []byte("a")}, {Data: []byte("b")}}},
	{"mixed line ends", "data: a\r\ndata: b\rdata: c\n\r\n", []Event{{Data: []byte("a\nb\nc")}}},
	{"byte-order mark", "\xef\xbb\xbfdata: a\n\n", []Event{{Data: []byte("a")}}},
	{"mark only at the start", "data: a\n\n\xef\xbb\xbfdata: b\n\n", []Event{{Data: []byte("a")}}},
	{"comments", ": hi\n\n:\ndata: a\n: there\n\n", []Event{{Data: []byte("a")}}},
	{"name", "event: ping\ndata: {}\n\ndata: x\n\n", []Event{{Name: "ping", Data: []byte("{}")}, {Data: []byte("x")}}},
	{"name without data", "event: ping\n\ndata: x\n\n", []Event{{Data: []byte("x")}}},
	{"no space", "data:a\n\n", []Event{{Data: []byte("a")}}},
	{"one space goes", "data:  a\n\n", []Event{{Data: []byte(" a")}}},
	{"no colon", "data\n\n", []Event{{}}},
	{"empty data lines", "data:\ndata:\n\n", []Event{{Data: []byte("\n")}}},
	{"other fields", "id: 1\nretry: 5\nfoo: b\ndata: a\n\n", []Event{{Data: []byte("a")}}},
	{"no blank line at the end", "data: a\n", []Event{{Data: []byte("a")}}},
	{"no newline at the end", "data: a\n\ndata: [DONE]", []Event{{Data: []byte("a")}, {Data: []byte("[DONE]")}}},
	{"many blank lines", "\n\n\ndata: a\n\n\n\n", []Event{{Data: []byte("a")}}},
}

func TestEventReader(t *testing.T) {
	t.Parallel()
	for _, tt := range eventStreams {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := readEvents(t, strings.NewReader(tt.in), 1<<10)
			if !errors.Is(err, io.EOF) {
				t.Errorf("ended with %v, want io.EOF", err)
			}
			if diff := cmp.Diff(got, tt.want); diff != "" {
				t.Errorf("events (-got +want):\n%s", diff)
			}
		})
	}
}

// However the network cuts the stream, the events are the same.
func TestEventReaderCutAnywhere(t *testing.T) {
	t.Parallel()
	for _, tt := range eventStreams {
		for i := range len(tt.in) + 1 {
			r := io.MultiReader(strings.NewReader(tt.in[:i]), strings.NewReader(tt.in[i:]))
			got, err := readEvents(t, iotest.DataErrReader(r), 1<<10)
			if !errors.Is(err, io.EOF) {
				t.Errorf("%s cut at %d: ended with %v", tt.name, i, err)
			}
			if diff := cmp.Diff(got, tt.want); diff != "" {
				t.Errorf("%s cut at %d (-got +want):\n%s", tt.name, i, diff)
			}
		}
		got, _ := readEvents(t, iotest.OneByteReader(strings.NewReader(tt.in)), 1<<10)
		if diff := cmp.Diff(got, tt.want); diff != "" {
			t.Errorf("%s byte by byte (-got +want):\n%s", tt.name, diff)
		}
	}
}

func TestEventReaderLimits(t *testing.T) {
	t.Parallel()
	f := func(name, in string, want error) {
		t.Helper()
		if _, err := readEvents(t, strings.NewReader(in), 64); !errors.Is(err, want) {
			t.Errorf("%s: ended with %v, want %v", name, err, want)
		}
	}
	f("long line", "data: "+strings.Repeat("x", 100)+"\n\n", ErrEventTooLarge)
	f("endless line", strings.Repeat("x", 1<<20), ErrEventTooLarge)
	f("many lines", strings.Repeat("data: xxxxxxxx\n", 100), ErrEventTooLarge)
	f("many names", strings.Repeat("event: xxxxxxxx\n", 100), ErrEventTooLarge)
	f("many comments", strings.Repeat(": xxxxxxxxxxxx\n", 100)+"data: a\n\n", io.EOF)
	f("many events", strings.Repeat("data: xxxxxxxx\n\n", 100), io.EOF)
}

func TestEventReaderBrokenReader(t *testing.T) {
	t.Parallel()
	broken := errors.New("reset")
	got, err := readEvents(t, io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), iotest.ErrReader(broken)), 64)
	if !errors.Is(err, broken) || len(got) != 1 {
		t.Errorf("got %d events and %v, want 1 and %v", len(got), err, broken)
	}
	if _, err := readEvents(t, stuckReader{}, 64); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that returns nothing ended with %v", err)
	}
}

type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

func FuzzEventReader(f *testing.F) {
	for _, tt := range eventStreams {
		f.Add([]byte(tt.in), uint8(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		whole, err := readEvents(t, bytes.NewReader(in), 256)
		pieces, errPieces := readEvents(t, &pieceReader{in: in, size: int(size%16) + 1}, 256)
		if !errors.Is(errPieces, err) {
			t.Errorf("whole ended with %v, in pieces with %v", err, errPieces)
		}
		if diff := cmp.Diff(pieces, whole); diff != "" {
			t.Errorf("in pieces, whole (-+):\n%s", diff)
		}
		for _, ev := range whole {
			if len(ev.Data) > 256 {
				t.Errorf("event of %d bytes passed the limit", len(ev.Data))
			}
		}
	})
}

type pieceReader struct {
	in   []byte
	size int
}

func (p *pieceReader) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.in[:min(p.size, len(p.in))])
	p.in = p.in[n:]
	return n, nil
}

func BenchmarkEventReader(b *testing.B) {
	stream := strings.Repeat("data: "+`{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"hello"}}]}`+"\n\n", 1000)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewEventReader(strings.NewReader(stream), 1<<20)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
