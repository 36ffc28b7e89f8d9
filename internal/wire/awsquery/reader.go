package awsquery

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/scalar"
)

// Reader is a smithy.Reader of a form.
type Reader struct {
	form   *Form
	path   string         // of the value to read; "" for the whole form
	member *smithy.Member // of the value
	depth  int
}

// NewReader returns a reader of f, for the input as a whole.
func NewReader(f *Form) *Reader { return &Reader{form: f} }

// at reads the value at path by calling read, and comes back.
func (r *Reader) at(path string, m *smithy.Member, read func() error) error {
	outer := *r
	r.path, r.member, r.depth = path, m, r.depth+1
	var err error
	if r.depth > maxDepth {
		err = r.fail("Nested too deeply")
	} else {
		err = read()
	}
	*r = outer
	return err
}

func (r *Reader) fail(msg string) error {
	path := r.path
	if len(path) > 200 {
		path = path[:200] + "…"
	}
	return &smithy.SerializationError{Message: msg, Path: path}
}

func wireName(m *smithy.Member) string {
	if m.WireName != "" {
		return m.WireName
	}
	return m.Name
}

// Struct implements smithy.Reader.
func (r *Reader) Struct(v smithy.Struct) error {
	s := v.Schema()
	prefix := ""
	if r.path != "" {
		prefix = r.path + "."
	}
	for i := range s.Members {
		m := &s.Members[i]
		path := prefix + wireName(m)
		if !r.form.has(path) {
			continue
		}
		if err := r.at(path, m, func() error { return v.ReadMember(r, i) }); err != nil {
			return err
		}
	}
	return nil
}

// flattened reports whether the elements of the value stand directly below it.
func (r *Reader) flattened(s *smithy.Schema) bool {
	return s.Flattened || r.member != nil && r.member.Flattened
}

// List implements smithy.Reader. Elements come by their numbers, which may have
// gaps.
func (r *Reader) List(s *smithy.Schema, elem func(null bool) error) error {
	prefix := r.path + "."
	if !r.flattened(s) {
		prefix += wireName(&s.Members[0]) + "."
	}
	for _, n := range r.numbers(prefix) {
		if err := r.at(prefix+n, &s.Members[0], func() error { return elem(false) }); err != nil {
			return err
		}
	}
	return nil
}

// Map implements smithy.Reader.
func (r *Reader) Map(s *smithy.Schema, entry func(key string, null bool) error) error {
	prefix := r.path + "."
	if !r.flattened(s) {
		prefix += "entry."
	}
	for _, n := range r.numbers(prefix) {
		at := prefix + n + "."
		key, ok := r.form.Get(at + wireName(&s.Members[0]))
		if !ok {
			return r.fail("A map entry has no key")
		}
		err := r.at(at+wireName(&s.Members[1]), &s.Members[1], func() error { return entry(key, false) })
		if err != nil {
			return err
		}
	}
	return nil
}

// numbers returns the numbers that follow prefix in the form's names, in numerical
// order, as they are written.
func (r *Reader) numbers(prefix string) []string {
	var out []string
	for _, p := range r.form.below(prefix) {
		n, _, _ := strings.Cut(p.key[len(prefix):], ".")
		if v, err := strconv.Atoi(n); err != nil || v < 0 || len(out) > 0 && out[len(out)-1] == n {
			continue
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b string) int {
		x, _ := strconv.Atoi(a) // both were numbers above
		y, _ := strconv.Atoi(b)
		return x - y
	})
	return slices.Compact(out)
}

// text returns the value itself.
func (r *Reader) text() string {
	v, _ := r.form.Get(r.path)
	return v
}

// String implements smithy.Reader.
func (r *Reader) String(*smithy.Schema) (string, error) {
	v := r.text()
	if !utf8.ValidString(v) {
		return "", r.fail("Invalid UTF-8")
	}
	return v, nil
}

func (r *Reader) invalid(err error, what string) error {
	if errors.Is(err, scalar.ErrRange) {
		return r.fail("Value out of range: " + what)
	}
	return r.fail("Malformed " + what)
}

// Bool implements smithy.Reader.
func (r *Reader) Bool(*smithy.Schema) (bool, error) {
	v, err := scalar.ParseBool(r.text())
	if err != nil {
		return false, r.invalid(err, "boolean")
	}
	return v, nil
}

// Int implements smithy.Reader.
func (r *Reader) Int(s *smithy.Schema) (int64, error) {
	v, err := scalar.ParseInt(r.text(), s.Type)
	if err != nil {
		return 0, r.invalid(err, "integer")
	}
	return v, nil
}

// Float implements smithy.Reader.
func (r *Reader) Float(*smithy.Schema) (float64, error) {
	v, err := scalar.ParseFloat(r.text())
	if err != nil {
		return 0, r.invalid(err, "number")
	}
	return v, nil
}

// Bytes implements smithy.Reader.
func (r *Reader) Bytes(*smithy.Schema) ([]byte, error) {
	v, err := base64.StdEncoding.DecodeString(r.text())
	if err != nil {
		return nil, r.invalid(err, "base64")
	}
	return v, nil
}

// Time implements smithy.Reader.
func (r *Reader) Time(s *smithy.Schema) (time.Time, error) {
	v, err := scalar.ParseTime(r.text(), scalar.Format(r.member, s, smithy.DateTime))
	if err != nil {
		return time.Time{}, r.invalid(err, "timestamp")
	}
	return v, nil
}

// JSON implements smithy.Reader. The protocol has no documents.
func (r *Reader) JSON(*smithy.Schema) ([]byte, error) {
	return nil, r.fail(fmt.Sprintf("Documents cannot be sent as %q", "awsQuery"))
}
