package jsoncodec

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/scalar"
)

// maxDepth bounds nesting, far above what any shape needs. It keeps a hostile body
// from growing the stack.
const maxDepth = 1000

func failf(format string, args ...any) *smithy.SerializationError {
	return &smithy.SerializationError{Message: fmt.Sprintf(format, args...)}
}

// peek skips white space and returns the byte that follows, 0 at the end.
func (r *Reader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// expected reports that something else than what stands at the position was wanted.
func (r *Reader) expected(what string) error {
	return failf("Unexpected %s: expected %s", r.found(), what)
}

// found names the token at the position.
func (r *Reader) found() string {
	switch c := r.peek(); {
	case r.pos >= len(r.data):
		return "end of JSON"
	case c == '{':
		return "object"
	case c == '[':
		return "list"
	case c == '"':
		return "string"
	case c == '-' || '0' <= c && c <= '9':
		return "number"
	case r.literal("true") || r.literal("false"):
		return "boolean"
	case r.literal("null"):
		return "null"
	default:
		return fmt.Sprintf("character %q at offset %d", rune(c), r.pos)
	}
}

// literal reports whether word stands at the position.
func (r *Reader) literal(word string) bool {
	end := r.pos + len(word)
	return end <= len(r.data) && string(r.data[r.pos:end]) == word
}

// takeNull consumes a null if one is next.
func (r *Reader) takeNull() bool {
	if r.peek() == 'n' && r.literal("null") {
		r.pos += len("null")
		return true
	}
	return false
}

// next moves past a comma or the closing byte, and reports whether another element
// follows. first says that none has been read yet.
func (r *Reader) next(closing byte, first bool) (bool, error) {
	c := r.peek()
	switch {
	case c == closing && r.pos < len(r.data):
		r.pos++
		return false, nil
	case first:
		return true, nil
	case c == ',':
		r.pos++
		if r.peek() == closing {
			return false, failf("Unexpected trailing comma at offset %d", r.pos)
		}
		return true, nil
	}
	return false, r.expected(fmt.Sprintf("a comma or %q", rune(closing)))
}

// key reads a member name and its colon. The result is valid until the next string
// is read.
func (r *Reader) key() ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.expected("a member name")
	}
	k, err := r.text()
	if err != nil {
		return nil, err
	}
	if r.peek() != ':' {
		return nil, r.expected("a colon")
	}
	r.pos++
	return k, nil
}

// text reads the string at the position, which is at its quote. The result lies in
// the input, or in a buffer that the next string reuses.
func (r *Reader) text() ([]byte, error) {
	start := r.pos + 1
	ascii := true
	for i := start; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			r.pos = i + 1
			if s := r.data[start:i]; ascii || utf8.Valid(s) {
				return s, nil
			}
			return nil, failf("Invalid UTF-8 in the string at offset %d", start)
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			return nil, failf("Unescaped control character 0x%02x in a string at offset %d", c, i)
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, failf("Unexpected end of JSON in a string")
}

// escaped reads a string from start on whose first backslash is at i.
func (r *Reader) escaped(start, i int) ([]byte, error) {
	buf := append(r.scratch[:0], r.data[start:i]...)
	for i < len(r.data) {
		switch c := r.data[i]; {
		case c == '"':
			r.scratch = buf
			r.pos = i + 1
			if !utf8.Valid(buf) {
				return nil, failf("Invalid UTF-8 in the string at offset %d", start)
			}
			return buf, nil
		case c < ' ':
			return nil, failf("Unescaped control character 0x%02x in a string at offset %d", c, i)
		case c != '\\':
			buf = append(buf, c)
			i++
		default:
			n := 0
			if buf, n = unescape(buf, r.data[i:]); n == 0 {
				return nil, failf("Invalid escape in a string at offset %d", i)
			}
			i += n
		}
	}
	return nil, failf("Unexpected end of JSON in a string")
}

// unescape appends what the escape at the start of s stands for, and returns its
// length, 0 when it is malformed. A surrogate without its other half becomes U+FFFD.
func unescape(buf, s []byte) ([]byte, int) {
	if len(s) < 2 {
		return buf, 0
	}
	switch c := s[1]; c {
	case '"', '\\', '/':
		return append(buf, c), 2
	case 'b':
		return append(buf, '\b'), 2
	case 'f':
		return append(buf, '\f'), 2
	case 'n':
		return append(buf, '\n'), 2
	case 'r':
		return append(buf, '\r'), 2
	case 't':
		return append(buf, '\t'), 2
	case 'u':
	default:
		return buf, 0
	}
	u, ok := hex4(s)
	if !ok {
		return buf, 0
	}
	if !utf16.IsSurrogate(u) {
		return utf8.AppendRune(buf, u), 6
	}
	if low, ok := hex4(s[6:]); ok {
		if pair := utf16.DecodeRune(u, low); pair != utf8.RuneError {
			return utf8.AppendRune(buf, pair), 12
		}
	}
	return utf8.AppendRune(buf, utf8.RuneError), 6
}

// hex4 returns the code of the \uXXXX that s begins with.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var u rune
	for _, c := range s[2:6] {
		switch {
		case '0' <= c && c <= '9':
			u = u<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			u = u<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			u = u<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return u, true
}

// number reads the number at the position.
func (r *Reader) number(what string) ([]byte, error) {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		return nil, r.expected(what)
	}
	n := scalar.NumberLen(r.data[r.pos:])
	if n == 0 || !r.delimited(r.pos+n) {
		return nil, failf("Malformed number at offset %d", r.pos)
	}
	num := r.data[r.pos : r.pos+n]
	r.pos += n
	return num, nil
}

// delimited reports whether a number or literal may end at i.
func (r *Reader) delimited(i int) bool {
	if i >= len(r.data) {
		return true
	}
	switch r.data[i] {
	case ' ', '\t', '\n', '\r', ',', ']', '}':
		return true
	}
	return false
}

// skip reads one value of any kind and checks that it is JSON.
func (r *Reader) skip() error {
	switch c := r.peek(); {
	case c == '{':
		return r.skipObject()
	case c == '[':
		return r.skipList()
	case c == '"':
		_, err := r.text()
		return err
	case c == 't' && r.literal("true"), c == 'n' && r.literal("null"):
		r.pos += len("true")
		return nil
	case c == 'f' && r.literal("false"):
		r.pos += len("false")
		return nil
	}
	_, err := r.number("a value")
	return err
}

func (r *Reader) skipObject() error {
	if err := r.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := r.next('}', first)
		if err != nil || !more {
			r.depth--
			return err
		}
		if _, err := r.key(); err != nil {
			return err
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
}

func (r *Reader) skipList() error {
	if err := r.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := r.next(']', first)
		if err != nil || !more {
			r.depth--
			return err
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
}

// enter moves past an opening byte.
func (r *Reader) enter() error {
	r.pos++
	r.depth++
	if r.depth > maxDepth {
		return failf("JSON is nested more than %d levels deep", maxDepth)
	}
	return nil
}
