package smithy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what a ValidationError tells, whatever the request.
const (
	maxViolations = 20  // kept; the others are only counted
	maxValue      = 256 // characters of a value shown
	maxElements   = 8   // elements of a list shown
	maxSteps      = 64  // structures, lists and maps of a path shown
)

// ValidationError says which constraints of the model a request breaks. Its text is
// AWS's:
//
//	1 validation error detected: Value '' at 'modelId' failed to satisfy constraint: Member must have length greater than or equal to 1
type ValidationError struct {
	Count      int         // all that were found
	Violations []Violation // the first of them, ordered by path
}

// Violation is one broken constraint.
type Violation struct {
	Path       string // "messages.1.member.content": elements count from 1
	Value      string // "'x'", "null"; empty when it must not or cannot be shown
	Constraint string // "Member must not be null"
}

// Error returns AWS's text.
func (e *ValidationError) Error() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(e.Count))
	if e.Count == 1 {
		b.WriteString(" validation error detected: ")
	} else {
		b.WriteString(" validation errors detected: ")
	}
	for i, v := range e.Violations {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(v.Message())
	}
	if e.Count > len(e.Violations) {
		b.WriteString("; ...")
	}
	return b.String()
}

// Message is the text of one violation.
func (v Violation) Message() string {
	value := v.Value
	if value != "" {
		value = " " + value
	}
	return "Value" + value + " at '" + v.Path + "' failed to satisfy constraint: " + v.Constraint
}

const mustNotBeNull = "Member must not be null"

func (vd *validator) result() *ValidationError {
	e := &ValidationError{Count: vd.count, Violations: vd.violations}
	slices.SortStableFunc(e.Violations, func(a, b Violation) int { return strings.Compare(a.Path, b.Path) })
	return e
}

// add notes a violation at the current path.
func (vd *validator) add(value, constraint string) {
	vd.count++
	if len(vd.violations) < maxViolations {
		vd.violations = append(vd.violations, Violation{Path: vd.path(), Value: value, Constraint: constraint})
	}
}

// path names the value being read as AWS does.
func (vd *validator) path() string {
	var steps []string
	for i, f := range vd.frames[:vd.depth] {
		if hidden := vd.depth - maxSteps; hidden > 0 && i >= maxSteps/2 && i < maxSteps/2+hidden {
			if i == maxSteps/2 {
				steps = append(steps, "...")
			}
			continue
		}
		switch f.s.Type {
		case List:
			steps = append(steps, strconv.Itoa(f.index), "member")
		case Map:
			steps = append(steps, clip(f.key), "member")
		default:
			steps = append(steps, f.s.Members[f.member].Name)
		}
	}
	return strings.Join(steps, ".")
}

// reject notes each constraint of s that a scalar breaks. AWS reports the scalars
// of a list or map together, at the path of the list: flush does that.
func (vd *validator) reject(s *Schema, v string) {
	if f := vd.frames[vd.depth-1]; f.v == nil {
		f.bad = keepValue(f.bad, v)
		return
	}
	value := shown(s, v)
	if s.Pattern != nil && !s.Pattern.Match(v) {
		vd.add(value, patternText(s))
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		vd.add(value, enumText(s))
	}
	if isNumber(s.Type) {
		n, _ := strconv.ParseFloat(v, 64)
		vd.checkRange(s, n, value)
		return
	}
	vd.checkLength(s, int64(utf8.RuneCountInString(v)), &value)
}

func isNumber(t Type) bool {
	switch t {
	case Byte, Short, Integer, Long, IntEnum, Float, Double:
		return true
	default:
		return false
	}
}

// checkRange notes the bounds that n breaks. A NaN breaks both.
func (vd *validator) checkRange(s *Schema, n float64, value string) {
	if s.Max != nil && !(n <= *s.Max) { // so that a NaN breaks it
		vd.add(value, maxText(s))
	}
	if s.Min != nil && !(n >= *s.Min) {
		vd.add(value, minText(s))
	}
}

// checkLength notes the length constraints that n breaks. value is what to show,
// nil to tell the size.
func (vd *validator) checkLength(s *Schema, n int64, value *string) {
	tooLong := s.MaxLength != nil && n > *s.MaxLength
	tooShort := s.MinLength != nil && n < *s.MinLength
	if !tooLong && !tooShort {
		return
	}
	text := ""
	if value != nil {
		text = *value
	} else if !s.Sensitive {
		text = sizeText(s.Type, n)
	}
	if tooLong {
		vd.add(text, maxLengthText(s))
	}
	if tooShort {
		vd.add(text, minLengthText(s))
	}
}

// flush notes what was wrong with the scalars of a list or map, once it is read.
func (vd *validator) flush(f *frame) {
	if f.s.Type == Map {
		if len(f.badKey) > 0 {
			key := f.s.Members[0].Schema
			vd.add(group("{", f.badKey, "}", key), "Map keys must satisfy constraint: ["+allText(key)+"]")
		}
		if len(f.bad) > 0 {
			elem := f.s.Members[1].Schema
			vd.add(group("{", f.bad, "}", elem), "Map value must satisfy constraint: ["+allText(elem)+"]")
		}
		return
	}
	if len(f.bad) > 0 {
		elem := f.s.Members[0].Schema
		vd.add(group("[", f.bad, "]", elem), "Member must satisfy constraint: ["+allText(elem)+"]")
	}
}

// allText lists the constraints of s, as AWS does for the elements of a list.
func allText(s *Schema) string {
	var out []string
	for _, c := range []struct {
		set  bool
		text func(*Schema) string
	}{
		{s.MaxLength != nil, maxLengthText},
		{s.MinLength != nil, minLengthText},
		{s.Max != nil, maxText},
		{s.Min != nil, minText},
		{s.Pattern != nil, patternText},
		{s.Enum != nil, enumText},
	} {
		if c.set {
			out = append(out, c.text(s))
		}
	}
	return strings.Join(out, ", ")
}

func maxLengthText(s *Schema) string {
	return fmt.Sprintf("Member must have length less than or equal to %d", *s.MaxLength)
}

func minLengthText(s *Schema) string {
	return fmt.Sprintf("Member must have length greater than or equal to %d", *s.MinLength)
}

func maxText(s *Schema) string {
	return "Member must have value less than or equal to " + number(*s.Max)
}

func minText(s *Schema) string {
	return "Member must have value greater than or equal to " + number(*s.Min)
}

func patternText(s *Schema) string {
	return "Member must satisfy regular expression pattern: " + s.Pattern.Expr
}

func enumText(s *Schema) string {
	return "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
}

func oneMember(s *Schema) string {
	var names []string
	for i := range s.Members {
		names = append(names, s.Members[i].Name)
	}
	return "Member must have exactly one of these set: [" + strings.Join(names, ", ") + "]"
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// shown is how a message shows a value: quoted and clipped, or not at all.
func shown(s *Schema, v string) string {
	if s.Sensitive {
		return ""
	}
	return "'" + clip(v) + "'"
}

// group shows the values of a list or map that are wrong.
func group(open string, values []string, end string, s *Schema) string {
	if s.Sensitive {
		return ""
	}
	return "'" + open + strings.Join(values, ", ") + end + "'"
}

// sizeText shows a value that is not kept: an empty one in full, else its size.
func sizeText(t Type, n int64) string {
	switch {
	case t == Blob:
		return fmt.Sprintf("of %d bytes", n)
	case t == Map && n == 0:
		return "'{}'"
	case n == 0:
		return "'[]'"
	default:
		return fmt.Sprintf("with %d elements", n)
	}
}

// keepValue appends v to the values to show, up to a bound.
func keepValue(kept []string, v string) []string {
	switch {
	case len(kept) < maxElements:
		return append(kept, clip(v))
	case len(kept) == maxElements:
		return append(kept, "...")
	default:
		return kept
	}
}

// clip shortens s to maxValue characters and makes it valid UTF-8.
func clip(s string) string {
	n, cut := 0, len(s)
	for i := range s {
		if n == maxValue {
			cut = i
			break
		}
		n++
	}
	out := strings.ToValidUTF8(s[:cut], "\uFFFD")
	if cut < len(s) {
		out += "..."
	}
	return out
}
