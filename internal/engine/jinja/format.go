package jinja

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxWidth bounds the widths and precisions of formats.
const maxWidth = 4096

// field is how one value is to be written.
type field struct {
	fill      rune
	align     byte // '<', '>', '^', '=' or 0
	sign      byte // '+', ' ' or 0
	alternate bool
	comma     bool
	width     int
	precision int  // -1: not given
	verb      byte // 0: not given
}

// addField adds a value, written as f says.
func (m *machine) addField(b *builder, v Value, f field) error {
	if _, isText := v.(text); isText || f.verb == 's' || f.verb == 'r' || f.verb == 0 && !isNumber(v) {
		t, err := m.str(v)
		if f.verb == 'r' {
			t, err = m.repr(v)
		}
		if err != nil {
			return err
		}
		if f.verb != 0 && f.verb != 's' && f.verb != 'r' {
			return fmt.Errorf("Unknown format code '%c' for object of type 'str'", f.verb) //nolint:staticcheck // Python's words
		}
		if f.precision >= 0 && t.runes() > f.precision {
			cut, err := m.sliceText(t, integer(0), integer(f.precision), 1)
			if err != nil {
				return err
			}
			t = cut.(text) //nolint:forcetypeassert // a slice of a text is one
		}
		addPadded(b, t, f, '<')
		return nil
	}
	n, ok := number(v)
	if !ok {
		return fmt.Errorf("a number is required, not %s", v.typeName())
	}
	s, err := formatNumber(n, f)
	if err != nil {
		return err
	}
	addPadded(b, lit(s), f, '>')
	return nil
}

func isNumber(v Value) bool {
	_, isBool := v.(boolean)
	_, ok := number(v)
	return ok && !isBool
}

// addPadded adds a text with what fills its field.
func addPadded(b *builder, t text, f field, align byte) {
	missing := max(f.width-t.runes(), 0)
	if f.align != 0 {
		align = f.align
	}
	fill := " "
	if f.fill != 0 {
		fill = string(f.fill)
	}
	left := 0
	switch align {
	case '>', '=':
		left = missing
	case '^':
		left = missing / 2
	}
	if align == '=' && (strings.HasPrefix(t.s, "-") || strings.HasPrefix(t.s, "+") || strings.HasPrefix(t.s, " ")) {
		b.addPart(t, 0, 1)
		t = t.slice(1, len(t.s))
	}
	b.addString(strings.Repeat(fill, left), 0)
	b.add(t)
	b.addString(strings.Repeat(fill, missing-left), 0)
}

func formatNumber(n Value, f field) (string, error) {
	s := ""
	i, isInt := n.(integer)
	x := asFloat(n)
	precision := f.precision
	if precision < 0 {
		precision = 6
	}
	switch f.verb {
	case 0:
		if isInt {
			s = strconv.FormatInt(int64(i), 10)
		} else if f.precision >= 0 {
			s = general(x, precision)
		} else {
			s = float{f: x}.String()
		}
	case 'd', 'i', 'u':
		if !isInt {
			if math.Abs(x) >= math.MaxInt64 || math.IsNaN(x) {
				return "", errOverflow
			}
			i = integer(x)
		}
		s = strconv.FormatInt(int64(i), 10)
	case 'x', 'X', 'o', 'b':
		if !isInt {
			return "", errors.New("an integer is required")
		}
		s = inBase(int64(i), f)
	case 'f', 'F':
		s = strconv.FormatFloat(x, 'f', precision, 64)
	case 'e', 'E':
		s = strconv.FormatFloat(x, f.verb, precision, 64)
	case 'g':
		s = general(x, precision)
	case 'G':
		s = strings.ToUpper(general(x, precision))
	case '%':
		s = strconv.FormatFloat(x*100, 'f', precision, 64) + "%"
	case 'c':
		if i < 0 || i > utf8.MaxRune {
			return "", errOverflow
		}
		return string(rune(i)), nil
	default:
		return "", fmt.Errorf("unsupported format character '%c'", f.verb)
	}
	if f.comma {
		s = grouped(s)
	}
	if f.sign != 0 && !strings.HasPrefix(s, "-") {
		s = string(f.sign) + s
	}
	return s, nil
}

func inBase(i int64, f field) string {
	base := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'b': 2}[f.verb]
	s := strconv.FormatInt(i, base)
	if f.alternate {
		prefix := "0" + strings.ToLower(string(f.verb))
		if strings.HasPrefix(s, "-") {
			s = "-" + prefix + s[1:]
		} else {
			s = prefix + s
		}
	}
	if f.verb == 'X' {
		s = strings.ToUpper(s)
	}
	return s
}

// general is C's %g.
func general(x float64, precision int) string {
	precision = max(precision, 1)
	s := strconv.FormatFloat(x, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	exp, _ := strconv.Atoi(exponent)
	if exp < -4 || exp >= precision {
		if strings.Contains(mantissa, ".") {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		return fmt.Sprintf("%se%+03d", mantissa, exp)
	}
	s = strconv.FormatFloat(x, 'f', precision-1-exp, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// grouped puts commas between the thousands.
func grouped(s string) string {
	whole, rest := s, ""
	if i := strings.IndexAny(s, ".e%"); i >= 0 {
		whole, rest = s[:i], s[i:]
	}
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + rest
}

// percent is "format % values".
func (m *machine) percent(format text, values Value) (Value, error) {
	b := m.builder()
	args := []Value{values}
	if l, ok := values.(*list); ok && l.tuple {
		args = l.items
	}
	mapping, _ := values.(*Dict)
	used := 0
	take := func() (Value, error) {
		if used == len(args) {
			return nil, errors.New("not enough arguments for format string")
		}
		used++
		return args[used-1], nil
	}
	at := 0
	for {
		i := strings.IndexByte(format.s[at:], '%')
		if i < 0 {
			break
		}
		b.addPart(format, at, at+i)
		f, name, n, err := percentField(format.s[at+i+1:], take)
		if err != nil {
			return nil, err
		}
		at += i + 1 + n
		if f.verb == '%' {
			b.addString("%", 0)
			continue
		}
		var v Value
		if name != nil && mapping != nil {
			var ok bool
			if v, ok = mapping.get(*name); !ok {
				return nil, fmt.Errorf("no value for the format key '%s'", *name)
			}
			used = len(args)
		} else if v, err = take(); err != nil {
			return nil, err
		}
		if !isNumber(v) && f.verb != 's' && f.verb != 'r' && f.verb != 'c' {
			if _, isBool := v.(boolean); !isBool {
				return nil, fmt.Errorf("%%%c format: a real number is required, not %s", f.verb, v.typeName())
			}
		}
		if t, ok := v.(text); ok && f.verb == 'c' && t.runes() == 1 {
			f.verb = 's'
		}
		if f.align == 0 {
			f.align = '>'
		}
		if err := m.addField(b, v, f); err != nil {
			return nil, err
		}
	}
	b.addPart(format, at, len(format.s))
	if used < len(args) && mapping == nil {
		return nil, errors.New("not all arguments converted during string formatting")
	}
	return m.build(b)
}

// percentField reads what follows a percent sign and returns its length, and the
// mapping key if it has one.
func percentField(s string, take func() (Value, error)) (f field, name *string, n int, err error) {
	f.precision = -1
	i := 0
	if strings.HasPrefix(s, "(") {
		end := strings.IndexByte(s, ')')
		if end < 0 {
			return f, nil, 0, errors.New("incomplete format key")
		}
		key := s[1:end]
		name, i = &key, end+1
	}
	for ; i < len(s) && strings.IndexByte("-+ 0#", s[i]) >= 0; i++ {
		switch s[i] {
		case '-':
			f.align = '<'
		case '0':
			f.fill = '0'
		case '#':
			f.alternate = true
		default:
			f.sign = s[i]
		}
	}
	if f.fill == '0' {
		if f.align == '<' {
			f.fill = 0
		} else {
			f.align = '='
		}
	}
	if f.width, i, err = percentNumber(s, i, take); err != nil {
		return f, nil, 0, err
	}
	if i < len(s) && s[i] == '.' {
		if f.precision, i, err = percentNumber(s, i+1, take); err != nil {
			return f, nil, 0, err
		}
	}
	if i >= len(s) {
		return f, nil, 0, errors.New("incomplete format")
	}
	if strings.IndexByte("sradiufFeEgGxXoc%", s[i]) < 0 {
		return f, nil, 0, fmt.Errorf("unsupported format character '%c'", s[i])
	}
	f.verb = s[i]
	if f.verb == 'a' {
		f.verb = 'r'
	}
	if f.fill == '0' && (f.verb == 's' || f.verb == 'r') {
		f.fill, f.align = 0, 0
	}
	return f, name, i + 1, nil
}

// percentNumber reads a width, or takes it from the arguments.
func percentNumber(s string, i int, take func() (Value, error)) (n, at int, err error) {
	if i < len(s) && s[i] == '*' {
		v, err := take()
		if err != nil {
			return 0, 0, err
		}
		if n, err = intArg(v, 0); err != nil {
			return 0, 0, err
		}
		i++
	}
	for ; i < len(s) && isDigit(s[i]) && n <= maxWidth; i++ {
		n = n*10 + int(s[i]-'0')
	}
	if n > maxWidth || n < 0 {
		return 0, 0, errBytes
	}
	return n, i, nil
}

func formatFilter(m *machine, in Value, a *callArgs) (Value, error) {
	t, err := m.str(in)
	if err != nil {
		return nil, err
	}
	if len(a.named) > 0 {
		if len(a.positional) > 0 {
			return nil, errors.New("can't handle positional and keyword arguments at the same time")
		}
		d := &Dict{}
		for _, n := range a.named {
			d.Set(n.name, n.value)
		}
		return m.percent(t, d)
	}
	return m.percent(t, tuple(a.positional...))
}
