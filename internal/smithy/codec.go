package smithy

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"time"
)

// This file holds what generated ReadMember and WriteMembers are made of: one
// function per Go form of a value, so that the code of a member is one call.
//
// A Read function reads a value of schema s into dst. An Opt one allocates: its
// member is a pointer, nil when absent.

// Ptr is the pointer type of a generated structure.
type Ptr[T any] interface {
	*T
	Struct
}

// ReadString reads a string or an enum.
func ReadString[T ~string](r Reader, s *Schema, dst *T) error {
	v, err := r.String(s)
	*dst = T(v)
	return err
}

// ReadInt reads a number that the reader has checked to fit s.
func ReadInt[T int | int64](r Reader, s *Schema, dst *T) error {
	v, err := r.Int(s)
	*dst = T(v)
	return err
}

// ReadFloat reads a float or double.
func ReadFloat(r Reader, s *Schema, dst *float64) error {
	v, err := r.Float(s)
	*dst = v
	return err
}

// ReadBool reads a boolean.
func ReadBool(r Reader, s *Schema, dst *bool) error {
	v, err := r.Bool(s)
	*dst = v
	return err
}

// ReadTime reads a timestamp.
func ReadTime(r Reader, s *Schema, dst *time.Time) error {
	v, err := r.Time(s)
	*dst = v
	return err
}

// ReadBytes reads a blob. An empty one is not nil.
func ReadBytes(r Reader, s *Schema, dst *[]byte) error {
	v, err := r.Bytes(s)
	if v == nil {
		v = []byte{}
	}
	*dst = v
	return err
}

// ReadJSON reads a document.
func ReadJSON(r Reader, s *Schema, dst *json.RawMessage) error {
	v, err := r.JSON(s)
	*dst = v
	return err
}

// ReadValue reads a structure in place.
func ReadValue[T any, P Ptr[T]](r Reader, _ *Schema, dst *T) error { return r.Struct(P(dst)) }

// ReadOpt reads a value that is held by a pointer.
func ReadOpt[T any](r Reader, s *Schema, dst **T, read func(Reader, *Schema, *T) error) error {
	v := new(T)
	*dst = v
	return read(r, s, v)
}

// ReadStructs reads a list of structures, each into what next returns. A null
// element leaves its structure empty.
func ReadStructs(r Reader, s *Schema, next func() Struct) error {
	return r.List(s, func(null bool) error {
		v := next()
		if null {
			return nil
		}
		return r.Struct(v)
	})
}

// ReadList reads a list. A null element becomes the zero value. An empty list is
// not nil.
func ReadList[T any](r Reader, s *Schema, dst *[]T, read func(Reader, *Schema, *T) error) error {
	elem := s.Members[0].Schema
	list := []T{}
	err := r.List(s, func(null bool) error {
		var zero T
		list = append(list, zero)
		if null {
			return nil
		}
		return read(r, elem, &list[len(list)-1])
	})
	*dst = list
	return err
}

// ReadMap reads a map. A null element becomes the zero value. An empty map is not
// nil.
func ReadMap[T any](r Reader, s *Schema, dst *map[string]T, read func(Reader, *Schema, *T) error) error {
	elem := s.Members[1].Schema
	entries := map[string]T{}
	err := r.Map(s, func(key string, null bool) error {
		var v T
		if !null {
			if err := read(r, elem, &v); err != nil {
				return err
			}
		}
		entries[key] = v
		return nil
	})
	*dst = entries
	return err
}

// Put functions write a value; Write functions write a member, and what is absent
// they leave out.

// PutString writes a string or an enum.
func PutString[T ~string](w Writer, s *Schema, v *T) { w.String(s, string(*v)) }

// PutInt writes an integer.
func PutInt[T int | int64](w Writer, s *Schema, v *T) { w.Int(s, int64(*v)) }

// PutFloat writes a float or double.
func PutFloat(w Writer, s *Schema, v *float64) { w.Float(s, *v) }

// PutBool writes a boolean.
func PutBool(w Writer, s *Schema, v *bool) { w.Bool(s, *v) }

// PutTime writes a timestamp.
func PutTime(w Writer, s *Schema, v *time.Time) { w.Time(s, *v) }

// PutBytes writes a blob.
func PutBytes(w Writer, s *Schema, v *[]byte) { w.Bytes(s, *v) }

// PutJSON writes a document, null when it is empty.
func PutJSON(w Writer, s *Schema, v *json.RawMessage) {
	if len(*v) == 0 {
		w.Null()
		return
	}
	w.JSON(s, *v)
}

// PutValue writes a structure.
func PutValue[T any, P Ptr[T]](w Writer, _ *Schema, v *T) { w.Struct(P(v)) }

// PutList writes a list.
func PutList[T any](w Writer, s *Schema, v []T, put func(Writer, *Schema, *T)) {
	elem := s.Members[0].Schema
	w.List(s, len(v), func(i int) { put(w, elem, &v[i]) })
}

// PutMap writes a map, its keys in order.
func PutMap[T any](w Writer, s *Schema, v map[string]T, put func(Writer, *Schema, *T)) {
	elem := s.Members[1].Schema
	w.Map(s, len(v))
	for _, k := range slices.Sorted(maps.Keys(v)) {
		w.Key(k)
		e := v[k]
		put(w, elem, &e)
	}
	w.EndMap()
}

// Write writes member i of s.
func Write[T any](w Writer, s *Schema, i int, v *T, put func(Writer, *Schema, *T)) {
	w.Member(i)
	put(w, s.Members[i].Schema, v)
}

// WriteOpt writes member i unless v is nil.
func WriteOpt[T any](w Writer, s *Schema, i int, v *T, put func(Writer, *Schema, *T)) {
	if v != nil {
		Write(w, s, i, v, put)
	}
}

// WriteString writes member i unless v is empty and may be left out.
func WriteString(w Writer, s *Schema, i int, v string) {
	if m := &s.Members[i]; v != "" || m.Required {
		w.Member(i)
		w.String(m.Schema, v)
	}
}

// WriteTime writes member i unless v is the zero time.
func WriteTime(w Writer, s *Schema, i int, v time.Time) {
	if !v.IsZero() {
		w.Member(i)
		w.Time(s.Members[i].Schema, v)
	}
}

// WriteBytes writes member i unless v is nil.
func WriteBytes(w Writer, s *Schema, i int, v []byte) {
	if v != nil {
		w.Member(i)
		w.Bytes(s.Members[i].Schema, v)
	}
}

// WriteJSON writes member i unless v is empty.
func WriteJSON(w Writer, s *Schema, i int, v json.RawMessage) {
	if len(v) > 0 {
		w.Member(i)
		w.JSON(s.Members[i].Schema, v)
	}
}

// WriteStructs writes member i, a list of n structures.
func WriteStructs(w Writer, s *Schema, i, n int, at func(i int) Struct) {
	w.Member(i)
	w.List(s.Members[i].Schema, n, func(i int) { w.Struct(at(i)) })
}

// WriteList writes member i; a nil list only when it is required.
func WriteList[T any](w Writer, s *Schema, i int, v []T, put func(Writer, *Schema, *T)) {
	if v != nil || s.Members[i].Required {
		w.Member(i)
		PutList(w, s.Members[i].Schema, v, put)
	}
}

// WriteMap writes member i; a nil map only when it is required.
func WriteMap[T any](w Writer, s *Schema, i int, v map[string]T, put func(Writer, *Schema, *T)) {
	if v != nil || s.Members[i].Required {
		w.Member(i)
		PutMap(w, s.Members[i].Schema, v, put)
	}
}

// Events makes a stream of a generated union one of Structs. A nil stream is empty.
func Events[T any, P Ptr[T]](seq iter.Seq2[*T, error]) iter.Seq2[Struct, error] {
	return func(yield func(Struct, error) bool) {
		if seq == nil {
			return
		}
		for e, err := range seq {
			var ev Struct // stays nil when e is
			if e != nil {
				ev = P(e)
			}
			if !yield(ev, err) {
				return
			}
		}
	}
}

// EventsOf is the reverse of Events. A Struct of another type ends the stream with
// an error.
func EventsOf[T any, P Ptr[T]](seq iter.Seq2[Struct, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for e, err := range seq {
			ev, ok := e.(P)
			if !ok && err == nil {
				err = &TypeError{Want: P(new(T)).Schema().Name}
			}
			if !yield((*T)(ev), err) || err != nil {
				return
			}
		}
	}
}
