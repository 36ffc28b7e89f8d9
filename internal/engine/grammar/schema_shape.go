package grammar

import (
	"fmt"
	"slices"
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
		for _, take := range []func(*jsonValue) error{s.takeTypes, s.takeNumber, s.takeText} {
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

func (s *shape) takeText(v *jsonValue) error {
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
		if p.kind != kindString {
			return p.invalid("it must be a string")
		}
		d, err := automaton.Pattern(p.text)
		if err != nil {
			return p.unsupported("pattern", err.Error())
		}
		if err := s.also(d, p, "pattern"); err != nil {
			return err
		}
	}
	f := v.get("format")
	if f == nil {
		return nil
	}
	if f.kind != kindString {
		return f.invalid("it must be a string")
	}
	d, most, err := format(f)
	if err != nil || d == nil {
		return err
	}
	if most >= 0 {
		s.most = min(s.most, most)
	}
	return s.also(d, f, "format")
}

// also intersects the strings with d, which comes from keyword at v.
func (s *shape) also(d *automaton.DFA, v *jsonValue, keyword string) error {
	both, err := automaton.Intersect(s.text, d)
	if err != nil {
		return v.unsupported(keyword, err.Error())
	}
	s.text = both
	s.sources = append(s.sources, keyword+" "+v.text)
	return nil
}

// format returns the automaton of a format, nil for names that JSON Schema does not
// know, which are annotations.
func format(f *jsonValue) (*automaton.DFA, int32, error) {
	d, most, err := automaton.Format(f.text)
	switch {
	case err != nil:
		return nil, 0, f.unsupported("format", err.Error())
	case d != nil:
		return d, int32(most), nil //nolint:gosec // a small constant
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

// shapeRules returns the rules of a shape's types.
func (c *schemaCompiler) shapeRules(s *shape) ([]*rule, error) {
	if s.listed {
		return c.enumRules(s.enum)
	}
	json := c.b.c.json
	if !s.typed && s.implied == 0 {
		return json.values(), nil
	}
	var rules []*rule
	types := s.generated()
	switch {
	case types&typeObject == 0:
	case s.implied&typeObject == 0:
		rules = append(rules, json.object)
	default:
		rules = append(rules, c.later(s, c.drawObject))
	}
	switch {
	case types&typeArray == 0:
	case s.implied&typeArray == 0:
		rules = append(rules, json.array)
	default:
		rules = append(rules, c.later(s, c.drawArray))
	}
	if types&typeString != 0 {
		r, err := c.stringRule(s)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r...)
	}
	if types&typeNumber != 0 {
		r, err := c.numberRule(s)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r...)
	}
	if types&typeBoolean != 0 {
		rules = append(rules, json.boolean)
	}
	if types&typeNull != 0 {
		rules = append(rules, json.null)
	}
	return rules, nil
}

func (c *schemaCompiler) stringRule(s *shape) ([]*rule, error) {
	if isAny(s.text) && s.least == 0 && s.most == unlimited {
		return []*rule{c.b.c.json.text}, nil
	}
	key := fmt.Sprintf("string %d %d %q", s.least, s.most, s.sources)
	return c.b.c.share(key, func() (*rule, error) {
		rules, err := c.quotedRule(s.text, s.least, s.most, s.leaves[0])
		if err != nil || len(rules) == 0 {
			return nil, err
		}
		return rules[0], nil
	})
}

// quotedRule returns the rule of a string, none where there is no such string.
func (c *schemaCompiler) quotedRule(d *automaton.DFA, least, most int32, at *jsonValue) ([]*rule, error) {
	lex, ok := newQuoted(d, least, most)
	if !ok {
		return nil, &LimitError{What: "states of a pattern with a length", Limit: maxNeed, Pointer: at.pointer()}
	}
	if lex == nil {
		return nil, nil
	}
	return []*rule{newStringRule(lex, least, most, c.b.c.masks)}, nil
}

func (c *schemaCompiler) numberRule(s *shape) ([]*rule, error) {
	n := s.number
	if n.min == nil && n.max == nil && len(n.multiple) == 0 {
		if n.integer {
			return []*rule{c.b.c.json.integer}, nil
		}
		return []*rule{c.b.c.json.number}, nil
	}
	return c.b.c.share("number "+n.String(), func() (*rule, error) {
		t, ok := n.lexer()
		if !ok {
			return nil, &LimitError{What: "states of a number with multipleOf", Limit: maxNumStates, Pointer: s.leaves[0].pointer()}
		}
		if t == nil {
			return nil, nil //nolint:nilnil // there is no such number
		}
		return t.rule(c.b.c.masks), nil
	})
}

// enumRules returns the rules of listed values: one of all that are words, and one
// of each that has white space inside.
func (c *schemaCompiler) enumRules(values []*jsonValue) ([]*rule, error) {
	var texts []string
	var rules []*rule
	for _, v := range values {
		if v.kind == kindArray || v.kind == kindObject {
			r, err := c.constant(v)
			if err != nil {
				return nil, err
			}
			rules = append(rules, r)
			continue
		}
		texts = append(texts, v.literal())
	}
	slices.Sort(texts)
	if texts = slices.Compact(texts); len(texts) > 0 {
		rules = append(rules, wordTable(texts).rule(c.b.c.masks))
	}
	return rules, nil
}

// literal is the text of a value that is neither array nor object.
func (v *jsonValue) literal() string {
	switch v.kind {
	case kindString:
		return quoteText(v.text)
	case kindNumber:
		return v.text
	case kindBool:
		if v.truth {
			return "true"
		}
		return "false"
	default:
		return "null"
	}
}

// constant is the rule of one value.
func (c *schemaCompiler) constant(v *jsonValue) (*rule, error) {
	switch v.kind {
	case kindArray:
		var items [][]*rule
		for _, item := range v.items {
			r, err := c.constant(item)
			if err != nil {
				return nil, err
			}
			items = append(items, []*rule{r})
		}
		r := c.b.rule()
		n := int32(len(items)) //nolint:gosec // bounded by the schema's size
		return r, c.b.finish(r, arrayDraft(items, nil, n, n), 0, 0, unlimited)
	case kindObject:
		var members []member
		for _, m := range v.members {
			r, err := c.constant(m.value)
			if err != nil {
				return nil, err
			}
			members = append(members, member{name: quoteText(m.name), values: []*rule{r}, required: true})
		}
		r := c.b.rule()
		return r, c.b.finish(r, objectDraft(members), 0, 0, unlimited)
	default:
		return wordTable([]string{v.literal()}).rule(c.b.c.masks), nil
	}
}
