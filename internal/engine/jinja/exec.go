package jinja

import (
	"errors"
	"fmt"
)

func (d *dataStatement) exec(_ *machine, _ *scope, out *builder) (flow, error) {
	out.addString(d.text, 0)
	return flowNext, nil
}

func (o *outputStatement) exec(m *machine, s *scope, out *builder) (flow, error) {
	v, err := o.expr.eval(m, s)
	if err != nil {
		return flowNext, at(o.line, err)
	}
	t, err := m.str(v)
	if err != nil {
		return flowNext, at(o.line, err)
	}
	out.add(t)
	return flowNext, nil
}

func (i *ifStatement) exec(m *machine, s *scope, out *builder) (flow, error) {
	for _, b := range i.branches {
		v, err := b.test.eval(m, s)
		if err != nil {
			return flowNext, err
		}
		if truth(v) {
			return m.run(b.body, s, out)
		}
	}
	return m.run(i.otherwise, s, out)
}

func (st *setStatement) exec(m *machine, s *scope, _ *builder) (flow, error) {
	v, err := st.value.eval(m, s)
	if err == nil {
		err = m.assign(&st.target, v, s)
	}
	return flowNext, at(st.line, err)
}

// assign sets what a target names.
func (m *machine) assign(t *target, v Value, s *scope) error {
	switch {
	case t.tuple != nil:
		items, err := m.iterate(v)
		if err != nil {
			return fmt.Errorf("cannot unpack: %w", err)
		}
		if len(items) != len(t.tuple) {
			return fmt.Errorf("cannot unpack %d values into %d", len(items), len(t.tuple))
		}
		for i := range t.tuple {
			if err := m.assign(&t.tuple[i], items[i], s); err != nil {
				return err
			}
		}
	case t.attr != "":
		ns, ok := m.resolve(s, t.name).(*namespace)
		if !ok {
			return errors.New("cannot assign attribute on non-namespace object")
		}
		ns.attrs.Set(t.attr, v)
	default:
		s.set(t.name, v)
	}
	return nil
}

func (st *setBlockStatement) exec(m *machine, s *scope, _ *builder) (flow, error) {
	t, err := m.capture(st.body, &scope{parent: s})
	if err != nil {
		return flowNext, err
	}
	v, err := m.applyAll(st.filters, t, s)
	if err == nil {
		err = m.assign(&st.target, v, s)
	}
	return flowNext, at(st.line, err)
}

// applyAll applies a block's filters to its text.
func (m *machine) applyAll(filters []*filterExpression, t text, s *scope) (Value, error) {
	var v Value = t
	for _, f := range filters {
		var err error
		if v, err = f.apply(m, s, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (f *filterStatement) exec(m *machine, s *scope, out *builder) (flow, error) {
	t, err := m.capture(f.body, &scope{parent: s})
	if err != nil {
		return flowNext, err
	}
	v, err := m.applyAll(f.filters, t, s)
	if err != nil {
		return flowNext, at(f.line, err)
	}
	if t, err = m.str(v); err != nil {
		return flowNext, at(f.line, err)
	}
	out.add(t)
	return flowNext, nil
}

func (w *withStatement) exec(m *machine, s *scope, out *builder) (flow, error) {
	inner := &scope{parent: s}
	for i, e := range w.values {
		v, err := e.eval(m, s)
		if err == nil {
			err = m.assign(&w.targets[i], v, inner)
		}
		if err != nil {
			return flowNext, at(w.line, err)
		}
	}
	return m.run(w.body, inner, out)
}

func (g *scopeStatement) exec(m *machine, s *scope, out *builder) (flow, error) {
	return m.run(g.body, &scope{parent: s}, out)
}

func (j *jumpStatement) exec(*machine, *scope, *builder) (flow, error) { return j.flow, nil }

func (ms *macroStatement) exec(_ *machine, s *scope, _ *builder) (flow, error) {
	s.set(ms.name, &macro{name: ms.name, line: ms.line, sig: ms.sig, home: s})
	return flowNext, nil
}

func (c *callStatement) exec(m *machine, s *scope, out *builder) (flow, error) {
	fn, err := c.call.fn.eval(m, s)
	if err != nil {
		return flowNext, err
	}
	a, err := c.call.args.evaluate(m, s)
	if err != nil {
		return flowNext, at(c.line, err)
	}
	callee, ok := fn.(*macro)
	if !ok {
		return flowNext, at(c.line, fmt.Errorf("'%s' object takes no call block", fn.typeName()))
	}
	v, err := callee.call(m, a, &macro{name: "caller", line: c.line, sig: c.sig, home: s})
	if err != nil {
		return flowNext, at(c.line, err)
	}
	t, err := m.str(v)
	out.add(t)
	return flowNext, at(c.line, err)
}

// macro is a template's own function.
type macro struct {
	name string
	line int
	sig  *signature
	home *scope // where it was defined
}

func (*macro) typeName() string { return "Macro" }

// call runs the macro; its value is its text.
func (mc *macro) call(m *machine, a *callArgs, caller Value) (Value, error) {
	if m.calls++; m.calls > maxCalls {
		return nil, fmt.Errorf("macros call each other more than %d deep", maxCalls)
	}
	defer func() { m.calls-- }()
	s := &scope{parent: mc.home}
	if err := mc.bind(m, s, a, caller); err != nil {
		return nil, err
	}
	t, err := m.capture(mc.sig.body, s)
	return t, at(mc.line, err)
}

// bind sets the macro's parameters in its scope.
func (mc *macro) bind(m *machine, s *scope, a *callArgs, caller Value) error {
	sig := mc.sig
	given := make(map[string]Value, len(a.named))
	for _, n := range a.named {
		if _, twice := given[n.name]; twice {
			return fmt.Errorf("macro '%s' got multiple values for argument '%s'", mc.name, n.name)
		}
		given[n.name] = n.value
	}
	if v, ok := given["caller"]; ok && caller == nil {
		caller = v
		delete(given, "caller")
	}
	for i, p := range sig.params {
		v, named := given[p]
		delete(given, p)
		switch {
		case i < len(a.positional):
			if named {
				return fmt.Errorf("macro '%s' got multiple values for argument '%s'", mc.name, p)
			}
			v = a.positional[i]
		case named:
		case i >= len(sig.params)-len(sig.defaults):
			var err error
			if v, err = sig.defaults[i-len(sig.params)+len(sig.defaults)].eval(m, s); err != nil {
				return err
			}
		default:
			v = undefined{why: fmt.Sprintf("parameter '%s' was not provided", p)}
		}
		s.set(p, v)
	}
	return mc.bindRest(s, a, given, caller)
}

// bindRest sets what the macro takes beside its parameters.
func (mc *macro) bindRest(s *scope, a *callArgs, given map[string]Value, caller Value) error {
	sig := mc.sig
	var rest []Value
	if len(a.positional) > len(sig.params) {
		rest = a.positional[len(sig.params):]
	}
	switch {
	case sig.varargs:
		s.set("varargs", tuple(rest...))
	case len(rest) > 0:
		return fmt.Errorf("macro '%s' takes not more than %d argument(s)", mc.name, len(sig.params))
	}
	switch {
	case sig.kwargs:
		d := &Dict{}
		for _, n := range a.named { // in the order of the call
			if v, ok := given[n.name]; ok {
				d.Set(n.name, v)
			}
		}
		s.set("kwargs", d)
	case len(given) > 0:
		for _, n := range a.named {
			if _, ok := given[n.name]; ok {
				return fmt.Errorf("macro '%s' takes no keyword argument '%s'", mc.name, n.name)
			}
		}
	}
	switch {
	case caller == nil:
		if sig.caller {
			s.set("caller", undefined{why: "No caller defined"})
		}
	case sig.caller:
		s.set("caller", caller)
	default:
		return fmt.Errorf("macro '%s' was invoked with two values for the special caller argument or takes none", mc.name)
	}
	return nil
}
