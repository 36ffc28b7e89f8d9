package mention

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/text"
)

// pattern is a form that a regular expression finds. The first group is the
// mention's text where there is one.
type pattern struct {
	kind Kind
	re   *regexp.Regexp
	hint string // a character without which there is no match
}

// patterns are compiled at first use. Earlier ones win over later ones.
var patterns = sync.OnceValue(func() []pattern {
	re := regexp.MustCompile
	return []pattern{
		{URL, re(`\b(?:https?|ftp|s3|wss?|postgres(?:ql)?|mysql|redis|file)://[^\s"'<>()\[\]{}]*[^\s"'<>()\[\]{}.,;:!?]`), "://"},
		{ID, re(`\barn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:\d*:[^\s"',;]*[^\s"',;.!?)]`), "arn:"},
		{Email, re(`[\w.+-]+@[\w-]+(?:\.[\w-]+)+`), "@"},
		{Quote, re("```[a-z]*\\n?([^`]+?)\\n?```"), "```"},
		{Quote, re("`([^`\n]+)`"), "`"},
		{Quote, re(`"([^"\n]+?)"`), `"`},
		{Quote, re(`[“„]([^“”„\n]+)[”“]`), "“"},
		{Quote, re(`[«]\s?([^«»\n]+?)\s?[»]`), "«"},
		{Quote, re(`‘([^‘\n]+?)’(?:[\s.,;:!?)\]]|$)`), "‘"},
		{Quote, re(`(?:^|[\s(\[=:,])'([^\n]+?)'(?:[\s.,;:!?)\]]|$)`), "'"},
		{URL, re(`\bwww\.[\w-]+(?:\.[\w-]+)+(?:/[^\s"'<>()]*[^\s"'<>().,;:!?])?`), "www."},
		{ID, re(`(?:^|[\s("'=])((?:[A-Za-z]:\\|~?/)[\w.@\\/~-]+[\w\\/])`), ""},
		{ID, re(`\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b`), "-"},
		{ID, re(`\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}|:\d{1,5})?\b`), "."},
	}
})

func (f *finder) patterns() {
	s := f.t.S
	for _, p := range patterns() {
		if p.hint != "" && !strings.Contains(s, p.hint) {
			continue
		}
		for _, m := range p.re.FindAllStringSubmatchIndex(s, 200) {
			span := text.Span{Start: m[0], End: m[1]}
			inner := s[m[0]:m[1]]
			if len(m) > 2 && m[2] >= 0 {
				inner = s[m[2]:m[3]]
				// The context that the expression needed is not part of it.
				span.Start, span.End = quoted(s, m[2], m[3])
			}
			if p.kind == Quote && len(inner) > len(s)*3/4 && span.Start < 3 {
				continue // the whole text stands in quotation marks
			}
			f.take(Mention{Span: span, Kind: p.kind, Text: strings.TrimSpace(inner)})
		}
	}
	f.dates()
	f.identifiers()
	f.expressions()
}

// quoted widens [start, end) by the marks right around it.
func quoted(s string, start, end int) (int, int) {
	if r, size := utf8.DecodeLastRuneInString(s[:start]); strings.ContainsRune("`\"'“„«‘", r) {
		start -= size
	}
	if r, size := utf8.DecodeRuneInString(s[end:]); strings.ContainsRune("`\"'”“»’", r) {
		end += size
	}
	return start, end
}

// identifiers takes the words that hold both letters and digits with hyphens,
// underscores, stops or slashes between them: i-0abc123, owner/repo, user_42, XY1234, v1.2.
func (f *finder) identifiers() {
	s := f.t.S
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !idRune(r) {
			i += size
			continue
		}
		end := i
		var letters, digits, upper, marks int
		for end < len(s) {
			r, size := utf8.DecodeRuneInString(s[end:])
			switch {
			case unicode.IsLetter(r):
				letters++
				if unicode.IsUpper(r) && end > i {
					upper++
				}
			case unicode.IsDigit(r):
				digits++
			case r == '-' || r == '_' || r == '/' || r == '.' || r == ':':
				// Only between letters and digits.
				next, _ := utf8.DecodeRuneInString(s[end+size:])
				if !unicode.IsLetter(next) && !unicode.IsDigit(next) || r == ':' && !unicode.IsLetter(next) {
					goto done
				}
				marks++
			default:
				goto done
			}
			end += size
		}
	done:
		if end == i {
			i += size
			continue
		}
		if identifier(s[i:end], letters, digits, upper, marks) {
			f.take(Mention{Span: text.Span{Start: i, End: end}, Kind: ID})
		}
		i = end
	}
}

func idRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

func identifier(w string, letters, digits, upper, marks int) bool {
	switch {
	case letters == 0:
		return false
	case strings.Contains(w, "_"), strings.Contains(w, ":"):
		return true
	case digits == 0 && strings.Contains(w, "/"):
		// owner/repo, but not "and/or" or "m/s"
		return marks == 1 && letters > 6 && (upper > 0 || strings.ContainsAny(w, "-."))
	case digits == 0:
		// google.com, config.yaml: a stop inside lower case
		return strings.Contains(w, ".") && letters > 4 && upper == 0 && !strings.Contains(w, "..") && shortEnd(w)
	}
	if measure(w) {
		return false
	}
	return letters > 0 && digits > 0
}

// shortEnd reports whether the part after the last stop is like that of a host or file.
func shortEnd(w string) bool {
	n := len(w) - 1 - strings.LastIndexByte(w, '.')
	return n >= 2 && n <= 5
}

// measure reports whether w is a number with its unit or an ordinal, "5m", "3rd",
// "20km/h", "6-sided", "2x", "1e-9", or a plain number in the midst of letters of a
// formula: not an identifier.
func measure(w string) bool {
	i := 0
	for i < len(w) && (w[i] >= '0' && w[i] <= '9' || w[i] == '.' || w[i] == ',') {
		i++
	}
	if i == 0 {
		return false
	}
	rest := strings.TrimLeft(w[i:], "-")
	if strings.ContainsAny(rest, "0123456789") {
		return len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') && strings.Trim(rest[1:], "-+0123456789") == ""
	}
	return len(rest) < len(w)-i || len(rest) <= 3 || unitWord(strings.ToLower(rest))
}

var exprRE = sync.OnceValue(func() *regexp.Regexp {
	const atom = `(?:\d*\.?\d*\s?\*?\s?(?:sin|cos|tan|log|ln|exp|sqrt)\([^()\n]{1,40}\)|\([^()\n]{1,60}\)|\d+(?:\.\d+)?\*{0,2}[a-zA-Z]\b|[a-zA-Z]\b|\d+(?:\.\d+)?[a-zA-Z]?\b)(?:\s?(?:\^|\*\*)\s?(?:\(?-?\d+(?:\.\d+)?\)?|[a-z]\b)|[²³])?`
	return regexp.MustCompile(`(?:(?:\b[a-z]\s?(?:\([a-z]\))?\s?=\s?)-?\s?)?(?:` + atom + `)(?:\s?[-+*/]\s?(?:` + atom + `))*`)
})

// expressions takes formulas: those with a power, a function or a letter beside a number.
func (f *finder) expressions() {
	s := f.t.S
	if !strings.ContainsAny(s, "^*²³+/") && !strings.Contains(s, "x") {
		return
	}
	for _, m := range exprRE().FindAllStringIndex(s, 100) {
		start, end := m[0], m[1]
		for start < end && s[start] == ' ' {
			start++
		}
		if start > 0 {
			if r, _ := utf8.DecodeLastRuneInString(s[:start]); unicode.IsLetter(r) || unicode.IsDigit(r) {
				continue
			}
		}
		e := strings.TrimSpace(s[start:end])
		if !formula(e) {
			continue
		}
		start += strings.Index(s[start:end], e)
		if _, right, ok := strings.Cut(e, "="); ok { // y = x^2: the right side is the formula
			right = strings.TrimSpace(right)
			if !formula(right) {
				continue
			}
			f.take(Mention{Span: text.Span{Start: start, End: start + len(e)}, Kind: Expr, Text: right})
			continue
		}
		f.take(Mention{Span: text.Span{Start: start, End: start + len(e)}, Kind: Expr})
	}
}

func formula(e string) bool {
	letter := false
	for i := range len(e) {
		c := e[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			letter = true
		}
	}
	if !letter {
		return false
	}
	unit := strings.TrimLeft(e, "0123456789. ")
	if _, ok := Dimension(unit); ok || strings.Contains(e, "/s") || strings.Contains(e, "m^") {
		return false
	}
	return strings.ContainsAny(e, "^²³") || strings.Contains(e, "**") ||
		strings.Contains(e, "(") && strings.ContainsAny(e, "sincotalgexpqr") && len(e) > 5 && strings.IndexByte(e, '(') >= 2 && isFunction(e) ||
		strings.ContainsAny(e, "+*") && strings.ContainsAny(e, "0123456789")
}

func isFunction(e string) bool {
	for _, name := range []string{"sin(", "cos(", "tan(", "log(", "ln(", "exp(", "sqrt("} {
		if strings.Contains(e, name) {
			return true
		}
	}
	return false
}
