package jinja

import (
	"errors"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filterFunc is a filter.
type filterFunc func(m *machine, in Value, a *callArgs) (Value, error)

// filterNamed returns a filter; nil when there is none of that name.
func filterNamed(name string) filterFunc {
	if f := textFilter(name); f != nil {
		return f
	}
	if f := listFilter(name); f != nil {
		return f
	}
	switch name {
	case "abs":
		return absFilter
	case "attr":
		return attrFilter
	case "default", "d":
		return defaultFilter
	case "float":
		return floatFilter
	case "int":
		return intFilter
	case "round":
		return roundFilter
	case "tojson":
		return tojson
	}
	return nil
}

// textFilter returns a filter that makes a text of whatever it is given.
func textFilter(name string) filterFunc {
	switch name {
	case "upper", "lower", "capitalize":
		return func(m *machine, in Value, a *callArgs) (Value, error) {
			t, err := m.str(in)
			if err != nil {
				return nil, err
			}
			return textMethodNamed(name)(m, t, a)
		}
	case "string", "safe":
		return onText(func(t text) text { return t })
	case "title":
		return onText(func(t text) text { return t.with(titleFilter(t.s)) })
	case "escape", "e", "forceescape":
		return onText(func(t text) text { return t.mapParts(escapeHTML) })
	case "wordcount":
		return wordcountFilter
	case "trim":
		return trimFilter
	case "replace":
		return replaceFilter
	case "indent":
		return indentFilter
	case "center":
		return centerFilter
	case "truncate":
		return truncateFilter
	case "format":
		return formatFilter
	case "urlencode":
		return onText(func(t text) text { return t.mapParts(urlEncode) })
	}
	return nil
}

// onText makes a filter without arguments.
func onText(f func(t text) text) filterFunc {
	return func(m *machine, in Value, a *callArgs) (Value, error) {
		if _, err := a.bind(); err != nil {
			return nil, err
		}
		t, err := m.str(in)
		return f(t), err
	}
}

// titleFilter is the filter title, which is not the method: words begin after white
// space, hyphens and opening brackets only.
func titleFilter(s string) string {
	between := func(r rune) bool { return isSpace(r) || strings.ContainsRune("-({[<", r) }
	var b strings.Builder
	for len(s) > 0 {
		gap := wordLength(s, between)
		end := gap + wordLength(s[gap:], func(r rune) bool { return !between(r) })
		_, first := utf8.DecodeRuneInString(s[gap:])
		b.WriteString(s[:gap] + toUpper(s[gap:gap+first]) + toLower(s[gap+first:end]))
		s = s[end:]
	}
	return b.String()
}

func escapeHTML(s string) string { return html.EscapeString(s) }

func urlEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || strings.IndexByte("_.-~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func wordcountFilter(m *machine, in Value, a *callArgs) (Value, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	t, err := m.str(in)
	words := strings.FieldsFunc(t.s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return integer(len(words)), err
}

func trimFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("chars")
	if err != nil {
		return nil, err
	}
	t, err := m.str(in)
	if err != nil {
		return nil, err
	}
	return strip(t, args[0], true, true)
}

func replaceFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("old", "new", "count")
	if err != nil {
		return nil, err
	}
	if args[0] == nil || args[1] == nil {
		return nil, errors.New("needs what to replace, and by what")
	}
	t, err := m.str(in)
	if err != nil {
		return nil, err
	}
	old, err := m.str(args[0])
	if err != nil {
		return nil, err
	}
	by, err := m.str(args[1])
	if err != nil {
		return nil, err
	}
	n := -1
	if _, isNone := args[2].(none); !isNone {
		if n, err = intArg(args[2], -1); err != nil {
			return nil, err
		}
	}
	return m.replace(t, old.s, by, n)
}

func indentFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("width", "first", "blank")
	if err != nil {
		return nil, err
	}
	by := lit("    ")
	if w, ok := args[0].(text); ok {
		by = w
	} else if args[0] != nil {
		n, err := intArg(args[0], 4)
		if err != nil {
			return nil, err
		}
		const widest = 4096
		if n > widest {
			return nil, errBytes
		}
		by = lit(strings.Repeat(" ", max(n, 0)))
	}
	t, ok := in.(text)
	if !ok {
		return nil, fmt.Errorf("takes a string, not %s", in.typeName())
	}
	blank := args[2] != nil && truth(args[2])
	b := m.builder()
	if args[1] != nil && truth(args[1]) {
		b.add(by)
	}
	v, err := splitlinesMethod(m, t, &callArgs{})
	if err != nil {
		return nil, err
	}
	for i, line := range v.(*list).items { //nolint:forcetypeassert // splitlines makes a list
		l := line.(text) //nolint:forcetypeassert // of texts
		if i > 0 {
			b.addString("\n", 0)
			if blank || l.s != "" {
				b.add(by)
			}
		}
		b.add(l)
	}
	if endsLine(t.s) { // the reference adds a line feed, then splits
		b.addString("\n", 0)
		if blank {
			b.add(by)
		}
	}
	return m.build(b)
}

func endsLine(s string) bool { return strings.LastIndexFunc(s, isLineEnd) == len(s)-1 && s != "" }

func centerFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("width")
	if err != nil {
		return nil, err
	}
	t, err := m.str(in)
	if err != nil {
		return nil, err
	}
	var width Value = integer(80)
	if args[0] != nil {
		width = args[0]
	}
	return pad(m, "center", t, &callArgs{positional: []Value{width}})
}

func truncateFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("length", "killwords", "end", "leeway")
	if err != nil {
		return nil, err
	}
	t, ok := in.(text)
	if !ok {
		return nil, fmt.Errorf("takes a string, not %s", in.typeName())
	}
	length, err := intArg(args[0], 255)
	if err != nil {
		return nil, err
	}
	leeway, err := intArg(args[3], 5)
	if err != nil {
		return nil, err
	}
	end := lit("...")
	if args[2] != nil {
		if end, err = textArg(args[2]); err != nil {
			return nil, err
		}
	}
	keep := length - end.runes()
	if keep < 0 || leeway < 0 {
		return nil, errors.New("expects a length of at least that of the end, and no negative leeway")
	}
	if t.runes() <= length+leeway {
		return t, nil
	}
	v, err := m.sliceText(t, integer(0), integer(keep), 1)
	if err != nil {
		return nil, err
	}
	cut := v.(text) //nolint:forcetypeassert // a slice of a text is one
	if args[1] == nil || !truth(args[1]) {
		if i := strings.LastIndexByte(cut.s, ' '); i >= 0 {
			cut = cut.slice(0, i)
		}
	}
	b := m.builder()
	b.add(cut)
	b.add(end)
	return m.build(b)
}

func absFilter(_ *machine, in Value, a *callArgs) (Value, error) {
	if _, err := a.bind(); err != nil {
		return nil, err
	}
	n, ok := number(in)
	if !ok {
		return nil, fmt.Errorf("takes a number, not %s", in.typeName())
	}
	if f, ok := n.(float); ok {
		return float{f: math.Abs(f.f)}, nil
	}
	if i := n.(integer); i < 0 { //nolint:forcetypeassert // the other kind of number
		return arithmetic("-", integer(0), i)
	}
	return n, nil
}

func attrFilter(m *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("name")
	if err != nil {
		return nil, err
	}
	name, err := textArg(args[0])
	if err != nil {
		return nil, err
	}
	if d, ok := in.(*Dict); ok { // attributes only, no items
		if f := dictMethod(d, name.s); f != nil {
			return f, nil
		}
		return missing(d, name.s), nil
	}
	return m.attr(in, name.s)
}

func defaultFilter(_ *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("default_value", "boolean")
	if err != nil {
		return nil, err
	}
	_, isUndefined := in.(undefined)
	if !isUndefined && (args[1] == nil || !truth(args[1]) || truth(in)) {
		return in, nil
	}
	if args[0] == nil {
		return text{}, nil
	}
	return args[0], nil
}

func floatFilter(_ *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("default")
	if err != nil {
		return nil, err
	}
	if f, ok := toFloat(in); ok {
		return float{f: f}, nil
	}
	if args[0] != nil {
		return args[0], nil
	}
	return float{}, nil
}

func toFloat(v Value) (float64, bool) {
	if n, ok := number(v); ok {
		return asFloat(n), true
	}
	t, ok := v.(text)
	if !ok {
		return 0, false
	}
	s := strings.TrimFunc(t.s, isSpace)
	if strings.ContainsAny(s, "xXpP") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || math.IsInf(f, 0)
}

func intFilter(_ *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("default", "base")
	if err != nil {
		return nil, err
	}
	base, err := intArg(args[1], 10)
	if err != nil {
		return nil, err
	}
	if t, ok := in.(text); ok && (base == 0 || base >= 2 && base <= 36) {
		s := strings.TrimFunc(t.s, isSpace)
		if i, err := strconv.ParseInt(withoutPrefix(s, base), base, 64); err == nil {
			return integer(i), nil
		}
	}
	if i, ok := in.(integer); ok {
		return i, nil
	}
	f, ok := toFloat(in)
	if ok && math.Abs(f) < math.MaxInt64 {
		return integer(math.Trunc(f)), nil
	}
	if args[0] != nil {
		return args[0], nil
	}
	return integer(0), nil
}

// withoutPrefix removes the prefix that numbers of a base may have.
func withoutPrefix(s string, base int) string {
	sign := ""
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		sign, s = s[:1], s[1:]
	}
	if prefix := map[int]string{2: "0b", 8: "0o", 16: "0x"}[base]; prefix != "" && len(s) > 2 && strings.EqualFold(s[:2], prefix) {
		s = s[2:]
	}
	return sign + s
}

func roundFilter(_ *machine, in Value, a *callArgs) (Value, error) {
	args, err := a.bind("precision", "method")
	if err != nil {
		return nil, err
	}
	digits, err := intArg(args[0], 0)
	if err != nil {
		return nil, err
	}
	n, ok := number(in)
	if !ok || digits < -300 || digits > 300 {
		return nil, fmt.Errorf("cannot round %s to %d digits", in.typeName(), digits)
	}
	how := "common"
	if t, ok := args[1].(text); ok {
		how = t.s
	}
	scale := math.Pow(10, float64(digits))
	switch f := asFloat(n); how {
	case "common":
		if i, ok := n.(integer); ok && digits >= 0 {
			return i, nil
		}
		if digits >= 0 {
			v, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', digits, 64), 64)
			return float{f: v}, err
		}
		rounded := math.RoundToEven(f*scale) / scale
		if _, ok := n.(integer); ok {
			return integer(rounded), nil
		}
		return float{f: rounded}, nil
	case "ceil":
		return float{f: math.Ceil(f*scale) / scale}, nil
	case "floor":
		return float{f: math.Floor(f*scale) / scale}, nil
	}
	return nil, errors.New("method must be common, ceil or floor")
}
