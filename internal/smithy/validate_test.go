package smithy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/smithy/smithytest"
)

const model = `{"smithy": "2.0", "shapes": {
	"t#Svc": {"type": "service", "version": "1", "operations": [{"target": "t#Op"}], "traits": {"aws.protocols#restJson1": {}}},
	"t#Op": {"type": "operation", "input": {"target": "t#In"}},
	"t#In": {"type": "structure", "members": {
		"modelId": {"target": "t#ModelID"},
		"messages": {"target": "t#Messages"},
		"stop": {"target": "t#Stops"},
		"tags": {"target": "t#Tags"},
		"blocks": {"target": "t#Blocks"},
		"role": {"target": "t#Role"},
		"topP": {"target": "t#Fraction"},
		"max": {"target": "t#Positive"},
		"level": {"target": "t#Level"},
		"data": {"target": "t#Data"},
		"secret": {"target": "t#Secret"},
		"block": {"target": "t#Block"},
		"grid": {"target": "t#Grid"},
		"doc": {"target": "smithy.api#Document"},
		"when": {"target": "smithy.api#Timestamp"},
		"on": {"target": "smithy.api#Boolean"}
	}},
	"t#ModelID": {"type": "string", "traits": {"smithy.api#length": {"min": 1, "max": 5}, "smithy.api#pattern": "[a-zé]*"}},
	"t#Messages": {"type": "list", "member": {"target": "t#Message"}, "traits": {"smithy.api#length": {"max": 2}}},
	"t#Message": {"type": "structure", "members": {
		"role": {"target": "t#Role", "traits": {"smithy.api#required": {}}},
		"content": {"target": "t#BlockList", "traits": {"smithy.api#required": {}}}}},
	"t#BlockList": {"type": "list", "member": {"target": "t#Block"}},
	"t#Block": {"type": "union", "members": {
		"text": {"target": "t#ModelID"}, "nested": {"target": "t#Message"}}},
	"t#Stops": {"type": "list", "member": {"target": "t#ModelID"}, "traits": {"smithy.api#length": {"min": 1, "max": 4}}},
	"t#Grid": {"type": "list", "member": {"target": "t#Stops"}},
	"t#Tags": {"type": "map", "key": {"target": "t#ModelID"}, "value": {"target": "t#ModelID"}, "traits": {"smithy.api#length": {"min": 1}}},
	"t#Blocks": {"type": "map", "key": {"target": "smithy.api#String"}, "value": {"target": "t#Message"}},
	"t#Role": {"type": "enum", "members": {
		"USER": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": "user"}},
		"ASSISTANT": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": "assistant"}}}},
	"t#Fraction": {"type": "float", "traits": {"smithy.api#range": {"min": 0, "max": 0.5}}},
	"t#Positive": {"type": "integer", "traits": {"smithy.api#range": {"min": 1}}},
	"t#Level": {"type": "intEnum", "members": {
		"LOW": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": 1}},
		"HIGH": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": 2}}}},
	"t#Data": {"type": "blob", "traits": {"smithy.api#length": {"min": 1, "max": 3}}},
	"t#Secret": {"type": "string", "traits": {"smithy.api#length": {"min": 8}, "smithy.api#sensitive": {}}}
}}`

func input(tb testing.TB) *smithy.Schema {
	tb.Helper()
	m, err := smithytest.Load(strings.NewReader(model))
	if err != nil {
		tb.Fatal(err)
	}
	return m.Service("t#Svc").Operations[0].Input
}

// readValid reads params, which are JSON, as a value of schema s.
func readValid(tb testing.TB, s *smithy.Schema, params string) error {
	tb.Helper()
	in := smithytest.New(s)
	if err := in.SetParams(json.RawMessage(params)); err != nil {
		tb.Fatal(err)
	}
	return smithy.ReadValid(smithytest.NewReader(in), smithytest.New(s))
}

func TestReadValid(t *testing.T) {
	t.Parallel()
	const failed = " failed to satisfy constraint: "
	const element = "Member must satisfy constraint: [Member must have length less than or equal to 5, " +
		"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-zé]*]"
	for name, tt := range map[string]struct {
		in   string
		want []string // messages; none when valid
	}{
		"empty": {in: `{}`},
		"valid": {in: `{"modelId": "abc", "messages": [{"role": "user", "content": [{"text": "a"}]}], "stop": ["a"],
			"tags": {"k": "v"}, "blocks": {"Any": {"role": "assistant", "content": []}}, "role": "user", "topP": 0.5,
			"max": 1, "level": 2, "data": "abc", "secret": "long enough", "doc": {"a": 1}, "when": 1, "on": false}`},
		"length counts characters": {in: `{"modelId": "ééééé"}`},
		"empty string":             {in: `{"modelId": ""}`, want: []string{"Value '' at 'modelId'" + failed + "Member must have length greater than or equal to 1"}},
		"long string, pattern": {in: `{"modelId": "ABCDEF"}`, want: []string{
			"Value 'ABCDEF' at 'modelId'" + failed + "Member must satisfy regular expression pattern: [a-zé]*",
			"Value 'ABCDEF' at 'modelId'" + failed + "Member must have length less than or equal to 5",
		}},
		"pattern is for the whole value": {in: `{"modelId": "ab1"}`, want: []string{
			"Value 'ab1' at 'modelId'" + failed + "Member must satisfy regular expression pattern: [a-zé]*",
		}},
		"newline": {in: `{"modelId": "ab\n"}`, want: []string{
			"Value 'ab\n' at 'modelId'" + failed + "Member must satisfy regular expression pattern: [a-zé]*",
		}},
		"missing in a list": {in: `{"messages": [{"role": "user", "content": []}, {"role": "user"}]}`, want: []string{
			"Value null at 'messages.2.member.content'" + failed + "Member must not be null",
		}},
		"missing in a map": {in: `{"blocks": {"b": {"role": "user"}}}`, want: []string{
			"Value null at 'blocks.b.member.content'" + failed + "Member must not be null",
		}},
		"ordered by path": {in: `{"topP": 1, "messages": [{}], "max": 0}`, want: []string{
			"Value '0' at 'max'" + failed + "Member must have value greater than or equal to 1",
			"Value null at 'messages.1.member.content'" + failed + "Member must not be null",
			"Value null at 'messages.1.member.role'" + failed + "Member must not be null",
			"Value '1' at 'topP'" + failed + "Member must have value less than or equal to 0.5",
		}},
		"nan": {in: `{"topP": "NaN"}`, want: []string{
			"Value 'NaN' at 'topP'" + failed + "Member must have value less than or equal to 0.5",
			"Value 'NaN' at 'topP'" + failed + "Member must have value greater than or equal to 0",
		}},
		"enum": {in: `{"role": "USER"}`, want: []string{
			"Value 'USER' at 'role'" + failed + "Member must satisfy enum value set: [user, assistant]",
		}},
		"number enum": {in: `{"level": 3}`, want: []string{
			"Value '3' at 'level'" + failed + "Member must satisfy enum value set: [1, 2]",
		}},
		"long list": {in: `{"messages": [{"role": "user", "content": []}, {"role": "user", "content": []}, {"role": "user", "content": []}]}`, want: []string{
			"Value with 3 elements at 'messages'" + failed + "Member must have length less than or equal to 2",
		}},
		"empty list": {in: `{"stop": []}`, want: []string{
			"Value '[]' at 'stop'" + failed + "Member must have length greater than or equal to 1",
		}},
		"elements": {in: `{"stop": ["ok", "", "X"]}`, want: []string{
			"Value '[, X]' at 'stop'" + failed + element,
		}},
		"elements of a list of lists": {in: `{"grid": [["ok"], ["Y"]]}`, want: []string{
			"Value '[Y]' at 'grid.2.member'" + failed + element,
		}},
		"empty map": {in: `{"tags": {}}`, want: []string{"Value '{}' at 'tags'" + failed + "Member must have length greater than or equal to 1"}},
		"map entries": {in: `{"tags": {"K": "V"}}`, want: []string{
			"Value '{K}' at 'tags'" + failed + strings.Replace(element, "Member must satisfy", "Map keys must satisfy", 1),
			"Value '{V}' at 'tags'" + failed + strings.Replace(element, "Member must satisfy", "Map value must satisfy", 1),
		}},
		"blob":      {in: `{"data": "abcd"}`, want: []string{"Value of 4 bytes at 'data'" + failed + "Member must have length less than or equal to 3"}},
		"sensitive": {in: `{"secret": "short"}`, want: []string{"Value at 'secret'" + failed + "Member must have length greater than or equal to 8"}},
		"empty union": {in: `{"block": {}}`, want: []string{
			"Value at 'block'" + failed + "Member must have exactly one of these set: [text, nested]",
		}},
		"union with two members": {in: `{"messages": [{"role": "user", "content": [{"text": "a", "nested": {"role": "user", "content": []}}]}]}`, want: []string{
			"Value at 'messages.1.member.content.1.member'" + failed + "Member must have exactly one of these set: [text, nested]",
		}},
		"long value": {in: `{"modelId": "` + strings.Repeat("é", 300) + `"}`, want: []string{
			"Value '" + strings.Repeat("é", 256) + "...' at 'modelId'" + failed + "Member must have length less than or equal to 5",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := readValid(t, input(t), tt.in)
			if diff := cmp.Diff(messages(t, err), tt.want); diff != "" {
				t.Errorf("got -, want +:\n%s", diff)
			}
		})
	}
}

func messages(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var ve *smithy.ValidationError
	if !errors.As(err, &ve) {
		t.Fatalf("got %v, want a ValidationError", err)
	}
	if got, want := len(ve.Violations), ve.Count; got != want {
		t.Errorf("%d violations kept of %d", got, want)
	}
	var out []string
	for _, v := range ve.Violations {
		out = append(out, v.Message())
	}
	return out
}

func TestValidationErrorText(t *testing.T) {
	t.Parallel()
	err := readValid(t, input(t), `{"modelId": ""}`)
	if got, want := err.Error(), "1 validation error detected: Value '' at 'modelId' failed to satisfy constraint: "+
		"Member must have length greater than or equal to 1"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	err = readValid(t, input(t), `{"modelId": "", "max": 0}`)
	if got, want := err.Error(), "2 validation errors detected: Value '0' at 'max' failed to satisfy constraint: "+
		"Member must have value greater than or equal to 1; Value '' at 'modelId' failed to satisfy constraint: "+
		"Member must have length greater than or equal to 1"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestValidationErrorIsBounded sends a thousand mistakes: all are counted, few told.
func TestValidationErrorIsBounded(t *testing.T) {
	t.Parallel()
	in := `{"messages": [` + strings.Repeat(`{"role": "`+strings.Repeat("x", 1000)+`"},`, 500) + `{}]}`
	err := readValid(t, input(t), in)
	var ve *smithy.ValidationError
	if !errors.As(err, &ve) {
		t.Fatalf("got %v", err)
	}
	if got, want := ve.Count, 1003; got != want { // 500 roles, 501 contents, a role, the length
		t.Errorf("got %d violations, want %d", got, want)
	}
	if text := err.Error(); len(text) > 10_000 || !strings.HasSuffix(text, "; ...") {
		t.Errorf("got %d bytes of text that end in %q", len(text), text[max(0, len(text)-20):])
	}
}

// TestDeepPathIsBounded breaks a constraint a thousand levels down.
func TestDeepPathIsBounded(t *testing.T) {
	t.Parallel()
	s := input(t)
	const levels = 1000
	text := strings.Repeat(`{"nested": {"role": "user", "content": [`, levels) + `{"text": ""}` + strings.Repeat(`]}}`, levels)
	err := readValid(t, s, `{"block": `+text+`}`)
	var ve *smithy.ValidationError
	if !errors.As(err, &ve) || ve.Count != 1 {
		t.Fatalf("got %v, want one violation", err)
	}
	path := ve.Violations[0].Path
	if len(path) > 2000 || !strings.HasPrefix(path, "block.nested.content.1.member.nested.") ||
		!strings.HasSuffix(path, ".content.1.member.text") || !strings.Contains(path, "...") {
		t.Errorf("got %s", path)
	}
	if err := readValid(t, s, `{"modelId": "ok"}`); err != nil {
		t.Errorf("after a deep value: %v", err)
	}
}

// TestReadValidReuse runs bad and good values in turn: what one leaves behind must
// not show in the next.
func TestReadValidReuse(t *testing.T) {
	t.Parallel()
	s := input(t)
	for range 50 {
		if err := readValid(t, s, `{"stop": ["X"], "tags": {"K": "V"}, "messages": [{}]}`); err == nil {
			t.Fatal("no error for a bad value")
		}
		if err := readValid(t, s, `{"stop": ["x"], "tags": {"k": "v"}}`); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReaderErrorComesFirst(t *testing.T) {
	t.Parallel()
	s := input(t)
	in := smithytest.New(s).Set("max", "not a number").Set("modelId", "")
	err := smithy.ReadValid(smithytest.NewReader(in), smithytest.New(s))
	var ve *smithy.ValidationError
	if err == nil || errors.As(err, &ve) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

// FuzzReadValid reads any JSON that fits the shapes: no input panics, and what one
// call accepts the next accepts too.
func FuzzReadValid(f *testing.F) {
	f.Add(`{"modelId": "", "messages": [{"content": [{"text": "a"}, {}]}], "tags": {"": "x"}}`)
	f.Add(`{"grid": [[""], []], "topP": -1e300, "level": 9, "blocks": {"\u0000": {}}}`)
	s := input(f)
	f.Fuzz(func(t *testing.T, params string) {
		in := smithytest.New(s)
		if in.SetParams(json.RawMessage(params)) != nil {
			t.Skip("not of the shape")
		}
		first := smithy.ReadValid(smithytest.NewReader(in), smithytest.New(s))
		again := smithy.ReadValid(smithytest.NewReader(in), smithytest.New(s))
		if (first == nil) != (again == nil) || first != nil && first.Error() != again.Error() {
			t.Errorf("got %v, then %v", first, again)
		}
	})
}
