package jinja

import (
	"errors"
	"fmt"
	"strings"
)

// global returns a function of the language; nil when there is none of that name.
func global(m *machine, name string) Value {
	switch name {
	case "range":
		return &function{name: name, call: rangeGlobal}
	case "namespace":
		return &function{name: name, call: namespaceGlobal}
	case "dict":
		return &function{name: name, call: dictGlobal}
	case "raise_exception":
		return &function{name: name, call: raiseGlobal}
	case "strftime_now":
		if m.now == nil {
			return nil
		}
		return &function{name: name, call: strftimeGlobal}
	case "cycler":
		return &function{name: name, call: func(_ *machine, a *callArgs) (Value, error) {
			if len(a.positional) == 0 {
				return nil, errors.New("at least one item has to be provided")
			}
			return &cycler{items: a.positional}, nil
		}}
	case "joiner":
		return &function{name: name, call: joinerGlobal}
	}
	return nil
}

func rangeGlobal(_ *machine, a *callArgs) (Value, error) {
	args, err := a.bind("start", "stop", "step")
	if err != nil {
		return nil, err
	}
	var n [3]int
	for i := range args {
		if n[i], err = intArg(args[i], 1); err != nil {
			return nil, err
		}
	}
	start, stop, step := n[0], n[1], n[2]
	switch {
	case args[0] == nil:
		return nil, errors.New("expected at least 1 argument, got 0")
	case args[1] == nil:
		start, stop = 0, n[0]
	}
	if step == 0 {
		return nil, errors.New("arg 3 must not be zero")
	}
	count := 0
	if step > 0 && start < stop {
		count = (stop - start + step - 1) / step
	} else if step < 0 && start > stop {
		count = (start - stop - step - 1) / -step
	}
	if count > maxRange {
		return nil, fmt.Errorf("Range too big. The sandbox blocks ranges larger than %d.", maxRange) //nolint:staticcheck // jinja2's words
	}
	items := make([]Value, count)
	for i := range items {
		items[i] = integer(start + i*step)
	}
	return newList(items), nil
}

func namespaceGlobal(m *machine, a *callArgs) (Value, error) {
	d, err := makeDict(m, a)
	if err != nil {
		return nil, err
	}
	for _, k := range d.keys {
		if t, ok := k.(text); ok && strings.HasPrefix(t.s, "_") {
			return nil, errors.New("takes no attributes that begin with an underscore")
		}
	}
	return &namespace{attrs: *d}, nil
}

func dictGlobal(m *machine, a *callArgs) (Value, error) {
	d, err := makeDict(m, a)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// makeDict makes a mapping of another one, or of pairs, and of named arguments.
func makeDict(m *machine, a *callArgs) (*Dict, error) {
	d := &Dict{}
	if len(a.positional) > 1 {
		return nil, fmt.Errorf("expected at most 1 argument, got %d", len(a.positional))
	}
	for _, v := range a.positional {
		if from, ok := v.(*Dict); ok {
			d = from.clone()
			continue
		}
		items, err := m.iterate(v)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			pair, err := m.iterate(item)
			if err != nil {
				return nil, err
			}
			if len(pair) != 2 {
				return nil, fmt.Errorf("an element has length %d; 2 is required", len(pair))
			}
			h, err := hash(pair[0])
			if err != nil {
				return nil, err
			}
			d.put(pair[0], h, pair[1])
		}
	}
	for _, n := range a.named {
		d.Set(n.name, n.value)
	}
	return d, nil
}

func raiseGlobal(m *machine, a *callArgs) (Value, error) {
	args, err := a.bind("message")
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return nil, errors.New("misses an argument")
	}
	t, err := m.str(args[0])
	if err != nil {
		return nil, err
	}
	return nil, &raised{message: t.s}
}

// raised is an exception of the template's own; the call it comes from gives it a line.
type raised struct{ message string }

func (r *raised) Error() string { return r.message }

// cycler is an object that hands out items in turn.
type cycler struct {
	items []Value
	at    int
}

func (*cycler) typeName() string { return "Cycler" }

func (c *cycler) attr(name string) Value {
	switch name {
	case "current":
		return c.items[c.at]
	case "next":
		return &function{name: name, call: func(_ *machine, a *callArgs) (Value, error) {
			_, err := a.bind()
			v := c.items[c.at]
			c.at = (c.at + 1) % len(c.items)
			return v, err
		}}
	case "reset":
		return &function{name: name, call: func(_ *machine, a *callArgs) (Value, error) {
			_, err := a.bind()
			c.at = 0
			return none{}, err
		}}
	}
	return nil
}

// joinerGlobal makes a function that gives nothing at first and its separator then.
func joinerGlobal(_ *machine, a *callArgs) (Value, error) {
	args, err := a.bind("sep")
	if err != nil {
		return nil, err
	}
	var sep Value = lit(", ")
	if args[0] != nil {
		sep = args[0]
	}
	used := false
	return &function{name: "joiner", call: func(_ *machine, a *callArgs) (Value, error) {
		_, err := a.bind()
		if !used {
			used = true
			return text{}, err
		}
		return sep, err
	}}, nil
}
