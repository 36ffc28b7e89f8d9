package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Select returns an object of the values that the JSON pointers (RFC 6901) name
// inside doc, each at the place it has there: "/a/b" gives {"a":{"b":…}}. Pointers
// that lead nowhere are left out; nil means that none leads anywhere. A list on the
// way is entered by index and stands as an object with that index as its key. An
// error means that doc isn't JSON.
//
// It is what Converse's additionalModelResponseFieldPaths ask for.
func Select(doc []byte, pointers []string) (json.RawMessage, error) {
	if len(pointers) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber() // numbers keep their spelling
	var root any
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("select from a response: %w", err)
	}
	selected := map[string]any{}
	for _, p := range pointers {
		steps, ok := steps(p)
		if !ok {
			continue
		}
		if value, ok := follow(root, steps); ok {
			place(selected, steps, value)
		}
	}
	if len(selected) == 0 {
		return nil, nil
	}
	return json.Marshal(selected)
}

// steps splits a pointer; the empty one, which means the whole document, is refused.
func steps(pointer string) ([]string, bool) {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, false
	}
	steps := strings.Split(rest, "/")
	for i, s := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return steps, true
}

func follow(value any, steps []string) (any, bool) {
	for _, s := range steps {
		switch v := value.(type) {
		case map[string]any:
			next, ok := v[s]
			if !ok {
				return nil, false
			}
			value = next
		case []any:
			i, err := strconv.Atoi(s)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// place puts value into tree under steps. Where an earlier pointer already put
// something on the way that is no object of Select's own, that stays: it holds the
// value.
func place(tree map[string]any, steps []string, value any) {
	for _, s := range steps[:len(steps)-1] {
		switch next := tree[s].(type) {
		case nil:
			inner := map[string]any{}
			tree[s] = inner
			tree = inner
		case map[string]any:
			tree = next
		default:
			return
		}
	}
	tree[steps[len(steps)-1]] = value
}
