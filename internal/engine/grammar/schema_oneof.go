package grammar

import (
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/engine/grammar/automaton"
)

const (
	maxOneOf     = 128 // alternatives, which are compared in pairs
	exclusiveFor = 4   // levels of properties that are looked into
)

// exclude makes sure that no value generated for s is valid against the excluded
// schemas: listed values are filtered, and of others it must be certain. So a oneOf is
// as good as an anyOf.
func (c *schemaCompiler) exclude(s *shape, d disjunct) (*shape, error) {
	if s.listed {
		kept := *s
		kept.enum = nil
		for _, x := range s.enum {
			ok, err := c.allowsRest(d, x)
			if err != nil {
				return nil, err
			}
			if ok {
				kept.enum = append(kept.enum, x)
			}
		}
		return &kept, nil
	}
	for _, e := range d.not {
		ok, err := c.outside(s, []*jsonValue{e.schema}, exclusiveFor)
		if err != nil {
			return nil, err
		}
		if ok {
			continue
		}
		reason := "it is not certain to fail wherever the rest holds"
		if e.keyword == "oneOf" {
			reason = fmt.Sprintf("alternative %s may hold together with another; use anyOf, or give each a property with a const of its own", e.schema.name)
		}
		return nil, e.at.unsupported(e.keyword, reason)
	}
	return s, nil
}

// outside reports whether surely no value generated for s is valid against y.
func (c *schemaCompiler) outside(s *shape, y []*jsonValue, depth int) (bool, error) {
	ys, err := c.slot(y)
	if err != nil {
		return false, err
	}
	for _, b := range ys {
		t, err := c.merge(b.leaves)
		if err != nil {
			return false, err
		}
		if ok, err := c.apart(s, t, depth); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// disjoint is outside for all values generated for x.
func (c *schemaCompiler) disjoint(x, y []*jsonValue, depth int) (bool, error) {
	if depth == 0 {
		return false, nil
	}
	xs, err := c.slot(x)
	if err != nil {
		return false, err
	}
	for _, a := range xs {
		s, err := c.merge(a.leaves)
		if err != nil {
			return false, err
		}
		if ok, err := c.outside(s, y, depth); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// apart is disjoint for shapes.
func (c *schemaCompiler) apart(s, t *shape, depth int) (bool, error) {
	if err := c.spend(4); err != nil {
		return false, err
	}
	switch {
	case s.listed:
		return c.none(s.enum, t.leaves)
	case t.listed:
		return c.none(t.enum, s.leaves)
	}
	common := s.generated() & t.types
	if common&(typeNull|typeBoolean) != 0 || common&typeNumber != 0 && !s.number.apart(&t.number) {
		return false, nil
	}
	if common&typeString != 0 && s.least <= t.most && t.least <= s.most {
		both, err := automaton.Intersect(s.text, t.text)
		if err != nil || !both.Empty() {
			return false, nil //nolint:nilerr // too large to tell
		}
		if err := c.b.charge(both.Cost(), c.root); err != nil {
			return false, err
		}
	}
	if common&typeArray != 0 {
		if ok, err := c.arraysApart(s, t); err != nil || !ok {
			return false, err
		}
	}
	if common&typeObject != 0 {
		return c.objectsApart(s, t, depth)
	}
	return true, nil
}

// none reports whether none of the values satisfies the leaves.
func (c *schemaCompiler) none(values, leaves []*jsonValue) (bool, error) {
	for _, v := range values {
		if ok, err := c.allowsAll(leaves, v); err != nil || ok {
			return false, err
		}
	}
	return true, nil
}

// apart reports whether the ranges do not meet.
func (s *numberSpec) apart(t *numberSpec) bool {
	below := func(a, b *bound) bool { // all up to a are below all from b
		if a == nil || b == nil {
			return false
		}
		c := a.rat().Cmp(b.rat())
		return c < 0 || c == 0 && (a.open || b.open)
	}
	return below(s.max, t.min) || below(t.max, s.min)
}

func (c *schemaCompiler) arraysApart(s, t *shape) (bool, error) {
	a, err := c.array(s.leaves)
	if err != nil {
		return false, err
	}
	b, err := c.array(t.leaves)
	return err == nil && (a.most < b.least || b.most < a.least), err
}

// objectsApart looks for a property that tells the objects apart: one that t needs
// and that is never generated for s, one that s needs and t forbids, or one that
// both need with values that are disjoint.
func (c *schemaCompiler) objectsApart(s, t *shape, depth int) (bool, error) {
	a, err := c.object(s.leaves)
	if err != nil {
		return false, err
	}
	b, err := c.object(t.leaves)
	if err != nil {
		return false, err
	}
	for name := range b.required {
		if !a.known[name] && !a.open && len(a.patterns) == 0 {
			return true, nil
		}
	}
	if a.most < b.least || b.most < a.least {
		return true, nil
	}
	for _, name := range a.names {
		if !a.required[name] {
			continue
		}
		if ok, err := c.disjoint(a.slotOf(name), b.slotOf(name), depth-1); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}
