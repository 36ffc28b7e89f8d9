package schema

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Empty returns the plainest value that satisfies the schema: its default, the
// first of its enum, else the empty value of its type within its limits. Objects
// have their required members only.
func (n *Node) Empty() json.RawMessage { return n.empty(0) }

func (n *Node) empty(depth int) json.RawMessage {
	switch {
	case len(n.Default) > 0 && n.allows(n.Default):
		return n.Default
	case len(n.Enum) > 0:
		return n.Enum[0]
	case n.Nullable && depth > 2:
		return json.RawMessage("null")
	}
	switch n.Type {
	case String:
		return quote(n.emptyString())
	case Integer, Number:
		return FormatNumber(n.Clamp(0))
	case Boolean:
		return json.RawMessage("false")
	case Array:
		return n.emptyArray(depth)
	case Object:
		return n.emptyObject(depth)
	case Null:
		return json.RawMessage("null")
	default:
		return json.RawMessage(`""`)
	}
}

// maxEmpty bounds a text of no content.
const maxEmpty = 1 << 20

func (n *Node) emptyString() string {
	switch n.Format {
	case "date":
		return "1970-01-01"
	case "date-time":
		return "1970-01-01T00:00:00Z"
	case "time":
		return "00:00:00Z"
	case "email":
		return "nobody@example.com"
	case "uri", "url":
		return "about:blank"
	case "uuid":
		return "00000000-0000-0000-0000-000000000000"
	case "ipv4":
		return "0.0.0.0"
	case "hostname":
		return "localhost"
	}
	for _, raw := range n.Examples {
		var s string
		if n.Pattern != "" && json.Unmarshal(raw, &s) == nil && n.FitsString(s) {
			return s
		}
	}
	if n.Pattern != "" {
		if s, ok := sample(n.Pattern); ok && n.FitsString(s) {
			return s
		}
	}
	return strings.Repeat("-", min(n.MinLength, maxEmpty))
}

func (n *Node) emptyArray(depth int) json.RawMessage {
	count := n.MinItems
	if depth > maxDepth || count > 1000 {
		count = 0
	}
	var sb strings.Builder
	sb.WriteByte('[')
	for i := range count {
		if i > 0 {
			sb.WriteByte(',')
		}
		item := n.Item(i)
		v := item.empty(depth + 1)
		if n.Unique && i > 0 {
			v = distinct(item, v, i)
		}
		sb.Write(v)
	}
	sb.WriteByte(']')
	return json.RawMessage(sb.String())
}

// distinct makes the i-th value of a set differ from those before where the type
// has an order to count in.
func distinct(n *Node, v json.RawMessage, i int) json.RawMessage {
	switch {
	case i < len(n.Enum):
		return n.Enum[i]
	case n.Type == Integer || n.Type == Number:
		var f float64
		if json.Unmarshal(v, &f) == nil {
			step := 1.0
			if n.MultipleOf > 0 {
				step = n.MultipleOf
			}
			return FormatNumber(n.Clamp(f + step*float64(i)))
		}
	case n.Type == String && n.Pattern == "" && n.Format == "":
		return quote(n.emptyString() + strconv.Itoa(i))
	}
	return v
}

// Item returns the schema of an array's i-th item, never nil.
func (n *Node) Item(i int) *Node {
	if i < len(n.Prefix) {
		return n.Prefix[i]
	}
	if n.Items != nil {
		return n.Items
	}
	return &Node{MaxLength: -1, MaxItems: -1}
}

func (n *Node) emptyObject(depth int) json.RawMessage {
	var sb strings.Builder
	sb.WriteByte('{')
	first := true
	for _, p := range n.Props {
		if !p.Required || depth > maxDepth {
			continue
		}
		if !first {
			sb.WriteByte(',')
		}
		first = false
		sb.Write(quote(p.Name))
		sb.WriteByte(':')
		sb.Write(p.Node.empty(depth + 1))
	}
	sb.WriteByte('}')
	return json.RawMessage(sb.String())
}

// allows checks a default against the enum and the type, the two that schemas get wrong.
func (n *Node) allows(raw json.RawMessage) bool {
	t := typeOf(raw)
	if t == Null {
		return n.Nullable || n.Type == Null || n.Type == Any && len(n.Enum) == 0
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
		return true
	case Integer, Number:
		var f float64
		return t == Number && json.Unmarshal(raw, &f) == nil && n.FitsNumber(f)
	case String:
		var s string
		return json.Unmarshal(raw, &s) == nil && n.FitsString(s)
	default:
		return n.Valid(raw)
	}
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	s, ok1 := x.(string)
	t, ok2 := y.(string)
	if ok1 && ok2 {
		return s == t
	}
	f, ok1 := x.(float64)
	g, ok2 := y.(float64)
	if ok1 && ok2 {
		return f == g
	}
	ab, err1 := json.Marshal(x)
	bb, err2 := json.Marshal(y)
	return err1 == nil && err2 == nil && string(ab) == string(bb)
}

// FitsNumber reports whether a number satisfies the schema's limits.
func (n *Node) FitsNumber(v float64) bool {
	if math.IsNaN(v) || math.IsInf(v, 0) || n.Type == Integer && v != math.Trunc(v) {
		return false
	}
	return n.Clamp(v) == v
}

// Clamp returns the number nearest to v that satisfies the schema's limits, where
// they can be satisfied.
func (n *Node) Clamp(v float64) float64 {
	step := n.MultipleOf
	if n.Type == Integer && step == 0 {
		step = 1
	}
	nudge := step
	if nudge == 0 {
		nudge = 1e-6 * max(1, math.Abs(v))
	}
	if n.Max != nil && (v > *n.Max || n.ExclMax && v >= *n.Max) {
		v = *n.Max
		if n.ExclMax {
			v -= nudge
		}
		if step > 0 {
			v = math.Floor(v/step) * step
		}
	}
	if n.Min != nil && (v < *n.Min || n.ExclusiveMin && v <= *n.Min) {
		v = *n.Min
		if n.ExclusiveMin {
			v += nudge
		}
		if step > 0 {
			v = math.Ceil(v/step) * step
		}
	}
	if step > 0 && n.Type == Integer {
		v = math.Round(v/step) * step
	} else if step > 0 {
		// Multiples of a fraction are not exact; leave those that are close.
		if q := v / step; math.Abs(q-math.Round(q)) > 1e-9 {
			v = math.Round(q) * step
		}
	}
	return v
}

// FitsString reports whether a text satisfies the schema's limits, as far as Go's
// regular expressions can tell.
func (n *Node) FitsString(s string) bool {
	length := utf8.RuneCountInString(s)
	if length < n.MinLength || n.MaxLength >= 0 && length > n.MaxLength {
		return false
	}
	return (n.Pattern == "" || matches(n.Pattern, s)) && fitsFormat(n.Format, s)
}

// FormatNumber writes a number as JSON, whole numbers without a point.
func FormatNumber(v float64) json.RawMessage {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return json.RawMessage(strconv.FormatInt(int64(v), 10))
	}
	return json.RawMessage(strconv.FormatFloat(v, 'g', -1, 64))
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil { // no string fails
		return json.RawMessage(`""`)
	}
	return b
}
