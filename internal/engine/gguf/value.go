package gguf

import (
	"encoding/binary"
	"math"
	"strings"
)

// kind is the type of a value of the metadata, numbered as in files.
type kind uint32

// The kinds.
const (
	kindUint8 kind = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// size returns the bytes of a number or truth value, 0 for what has no fixed size.
func (k kind) size() int {
	switch k {
	case kindUint8, kindInt8, kindBool:
		return 1
	case kindUint16, kindInt16:
		return 2
	case kindUint32, kindInt32, kindFloat32:
		return 4
	case kindUint64, kindInt64, kindFloat64:
		return 8
	default: // strings, arrays, and kinds that the format doesn't have
		return 0
	}
}

// value is one value of the metadata. What has a fixed size is kept here, the rest
// stays in the file.
type value struct {
	kind kind
	bits uint64 // a number or truth value, not extended

	raw   []byte // a string's bytes, or an array's elements as the file has them
	elem  kind   // of an array
	count int    // of an array
}

// integer returns the value of an integer that fits.
func (v value) integer() (int64, bool) {
	switch v.kind {
	case kindUint8, kindUint16, kindUint32:
		return int64(v.bits), true //nolint:gosec // 32 bits at most
	case kindUint64:
		return int64(v.bits), v.bits <= math.MaxInt64 //nolint:gosec // as the second result says
	case kindInt8:
		return int64(int8(v.bits)), true //nolint:gosec // its own 8 bits
	case kindInt16:
		return int64(int16(v.bits)), true //nolint:gosec // its own 16 bits
	case kindInt32:
		return int64(int32(v.bits)), true //nolint:gosec // its own 32 bits
	case kindInt64:
		return int64(v.bits), true //nolint:gosec // its own 64 bits
	default:
		return 0, false
	}
}

// float returns the value of a number.
func (v value) float() (float64, bool) {
	switch v.kind {
	case kindFloat32:
		return float64(math.Float32frombits(uint32(v.bits))), true //nolint:gosec // its own 32 bits
	case kindFloat64:
		return math.Float64frombits(v.bits), true
	case kindUint64:
		return float64(v.bits), true
	default:
		i, ok := v.integer()
		return float64(i), ok
	}
}

// number reads a value of fixed size.
func number(k kind, b []byte) value {
	v := value{kind: k}
	switch k.size() {
	case 1:
		v.bits = uint64(b[0])
	case 2:
		v.bits = uint64(binary.LittleEndian.Uint16(b))
	case 4:
		v.bits = uint64(binary.LittleEndian.Uint32(b))
	case 8:
		v.bits = binary.LittleEndian.Uint64(b)
	}
	return v
}

// String returns the string of that key. A key that is absent or has a value of another
// type gives false, here and below.
func (f *File) String(key string) (s string, ok bool) {
	v := f.values[key]
	if v.kind != kindString || v.raw == nil {
		return "", false
	}
	return s, f.guard(func() { s = string(v.raw) })
}

// Int returns an integer of any type that fits into an int64.
func (f *File) Int(key string) (int64, bool) {
	v, ok := f.values[key]
	if !ok {
		return 0, false
	}
	return v.integer()
}

// Float returns a number of any type.
func (f *File) Float(key string) (float64, bool) {
	v, ok := f.values[key]
	if !ok {
		return 0, false
	}
	return v.float()
}

// Bool returns a truth value.
func (f *File) Bool(key string) (value, ok bool) {
	v := f.values[key]
	return v.kind == kindBool && v.bits != 0, v.kind == kindBool
}

// Strings returns an array of strings. They share memory of their own.
func (f *File) Strings(key string) (list []string, ok bool) {
	v := f.values[key]
	if v.kind != kindArray || v.elem != kindString {
		return nil, false
	}
	ok = f.guard(func() {
		var all strings.Builder // one allocation for the text of all
		all.Grow(len(v.raw) - 8*v.count)
		ends := make([]int, 0, v.count)
		for raw := v.raw; len(raw) > 0; {
			n := binary.LittleEndian.Uint64(raw) // checked by parse
			all.Write(raw[8 : 8+n])
			ends = append(ends, all.Len())
			raw = raw[8+n:]
		}
		list = make([]string, len(ends))
		text, from := all.String(), 0
		for i, end := range ends {
			list[i], from = text[from:end], end
		}
	})
	return list, ok
}

// Ints returns an array of integers of any type that fit into int64.
func (f *File) Ints(key string) ([]int64, bool) {
	return array(f, key, value.integer)
}

// Floats returns an array of numbers of any type.
func (f *File) Floats(key string) ([]float32, bool) {
	return array(f, key, func(v value) (float32, bool) {
		x, ok := v.float()
		return float32(x), ok
	})
}

// array decodes an array of numbers.
func array[T any](f *File, key string, decode func(value) (T, bool)) (list []T, ok bool) {
	v := f.values[key]
	size := v.elem.size()
	if v.kind != kindArray || size == 0 {
		return nil, false
	}
	fits := true
	ok = f.guard(func() {
		list = make([]T, v.count)
		for i := range list {
			x, good := decode(number(v.elem, v.raw[i*size:][:size]))
			list[i], fits = x, fits && good
		}
	})
	if !ok || !fits {
		return nil, false
	}
	return list, true
}

// guard calls fn, which reads metadata, and reports whether the file still has them.
func (f *File) guard(fn func()) bool {
	if f.meta == nil { // of bytes in memory
		fn()
		return true
	}
	return f.meta.Guard(func() error { fn(); return nil }) == nil
}
