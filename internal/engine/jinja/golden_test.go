package jinja

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// goldenFile is what tools/goldens/templates.py writes.
type goldenFile struct {
	Vars  json.RawMessage
	Cases []goldenCase
}

type goldenCase struct {
	Name, Template, Output, Error string
	Line                          int
	Raised                        bool
	Vars                          json.RawMessage // instead of the file's
}

func readGoldens(tb testing.TB, path string) *goldenFile {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var g goldenFile
	if err := json.Unmarshal(data, &g); err != nil {
		tb.Fatal(err)
	}
	return &g
}

// variables reads a JSON object as a rendering's variables, all from one source.
func variables(tb testing.TB, data []byte, source int32) map[string]Value {
	tb.Helper()
	v, err := FromJSON(data, source)
	if err != nil {
		tb.Fatal(err)
	}
	d, ok := v.(*Dict)
	if !ok {
		tb.Fatalf("variables are %T, want an object", v)
	}
	vars := make(map[string]Value)
	for i, k := range d.keys {
		vars[k.(text).s] = d.values[i]
	}
	return vars
}

// goldenTime is the date in the golden files.
func goldenTime() time.Time { return time.Date(2024, 12, 5, 9, 5, 3, 0, time.UTC) }

func renderString(src string, vars map[string]Value) (string, error) {
	t, err := Parse(src)
	if err != nil {
		return "", err
	}
	segments, err := t.Render(vars, Options{Now: goldenTime})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, s := range segments {
		b.WriteString(s.Text)
	}
	return b.String(), nil
}

// TestGoldens compares with jinja2. More cases in the same form, such as templates that
// cannot be checked in, are read from the file that OUTCROP_JINJA_CASES names.
func TestGoldens(t *testing.T) {
	t.Parallel()
	files := []string{"testdata/cases.json"}
	if more := os.Getenv("OUTCROP_JINJA_CASES"); more != "" {
		files = append(files, more)
	}
	for _, file := range files {
		g := readGoldens(t, file)
		for _, c := range g.Cases {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				data := g.Vars
				if c.Vars != nil {
					data = c.Vars
				}
				compare(t, &c, variables(t, data, 1))
			})
		}
	}
}

func compare(t *testing.T, c *goldenCase, vars map[string]Value) {
	t.Helper()
	got, err := renderString(c.Template, vars)
	if c.Error == "" {
		if err != nil {
			t.Fatalf("failed: %v\n%s", err, c.Template)
		}
		if diff := cmp.Diff(c.Output, got); diff != "" {
			t.Errorf("(-jinja2 +here)\n%s\n%s", diff, c.Template)
		}
		return
	}
	if err == nil {
		t.Fatalf("made %q, where jinja2 fails with %q\n%s", got, c.Error, c.Template)
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is a %T: %v", err, err)
	}
	if e.Raised != c.Raised {
		t.Errorf("raised is %v, want %v: %v", e.Raised, c.Raised, err)
	}
	if c.Raised && e.Message != c.Error {
		t.Errorf("message %q, want %q", e.Message, c.Error)
	}
	if c.Line > 0 && e.Line != c.Line {
		t.Errorf("line %d, want %d: %v (jinja2: %s)", e.Line, c.Line, err, c.Error)
	}
}
