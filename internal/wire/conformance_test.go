package wire_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outcrop-ai/outcrop/internal/sharedtest"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
	"github.com/outcrop-ai/outcrop/internal/wire"
	"github.com/outcrop-ai/outcrop/internal/wire/eventstream"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/restjson"
)

// protocolCase is a case of Smithy's protocol tests.
type protocolCase struct {
	ID, Kind, Operation, Service, Shape string
	Input, Output                       string
	Params                              json.RawMessage

	Method, URI  string
	Headers      map[string]string
	QueryParams  []string
	ForbidHeader []string `json:"forbidHeaders"`
	Body         *string
	BodyMedia    string `json:"bodyMediaType"`
	Code         int

	Request  malformedRequest
	Response struct {
		Code    int
		Headers map[string]string
	}

	Events      []eventCase
	Expectation json.RawMessage

	InitialRequest        *malformedRequest
	InitialRequestParams  json.RawMessage
	InitialResponse       *struct{ Headers map[string]string }
	InitialResponseParams json.RawMessage
	HTTP                  struct{ URI, Method string }
}

type malformedRequest struct {
	Method, URI string
	Headers     map[string]string
	QueryParams []string
	Body        string
}

type eventCase struct {
	Type   string
	Params json.RawMessage
	Bytes  string
	Body   *string
	Media  string `json:"bodyMediaType"`
}

// skipped are the cases that are not run, each with its reason.
var skipped = map[string]string{
	"RestJsonWithBodyExpectsApplicationJsonContentTypeNoHeaders": "AWS takes a JSON body without a Content-Type, and plain HTTP clients rely on it",
	"SDKAppliedContentEncoding_restJson1":                        "request compression is the client's; no Bedrock operation takes it",
	"SDKAppendedGzipAfterProvidedEncoding_restJson1":             "request compression is the client's; no Bedrock operation takes it",
	"SDKAppliedContentEncoding_awsQuery":                         "request compression is the client's; no operation of sts or iam takes it",
	"SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery":      "request compression is the client's; no operation of sts or iam takes it",
	"ApiGatewayAccept":                  "a customization of API Gateway's clients",
	"GlacierVersionHeader":              "a customization of Glacier's clients",
	"RestJsonOmitsEmptyListQueryValues": "a query string cannot tell an empty list from none; it is read as none",
	"QueryEmptyQueryMaps":               "a form cannot tell an empty map from none; it is read as none",
}

func loadCases(t *testing.T, protocol string) (*smithytest.Model, []protocolCase) {
	t.Helper()
	m, err := smithytest.LoadFile(sharedtest.Path(t, "vectors", "smithy-protocol", "ast.json"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(sharedtest.Path(t, "vectors", "smithy-protocol", "cases-"+protocol+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []protocolCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return m, cases
}

// recorder is an implementation that keeps what it was called with.
type recorder struct {
	model  *smithytest.Model
	svc    *smithy.Service
	op     string
	in     smithy.Struct
	events []map[string]any
	err    error // of the stream
}

func (r *recorder) Handle(_ context.Context, op string, in smithy.Struct) (smithy.Struct, error) {
	r.op, r.in = op, in
	if s, ok := in.(*smithytest.Stream); ok {
		for e, err := range s.Events() {
			if err != nil {
				r.err = err
				break
			}
			r.events = append(r.events, e.(*smithytest.Value).Params())
		}
	}
	for _, o := range r.svc.Operations {
		if o.Name == op {
			if o.OutputStream {
				return r.model.NewStream(o.Output), nil
			}
			return r.model.New(o.Output), nil
		}
	}
	return nil, &smithy.NotImplementedError{Operation: op}
}

// allowAll is an authentication that takes everyone's word.
func allowAll(_ context.Context, r *wire.AuthRequest) (wire.Identity, error) {
	if r.Streaming {
		return wire.Identity{}, nil
	}
	_, err := r.BodyHash()
	return wire.Identity{}, err
}

func newHandler(t testing.TB, c wire.Config) *wire.Handler {
	t.Helper()
	if c.Authenticate == nil {
		c.Authenticate = allowAll
	}
	h, err := wire.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// conformance runs cases of one protocol and counts them.
func conformance(t *testing.T, protocol string, run map[string]func(*testing.T, *caseRun)) {
	t.Parallel()
	m, cases := loadCases(t, protocol)
	counts := map[string]int{}
	for _, c := range cases {
		counts[c.Kind]++
		t.Run(c.Kind+"/"+c.ID, func(t *testing.T) {
			reason := skipped[c.ID]
			if strings.HasPrefix(c.ID, "RestJsonMalformedUniqueItems") {
				reason = "no shape that is generated has unique items: the models they come from do not carry it"
			}
			if reason != "" {
				counts["skipped"]++
				t.Skip(reason)
			}
			r := &caseRun{protocolCase: &c, model: m, svc: m.Service(c.Service)}
			if c.Service == "" {
				r.svc = bareService(&c)
			}
			if r.svc == nil {
				t.Fatalf("no service %s", c.Service)
			}
			i := slices.IndexFunc(r.svc.Operations, func(op *smithy.Operation) bool { return op.Name == name(c.Operation) })
			if i < 0 {
				t.Fatalf("no operation %s", c.Operation)
			}
			r.op = r.svc.Operations[i]
			run[c.Kind](t, r)
			if !t.Failed() {
				counts["passed"]++
			}
		})
	}
	t.Logf("%s: %d cases (%d request, %d response, %d error, %d malformed, %d event stream): %d passed, %d skipped with a reason",
		protocol, len(cases), counts["request"], counts["response"], counts["error"], counts["malformed"], counts["eventstream"],
		counts["passed"], counts["skipped"])
}

// bareService is a service for an operation that the model has in none. The shapes
// of those are empty.
func bareService(c *protocolCase) *smithy.Service {
	empty := &smithy.Schema{Name: "Unit", Type: smithy.Structure}
	return &smithy.Service{Protocols: []string{smithy.RestJSON1}, Operations: []*smithy.Operation{{
		Name: name(c.Operation), Method: c.HTTP.Method, URI: c.HTTP.URI, Input: empty, Output: empty,
		NewInput: func() smithy.Struct { return smithytest.New(empty) },
		Invoke: func(ctx context.Context, impl any, in smithy.Struct) (smithy.Struct, error) {
			return impl.(smithytest.Handler).Handle(ctx, name(c.Operation), in)
		},
	}}}
}

// name is the name in a shape ID.
func name(id string) string { return id[strings.IndexByte(id, '#')+1:] }

type caseRun struct {
	*protocolCase
	model *smithytest.Model
	svc   *smithy.Service
	op    *smithy.Operation
}

// do sends a request to a handler of the case's service.
func (c *caseRun) do(t *testing.T, req malformedRequest) (*httptest.ResponseRecorder, *recorder) {
	t.Helper()
	rec := &recorder{model: c.model, svc: c.svc}
	h := newHandler(t, wire.Config{Services: []wire.Service{{Model: c.svc, Impl: rec}}})
	uri := req.URI
	if len(req.QueryParams) > 0 {
		uri += "?" + strings.Join(req.QueryParams, "&")
	}
	r := httptest.NewRequestWithContext(t.Context(), req.Method, uri, strings.NewReader(req.Body))
	for k, v := range req.Headers {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w, rec
}

func (c *caseRun) params(t *testing.T, s *smithy.Schema, raw json.RawMessage) *smithytest.Value {
	t.Helper()
	v := c.model.New(s)
	if len(raw) > 0 {
		if err := v.SetParams(raw); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func paramsOf(t *testing.T, v smithy.Struct) map[string]any {
	t.Helper()
	switch v := v.(type) {
	case *smithytest.Value:
		return v.Params()
	case *smithytest.Stream:
		return v.Params()
	}
	t.Fatalf("got a %T", v)
	return nil
}

func (c *caseRun) wantInput(t *testing.T, w *httptest.ResponseRecorder, rec *recorder, raw json.RawMessage) {
	t.Helper()
	if rec.op != c.op.Name {
		t.Fatalf("called %q, want %q; status %d, body %s", rec.op, c.op.Name, w.Code, w.Body)
	}
	if diff := cmp.Diff(paramsOf(t, rec.in), c.params(t, c.op.Input, raw).Params(), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("input (-got +want):\n%s", diff)
	}
}

func TestConformanceRestJSON1(t *testing.T) {
	conformance(t, "restJson1", map[string]func(*testing.T, *caseRun){
		"request":     restRequest,
		"response":    restResponse,
		"error":       restError,
		"malformed":   restMalformed,
		"eventstream": restEvents,
	})
}

func restRequest(t *testing.T, c *caseRun) {
	body := ""
	if c.Body != nil {
		body = *c.Body
	}
	w, rec := c.do(t, malformedRequest{c.Method, c.URI, c.Headers, c.QueryParams, body})
	c.wantInput(t, w, rec, c.Params)
}

func restResponse(t *testing.T, c *caseRun) {
	h := http.Header{}
	resp := restjson.NewResponse(&jsoncodec.Pool{}, h)
	resp.Output(c.op, c.params(t, c.op.Output, c.Params))
	h.Set("Content-Length", strconv.Itoa(len(resp.Body()))) // as the handler does
	c.wantResponse(t, resp.Status, h, resp.Body())
}

func restError(t *testing.T, c *caseRun) {
	h := http.Header{}
	resp := restjson.NewResponse(&jsoncodec.Pool{}, h)
	resp.Error(c.params(t, c.model.Schema(c.Service, c.Shape), c.Params))
	c.wantResponse(t, resp.Status, h, resp.Body())
}

func (c *caseRun) wantResponse(t *testing.T, status int, h http.Header, body []byte) {
	t.Helper()
	if status != c.Code {
		t.Errorf("status %d, want %d", status, c.Code)
	}
	for k, v := range c.Headers {
		if got := h.Get(k); got != v || h.Values(k) == nil {
			t.Errorf("header %s: got %q, want %q", k, got, v)
		}
	}
	for _, k := range c.ForbidHeader {
		if _, ok := h[http.CanonicalHeaderKey(k)]; ok {
			t.Errorf("header %s is set", k)
		}
	}
	if c.Body == nil {
		return
	}
	if c.BodyMedia == "application/json" && *c.Body != "" {
		wantJSON(t, body, []byte(*c.Body))
		return
	}
	if got := string(body); got != *c.Body {
		t.Errorf("body %q, want %q", got, *c.Body)
	}
}

func wantJSON(t *testing.T, got, want []byte) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("body %q: %v", got, err)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, w); diff != "" {
		t.Errorf("body (-got +want):\n%s", diff)
	}
}

func restMalformed(t *testing.T, c *caseRun) {
	w, rec := c.do(t, c.Request)
	if rec.op != "" {
		t.Fatalf("the request was taken: %v", paramsOf(t, rec.in))
	}
	if w.Code != c.Response.Code {
		t.Errorf("status %d, want %d; body %s", w.Code, c.Response.Code, w.Body)
	}
	for k, v := range c.Response.Headers {
		if got := w.Header().Get(k); got != v {
			t.Errorf("header %s: got %q, want %q; body %s", k, got, v, w.Body)
		}
	}
}

// restEvents runs the events that go one way, and then those that go the other.
func restEvents(t *testing.T, c *caseRun) {
	var in []byte
	var want []map[string]any
	for _, e := range c.Events {
		frame, err := base64.StdEncoding.DecodeString(e.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == "request" {
			in = append(in, frame...)
			if len(e.Params) > 0 {
				want = append(want, c.params(t, eventUnion(c.op.Input), e.Params).Params())
			}
			continue
		}
		c.writeEvent(t, e, frame)
	}
	if c.InitialResponse != nil {
		h := http.Header{}
		resp := restjson.NewResponse(&jsoncodec.Pool{}, h)
		resp.Output(c.op, c.params(t, c.op.Output, c.InitialResponseParams))
		for k, v := range c.InitialResponse.Headers {
			if h.Get(k) != v {
				t.Errorf("header %s: got %q, want %q", k, h.Get(k), v)
			}
		}
	}
	if len(in) == 0 && c.InitialRequest == nil {
		return
	}
	req := malformedRequest{Method: c.HTTP.Method, URI: c.HTTP.URI}
	if c.InitialRequest != nil {
		req = *c.InitialRequest
	}
	req.Body = string(in)
	w, rec := c.do(t, req)
	if fails := len(c.Expectation) > 0 && bytes.Contains(c.Expectation, []byte("failure")); fails {
		if w.Code == http.StatusOK && rec.err == nil {
			t.Errorf("taken: %v", rec.events)
		}
		return
	}
	c.wantInput(t, w, rec, c.InitialRequestParams)
	if rec.err != nil {
		t.Fatal(rec.err)
	}
	if diff := cmp.Diff(rec.events, want); diff != "" {
		t.Errorf("events (-got +want):\n%s", diff)
	}
}

func eventUnion(s *smithy.Schema) *smithy.Schema {
	for i := range s.Members {
		if s.Members[i].Schema.Streaming {
			return s.Members[i].Schema
		}
	}
	return nil
}

// writeEvent compares a frame but for the order of its headers, which the format
// leaves open and real Bedrock has otherwise.
func (c *caseRun) writeEvent(t *testing.T, e eventCase, want []byte) {
	t.Helper()
	v := c.model.New(eventUnion(c.op.Output))
	if err := v.SetParams(e.Params); err != nil {
		t.Fatal(err)
	}
	var w restjson.EventWriter
	got, err := w.Event(v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decodeFrame(t, got), decodeFrame(t, want)); diff != "" {
		t.Errorf("frame (-got +want):\n%s", diff)
	}
}

func decodeFrame(t *testing.T, frame []byte) *eventstream.Message {
	t.Helper()
	m, err := eventstream.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(m.Headers, func(a, b eventstream.Header) int { return strings.Compare(a.Name, b.Name) })
	return m
}
