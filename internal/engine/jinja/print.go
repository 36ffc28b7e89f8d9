package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// str is Python's str(v).
func (m *machine) str(v Value) (text, error) {
	switch v := v.(type) {
	case text:
		return v, nil
	case undefined:
		return text{}, nil
	}
	return m.repr(v)
}

// repr is Python's repr(v).
func (m *machine) repr(v Value) (text, error) {
	b := m.builder()
	if err := m.addRepr(b, v, 0); err != nil {
		return text{}, err
	}
	if b.over {
		return text{}, errBytes
	}
	return b.text(), m.spend(b.len())
}

func (m *machine) addRepr(b *builder, v Value, depth int) error {
	if depth > maxNesting {
		return errNesting
	}
	if err := m.step(1); err != nil {
		return err
	}
	switch v := v.(type) {
	case none:
		b.addString("None", 0)
	case boolean:
		if v {
			b.addString("True", 0)
		} else {
			b.addString("False", 0)
		}
	case integer:
		b.addString(strconv.FormatInt(int64(v), 10), 0)
	case float:
		b.addString(v.String(), 0)
	case text:
		b.add(v.with(quote(v.s)))
	case undefined:
		b.addString("Undefined", 0)
	case *list:
		return m.addListRepr(b, v, depth)
	case *Dict:
		return m.addDictRepr(b, v, depth)
	default:
		b.addString("<"+v.typeName()+">", 0)
	}
	return nil
}

func (m *machine) addListRepr(b *builder, l *list, depth int) error {
	open, end := "[", "]"
	if l.tuple {
		open, end = "(", ")"
		if len(l.items) == 1 {
			end = ",)"
		}
	}
	b.addString(open, l.source)
	for i, item := range l.items {
		if i > 0 {
			b.addString(", ", l.source)
		}
		if err := m.addRepr(b, item, depth+1); err != nil {
			return err
		}
	}
	b.addString(end, l.source)
	return nil
}

func (m *machine) addDictRepr(b *builder, d *Dict, depth int) error {
	b.addString("{", d.source)
	for i, k := range d.keys {
		if i > 0 {
			b.addString(", ", d.source)
		}
		if err := m.addRepr(b, k, depth+1); err != nil {
			return err
		}
		b.addString(": ", d.source)
		if err := m.addRepr(b, d.values[i], depth+1); err != nil {
			return err
		}
	}
	b.addString("}", d.source)
	return nil
}

// quote is Python's repr of a string.
func quote(s string) string {
	mark := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = '"'
	}
	var b strings.Builder
	b.WriteByte(mark)
	for i, r := range s {
		switch {
		case r == rune(mark) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < ' ' || r == 0x7f || r > 0x7f && r <= 0xff && !printable(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case !printable(r) && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case !printable(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(mark)
	return b.String()
}

func printable(r rune) bool {
	return r == ' ' || unicode.IsGraphic(r) && !unicode.Is(unicode.Z, r)
}

// String is Python's repr of a float.
func (f float) String() string {
	if f.literal != "" {
		return f.literal
	}
	switch {
	case math.IsInf(f.f, 1):
		return "inf"
	case math.IsInf(f.f, -1):
		return "-inf"
	case math.IsNaN(f.f):
		return "nan"
	}
	s := strconv.FormatFloat(f.f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	exp, _ := strconv.Atoi(exponent)
	if exp < -4 || exp >= 16 {
		return fmt.Sprintf("%se%+03d", mantissa, exp)
	}
	s = strconv.FormatFloat(f.f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
