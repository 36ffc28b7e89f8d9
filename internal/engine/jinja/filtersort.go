package jinja

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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
