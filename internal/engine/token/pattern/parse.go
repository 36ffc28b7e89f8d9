package pattern

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxExpression = 1 << 14 // bytes; the longest published one has some 2,000
	maxDepth      = 32      // of groups
	maxProgram    = 1 << 14 // instructions
	unlimited     = 1 << 30 // repetitions
)

// set is a set of characters.
type set struct {
	class  class
	ranges []runeRange
	not    []set // complements that are members: \S, \P{…}
	negate bool
}

type runeRange struct{ first, last rune }

func (s *set) has(r rune, k class) bool {
	in := k&s.class != 0
	for i := 0; i < len(s.ranges) && !in; i++ {
		in = s.ranges[i].first <= r && r <= s.ranges[i].last
	}
	for i := 0; i < len(s.not) && !in; i++ {
		in = s.not[i].has(r, k)
	}
	return in != s.negate
}

// fold adds the other cases of the characters.
func (s *set) fold() {
	for _, x := range s.ranges {
		if x.last-x.first > 256 {
			continue // ranges of ideographs, which have no case
		}
		for r := x.first; r <= x.last; r++ {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				s.ranges = append(s.ranges, runeRange{f, f})
			}
		}
	}
}

// parser makes a program of an expression.
type parser struct {
	expr string
	at   int
	fold bool
	prog []inst
	t    *classes
}

// Error says what of an expression is not implemented.
type Error struct {
	Expr   string
	Offset int // in bytes
	What   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("the expression %.200q, at byte %d: %s is not implemented", e.Expr, e.Offset, e.What)
}

func (p *parser) fail(what string) error { return &Error{Expr: p.expr, Offset: p.at, What: what} }

func (p *parser) emit(in inst) int {
	p.prog = append(p.prog, in)
	return len(p.prog) - 1
}

// alternation parses a|b|c up to a closing parenthesis or the end.
func (p *parser) alternation(depth int) error {
	if depth > maxDepth {
		return p.fail(fmt.Sprintf("a group %d deep", depth))
	}
	var jumps []int
	for {
		fork := p.emit(inst{op: opFork})
		if err := p.sequence(depth); err != nil {
			return err
		}
		if p.at == len(p.expr) || p.expr[p.at] != '|' {
			p.prog[fork].op = opNext // the last alternative has no other
			break
		}
		p.at++
		jumps = append(jumps, p.emit(inst{op: opJump}))
		p.prog[fork].to = len(p.prog)
	}
	for _, j := range jumps {
		p.prog[j].to = len(p.prog)
	}
	return nil
}

func (p *parser) sequence(depth int) error {
	for p.at < len(p.expr) && p.expr[p.at] != '|' && p.expr[p.at] != ')' {
		if len(p.prog) > maxProgram {
			return p.fail("an expression so long")
		}
		var err error
		if p.expr[p.at] == '(' {
			err = p.group(depth)
		} else {
			err = p.atom()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// group parses (…), (?:…), (?i:…), (?=…) and (?!…); after it only a question mark.
func (p *parser) group(depth int) error {
	rest := p.expr[p.at:]
	fold, look := p.fold, -1
	optional := p.emit(inst{op: opNext})
	switch {
	case strings.HasPrefix(rest, "(?:"):
		p.at += 3
	case strings.HasPrefix(rest, "(?i:"):
		p.at += 4
		p.fold = true
	case strings.HasPrefix(rest, "(?="):
		p.at += 3
		look = p.emit(inst{op: opAhead})
	case strings.HasPrefix(rest, "(?!"):
		p.at += 3
		look = p.emit(inst{op: opNotAhead})
	case strings.HasPrefix(rest, "(?"):
		return p.fail(fmt.Sprintf("the group %.8q", rest))
	default:
		p.at++
	}
	if err := p.alternation(depth + 1); err != nil {
		return err
	}
	if p.at == len(p.expr) {
		return p.fail("a group without end")
	}
	p.at++
	p.fold = fold
	if look >= 0 {
		p.emit(inst{op: opMatch})
		p.prog[look].to = len(p.prog)
	}
	if p.at < len(p.expr) {
		switch p.expr[p.at] {
		case '?':
			if p.at++; p.at < len(p.expr) && strings.IndexByte("?+", p.expr[p.at]) >= 0 || look >= 0 {
				return p.fail("a lazy or possessive group")
			}
			p.prog[optional] = inst{op: opFork, to: len(p.prog)}
		case '*', '+', '{':
			return p.fail("a repeated group")
		}
	}
	return nil
}

// atom parses one character or set and how often it comes.
func (p *parser) atom() error {
	x, err := p.member()
	if err != nil {
		return err
	}
	if p.fold {
		if x.class != 0 || len(x.not) > 0 {
			return p.fail("a category without case")
		}
		x.fold()
	}
	in := inst{op: opSet, set: x, least: 1, most: 1}
	if err := p.quantifier(&in); err != nil {
		return err
	}
	in.fill(p.t)
	p.emit(in)
	return nil
}

func (p *parser) quantifier(in *inst) error {
	if p.at == len(p.expr) {
		return nil
	}
	switch p.expr[p.at] {
	case '?':
		in.least = 0
	case '*':
		in.least, in.most = 0, unlimited
	case '+':
		in.most = unlimited
	case '{':
		body, _, ok := strings.Cut(p.expr[p.at+1:], "}")
		low, high, ranged := strings.Cut(body, ",")
		n, err := strconv.ParseUint(low, 10, 12)
		if !ok || err != nil {
			return p.fail(fmt.Sprintf("the repetition %.12q", p.expr[p.at:]))
		}
		in.least, in.most = int(n), int(n)
		switch {
		case ranged && high == "":
			in.most = unlimited
		case ranged:
			m, err := strconv.ParseUint(high, 10, 12)
			if err != nil || m < n {
				return p.fail(fmt.Sprintf("the repetition %.12q", p.expr[p.at:]))
			}
			in.most = int(m)
		}
		p.at += len(body) + 2
		if p.at < len(p.expr) && strings.IndexByte("?+*{", p.expr[p.at]) >= 0 {
			return p.fail("a repetition of a repetition")
		}
		return nil
	default:
		return nil
	}
	p.at++
	if p.at == len(p.expr) {
		return nil
	}
	switch p.expr[p.at] {
	case '+':
		p.at++
		in.possessive = true
	case '?', '*', '{':
		return p.fail("a lazy repetition")
	}
	return nil
}

// member parses a character, an escape, a dot or a set in brackets.
func (p *parser) member() (set, error) {
	r, size := utf8.DecodeRuneInString(p.expr[p.at:])
	switch r {
	case utf8.RuneError:
		if size == 1 {
			return set{}, p.fail("a byte that is no UTF-8")
		}
	case '[':
		return p.brackets()
	case '\\':
		return p.escape()
	case '.':
		p.at++
		return set{ranges: []runeRange{{'\n', '\n'}}, negate: true}, nil
	case '^', '$', '*', '+', '?', '{':
		return set{}, p.fail(fmt.Sprintf("%q here", r))
	}
	p.at += size
	return set{ranges: []runeRange{{r, r}}}, nil
}

func (p *parser) brackets() (set, error) {
	var s set
	p.at++
	if strings.HasPrefix(p.expr[p.at:], "^") {
		p.at++
		s.negate = true
	}
	for start := p.at; ; {
		rest := p.expr[p.at:]
		switch {
		case rest == "":
			return s, p.fail("a set without end")
		case rest[0] == ']' && p.at > start:
			p.at++
			return s, nil
		case rest[0] == '[' || rest[0] == ']' || strings.HasPrefix(rest, "&&"):
			return s, p.fail(fmt.Sprintf("%.2q in a set", rest))
		}
		low, err := p.setMember()
		if err != nil {
			return s, err
		}
		first, single := low.single()
		if rest = p.expr[p.at:]; !single || len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
			s.add(low)
			continue
		}
		p.at++
		high, err := p.setMember()
		if err != nil {
			return s, err
		}
		last, ok := high.single()
		if !ok || last < first {
			return s, p.fail("such a range")
		}
		s.ranges = append(s.ranges, runeRange{first, last})
	}
}

// setMember parses one character or escape between brackets.
func (p *parser) setMember() (set, error) {
	if p.expr[p.at] == '\\' {
		return p.escape()
	}
	r, size := utf8.DecodeRuneInString(p.expr[p.at:])
	if r == utf8.RuneError && size == 1 {
		return set{}, p.fail("a byte that is no UTF-8")
	}
	p.at += size
	return set{ranges: []runeRange{{r, r}}}, nil
}

func (s *set) add(x set) {
	if x.negate {
		s.not = append(s.not, x)
		return
	}
	s.class |= x.class
	s.ranges = append(s.ranges, x.ranges...)
}

func (s *set) single() (rune, bool) {
	if s.class != 0 || s.negate || len(s.not) > 0 || len(s.ranges) != 1 || s.ranges[0].first != s.ranges[0].last {
		return 0, false
	}
	return s.ranges[0].first, true
}

func (p *parser) escape() (set, error) {
	rest := p.expr[p.at:]
	if len(rest) < 2 {
		return set{}, p.fail("a backslash at the end")
	}
	one := func(r rune) (set, error) {
		p.at += 2
		return set{ranges: []runeRange{{r, r}}}, nil
	}
	switch c := rest[1]; c {
	case 'r':
		return one('\r')
	case 'n':
		return one('\n')
	case 't':
		return one('\t')
	case 'f':
		return one('\f')
	case 'v':
		return one('\v')
	case 's', 'S':
		p.at += 2
		return set{class: space, negate: c == 'S'}, nil
	case 'd', 'D', 'w', 'W', 'h', 'H', 'b', 'B', 'A', 'z', 'Z', 'G', 'R', 'X', 'x', 'k', 'g', 'K', 'a', 'e', 'c', 'C', 'M':
		return set{}, p.fail(fmt.Sprintf(`\%c`, c))
	case 'p', 'P':
		name, _, ok := strings.Cut(rest[2:], "}")
		k, known := categories[strings.TrimPrefix(name, "{")]
		if !ok || !known || name[0] != '{' {
			return set{}, p.fail(fmt.Sprintf("%.20q", rest))
		}
		p.at += 2 + len(name) + 1
		return set{class: k, negate: c == 'P'}, nil
	case 'u':
		if len(rest) < 6 {
			return set{}, p.fail("a short \\u")
		}
		n, err := strconv.ParseUint(rest[2:6], 16, 16)
		if err != nil {
			return set{}, p.fail(fmt.Sprintf("%.6q", rest))
		}
		p.at += 6
		return set{ranges: []runeRange{{rune(n), rune(n)}}}, nil
	default:
		if c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' {
			return set{}, p.fail(fmt.Sprintf("%.4q", rest))
		}
		return one(rune(c))
	}
}
