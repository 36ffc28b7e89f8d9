package jinja

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// isSpace is Python's str.isspace of one code point.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// digits returns the length of digits at the start of s, single underscores between.
func digits(s string) int {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '_' && n > 0 && s[n-1] != '_' && n+1 < len(s) && isDigit(s[n+1])) {
		n++
	}
	return n
}

// scanFloat returns the length of a float at the start of s, or 0.
func scanFloat(s string) int {
	n := digits(s)
	if n == 0 {
		return 0
	}
	found := false
	if n < len(s) && s[n] == '.' {
		if d := digits(s[n+1:]); d > 0 {
			n += 1 + d
			found = true
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if d := digits(s[e:]); d > 0 {
			return e + d
		}
	}
	if !found {
		return 0
	}
	return n
}

// scanInteger returns the length of an integer at the start of s, or 0.
func scanInteger(s string) int {
	if !isDigit(s[0]) {
		return 0
	}
	if s[0] != '0' {
		return digits(s)
	}
	if len(s) > 2 {
		if set, ok := map[byte]string{'b': "01", 'o': "01234567", 'x': "0123456789abcdefABCDEF"}[s[1]|0x20]; ok {
			n := 2
			for n < len(s) && strings.IndexByte(set+"_", s[n]) >= 0 {
				n++
			}
			if n = len(strings.TrimRight(s[:n], "_")); n > 2 {
				return n
			}
		}
	}
	n := 1
	for n < len(s) && (s[n] == '0' || s[n] == '_' && n+1 < len(s) && s[n+1] == '0') {
		n++
	}
	return n
}

// scanName returns the length of a word at the start of s, or 0.
func scanName(s string) int {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) {
			return i
		}
	}
	return len(s)
}

// scanString returns the length of a quoted string at the start of s, or 0.
func scanString(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return 0
}

// plainEscapes are the escapes of one letter.
var plainEscapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape resolves the escapes of a string literal as Python does; an unknown one
// stays as it is. A non-empty problem says what is wrong.
func unescape(s string) (value, problem string) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, ""
	}
	var b strings.Builder
	var high rune // a first half of a surrogate pair
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		c := s[i+1]
		if plain, ok := plainEscapes[c]; ok {
			b.WriteString(plain)
			i += 2
			continue
		}
		r, n, problem := numericEscape(s[i+1:])
		if problem != "" {
			return "", problem
		}
		if n == 0 {
			b.WriteByte('\\')
			i++
			continue
		}
		i += 1 + n
		if utf16.IsSurrogate(r) && high == 0 && strings.HasPrefix(s[i:], `\u`) {
			high = r
			continue
		}
		if high != 0 {
			r, high = utf16.DecodeRune(high, r), 0
		}
		b.WriteRune(r)
	}
	return b.String(), ""
}

// numericEscape reads what follows a backslash: \x41, \u0041, \U00000041, \101. A
// length of 0 means that it is none of them.
func numericEscape(s string) (r rune, length int, problem string) {
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if width > 0 {
		if len(s) <= width {
			return 0, 0, "truncated \\" + s[:1] + " escape"
		}
		v, err := strconv.ParseUint(s[1:1+width], 16, 32)
		if err != nil {
			return 0, 0, "truncated \\" + s[:1] + " escape"
		}
		if v > utf8.MaxRune {
			return 0, 0, "illegal Unicode character"
		}
		return rune(v), 1 + width, ""
	}
	if s[0] == 'N' {
		return 0, 0, "characters by name are not supported"
	}
	n := 0
	for n < len(s) && n < 3 && s[n] >= '0' && s[n] <= '7' {
		r = r*8 + rune(s[n]-'0')
		n++
	}
	return r, n, ""
}
