package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokData
	tokBlockBegin
	tokBlockEnd
	tokVariableBegin
	tokVariableEnd
	tokName
	tokString
	tokInteger
	tokFloat
	tokOperator
)

type token struct {
	kind tokenKind
	s    string
	line int
}

// describe names a token in messages.
func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "end of template"
	case tokBlockEnd:
		return "end of statement block"
	case tokVariableEnd:
		return "end of print statement"
	case tokData, tokBlockBegin, tokVariableBegin:
		return "template text"
	default:
		return "'" + t.s + "'"
	}
}

// lexer cuts a template into tokens, by the rules of jinja2's lexer with trim_blocks
// and lstrip_blocks set and keep_trailing_newline not.
type lexer struct {
	src    string
	pos    int
	line   int
	tokens []token
	// lineStarting: what was read last ended a line.
	lineStarting bool
}

func lex(src string) ([]token, error) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	src = strings.ReplaceAll(src, "\r", "\n")
	src = strings.TrimSuffix(src, "\n")
	l := &lexer{src: src, line: 1, lineStarting: true}
	for l.pos < len(l.src) {
		if err := l.root(); err != nil {
			return nil, err
		}
	}
	l.emit(tokEOF, "")
	return l.tokens, nil
}

func (l *lexer) emit(kind tokenKind, s string) {
	l.tokens = append(l.tokens, token{kind: kind, s: s, line: l.line})
}

func (l *lexer) errorf(message string) error { return &Error{Line: l.line, Message: message} }

// skip moves over n bytes.
func (l *lexer) skip(n int) {
	s := l.src[l.pos : l.pos+n]
	l.line += strings.Count(s, "\n")
	l.lineStarting = strings.HasSuffix(s, "\n")
	l.pos += n
}

// root reads text up to the next tag, and the tag.
func (l *lexer) root() error {
	rest := l.src[l.pos:]
	at := nextTag(rest)
	if at < 0 {
		l.emit(tokData, rest)
		l.skip(len(rest))
		return nil
	}
	kind := rest[at+1]
	begin := rest[at:]
	raw := 0
	if kind == '%' {
		raw = rawBegin(begin)
	}
	sign := byte(0)
	if len(begin) > 2 && (begin[2] == '-' || begin[2] == '+') {
		sign = begin[2]
	}
	if text := l.stripBefore(rest[:at], sign, kind == '{'); text != "" {
		l.emit(tokData, text)
	}
	l.skip(at)
	if raw > 0 {
		l.skip(raw)
		return l.raw()
	}
	width := 2
	if sign != 0 {
		width = 3
	}
	switch kind {
	case '#':
		l.skip(width)
		return l.comment()
	case '{':
		l.emit(tokVariableBegin, "")
		l.skip(width)
		return l.expression(tokVariableEnd, "}}")
	default:
		l.emit(tokBlockBegin, "")
		l.skip(width)
		return l.expression(tokBlockEnd, "%}")
	}
}

// stripBefore strips the text before a tag.
func (l *lexer) stripBefore(s string, sign byte, variable bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(s, isSpace)
	}
	if sign == '+' || variable {
		return s
	}
	start := strings.LastIndexByte(s, '\n') + 1
	if (start > 0 || l.lineStarting) && strings.TrimLeftFunc(s[start:], isSpace) == "" {
		return s[:start]
	}
	return s
}

// nextTag returns where the next tag begins, or -1.
func nextTag(s string) int {
	for at := 0; ; {
		i := strings.IndexByte(s[at:], '{')
		if i < 0 || at+i+1 >= len(s) {
			return -1
		}
		at += i
		if c := s[at+1]; c == '%' || c == '{' || c == '#' {
			return at
		}
		at++
	}
}

// rawBegin returns the length of a tag that begins a raw block, or 0.
func rawBegin(s string) int {
	rest := s[2:]
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		rest = rest[1:]
	}
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(rest, isSpace), "raw")
	if !ok {
		return 0
	}
	rest = strings.TrimLeftFunc(rest, isSpace)
	switch {
	case strings.HasPrefix(rest, "-%}"):
		return len(s) - len(strings.TrimLeftFunc(rest[3:], isSpace))
	case strings.HasPrefix(rest, "%}"):
		return len(s) - len(rest) + 2
	}
	return 0
}

// raw reads the text of a raw block and the tag that ends it.
func (l *lexer) raw() error {
	rest := l.src[l.pos:]
	for at := 0; ; at += 2 {
		i := strings.Index(rest[at:], "{%")
		if i < 0 {
			return l.errorf("Missing end of raw directive")
		}
		at += i
		sign, n := rawEnd(rest[at:])
		if n == 0 {
			continue
		}
		if text := l.stripBefore(rest[:at], sign, false); text != "" {
			l.emit(tokData, text)
		}
		l.skip(at + n)
		return nil
	}
}

// rawEnd returns the length of a tag that ends a raw block and its sign; 0 for
// another tag.
func rawEnd(s string) (sign byte, n int) {
	rest := s[2:]
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign, rest = rest[0], rest[1:]
	}
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(rest, isSpace), "endraw")
	if !ok {
		return 0, 0
	}
	rest = strings.TrimLeftFunc(rest, isSpace)
	if end := closing(rest, "%}", true); end > 0 {
		return sign, len(s) - len(rest) + end
	}
	return 0, 0
}

// closing returns the length of the end of a tag at the start of s, with what
// whitespace control takes after it, or 0. trim: a line feed after it goes too.
func closing(s, end string, trim bool) int {
	switch {
	case strings.HasPrefix(s, end):
		if trim && strings.HasPrefix(s[len(end):], "\n") {
			return len(end) + 1
		}
		return len(end)
	case strings.HasPrefix(s, "-") && strings.HasPrefix(s[1:], end):
		return len(s) - len(strings.TrimLeftFunc(s[1+len(end):], isSpace))
	case trim && strings.HasPrefix(s, "+") && strings.HasPrefix(s[1:], end):
		return 1 + len(end)
	}
	return 0
}

func (l *lexer) comment() error {
	rest := l.src[l.pos:]
	i := strings.Index(rest, "#}")
	if i < 0 {
		return l.errorf("Missing end of comment tag")
	}
	if i > 0 && (rest[i-1] == '-' || rest[i-1] == '+') {
		i--
	}
	l.skip(i + closing(rest[i:], "#}", true))
	return nil
}

// expression reads the tokens of a tag up to its end.
func (l *lexer) expression(endKind tokenKind, end string) error {
	var open []byte // brackets still open, as what closes them
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		if len(open) == 0 {
			if n := closing(rest, end, endKind == tokBlockEnd); n > 0 {
				l.emit(endKind, "")
				l.skip(n)
				return nil
			}
		}
		if trimmed := strings.TrimLeftFunc(rest, isSpace); len(trimmed) < len(rest) {
			l.skip(len(rest) - len(trimmed))
			continue
		}
		t, n, err := l.scan(rest)
		if err != nil {
			return err
		}
		if t.kind == tokOperator {
			if open, err = l.balance(open, t.s[0]); err != nil {
				return err
			}
		}
		l.emit(t.kind, t.s)
		l.skip(n)
	}
	return nil // the parser misses the end
}

func (l *lexer) balance(open []byte, c byte) ([]byte, error) {
	switch c {
	case '(':
		return append(open, ')'), nil
	case '[':
		return append(open, ']'), nil
	case '{':
		return append(open, '}'), nil
	case ')', ']', '}':
		if len(open) == 0 {
			return nil, l.errorf("unexpected '" + string(c) + "'")
		}
		if want := open[len(open)-1]; want != c {
			return nil, l.errorf("unexpected '" + string(c) + "', expected '" + string(want) + "'")
		}
		return open[:len(open)-1], nil
	}
	return open, nil
}

// scan reads one token of an expression and returns its length.
func (l *lexer) scan(s string) (token, int, error) {
	afterDot := l.pos > 0 && l.src[l.pos-1] == '.'
	if n := scanFloat(s); n > 0 && !afterDot {
		return token{kind: tokFloat, s: strings.ReplaceAll(s[:n], "_", "")}, n, nil
	}
	if n := scanInteger(s); n > 0 {
		return token{kind: tokInteger, s: strings.ReplaceAll(s[:n], "_", "")}, n, nil
	}
	if n := scanName(s); n > 0 {
		if r, _ := utf8.DecodeRuneInString(s); !unicode.IsLetter(r) && r != '_' {
			return token{}, 0, l.errorf("Invalid character in identifier")
		}
		return token{kind: tokName, s: s[:n]}, n, nil
	}
	if s[0] == '\'' || s[0] == '"' {
		n := scanString(s)
		if n == 0 {
			return token{}, 0, l.errorf("unexpected char '" + s[:1] + "': a string without its end")
		}
		v, err := unescape(s[1 : n-1])
		if err != "" {
			return token{}, 0, l.errorf(err)
		}
		return token{kind: tokString, s: v}, n, nil
	}
	if len(s) > 1 {
		switch s[:2] {
		case "==", "!=", ">=", "<=", "//", "**":
			return token{kind: tokOperator, s: s[:2]}, 2, nil
		}
	}
	if strings.IndexByte("+-*/%~[](){}<>=.:|,;", s[0]) >= 0 {
		return token{kind: tokOperator, s: s[:1]}, 1, nil
	}
	r, _ := utf8.DecodeRuneInString(s)
	return token{}, 0, l.errorf("unexpected char '" + string(r) + "'")
}
