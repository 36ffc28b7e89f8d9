package schema

import (
	"bytes"
	"encoding/json"
)

// Valid reports whether a JSON value satisfies the schema, as far as this package
// knows its keywords.
func (n *Node) Valid(raw json.RawMessage) bool { return n.valid(bytes.TrimSpace(raw), 0) }

func (n *Node) valid(raw json.RawMessage, depth int) bool {
	if depth > 2*maxDepth {
		return true
	}
	t := typeOf(raw)
	if t == Null && n.Nullable && len(n.Enum) == 0 {
		return true
	}
	if len(n.Enum) > 0 {
		for _, e := range n.Enum {
			if sameJSON(e, raw) {
				return true
			}
		}
		return false
	}
	switch n.Type {
	case Any:
		return json.Valid(raw)
	case Integer, Number:
		var v float64
		return t == Number && json.Unmarshal(raw, &v) == nil && n.FitsNumber(v)
	case String:
		var s string
		return t == String && json.Unmarshal(raw, &s) == nil && n.FitsString(s)
	case Array:
		return t == Array && n.validItems(raw, depth)
	case Object:
		return t == Object && n.validMembers(raw, depth)
	default:
		return t == n.Type
	}
}

func (n *Node) validItems(raw json.RawMessage, depth int) bool {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || len(items) < n.MinItems || n.MaxItems >= 0 && len(items) > n.MaxItems {
		return false
	}
	for i, item := range items {
		if !n.Item(i).valid(item, depth+1) {
			return false
		}
		for _, before := range items[:i] {
			if n.Unique && i < 1000 && sameJSON(before, item) {
				return false
			}
		}
	}
	return true
}

func (n *Node) validMembers(raw json.RawMessage, depth int) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return false
	}
	for _, p := range n.Props {
		v, ok := members[p.Name]
		if !ok && p.Required || ok && !p.Node.valid(v, depth+1) {
			return false
		}
		delete(members, p.Name)
	}
	if n.Closed {
		return len(members) == 0
	}
	for _, v := range members {
		if n.Additional != nil && !n.Additional.valid(v, depth+1) {
			return false
		}
	}
	return true
}
