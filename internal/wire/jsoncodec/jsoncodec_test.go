package jsoncodec_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
	"github.com/outcrop-ai/outcrop/internal/wire/jsoncodec"
)

func scalarSchema(t smithy.Type) *smithy.Schema { return &smithy.Schema{Name: "Scalar", Type: t} }

// everything is a structure with a member of each type, and itself.
func everything() *smithy.Schema {
	str := scalarSchema(smithy.String)
	s := &smithy.Schema{Name: "Everything", Type: smithy.Structure}
	list := &smithy.Schema{Type: smithy.List, Members: []smithy.Member{{Name: "member", Schema: str}}}
	sparse := &smithy.Schema{Type: smithy.List, Sparse: true, Members: []smithy.Member{{Name: "member", Schema: str}}}
	dict := &smithy.Schema{Type: smithy.Map, Members: []smithy.Member{{Name: "key", Schema: str}, {Name: "value", Schema: s}}}
	union := &smithy.Schema{Type: smithy.Union, Members: []smithy.Member{
		{Name: "a", Schema: str}, {Name: "b", Schema: scalarSchema(smithy.Long)},
	}}
	for name, m := range map[string]*smithy.Schema{
		"str": str, "boolean": scalarSchema(smithy.Boolean), "byte": scalarSchema(smithy.Byte), "short": scalarSchema(smithy.Short),
		"integer": scalarSchema(smithy.Integer), "long": scalarSchema(smithy.Long), "double": scalarSchema(smithy.Double),
		"big": scalarSchema(smithy.BigDecimal), "blob": scalarSchema(smithy.Blob), "time": scalarSchema(smithy.Timestamp),
		"dateTime": {Type: smithy.Timestamp, Timestamp: smithy.DateTime}, "doc": scalarSchema(smithy.Document),
		"list": list, "sparse": sparse, "dict": dict, "union": union, "self": s,
	} {
		s.Members = append(s.Members, smithy.Member{Name: name, Schema: m})
	}
	return s
}

const full = `{"str":"a\u00e9\"\\\/\b\f\n\r\té😀\ud83d\ude00","boolean":true,"byte":-128,"short":32767,"integer":-7,"long":9223372036854775807,` +
	`"double":1.5e-9,"big":123456789012345678901234567890.5,"blob":"aGVsbG8=","time":1398796238.123,"dateTime":"2014-04-29T18:30:38.5Z",` +
	`"doc":{"a":[1, null,"x"]},"list":["a","b"],"sparse":["a",null],"dict":{"k":{"str":"v"},"":{}},"union":{"b":4},` +
	`"self":{"self":{"boolean":false}},"unknown":[{"a":"b"},1e5,true,null]}`

func TestReadEverything(t *testing.T) {
	t.Parallel()
	got := smithytest.New(everything())
	r := jsoncodec.NewReader([]byte(full))
	if err := r.Struct(got); err != nil {
		t.Fatal(err)
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"str": "aé\"\\/\b\f\n\r\té😀😀", "boolean": true, "byte": int64(-128), "short": int64(32767), "integer": int64(-7),
		"long": int64(math.MaxInt64), "double": 1.5e-9, "big": "123456789012345678901234567890.5", "blob": []byte("hello"),
		"time":     time.Unix(1398796238, 123e6).UTC(),
		"dateTime": time.Unix(1398796238, 5e8).UTC(),
		"doc":      map[string]any{"a": []any{1., nil, "x"}}, "list": []any{"a", "b"}, "sparse": []any{"a", nil},
		"dict": map[string]any{"k": map[string]any{"str": "v"}, "": map[string]any{}}, "union": map[string]any{"b": int64(4)},
		"self": map[string]any{"self": map[string]any{"boolean": false}},
	}
	if diff := cmp.Diff(got.Params(), want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

// TestCutAnywhere cuts a text at every byte: no part of it is a whole.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	s := everything()
	for i := range len(full) {
		r := jsoncodec.NewReader([]byte(full[:i]))
		if err := r.Struct(smithytest.New(s)); err == nil {
			t.Errorf("%q was taken", full[:i])
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"str":1}`:                    "Unexpected number: expected a string at str",
		`{"self":{"list":["a",true]}}`: "Unexpected boolean: expected a string at self.list[1]",
		`{"dict":{"k":{"long":"x"}}}`:  "Unexpected string: expected an integer at dict.k.long",
		`{"byte":128}`:                 "Number 128 is out of range at byte",
		`{"long":1.0}`:                 "Number 1.0 is not an integer at long",
		`{"long":1e2}`:                 "Number 1e2 is not an integer at long",
		`{"double":1e999}`:             "Number 1e999 is out of range at double",
		`{"double":"nan"}`:             "Unexpected string: expected a number at double",
		`{"double":01}`:                "Malformed number at offset 10 at double",
		`{"blob":"a"}`:                 "Invalid base64 at blob",
		`{"dateTime":1}`:               "Unexpected number: expected a timestamp string at dateTime",
		`{"dateTime":"2014-04-29"}`:    `Invalid timestamp "2014-04-29" at dateTime`,
		`{"list":["a",]}`:              "Unexpected trailing comma at offset 13 at list",
		`{"list":["a" "b"]}`:           "Unexpected string: expected a comma or ']' at list",
		`{"list":["a",null]}`:          "Unexpected null: expected a value at list[1]",
		`{"doc":tru}`:                  "Unexpected character 't' at offset 7: expected a value at doc",
		`{"str":"\x"}`:                 "Invalid escape in a string at offset 8 at str",
		`{"str":"\u12"}`:               "Invalid escape in a string at offset 8 at str",
		`{str:"a"}`:                    "Unexpected character 's' at offset 1: expected a member name",
		`{"str" "a"}`:                  "Unexpected string: expected a colon",
		`{"union":{}}`:                 "Union must have exactly one member set, found 0 at union",
		`{"union":{"a":"x","c":1}}`:    `Unknown union member "c" at union`,
		"{\"str\":\"\xed\xa0\x80\"}":   "Invalid UTF-8 in the string at offset 8 at str",
		"{\"str\":\"\\n\xff\"}":        "Invalid UTF-8 in the string at offset 8 at str",
		"{\"doc\":\"\xff\"}":           "Invalid UTF-8 in the string at offset 8 at doc",
		"\ufeff{}":                     "Unexpected character 'ï' at offset 0: expected an object",
	} {
		err := jsoncodec.NewReader([]byte(text)).Struct(smithytest.New(everything()))
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// TestDeep reads hostile nesting, of each kind, quickly and without a stack to match.
func TestDeep(t *testing.T) {
	t.Parallel()
	for _, open := range []string{`{"self":`, `{"x":`, `[`, `{"doc":[`, `{"dict":{"k":`} {
		text := strings.Repeat(open, 1<<20/len(open))
		for _, prefix := range []string{"", `{"doc":`, `{"unknown":`} {
			err := jsoncodec.NewReader([]byte(prefix + text)).Struct(smithytest.New(everything()))
			if err == nil || len(err.Error()) > 20<<10 {
				t.Errorf("%s%s…: %.100v", prefix, open, err)
			}
		}
	}
}

func TestWriteString(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "a", "\"\\/<>&", "é€😀", "\x00\x1f\x7f", "\n\r\t\b\f", "\u2028\u2029", "\xff", "a\xc3", "\xed\xa0\x80b", "\ufffd", "x\xf0\x9f\x98",
	} {
		got := jsoncodec.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != string([]rune(s)) {
			t.Errorf("%q: got %s (%v)", s, got, err)
		}
	}
}

func TestWriteBadDocument(t *testing.T) {
	t.Parallel()
	w := &jsoncodec.Writer{}
	w.JSON(nil, []byte(`{"a":`))
	if w.Err() == nil || string(w.Written()) != "null" {
		t.Errorf("got %s, %v", w.Written(), w.Err())
	}
}

// FuzzDocument reads arbitrary text as a document, as a string and skipping, and
// wants what encoding/json says of it.
func FuzzDocument(f *testing.F) {
	for _, s := range []string{full, `"a"`, `[1,2`, `{"a":{}}`, ` null `, `-0.1e+5`, `"\ud800"`, "\"\xff\"", `[]]`, `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := jsoncodec.NewReader(data)
		got, err := r.JSON(nil)
		if err == nil {
			err = r.End()
		}
		valid := json.Valid(data) && utf8.Valid(data)
		if (err == nil) != valid {
			if valid && deep(data) {
				return
			}
			t.Fatalf("%q: got %v, encoding/json says %t", data, err, valid)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(got, bytes.Trim(data, " \t\r\n")) {
			t.Errorf("%q came out as %q", data, got)
		}
		var want string
		if json.Unmarshal(data, &want) == nil && got[0] == '"' {
			s, err := jsoncodec.NewReader(data).String(nil)
			if err != nil || s != want {
				t.Errorf("string %q: got %q (%v), want %q", data, s, err, want)
			}
		}
		var num float64
		if json.Unmarshal(data, &num) == nil && got[0] != 'n' {
			n, err := jsoncodec.NewReader(data).Float(scalarSchema(smithy.Double))
			if err != nil || n != num {
				t.Errorf("number %q: got %v (%v), want %v", data, n, err, num)
			}
		}
	})
}

func deep(data []byte) bool {
	return bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > 1000
}

// FuzzStruct reads arbitrary text into a structure; what is taken must be JSON,
// and must survive being written and read again.
func FuzzStruct(f *testing.F) {
	f.Add([]byte(full))
	s := everything()
	f.Fuzz(func(t *testing.T, data []byte) {
		v := smithytest.New(s)
		r := jsoncodec.NewReader(data)
		if r.Struct(v) != nil || r.End() != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is no JSON and was taken", data)
		}
		w := &jsoncodec.Writer{}
		w.Struct(v)
		if !json.Valid(w.Written()) || w.Err() != nil {
			t.Fatalf("wrote %q, %v", w.Written(), w.Err())
		}
		again := smithytest.New(s)
		if err := jsoncodec.NewReader(w.Written()).Struct(again); err != nil {
			t.Fatalf("%s: %v", w.Written(), err)
		}
		// Times are written to the millisecond.
		near := cmpopts.EquateApproxTime(time.Millisecond)
		if diff := cmp.Diff(again.Params(), v.Params(), cmpopts.EquateNaNs(), near); diff != "" {
			t.Errorf("-again +first:\n%s", diff)
		}
	})
}

func FuzzWriteString(f *testing.F) {
	f.Add("a\xffé\"\x01")
	f.Fuzz(func(t *testing.T, s string) {
		got := jsoncodec.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %q: %v", s, got, err)
		}
		if !utf8.Valid(got) || back != string([]rune(s)) {
			t.Errorf("%q came back as %q", s, back)
		}
	})
}
