package grammar

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Bounds of one schema.
const (
	maxDisjuncts = 1024    // alternatives of one value, its choices multiplied out
	maxExpanded  = 400_000 // subschemas looked at
)

// schemaCompiler turns one schema into rules. A place for a value is a slot: the
// subschemas that the value must satisfy together. A slot is expanded into
// disjuncts, since references and combinations have been followed. A disjunct is
// merged into a shape, and each type of a shape becomes a rule.
type schemaCompiler struct {
	b       *builder
	root    *jsonValue
	anchors map[string]*jsonValue // by $anchor and $id
	slots   map[string][]*rule
	shapes  map[string][]*rule
	merged  map[string]*shape              // of the leaves of a disjunct
	objects map[string]*objectShape        // likewise
	owns    map[*jsonValue]*shape          // what the keywords of one schema say by themselves
	lists   map[*jsonValue]map[string]bool // the values of an enum
	pending []pending
	ids     int // of values that were made, below zero
	work    int
}

// disjunct is one way to satisfy a slot: leaves, subschemas of which only the keywords
// of their own matter, and schemas that must not hold, which are the other
// alternatives of a oneOf or those of a not.
type disjunct struct {
	leaves []*jsonValue
	not    []exclusion
	closed []closing
}

// closing is a schema with an unevaluated… keyword, which is about what the schema's
// own parts say: within is how many leaves those are.
type closing struct {
	schema *jsonValue
	within int
}

// exclusion is a schema that must not hold because of a keyword at at.
type exclusion struct {
	schema, at *jsonValue
	keyword    string
}

// closable reports whether all unevaluated… keywords are about all that holds, which
// is what they are taken for.
func (d *disjunct) closable() error {
	conditional := slices.ContainsFunc(d.leaves, func(v *jsonValue) bool { return v.id < 0 })
	for _, x := range d.closed {
		if x.within < len(d.leaves) || conditional {
			return x.unsupported()
		}
	}
	return nil
}

func (x closing) unsupported() error {
	for _, keyword := range []string{"unevaluatedProperties", "unevaluatedItems"} {
		if v := x.schema.get(keyword); v != nil {
			return v.unsupported(keyword, "it is where all that holds is in the same schema, without conditions")
		}
	}
	return nil
}

// pending is a rule whose graph is yet to be drawn.
type pending struct {
	rule  *rule
	shape *shape
	draw  func(*rule, *shape) error
}

// schema returns the rules of which a value that satisfies the schema is one.
func (b *builder) schema(text json.RawMessage) ([]*rule, error) {
	root, err := parseValue(text)
	if err != nil {
		return nil, err
	}
	c := &schemaCompiler{
		b: b, root: root, anchors: map[string]*jsonValue{},
		slots: map[string][]*rule{}, shapes: map[string][]*rule{},
		merged: map[string]*shape{}, objects: map[string]*objectShape{},
		owns: map[*jsonValue]*shape{}, lists: map[*jsonValue]map[string]bool{},
	}
	c.index(root)
	rules, err := c.rules([]*jsonValue{root})
	if err != nil {
		return nil, err
	}
	for len(c.pending) > 0 {
		p := c.pending[len(c.pending)-1]
		c.pending = c.pending[:len(c.pending)-1]
		if err := p.draw(p.rule, p.shape); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// index finds the names by which subschemas are referred to.
func (c *schemaCompiler) index(v *jsonValue) {
	for _, name := range []string{"$anchor", "$id"} {
		if a := v.get(name); a != nil && a.kind == kindString {
			text := strings.TrimSuffix(a.text, "#")
			if name == "$anchor" {
				text = anchorKey(c.base(v), text)
			}
			if _, taken := c.anchors[text]; !taken {
				c.anchors[text] = v
			}
		}
	}
	for _, item := range v.items {
		c.index(item)
	}
	for _, m := range v.members {
		c.index(m.value)
	}
}

// anchorKey names an anchor, which belongs to the schema with the nearest $id.
func anchorKey(base *jsonValue, name string) string { return strconv.Itoa(base.id) + "#" + name }

// key names a list of values.
func key(values []*jsonValue) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(strconv.Itoa(v.id))
		b.WriteByte(',')
	}
	return b.String()
}

// rules returns the rules of a slot.
func (c *schemaCompiler) rules(slot []*jsonValue) ([]*rule, error) {
	k := key(slot)
	if rules, ok := c.slots[k]; ok {
		return rules, nil
	}
	disjuncts, err := c.slot(slot)
	if err != nil {
		return nil, err
	}
	var rules []*rule
	for _, d := range disjuncts {
		of, err := c.disjunct(d)
		if err != nil {
			return nil, err
		}
		for _, r := range of {
			if !slices.Contains(rules, r) {
				rules = append(rules, r)
			}
		}
	}
	c.slots[k] = rules
	return rules, nil
}

// disjunct returns the rules of a disjunct.
func (c *schemaCompiler) disjunct(d disjunct) ([]*rule, error) {
	var k strings.Builder
	k.WriteString(key(d.leaves))
	for _, x := range d.not {
		k.WriteString("-" + strconv.Itoa(x.schema.id))
	}
	if rules, ok := c.shapes[k.String()]; ok {
		return rules, nil
	}
	if err := d.closable(); err != nil {
		return nil, err
	}
	s, err := c.merge(d.leaves)
	if err != nil {
		return nil, err
	}
	if s, err = c.exclude(s, d); err != nil {
		return nil, err
	}
	rules, err := c.shapeRules(s)
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 && len(d.leaves) > 0 && c.b.suspect == nil {
		c.b.suspect = d.leaves[0]
	}
	c.shapes[k.String()] = rules
	return rules, nil
}

// later makes a rule whose graph is drawn when the slots it needs are known.
func (c *schemaCompiler) later(s *shape, draw func(*rule, *shape) error) *rule {
	r := c.b.rule()
	c.pending = append(c.pending, pending{r, s, draw})
	return r
}

// slot expands schemas that must hold together.
func (c *schemaCompiler) slot(slot []*jsonValue) ([]disjunct, error) {
	all := []disjunct{{}}
	for _, v := range slot {
		each, err := c.expand(v, nil)
		if err != nil {
			return nil, err
		}
		if all, err = c.cross(all, each, v); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// expand follows the references and combinations of one schema. path holds the
// schemas this one is part of by those alone.
func (c *schemaCompiler) expand(v *jsonValue, path []*jsonValue) ([]disjunct, error) {
	if err := c.spend(1); err != nil {
		return nil, err
	}
	switch {
	case v.kind == kindBool && v.truth:
		return []disjunct{{}}, nil
	case v.kind == kindBool:
		return nil, nil
	case v.kind != kindObject:
		return nil, v.invalid("a schema is an object or a boolean")
	case slices.Contains(path, v):
		return nil, v.invalid("the schema refers to itself without anything between")
	}
	if err := refuse(v); err != nil {
		return nil, err
	}
	path = append(slices.Clip(path), v)
	own := disjunct{leaves: []*jsonValue{v}}
	if n := v.get("not"); n != nil {
		if n.kind == kindBool && n.truth || n.kind == kindObject && len(n.members) == 0 {
			return nil, nil // how some generators write what cannot be
		}
		own.not = []exclusion{{n, n, "not"}}
	}
	together, err := v.schemas("allOf")
	if err != nil {
		return nil, err
	}
	if ref := v.get("$ref"); ref != nil {
		target, err := c.resolve(v, ref)
		if err != nil {
			return nil, err
		}
		together = append([]*jsonValue{target}, together...)
	}
	all := []disjunct{own}
	for _, part := range together {
		if all, err = c.and(all, part, path); err != nil {
			return nil, err
		}
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if all, err = c.oneFrom(all, v, keyword, path); err != nil {
			return nil, err
		}
	}
	if all, err = c.conditions(all, v, path); err != nil {
		return nil, err
	}
	if v.get("unevaluatedProperties") != nil || v.get("unevaluatedItems") != nil {
		for i := range all {
			n := len(all[i].closed)
			all[i].closed = append(all[i].closed[:n:n], closing{v, len(all[i].leaves)})
		}
	}
	return all, nil
}

// and adds one more schema to what must hold.
func (c *schemaCompiler) and(all []disjunct, part *jsonValue, path []*jsonValue) ([]disjunct, error) {
	each, err := c.expand(part, path)
	if err != nil {
		return nil, err
	}
	return c.cross(all, each, part)
}

// spend counts work.
func (c *schemaCompiler) spend(n int) error {
	if c.work += n; c.work > maxExpanded {
		return &LimitError{What: "subschemas, counted as often as they are used", Limit: maxExpanded}
	}
	return nil
}

// oneFrom adds a choice to what must hold.
func (c *schemaCompiler) oneFrom(all []disjunct, v *jsonValue, keyword string, path []*jsonValue) ([]disjunct, error) {
	parts, err := v.schemas(keyword)
	if err != nil || len(parts) == 0 {
		return all, err
	}
	if keyword == "oneOf" && len(parts) > maxOneOf {
		return nil, &LimitError{What: "alternatives of oneOf", Limit: maxOneOf, Pointer: v.get(keyword).pointer()}
	}
	var union []disjunct
	for i, part := range parts {
		each, err := c.expand(part, path)
		if err != nil {
			return nil, err
		}
		for _, d := range each {
			if keyword == "oneOf" {
				for j, other := range parts {
					if i != j {
						d.not = append(slices.Clip(d.not), exclusion{other, v.get(keyword), keyword})
					}
				}
			}
			union = append(union, d)
		}
		if len(union) > maxDisjuncts {
			return nil, &LimitError{What: "alternatives", Limit: maxDisjuncts, Pointer: v.get(keyword).pointer()}
		}
	}
	return c.cross(all, union, v)
}

// cross joins each of a with each of b.
func (c *schemaCompiler) cross(a, b []disjunct, at *jsonValue) ([]disjunct, error) {
	if len(a)*len(b) > maxDisjuncts {
		return nil, &LimitError{What: "alternatives", Limit: maxDisjuncts, Pointer: at.pointer()}
	}
	out := make([]disjunct, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			both := disjunct{slices.Clip(x.leaves), slices.Clip(x.not), append(slices.Clip(x.closed), y.closed...)}
			for _, v := range y.leaves {
				if !slices.Contains(both.leaves, v) {
					both.leaves = append(both.leaves, v)
				}
			}
			for _, e := range y.not {
				if !slices.Contains(both.not, e) {
					both.not = append(both.not, e)
				}
			}
			if err := c.spend(len(both.leaves) + len(both.not)); err != nil {
				return nil, err
			}
			out = append(out, both)
		}
	}
	return out, nil
}

// schemas reads a keyword that is a list of schemas.
func (v *jsonValue) schemas(keyword string) ([]*jsonValue, error) {
	list := v.get(keyword)
	if list == nil {
		return nil, nil
	}
	if list.kind != kindArray || len(list.items) == 0 {
		return nil, list.invalid("it must be a list of schemas")
	}
	return list.items, nil
}

// refuse answers the assertions that cannot be enforced.
func refuse(v *jsonValue) error {
	for _, m := range v.members {
		reason := ""
		switch m.name {
		case "contains":
			if n, err := v.count("minContains", 1); err == nil && n == 0 && v.get("maxContains") == nil {
				continue
			}
			reason = "use prefixItems or items"
		case "unevaluatedProperties", "unevaluatedItems":
			if m.value.kind == kindBool {
				continue
			}
			reason = "only true and false are"
		case "$dynamicRef", "$recursiveRef":
			reason = "use $ref"
		default:
			continue
		}
		return m.value.unsupported(m.name, reason)
	}
	return nil
}

// resolve finds the schema that a $ref of v names.
func (c *schemaCompiler) resolve(v, ref *jsonValue) (*jsonValue, error) {
	if ref.kind != kindString {
		return nil, ref.invalid("it must be a string")
	}
	document, fragment, _ := strings.Cut(ref.text, "#")
	base := c.base(v)
	if document != "" {
		if id := base.get("$id"); id == nil || id.text != document {
			if base = c.anchors[document]; base == nil {
				return nil, ref.unsupported("$ref", "only references within the schema are")
			}
		}
	}
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		return nil, ref.invalid("the reference is no URI")
	}
	if fragment != "" && fragment[0] != '/' {
		if target := c.anchors[anchorKey(base, fragment)]; target != nil {
			return target, nil
		}
		return nil, ref.invalid(fmt.Sprintf("there is no $anchor %q", fragment))
	}
	at := base
	for _, part := range pointerParts(fragment) {
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		next := at.get(name)
		if i, err := strconv.Atoi(name); err == nil && at.kind == kindArray && i >= 0 && i < len(at.items) {
			next = at.items[i]
		}
		if next == nil {
			return nil, ref.invalid(fmt.Sprintf("there is nothing at %q", ref.text))
		}
		at = next
	}
	return at, nil
}

// base is the schema that pointers in v are relative to.
func (c *schemaCompiler) base(v *jsonValue) *jsonValue {
	for ; v.parent != nil; v = v.parent {
		if id := v.get("$id"); id != nil && id.kind == kindString && !strings.HasPrefix(id.text, "#") {
			return v
		}
	}
	return v
}

func pointerParts(pointer string) []string {
	if pointer == "" {
		return nil
	}
	return strings.Split(pointer[1:], "/")
}
