package grammar

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestOfficialSuite runs the JSON Schema Test Suite where OUTCROP_JSONSCHEMA_SUITE names a
// folder of its tests, such as tests/draft2020-12: what it calls invalid is never
// accepted. What it calls valid need not be: objects are closed and properties come
// in order.
func TestOfficialSuite(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("OUTCROP_JSONSCHEMA_SUITE")
	if dir == "" {
		t.Skip("set OUTCROP_JSONSCHEMA_SUITE to the suite's folder of one draft")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	random := rand.New(rand.NewPCG(1, 1))
	groups, compiled, valid, accepted := 0, 0, 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Description string
			Schema      json.RawMessage
			Tests       []struct {
				Description string
				Data        json.RawMessage
				Valid       bool
			}
		}
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatal(err)
		}
		for _, group := range list {
			groups++
			g, err := c.Compile(Schema(group.Schema))
			if err != nil {
				t.Logf("%s: %s: %v", filepath.Base(file), group.Description, err)
				continue
			}
			compiled++
			for _, x := range group.Tests {
				data, err := compact(x.Data)
				if err != nil {
					t.Fatal(err)
				}
				err = read(g.Start(), v, data, random)
				if err == nil && !x.Valid {
					t.Errorf("%s: %s: %s: accepts %s", filepath.Base(file), group.Description, x.Description, data)
				}
				if x.Valid {
					valid++
					if err == nil {
						accepted++
					} else {
						t.Logf("%s: %s: %s refuses %s", filepath.Base(file), group.Description, group.Schema, data)
					}
				}
			}
		}
	}
	t.Logf("%d of %d schemas compile; %d of their %d valid values are generated", compiled, groups, accepted, valid)
}

func compact(text json.RawMessage) (string, error) {
	v, err := parseValue(text)
	if err != nil {
		return "", err
	}
	var write func(v *jsonValue) string
	write = func(v *jsonValue) string {
		out := ""
		switch v.kind {
		case kindArray:
			for i, item := range v.items {
				if i > 0 {
					out += ","
				}
				out += write(item)
			}
			return "[" + out + "]"
		case kindObject:
			for i, m := range v.members {
				if i > 0 {
					out += ","
				}
				out += quoteText(m.name) + ":" + write(m.value)
			}
			return "{" + out + "}"
		default:
			return v.literal()
		}
	}
	return write(v), nil
}
