package token

import (
	"strings"
)

// A normalForm is a normalizer. It may return its argument.
type normalForm func(s string) string

// formsInTurn gives the form of each to the next one; nil stands for none.
func formsInTurn(forms []normalForm) normalForm {
	switch len(forms) {
	case 0:
		return nil
	case 1:
		return forms[0]
	}
	return func(s string) string {
		for _, f := range forms {
			s = f(s)
		}
		return s
	}
}

// prepend puts something before a text that is not empty.
func prepend(prefix string) normalForm {
	return func(s string) string {
		if s == "" {
			return s
		}
		return prefix + s
	}
}

// replace puts one string for another.
func replace(old, content string) normalForm {
	return func(s string) string { return strings.ReplaceAll(s, old, content) }
}

// squeeze puts content for each run of two spaces or more.
func squeeze(content string) normalForm {
	return func(s string) string {
		if !strings.Contains(s, "  ") {
			return s
		}
		var b strings.Builder
		for {
			i := strings.Index(s, "  ")
			if i < 0 {
				b.WriteString(s)
				return b.String()
			}
			b.WriteString(s[:i])
			b.WriteString(content)
			s = strings.TrimLeft(s[i:], " ")
		}
	}
}

// strip takes white space off the ends.
func strip(left, right bool) normalForm {
	return func(s string) string {
		if left {
			s = strings.TrimLeftFunc(s, space)
		}
		if right {
			s = strings.TrimRightFunc(s, space)
		}
		return s
	}
}

// lowercase is the normalizer of that name.
func lowercase(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		c, rest := lower(r)
		b.WriteRune(c)
		if rest != 0 {
			b.WriteRune(rest)
		}
	}
	return b.String()
}

// trimSpaces takes spaces off both ends.
func trimSpaces(s string) string { return strings.Trim(s, " ") }

// trimMarks takes SentencePiece's marks off the end.
func trimMarks(s string) string { return strings.TrimRight(s, sentencePieceMark) }
