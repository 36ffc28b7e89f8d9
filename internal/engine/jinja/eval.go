package jinja

import (
	"errors"
	"fmt"
)

func (c *constExpression) eval(*machine, *scope) (Value, error) { return c.value, nil }

func (n *nameExpression) eval(m *machine, s *scope) (Value, error) {
	if err := m.step(1); err != nil {
		return nil, at(n.line, err)
	}
	return m.resolve(s, n.name), nil
}

func (a *attrExpression) eval(m *machine, s *scope) (Value, error) {
	of, err := a.of.eval(m, s)
	if err != nil {
		return nil, err
	}
	if err := m.step(1); err != nil {
		return nil, at(a.line, err)
	}
	v, err := m.attr(of, a.name)
	return v, at(a.line, err)
}

func (i *itemExpression) eval(m *machine, s *scope) (Value, error) {
	of, err := i.of.eval(m, s)
	if err != nil {
		return nil, err
	}
	item, err := i.item.eval(m, s)
	if err != nil {
		return nil, err
	}
	if err := m.step(1); err != nil {
		return nil, at(i.line, err)
	}
	v, err := m.item(of, item)
	return v, at(i.line, err)
}

func (x *sliceExpression) eval(m *machine, s *scope) (Value, error) {
	of, err := x.of.eval(m, s)
	if err != nil {
		return nil, err
	}
	var bounds [3]Value
	for i, e := range []expression{x.start, x.end, x.step} {
		if e == nil {
			continue
		}
		if bounds[i], err = e.eval(m, s); err != nil {
			return nil, err
		}
	}
	v, err := m.slice(of, bounds[0], bounds[1], bounds[2])
	if err != nil {
		return nil, at(x.line, err)
	}
	v, err = m.charge(v)
	return v, at(x.line, err)
}

func (c *callExpression) eval(m *machine, s *scope) (Value, error) {
	fn, err := c.fn.eval(m, s)
	if err != nil {
		return nil, err
	}
	a, err := c.args.evaluate(m, s)
	if err != nil {
		return nil, at(c.line, err)
	}
	if l, ok := fn.(*loop); ok {
		v, err := l.recurse(a)
		return v, at(c.line, err)
	}
	v, err := m.call(fn, a)
	return v, at(c.line, err)
}

// recurse is loop(items) within a recursive loop.
func (l *loop) recurse(a *callArgs) (Value, error) {
	if l.again == nil || len(a.positional) != 1 {
		return nil, errors.New("the loop must have the 'recursive' marker, and is called with one value")
	}
	return l.again(a.positional[0], l.depth+1)
}

func (f *filterExpression) eval(m *machine, s *scope) (Value, error) {
	in, err := f.input.eval(m, s)
	if err != nil {
		return nil, err
	}
	return f.apply(m, s, in)
}

func (f *filterExpression) apply(m *machine, s *scope, in Value) (Value, error) {
	a, err := f.args.evaluate(m, s)
	if err != nil {
		return nil, at(f.line, err)
	}
	v, err := m.filter(f.name, in, a)
	return v, at(f.line, err)
}

// filter applies a filter by its name.
func (m *machine) filter(name string, in Value, a *callArgs) (Value, error) {
	fn := filterNamed(name)
	if fn == nil {
		return nil, fmt.Errorf("No filter named '%s'.", name) //nolint:staticcheck // jinja2's words
	}
	if err := m.step(1); err != nil {
		return nil, err
	}
	v, err := fn(m, in, a)
	if err != nil {
		if isOwn(err) {
			return nil, err
		}
		return nil, fmt.Errorf("filter %s: %w", name, err)
	}
	return m.charge(v)
}

func (t *testExpression) eval(m *machine, s *scope) (Value, error) {
	in, err := t.input.eval(m, s)
	if err != nil {
		return nil, err
	}
	a, err := t.args.evaluate(m, s)
	if err != nil {
		return nil, at(t.line, err)
	}
	ok, err := m.test(t.name, in, a)
	return boolean(ok), at(t.line, err)
}

// test applies a test by its name.
func (m *machine) test(name string, in Value, a *callArgs) (bool, error) {
	fn := testNamed(name)
	if fn == nil {
		return false, fmt.Errorf("No test named '%s'.", name) //nolint:staticcheck // jinja2's words
	}
	if err := m.step(1); err != nil {
		return false, err
	}
	return fn(m, in, a)
}

func (n *notExpression) eval(m *machine, s *scope) (Value, error) {
	v, err := n.of.eval(m, s)
	if err != nil {
		return nil, err
	}
	return boolean(!truth(v)), nil
}

func (u *unaryExpression) eval(m *machine, s *scope) (Value, error) {
	v, err := u.of.eval(m, s)
	if err != nil {
		return nil, err
	}
	if un, ok := v.(undefined); ok {
		return nil, at(u.line, errors.New(un.why))
	}
	n, ok := number(v)
	if !ok {
		return nil, at(u.line, fmt.Errorf("bad operand type for unary %s: '%s'", u.op, v.typeName()))
	}
	if u.op == "+" {
		return n, nil
	}
	out, err := arithmetic("-", integer(0), n)
	if f, isFloat := n.(float); isFloat {
		return float{f: -f.f}, nil
	}
	return out, at(u.line, err)
}

func (b *binaryExpression) eval(m *machine, s *scope) (Value, error) {
	left, err := b.left.eval(m, s)
	if err != nil {
		return nil, err
	}
	right, err := b.right.eval(m, s)
	if err != nil {
		return nil, err
	}
	if err := m.step(1); err != nil {
		return nil, at(b.line, err)
	}
	v, err := m.binary(b.op, left, right)
	return v, at(b.line, err)
}

func (l *logicExpression) eval(m *machine, s *scope) (Value, error) {
	if err := m.step(1); err != nil {
		return nil, err
	}
	v, err := l.left.eval(m, s)
	if err != nil || truth(v) != l.and {
		return v, err
	}
	return l.right.eval(m, s)
}

func (c *concatExpression) eval(m *machine, s *scope) (Value, error) {
	b := m.builder()
	for _, e := range c.parts {
		v, err := e.eval(m, s)
		if err != nil {
			return nil, err
		}
		t, err := m.str(v)
		if err != nil {
			return nil, err
		}
		b.add(t)
	}
	return m.build(b)
}

func (c *compareExpression) eval(m *machine, s *scope) (Value, error) {
	left, err := c.first.eval(m, s)
	if err != nil {
		return nil, err
	}
	for _, cmp := range c.rest {
		right, err := cmp.to.eval(m, s)
		if err != nil {
			return nil, err
		}
		if err := m.step(1); err != nil {
			return nil, at(c.line, err)
		}
		ok, err := m.compare(cmp.op, left, right)
		if err != nil {
			return nil, at(c.line, err)
		}
		if !ok {
			return boolean(false), nil
		}
		left = right
	}
	return boolean(true), nil
}

func (c *condExpression) eval(m *machine, s *scope) (Value, error) {
	v, err := c.test.eval(m, s)
	if err != nil {
		return nil, err
	}
	if truth(v) {
		return c.then.eval(m, s)
	}
	if c.otherwise == nil {
		return undefined{why: "the inline if-expression evaluated to false and no else section was defined."}, nil
	}
	return c.otherwise.eval(m, s)
}

func (l *listExpression) eval(m *machine, s *scope) (Value, error) {
	items := make([]Value, len(l.items))
	for i, e := range l.items {
		v, err := e.eval(m, s)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return m.charge(&list{items: items, tuple: l.tuple})
}

func (d *dictExpression) eval(m *machine, s *scope) (Value, error) {
	out := &Dict{}
	for i := range d.keys {
		k, err := d.keys[i].eval(m, s)
		if err != nil {
			return nil, err
		}
		v, err := d.values[i].eval(m, s)
		if err != nil {
			return nil, err
		}
		h, err := hash(k)
		if err != nil {
			return nil, at(d.line, err)
		}
		out.put(k, h, v)
	}
	return m.charge(out)
}
