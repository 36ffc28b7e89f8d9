package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/eventstream"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/restjson"
)

// recording is an exchange with the real service.
type recording struct {
	Test, Method, Path string
	N, Status          int
	Request, Response  json.RawMessage
	Stream             []byte `json:"response_b64"`
}

func loadRecordings(t *testing.T) []recording {
	t.Helper()
	data, err := os.ReadFile(sharedtest.Path(t, "vectors", "bedrock-recordings", "recordings.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out []recording
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// unmodelled are members that real answers have and the API's model does not.
var unmodelled = []string{"p", "type", "serverToolUsage", "cacheReadInputTokenCount", "cacheWriteInputTokenCount"}

// TestRecordings sends each recorded request to a handler, and carries each recorded
// answer through the generated types: what the service says must come out as it
// went in.
func TestRecordings(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for _, rec := range loadRecordings(t) {
		op := rec.Path[strings.LastIndexByte(rec.Path, '/')+1:]
		counts[fmt.Sprintf("%s %d", op, rec.Status)]++
		t.Run(fmt.Sprintf("%s/%d", rec.Test, rec.N), func(t *testing.T) {
			wantAccepted(t, &rec)
			var out smithy.Struct
			switch {
			case rec.Status != http.StatusOK:
				out = &bedrockruntime.ValidationException{}
			case op == "converse":
				out = &bedrockruntime.ConverseResponse{}
			case op == "count-tokens":
				out = &bedrockruntime.CountTokensResponse{}
			default:
				wantStream(t, rec.Stream)
				return
			}
			wantSame(t, out, rec.Response)
		})
	}
	t.Log(counts)
}

// wantAccepted wants a recorded request to be read and found valid, whatever its
// answer was.
func wantAccepted(t *testing.T, rec *recording) {
	t.Helper()
	h := newHandler(t, testConfig(&runtime{}))
	w := send(t, h, rec.Method, rec.Path, string(rec.Request), "Content-Type", jsonType)
	if w.Code == http.StatusBadRequest || w.Code == http.StatusNotFound {
		t.Errorf("the request was refused: %d %s", w.Code, w.Body)
	}
}

// wantSame reads raw into v and writes it again.
func wantSame(t *testing.T, v smithy.Struct, raw []byte) {
	t.Helper()
	if err := jsoncodec.NewReader(raw).Struct(v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	var w jsoncodec.Writer
	w.Struct(v)
	if diff := cmp.Diff(modelled(t, w.Written()), modelled(t, raw)); diff != "" {
		t.Errorf("-ours +theirs:\n%s", diff)
	}
}

// modelled decodes JSON without the members that no model has.
func modelled(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if slices.Contains(unmodelled, k) {
					delete(v, k)
					continue
				}
				if k != "input" && k != "json" { // documents are the model's own
					strip(e)
				}
			}
		case []any:
			for _, e := range v {
				strip(e)
			}
		}
	}
	strip(v)
	return v
}

// wantStream reads a recorded stream's events and writes them again: the same
// headers in the same order, the same JSON, padding in every event.
func wantStream(t *testing.T, data []byte) {
	t.Helper()
	var order []string
	w := restjson.EventWriter{Pad: func() string { return "abc" }}
	theirs := readFrames(t, bytes.NewReader(data))
	for _, m := range theirs {
		var e bedrockruntime.ConverseStreamOutput
		if err := restjson.ReadEvent(m, &e, func(r smithy.Reader, v smithy.Struct) error { return r.Struct(v) }); err != nil {
			t.Fatalf("%v in %s", err, m.Payload)
		}
		frame, err := w.Event(&e)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := eventstream.Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ours.Headers, m.Headers); diff != "" {
			t.Errorf("headers (-ours +theirs):\n%s", diff)
		}
		if diff := cmp.Diff(modelled(t, ours.Payload), modelled(t, m.Payload)); diff != "" {
			t.Errorf("payload (-ours +theirs):\n%s", diff)
		}
		for name, payload := range map[string][]byte{"ours": ours.Payload, "theirs": m.Payload} {
			if !bytes.Contains(payload, []byte(`"p":"abc`)) && !bytes.Contains(payload, []byte(`"p":"a`)) {
				t.Errorf("%s has no padding: %s", name, payload)
			}
		}
		order = append(order, m.Header(":event-type").Text())
	}
	if order[0] != "messageStart" || order[len(order)-2] != "messageStop" || order[len(order)-1] != "metadata" {
		t.Errorf("order %q", order)
	}
}
