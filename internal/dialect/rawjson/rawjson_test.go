package rawjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
)

func set(key, value string) rawjson.Field {
	return rawjson.Field{Key: key, Value: json.RawMessage(value)}
}

func remove(key string) rawjson.Field { return rawjson.Field{Key: key} }

func TestSet(t *testing.T) {
	t.Parallel()
	f := func(obj, want string, fields ...rawjson.Field) {
		t.Helper()
		got, err := rawjson.Set([]byte(obj), fields...)
		if err != nil {
			t.Errorf("Set(%s): %v", obj, err)
			return
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("Set(%s): got (-), want (+)\n%s", obj, diff)
		}
	}
	// What isn't edited stays as it is written.
	f(`{"b": 1.50, "a" :[ ]}`, `{"b": 1.50, "a" :[ ]}`)
	f(" {\n\t\"n\": 1e400\n}\n", " {\n\t\"n\": 1e400\n}\n")
	// Replaced in place.
	f(`{"model":"x", "n":1}`, `{"model":"y", "n":1}`, set("model", `"y"`))
	f(`{"a":{"model":"in"},"model" : {"deep":[1,{}]}}`, `{"a":{"model":"in"},"model" : 2}`, set("model", `2`))
	// Added at the end.
	f(`{}`, `{"a":1}`, set("a", `1`))
	f(`{ }`, `{"a":1,"b":2 }`, set("a", `1`), set("b", `2`))
	f("{\n  \"a\": 1\n}", "{\n  \"a\": 1,\"b\":2\n}", set("b", `2`))
	// Removed with its comma.
	f(`{"a":1, "b":2, "c":3}`, `{"b":2, "c":3}`, remove("a"))
	f(`{"a":1, "b":2, "c":3}`, `{"a":1, "c":3}`, remove("b"))
	f(`{"a":1, "b":2, "c":3}`, `{"a":1, "b":2}`, remove("c"))
	f(`{ "a":1 , "b":2 }`, `{ }`, remove("a"), remove("b"))
	f(`{"a":1}`, `{"z":0}`, remove("a"), set("z", `0`), remove("absent"))
	// A key that stands twice counts as its last occurrence.
	f(`{"m":1,"x":0,"m":2}`, `{"x":0,"m":3}`, set("m", `3`))
	f(`{"m":1,"x":0,"m":2}`, `{"x":0}`, remove("m"))
	f(`{}`, `{"m":2}`, set("m", `1`), set("m", `2`))
	f(`{"m":0}`, `{}`, set("m", `1`), remove("m"))
	// Keys are compared as they decode, with case.
	f(`{"\u006dodel":1,"Model":2}`, `{"\u006dodel":3,"Model":2}`, set("model", `3`))
	f(`{"say \"hi\"\\":1}`, `{"say \"hi\"\\":2}`, set(`say "hi"\`, `2`))
	f(`{}`, `{"a\"b":1}`, set(`a"b`, `1`))
	// Braces and quotes in strings are no structure.
	f(`{"a":"}\\","b":["{\"",{"c":"]"}]}`, `{"a":"}\\","b":0}`, set("b", `0`))
}

// TestManyFields edits as many keys as a hostile body may hold: the time must not
// grow with their square.
func TestManyFields(t *testing.T) {
	t.Parallel()
	const n = 100_000
	var fields []rawjson.Field
	for i := range n {
		fields = append(fields, set(strconv.Itoa(i), "1"), set(strconv.Itoa(i), "2"))
	}
	obj, err := rawjson.Set([]byte(`{"0":0,"0":0,"x":0}`), fields...)
	if err != nil {
		t.Fatal(err)
	}
	if got := object(t, obj); len(got) != n+1 || string(got["0"]) != "2" || string(got["99999"]) != "2" {
		t.Errorf("%d keys, 0 is %s", len(got), got["0"])
	}
}

func TestSyntax(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "null", "[]", `"a"`, "{", "{}}", "{} {}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`,
		`{"a":tru}`, `{"a":1`, `{"a":"x}`, `{"a":"x\"}`, `{"a":[}`, `{"a":[1,2}`, `{,}`, `{"\x":1}`, `{"a":-}`,
	} {
		if _, err := rawjson.Fields([]byte(text)); !errors.Is(err, rawjson.ErrSyntax) {
			t.Errorf("Fields(%q) = %v, want ErrSyntax", text, err)
		}
	}
}

func TestFieldsAndGet(t *testing.T) {
	t.Parallel()
	obj := []byte(`{"a": 1, "b": {"a": 2}, "a": "last"}`)
	fields, err := rawjson.Fields(obj)
	if err != nil {
		t.Fatal(err)
	}
	want := []rawjson.Field{set("a", `1`), set("b", `{"a": 2}`), set("a", `"last"`)}
	if diff := cmp.Diff(fields, want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
	for key, want := range map[string]string{"a": `"last"`, "b": `{"a": 2}`, "A": ""} {
		if got, err := rawjson.Get(obj, key); err != nil || string(got) != want {
			t.Errorf("Get(%q) = %s, %v, want %s", key, got, err, want)
		}
	}
	// Appending to a value must not run over what follows it.
	_ = append(fields[0].Value, "999"...)
	if got := string(obj[:8]); got != `{"a": 1,` {
		t.Errorf("the object was written to: %s", got)
	}
}

func TestDepthCostsNothing(t *testing.T) {
	t.Parallel()
	deep := `{"a":` + strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6) + `,"m":1}`
	got, err := rawjson.Set([]byte(deep), set("m", "2"))
	if err != nil || !bytes.HasSuffix(got, []byte(`],"m":2}`)) || len(got) != len(deep) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// FuzzSet holds Set against encoding/json: what is valid stays valid, the edited
// key has its new value, and every other key the value it had.
func FuzzSet(f *testing.F) {
	f.Add([]byte(`{"model":"x","stream":true}`), "model")
	f.Add([]byte(`{"m":1,"m":{"m":[2]}}`), "m")
	f.Add([]byte(` { "a\u0020b" : "\\\"}" , "c":-1.5E+3 } `), "a b")
	f.Add([]byte(`{"a":[}]}`), "a")
	f.Add([]byte("{\"\xff\":1}"), "\ufffd")
	f.Fuzz(func(t *testing.T, obj []byte, key string) {
		edited, err := rawjson.Set(obj, set(key, `"new"`))
		removed, err2 := rawjson.Set(obj, remove(key))
		if (err == nil) != (err2 == nil) {
			t.Fatalf("set: %v, remove: %v", err, err2)
		}
		var was map[string]json.RawMessage
		if json.Unmarshal(obj, &was) != nil || was == nil {
			return // not an object: an error or not, but no panic
		}
		if err != nil {
			t.Fatalf("%q is an object: %v", obj, err)
		}
		name := decoded(t, key)
		if name != key {
			return // a key that JSON cannot hold
		}
		want := map[string]json.RawMessage{}
		maps.Copy(want, was)
		delete(want, key)
		if diff := cmp.Diff(object(t, removed), want); diff != "" {
			t.Errorf("removed %q from %q: got (-), want (+)\n%s", key, obj, diff)
		}
		want[key] = json.RawMessage(`"new"`)
		if diff := cmp.Diff(object(t, edited), want); diff != "" {
			t.Errorf("set %q in %q: got (-), want (+)\n%s", key, obj, diff)
		}
	})
}

func object(t *testing.T, text []byte) map[string]json.RawMessage {
	t.Helper()
	var o map[string]json.RawMessage
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return o
}

func decoded(t *testing.T, key string) string {
	t.Helper()
	text, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func BenchmarkSet(b *testing.B) {
	long := strings.Repeat("the quick brown fox ", 400)
	obj := []byte(`{"model":"m","messages":[{"role":"user","content":"` + long + `"}],"max_tokens":1000,"stream":true}`)
	b.SetBytes(int64(len(obj)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rawjson.Set(obj, set("model", `"n"`), remove("stream")); err != nil {
			b.Fatal(err)
		}
	}
}
