// Package schema reads JSON Schemas into the few facts that filling one needs.
//
// It is lenient: keywords that it does not know are left alone, and a schema that
// is no object allows anything. It is bounded: references are followed within the
// document only, a schema that contains itself ends after a few turns, and a
// hostile schema cannot make more than a fixed number of nodes.
package schema

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Bounds on one schema.
const (
	maxDepth = 16
	maxNodes = 4000
	maxBytes = 1 << 20
	maxWork  = 8 << 20 // bytes looked at, those of parts and references again each time
)

// Type is a JSON type; the zero value is any.
type Type string

// The types.
const (
	Any     Type = ""
	String  Type = "string"
	Integer Type = "integer"
	Number  Type = "number"
	Boolean Type = "boolean"
	Array   Type = "array"
	Object  Type = "object"
	Null    Type = "null"
)

// Node is a schema or a part of one.
type Node struct {
	Type        Type // the first that is not null
	Nullable    bool
	Title       string
	Description string
	Enum        []json.RawMessage // values allowed; a const is an enum of one
	Default     json.RawMessage
	Examples    []json.RawMessage
	Format      string
	Pattern     string

	Min, Max              *float64
	ExclusiveMin, ExclMax bool
	MultipleOf            float64
	MinLength             int
	MaxLength             int // -1: none
	MinItems              int
	MaxItems              int // -1: none
	Unique                bool
	Items                 *Node   // nil: any
	Prefix                []*Node // of a tuple
	Props                 []Prop  // in the order of the document
	Closed                bool    // no other members
	Additional            *Node   // schema of other members; nil: any, or none when Closed
	Any                   []*Node // alternatives while the schema is read; nil afterwards
	cut                   bool    // the schema went on beyond the bounds
}

// Prop is a member of an object.
type Prop struct {
	Name     string
	Node     *Node
	Required bool
}

// Parse reads a schema. It never fails: what cannot be read allows anything.
func Parse(raw json.RawMessage) *Node {
	if len(raw) > maxBytes {
		return &Node{cut: true, MaxLength: -1, MaxItems: -1}
	}
	p := &parser{root: raw, budget: maxWork, refs: map[string]json.RawMessage{}}
	return p.node(raw, 0)
}

// Strings returns the enum's values that are strings.
func (n *Node) Strings() []string {
	var out []string
	for _, raw := range n.Enum {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			out = append(out, s)
		}
	}
	return out
}

// Prop returns a member's schema by name, nil when there is none.
func (n *Node) Prop(name string) *Prop {
	for i := range n.Props {
		if n.Props[i].Name == name {
			return &n.Props[i]
		}
	}
	return nil
}

type parser struct {
	root   json.RawMessage
	nodes  int
	budget int
	refs   map[string]json.RawMessage
}

// keywords of a schema, as written.
type keywords struct {
	Type                 json.RawMessage   `json:"type"`
	Title                string            `json:"title"`
	Description          string            `json:"description"`
	Enum                 []json.RawMessage `json:"enum"`
	Const                json.RawMessage   `json:"const"`
	Default              json.RawMessage   `json:"default"`
	Examples             []json.RawMessage `json:"examples"`
	Example              json.RawMessage   `json:"example"`
	Format               string            `json:"format"`
	Pattern              string            `json:"pattern"`
	Minimum              *float64          `json:"minimum"`
	Maximum              *float64          `json:"maximum"`
	ExclusiveMinimum     json.RawMessage   `json:"exclusiveMinimum"`
	ExclusiveMaximum     json.RawMessage   `json:"exclusiveMaximum"`
	MultipleOf           float64           `json:"multipleOf"`
	MinLength            int               `json:"minLength"`
	MaxLength            *int              `json:"maxLength"`
	MinItems             int               `json:"minItems"`
	MaxItems             *int              `json:"maxItems"`
	UniqueItems          bool              `json:"uniqueItems"`
	Items                json.RawMessage   `json:"items"`
	PrefixItems          []json.RawMessage `json:"prefixItems"`
	Properties           json.RawMessage   `json:"properties"`
	Required             []string          `json:"required"`
	AdditionalProperties json.RawMessage   `json:"additionalProperties"`
	AnyOf                []json.RawMessage `json:"anyOf"`
	OneOf                []json.RawMessage `json:"oneOf"`
	AllOf                []json.RawMessage `json:"allOf"`
	Ref                  string            `json:"$ref"`
}

func (p *parser) node(raw json.RawMessage, depth int) *Node {
	n := &Node{MaxLength: -1, MaxItems: -1}
	p.nodes++
	p.budget -= len(raw)
	if depth > maxDepth || p.nodes > maxNodes || p.budget < 0 {
		n.cut = true
		return n
	}
	k := lenient(raw)
	if k.Ref != "" {
		if target := p.resolve(k.Ref); target != nil {
			n = p.node(target, depth+1)
		}
	}
	n.basics(&k)
	n.types(k.Type)
	n.ranges(&k)
	if len(k.Items) > 0 && k.Items[0] == '[' {
		var list []json.RawMessage
		if json.Unmarshal(k.Items, &list) == nil {
			k.PrefixItems, k.Items = list, nil
		}
	}
	for _, item := range k.PrefixItems {
		n.Prefix = append(n.Prefix, p.node(item, depth+1))
	}
	if len(k.Items) > 0 && k.Items[0] == '{' {
		n.Items = p.node(k.Items, depth+1)
	}
	p.object(n, &k, depth)
	for _, part := range k.AllOf {
		n.merge(p.node(part, depth+1))
	}
	for _, part := range append(k.AnyOf, k.OneOf...) {
		alt := p.node(part, depth+1)
		if alt.Type == Null && len(alt.Enum) == 0 {
			n.Nullable = true
			continue
		}
		n.Any = append(n.Any, alt)
	}
	n.infer()
	return n.settle()
}

// settle decides for the first of the alternatives that is not null: a value of it
// satisfies the schema.
func (n *Node) settle() *Node {
	if len(n.Any) == 0 {
		return n
	}
	alt := *n.Any[0]
	if n.Type != Any {
		n.merge(&alt)
		n.Any = nil
		return n
	}
	if alt.Description == "" {
		alt.Description = n.Description
	}
	if len(alt.Default) == 0 {
		alt.Default = n.Default
	}
	alt.Nullable = alt.Nullable || n.Nullable
	return &alt
}

// lenient reads keywords one by one when they do not fit together: "required: true"
// on a member, say, must not lose the rest.
func lenient(raw json.RawMessage) keywords {
	var k keywords
	if json.Unmarshal(raw, &k) == nil {
		return k
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return keywords{}
	}
	k = keywords{}
	for name, v := range members {
		one, err := json.Marshal(map[string]json.RawMessage{name: v})
		if err != nil {
			continue
		}
		next := k
		if json.Unmarshal(one, &next) == nil {
			k = next
		}
	}
	return k
}

func (n *Node) basics(k *keywords) {
	set := func(to *string, v string) {
		if v != "" {
			*to = v
		}
	}
	set(&n.Title, k.Title)
	set(&n.Description, k.Description)
	set(&n.Format, k.Format)
	set(&n.Pattern, k.Pattern)
	if len(k.Enum) > 0 {
		n.Enum = k.Enum
	}
	if len(k.Const) > 0 {
		n.Enum = []json.RawMessage{k.Const}
	}
	if len(k.Default) > 0 {
		n.Default = k.Default
	}
	if n.Examples = append(n.Examples, k.Examples...); len(k.Example) > 0 {
		n.Examples = append(n.Examples, k.Example)
	}
}

func (n *Node) types(raw json.RawMessage) {
	var one string
	var many []string
	if json.Unmarshal(raw, &one) == nil {
		many = []string{one}
	} else if json.Unmarshal(raw, &many) != nil {
		return
	}
	for _, t := range many {
		switch t := Type(strings.ToLower(t)); t {
		case Null:
			n.Nullable = true
		case String, Integer, Number, Boolean, Array, Object:
			if n.Type == Any {
				n.Type = t
			}
		default:
		}
	}
	if n.Type == Any && n.Nullable {
		n.Type = Null
	}
}

func (n *Node) ranges(k *keywords) {
	if k.Minimum != nil {
		n.Min = k.Minimum
	}
	if k.Maximum != nil {
		n.Max = k.Maximum
	}
	// A number in newer drafts, a boolean beside minimum in older ones.
	exclusive := func(raw json.RawMessage, limit **float64, flag *bool) {
		var v float64
		var b bool
		switch {
		case len(raw) == 0:
		case json.Unmarshal(raw, &b) == nil:
			*flag = b
		case json.Unmarshal(raw, &v) == nil:
			*limit, *flag = &v, true
		}
	}
	exclusive(k.ExclusiveMinimum, &n.Min, &n.ExclusiveMin)
	exclusive(k.ExclusiveMaximum, &n.Max, &n.ExclMax)
	n.MultipleOf = max(n.MultipleOf, k.MultipleOf)
	n.MinLength = max(n.MinLength, k.MinLength)
	n.MinItems = max(n.MinItems, k.MinItems)
	n.Unique = n.Unique || k.UniqueItems
	if k.MaxLength != nil {
		n.MaxLength = *k.MaxLength
	}
	if k.MaxItems != nil {
		n.MaxItems = *k.MaxItems
	}
}

func (p *parser) object(n *Node, k *keywords, depth int) {
	required := map[string]bool{}
	for _, r := range k.Required {
		required[r] = true
	}
	for _, m := range ordered(k.Properties) {
		if prop := n.Prop(m.name); prop != nil {
			prop.Node, prop.Required = p.node(m.value, depth+1), prop.Required || required[m.name]
		} else {
			n.Props = append(n.Props, Prop{Name: m.name, Node: p.node(m.value, depth+1), Required: required[m.name]})
		}
		delete(required, m.name)
	}
	for i := range n.Props {
		if required[n.Props[i].Name] {
			n.Props[i].Required = true
			delete(required, n.Props[i].Name)
		}
	}
	for _, r := range k.Required { // required and not described
		if required[r] {
			n.Props = append(n.Props, Prop{Name: r, Node: &Node{MaxLength: -1, MaxItems: -1}, Required: true})
		}
	}
	var open bool
	switch {
	case len(k.AdditionalProperties) == 0:
	case json.Unmarshal(k.AdditionalProperties, &open) == nil:
		n.Closed = !open
	default:
		n.Additional = p.node(k.AdditionalProperties, depth+1)
	}
}

type member struct {
	name  string
	value json.RawMessage
}

// ordered returns an object's members in the order they are written.
func ordered(raw json.RawMessage) []member {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil
	}
	var out []member
	for dec.More() {
		tok, err := dec.Token()
		name, ok := tok.(string)
		if err != nil || !ok {
			return out
		}
		var v json.RawMessage
		if dec.Decode(&v) != nil {
			return out
		}
		out = append(out, member{name, v})
	}
	return out
}

// resolve returns what a reference within the document points to.
func (p *parser) resolve(ref string) json.RawMessage {
	rest, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	if at, ok := p.refs[ref]; ok {
		return at
	}
	p.refs[ref] = nil
	at := p.root
	for part := range strings.SplitSeq(strings.TrimPrefix(rest, "/"), "/") {
		if part == "" {
			continue
		}
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		p.budget -= len(at)
		var members map[string]json.RawMessage
		if p.budget < 0 || json.Unmarshal(at, &members) != nil || members[part] == nil {
			return nil
		}
		at = members[part]
	}
	p.refs[ref] = at
	return at
}

// merge adds what another schema demands as well.
func (n *Node) merge(o *Node) {
	if n.Type == Any {
		n.Type = o.Type
	}
	if n.Description == "" {
		n.Description = o.Description
	}
	if len(n.Enum) == 0 {
		n.Enum = o.Enum
	}
	if n.Items == nil {
		n.Items = o.Items
	}
	if n.Min == nil {
		n.Min, n.ExclusiveMin = o.Min, o.ExclusiveMin
	}
	if n.Max == nil {
		n.Max, n.ExclMax = o.Max, o.ExclMax
	}
	if n.Format == "" {
		n.Format = o.Format
	}
	if n.Pattern == "" {
		n.Pattern = o.Pattern
	}
	n.MinLength = max(n.MinLength, o.MinLength)
	n.MinItems = max(n.MinItems, o.MinItems)
	n.Closed = n.Closed || o.Closed
	for _, prop := range o.Props {
		if old := n.Prop(prop.Name); old != nil {
			old.Required = old.Required || prop.Required
			continue
		}
		n.Props = append(n.Props, prop)
	}
	n.Any = append(n.Any, o.Any...)
}

// infer finds the type of a schema that does not say it.
func (n *Node) infer() {
	switch {
	case n.Type != Any:
	case len(n.Props) > 0:
		n.Type = Object
	case n.Items != nil || len(n.Prefix) > 0:
		n.Type = Array
	case len(n.Enum) > 0:
		n.Type = typeOf(n.Enum[0])
	}
}

func typeOf(raw json.RawMessage) Type {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return Any
	}
	switch raw[0] {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	}
	return Number
}
