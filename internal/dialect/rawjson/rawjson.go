// Package rawjson reads and edits the top level of a JSON object and leaves every
// other byte as it was.
//
// A request that meets an upstream of its own dialect is passed on as it was
// written, but for a field or two ("model", "stream"). Decoding and encoding it
// again would lose the order of its members, the spelling of its numbers and the
// fields that Outcrop doesn't know; editing the text keeps them.
//
// The package looks only at what it must: the members of the top level and where
// their values end. It does not check the inside of values: text that is no JSON
// gets ErrSyntax, or is left as it is, and never a panic. It isn't recursive, so
// depth costs nothing.
//
// A key that stands there twice counts as its last occurrence, as in encoding/json,
// and Set leaves one of them: what a gateway has looked at and what the upstream
// reads are the same. Keys are compared as they decode ("\u006dodel" is "model"),
// with case.
package rawjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrSyntax says that a text is no JSON object.
var ErrSyntax = errors.New("not a JSON object")

// Field is a member of an object.
type Field struct {
	Key   string
	Value json.RawMessage // one JSON value; Set removes the key when nil
}

// Fields returns the object's members in the order they are written. The values
// are parts of obj, not copies. A key that is written twice is there twice: let
// the later one win.
func Fields(obj []byte) ([]Field, error) {
	members, err := scan(obj)
	if err != nil {
		return nil, err
	}
	fields := make([]Field, len(members))
	for i, m := range members {
		fields[i] = Field{Key: m.key, Value: obj[m.value:m.end:m.end]}
	}
	return fields, nil
}

// Get returns the value of key as a part of obj, or nil when it isn't there.
func Get(obj []byte, key string) (json.RawMessage, error) {
	members, err := scan(obj)
	if err != nil {
		return nil, err
	}
	for _, member := range slices.Backward(members) {
		if m := member; m.key == key {
			return obj[m.value:m.end:m.end], nil
		}
	}
	return nil, nil
}

// Set returns obj with the given fields: a value replaces the present one where it
// stands or is added at the end, a nil value removes the key. Everything else is
// copied byte for byte. obj itself isn't changed; the result is always a copy.
//
// Values must be valid JSON: they are written as they are. When a key is given
// twice, the last one counts.
func Set(obj []byte, fields ...Field) ([]byte, error) {
	members, err := scan(obj)
	if err != nil {
		return nil, err
	}
	size := len(obj)
	for _, f := range fields {
		size += len(f.Key) + len(f.Value) + len(`,"":`)
	}
	out := make([]byte, 0, size)
	edits := index(fields)
	left := make([]int, len(fields)) // how often each field's key is still to come
	for _, m := range members {
		if i, ok := edits.find(m.key); ok {
			left[i]++
		}
	}
	present := slices.Clone(left)

	open := skipSpace(obj, 0) + 1 // past the brace
	out = append(out, obj[:open]...)
	written, last := 0, open // last is where the previous member's text ends
	for _, m := range members {
		gap := obj[last:m.start]
		last = m.end
		edit, edited := edits.find(m.key)
		if edited {
			left[edit]--
			if fields[edit].Value == nil || left[edit] > 0 {
				continue
			}
		}
		if written == 0 {
			gap = obj[open:members[0].start] // without a comma
		}
		written++
		out = append(out, gap...)
		if !edited {
			out = append(out, obj[m.start:m.end]...)
			continue
		}
		out = append(append(out, obj[m.start:m.value]...), fields[edit].Value...)
	}
	for i, f := range fields {
		if latest, _ := edits.find(f.Key); f.Value == nil || latest != i || present[i] > 0 {
			continue
		}
		key, err := json.Marshal(f.Key)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", f.Key, err)
		}
		if written > 0 {
			out = append(out, ',')
		}
		written++
		out = append(append(append(out, key...), ':'), f.Value...)
	}
	return append(out, obj[last:]...), nil
}

// finder finds the field that counts for a key.
type finder struct {
	fields []Field
	byKey  map[string]int // nil for few fields, where looking at each is faster
}

func index(fields []Field) finder {
	f := finder{fields: fields}
	if len(fields) <= 8 {
		return f
	}
	f.byKey = make(map[string]int, len(fields))
	for i, field := range fields {
		f.byKey[field.Key] = i
	}
	return f
}

func (f finder) find(key string) (int, bool) {
	if f.byKey != nil {
		i, ok := f.byKey[key]
		return i, ok
	}
	for i, field := range slices.Backward(f.fields) {
		if field.Key == key {
			return i, true
		}
	}
	return 0, false
}
