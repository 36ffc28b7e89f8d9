package smithy

import (
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// ReadValid reads v from r and checks what it reads against the constraints of v's
// schema: required members, lengths, ranges, patterns, enums, and that each union
// has exactly one member. It needs no second pass: it stands between r and v, where
// it sees what is present. What it finds wrong it returns as a *ValidationError
// once the whole of v is read; an error of r comes first.
//
// It costs a valid value little: no path is built, nothing is allocated, until
// something is wrong.
func ReadValid(r Reader, v Struct) error {
	vd, ok := validators.Get().(*validator)
	if !ok {
		vd = &validator{}
	}
	vd.r = r
	err := vd.Struct(v)
	if err == nil && vd.count > 0 {
		err = vd.result()
	}
	vd.reset()
	validators.Put(vd)
	return err
}

// maxFrames is how many frames an idle validator keeps.
const maxFrames = 64

// validators holds *validator for reuse: they are idle between calls.
var validators sync.Pool

// validator is a Reader that checks what passes through it.
type validator struct {
	r      Reader
	frames []*frame // the structures, lists and maps around the value, outermost first
	depth  int      // how many of frames are in use

	count      int // violations, of which the first maxViolations are kept
	violations []Violation
}

// frame is a structure, list or map being read. A structure's frame stands for it
// before the reader, as a Struct.
type frame struct {
	vd     *validator
	v      Struct  // nil in a list or map
	s      *Schema // the structure's, list's or map's
	seen   []uint64
	member int    // of a structure: the one being read
	index  int    // of a list: the element's number, from 1; of a map: entries so far
	key    string // of a map: the entry's
	bad    []string
	badKey []string

	// What the reader calls for each element or entry, bound once, and what it in
	// turn calls.
	onElem, elem   func(null bool) error
	onEntry, entry func(key string, null bool) error
}

func (vd *validator) push(s *Schema, v Struct) *frame {
	if vd.depth == len(vd.frames) {
		f := &frame{vd: vd}
		f.onElem, f.onEntry = f.readElem, f.readEntry
		vd.frames = append(vd.frames, f)
	}
	f := vd.frames[vd.depth]
	vd.depth++
	f.s, f.v = s, v
	f.member, f.index, f.key = 0, 0, ""
	f.bad, f.badKey = nil, nil
	return f
}

func (vd *validator) pop() { vd.depth-- }

func (vd *validator) reset() {
	if len(vd.frames) > maxFrames {
		vd.frames = slices.Clone(vd.frames[:maxFrames])
	}
	for _, f := range vd.frames {
		f.v, f.s, f.key, f.bad, f.badKey, f.elem, f.entry = nil, nil, "", nil, nil, nil, nil
	}
	vd.r, vd.depth, vd.count, vd.violations = nil, 0, 0, nil
}

// Schema implements Struct for the value that f stands for.
func (f *frame) Schema() *Schema { return f.s }

// ReadMember implements Struct: it notes that the member is there and has its value
// read through the validator.
func (f *frame) ReadMember(r Reader, i int) error {
	f.seen[i/64] |= 1 << (i % 64)
	f.member = i
	outer := f.vd.r
	f.vd.r = r // a member may be read from elsewhere, such as a header
	err := f.v.ReadMember(f.vd, i)
	f.vd.r = outer
	return err
}

// WriteMembers implements Struct. Readers have no use for it.
func (f *frame) WriteMembers(w Writer) { f.v.WriteMembers(w) }

// Struct implements Reader.
func (vd *validator) Struct(v Struct) error {
	f := vd.push(v.Schema(), v)
	words := (len(f.s.Members) + 63) / 64
	f.seen = slices.Grow(f.seen[:0], words)[:words]
	clear(f.seen)
	err := vd.r.Struct(f)
	if err == nil {
		vd.checkMembers(f)
	}
	vd.pop()
	return err
}

// checkMembers looks for what is missing.
func (vd *validator) checkMembers(f *frame) {
	present := 0
	for i := range f.s.Members {
		m := &f.s.Members[i]
		if f.seen[i/64]&(1<<(i%64)) != 0 {
			present++
			continue
		}
		if m.Required && !m.Schema.IsEventStream() { // a stream comes after its request
			f.member = i
			vd.add("null", mustNotBeNull)
		}
	}
	if f.s.Type == Union && present != 1 && len(f.s.Members) > 0 {
		vd.depth-- // the union itself is at fault
		vd.add("", oneMember(f.s))
		vd.depth++
	}
}

// List implements Reader.
func (vd *validator) List(s *Schema, elem func(null bool) error) error {
	f := vd.push(s, nil)
	f.elem = elem
	err := vd.r.List(s, f.onElem)
	vd.pop()
	if err != nil {
		return err
	}
	vd.flush(f)
	vd.checkLength(s, int64(f.index), nil)
	return nil
}

// Map implements Reader.
func (vd *validator) Map(s *Schema, entry func(key string, null bool) error) error {
	f := vd.push(s, nil)
	f.entry = entry
	err := vd.r.Map(s, f.onEntry)
	vd.pop()
	if err != nil {
		return err
	}
	vd.flush(f)
	vd.checkLength(s, int64(f.index), nil)
	return nil
}

func (f *frame) readElem(null bool) error {
	f.index++
	return f.elem(null)
}

func (f *frame) readEntry(key string, null bool) error {
	f.index++
	f.key = key
	if !validString(f.s.Members[0].Schema, key) {
		f.badKey = keepValue(f.badKey, key)
	}
	return f.entry(key, null)
}

// String implements Reader.
func (vd *validator) String(s *Schema) (string, error) {
	v, err := vd.r.String(s)
	if err == nil && !validString(s, v) {
		vd.reject(s, v)
	}
	return v, err
}

// Int implements Reader.
func (vd *validator) Int(s *Schema) (int64, error) {
	v, err := vd.r.Int(s)
	if err == nil && !inRange(s, float64(v)) || s.Enum != nil && err == nil && !validString(s, strconv.FormatInt(v, 10)) {
		vd.reject(s, strconv.FormatInt(v, 10))
	}
	return v, err
}

// Float implements Reader.
func (vd *validator) Float(s *Schema) (float64, error) {
	v, err := vd.r.Float(s)
	if err == nil && !inRange(s, v) {
		vd.reject(s, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return v, err
}

// Bytes implements Reader.
func (vd *validator) Bytes(s *Schema) ([]byte, error) {
	v, err := vd.r.Bytes(s)
	if err == nil {
		vd.checkLength(s, int64(len(v)), nil)
	}
	return v, err
}

// Bool implements Reader.
func (vd *validator) Bool(s *Schema) (bool, error) { return vd.r.Bool(s) }

// Time implements Reader.
func (vd *validator) Time(s *Schema) (time.Time, error) { return vd.r.Time(s) }

// JSON implements Reader.
func (vd *validator) JSON(s *Schema) ([]byte, error) { return vd.r.JSON(s) }

// validString says whether v meets every constraint of s.
func validString(s *Schema, v string) bool {
	if s.MinLength != nil || s.MaxLength != nil {
		if !lengthFits(s, v) {
			return false
		}
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		return false
	}
	return s.Pattern == nil || s.Pattern.Match(v)
}

// lengthFits counts characters only where bytes don't tell.
func lengthFits(s *Schema, v string) bool {
	bytes := int64(len(v))
	if s.MaxLength != nil && bytes > *s.MaxLength && int64(utf8.RuneCountInString(v)) > *s.MaxLength {
		return false
	}
	if s.MinLength == nil || *s.MinLength <= 0 {
		return true
	}
	return bytes >= *s.MinLength && (*s.MinLength == 1 || int64(utf8.RuneCountInString(v)) >= *s.MinLength)
}

// inRange refuses a NaN where there is a range.
func inRange(s *Schema, v float64) bool {
	if s.Min == nil && s.Max == nil {
		return true
	}
	return !math.IsNaN(v) && (s.Min == nil || v >= *s.Min) && (s.Max == nil || v <= *s.Max)
}
