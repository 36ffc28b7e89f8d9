package jinja

import (
	"errors"
	"fmt"
)

// loop is the variable "loop" within a for.
type loop struct {
	items   []Value
	index   int // from 0
	depth   int // from 0
	changed []Value
	// again runs the loop's body over other items; nil unless the loop is recursive.
	again func(items Value, depth int) (text, error)
}

func (*loop) typeName() string { return "LoopContext" }

func (f *forStatement) exec(m *machine, s *scope, out *builder) (flow, error) {
	over, err := f.over.eval(m, s)
	if err != nil {
		return flowNext, at(f.line, err)
	}
	return flowNext, f.loop(m, s, out, over, 0)
}

// loop runs the loop over what a value holds.
func (f *forStatement) loop(m *machine, s *scope, out *builder, over Value, depth int) error {
	items, err := f.items(m, s, over)
	if err != nil {
		return at(f.line, err)
	}
	if len(items) == 0 {
		_, err := m.run(f.otherwise, &scope{parent: s}, out)
		return err
	}
	l := &loop{items: items, depth: depth}
	if f.recursive {
		l.again = func(over Value, depth int) (text, error) {
			if m.calls++; m.calls > maxCalls {
				return text{}, fmt.Errorf("a loop recurses more than %d deep", maxCalls)
			}
			defer func() { m.calls-- }()
			b := m.builder()
			if err := f.loop(m, s, b, over, depth); err != nil {
				return text{}, err
			}
			if b.over {
				return text{}, errBytes
			}
			return b.text(), nil
		}
	}
	for i, item := range items {
		if err := m.step(1); err != nil {
			return at(f.line, err)
		}
		inner := &scope{parent: s}
		l.index = i
		inner.set("loop", l)
		if err := m.assign(&f.target, item, inner); err != nil {
			return at(f.line, err)
		}
		jump, err := m.run(f.body, inner, out)
		if err != nil {
			return err
		}
		if jump == flowBreak {
			break
		}
	}
	return nil
}

// items returns what the loop goes over: what its filter lets through.
func (f *forStatement) items(m *machine, s *scope, over Value) ([]Value, error) {
	items, err := m.iterate(over)
	if err != nil || f.filter == nil {
		return items, err
	}
	var kept []Value
	for _, item := range items {
		if err := m.step(1); err != nil {
			return nil, err
		}
		inner := &scope{parent: s}
		if err := m.assign(&f.target, item, inner); err != nil {
			return nil, err
		}
		v, err := f.filter.eval(m, inner)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			kept = append(kept, item)
		}
	}
	return kept, nil
}

// attr returns an attribute of the loop variable.
func (l *loop) attr(name string) (Value, bool) {
	switch n := len(l.items); name {
	case "index":
		return integer(l.index + 1), true
	case "index0":
		return integer(l.index), true
	case "revindex":
		return integer(n - l.index), true
	case "revindex0":
		return integer(n - l.index - 1), true
	case "first":
		return boolean(l.index == 0), true
	case "last":
		return boolean(l.index == n-1), true
	case "length":
		return integer(n), true
	case "depth":
		return integer(l.depth + 1), true
	case "depth0":
		return integer(l.depth), true
	case "previtem":
		if l.index == 0 {
			return undefined{why: "there is no previous item"}, true
		}
		return l.items[l.index-1], true
	case "nextitem":
		if l.index == n-1 {
			return undefined{why: "there is no next item"}, true
		}
		return l.items[l.index+1], true
	case "cycle":
		return &function{name: "cycle", call: l.cycle}, true
	case "changed":
		return &function{name: "changed", call: l.hasChanged}, true
	}
	return nil, false
}

func (l *loop) cycle(_ *machine, a *callArgs) (Value, error) {
	if len(a.positional) == 0 {
		return nil, errors.New("no items for cycling given")
	}
	return a.positional[l.index%len(a.positional)], nil
}

func (l *loop) hasChanged(m *machine, a *callArgs) (Value, error) {
	now := tuple(a.positional...)
	same := false
	if l.changed != nil {
		var err error
		if same, err = m.equal(tuple(l.changed...), now, 0); err != nil {
			return nil, err
		}
	}
	l.changed = append(make([]Value, 0, 1), a.positional...)
	return boolean(!same), nil
}
