package wire_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/outcrop-ai/outcrop/internal/gen/logs"
	"github.com/outcrop-ai/outcrop/internal/gen/monitoring"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// TestUnbuiltProtocols calls services whose protocols are not built: the answer
// names the operation, in the form that the protocol's clients read.
func TestUnbuiltProtocols(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wire.Config{Services: []wire.Service{
		{Model: &logs.Model, Impl: logs.Unimplemented{}},
		{Model: &monitoring.Model, Impl: monitoring.Unimplemented{}},
	}})
	w := send(t, h, "POST", "/", "{}", "X-Amz-Target", "Logs_20140328.StartQuery", "Content-Type", "application/x-amz-json-1.1")
	want := `{"__type":"NotImplementedException","message":"logs StartQuery is not implemented"}`
	if w.Code != http.StatusNotImplemented || w.Body.String() != want || w.Header().Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("awsJson: %d %v %s", w.Code, w.Header(), w.Body)
	}
	w = send(t, h, "POST", "/", "{}", "X-Amz-Target", "Logs_20140328.Fly")
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `"UnknownOperationException"`) {
		t.Errorf("unknown: %d %s", w.Code, w.Body)
	}
	w = send(t, h, "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", "", "Smithy-Protocol", "rpc-v2-cbor")
	got, err := cbor.Decode(w.Body.Bytes())
	m, ok := got.(cbor.Map)
	if err != nil || !ok || w.Header().Get("X-Amzn-Query-Error") != "NotImplementedException;Receiver" {
		t.Fatalf("cbor: %d %v %s: %v", w.Code, w.Header(), base64.StdEncoding.EncodeToString(w.Body.Bytes()), err)
	}
	if m["__type"] != cbor.String("NotImplementedException") || m["message"] != cbor.String("monitoring ListMetrics is not implemented") {
		t.Errorf("cbor: %v", m)
	}
	// A stranger learns nothing of operations.
	strict := newHandler(t, wire.Config{
		Services:     []wire.Service{{Model: &logs.Model, Impl: logs.Unimplemented{}}},
		Authenticate: func(context.Context, *wire.AuthRequest) (wire.Identity, error) { return wire.Identity{}, authError{} },
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Target", "Logs_20140328.StartQuery")
	w = httptest.NewRecorder()
	strict.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"__type":"UnrecognizedClientException"`) {
		t.Errorf("stranger: %d %s", w.Code, w.Body)
	}
}
