package jinja

import (
	"fmt"
	"iter"
	"math"
)

// Value is what a template computes with: one of the types of this package, made by
// String, Int, Bool, None, List, Dict and FromJSON. A value handed to Render is not
// changed by it.
type Value interface {
	// typeName is Python's name of the type, for messages.
	typeName() string
}

type (
	// none is Python's None.
	none struct{}
	// boolean is True or False.
	boolean bool
	// integer is an int; what does not fit is an error, where Python goes on.
	integer int64
	// float is a float. A number of the input that is too large for integer keeps its
	// digits in literal.
	float struct {
		f       float64
		literal string
	}
	// undefined is the value of what isn't there. Most of what is done with it fails
	// with why.
	undefined struct{ why string }
)

// list is a list or, if tuple is set, a tuple.
type list struct {
	items  []Value
	tuple  bool
	frozen bool // handed in
	source int32
}

// key is a hashable value.
type key struct {
	kind byte // 's', 'i' (ints and bools, as in Python), 'f', 'n' or 't' (tuple)
	s    string
	i    int64
	f    float64
}

// Dict is a mapping that keeps its keys in the order in which they were added.
// The zero value is empty and ready.
type Dict struct {
	keys   []Value
	values []Value
	index  map[key]int
	source int32
}

// namespace is an object whose attributes a template may set.
type namespace struct{ attrs Dict }

func (none) typeName() string      { return "NoneType" }
func (boolean) typeName() string   { return "bool" }
func (integer) typeName() string   { return "int" }
func (float) typeName() string     { return "float" }
func (text) typeName() string      { return "str" }
func (undefined) typeName() string { return "Undefined" }
func (*Dict) typeName() string     { return "dict" }
func (l *list) typeName() string {
	if l.tuple {
		return "tuple"
	}
	return "list"
}
func (*namespace) typeName() string { return "Namespace" }

// String returns s as a value. Source 0 means that it is to be trusted like the
// template's own text.
func String(s string, source int32) Value { return text{s: s, source: source} }

// Int returns i as a value.
func Int(i int) Value { return integer(i) }

// Bool returns b as a value.
func Bool(b bool) Value { return boolean(b) }

// None returns Python's None.
func None() Value { return none{} }

// List returns a list of values.
func List(items ...Value) Value { return &list{items: items, frozen: true} }

func newList(items []Value) *list { return &list{items: items} }

func tuple(items ...Value) *list { return &list{items: items, tuple: true} }

// Set sets the value of a key of the caller's own and returns d.
func (d *Dict) Set(name string, v Value) *Dict {
	d.put(lit(name), key{kind: 's', s: name}, v)
	return d
}

// Len returns the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

func (d *Dict) put(k Value, h key, v Value) {
	if i, ok := d.index[h]; ok {
		d.values[i] = v
		return
	}
	if d.index == nil {
		d.index = make(map[key]int)
	}
	d.index[h] = len(d.keys)
	d.keys = append(d.keys, k)
	d.values = append(d.values, v)
}

// get returns the value of a string key.
func (d *Dict) get(name string) (Value, bool) {
	if i, ok := d.index[key{kind: 's', s: name}]; ok {
		return d.values[i], true
	}
	return nil, false
}

// lookup returns the value of any key; unhashable ones are an error.
func (d *Dict) lookup(k Value) (Value, bool, error) {
	h, err := hash(k)
	if err != nil {
		return nil, false, err
	}
	i, ok := d.index[h]
	if !ok {
		return nil, false, nil
	}
	return d.values[i], true, nil
}

func (d *Dict) clone() *Dict {
	c := &Dict{}
	for i, k := range d.keys {
		h, _ := hash(k) // it was hashable before
		c.put(k, h, d.values[i])
	}
	return c
}

// hash returns the key that equal values share.
func hash(v Value) (key, error) {
	switch v := v.(type) {
	case text:
		return key{kind: 's', s: v.s}, nil
	case boolean:
		if v {
			return key{kind: 'i', i: 1}, nil
		}
		return key{kind: 'i'}, nil
	case integer:
		return key{kind: 'i', i: int64(v)}, nil
	case float:
		if v.f == math.Trunc(v.f) && math.Abs(v.f) < 1<<62 {
			return key{kind: 'i', i: int64(v.f)}, nil
		}
		return key{kind: 'f', f: v.f}, nil
	case none:
		return key{kind: 'n'}, nil
	case undefined:
		return key{kind: 'u'}, nil
	case *list:
		if v.tuple {
			return hashTuple(v)
		}
	}
	return key{}, fmt.Errorf("unhashable type: '%s'", v.typeName())
}

// maxTuple bounds tuples that are keys.
const maxTuple = 16

func hashTuple(l *list) (key, error) {
	if len(l.items) > maxTuple {
		return key{}, fmt.Errorf("a tuple of %d is too long for a key", len(l.items))
	}
	k := key{kind: 't'}
	for _, item := range l.items {
		if t, ok := item.(*list); ok && t.tuple {
			return key{}, fmt.Errorf("a tuple within a tuple cannot be a key here")
		}
		h, err := hash(item)
		if err != nil {
			return key{}, err
		}
		k.s += fmt.Sprintf("%c%d:%s%d,%g;", h.kind, len(h.s), h.s, h.i, h.f)
	}
	return k, nil
}

// truth is Python's bool(v).
func truth(v Value) bool {
	switch v := v.(type) {
	case none, undefined:
		return false
	case boolean:
		return bool(v)
	case integer:
		return v != 0
	case float:
		return v.f != 0
	case text:
		return v.s != ""
	case *list:
		return len(v.items) > 0
	case *Dict:
		return v.Len() > 0
	}
	return true
}

// Join returns one string made of parts from several sources.
func Join(parts ...Segment) Value {
	n := 0
	for _, p := range parts {
		n += len(p.Text)
	}
	b := builder{room: n}
	for _, p := range parts {
		b.addString(p.Text, p.Source)
	}
	return b.text()
}

// All ranges over the string keys and their values in the order of the keys.
func (d *Dict) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for i, k := range d.keys {
			if t, ok := k.(text); ok && !yield(t.s, d.values[i]) {
				return
			}
		}
	}
}
