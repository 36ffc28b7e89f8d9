package jinja

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

var (
	errOverflow = errors.New("a number is too large")
	errZero     = errors.New("division by zero")
)

// number returns v as an integer or a float, if it is one or a bool.
func number(v Value) (Value, bool) {
	switch v := v.(type) {
	case boolean:
		if v {
			return integer(1), true
		}
		return integer(0), true
	case integer, float:
		return v, true
	}
	return nil, false
}

// asFloat returns an integer's or a float's value.
func asFloat(v Value) float64 {
	switch v := v.(type) {
	case integer:
		return float64(v)
	case float:
		return v.f
	}
	return math.NaN()
}

// binary computes "left op right".
func (m *machine) binary(op string, left, right Value) (Value, error) {
	if t, ok := left.(text); ok && op == "%" {
		return m.percent(t, right)
	}
	for _, v := range []Value{left, right} {
		if u, ok := v.(undefined); ok {
			return nil, errors.New(u.why)
		}
	}
	x, okX := number(left)
	y, okY := number(right)
	if okX && okY {
		return arithmetic(op, x, y)
	}
	switch op {
	case "+":
		if v, ok, err := m.join(left, right); ok {
			return v, err
		}
	case "*":
		if n, ok := y.(integer); ok && okY {
			if v, ok, err := m.repeat(left, int(n)); ok {
				return v, err
			}
		}
		if n, ok := x.(integer); ok && okX {
			if v, ok, err := m.repeat(right, int(n)); ok {
				return v, err
			}
		}
	}
	return nil, fmt.Errorf("unsupported operand type(s) for %s: '%s' and '%s'", op, left.typeName(), right.typeName())
}

// join adds two texts or two lists.
func (m *machine) join(left, right Value) (Value, bool, error) {
	switch l := left.(type) {
	case text:
		r, ok := right.(text)
		if !ok {
			return nil, false, nil
		}
		b := m.builder()
		b.add(l)
		b.add(r)
		v, err := m.build(b)
		return v, true, err
	case *list:
		r, ok := right.(*list)
		if !ok || l.tuple != r.tuple {
			return nil, false, nil
		}
		items := make([]Value, 0, len(l.items)+len(r.items))
		v, err := m.charge(&list{items: append(append(items, l.items...), r.items...), tuple: l.tuple})
		return v, true, err
	}
	return nil, false, nil
}

// repeat multiplies a text or a list.
func (m *machine) repeat(v Value, n int) (Value, bool, error) {
	n = max(n, 0)
	switch v := v.(type) {
	case text:
		if len(v.s) > 0 && n > maxText/len(v.s) {
			return nil, true, errBytes
		}
		if v.runs == nil {
			if err := m.spend(len(v.s) * n); err != nil {
				return nil, true, err
			}
			return text{s: strings.Repeat(v.s, n), source: v.source}, true, nil
		}
		b := m.builder()
		for range n {
			b.add(v)
		}
		out, err := m.build(b)
		return out, true, err
	case *list:
		if len(v.items) > 0 && n > maxText/16/len(v.items) {
			return nil, true, errBytes
		}
		if err := m.spend(16 * n * len(v.items)); err != nil {
			return nil, true, err
		}
		var items []Value
		for range n {
			items = append(items, v.items...)
		}
		return &list{items: items, tuple: v.tuple}, true, nil
	}
	return nil, false, nil
}

// arithmetic computes with integers and floats.
func arithmetic(op string, x, y Value) (Value, error) {
	a, okA := x.(integer)
	b, okB := y.(integer)
	if okA && okB && op != "/" {
		return integers(op, int64(a), int64(b))
	}
	return floats(op, asFloat(x), asFloat(y))
}

func integers(op string, a, b int64) (Value, error) {
	switch op {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return integer(c), nil
		}
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return integer(c), nil
		}
	case "*":
		if c, ok := multiply(a, b); ok {
			return integer(c), nil
		}
	case "//", "%":
		if b == 0 {
			return nil, errZero
		}
		if b == -1 && op == "%" {
			return integer(0), nil
		}
		if a == math.MinInt64 && b == -1 {
			return nil, errOverflow
		}
		q, r := a/b, a%b
		if r != 0 && (r < 0) != (b < 0) {
			q, r = q-1, r+b
		}
		if op == "%" {
			return integer(r), nil
		}
		return integer(q), nil
	case "**":
		return power(a, b)
	}
	return nil, errOverflow
}

func multiply(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	return a * b, true
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a) //nolint:gosec // two's complement is what is wanted
	}
	return uint64(a)
}

func power(a, b int64) (Value, error) {
	if b < 0 {
		if a == 0 {
			return nil, errZero
		}
		return float{f: math.Pow(float64(a), float64(b))}, nil
	}
	if a == 0 || a == 1 || a == -1 {
		b = min(b, 2-b%2) // only whether b is 0, odd or even matters
	}
	out := int64(1)
	for range b {
		var ok bool
		if out, ok = multiply(out, a); !ok {
			return nil, errOverflow
		}
	}
	return integer(out), nil
}

func floats(op string, a, b float64) (Value, error) {
	switch op {
	case "+":
		return float{f: a + b}, nil
	case "-":
		return float{f: a - b}, nil
	case "*":
		return float{f: a * b}, nil
	case "**":
		return float{f: math.Pow(a, b)}, nil
	}
	if b == 0 {
		return nil, errZero
	}
	switch op {
	case "/":
		return float{f: a / b}, nil
	case "//":
		return float{f: math.Floor(a / b)}, nil
	default: // "%"
		r := math.Mod(a, b)
		if r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return float{f: r}, nil
	}
}

// compare computes "left op right" for comparisons.
func (m *machine) compare(op string, left, right Value) (bool, error) {
	switch op {
	case "==":
		return m.equal(left, right, 0)
	case "!=":
		eq, err := m.equal(left, right, 0)
		return !eq, err
	case "in":
		return m.contains(right, left)
	case "not in":
		in, err := m.contains(right, left)
		return !in, err
	}
	order, err := m.order(left, right, op, 0)
	if err != nil {
		return false, err
	}
	switch op {
	case "<":
		return order == -1, nil
	case "<=":
		return order == -1 || order == 0, nil
	case ">":
		return order == 1, nil
	default:
		return order == 1 || order == 0, nil
	}
}

// equal is Python's ==.
func (m *machine) equal(a, b Value, depth int) (bool, error) {
	if depth > maxNesting {
		return false, errNesting
	}
	if err := m.step(1); err != nil {
		return false, err
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		if !ok {
			return false, nil
		}
		i, okI := x.(integer)
		j, okJ := y.(integer)
		if okI && okJ {
			return i == j, nil
		}
		return asFloat(x) == asFloat(y), nil
	}
	switch a := a.(type) {
	case text:
		b, ok := b.(text)
		return ok && a.s == b.s, m.step(min(len(a.s), len(b.s)) / stepBytes)
	case *list:
		if b, ok := b.(*list); ok && a.tuple == b.tuple && len(a.items) == len(b.items) {
			return m.equalItems(a.items, b.items, depth)
		}
		return false, nil
	case *Dict:
		if b, ok := b.(*Dict); ok && a.Len() == b.Len() {
			return m.equalDicts(a, b, depth)
		}
		return false, nil
	case none:
		_, ok := b.(none)
		return ok, nil
	case undefined:
		_, ok := b.(undefined)
		return ok, nil
	}
	return a == b, nil // objects: the same one
}

func (m *machine) equalItems(a, b []Value, depth int) (bool, error) {
	for i := range a {
		if eq, err := m.equal(a[i], b[i], depth+1); err != nil || !eq {
			return false, err
		}
	}
	return true, nil
}

func (m *machine) equalDicts(a, b *Dict, depth int) (bool, error) {
	for i, k := range a.keys {
		v, ok, err := b.lookup(k)
		if err != nil || !ok {
			return false, err
		}
		if eq, err := m.equal(a.values[i], v, depth+1); err != nil || !eq {
			return false, err
		}
	}
	return true, nil
}

// unordered is the order of a number and one that is not comparable (NaN).
const unordered = 2

// order returns -1, 0 or 1 as a is less than, equal to or more than b.
func (m *machine) order(a, b Value, op string, depth int) (int, error) {
	for _, v := range []Value{a, b} {
		if u, ok := v.(undefined); ok {
			return 0, errors.New(u.why)
		}
	}
	if depth > maxNesting {
		return 0, errNesting
	}
	if err := m.step(1); err != nil {
		return 0, err
	}
	x, okX := number(a)
	y, okY := number(b)
	if okX && okY {
		return orderNumbers(x, y), nil
	}
	switch a := a.(type) {
	case text:
		if b, ok := b.(text); ok {
			return strings.Compare(a.s, b.s), m.step(min(len(a.s), len(b.s)) / stepBytes)
		}
	case *list:
		if b, ok := b.(*list); ok && a.tuple == b.tuple {
			return m.orderItems(a.items, b.items, op, depth)
		}
	}
	return 0, fmt.Errorf("'%s' not supported between instances of '%s' and '%s'", op, a.typeName(), b.typeName())
}

func orderNumbers(x, y Value) int {
	i, okI := x.(integer)
	j, okJ := y.(integer)
	if okI && okJ {
		switch {
		case i < j:
			return -1
		case i > j:
			return 1
		}
		return 0
	}
	f, g := asFloat(x), asFloat(y)
	switch {
	case f < g:
		return -1
	case f > g:
		return 1
	case f == g:
		return 0
	}
	return unordered
}

func (m *machine) orderItems(a, b []Value, op string, depth int) (int, error) {
	for i := range min(len(a), len(b)) {
		eq, err := m.equal(a[i], b[i], depth+1)
		if err != nil {
			return 0, err
		}
		if !eq {
			return m.order(a[i], b[i], op, depth+1)
		}
	}
	return orderNumbers(integer(len(a)), integer(len(b))), nil
}

// contains is Python's "item in v".
func (m *machine) contains(v, item Value) (bool, error) {
	switch v := v.(type) {
	case text:
		t, ok := item.(text)
		if !ok {
			if u, ok := item.(undefined); ok {
				return false, errors.New(u.why)
			}
			return false, fmt.Errorf("'in <string>' requires string as left operand, not %s", item.typeName())
		}
		return strings.Contains(v.s, t.s), m.step(len(v.s) / stepBytes)
	case *Dict:
		_, ok, err := v.lookup(item)
		return ok, err
	case *list:
		for _, x := range v.items {
			if eq, err := m.equal(x, item, 0); err != nil || eq {
				return eq, err
			}
		}
		return false, nil
	case undefined:
		return false, nil
	}
	return false, fmt.Errorf("argument of type '%s' is not iterable", v.typeName())
}
