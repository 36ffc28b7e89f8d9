package grammar

import (
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/engine/grammar/automaton"
)

// objectShape is what the leaves say of an object's members.
type objectShape struct {
	leaves   []*jsonValue
	names    []string // in the order in which they are generated
	known    map[string]bool
	required map[string]bool
	patterns []keyPattern
	open     bool // other members are explicitly allowed
	least    int32
	most     int32
}

// Bounds of the properties of one object.
const (
	maxProperties = 4096
	maxPatterns   = 32
	maxName       = 4096 // bytes
)

// keyPattern is an expression of patternProperties.
type keyPattern struct {
	text string
	keys *automaton.DFA
	at   *jsonValue
}

// properties returns the members of an object-valued keyword.
func (v *jsonValue) properties(keyword string) ([]jsonMember, error) {
	p := v.get(keyword)
	if p == nil {
		return nil, nil
	}
	if p.kind != kindObject {
		return nil, p.invalid("it must be an object")
	}
	return p.members, nil
}

// object gathers what leaves say of members. The result is shared: it is not changed.
func (c *schemaCompiler) object(leaves []*jsonValue) (*objectShape, error) {
	k := key(leaves)
	if o := c.objects[k]; o != nil {
		return o, nil
	}
	o, err := c.newObjectShape(leaves)
	if err != nil {
		return nil, err
	}
	c.objects[k] = o
	return o, nil
}

func (c *schemaCompiler) newObjectShape(leaves []*jsonValue) (*objectShape, error) {
	o := &objectShape{leaves: leaves, known: map[string]bool{}, required: map[string]bool{}, most: unlimited}
	declared := false
	for _, v := range leaves {
		members, err := v.properties("properties")
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			o.name(m.name)
		}
		declared = declared || v.get("properties") != nil
		if err := c.takePatterns(o, v); err != nil {
			return nil, err
		}
		least, err := v.count("minProperties", 0)
		if err != nil {
			return nil, err
		}
		most, err := v.count("maxProperties", unlimited)
		if err != nil {
			return nil, err
		}
		o.least, o.most = max(o.least, least), min(o.most, most)
		o.open = o.open || v.get("additionalProperties") != nil
	}
	for _, v := range leaves { // required names that no properties describe come last
		if err := o.takeRequired(v); err != nil {
			return nil, err
		}
	}
	if !o.open && !declared && len(o.names) == 0 && len(o.patterns) == 0 {
		o.open = true // nothing is said of members at all
	}
	for _, v := range leaves {
		if u := v.get("unevaluatedProperties"); u != nil && !u.truth {
			o.open = o.open && v.get("additionalProperties") != nil
		}
	}
	return o, nil
}

func (o *objectShape) name(name string) {
	if !o.known[name] {
		o.known[name] = true
		o.names = append(o.names, name)
	}
}

func (o *objectShape) takeRequired(v *jsonValue) error {
	r := v.get("required")
	if r == nil || r.kind == kindBool { // draft 3's "required": true says nothing of members
		return nil
	}
	if r.kind != kindArray {
		return r.invalid("it must be a list of names")
	}
	for _, n := range r.items {
		if n.kind != kindString {
			return n.invalid("it must be a name")
		}
		o.name(n.text)
		o.required[n.text] = true
	}
	return nil
}

func (c *schemaCompiler) takePatterns(o *objectShape, v *jsonValue) error {
	members, err := v.properties("patternProperties")
	if err != nil {
		return err
	}
	for _, m := range members {
		if o.pattern(m.name) != nil {
			continue
		}
		if len(o.patterns) == maxPatterns {
			return &LimitError{What: "patternProperties of one object", Limit: maxPatterns, Pointer: v.pointer()}
		}
		keys, err := c.patternOf(m.name, "patternProperties", m.value)
		if err != nil {
			return err
		}
		o.patterns = append(o.patterns, keyPattern{m.name, keys, m.value})
	}
	return nil
}

func (o *objectShape) pattern(text string) *keyPattern {
	for i := range o.patterns {
		if o.patterns[i].text == text {
			return &o.patterns[i]
		}
	}
	return nil
}

// slotOf is what the value of the member name must satisfy.
func (o *objectShape) slotOf(name string) []*jsonValue {
	return o.slot(&name, func(p *keyPattern) bool { return p.keys.Match(name) })
}

// slot is what the value of a member must satisfy: by its name, unless that is nil, and
// by the patterns that matches says its name fits.
func (o *objectShape) slot(of *string, matches func(*keyPattern) bool) []*jsonValue {
	var slot []*jsonValue
	name := ""
	if of != nil {
		name = *of
	}
	for _, v := range o.leaves {
		found := false
		if p := v.get("properties"); p != nil && of != nil && p.get(name) != nil {
			slot, found = append(slot, p.get(name)), true
		}
		if p := v.get("patternProperties"); p != nil {
			for _, m := range p.members {
				if matches(o.pattern(m.name)) {
					slot, found = append(slot, m.value), true
				}
			}
		}
		if a := v.get("additionalProperties"); a != nil && !found {
			slot = append(slot, a)
		}
	}
	return slot
}

// drawObject gives r the graph of an object.
func (c *schemaCompiler) drawObject(r *rule, s *shape) error {
	o, err := c.object(s.leaves)
	if err != nil {
		return err
	}
	if len(o.names) > maxProperties {
		return &LimitError{What: "properties of one object", Limit: maxProperties, Pointer: s.leaves[0].pointer()}
	}
	keys, least, most, err := c.keyNames(o)
	if err != nil {
		return err
	}
	var members []member
	needed := int32(0)
	for _, name := range o.names {
		if len(name) > maxName {
			return &LimitError{What: "bytes of a property's name", Limit: maxName, Pointer: s.leaves[0].pointer()}
		}
		if err := c.spend(1 + len(o.patterns)); err != nil {
			return err
		}
		m := member{name: quoteText(name), required: o.required[name]}
		if m.required {
			needed++
		}
		if keys == nil || keys.Match(name) && fits(name, least, most) {
			if m.values, err = c.rules(o.slotOf(name)); err != nil {
				return err
			}
		}
		if len(m.values) == 0 && !m.required {
			continue // there is no such member
		}
		members = append(members, m)
	}
	named := len(members)
	if o.most > 0 {
		kinds, err := c.kinds(o, keys, least, most)
		if err != nil {
			return err
		}
		members = append(members, kinds...)
	}
	return c.finishObject(r, o, members, named, needed)
}

// finishObject counts the members where that is asked for, and draws.
func (c *schemaCompiler) finishObject(r *rule, of *objectShape, members []member, named int, needed int32) error {
	o := *of
	g := &objectGraph{members: members[:named], kinds: members[named:]}
	if o.least <= needed {
		o.least = 0
	}
	at := o.leaves[0]
	if int64(o.most) >= int64(named) && len(g.kinds) == 0 {
		o.most = unlimited
	}
	g.limited, g.least = o.least > 0 || o.most != unlimited, o.least
	if g.limited && o.least > 1 && len(g.kinds) > 0 {
		return at.get1("minProperties").unsupported("minProperties",
			"names that are not listed may repeat, so more than one of them cannot be counted")
	}
	if o.least > o.most || needed > o.most || len(g.kinds) == 0 && int(o.least) > named {
		d := &draft{} // no such object
		return c.b.finish(r, d, d.node(spaceNone), 0, unlimited)
	}
	if g.limited {
		c.b.counted = append(c.b.counted, counted{r, at})
	}
	lo, hi := int32(0), int32(unlimited)
	if g.limited {
		lo, hi = o.least, o.most
	}
	return c.b.finish(r, g.draft(), 0, lo, hi)
}

// get1 returns the member name, or v itself where another leaf has it.
func (v *jsonValue) get1(name string) *jsonValue {
	if m := v.get(name); m != nil {
		return m
	}
	return v
}

// kinds are the members without a name of their own: those of each pattern, and the
// others. A name that several patterns fit is not generated.
func (c *schemaCompiler) kinds(o *objectShape, keys *automaton.DFA, least, most int32) ([]member, error) {
	if keys == nil {
		keys = automaton.Any()
	}
	if len(o.names) > 0 {
		var err error
		if keys, err = automaton.Minus(keys, automaton.Literals(o.names)); err != nil {
			return nil, &LimitError{What: "states of the names that are left", Limit: maxNodes, Pointer: o.leaves[0].pointer()}
		}
		if err := c.b.charge(2*keys.Cost(), o.leaves[0]); err != nil {
			return nil, err
		}
	}
	var kinds []member
	for i := range o.patterns {
		p := &o.patterns[i]
		only, err := c.partition(o, keys, p)
		if err != nil {
			return nil, err
		}
		m, err := c.kind(o, only, least, most, func(q *keyPattern) bool { return q == p })
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, m...)
	}
	if !o.open {
		return kinds, nil
	}
	rest, err := c.partition(o, keys, nil)
	if err != nil {
		return nil, err
	}
	m, err := c.kind(o, rest, least, most, func(*keyPattern) bool { return false })
	return append(kinds, m...), err
}

// partition returns the names in keys that fit the pattern p, if any, and no other.
func (c *schemaCompiler) partition(o *objectShape, keys *automaton.DFA, p *keyPattern) (*automaton.DFA, error) {
	var err error
	for i := range o.patterns {
		q := &o.patterns[i]
		if q == p {
			keys, err = automaton.Intersect(keys, q.keys)
		} else {
			keys, err = automaton.Minus(keys, q.keys)
		}
		if err != nil {
			return nil, q.at.unsupported("patternProperties", err.Error())
		}
		if err := c.b.charge(keys.Cost(), q.at); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// kind is the member whose names are keys; none where there is no such.
func (c *schemaCompiler) kind(o *objectShape, keys *automaton.DFA, least, most int32, matches func(*keyPattern) bool) ([]member, error) {
	values, err := c.rules(o.slot(nil, matches))
	if err != nil || len(values) == 0 {
		return nil, err
	}
	var key []*rule
	if isAny(keys) && least == 0 && most == unlimited {
		key = []*rule{c.b.c.json.text}
	} else if key, err = c.quotedRule(keys, least, most, o.leaves[0]); err != nil {
		return nil, err
	}
	var members []member
	for _, k := range key {
		members = append(members, member{key: k, values: values})
	}
	return members, nil
}

// keyNames returns what propertyNames asks for; nil: nothing.
func (c *schemaCompiler) keyNames(o *objectShape) (keys *automaton.DFA, least, most int32, err error) {
	var slot []*jsonValue
	for _, v := range o.leaves {
		if n := v.get("propertyNames"); n != nil {
			slot = append(slot, n)
		}
	}
	if len(slot) == 0 {
		return nil, 0, unlimited, nil
	}
	disjuncts, err := c.slot(slot)
	switch {
	case err != nil:
		return nil, 0, 0, err
	case len(disjuncts) == 0:
		return automaton.Literals(nil), 0, unlimited, nil
	case len(disjuncts) > 1:
		return nil, 0, 0, slot[0].unsupported("propertyNames", "a choice of several schemas for names is not")
	}
	s, err := c.merge(disjuncts[0].leaves)
	if err == nil {
		s, err = c.exclude(s, disjuncts[0])
	}
	if err != nil {
		return nil, 0, 0, err
	}
	switch {
	case s.listed:
		var names []string
		for _, v := range s.enum {
			if v.kind == kindString {
				names = append(names, v.text)
			}
		}
		return automaton.Literals(names), 0, unlimited, nil
	case s.types&typeString == 0:
		return automaton.Literals(nil), 0, unlimited, nil
	}
	return s.text, s.least, s.most, nil
}

// fits reports whether a name has from least to most characters.
func fits(name string, least, most int32) bool {
	n := int32(len([]rune(name))) //nolint:gosec // bounded by the schema's size
	return least <= n && n <= most
}

// counted is a rule that counts members: it must not lose any way to make them up.
type counted struct {
	rule *rule
	at   *jsonValue
}

// uncounted refuses a counting object some of whose members turn out impossible.
func (b *builder) uncounted() error {
	for _, k := range b.counted {
		if k.rule.need < never && k.rule.pruned {
			return k.at.unsupported("minProperties", fmt.Sprintf("some properties of the object at %q can have no value", k.at.pointer()))
		}
	}
	return nil
}
