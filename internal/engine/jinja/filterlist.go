package jinja

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// listFilter returns a filter that goes over items. Where the reference gives a
// generator, it gives a list.
func listFilter(name string) filterFunc {
	switch name {
	case "length", "count":
		return lengthFilter
	case "first", "last":
		return func(m *machine, in Value, a *callArgs) (Value, error) { return endFilter(m, in, a, name == "last") }
	case "list":
		return func(m *machine, in Value, a *callArgs) (Value, error) {
			_, err := a.bind()
			if err != nil {
				return nil, err
			}
			items, err := m.iterate(in)
			return newList(slices.Clone(items)), err
		}
	case "items":
		return itemsFilter
	case "join":
		return joinFilter
	case "reverse":
		return reverseFilter
	case "sort":
		return sortFilter
	case "dictsort":
		return dictsortFilter
	case "unique":
		return uniqueFilter
	case "min", "max":
		return func(m *machine, in Value, a *callArgs) (Value, error) { return extremeFilter(m, in, a, name == "max") }
	case "sum":
		return sumFilter
	case "groupby":
		return groupbyFilter
	case "batch":
		return batchFilter
	case "slice":
		return sliceFilter
	case "map":
		return mapFilter
	case "select", "reject", "selectattr", "rejectattr":
		return func(m *machine, in Value, a *callArgs) (Value, error) {
			return selectFilter(m, in, a, strings.HasSuffix(name, "attr"), strings.HasPrefix(name, "select"))
		}
	}
	return nil
}

func lengthFilter(m *machine, in Value, a *callArgs) (Value, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	switch v := in.(type) {
	case text:
		return integer(v.runes()), m.step(len(v.s) / stepBytes)
	case *list:
		return integer(len(v.items)), nil
	case *Dict:
		return integer(v.Len()), nil
	case undefined:
		return integer(0), nil
	}
	return nil, fmt.Errorf("object of type '%s' has no len()", in.typeName())
}

func endFilter(m *machine, in Value, a *callArgs, last bool) (Value, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	items, err := m.iterate(in)
	switch {
	case err != nil:
		return nil, err
	case len(items) == 0:
		return undefined{why: "No first or last item, sequence was empty."}, nil
	case last:
		return items[len(items)-1], nil
	}
	return items[0], nil
}

func itemsFilter(_ *machine, in Value, a *callArgs) (Value, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	switch v := in.(type) {
	case *Dict:
		return newList(v.pairs()), nil
	case undefined:
		return newList(nil), nil
	}
	return nil, errors.New("Can only get item pairs from a mapping.") //nolint:staticcheck // jinja2's words
}

func joinFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("d", "attribute")
	if err != nil {
		return nil, err
	}
	var between text
	if args[0] != nil {
		if between, err = m.str(args[0]); err != nil {
			return nil, err
		}
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	b := m.builder()
	for i, item := range items {
		if args[1] != nil {
			if item, err = m.path(item, args[1], nil); err != nil {
				return nil, err
			}
		}
		t, err := m.str(item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.add(between)
		}
		b.add(t)
		if b.over {
			break
		}
	}
	return m.build(b)
}

func reverseFilter(m *machine, in Value, a *callArgs) (Value, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	if t, ok := in.(text); ok {
		return m.sliceText(t, nil, nil, -1)
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	return newList(items), nil
}

func batchFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("linecount", "fill_with")
	if err != nil {
		return nil, err
	}
	n, err := intArg(args[0], 0)
	if err != nil {
		return nil, err
	}
	if n < 1 || n > maxRange {
		return nil, fmt.Errorf("batches of %d", n)
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	var out []Value
	for batch := range slices.Chunk(items, n) {
		batch = slices.Clone(batch)
		if args[1] != nil {
			for len(batch) < n {
				batch = append(batch, args[1])
			}
		}
		out = append(out, newList(batch))
	}
	return newList(out), nil
}

func sliceFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("slices", "fill_with")
	if err != nil {
		return nil, err
	}
	n, err := intArg(args[0], 0)
	if err != nil {
		return nil, err
	}
	if n < 1 || n > maxRange {
		return nil, fmt.Errorf("%d slices", n)
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	var out []Value
	short, longer := len(items)/n, len(items)%n
	from := 0
	for i := range n {
		size := short
		if i < longer {
			size++
		}
		part := slices.Clone(items[from : from+size])
		from += size
		if args[1] != nil && i >= longer {
			part = append(part, args[1])
		}
		out = append(out, newList(part))
	}
	return newList(out), nil
}

func mapFilter(m *machine, in Value, a *callArgs) (Value, error) {
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	apply, err := mapper(m, a)
	if err != nil {
		return nil, err
	}
	out := make([]Value, len(items))
	for i, item := range items {
		if out[i], err = apply(item); err != nil {
			return nil, err
		}
	}
	return newList(out), nil
}

// mapper returns what map does to each item.
func mapper(m *machine, a *callArgs) (func(Value) (Value, error), error) {
	if len(a.positional) == 0 {
		args, err := a.bind("attribute", "default")
		if err != nil {
			return nil, err
		}
		if args[0] == nil {
			return nil, errors.New("map requires a filter argument")
		}
		return func(item Value) (Value, error) { return m.path(item, args[0], args[1]) }, nil
	}
	name, err := textArg(a.positional[0])
	if err != nil {
		return nil, err
	}
	rest := &callArgs{positional: a.positional[1:], named: a.named}
	return func(item Value) (Value, error) { return m.filter(name.s, item, rest) }, nil
}

func selectFilter(m *machine, in Value, a *callArgs, byAttr, keep bool) (Value, error) {
	if !truth(in) { // none, too
		return newList(nil), nil
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	var attribute Value
	rest := a.positional
	if byAttr {
		if len(rest) == 0 {
			return nil, errors.New("Missing parameter for attribute name") //nolint:staticcheck // jinja2's words
		}
		attribute, rest = rest[0], rest[1:]
	}
	test := "" // truth
	if len(rest) > 0 {
		t, err := textArg(rest[0])
		if err != nil {
			return nil, err
		}
		test, rest = t.s, rest[1:]
	}
	args := &callArgs{positional: rest, named: a.named}
	var out []Value
	for _, item := range items {
		v := item
		if attribute != nil {
			if v, err = m.path(item, attribute, nil); err != nil {
				return nil, err
			}
		}
		ok := truth(v)
		if test != "" {
			if ok, err = m.test(test, v, args); err != nil {
				return nil, err
			}
		}
		if ok == keep {
			out = append(out, item)
		}
	}
	return newList(out), nil
}
