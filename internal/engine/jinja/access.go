package jinja

import (
	"errors"
	"fmt"
)

// attr is "v.name": an attribute, else an item.
func (m *machine) attr(v Value, name string) (Value, error) {
	switch v := v.(type) {
	case undefined:
		return nil, errors.New(v.why)
	case text:
		if f := textMethod(v, name); f != nil {
			return f, nil
		}
	case *Dict:
		if f := dictMethod(v, name); f != nil {
			return f, nil
		}
		if x, ok := v.get(name); ok {
			return x, nil
		}
	case *list:
		if f := listMethod(v, name); f != nil {
			return f, nil
		}
	case *namespace:
		if x, ok := v.attrs.get(name); ok {
			return x, nil
		}
	case *loop:
		if x, ok := v.attr(name); ok {
			return x, nil
		}
	case *macro:
		switch name {
		case "name":
			return lit(v.name), nil
		case "arguments":
			return macroParams(v), nil
		}
	case *cycler:
		if x := v.attr(name); x != nil {
			return x, nil
		}
	}
	return missing(v, name), nil
}

func macroParams(mc *macro) Value {
	names := make([]Value, len(mc.sig.params))
	for i, p := range mc.sig.params {
		names[i] = lit(p)
	}
	return tuple(names...)
}

// missing is the value of an attribute or item that isn't there.
func missing(v Value, name string) Value {
	if _, ok := v.(none); ok {
		return undefined{why: fmt.Sprintf("'None' has no attribute '%s'", name)}
	}
	return undefined{why: fmt.Sprintf("'%s object' has no attribute '%s'", v.typeName(), name)}
}

// item is "v[k]": an item, else an attribute.
func (m *machine) item(v, k Value) (Value, error) {
	switch v := v.(type) {
	case undefined:
		return nil, errors.New(v.why)
	case *Dict:
		if x, ok, err := v.lookup(k); err == nil && ok {
			return x, nil
		}
	case *list:
		if i, ok := index(k, len(v.items)); ok {
			return v.items[i], nil
		}
	case text:
		if n, ok := number(k); ok {
			if _, isInt := n.(integer); isInt {
				if err := m.step(1 + len(v.s)/stepBytes); err != nil {
					return nil, err
				}
				if i, ok := index(k, v.runes()); ok {
					return v.char(i), nil
				}
			}
		}
	}
	name, ok := k.(text)
	if !ok {
		shown, err := m.repr(k)
		if err != nil {
			return nil, err
		}
		return undefined{why: fmt.Sprintf("%s object has no element %s", v.typeName(), shown.s)}, nil
	}
	if _, ok := v.(*Dict); ok {
		if f := dictMethod(v.(*Dict), name.s); f != nil {
			return f, nil
		}
		return missing(v, name.s), nil
	}
	return m.attr(v, name.s)
}

// index returns the place that k means among n items.
func index(k Value, n int) (int, bool) {
	num, _ := number(k)
	i, ok := num.(integer)
	if !ok {
		return 0, false
	}
	if i < 0 {
		i += integer(n)
	}
	return int(i), i >= 0 && int64(i) < int64(n)
}

// slice is "v[start:end:step]"; nil bounds are not given.
func (m *machine) slice(v, start, end, step Value) (Value, error) {
	by := 1
	if n, given, err := sliceBound(step); err != nil {
		return nil, err
	} else if given {
		if n == 0 {
			return nil, errors.New("slice step cannot be zero")
		}
		by = n
	}
	switch v := v.(type) {
	case undefined:
		return nil, errors.New(v.why)
	case *list:
		from, to, err := sliceRange(start, end, by, len(v.items))
		if err != nil {
			return nil, err
		}
		var items []Value
		for i := from; by > 0 && i < to || by < 0 && i > to; i += by {
			items = append(items, v.items[i])
		}
		return &list{items: items, tuple: v.tuple}, nil
	case text:
		return m.sliceText(v, start, end, by)
	}
	return nil, fmt.Errorf("'%s' object is not subscriptable", v.typeName())
}

func (m *machine) sliceText(t text, start, end Value, by int) (Value, error) {
	ascii := isASCII(t.s)
	var offsets []int // of the code points
	n := len(t.s)
	if !ascii {
		if err := m.spend(8 * len(t.s)); err != nil {
			return nil, err
		}
		for i := range t.s {
			offsets = append(offsets, i)
		}
		n = len(offsets)
		offsets = append(offsets, len(t.s))
	}
	from, to, err := sliceRange(start, end, by, n)
	if err != nil {
		return nil, err
	}
	offset := func(i int) int {
		if ascii {
			return i
		}
		return offsets[i]
	}
	if by == 1 {
		return t.slice(offset(from), offset(max(from, to))), nil
	}
	b := m.builder()
	for i := from; by > 0 && i < to || by < 0 && i > to; i += by {
		b.addPart(t, offset(i), offset(i+1))
	}
	if err := m.step(b.len()); err != nil {
		return nil, err
	}
	return m.build(b)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func sliceBound(v Value) (n int, given bool, err error) {
	if v == nil {
		return 0, false, nil
	}
	if _, ok := v.(none); ok {
		return 0, false, nil
	}
	num, _ := number(v)
	i, ok := num.(integer)
	if !ok {
		if u, isUndefined := v.(undefined); isUndefined {
			return 0, false, errors.New(u.why)
		}
		return 0, false, errors.New("slice indices must be integers or None")
	}
	const far = 1 << 40 // beyond any length, and far from overflow
	return int(min(max(i, -far), far)), true, nil
}

// sliceRange returns the first index and the one to stop before.
func sliceRange(start, end Value, by, n int) (from, to int, err error) {
	low, high := 0, n // what bounds are cut to
	if by < 0 {
		low, high = -1, n-1
	}
	place := func(v Value, other int) (int, error) {
		i, given, err := sliceBound(v)
		if err != nil || !given {
			return other, err
		}
		if i < 0 {
			i += n
		}
		return min(max(i, low), high), nil
	}
	first, last := low, high
	if by < 0 {
		first, last = high, low
	}
	if from, err = place(start, first); err != nil {
		return 0, 0, err
	}
	to, err = place(end, last)
	return from, to, err
}
