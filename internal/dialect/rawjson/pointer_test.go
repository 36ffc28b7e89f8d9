package rawjson_test

import (
	"testing"

	"github.com/outcrop-ai/outcrop/internal/dialect/rawjson"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	const doc = `{"stop_sequence":"</x>","usage":{"input":1.50,"deep":{"a":null}},"list":[{"b":2}],"a/b":{"c~d":3}}`
	f := func(want string, pointers ...string) {
		t.Helper()
		got, err := rawjson.Select([]byte(doc), pointers)
		if err != nil || string(got) != want {
			t.Errorf("Select(%q) = %s, %v, want %s", pointers, got, err, want)
		}
	}
	f(``)
	f(``, "", "stop_sequence", "/absent", "/stop_sequence/x", "/list/7", "/list/x")
	f(`{"stop_sequence":"\u003c/x\u003e"}`, "/stop_sequence")
	f(`{"usage":{"deep":{"a":null},"input":1.50}}`, "/usage/input", "/usage/deep/a")
	f(`{"usage":{"deep":{"a":null},"input":1.50}}`, "/usage", "/usage/input")
	f(`{"usage":{"deep":{"a":null},"input":1.50}}`, "/usage/input", "/usage")
	f(`{"list":{"0":{"b":2}}}`, "/list/0/b")
	f(`{"a/b":{"c~d":3}}`, "/a~1b/c~0d")
	if _, err := rawjson.Select([]byte(`{`), []string{"/a"}); err == nil {
		t.Error("Select of broken JSON succeeded")
	}
}
