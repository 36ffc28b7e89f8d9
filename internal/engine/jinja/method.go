package jinja

import "errors"

var errFrozen = errors.New("a list or mapping that was handed in cannot be changed")

// listMethod returns a method of list; nil when there is none of that name.
func listMethod(l *list, name string) Value {
	if l.tuple && name != "index" && name != "count" {
		return nil
	}
	switch name {
	case "append":
		return method(name, l, appendMethod)
	case "pop":
		return method(name, l, popMethod)
	case "index":
		return method(name, l, indexMethod)
	case "count":
		return method(name, l, countItems)
	case "copy":
		return method(name, l, func(_ *machine, l *list, a *callArgs) (Value, error) {
			_, err := a.bind()
			return newList(append([]Value(nil), l.items...)), err
		})
	}
	return nil
}

// appendMethod changes a list of the template's own, as some templates do though
// the reference's sandbox would not let them.
func appendMethod(m *machine, l *list, a *callArgs) (Value, error) {
	args, err := a.bind("object")
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return nil, errors.New("misses an argument")
	}
	if l.frozen {
		return nil, errFrozen
	}
	l.items = append(l.items, args[0]) // no two lists share items; a loop over l goes on over what it had
	return none{}, m.spend(16)
}

func popMethod(_ *machine, l *list, a *callArgs) (Value, error) {
	args, err := a.bind("index")
	if err != nil {
		return nil, err
	}
	if l.frozen {
		return nil, errFrozen
	}
	var k Value = integer(-1)
	if args[0] != nil {
		k = args[0]
	}
	i, ok := index(k, len(l.items))
	if !ok {
		return nil, errors.New("pop index out of range")
	}
	v := l.items[i]
	l.items = append(append([]Value(nil), l.items[:i]...), l.items[i+1:]...)
	return v, nil
}

func indexMethod(m *machine, l *list, a *callArgs) (Value, error) {
	args, err := a.bind("value")
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return nil, errors.New("misses an argument")
	}
	for i, item := range l.items {
		if eq, err := m.equal(item, args[0], 0); err != nil {
			return nil, err
		} else if eq {
			return integer(i), nil
		}
	}
	return nil, errors.New("the value is not in the list")
}

func countItems(m *machine, l *list, a *callArgs) (Value, error) {
	args, err := a.bind("value")
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return nil, errors.New("misses an argument")
	}
	n := 0
	for _, item := range l.items {
		if eq, err := m.equal(item, args[0], 0); err != nil {
			return nil, err
		} else if eq {
			n++
		}
	}
	return integer(n), nil
}

// dictMethod returns a method of dict; nil when there is none of that name.
func dictMethod(d *Dict, name string) Value {
	none0 := func(f func(d *Dict) Value) Value {
		return method(name, d, func(_ *machine, d *Dict, a *callArgs) (Value, error) {
			_, err := a.bind()
			return f(d), err
		})
	}
	switch name {
	case "items":
		return none0(func(d *Dict) Value { return newList(d.pairs()) })
	case "keys":
		return none0(func(d *Dict) Value { return newList(append([]Value(nil), d.keys...)) })
	case "values":
		return none0(func(d *Dict) Value { return newList(append([]Value(nil), d.values...)) })
	case "copy":
		return none0(func(d *Dict) Value { return d.clone() })
	case "get":
		return method(name, d, getMethod)
	case "update", "pop", "popitem", "setdefault", "clear":
		return method(name, d, func(*machine, *Dict, *callArgs) (Value, error) {
			return nil, errors.New("a mapping cannot be changed")
		})
	}
	return nil
}

// pairs returns the items of d as tuples.
func (d *Dict) pairs() []Value {
	out := make([]Value, d.Len())
	for i, k := range d.keys {
		out[i] = tuple(k, d.values[i])
	}
	return out
}

func getMethod(_ *machine, d *Dict, a *callArgs) (Value, error) {
	args, err := a.bind("key", "default")
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return nil, errors.New("misses an argument")
	}
	v, ok, err := d.lookup(args[0])
	switch {
	case err != nil:
		return nil, err
	case ok:
		return v, nil
	case args[1] != nil:
		return args[1], nil
	}
	return none{}, nil
}
