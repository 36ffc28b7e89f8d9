package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"
	"github.com/outcrop-ai/outcrop/internal/gen/logs"
	"github.com/outcrop-ai/outcrop/internal/gen/monitoring"
	"github.com/outcrop-ai/outcrop/internal/gen/sts"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

func unservedHandler(t *testing.T) http.Handler {
	t.Helper()
	return newHandler(t, wire.Config{Services: []wire.Service{
		{Model: &logs.Model, Impl: logs.Unimplemented{}},
		{Model: &monitoring.Model, Impl: monitoring.Unimplemented{}},
		{Model: &sts.Model, Impl: sts.Unimplemented{}},
	}})
}

// TestUnserved sends requests for services, operations and targets that are not here, in
// forms whose clients read no restJson1.
func TestUnserved(t *testing.T) {
	t.Parallel()
	h := unservedHandler(t)
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	for _, tc := range []struct {
		name, method, path, service, contentType, target string
		want                                             string
	}{
		{"s3", "GET", "/", "s3", "", "", `<Error><Code>UnknownOperationException</Code><Message>No service here is signed for as "s3".</Message><RequestId>`},
		{"s3's object", "PUT", "/bucket/key", "s3", "", "", `<Error><Code>UnknownOperationException</Code>`},
		{"sns", "POST", "/", "sns", form, "", `<Code>UnknownOperationException</Code><Message>No service here is signed for as "sns".</Message></Error><RequestId>`},
		{"dynamodb", "POST", "/", "dynamodb", "application/x-amz-json-1.0", "DynamoDB_20120810.ListTables", `{"__type":"UnknownOperationException","message":"No service here has the operation ListTables of DynamoDB_20120810."}`},
		{"signed for another", "POST", "/", "monitoring", "application/x-amz-json-1.1", "Logs_20140328.StartQuery", `{"__type":"UnknownOperationException"`},
		{"half a target", "POST", "/", "logs", "application/x-amz-json-1.1", "Logs_20140328", `{"__type":"UnknownOperationException"`},
	} {
		header := []string{"Authorization", signedFor(tc.service, "us-east-1")}
		if tc.contentType != "" {
			header = append(header, "Content-Type", tc.contentType)
		}
		if tc.target != "" {
			header = append(header, "X-Amz-Target", tc.target)
		}
		w := send(t, h, tc.method, tc.path, "", header...)
		got := strings.NewReplacer("&quot;", `"`, "&#34;", `"`).Replace(w.Body.String())
		if w.Code != http.StatusNotFound || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %d %s, want %s", tc.name, w.Code, got, tc.want)
		}
		kind := w.Header().Get("Content-Type")
		if wantXML := tc.target == ""; strings.Contains(kind, "xml") != wantXML || !wantXML && kind != tc.contentType {
			t.Errorf("%s: content type %s", tc.name, kind)
		}
	}
}

// TestUnservedCBOR wants texts of any length to be whole.
func TestUnservedCBOR(t *testing.T) {
	t.Parallel()
	h := unservedHandler(t)
	for _, n := range []int{1, 100, 300, 70_000} {
		w := send(t, h, "POST", "/service/X/operation/"+strings.Repeat("n", n), "", "Smithy-Protocol", "rpc-v2-cbor")
		got, err := cbor.Decode(w.Body.Bytes())
		m, ok := got.(cbor.Map)
		text, _ := m["message"].(cbor.String)
		if err != nil || !ok || !strings.Contains(string(text), "nn") && n > 1 || w.Code != http.StatusNotFound {
			t.Errorf("a name of %d: %d %v, %v", n, w.Code, got, err)
		}
	}
	// Without the protocol's header it is an unknown path like any other.
	if w := send(t, h, "POST", "/service/X/operation/Y", ""); w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), `{"message":`) {
		t.Errorf("without the header: %d %s", w.Code, w.Body)
	}
}

// TestRefused wants to hear of inputs that cannot be taken, with what was read.
func TestRefused(t *testing.T) {
	t.Parallel()
	type refusal struct{ model, text string }
	var got []refusal
	cfg := testConfig(&runtime{})
	cfg.Refused = func(ctx context.Context, c *call.Call, in smithy.Struct, err error) {
		if call.From(ctx) != c {
			t.Error("the context does not carry the call")
		}
		conversation, ok := in.(*bedrockruntime.ConverseRequest)
		if !ok {
			t.Fatalf("refused is a %T", in)
		}
		got = append(got, refusal{conversation.ModelID, err.Error()})
	}
	h := newHandler(t, cfg)
	for _, body := range []string{`{"messages":`, `{"messages":[{"role":"user"}]}`, hello} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/model/some.model/converse", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if len(got) != 2 || got[0].model != "some.model" || got[1].model != "some.model" || !strings.Contains(got[1].text, "content") {
		t.Errorf("refusals: %q", got)
	}
}
