package jinja

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// method makes a function of a method and the value it belongs to.
func method[T any](name string, v T, f func(m *machine, v T, a *callArgs) (Value, error)) *function {
	return &function{name: name, call: func(m *machine, a *callArgs) (Value, error) {
		if err := m.step(1); err != nil {
			return nil, err
		}
		return f(m, v, a)
	}}
}

// textMethod returns a method of str; nil when there is none of that name.
func textMethod(t text, name string) Value {
	f := textMethodNamed(name)
	if f == nil {
		return nil
	}
	return method(name, t, f)
}

func textMethodNamed(name string) func(*machine, text, *callArgs) (Value, error) {
	switch name {
	case "upper":
		return mapped(toUpper)
	case "lower":
		return mapped(toLower)
	case "swapcase":
		return mapped(swapCase)
	case "casefold":
		return mapped(strings.ToLower)
	case "capitalize":
		return whole(capitalize)
	case "title":
		return whole(title)
	case "strip":
		return stripper(true, true)
	case "lstrip":
		return stripper(true, false)
	case "rstrip":
		return stripper(false, true)
	case "removeprefix":
		return affix(strings.HasPrefix, func(t text, n int) text { return t.slice(n, len(t.s)) })
	case "removesuffix":
		return affix(strings.HasSuffix, func(t text, n int) text { return t.slice(0, len(t.s)-n) })
	case "split":
		return splitMethod
	case "rsplit":
		return rsplitMethod
	case "splitlines":
		return splitlinesMethod
	case "partition":
		return partition(strings.Index, false)
	case "rpartition":
		return partition(strings.LastIndex, true)
	case "startswith":
		return hasAffix(strings.HasPrefix)
	case "endswith":
		return hasAffix(strings.HasSuffix)
	case "find":
		return finder(strings.Index, false)
	case "rfind":
		return finder(strings.LastIndex, false)
	case "index":
		return finder(strings.Index, true)
	case "rindex":
		return finder(strings.LastIndex, true)
	case "count":
		return countMethod
	case "replace":
		return replaceMethod
	case "join":
		return joinMethod
	case "format":
		return formatMethod
	case "zfill", "ljust", "rjust", "center":
		return func(m *machine, t text, a *callArgs) (Value, error) { return pad(m, name, t, a) }
	case "isdigit", "isdecimal", "isnumeric":
		return every(unicode.IsDigit)
	case "isalpha":
		return every(unicode.IsLetter)
	case "isalnum":
		return every(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	case "isspace":
		return every(isSpace)
	case "isupper":
		return cased(unicode.IsUpper, unicode.IsLower)
	case "islower":
		return cased(unicode.IsLower, unicode.IsUpper)
	}
	return nil
}

// textArg returns an argument that must be a text.
func textArg(v Value) (text, error) {
	switch v := v.(type) {
	case text:
		return v, nil
	case undefined:
		return text{}, errors.New(v.why)
	case nil:
		return text{}, errors.New("misses an argument")
	}
	return text{}, fmt.Errorf("must be str, not %s", v.typeName())
}

// intArg returns an argument that must be an integer, or other when it isn't given.
func intArg(v Value, other int) (int, error) {
	if v == nil {
		return other, nil
	}
	if u, ok := v.(undefined); ok {
		return 0, errors.New(u.why)
	}
	n, _ := number(v)
	i, ok := n.(integer)
	if !ok {
		return 0, fmt.Errorf("'%s' object cannot be interpreted as an integer", v.typeName())
	}
	const far = 1 << 31
	return int(min(max(i, -far), far)), nil
}

func mapped(f func(string) string) func(*machine, text, *callArgs) (Value, error) {
	return func(_ *machine, t text, a *callArgs) (Value, error) {
		_, err := a.bind()
		return t.mapParts(f), err
	}
}

func whole(f func(string) string) func(*machine, text, *callArgs) (Value, error) {
	return func(_ *machine, t text, a *callArgs) (Value, error) {
		_, err := a.bind()
		return t.with(f(t.s)), err
	}
}

func every(is func(rune) bool) func(*machine, text, *callArgs) (Value, error) {
	return func(_ *machine, t text, a *callArgs) (Value, error) {
		_, err := a.bind()
		return boolean(t.s != "" && strings.IndexFunc(t.s, func(r rune) bool { return !is(r) }) < 0), err
	}
}

func cased(is, isNot func(rune) bool) func(*machine, text, *callArgs) (Value, error) {
	return func(_ *machine, t text, a *callArgs) (Value, error) {
		_, err := a.bind()
		return boolean(strings.IndexFunc(t.s, is) >= 0 && strings.IndexFunc(t.s, isNot) < 0), err
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return toTitle(s[:n]) + toLower(s[n:])
}

// title is str.title: a capital after whatever is no letter.
func title(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		start := strings.IndexFunc(s, unicode.IsLetter)
		if start < 0 {
			break
		}
		end := start + wordLength(s[start:], unicode.IsLetter)
		b.WriteString(s[:start] + capitalize(s[start:end]))
		s = s[end:]
	}
	return b.String() + s
}

// wordLength returns how many bytes at the start of s belong to a word.
func wordLength(s string, in func(rune) bool) int {
	if n := strings.IndexFunc(s, func(r rune) bool { return !in(r) }); n >= 0 {
		return n
	}
	return len(s)
}

// The mappings of case with all that Unicode says, such as a sharp s becoming two.
func toUpper(s string) string { return cases.Upper(language.Und).String(s) }

func toLower(s string) string { return cases.Lower(language.Und).String(s) }

func toTitle(s string) string { return cases.Title(language.Und, cases.NoLower).String(s) }

func stripper(left, right bool) func(*machine, text, *callArgs) (Value, error) {
	return func(_ *machine, t text, a *callArgs) (Value, error) {
		args, err := a.bind("chars")
		if err != nil {
			return nil, err
		}
		return strip(t, args[0], left, right)
	}
}

// strip cuts white space, or the characters of chars, from the ends.
func strip(t text, chars Value, left, right bool) (Value, error) {
	cut := isSpace
	if _, isNone := chars.(none); chars != nil && !isNone {
		set, err := textArg(chars)
		if err != nil {
			return nil, err
		}
		cut = func(r rune) bool { return strings.ContainsRune(set.s, r) }
	}
	from, to := 0, len(t.s)
	if left {
		from = len(t.s) - len(strings.TrimLeftFunc(t.s, cut))
	}
	if right {
		to = from + len(strings.TrimRightFunc(t.s[from:], cut))
	}
	return t.slice(from, to), nil
}

func affix(has func(s, part string) bool, cut func(t text, n int) text) func(*machine, text, *callArgs) (Value, error) {
	return func(_ *machine, t text, a *callArgs) (Value, error) {
		args, err := a.bind("affix")
		if err != nil {
			return nil, err
		}
		part, err := textArg(args[0])
		if err != nil {
			return nil, err
		}
		if has(t.s, part.s) {
			return cut(t, len(part.s)), nil
		}
		return t, nil
	}
}

func hasAffix(has func(s, part string) bool) func(*machine, text, *callArgs) (Value, error) {
	return func(_ *machine, t text, a *callArgs) (Value, error) {
		args, err := a.bind("affix")
		if err != nil {
			return nil, err
		}
		options := []Value{args[0]}
		if l, ok := args[0].(*list); ok && l.tuple {
			options = l.items
		}
		for _, o := range options {
			part, err := textArg(o)
			if err != nil {
				return nil, err
			}
			if has(t.s, part.s) {
				return boolean(true), nil
			}
		}
		return boolean(false), nil
	}
}

// window returns the part of t between two optional places, and where it begins in
// code points.
func (m *machine) window(t text, start, end Value) (text, int, error) {
	if start == nil && end == nil {
		return t, 0, nil
	}
	from, _, err := sliceRange(start, nil, 1, t.runes())
	if err != nil {
		return text{}, 0, err
	}
	v, err := m.sliceText(t, start, end, 1)
	if err != nil {
		return text{}, 0, err
	}
	return v.(text), from, nil //nolint:forcetypeassert // a slice of a text is one
}

func finder(find func(s, part string) int, must bool) func(*machine, text, *callArgs) (Value, error) {
	return func(m *machine, t text, a *callArgs) (Value, error) {
		args, err := a.bind("sub", "start", "end")
		if err != nil {
			return nil, err
		}
		part, err := textArg(args[0])
		if err != nil {
			return nil, err
		}
		in, from, err := m.window(t, args[1], args[2])
		if err != nil {
			return nil, err
		}
		i := find(in.s, part.s)
		switch {
		case i >= 0:
			return integer(from + utf8.RuneCountInString(in.s[:i])), nil
		case must:
			return nil, errors.New("substring not found")
		}
		return integer(-1), nil
	}
}

func countMethod(m *machine, t text, a *callArgs) (Value, error) {
	args, err := a.bind("sub", "start", "end")
	if err != nil {
		return nil, err
	}
	part, err := textArg(args[0])
	if err != nil {
		return nil, err
	}
	in, _, err := m.window(t, args[1], args[2])
	return integer(strings.Count(in.s, part.s)), err
}

func replaceMethod(m *machine, t text, a *callArgs) (Value, error) {
	args, err := a.bind("old", "new", "count")
	if err != nil {
		return nil, err
	}
	old, err := textArg(args[0])
	if err != nil {
		return nil, err
	}
	by, err := textArg(args[1])
	if err != nil {
		return nil, err
	}
	n, err := intArg(args[2], -1)
	if err != nil {
		return nil, err
	}
	return m.replace(t, old.s, by, n)
}

// replace puts by in the place of the first n old ones; all when n is negative.
func (m *machine) replace(t text, old string, by text, n int) (Value, error) {
	if n == 0 || old != "" && !strings.Contains(t.s, old) {
		return t, nil
	}
	b := m.builder()
	at := 0
	for done := 0; n < 0 || done < n; done++ {
		if b.over {
			return nil, errBytes
		}
		next := at
		if old == "" { // before each character and at the end
			if done > 0 {
				_, width := utf8.DecodeRuneInString(t.s[at:])
				if width == 0 {
					break
				}
				next = at + width
			}
		} else {
			i := strings.Index(t.s[at:], old)
			if i < 0 {
				break
			}
			next = at + i
		}
		b.addPart(t, at, next)
		b.add(by)
		at = next + len(old)
	}
	b.addPart(t, at, len(t.s))
	return m.build(b)
}

func joinMethod(m *machine, t text, a *callArgs) (Value, error) {
	args, err := a.bind("iterable")
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return nil, errors.New("misses an argument")
	}
	items, err := m.iterate(args[0])
	if err != nil {
		return nil, err
	}
	b := m.builder()
	for i, item := range items {
		part, ok := item.(text)
		if !ok {
			return nil, fmt.Errorf("sequence item %d: expected str instance, %s found", i, item.typeName())
		}
		if i > 0 {
			b.add(t)
		}
		b.add(part)
		if b.over {
			break
		}
	}
	return m.build(b)
}

// pad widens a text to a number of characters.
func pad(m *machine, how string, t text, a *callArgs) (Value, error) {
	args, err := a.bind("width", "fillchar")
	if err != nil {
		return nil, err
	}
	width, err := intArg(args[0], 0)
	if err != nil {
		return nil, err
	}
	fill := lit(" ")
	if args[1] != nil {
		if fill, err = textArg(args[1]); err != nil || fill.runes() != 1 {
			return nil, errors.New("the fill character must be exactly one character long")
		}
	}
	missing := width - t.runes()
	if missing <= 0 {
		return t, nil
	}
	if missing > maxText {
		return nil, errBytes
	}
	left, right := 0, 0
	body := t
	b := m.builder()
	switch how {
	case "ljust":
		right = missing
	case "rjust":
		left = missing
	case "zfill":
		left, fill = missing, lit("0")
		if strings.HasPrefix(t.s, "-") || strings.HasPrefix(t.s, "+") {
			b.addPart(t, 0, 1)
			body = t.slice(1, len(t.s))
		}
	default: // as CPython rounds
		left = missing/2 + missing&width&1
		right = missing - left
	}
	for range left {
		b.add(fill)
		if b.over {
			return nil, errBytes
		}
	}
	b.add(body)
	for range right {
		b.add(fill)
		if b.over {
			return nil, errBytes
		}
	}
	return m.build(b)
}
