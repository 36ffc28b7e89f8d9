package reader

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/fill"
)

// value is a JSON value that keeps the order of its members.
type value struct {
	scalar bool
	text   string // of a scalar; empty for null
	number bool
	names  []string
	values []value // members of an object, by names
	items  []value
	list   bool
}

// Bounds on a result that is told.
const (
	maxValueDepth = 32
	maxLeaves     = 2000
)

// readValue reads JSON; what is broken or too deep is left out.
func readValue(raw json.RawMessage) value {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, _ := decodeValue(dec, 0)
	return v
}

func decodeValue(dec *json.Decoder, depth int) (value, error) {
	tok, err := dec.Token()
	if err != nil {
		return value{}, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		v := value{list: tok == '['}
		for dec.More() {
			if depth > maxValueDepth {
				var skip json.RawMessage
				if err := dec.Decode(&skip); err != nil {
					return v, err
				}
				continue
			}
			if v.list {
				item, err := decodeValue(dec, depth+1)
				if err != nil {
					return v, err
				}
				v.items = append(v.items, item)
				continue
			}
			name, err := dec.Token()
			if err != nil {
				return v, err
			}
			member, err := decodeValue(dec, depth+1)
			if err != nil {
				return v, err
			}
			s, _ := name.(string)
			v.names = append(v.names, s)
			v.values = append(v.values, member)
		}
		_, err := dec.Token()
		return v, err
	case string:
		return value{scalar: true, text: strings.TrimSpace(tok)}, nil
	case json.Number:
		return value{scalar: true, text: tok.String(), number: true}, nil
	case bool:
		if tok {
			return value{scalar: true, text: "true"}, nil
		}
		return value{scalar: true, text: "false"}, nil
	default:
		return value{scalar: true}, nil
	}
}

// leaf is a scalar with the names that lead to it.
type leaf struct {
	path   []string
	text   string
	number bool
}

// leaves lists the scalars of a value, at most maxLeaves.
func (v value) leaves(path []string, out []leaf) []leaf {
	if len(out) >= maxLeaves {
		return out
	}
	if v.scalar {
		if v.text == "" {
			return out
		}
		return append(out, leaf{path: append([]string{}, path...), text: v.text, number: v.number})
	}
	if texts, ok := v.scalars(); ok && len(texts) > 0 {
		return append(out, leaf{path: append([]string{}, path...), text: strings.Join(texts, ", ")})
	}
	for _, item := range v.items {
		out = item.leaves(path, out)
	}
	for i, member := range v.values {
		out = member.leaves(append(path, v.names[i]), out)
	}
	return out
}

// scalars returns the texts of a short list of scalars.
func (v value) scalars() ([]string, bool) {
	if !v.list || len(v.items) > 50 {
		return nil, false
	}
	var out []string
	for _, item := range v.items {
		if !item.scalar {
			return nil, false
		}
		out = append(out, item.text)
	}
	return out, true
}

// table finds the list that a result consists of: the value itself, or the one
// member of it that is a list, the other members beside it.
func (v value) table() (rows []value, name string, rest []leaf) {
	if v.list {
		if v.items == nil {
			return []value{}, "", nil
		}
		return v.items, "", nil
	}
	at := -1
	for i, m := range v.values {
		if m.list && (len(m.items) == 0 || !m.items[0].scalar || len(m.items) > 1) {
			if at >= 0 {
				return nil, "", nil
			}
			at = i
		}
	}
	if at < 0 {
		return nil, "", nil
	}
	for i, m := range v.values {
		if i != at {
			rest = m.leaves([]string{v.names[i]}, rest)
		}
	}
	if len(rest) > 4 {
		return nil, "", nil // a record with a list in it
	}
	rows = v.values[at].items
	if rows == nil {
		rows = []value{}
	}
	return rows, v.names[at], rest
}

// String returns "name: value".
func (l leaf) String() string {
	if name := words(l.path); name != "" {
		return name + ": " + l.shown()
	}
	return l.shown()
}

// shown is the value as people write it: an identifier of several words as words.
func (l leaf) shown() string {
	if strings.Contains(l.text, "_") && strings.Trim(l.text, "abcdefghijklmnopqrstuvwxyz_") == "" {
		return strings.ReplaceAll(l.text, "_", " ")
	}
	return l.text
}

// words writes names as words, the last two of a path: "cpu utilization".
func words(path []string) string {
	if len(path) > 2 {
		path = path[len(path)-2:]
	}
	var out []string
	for _, p := range path {
		out = append(out, fill.NameWords(p)...)
	}
	return strings.Join(out, " ")
}
