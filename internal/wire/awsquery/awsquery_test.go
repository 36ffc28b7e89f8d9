package awsquery_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
	"github.com/outcrop-ai/outcrop/internal/wire/awsquery"
)

// nested is a structure with lists and maps of itself.
func nested() *smithy.Schema {
	str := &smithy.Schema{Type: smithy.String}
	num := &smithy.Schema{Type: smithy.Integer}
	s := &smithy.Schema{Name: "Nested", Type: smithy.Structure}
	s.Members = []smithy.Member{
		{Name: "Name", Schema: str},
		{Name: "Size", Schema: num},
		{Name: "List", Schema: &smithy.Schema{Type: smithy.List, Members: []smithy.Member{{Name: "member", Schema: str}}}},
		{Name: "Flat", Flattened: true, Schema: &smithy.Schema{Type: smithy.List, Members: []smithy.Member{{Name: "member", Schema: s}}}},
		{Name: "Map", Schema: &smithy.Schema{Type: smithy.Map, Members: []smithy.Member{{Name: "key", Schema: str}, {Name: "value", Schema: s}}}},
		{Name: "Self", Schema: s},
		{Name: "message", Schema: str},
	}
	return s
}

func read(text string) (map[string]any, error) {
	f, err := awsquery.ParseForm(text)
	if err != nil {
		return nil, err
	}
	v := smithytest.New(nested())
	err = awsquery.NewReader(f).Struct(v)
	return v.Params(), err
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := read("Action=X&Name=a+b%26&Size=-3&List.member.10=ten&List.member.2=two&List.member.x=no&Flat.1.Name=f&" +
		"Flat.1.Flat.1.Size=7&Map.entry.1.key=k&Map.entry.1.value.Name=v&Map.entry.1.value.List.member.1=&Name=again&Unknown.1=x")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Name": "a b&", "Size": int64(-3), "List": []any{"two", "ten"},
		"Flat": []any{map[string]any{"Name": "f", "Flat": []any{map[string]any{"Size": int64(7)}}}},
		"Map":  map[string]any{"k": map[string]any{"Name": "v", "List": []any{""}}},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Size=x":                               "Malformed integer at Size",
		"Self.Flat.3.Size=99999999999":         "Value out of range: integer at Self.Flat.3.Size",
		"Name=%ff":                             "Invalid UTF-8 at Name",
		"Name=%f":                              "The value of a parameter is malformed at Name",
		"%f=x":                                 "A parameter of the form is malformed",
		"Map.entry.1.value.Name=x":             "A map entry has no key at Map",
		strings.Repeat("Self.", 100) + "Name=": "Nested too deeply",
		strings.Repeat("a&", 20001):            "The form has more than",
	} {
		_, err := read(text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.50q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Name=a&Flat.1.Name=b&Map.entry.1.key=k&Map.entry.1.value.Size=3")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := read(text)
		if err == nil && len(got) > strings.Count(text, "&")+1 {
			t.Errorf("%q has %d members", text, len(got))
		}
	})
}

func TestError(t *testing.T) {
	t.Parallel()
	e := smithytest.New(nested()).Set("message", "a < b").Set("Size", int64(2))
	got := string(awsquery.Error("urn:x", "id", "Code", "", 500, e))
	want := `<ErrorResponse xmlns="urn:x"><Error><Type>Receiver</Type><Code>Code</Code><Size>2</Size><Message>a &lt; b</Message></Error>` +
		`<RequestId>id</RequestId></ErrorResponse>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
