package jinja

import (
	"errors"
	"fmt"
	"time"
)

// Defaults and bounds of a rendering.
const (
	defaultSteps = 5_000_000
	defaultBytes = 512 << 20
	maxText      = 64 << 20 // bytes of one text
	maxCalls     = 64       // macros within macros
	maxNesting   = 200      // of values, where they are printed or compared
	maxRange     = 100_000  // as in jinja2's sandbox
	maxParts     = 1 << 20  // of a text that is cut
	stepBytes    = 256      // as many bytes cost as much as a step
	textSize     = 64       // bytes that a text takes beside its own
)

// errors of a template that wants too much.
var (
	errSteps   = errors.New("the template does too much work")
	errBytes   = errors.New("the template makes too much text")
	errNesting = errors.New("a value is nested too deeply")
)

// machine is one rendering.
type machine struct {
	steps int // left
	bytes int // left
	calls int // macros being run
	now   func() time.Time
}

// Render renders the template with the given variables. The result's neighbouring
// segments have different sources. An error is an *Error.
func (t *Template) Render(vars map[string]Value, o Options) ([]Segment, error) {
	m := &machine{steps: o.Steps, bytes: o.Bytes, now: o.Now}
	if m.steps == 0 {
		m.steps = defaultSteps
	}
	if m.bytes == 0 {
		m.bytes = defaultBytes
	}
	root := &scope{}
	for name, v := range vars {
		root.set(name, v)
	}
	out := m.builder()
	if _, err := m.run(t.body, &scope{parent: root}, out); err != nil {
		return nil, at(1, err)
	}
	return out.segments(), nil
}

// at gives an error a line, unless it has one.
func at(line int, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	_, isRaised := errors.AsType[*raised](err)
	return &Error{Line: line, Message: err.Error(), Raised: isRaised}
}

// step pays for n steps.
func (m *machine) step(n int) error {
	if m.steps -= n; m.steps < 0 {
		return errSteps
	}
	return nil
}

// spend pays for n bytes.
func (m *machine) spend(n int) error {
	m.bytes -= n
	if m.bytes < 0 || n > maxText {
		return errBytes
	}
	return m.step(n / stepBytes)
}

// charge pays for a new value.
func (m *machine) charge(v Value) (Value, error) {
	n := 0
	switch v := v.(type) {
	case text:
		n = len(v.s)
	case *list:
		n = 16 * len(v.items)
		if err := m.step(len(v.items)); err != nil {
			return nil, err
		}
	case *Dict:
		n = 64 * v.Len()
	}
	return v, m.spend(n)
}

// builder returns a builder that takes no more than the machine may still make.
func (m *machine) builder() *builder { return &builder{room: min(maxText, max(m.bytes, 0))} }

// build pays for what b holds and returns it.
func (m *machine) build(b *builder) (Value, error) {
	if b.over {
		return nil, errBytes
	}
	return m.charge(b.text())
}

// run runs statements.
func (m *machine) run(body []statement, s *scope, out *builder) (flow, error) {
	for _, st := range body {
		if err := m.step(1); err != nil {
			return flowNext, err
		}
		f, err := st.exec(m, s, out)
		if err != nil || f != flowNext {
			return f, err
		}
		if out.over {
			return flowNext, errBytes
		}
	}
	return flowNext, nil
}

// capture runs statements and returns their text.
func (m *machine) capture(body []statement, s *scope) (text, error) {
	b := m.builder()
	if _, err := m.run(body, s, b); err != nil {
		return text{}, err
	}
	if b.over {
		return text{}, errBytes
	}
	return b.text(), m.spend(b.len())
}

// scope holds variables. What is set in it hides what its parents hold.
type scope struct {
	parent *scope
	names  []string
	values []Value
}

func (s *scope) set(name string, v Value) {
	for i, n := range s.names {
		if n == name {
			s.values[i] = v
			return
		}
	}
	s.names = append(s.names, name)
	s.values = append(s.values, v)
}

func (s *scope) get(name string) (Value, bool) {
	for ; s != nil; s = s.parent {
		for i, n := range s.names {
			if n == name {
				return s.values[i], true
			}
		}
	}
	return nil, false
}

// resolve returns a variable, a function of the language, or undefined.
func (m *machine) resolve(s *scope, name string) Value {
	if v, ok := s.get(name); ok {
		return v
	}
	if f := global(m, name); f != nil {
		return f
	}
	return undefined{why: fmt.Sprintf("'%s' is undefined", name)}
}

// function is a callable value.
type function struct {
	name string
	call func(m *machine, a *callArgs) (Value, error)
}

func (*function) typeName() string { return "function" }

// callArgs are the arguments of a call, evaluated.
type callArgs struct {
	positional []Value
	named      []namedValue
}

type namedValue struct {
	name  string
	value Value
}

// bind sorts arguments under parameters; one that is not given is nil.
func (a *callArgs) bind(params ...string) ([]Value, error) {
	out := make([]Value, len(params))
	if len(a.positional) > len(params) {
		return nil, fmt.Errorf("takes at most %d arguments (%d given)", len(params), len(a.positional))
	}
	copy(out, a.positional)
next:
	for _, n := range a.named {
		for i, p := range params {
			if p != n.name {
				continue
			}
			if out[i] != nil {
				return nil, fmt.Errorf("got multiple values for argument '%s'", p)
			}
			out[i] = n.value
			continue next
		}
		return nil, fmt.Errorf("got an unexpected keyword argument '%s'", n.name)
	}
	return out, nil
}

// evaluate returns the arguments' values.
func (a *arguments) evaluate(m *machine, s *scope) (*callArgs, error) {
	out := &callArgs{}
	for _, e := range a.positional {
		v, err := e.eval(m, s)
		if err != nil {
			return nil, err
		}
		out.positional = append(out.positional, v)
	}
	for _, n := range a.named {
		v, err := n.value.eval(m, s)
		if err != nil {
			return nil, err
		}
		out.named = append(out.named, namedValue{name: n.name, value: v})
	}
	if a.star != nil {
		v, err := a.star.eval(m, s)
		if err != nil {
			return nil, err
		}
		items, err := m.iterate(v)
		if err != nil {
			return nil, err
		}
		out.positional = append(out.positional, items...)
	}
	if a.starStar != nil {
		v, err := a.starStar.eval(m, s)
		if err != nil {
			return nil, err
		}
		d, ok := v.(*Dict)
		if !ok {
			return nil, fmt.Errorf("argument after ** must be a mapping, not %s", v.typeName())
		}
		for i, k := range d.keys {
			name, ok := k.(text)
			if !ok {
				return nil, errors.New("keywords must be strings")
			}
			out.named = append(out.named, namedValue{name: name.s, value: d.values[i]})
		}
	}
	if err := m.step(len(out.positional) + len(out.named)*len(out.named)); err != nil {
		return nil, err
	}
	for i, n := range out.named {
		for _, other := range out.named[:i] {
			if n.name == other.name {
				return nil, fmt.Errorf("got multiple values for keyword argument '%s'", n.name)
			}
		}
	}
	return out, nil
}

// call calls a value.
func (m *machine) call(fn Value, a *callArgs) (Value, error) {
	switch fn := fn.(type) {
	case *function:
		v, err := fn.call(m, a)
		if err != nil {
			if isOwn(err) {
				return nil, err
			}
			return nil, fmt.Errorf("%s() %w", fn.name, err)
		}
		return m.charge(v)
	case *macro:
		return fn.call(m, a, nil)
	case undefined:
		return nil, errors.New(fn.why)
	}
	return nil, fmt.Errorf("'%s' object is not callable", fn.typeName())
}

// isOwn reports whether an error says all there is to say.
func isOwn(err error) bool {
	if _, ok := errors.AsType[*Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*raised](err); ok {
		return true
	}
	return errors.Is(err, errSteps) || errors.Is(err, errBytes) || errors.Is(err, errNesting)
}

// iterate returns what a loop over v would see.
func (m *machine) iterate(v Value) ([]Value, error) {
	switch v := v.(type) {
	case *list:
		return v.items, nil
	case *Dict:
		return v.keys, nil
	case text:
		if err := m.spend(textSize * len(v.s)); err != nil {
			return nil, err
		}
		return v.chars(), nil
	case undefined:
		return nil, nil
	}
	return nil, fmt.Errorf("'%s' object is not iterable", v.typeName())
}
