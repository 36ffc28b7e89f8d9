package grammar

import (
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/engine/grammar/automaton"
)

// allowsAll reports whether a value satisfies the keywords of the leaves' own. It is how listed
// values are chosen, so it follows JSON Schema to the letter.
func (c *schemaCompiler) allowsAll(leaves []*jsonValue, x *jsonValue) (bool, error) {
	for _, v := range leaves {
		if ok, err := c.allowsOwn(v, x); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// allows reports whether x is valid against the schemas of a slot.
func (c *schemaCompiler) allows(slot []*jsonValue, x *jsonValue) (bool, error) {
	disjuncts, err := c.slot(slot)
	if err != nil {
		return false, err
	}
	for _, d := range disjuncts {
		ok, err := c.allowsAll(d.leaves, x)
		if err != nil {
			return false, err
		}
		if ok {
			ok, err = c.allowsRest(d, x)
		}
		if err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// allowsRest reports whether x satisfies what is not about the leaves one by one: it is
// valid against none of the excluded schemas, and has no members or items that an
// unevaluated… keyword forbids.
func (c *schemaCompiler) allowsRest(d disjunct, x *jsonValue) (bool, error) {
	if ok, err := c.allowsNone(d.not, x); err != nil || !ok || len(d.closed) == 0 {
		return ok, err
	}
	if err := d.closable(); err != nil {
		return false, err
	}
	forbids := func(keyword string) bool {
		return slices.ContainsFunc(d.closed, func(k closing) bool {
			v := k.schema.get(keyword)
			return v != nil && !v.truth
		})
	}
	switch {
	case x.kind == kindObject && forbids("unevaluatedProperties"):
		o, err := c.object(d.leaves)
		return err == nil && !slices.ContainsFunc(x.members, func(m jsonMember) bool { return len(o.slotOf(m.name)) == 0 }), err
	case x.kind == kindArray && forbids("unevaluatedItems"):
		a, err := c.array(d.leaves)
		return err == nil && (len(x.items) == 0 || len(a.slot(len(x.items)-1)) > 0), err
	}
	return true, nil
}

// allowsNone reports whether x is valid against none of the schemas.
func (c *schemaCompiler) allowsNone(not []exclusion, x *jsonValue) (bool, error) {
	for _, e := range not {
		if ok, err := c.allows([]*jsonValue{e.schema}, x); err != nil || ok {
			return false, err
		}
	}
	return true, nil
}

// typeOf is the type of a value; a number without a fraction is an integer.
func (v *jsonValue) typeOf() typeSet {
	switch v.kind {
	case kindBool:
		return typeBoolean
	case kindString:
		return typeString
	case kindArray:
		return typeArray
	case kindObject:
		return typeObject
	case kindNumber:
		if d, ok := parseDecimal(v.text); ok && d.frac == "" {
			return typeInteger
		}
		return typeFraction
	default:
		return typeNull
	}
}

func (c *schemaCompiler) allowsOwn(v, x *jsonValue) (bool, error) {
	if err := c.spend(1 + len(x.items) + len(x.members)); err != nil {
		return false, err
	}
	s, err := c.own(v)
	if err != nil || s.types&x.typeOf() == 0 || !c.listed(v, x) {
		return false, err
	}
	switch x.kind {
	case kindNumber:
		return s.number.allows(x)
	case kindString:
		n := utf8.RuneCountInString(x.text)
		return n >= int(s.least) && n <= int(s.most) && s.text.Match(x.text), nil
	case kindArray:
		return c.allowsArray(v, x)
	case kindObject:
		return c.allowsObject(v, x)
	default:
		return true, nil
	}
}

// listed reports whether enum and const of v let x through.
func (c *schemaCompiler) listed(v, x *jsonValue) bool {
	if k := v.get("const"); k != nil && k != x && !k.equal(x) {
		return false
	}
	e := v.get("enum")
	if e == nil || x.parent == e {
		return true
	}
	set := c.lists[e]
	if set == nil {
		set = map[string]bool{}
		for _, k := range e.items {
			set[k.canonical()] = true
		}
		c.lists[e] = set
	}
	return set[x.canonical()]
}

// own is what the keywords of v say of types, numbers and strings.
func (c *schemaCompiler) own(v *jsonValue) (*shape, error) {
	if s := c.owns[v]; s != nil {
		return s, nil
	}
	s := &shape{types: typeAny, text: automaton.Any(), most: unlimited}
	for _, take := range []func(*jsonValue) error{s.takeTypes, s.takeNumber, func(v *jsonValue) error { return c.takeText(s, v) }} {
		if err := take(v); err != nil {
			return nil, err
		}
	}
	c.owns[v] = s
	return s, nil
}

// allows reports whether number x is within bounds and a multiple.
func (s *numberSpec) allows(x *jsonValue) (bool, error) {
	d, err := x.decimal()
	if err != nil {
		return false, err
	}
	r := d.rat()
	if s.min != nil {
		if c := r.Cmp(s.min.rat()); c < 0 || c == 0 && s.min.open {
			return false, nil
		}
	}
	if s.max != nil {
		if c := r.Cmp(s.max.rat()); c > 0 || c == 0 && s.max.open {
			return false, nil
		}
	}
	for _, m := range s.multiple {
		if !new(big.Rat).Quo(r, m.rat()).IsInt() {
			return false, nil
		}
	}
	return true, nil
}

func (c *schemaCompiler) allowsArray(v, x *jsonValue) (bool, error) {
	a, err := c.array([]*jsonValue{v})
	if err != nil {
		return false, err
	}
	if len(x.items) < int(a.least) || len(x.items) > int(a.most) {
		return false, nil
	}
	seen := map[string]bool{}
	for i, item := range x.items {
		if ok, err := c.allows(a.slot(i), item); err != nil || !ok {
			return false, err
		}
		if a.unique != nil {
			if text := item.canonical(); seen[text] {
				return false, nil
			} else {
				seen[text] = true
			}
		}
	}
	return true, nil
}

func (c *schemaCompiler) allowsObject(v, x *jsonValue) (bool, error) {
	o, err := c.object([]*jsonValue{v})
	if err != nil {
		return false, err
	}
	if len(x.members) < int(o.least) || len(x.members) > int(o.most) {
		return false, nil
	}
	for name := range o.required {
		if x.get(name) == nil {
			return false, nil
		}
	}
	keys, least, most, err := c.keyNames(o)
	if err != nil {
		return false, err
	}
	for _, m := range x.members {
		if keys != nil && (!keys.Match(m.name) || !fits(m.name, least, most)) {
			return false, nil
		}
		if ok, err := c.allows(o.slotOf(m.name), m.value); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}
