package rawjson

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// member says where a member of the object stands in its text: the key from start,
// the value from value up to end.
type member struct {
	key               string
	start, value, end int
}

// scan finds the members of the object that is the whole of text.
func scan(text []byte) ([]member, error) {
	i := skipSpace(text, 0)
	if i >= len(text) || text[i] != '{' {
		return nil, ErrSyntax
	}
	i = skipSpace(text, i+1)
	if i < len(text) && text[i] == '}' {
		return nil, atEnd(text, i+1)
	}
	members := make([]member, 0, 16)
	for {
		m, ok := scanMember(text, i)
		if !ok {
			return nil, ErrSyntax
		}
		members = append(members, m)
		i = skipSpace(text, m.end)
		if i >= len(text) {
			return nil, ErrSyntax
		}
		switch text[i] {
		case ',':
			i = skipSpace(text, i+1)
		case '}':
			return members, atEnd(text, i+1)
		default:
			return nil, ErrSyntax
		}
	}
}

// atEnd reports ErrSyntax when anything but space follows.
func atEnd(text []byte, i int) error {
	if skipSpace(text, i) != len(text) {
		return ErrSyntax
	}
	return nil
}

func scanMember(text []byte, i int) (m member, ok bool) {
	m.start = i
	keyEnd := skipString(text, i)
	if keyEnd < 0 {
		return m, false
	}
	if m.key, ok = decodeKey(text[i:keyEnd]); !ok {
		return m, false
	}
	i = skipSpace(text, keyEnd)
	if i >= len(text) || text[i] != ':' {
		return m, false
	}
	m.value = skipSpace(text, i+1)
	m.end = skipValue(text, m.value)
	return m, m.end > m.value
}

func decodeKey(quoted []byte) (string, bool) {
	plain := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return string(plain), true
	}
	var key string
	err := json.Unmarshal(quoted, &key)
	return key, err == nil
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the string that starts at i, or -1.
func skipString(text []byte, i int) int {
	if i >= len(text) || text[i] != '"' {
		return -1
	}
	for i++; i < len(text); {
		// Most of a request's bytes are inside long strings: let the assembly find the end.
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return -1
		}
		end := i + n
		slashes := 0
		for end-slashes > i && text[end-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return end + 1
		}
		i = end + 1
	}
	return -1
}

// skipValue returns the index after the value that starts at i, or -1.
func skipValue(text []byte, i int) int {
	if i >= len(text) {
		return -1
	}
	switch text[i] {
	case '"':
		return skipString(text, i)
	case '{', '[':
		return skipNested(text, i)
	}
	start := i
	for i < len(text) && isScalar(text[i]) {
		i++
	}
	if !json.Valid(text[start:i]) {
		return -1
	}
	return i
}

// isScalar reports whether c can be part of a number or of true, false and null.
func isScalar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// skipNested returns the index after the object or list that starts at i, or -1.
func skipNested(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			if i = skipString(text, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}
