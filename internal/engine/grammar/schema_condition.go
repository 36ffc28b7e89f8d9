package grammar

import "slices"

// conditions adds what the keywords of v ask for in some cases only: each is a choice
// between the case where it applies and the one where it does not.
func (c *schemaCompiler) conditions(all []disjunct, v *jsonValue, path []*jsonValue) ([]disjunct, error) {
	all, err := c.ifThenElse(all, v, path)
	if err != nil {
		return nil, err
	}
	for _, keyword := range []string{"dependentRequired", "dependentSchemas", "dependencies"} {
		members, err := v.properties(keyword)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if all, err = c.dependent(all, v, m, path); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// ifThenElse is either if and then, or else without if.
func (c *schemaCompiler) ifThenElse(all []disjunct, v *jsonValue, path []*jsonValue) ([]disjunct, error) {
	test := v.get("if")
	if test == nil || v.get("then") == nil && v.get("else") == nil {
		return all, nil
	}
	yes, err := c.expand(test, path)
	if err != nil {
		return nil, err
	}
	no, err := c.negate(test, path)
	if err != nil {
		return nil, err
	}
	if then := v.get("then"); then != nil {
		if yes, err = c.and(yes, then, path); err != nil {
			return nil, err
		}
	}
	if other := v.get("else"); other != nil {
		if no, err = c.and(no, other, path); err != nil {
			return nil, err
		}
	}
	return c.cross(all, append(yes, no...), v)
}

// dependent is either without the property m.name, or with what that demands.
func (c *schemaCompiler) dependent(all []disjunct, v *jsonValue, m jsonMember, path []*jsonValue) ([]disjunct, error) {
	demand := m.value
	if demand.kind == kindArray {
		demand = c.pair(v, "required", demand)
	}
	with, err := c.expand(demand, path)
	if err != nil {
		return nil, err
	}
	if with, err = c.and(with, c.pair(v, "required", c.list(v, m.name)), path); err != nil {
		return nil, err
	}
	without, err := c.expand(c.without(v, m.name), path)
	if err != nil {
		return nil, err
	}
	return c.cross(all, append(without, with...), v)
}

// negate returns ways not to satisfy test. Where that is about the members of an
// object, one of them fails: one with listed values, if there is such; or one that is
// needed is absent. Other schemas have to be certain to fail by what else holds.
func (c *schemaCompiler) negate(test *jsonValue, path []*jsonValue) ([]disjunct, error) {
	switch {
	case test.kind == kindBool && test.truth, test.kind == kindObject && len(test.members) == 0:
		return nil, nil
	case test.kind == kindBool:
		return []disjunct{{}}, nil
	}
	members, err := test.properties("properties")
	if err != nil {
		return nil, err
	}
	if !aboutMembers(test) {
		return []disjunct{{not: []exclusion{{test, test, "if"}}}}, nil
	}
	if listed := slices.DeleteFunc(slices.Clone(members), func(m jsonMember) bool {
		return m.value.get("const") == nil && m.value.get("enum") == nil
	}); len(listed) > 0 {
		members = listed
	}
	var ways []*jsonValue
	for _, m := range members {
		fails := c.pair(test, m.name, c.pair(test, "not", m.value))
		way := c.pair(test, "properties", fails)
		c.put(way, "required", c.list(test, m.name))
		ways = append(ways, way)
	}
	if r := test.get("required"); r != nil {
		for _, name := range r.items {
			ways = append(ways, c.without(test, name.text))
		}
	}
	var all []disjunct
	for _, way := range ways {
		c.put(way, "type", c.text(test, "object")) // for other values members say nothing
		each, err := c.expand(way, path)
		if err != nil {
			return nil, err
		}
		all = append(all, each...)
	}
	return all, nil
}

// aboutMembers reports whether a schema says nothing but which members there are.
func aboutMembers(v *jsonValue) bool {
	some := false
	for _, m := range v.members {
		switch m.name {
		case "properties", "required":
			some = some || len(m.value.members) > 0 || len(m.value.items) > 0
		case "type":
			if m.value.text != "object" {
				return false
			}
		case "title", "description", "$comment":
		default:
			return false
		}
	}
	return some
}

// without is a schema of objects that lack a property.
func (c *schemaCompiler) without(at *jsonValue, name string) *jsonValue {
	return c.pair(at, "properties", c.pair(at, name, c.made(at, &jsonValue{kind: kindBool})))
}

// made gives a value that no text holds an identity, and the place of at.
func (c *schemaCompiler) made(at, v *jsonValue) *jsonValue {
	c.ids--
	v.id, v.parent, v.name = c.ids, at.parent, at.name
	return v
}

// pair makes an object with one member.
func (c *schemaCompiler) pair(at *jsonValue, name string, value *jsonValue) *jsonValue {
	v := c.made(at, &jsonValue{kind: kindObject, byName: map[string]*jsonValue{}})
	c.put(v, name, value)
	return v
}

// put adds a member to an object that was made.
func (c *schemaCompiler) put(v *jsonValue, name string, value *jsonValue) {
	v.byName[name] = value
	v.members = append(v.members, jsonMember{name, value})
}

func (c *schemaCompiler) text(at *jsonValue, text string) *jsonValue {
	return c.made(at, &jsonValue{kind: kindString, text: text})
}

func (c *schemaCompiler) list(at *jsonValue, text string) *jsonValue {
	return c.made(at, &jsonValue{kind: kindArray, items: []*jsonValue{c.text(at, text)}})
}
