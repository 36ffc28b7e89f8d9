package grammar

import (
	"fmt"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/grammar/automaton"
)

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
	cost := 600 * d.States()
	if least > 0 && !isAny(d) {
		cost += 8 * d.States() * int(least)
	}
	if err := c.b.charge(cost, at); err != nil {
		return nil, err
	}
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
		if ok && t != nil {
			if err := c.b.charge(1000*len(t.rows), s.leaves[0]); err != nil {
				return nil, err
			}
		}
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
