package db

import (
	"strconv"
	"strings"
)

// rebind turns each "?" parameter into PostgreSQL's "$1", "$2", … It leaves question
// marks in strings, quoted names, comments and dollar quotes alone.
func rebind(query string) string {
	if !strings.Contains(query, "?") {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 16)
	n, start := 0, 0
	for i := 0; i < len(query); {
		if query[i] == '?' {
			n++
			b.WriteString(query[start:i])
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			i++
			start = i
			continue
		}
		i = skipToken(query, i)
	}
	b.WriteString(query[start:])
	return b.String()
}

// skipToken returns the index after the literal, comment or single byte at i. What is
// not closed runs to the end, and is left for the database to refuse.
func skipToken(q string, i int) int {
	switch q[i] {
	case '\'':
		return skipQuoted(q, i, i > 0 && (q[i-1] == 'E' || q[i-1] == 'e') && (i < 2 || !isWord(q[i-2])))
	case '"':
		return skipQuoted(q, i, false)
	case '-':
		if strings.HasPrefix(q[i:], "--") {
			return after(q, i, "\n")
		}
	case '/':
		if strings.HasPrefix(q[i:], "/*") {
			return skipComment(q, i)
		}
	case '$':
		if end := strings.IndexByte(q[i+1:], '$'); end >= 0 && isTag(q[i+1:i+1+end]) && (i == 0 || !isWord(q[i-1])) {
			tag := q[i : i+end+2]
			return after(q, i+len(tag), tag)
		}
	}
	return i + 1
}

// skipQuoted passes a quoted token. A doubled quote reads as one token after another,
// which comes to the same.
func skipQuoted(q string, i int, backslash bool) int {
	quote := q[i]
	for i++; i < len(q); i++ {
		switch {
		case backslash && q[i] == '\\':
			i++
		case q[i] == quote:
			return i + 1
		}
	}
	return len(q)
}

// skipComment passes a block comment; PostgreSQL nests them.
func skipComment(q string, i int) int {
	depth := 0
	for i < len(q) {
		switch {
		case strings.HasPrefix(q[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(q[i:], "*/"):
			depth--
			i += 2
		default:
			i++
		}
		if depth == 0 {
			return i
		}
	}
	return len(q)
}

func after(q string, i int, end string) int {
	if j := strings.Index(q[i:], end); j >= 0 {
		return i + j + len(end)
	}
	return len(q)
}

// isTag reports whether s can stand between the dollars of a dollar quote.
func isTag(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) || i == 0 && s[i] >= '0' && s[i] <= '9' {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
