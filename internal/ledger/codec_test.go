package ledger

import (
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/ledger/segment"
)

func TestCodec(t *testing.T) {
	t.Parallel()
	var d decoder
	for _, want := range []Record{testRecord(0), otherRecord(1), {Time: time.Unix(0, 0).UTC()}, {Time: time.Unix(0, -1).UTC(), InputTokens: -1}} {
		got, err := d.decode(want.encode(nil))
		if err != nil {
			t.Fatal(err)
		}
		if want.Time.UnixNano() == 0 {
			want.Time = time.Time{} // left out; Append never lets it be zero
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Error(diff)
		}
	}
}

// A field that somebody adds to Record and forgets in the codec fails here.
func TestCodecKnowsEveryField(t *testing.T) {
	t.Parallel()
	r := otherRecord(1)
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "Seq" && v.Field(i).IsZero() {
			t.Errorf("otherRecord leaves %s out", name)
		}
	}
}

func TestCodecLimits(t *testing.T) {
	t.Parallel()
	want := otherRecord(1)
	long := strings.Repeat("é", 10_000)
	want.RequestID, want.ErrorMessage, want.Model = long, "x"+long, long
	want.Metadata = make(map[string]string)
	for i := range 1000 {
		want.Metadata[strings.Repeat("k", i)+long] = long
	}
	data := want.encode(nil)
	if len(data) > segment.MaxPayload {
		t.Errorf("a record of %d bytes", len(data))
	}
	var d decoder
	got, err := d.decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.RequestID); n != maxText || !utf8.ValidString(got.ErrorMessage) || len(got.ErrorMessage) != maxText-1 {
		t.Errorf("texts of %d and %d bytes", n, len(got.ErrorMessage))
	}
	if len(got.Metadata) == 0 || len(got.Metadata) > maxMetadata {
		t.Errorf("%d labels", len(got.Metadata))
	}
}

// A record cut short is an error or a record with fewer fields, and an unknown field is
// passed over.
func TestCodecForeign(t *testing.T) {
	t.Parallel()
	r := otherRecord(1)
	data := r.encode(nil)
	var d decoder
	for n := range data {
		if _, err := d.decode(data[:n]); err != nil && !errors.Is(err, errRecord) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	got, err := d.decode(append(data, 200, 1, 201, 3, 'n', 'e', 'w'))
	if diff := cmp.Diff(got, r); diff != "" || err != nil {
		t.Errorf("unknown fields: %v %s", err, diff)
	}
}

// The decoder's memory is bounded and never mixes texts up.
func TestDecoderForgets(t *testing.T) {
	t.Parallel()
	var d decoder
	for i := range 2*maxKnown + 10 {
		if got, want := d.text([]byte(strings.Repeat("x", i%97)+string(rune(i)))), strings.Repeat("x", i%97)+string(rune(i)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if len(d.known) > maxKnown {
		t.Errorf("knows %d texts", len(d.known))
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range []Record{testRecord(0), otherRecord(1), {}} {
		f.Add(r.encode(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d decoder
		r, err := d.decode(data)
		if err != nil {
			return
		}
		if len(r.Metadata) > maxMetadata {
			return
		}
		again, err := d.decode(r.encode(nil))
		if err != nil {
			t.Fatal(err)
		}
		if r.Time.UnixNano() == 0 {
			again.Time = r.Time
		}
		if maps.Equal(again.Metadata, r.Metadata) {
			again.Metadata = r.Metadata // nil or empty
		}
		if len(data) < maxMetadataText && !cmp.Equal(again, r) {
			t.Error(cmp.Diff(again, r))
		}
	})
}
