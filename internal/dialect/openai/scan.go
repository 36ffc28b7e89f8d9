package openai

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// errSyntax says that bytes are not JSON.
var errSyntax = errors.New("not valid JSON")

// scanner reads one JSON text from front to back, once, and builds no tree: the
// reader of an answer asks for the members it knows and skips the others. A value
// of another type than the one asked for is skipped and counts as absent, which
// is how servers that fill a member differently are survived.
//
// It checks as much of the syntax as it needs to find its way. After an error
// every method returns its zero value, so a reader looks at err once, at the end.
type scanner struct {
	data []byte
	pos  int
	bad  bool
}

func (s *scanner) err() error {
	if s.bad {
		return errSyntax
	}
	return nil
}

func (s *scanner) fail() { s.bad, s.pos = true, len(s.data) }

// peek returns the first byte of the next token, or 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// open enters an object ('{') or a list ('['). Any other value is skipped and
// open reports false.
func (s *scanner) open(brace byte) bool {
	if s.peek() != brace {
		s.skip()
		return false
	}
	s.pos++
	return !s.bad
}

// key goes to the next member of the open object and returns its key, or reports
// that the object is over. The caller must read or skip the member's value.
func (s *scanner) key() ([]byte, bool) {
	if !s.next('}') {
		return nil, false
	}
	raw := s.stringToken()
	if s.peek() != ':' {
		s.fail()
		return nil, false
	}
	s.pos++
	if bytes.IndexByte(raw, '\\') >= 0 {
		return []byte(unescape(raw)), true
	}
	return raw, true
}

// elem goes to the next element of the open list, or reports that it is over.
func (s *scanner) elem() bool { return s.next(']') }

// next steps over a comma or the closing brace. A comma too many is let pass.
func (s *scanner) next(brace byte) bool {
	switch s.peek() {
	case brace:
		s.pos++
		return false
	case ',':
		s.pos++
		if s.peek() == brace {
			s.pos++
			return false
		}
	case 0:
		s.fail()
	}
	return !s.bad
}

// stringToken returns the inside of the string that comes next, escapes and all.
func (s *scanner) stringToken() []byte {
	if s.peek() != '"' {
		s.fail()
		return nil
	}
	s.pos++
	start := s.pos
	for {
		i := bytes.IndexByte(s.data[s.pos:], '"')
		if i < 0 {
			s.fail()
			return nil
		}
		s.pos += i + 1
		if end := s.pos - 1; !escaped(s.data[start:end]) {
			return s.data[start:end]
		}
	}
}

// escaped reports whether what follows b is escaped: b ends in an odd number of
// backslashes.
func escaped(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}

// text reads a string; ok is false for a value of another type, null included.
func (s *scanner) text() (v string, ok bool) {
	if s.peek() != '"' {
		s.skip()
		return "", false
	}
	raw := s.stringToken()
	if s.bad {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		return unescape(raw), true
	}
	if !utf8.Valid(raw) {
		return strings.ToValidUTF8(string(raw), "\uFFFD"), true
	}
	return string(raw), true
}

// count reads a number as an integer that is not negative.
func (s *scanner) count() (n int, ok bool) {
	raw := s.raw()
	if n, err := strconv.Atoi(string(raw)); err == nil {
		return max(n, 0), n >= 0
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f < 0 || f > 1<<53 {
		return 0, false
	}
	return int(f), true
}

// present skips a value and reports whether it was something other than null.
func (s *scanner) present() bool {
	c := s.peek()
	s.skip()
	return c != 'n' && !s.bad
}

// raw returns the text of the next value. It is part of the scanner's data.
func (s *scanner) raw() []byte {
	s.peek()
	start := s.pos
	s.skip()
	if s.bad {
		return nil
	}
	return s.data[start:s.pos]
}

// skip goes over a value. It does not recurse, so depth costs nothing.
func (s *scanner) skip() {
	depth := 0
	for {
		switch c := s.peek(); c {
		case '"':
			s.stringToken()
		case '{', '[':
			s.pos++
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				s.fail()
				return
			}
			s.pos++
			depth--
		case ',', ':':
			if depth == 0 {
				s.fail()
				return
			}
			s.pos++
			continue
		case 0:
			s.fail()
			return
		default:
			if !s.literal() {
				s.fail()
				return
			}
		}
		if s.bad || depth == 0 {
			return
		}
	}
}

// literal goes over a number, true, false or null.
func (s *scanner) literal() bool {
	start := s.pos
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E' {
			s.pos++
			continue
		}
		break
	}
	switch word := s.data[start:s.pos]; {
	case len(word) == 0:
		return false
	case word[0] == '-' || word[0] >= '0' && word[0] <= '9':
		return true
	default:
		return string(word) == "true" || string(word) == "false" || string(word) == "null"
	}
}

// end fails unless nothing but white space is left.
func (s *scanner) end() {
	if s.peek() != 0 || s.pos < len(s.data) {
		s.fail()
	}
}

// unescape decodes the inside of a JSON string. What is no valid escape, and half
// a surrogate pair, becomes U+FFFD, as in encoding/json.
func unescape(raw []byte) string {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); {
		next := bytes.IndexByte(raw[i:], '\\')
		if next < 0 {
			b.Write(raw[i:])
			break
		}
		b.Write(raw[i : i+next])
		i += next + 1
		if i == len(raw) {
			break
		}
		c := raw[i]
		i++
		if c != 'u' {
			b.WriteByte(unescapeByte(c))
			continue
		}
		r, ok := hex4(raw[i:])
		if !ok {
			b.WriteRune(utf8.RuneError)
			continue
		}
		i += 4
		if utf16.IsSurrogate(r) {
			r = secondHalf(r, raw[i:])
			if r != utf8.RuneError {
				i += 6
			}
		}
		b.WriteRune(r)
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

func unescapeByte(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return c
}

// secondHalf joins a surrogate with the one that rest must start with.
func secondHalf(first rune, rest []byte) rune {
	if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
		return utf8.RuneError
	}
	second, ok := hex4(rest[2:])
	if !ok {
		return utf8.RuneError
	}
	return utf16.DecodeRune(first, second)
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		r <<= 4
		switch {
		case c >= '0' && c <= '9':
			r |= rune(c - '0')
		case c >= 'a' && c <= 'f':
			r |= rune(c-'a') + 10
		case c >= 'A' && c <= 'F':
			r |= rune(c-'A') + 10
		default:
			return 0, false
		}
	}
	return r, true
}
