package jinja

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// splitArgs reads the arguments of split and rsplit; sep is "" for white space.
func splitArgs(a *callArgs) (sep string, limit int, err error) {
	args, err := a.bind("sep", "maxsplit")
	if err != nil {
		return "", 0, err
	}
	if limit, err = intArg(args[1], -1); err != nil {
		return "", 0, err
	}
	if _, isNone := args[0].(none); args[0] == nil || isNone {
		return "", limit, nil
	}
	t, err := textArg(args[0])
	if err == nil && t.s == "" {
		err = errors.New("empty separator")
	}
	return t.s, limit, err
}

// span is a part of a text.
type span struct{ from, to int }

// parts returns the parts of t as a list.
func parts(m *machine, t text, spans []span) (Value, error) {
	if len(spans) > maxParts {
		return nil, errBytes
	}
	if err := m.spend(len(t.s) + textSize*len(spans)); err != nil {
		return nil, err
	}
	items := make([]Value, len(spans))
	for i, p := range spans {
		items[i] = t.slice(p.from, p.to)
	}
	return newList(items), nil
}

func splitMethod(m *machine, t text, a *callArgs) (Value, error) {
	sep, limit, err := splitArgs(a)
	if err != nil {
		return nil, err
	}
	if sep == "" {
		return parts(m, t, fields(t.s, limit))
	}
	var out []span
	at := 0
	for (limit < 0 || len(out) < limit) && len(out) <= maxParts {
		i := strings.Index(t.s[at:], sep)
		if i < 0 {
			break
		}
		out = append(out, span{at, at + i})
		at += i + len(sep)
	}
	return parts(m, t, append(out, span{at, len(t.s)}))
}

// fields cuts at white space, at most limit times; the rest keeps its inner space.
func fields(s string, limit int) []span {
	var out []span
	at := 0
	for len(out) <= maxParts {
		at += len(s[at:]) - len(strings.TrimLeftFunc(s[at:], isSpace))
		if at == len(s) {
			return out
		}
		if limit >= 0 && len(out) == limit {
			return append(out, span{at, len(s)})
		}
		end := strings.IndexFunc(s[at:], isSpace)
		if end < 0 {
			return append(out, span{at, len(s)})
		}
		out = append(out, span{at, at + end})
		at += end
	}
	return out // too many, which parts refuses
}

func rsplitMethod(m *machine, t text, a *callArgs) (Value, error) {
	sep, limit, err := splitArgs(a)
	if err != nil {
		return nil, err
	}
	var out []span // from the right
	if sep == "" {
		out = fieldsRight(t.s, limit)
	} else {
		end := len(t.s)
		for (limit < 0 || len(out) < limit) && len(out) <= maxParts {
			i := strings.LastIndex(t.s[:end], sep)
			if i < 0 {
				break
			}
			out = append(out, span{i + len(sep), end})
			end = i
		}
		out = append(out, span{0, end})
	}
	slices.Reverse(out)
	return parts(m, t, out)
}

func fieldsRight(s string, limit int) []span {
	var out []span
	end := len(s)
	for len(out) <= maxParts {
		end = len(strings.TrimRightFunc(s[:end], isSpace))
		if end == 0 {
			return out
		}
		if limit >= 0 && len(out) == limit {
			return append(out, span{0, end})
		}
		start := strings.LastIndexFunc(s[:end], isSpace)
		if start < 0 {
			return append(out, span{0, end})
		}
		_, width := utf8.DecodeRuneInString(s[start:])
		out = append(out, span{start + width, end})
		end = start
	}
	return out
}

func splitlinesMethod(m *machine, t text, a *callArgs) (Value, error) {
	args, err := a.bind("keepends")
	if err != nil {
		return nil, err
	}
	keep := args[0] != nil && truth(args[0])
	var out []span
	from := 0
	for from < len(t.s) && len(out) <= maxParts {
		i := strings.IndexFunc(t.s[from:], isLineEnd)
		if i < 0 {
			out = append(out, span{from, len(t.s)})
			break
		}
		end := from + i
		width := lineEnd(t.s[end:])
		if keep {
			out = append(out, span{from, end + width})
		} else {
			out = append(out, span{from, end})
		}
		from = end + width
	}
	return parts(m, t, out)
}

func isLineEnd(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

// lineEnd returns the length of the line end at the start of s.
func lineEnd(s string) int {
	if strings.HasPrefix(s, "\r\n") {
		return 2
	}
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

// partition is str.partition, or rpartition where the rest stands on the left.
func partition(find func(s, sep string) int, fromRight bool) func(*machine, text, *callArgs) (Value, error) {
	return func(_ *machine, t text, a *callArgs) (Value, error) {
		args, err := a.bind("sep")
		if err != nil {
			return nil, err
		}
		sep, err := textArg(args[0])
		if err != nil {
			return nil, err
		}
		if sep.s == "" {
			return nil, errors.New("empty separator")
		}
		i := find(t.s, sep.s)
		switch {
		case i >= 0:
			end := i + len(sep.s)
			return tuple(t.slice(0, i), t.slice(i, end), t.slice(end, len(t.s))), nil
		case fromRight:
			return tuple(text{}, text{}, t), nil
		}
		return tuple(t, text{}, text{}), nil
	}
}
