package eventstream_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	aws "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/sharedtest"
	"github.com/outcrop-ai/outcrop/internal/wire/eventstream"
)

func everything() *eventstream.Message {
	return &eventstream.Message{
		Headers: []eventstream.Header{
			eventstream.Text(":event-type", "chunk"),
			{Name: "true", Type: eventstream.True},
			{Name: "false", Type: eventstream.False},
			{Name: "byte", Type: eventstream.Byte, Num: -49},
			{Name: "short", Type: eventstream.Short, Num: -300},
			{Name: "int", Type: eventstream.Int, Num: -70000},
			{Name: "long", Type: eventstream.Long, Num: -1 << 62},
			{Name: "bytes", Type: eventstream.Bytes, Raw: []byte{0, 255}},
			eventstream.At("time", time.UnixMilli(1398796238123)),
			{Name: "uuid", Type: eventstream.UUID, Raw: []byte("0123456789abcdef")},
			eventstream.Text("empty", ""),
		},
		Payload: []byte(`{"a":"b"}`),
	}
}

// TestAgainstAWS compares with AWS's own encoder and decoder.
func TestAgainstAWS(t *testing.T) {
	t.Parallel()
	got, err := eventstream.Append([]byte("before"), everything())
	if err != nil {
		t.Fatal(err)
	}
	got, ok := bytes.CutPrefix(got, []byte("before"))
	if !ok {
		t.Fatal("the buffer was not appended to")
	}
	m, err := aws.NewDecoder().Decode(bytes.NewReader(got), nil)
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := aws.NewEncoder().Encode(&again, m); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), got) {
		t.Errorf("AWS writes\n%x, we\n%x", again.Bytes(), got)
	}
	back, err := eventstream.Decode(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(back, everything(), equateEmpty()); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

func equateEmpty() cmp.Option {
	return cmp.Transformer("raw", func(b []byte) string { return string(b) })
}

// TestCutAndTurn cuts a frame at every byte, and turns over each of its bits.
func TestCutAndTurn(t *testing.T) {
	t.Parallel()
	frame, err := eventstream.Append(nil, everything())
	if err != nil {
		t.Fatal(err)
	}
	for i := range frame {
		if _, err := eventstream.Decode(frame[:i]); err == nil {
			t.Errorf("the first %d bytes were taken", i)
		}
		want := io.ErrUnexpectedEOF
		if i == 0 {
			want = io.EOF
		}
		if _, err := eventstream.NewReader(bytes.NewReader(frame[:i]), 0).Next(); !errors.Is(err, want) {
			t.Errorf("reading the first %d bytes: %v", i, err)
		}
		for bit := range 8 {
			turned := bytes.Clone(frame)
			turned[i] ^= 1 << bit
			if _, err := eventstream.Decode(turned); err == nil {
				t.Errorf("bit %d of byte %d may be turned", bit, i)
			}
		}
	}
	two := append(bytes.Clone(frame), frame...)
	r := eventstream.NewReader(iotest.OneByteReader(bytes.NewReader(two)), 0)
	for range 2 {
		if m, err := r.Next(); err != nil || string(m.Payload) != `{"a":"b"}` {
			t.Errorf("got %v, %v", m, err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*eventstream.Message{
		"no name":     {Headers: []eventstream.Header{{Type: eventstream.True}}},
		"long name":   {Headers: []eventstream.Header{{Name: strings.Repeat("n", 256), Type: eventstream.True}}},
		"long value":  {Headers: []eventstream.Header{eventstream.Text("n", strings.Repeat("v", 1<<15))}},
		"short UUID":  {Headers: []eventstream.Header{{Name: "n", Type: eventstream.UUID, Raw: []byte("x")}}},
		"type":        {Headers: []eventstream.Header{{Name: "n", Type: 99}}},
		"headers":     {Headers: manyHeaders()},
		"large frame": {Payload: make([]byte, eventstream.MaxFrame)},
	} {
		if got, err := eventstream.Append([]byte("x"), m); err == nil || string(got) != "x" {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	frame, err := eventstream.Append(nil, &eventstream.Message{Payload: make([]byte, 1000)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eventstream.NewReader(bytes.NewReader(frame), 500).Next(); !errors.Is(err, eventstream.ErrLength) {
		t.Errorf("over the reader's limit: %v", err)
	}
}

func manyHeaders() []eventstream.Header {
	var out []eventstream.Header
	for range 5 {
		out = append(out, eventstream.Text("n", strings.Repeat("v", 30<<10)))
	}
	return out
}

// TestVectors decodes the frames, good and bad, that AWS's clients are tested with.
func TestVectors(t *testing.T) {
	t.Parallel()
	count := map[bool]int{}
	check := func(path string, good bool) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := eventstream.Decode(data)
		if (err == nil) != good {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
		count[good]++
		if err != nil {
			return
		}
		again, err := eventstream.Append(nil, m)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s: written again as %x (%v), was %x", filepath.Base(path), again, err, data)
		}
	}
	dir := sharedtest.Path(t, "vectors", "eventstream-smithy-rs", "rust-runtime", "aws-smithy-eventstream", "test_data")
	for _, path := range list(t, filepath.Join(dir, "*")) {
		check(path, strings.HasPrefix(filepath.Base(path), "valid"))
	}
	dir = sharedtest.Path(t, "vectors", "eventstream-aws-sdk-ruby", "gems", "aws-eventstream", "spec", "fixtures")
	for _, path := range list(t, filepath.Join(dir, "encoded", "negative", "*")) {
		check(path, false)
	}
	for _, path := range list(t, filepath.Join(dir, "encoded", "positive", "*")) {
		check(path, true)
		compareDecoded(t, path, filepath.Join(dir, "decoded", "positive", filepath.Base(path)))
	}
	t.Logf("%d good frames, %d bad ones", count[true], count[false])
}

func list(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	return paths
}

// compareDecoded compares a frame with its description in JSON.
func compareDecoded(t *testing.T, encoded, decoded string) {
	t.Helper()
	var want struct {
		Headers []struct {
			Name  string
			Type  eventstream.Type
			Value json.RawMessage
		}
		Payload []byte
	}
	text, err := os.ReadFile(decoded)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(encoded)
	if err != nil {
		t.Fatal(err)
	}
	m, err := eventstream.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Payload, want.Payload) || len(m.Headers) != len(want.Headers) {
		t.Errorf("%s: %d headers, payload %q", encoded, len(m.Headers), m.Payload)
		return
	}
	for i, h := range want.Headers {
		got := m.Headers[i]
		value := any(got.Num)
		switch got.Type {
		case eventstream.True, eventstream.False:
			value = got.Type == eventstream.True
		case eventstream.Bytes, eventstream.String, eventstream.UUID:
			value = base64.StdEncoding.EncodeToString(got.Raw)
		case eventstream.Byte, eventstream.Short, eventstream.Int, eventstream.Long, eventstream.Timestamp:
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != h.Name || got.Type != h.Type || string(text) != string(h.Value) {
			t.Errorf("%s: header %q of type %d is %s, want %q of type %d, %s", encoded, got.Name, got.Type, text, h.Name, h.Type, h.Value)
		}
	}
}

// FuzzDecode decodes arbitrary bytes. What is taken is what AWS's decoder takes,
// and is written again as it was.
func FuzzDecode(f *testing.F) {
	frame, err := eventstream.Append(nil, everything())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	f.Add(frame[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := eventstream.Decode(data)
		r, rerr := eventstream.NewReader(bytes.NewReader(data), 0).Next()
		if err != nil {
			return
		}
		if rerr != nil || !bytes.Equal(r.Payload, m.Payload) {
			t.Errorf("Reader: %v", rerr)
		}
		if _, err := aws.NewDecoder().Decode(bytes.NewReader(data), nil); err != nil {
			t.Errorf("AWS refuses what we take: %v", err)
		}
		again, err := eventstream.Append(nil, m)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("written again as %x (%v), was %x", again, err, data)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	payload := []byte(`{"contentBlockIndex":0,"delta":{"text":" world"},"p":"abcdefghijklmnop"}`)
	b.Run("outcrop", func(b *testing.B) {
		b.ReportAllocs()
		var f eventstream.Builder
		var buf []byte
		for b.Loop() {
			f.Begin(buf[:0])
			f.Text(":event-type", "contentBlockDelta")
			f.Text(":content-type", "application/json")
			f.Text(":message-type", "event")
			var err error
			if buf, err = f.Payload(payload); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aws", func(b *testing.B) {
		b.ReportAllocs()
		enc := aws.NewEncoder()
		var buf bytes.Buffer
		for b.Loop() {
			buf.Reset()
			m := aws.Message{Payload: payload}
			m.Headers.Set(":event-type", aws.StringValue("contentBlockDelta"))
			m.Headers.Set(":content-type", aws.StringValue("application/json"))
			m.Headers.Set(":message-type", aws.StringValue("event"))
			if err := enc.Encode(&buf, m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
