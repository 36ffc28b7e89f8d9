package restjson_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
	"github.com/outcrop-ai/outcrop/internal/wire/restjson"
	"github.com/outcrop-ai/outcrop/internal/wire/route"
)

func listOf(t smithy.Type) *smithy.Schema {
	return &smithy.Schema{Type: smithy.List, Members: []smithy.Member{{Name: "member", Schema: &smithy.Schema{Type: t}}}}
}

// operation has a member in each place of a request.
func operation(t testing.TB) *restjson.Operation {
	t.Helper()
	str := &smithy.Schema{Type: smithy.String}
	input := &smithy.Schema{Name: "Input", Type: smithy.Structure, Members: []smithy.Member{
		{Name: "id", Schema: str, Location: smithy.Label, LocationName: "id"},
		{Name: "n", Schema: &smithy.Schema{Type: smithy.Integer}, Location: smithy.Query, LocationName: "n"},
		{Name: "tags", Schema: listOf(smithy.String), Location: smithy.Query, LocationName: "tag"},
		{Name: "all", Schema: &smithy.Schema{Type: smithy.Map, Members: []smithy.Member{
			{Name: "key", Schema: str}, {Name: "value", Schema: listOf(smithy.String)},
		}}, Location: smithy.QueryParams},
		{Name: "words", Schema: listOf(smithy.String), Location: smithy.Header, LocationName: "X-Words"},
		{Name: "dates", Schema: listOf(smithy.Timestamp), Location: smithy.Header, LocationName: "X-Dates"},
		{Name: "meta", Schema: &smithy.Schema{Type: smithy.Map, Members: []smithy.Member{
			{Name: "key", Schema: str}, {Name: "value", Schema: str},
		}}, Location: smithy.PrefixHeaders, LocationName: "X-Meta-"},
		{Name: "text", Schema: str},
	}}
	op, err := restjson.Compile(&smithy.Operation{Name: "Op", Method: "POST", URI: "/x/{id}", Input: input, Output: input}, &jsoncodec.Pool{})
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func read(t testing.TB, op *restjson.Operation, label, query, body string, header http.Header) (map[string]any, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x/y", nil)
	r.URL.RawQuery = query
	r.Header = header
	req := &restjson.Request{HTTP: r, Labels: &[route.MaxLabels]string{label}, Body: []byte(body)}
	rd := op.Reader(req)
	defer rd.Release()
	v := smithytest.New(op.Input())
	err := rd.Struct(v)
	return v.Params(), err
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := read(t, operation(t), "a%2Fb%3A", "n=7&tag=x+y&tag=%26&&z", `{"text":"t","id":"not here"}`, http.Header{
		"X-Words":  {`a, "b, \"c\"", d`, "e"},
		"X-Dates":  {"Mon, 16 Dec 2019 23:48:18 GMT, Tue, 17 Dec 2019 23:48:18 GMT"},
		"X-Meta-A": {"1", "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(got, "dates")
	want := map[string]any{
		"id": "a/b:", "n": int64(7), "tags": []any{"x y", "&"}, "text": "t", "words": []any{"a", `b, "c"`, "d", "e"},
		"meta": map[string]any{"a": "1, 2"},
		"all":  map[string]any{"n": []any{"7"}, "tag": []any{"x y", "&"}, "z": []any{""}},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	op := operation(t)
	for _, tc := range []struct{ name, label, query, words, body, want string }{
		{"label escape", "%zz", "", "", "", `Malformed escape in label "id"`},
		{"label UTF-8", "%ff", "", "", "", `Malformed UTF-8 in label "id"`},
		{"query escape", "a", "n=%zz", "", "", `Malformed escape in query parameter "n"`},
		{"query escape elsewhere", "a", "o=%zz", "", "", `Malformed escape in query parameter "n"`},
		{"query type", "a", "n=1.5", "", "", `Malformed integer in query parameter "n"`},
		{"query range", "a", "n=99999999999", "", "", `Value out of range: integer in query parameter "n"`},
		{"header quote", "a", "", `"a`, "", `Malformed list in header "words"`},
		{"header after quote", "a", "", `"a" b`, "", `Malformed list in header "words"`},
		{"body", "a", "", "", "{} x", "Unexpected character 'x' at offset 3 after the end of the JSON text"},
	} {
		h := http.Header{}
		if tc.words != "" {
			h.Set("X-Words", tc.words)
		}
		_, err := read(t, op, tc.label, tc.query, tc.body, h)
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
}

// FuzzRequest reads arbitrary text in every place of a request.
func FuzzRequest(f *testing.F) {
	f.Add("a%2Fb", "n=1&tag=a&tag=%20", `a, "b"`, "Mon, 16 Dec 2019 23:48:18 GMT", `{"text":"x"}`)
	op := operation(f)
	f.Fuzz(func(t *testing.T, label, query, words, dates, body string) {
		got, err := read(t, op, label, query, body, http.Header{"X-Words": {words}, "X-Dates": {dates}, "X-Meta-" + words: {dates}})
		if err != nil {
			return
		}
		if got["id"] == nil {
			t.Errorf("no label in %v", got)
		}
	})
}

func TestMedia(t *testing.T) {
	t.Parallel()
	op := operation(t)
	for _, tc := range []struct {
		contentType, accept string
		ok                  bool
	}{
		{"application/json", "", true},
		{"Application/JSON; charset=utf-8", "", true},
		{"", "", true},
		{"text/plain", "", false},
		{"application/json", "application/json", true},
		{"application/json", "text/html, application/*;q=0.5", true},
		{"application/json", "*/*", true},
		{"application/json", "text/*", false},
		{"application/json", "applic*", false},
	} {
		h := http.Header{}
		if tc.contentType != "" {
			h.Set("Content-Type", tc.contentType)
		}
		if tc.accept != "" {
			h.Set("Accept", tc.accept)
		}
		if err := op.CheckMedia(h, 2); (err == nil) != tc.ok {
			t.Errorf("%q, %q: %v", tc.contentType, tc.accept, err)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	in := &smithy.Schema{Type: smithy.Structure, Members: []smithy.Member{
		{Name: "id", Schema: &smithy.Schema{Type: smithy.String}, Location: smithy.Label, LocationName: "id"},
	}}
	_, err := restjson.Compile(&smithy.Operation{Name: "Op", URI: "/x/{other}", Input: in, Output: in}, &jsoncodec.Pool{})
	if err == nil || !strings.Contains(err.Error(), "no label for member id") {
		t.Errorf("got %v", err)
	}
}
