package smithytest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Reader is a smithy.Reader of a Value: a protocol without a wire. The value's
// schema need not be the one that is read, members are matched by name.
type Reader struct {
	val any
}

// NewReader returns a reader of v.
func NewReader(v *Value) *Reader { return &Reader{val: v} }

// Struct implements smithy.Reader.
func (r *Reader) Struct(dst smithy.Struct) error {
	v, err := as[*Value](r)
	if err != nil {
		return err
	}
	for i := range v.schema.Members {
		val := v.at(i)
		j := memberIndex(dst.Schema(), v.schema.Members[i].Name)
		if val == nil || j < 0 {
			continue
		}
		r.val = val
		if err := dst.ReadMember(r, j); err != nil {
			return err
		}
	}
	r.val = v
	return nil
}

func memberIndex(s *smithy.Schema, name string) int {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return i
		}
	}
	return -1
}

// List implements smithy.Reader.
func (r *Reader) List(_ *smithy.Schema, elem func(null bool) error) error {
	list, err := as[[]any](r)
	for _, e := range list {
		r.val = e
		if err := elem(e == nil); err != nil {
			return err
		}
	}
	return err
}

// Map implements smithy.Reader.
func (r *Reader) Map(_ *smithy.Schema, entry func(key string, null bool) error) error {
	entries, err := as[map[string]any](r)
	for _, k := range sortedKeys(entries) {
		r.val = entries[k]
		if err := entry(k, entries[k] == nil); err != nil {
			return err
		}
	}
	return err
}

// String implements smithy.Reader.
func (r *Reader) String(*smithy.Schema) (string, error) { return as[string](r) }

// Bool implements smithy.Reader.
func (r *Reader) Bool(*smithy.Schema) (bool, error) { return as[bool](r) }

// Int implements smithy.Reader.
func (r *Reader) Int(*smithy.Schema) (int64, error) { return as[int64](r) }

// Float implements smithy.Reader.
func (r *Reader) Float(*smithy.Schema) (float64, error) { return as[float64](r) }

// Bytes implements smithy.Reader.
func (r *Reader) Bytes(*smithy.Schema) ([]byte, error) { return as[[]byte](r) }

// Time implements smithy.Reader.
func (r *Reader) Time(*smithy.Schema) (time.Time, error) { return as[time.Time](r) }

// JSON implements smithy.Reader.
func (r *Reader) JSON(*smithy.Schema) ([]byte, error) { return as[json.RawMessage](r) }

func as[T any](r *Reader) (T, error) {
	v, ok := r.val.(T)
	if !ok {
		return v, fmt.Errorf("got a %T, want a %T", r.val, v)
	}
	return v, nil
}
