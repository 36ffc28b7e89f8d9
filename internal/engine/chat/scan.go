package chat

import (
	"encoding/json"
	"fmt"
)

// scan checks a JSON value byte by byte. What it returns for the bytes is the value in
// strict JSON: line feeds within strings and escapes that JSON does not know, as
// models write them, come out escaped.
type scan struct {
	stack  []byte // '{' and '['
	state  scanState
	key    bool   // the string being read is a key
	escape bool   // within a string, behind a backslash
	hex    int    // digits of \u0000 still to come
	number []byte // being read
	rest   string // of a literal being read
}

type scanState uint8

const (
	wantValue      scanState = iota
	wantFirstKey             // or the object's end
	wantKey                  // behind a comma
	wantColon                //
	wantFirstValue           // or the list's end
	wantComma                // or the end of what is open
	inString
	inNumber
	inLiteral
	scanDone
)

// Bounds on what a model may write.
const (
	maxScanDepth = 200
	maxNumber    = 512
)

func isJSONSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// feed takes one byte and returns what it adds to the value.
func (s *scan) feed(c byte) (string, error) {
	switch s.state {
	case inString:
		return s.string(c)
	case inLiteral:
		if s.rest[0] != c {
			return "", s.unexpected(c)
		}
		if s.rest = s.rest[1:]; s.rest == "" {
			s.endValue()
		}
		return string(c), nil
	case inNumber:
		return s.feedNumber(c)
	default:
	}
	if isJSONSpace(c) && s.state != scanDone {
		return string(c), nil
	}
	switch s.state {
	case wantValue, wantFirstValue:
		if c == ']' && s.state == wantFirstValue {
			return s.pop(c)
		}
		return s.begin(c)
	case wantFirstKey, wantKey:
		if c == '}' && s.state == wantFirstKey {
			return s.pop(c)
		}
		if c != '"' {
			return "", s.unexpected(c)
		}
		s.state, s.key = inString, true
		return `"`, nil
	case wantColon:
		if c != ':' {
			return "", s.unexpected(c)
		}
		s.state = wantValue
		return ":", nil
	case wantComma:
		return s.comma(c)
	default:
	}
	return "", s.unexpected(c)
}

func (s *scan) unexpected(c byte) error { return fmt.Errorf("unexpected %q in JSON", c) }

// begin takes the first byte of a value.
func (s *scan) begin(c byte) (string, error) {
	switch {
	case c == '{' || c == '[':
		if len(s.stack) == maxScanDepth {
			return "", fmt.Errorf("JSON nested more than %d deep", maxScanDepth)
		}
		s.stack = append(s.stack, c)
		if s.state = wantFirstKey; c == '[' {
			s.state = wantFirstValue
		}
	case c == '"':
		s.state, s.key = inString, false
	case c == '-' || c >= '0' && c <= '9':
		s.state, s.number = inNumber, append(s.number[:0], c)
		return "", nil // comes out when it is whole
	case c == 't':
		s.state, s.rest = inLiteral, "true"[1:]
	case c == 'f':
		s.state, s.rest = inLiteral, "false"[1:]
	case c == 'n':
		s.state, s.rest = inLiteral, "null"[1:]
	default:
		return "", s.unexpected(c)
	}
	return string(c), nil
}

func (s *scan) comma(c byte) (string, error) {
	open := s.stack[len(s.stack)-1]
	switch {
	case c == ',' && open == '{':
		s.state = wantKey
	case c == ',':
		s.state = wantValue
	case c == '}' && open == '{' || c == ']' && open == '[':
		return s.pop(c)
	default:
		return "", s.unexpected(c)
	}
	return ",", nil
}

func (s *scan) pop(c byte) (string, error) {
	s.stack = s.stack[:len(s.stack)-1]
	s.endValue()
	return string(c), nil
}

func (s *scan) endValue() {
	if s.state = wantComma; len(s.stack) == 0 {
		s.state = scanDone
	}
}

func (s *scan) feedNumber(c byte) (string, error) {
	if c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E' || c >= '0' && c <= '9' {
		if len(s.number) == maxNumber {
			return "", fmt.Errorf("a number of more than %d digits", maxNumber)
		}
		s.number = append(s.number, c)
		return "", nil
	}
	if !json.Valid(s.number) {
		return "", fmt.Errorf("%q is no number", s.number)
	}
	out := string(s.number)
	s.endValue()
	after, err := s.feed(c)
	return out + after, err
}

func (s *scan) string(c byte) (string, error) {
	switch {
	case s.hex > 0:
		if !isHex(c) {
			return "", s.unexpected(c)
		}
		s.hex--
		return string(c), nil
	case s.escape:
		s.escape = false
		switch c {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return `\` + string(c), nil
		case 'u':
			s.hex = 4
			return `\u`, nil
		case '\'':
			return "'", nil
		}
		escaped, err := s.string(c) // a backslash that stands for itself
		return `\\` + escaped, err
	case c == '\\':
		s.escape = true
		return "", nil
	case c == '"':
		if s.key {
			s.state = wantColon
		} else {
			s.endValue()
		}
		return `"`, nil
	case c == '\n':
		return `\n`, nil
	case c == '\r':
		return `\r`, nil
	case c == '\t':
		return `\t`, nil
	case c < ' ':
		return fmt.Sprintf(`\u%04x`, c), nil
	}
	return string([]byte{c}), nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
