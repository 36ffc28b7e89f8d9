package jinja

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// path follows an attribute's name with dots, as the filters that take one do.
func (m *machine) path(v, attribute, other Value) (Value, error) {
	t, ok := attribute.(text)
	if !ok {
		return m.pathStep(v, attribute, other)
	}
	for part := range strings.SplitSeq(t.s, ".") {
		var k Value = lit(part)
		if i, err := strconv.Atoi(part); err == nil && isDigit(part[0]) {
			k = integer(i)
		}
		var err error
		if v, err = m.pathStep(v, k, other); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (m *machine) pathStep(v, k, other Value) (Value, error) {
	out, err := m.item(v, k)
	if _, isUndefined := out.(undefined); isUndefined && other != nil {
		return other, err
	}
	return out, err
}

// sortKey is what items are ordered by: an attribute of theirs, or themselves.
func (m *machine) sortKey(item, attribute Value, caseSensitive bool) (Value, error) {
	if attribute != nil {
		if _, isNone := attribute.(none); !isNone {
			var err error
			if item, err = m.path(item, attribute, nil); err != nil {
				return nil, err
			}
		}
	}
	if t, ok := item.(text); ok && !caseSensitive {
		return text{s: strings.ToLower(t.s)}, nil
	}
	return item, nil
}

// keyed is an item with its keys.
type keyed struct {
	item Value
	keys []Value
}

// sort sorts items stably by their keys.
func (m *machine) sort(items []keyed, reverse bool) error {
	var failed error
	slices.SortStableFunc(items, func(x, y keyed) int {
		for i := range x.keys {
			c, err := m.order(x.keys[i], y.keys[i], "<", 0)
			if err != nil {
				failed = err
				return 0
			}
			if c == unordered {
				c = 0
			}
			if c != 0 {
				if reverse {
					return -c
				}
				return c
			}
		}
		return 0
	})
	return failed
}

// withKeys returns the items with the keys of a comma-separated list of attributes.
func (m *machine) withKeys(in, attribute Value, caseSensitive bool) ([]keyed, error) {
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	attributes := []Value{attribute}
	if t, ok := attribute.(text); ok {
		attributes = nil
		for name := range strings.SplitSeq(t.s, ",") {
			attributes = append(attributes, lit(name))
		}
	}
	out := make([]keyed, len(items))
	for i, item := range items {
		out[i].item = item
		for _, attr := range attributes {
			k, err := m.sortKey(item, attr, caseSensitive)
			if err != nil {
				return nil, err
			}
			out[i].keys = append(out[i].keys, k)
		}
	}
	return out, nil
}

func itemsOf(sorted []keyed) []Value {
	out := make([]Value, len(sorted))
	for i, k := range sorted {
		out[i] = k.item
	}
	return out
}

func isTrue(v Value) bool { return v != nil && truth(v) }

func sortFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("reverse", "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	items, err := m.withKeys(in, args[2], isTrue(args[1]))
	if err != nil {
		return nil, err
	}
	if err := m.sort(items, isTrue(args[0])); err != nil {
		return nil, err
	}
	return newList(itemsOf(items)), nil
}

func dictsortFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("case_sensitive", "by", "reverse")
	if err != nil {
		return nil, err
	}
	d, ok := in.(*Dict)
	if !ok {
		return nil, fmt.Errorf("takes a mapping, not %s", in.typeName())
	}
	var by Value = integer(0)
	if t, ok := args[1].(text); ok {
		switch t.s {
		case "key":
		case "value":
			by = integer(1)
		default:
			return nil, errors.New(`You can only sort by either "key" or "value"`) //nolint:staticcheck // jinja2's words
		}
	}
	items, err := m.withKeys(newList(d.pairs()), by, isTrue(args[0]))
	if err != nil {
		return nil, err
	}
	if err := m.sort(items, isTrue(args[2])); err != nil {
		return nil, err
	}
	return newList(itemsOf(items)), nil
}

func uniqueFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	seen := make(map[key]bool)
	var out []Value
	for _, item := range items {
		k, err := m.sortKey(item, args[1], isTrue(args[0]))
		if err != nil {
			return nil, err
		}
		h, err := hash(k)
		if err != nil {
			return nil, err
		}
		if !seen[h] {
			seen[h] = true
			out = append(out, item)
		}
	}
	return newList(out), nil
}

func extremeFilter(m *machine, in Value, a *callArgs, most bool) (Value, error) {
	args, err := a.bind("case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return undefined{why: "No aggregated item, sequence was empty."}, nil
	}
	var best, bestKey Value
	for i, item := range items {
		k, err := m.sortKey(item, args[1], isTrue(args[0]))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			c, err := m.order(k, bestKey, "<", 0)
			if err != nil {
				return nil, err
			}
			if most && c != 1 || !most && c != -1 {
				continue
			}
		}
		best, bestKey = item, k
	}
	return best, nil
}

func sumFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("attribute", "start")
	if err != nil {
		return nil, err
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	var total Value = integer(0)
	if args[1] != nil {
		total = args[1]
	}
	if _, isText := total.(text); isText {
		return nil, errors.New("can't sum strings")
	}
	for _, item := range items {
		if args[0] != nil {
			if item, err = m.path(item, args[0], nil); err != nil {
				return nil, err
			}
		}
		if total, err = m.binary("+", total, item); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func groupbyFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("attribute", "default", "case_sensitive")
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return nil, errors.New("needs an attribute")
	}
	items, err := m.iterate(in)
	if err != nil {
		return nil, err
	}
	sorted := make([]keyed, len(items))
	for i, item := range items {
		v, err := m.path(item, args[0], args[1])
		if err != nil {
			return nil, err
		}
		if v, err = m.sortKey(v, nil, isTrue(args[2])); err != nil {
			return nil, err
		}
		sorted[i] = keyed{item: item, keys: []Value{v}}
	}
	if err := m.sort(sorted, false); err != nil {
		return nil, err
	}
	var groups []Value
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) {
			if eq, err := m.equal(sorted[from].keys[0], sorted[to].keys[0], 0); err != nil {
				return nil, err
			} else if !eq {
				break
			}
			to++
		}
		name, err := m.path(sorted[from].item, args[0], args[1])
		if err != nil {
			return nil, err
		}
		groups = append(groups, tuple(name, newList(itemsOf(sorted[from:to]))))
		from = to
	}
	return newList(groups), nil
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
