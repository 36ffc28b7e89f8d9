package grammar

import (
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/grammar/automaton"
)

// typeSet is a set of JSON Schema's types. number holds integer.
type typeSet uint8

const (
	typeNull typeSet = 1 << iota
	typeBoolean
	typeInteger
	typeFraction // numbers that are no integers
	typeString
	typeArray
	typeObject

	typeNumber = typeInteger | typeFraction
	typeAny    = typeNull | typeBoolean | typeNumber | typeString | typeArray | typeObject
)

// maxLeast bounds the least length of strings.
const maxLeast = 1 << 16

// shape is what the leaves of a disjunct ask for together.
type shape struct {
	leaves  []*jsonValue
	types   typeSet // what is allowed by JSON Schema
	implied typeSet // what the other keywords are about
	typed   bool    // a type is stated
	enum    []*jsonValue
	listed  bool // enum or const is given
	number  numberSpec
	text    *automaton.DFA
	sources []string // the patterns and formats that text is made of
	least   int32    // characters
	most    int32
}

// merge joins leaves. The result is shared: it is not changed.
func (c *schemaCompiler) merge(leaves []*jsonValue) (*shape, error) {
	k := key(leaves)
	if s := c.merged[k]; s != nil {
		return s, nil
	}
	s := &shape{leaves: leaves, types: typeAny, text: automaton.Any(), most: unlimited}
	for _, v := range leaves {
		for _, take := range []func(*jsonValue) error{s.takeTypes, s.takeNumber, func(v *jsonValue) error { return c.takeText(s, v) }} {
			if err := take(v); err != nil {
				return nil, err
			}
		}
		s.imply(v)
	}
	for _, v := range leaves {
		if err := c.takeEnum(s, v); err != nil {
			return nil, err
		}
	}
	s.number.integer = s.types&typeFraction == 0
	if s.least > maxLeast {
		return nil, &LimitError{What: "characters that a string needs", Limit: maxLeast, Pointer: leaves[0].pointer()}
	}
	c.merged[k] = s
	return s, nil
}

// generated are the types that are generated: where the schema states none but has
// keywords about some, only those, since a schema that says "properties" means an
// object.
func (s *shape) generated() typeSet {
	if !s.typed && !s.listed && s.implied != 0 {
		return s.types & s.implied
	}
	return s.types
}

func typeNamed(name string) typeSet {
	switch name {
	case "null":
		return typeNull
	case "boolean":
		return typeBoolean
	case "integer":
		return typeInteger
	case "number":
		return typeNumber
	case "string":
		return typeString
	case "array":
		return typeArray
	case "object":
		return typeObject
	}
	return 0
}

func (s *shape) takeTypes(v *jsonValue) error {
	t := v.get("type")
	if t == nil {
		return nil
	}
	names := t.items
	if t.kind == kindString {
		names = []*jsonValue{t}
	} else if t.kind != kindArray || len(names) == 0 {
		return t.invalid("it must be a type's name or a list of such")
	}
	var set typeSet
	for _, n := range names {
		one := typeNamed(n.text)
		if n.kind != kindString || one == 0 {
			return n.invalid("there is no such type: null, boolean, integer, number, string, array and object are")
		}
		set |= one
	}
	if n := v.get("nullable"); n != nil && n.kind == kindBool && n.truth {
		set |= typeNull
	}
	s.types &= set
	s.typed = true
	return nil
}

// imply notes which types the keywords of v are about.
func (s *shape) imply(v *jsonValue) {
	for _, m := range v.members {
		switch m.name {
		case "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties",
			"maxProperties", "unevaluatedProperties":
			s.implied |= typeObject
		case "items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "unevaluatedItems":
			s.implied |= typeArray
		case "pattern", "format", "minLength", "maxLength":
			s.implied |= typeString
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
			s.implied |= typeNumber
		}
	}
}

func (s *shape) takeNumber(v *jsonValue) error {
	for _, name := range []string{"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"} {
		n := v.get(name)
		if n == nil {
			continue
		}
		low, open := strings.HasSuffix(name, "inimum"), strings.HasPrefix(name, "exclusive")
		if n.kind == kindBool && open { // draft 4: it belongs to the other keyword
			continue
		}
		d, err := n.decimal()
		if err != nil {
			return err
		}
		if x := v.get("exclusiveM" + strings.TrimPrefix(name, "m")); !open && x != nil && x.kind == kindBool {
			open = x.truth
		}
		if low {
			s.number.min = tighter(s.number.min, bound{d, open}, 1)
		} else {
			s.number.max = tighter(s.number.max, bound{d, open}, -1)
		}
	}
	if n := v.get("multipleOf"); n != nil {
		d, err := n.decimal()
		if err != nil {
			return err
		}
		if d.negative || d == (decimal{whole: "0"}) {
			return n.invalid("it must be a number above zero")
		}
		s.number.multiple = append(s.number.multiple, d)
	}
	return nil
}

// decimal reads a keyword's number.
func (v *jsonValue) decimal() (decimal, error) {
	if v.kind != kindNumber {
		return decimal{}, v.invalid("it must be a number")
	}
	d, ok := parseDecimal(v.text)
	if !ok {
		return d, &LimitError{What: "digits of a number", Limit: 2 * maxExponent, Pointer: v.pointer()}
	}
	return d, nil
}

// tighter returns the stricter of two bounds; sign is 1 for lower ones.
func tighter(old *bound, b bound, sign int) *bound {
	if old == nil {
		return &b
	}
	c := b.rat().Cmp(old.rat()) * sign
	if c > 0 || c == 0 && b.open {
		return &b
	}
	return old
}

func (c *schemaCompiler) takeText(s *shape, v *jsonValue) error {
	least, err := v.count("minLength", 0)
	if err != nil {
		return err
	}
	most, err := v.count("maxLength", unlimited)
	if err != nil {
		return err
	}
	s.least, s.most = max(s.least, least), min(s.most, most)
	if p := v.get("pattern"); p != nil {
		d, err := c.pattern(p)
		if err != nil {
			return err
		}
		if err := c.also(s, d, p, "pattern"); err != nil {
			return err
		}
	}
	f := v.get("format")
	if f == nil {
		return nil
	}
	d, most, err := c.format(f)
	if err != nil || d == nil {
		return err
	}
	s.most = min(s.most, most)
	return c.also(s, d, f, "format")
}

// pattern returns the automaton of an expression.
func (c *schemaCompiler) pattern(p *jsonValue) (*automaton.DFA, error) {
	if p.kind != kindString {
		return nil, p.invalid("it must be a string")
	}
	return c.patternOf(p.text, "pattern", p)
}

// patternOf returns the automaton of an expression that keyword has at at.
func (c *schemaCompiler) patternOf(text, keyword string, at *jsonValue) (*automaton.DFA, error) {
	d, cost, err := c.b.c.automaton("pattern "+text, func() (*automaton.DFA, error) { return automaton.Pattern(text) })
	if err != nil {
		return nil, at.unsupported(keyword, err.Error())
	}
	return d, c.b.charge(cost, at)
}

// also intersects the strings of s with d, which comes from keyword at v.
func (c *schemaCompiler) also(s *shape, d *automaton.DFA, v *jsonValue, keyword string) error {
	s.sources = append(s.sources, keyword+" "+v.text)
	if isAny(s.text) {
		s.text = d
		return nil
	}
	both, err := automaton.Intersect(s.text, d)
	if err != nil {
		return v.unsupported(keyword, err.Error())
	}
	s.text = both
	return c.b.charge(both.Cost(), v)
}

// format returns the automaton of a format and the most characters it has; no
// automaton for names that JSON Schema does not know, which are annotations.
func (c *schemaCompiler) format(f *jsonValue) (*automaton.DFA, int32, error) {
	if f.kind != kindString {
		return nil, 0, f.invalid("it must be a string")
	}
	most := automaton.FormatMost(f.text)
	d, cost, err := c.b.c.automaton("format "+f.text, func() (*automaton.DFA, error) { return automaton.Format(f.text) })
	switch {
	case err != nil:
		return nil, 0, f.unsupported("format", err.Error())
	case d != nil && most < 0:
		return d, unlimited, c.b.charge(cost, f)
	case d != nil:
		return d, int32(most), c.b.charge(cost, f) //nolint:gosec // a small constant
	}
	switch f.text {
	case "idn-email", "idn-hostname", "iri", "iri-reference", "uri-template", "relative-json-pointer", "regex":
		return nil, 0, f.unsupported("format", "the formats that are: date-time, date, time, duration, email, hostname, "+
			"ipv4, ipv6, uuid, uri, uri-reference and json-pointer")
	}
	return nil, 0, nil
}

// takeEnum keeps the values that v lists, or of those that are listed the ones that
// all leaves allow.
func (c *schemaCompiler) takeEnum(s *shape, v *jsonValue) error {
	for _, keyword := range []string{"enum", "const"} {
		e := v.get(keyword)
		if e == nil {
			continue
		}
		values := []*jsonValue{e}
		if keyword == "enum" {
			if values = e.items; e.kind != kindArray || len(values) == 0 {
				return e.invalid("it must be a list of values")
			}
		}
		if s.listed {
			continue // the values of the first list are checked against all
		}
		s.listed = true
		for _, x := range values {
			ok, err := c.allowsAll(s.leaves, x)
			if err != nil {
				return err
			}
			if ok {
				s.enum = append(s.enum, x)
			}
		}
	}
	return nil
}
