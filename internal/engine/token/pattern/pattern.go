package pattern

import (
	"unicode/utf8"
)

// Pattern is a compiled expression. It is immutable and safe for concurrent use.
type Pattern struct {
	prog []inst
	scan scanner
	t    *classes
}

type opcode uint8

const (
	opNext     opcode = iota // nothing
	opSet                    // least to most characters of a set
	opFork                   // go on here; when that fails, at to
	opJump                   // go on at to
	opAhead                  // look-ahead that ends with opMatch; go on at to
	opNotAhead               // negative look-ahead
	opMatch                  // done
)

type inst struct {
	op          opcode
	possessive  bool
	least, most int
	to          int
	set         set
	ascii       [2]uint64 // the members of set below 128
}

// fill sets ascii.
func (in *inst) fill(t *classes) {
	for r := range rune(utf8.RuneSelf) {
		if in.set.has(r, t.of(r)) {
			in.ascii[r>>6] |= 1 << (r & 63)
		}
	}
}

// Compile reads an expression. An *Error names what it does not implement.
func Compile(expr string) (*Pattern, error) {
	p := &Pattern{t: tables(), scan: scannerFor(expr)}
	if p.scan != nil {
		return p, nil
	}
	return p, p.compile(expr)
}

func (p *Pattern) compile(expr string) error {
	if len(expr) > maxExpression {
		return &Error{Expr: expr, What: "an expression so long"}
	}
	c := &parser{expr: expr, t: p.t}
	if err := c.alternation(0); err != nil {
		return err
	}
	if c.at < len(expr) {
		return c.fail("a parenthesis that closes nothing")
	}
	c.emit(inst{op: opMatch})
	p.prog = c.prog
	return nil
}

// Whole returns a function for the end of the word that begins at s[i], i < len(s),
// when the expression is known to match everywhere; nil when it is not. It is the
// fast way to cut a text.
func (p *Pattern) Whole() func(s string, i int) int { return p.scan }

// Split calls yield for each part of s in turn, matches and what lies between them.
func (p *Pattern) Split(s string, yield func(part string, match bool)) {
	if p.scan != nil {
		for i := 0; i < len(s); {
			end := p.scan(s, i)
			yield(s[i:end], true)
			i = end
		}
		return
	}
	const stepsPerByte = 512 // published expressions take some 10
	r := run{Pattern: p, s: s, steps: stepsPerByte*len(s) + 1<<16}
	done := 0 // what lies before has been given out
	for i := 0; i < len(s); {
		end := r.match(0, i)
		if r.steps < 0 {
			_, size := p.t.at(s, i)
			end = i + size
		}
		if end <= i { // no match, or an empty one, which cuts nothing
			_, size := p.t.at(s, i)
			i += size
			continue
		}
		if done < i {
			yield(s[done:i], false)
		}
		yield(s[i:end], true)
		done, i = end, end
	}
	if done < len(s) {
		yield(s[done:], false)
	}
}

// run is one text in the making.
type run struct {
	*Pattern
	s     string
	steps int // that are left
}

// match returns the end of what the program from pc on matches at s[i:], -1 when it
// does not. It calls itself once for each instruction on its way at most.
func (r *run) match(pc, i int) int {
	for {
		if r.steps--; r.steps < 0 {
			return -1
		}
		in := &r.prog[pc]
		switch in.op {
		case opNext:
			pc++
		case opSet:
			if in.least != 1 || in.most != 1 {
				return r.repeat(in, pc, i)
			}
			size := r.take(in, i)
			if size == 0 {
				return -1
			}
			i += size
			pc++
		case opFork:
			if end := r.match(pc+1, i); end >= 0 {
				return end
			}
			pc = in.to
		case opJump:
			pc = in.to
		case opAhead, opNotAhead:
			if (r.match(pc+1, i) >= 0) != (in.op == opAhead) {
				return -1
			}
			pc = in.to
		case opMatch:
			return i
		}
	}
}

// take returns the length of the character at s[i:] if it is in the set, else 0.
func (r *run) take(in *inst, i int) int {
	if i == len(r.s) {
		return 0
	}
	if c := r.s[i]; c < utf8.RuneSelf {
		return int(in.ascii[c>>6] >> (c & 63) & 1)
	}
	c, size := utf8.DecodeRuneInString(r.s[i:])
	if !in.set.has(c, r.t.of(c)) {
		return 0
	}
	return size
}

// repeat takes as many characters as it can and gives them back one by one until the
// rest of the program matches.
func (r *run) repeat(in *inst, pc, i int) int {
	n := 0
	for n < in.most {
		size := r.take(in, i)
		if size == 0 {
			break
		}
		r.steps--
		i += size
		n++
	}
	if in.possessive {
		if n < in.least {
			return -1
		}
		return r.match(pc+1, i)
	}
	for ; n >= in.least; n-- {
		if end := r.match(pc+1, i); end >= 0 {
			return end
		}
		if n == 0 {
			break
		}
		_, size := utf8.DecodeLastRuneInString(r.s[:i])
		i -= size
	}
	return -1
}

// Must is Compile for expressions that are known to compile.
func Must(expr string) *Pattern {
	p, err := Compile(expr)
	if err != nil {
		panic(err) //nolint:forbidigo // for expressions in the source
	}
	return p
}
