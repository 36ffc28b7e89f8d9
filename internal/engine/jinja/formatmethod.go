package jinja

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatMethod is str.format.
func formatMethod(m *machine, t text, a *callArgs) (Value, error) {
	b := m.builder()
	next := 0 // automatic number
	at := 0
	for at < len(t.s) {
		i := strings.IndexAny(t.s[at:], "{}")
		if i < 0 {
			break
		}
		b.addPart(t, at, at+i)
		at += i
		if strings.HasPrefix(t.s[at+1:], t.s[at:at+1]) { // {{ or }}
			b.addPart(t, at, at+1)
			at += 2
			continue
		}
		if t.s[at] == '}' {
			return nil, errors.New("Single '}' encountered in format string") //nolint:staticcheck // Python's words
		}
		end := strings.IndexByte(t.s[at:], '}')
		if end < 0 || strings.IndexByte(t.s[at+1:at+end], '{') >= 0 {
			return nil, errors.New("a replacement field without its end, or with one inside it")
		}
		name, spec, _ := strings.Cut(t.s[at+1:at+end], ":")
		name, conversion, _ := strings.Cut(name, "!")
		v, err := m.formatValue(name, a, &next)
		if err != nil {
			return nil, err
		}
		f, err := parseSpec(spec)
		if err != nil {
			return nil, err
		}
		switch conversion {
		case "r":
			v, err = m.repr(v)
		case "s":
			v, err = m.str(v)
		}
		if err == nil {
			err = m.addField(b, v, f)
		}
		if err != nil {
			return nil, err
		}
		at += end + 1
	}
	b.addPart(t, at, len(t.s))
	return m.build(b)
}

// formatValue finds the argument that a field's name means.
func (m *machine) formatValue(name string, a *callArgs, next *int) (Value, error) {
	head := name
	if i := strings.IndexAny(name, ".["); i >= 0 {
		head = name[:i]
	}
	v, err := formatArgument(head, a, next)
	for rest := name[len(head):]; err == nil && rest != ""; {
		var part string
		if rest[0] == '.' {
			part = rest[1:]
			if i := strings.IndexAny(part, ".["); i >= 0 {
				part = part[:i]
			}
			rest = rest[1+len(part):]
			v, err = m.attr(v, part)
			continue
		}
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return nil, errors.New("Missing ']' in format string") //nolint:staticcheck // Python's words
		}
		part, rest = rest[1:end], rest[end+1:]
		var k Value = lit(part)
		if i, err := strconv.Atoi(part); err == nil {
			k = integer(i)
		}
		v, err = m.item(v, k)
	}
	return v, err
}

func formatArgument(name string, a *callArgs, next *int) (Value, error) {
	i, err := strconv.Atoi(name)
	if name == "" {
		i, err = *next, nil
		*next++
	}
	if err == nil {
		if i < 0 || i >= len(a.positional) {
			return nil, fmt.Errorf("Replacement index %d out of range for positional args tuple", i) //nolint:staticcheck // Python's words
		}
		return a.positional[i], nil
	}
	for _, n := range a.named {
		if n.name == name {
			return n.value, nil
		}
	}
	return nil, fmt.Errorf("no argument '%s'", name)
}

// parseSpec reads a format specification: [[fill]align][sign][#][0][width][,][.precision][type].
func parseSpec(s string) (field, error) {
	f := field{precision: -1}
	const aligns = "<>^="
	if r, n := utf8.DecodeRuneInString(s); n > 0 && len(s) > n && strings.IndexByte(aligns, s[n]) >= 0 {
		f.fill, f.align = r, s[n]
		s = s[n+1:]
	} else if s != "" && strings.IndexByte(aligns, s[0]) >= 0 {
		f.align = s[0]
		s = s[1:]
	}
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		if s[0] != '-' {
			f.sign = s[0]
		}
		s = s[1:]
	}
	if strings.HasPrefix(s, "#") {
		f.alternate = true
		s = s[1:]
	}
	if strings.HasPrefix(s, "0") && f.align == 0 {
		f.fill, f.align = '0', '='
	}
	var err error
	if f.width, s, err = specNumber(s, 0); err != nil {
		return f, err
	}
	if strings.HasPrefix(s, ",") {
		f.comma = true
		s = s[1:]
	}
	if strings.HasPrefix(s, ".") {
		if f.precision, s, err = specNumber(s[1:], -1); err != nil {
			return f, err
		}
	}
	switch {
	case s == "":
		return f, nil
	case len(s) == 1 && strings.Contains("sdfFeEgGxXob%c", s):
		f.verb = s[0]
		return f, nil
	}
	return f, errors.New("Invalid format specifier") //nolint:staticcheck // Python's words
}

func specNumber(s string, other int) (int, string, error) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == 0 {
		return other, s, nil
	}
	v, err := strconv.Atoi(s[:n])
	if err != nil || v > maxWidth {
		return 0, "", errBytes
	}
	return v, s[n:], nil
}
