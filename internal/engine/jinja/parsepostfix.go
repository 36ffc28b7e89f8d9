package jinja

import (
	"strconv"
	"strings"
)

// postfix reads attributes, items and calls after a value.
func (p *parser) postfix(e expression) (expression, error) {
	for n := 0; ; n++ {
		if err := p.chain(n); err != nil {
			return nil, err
		}
		var err error
		switch {
		case p.isOp("."):
			e, err = p.attribute(e)
		case p.isOp("["):
			e, err = p.subscript(e)
		case p.isOp("("):
			e, err = p.call(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// filtered reads filters, tests and calls after a value.
func (p *parser) filtered(e expression) (expression, error) {
	for n := 0; ; n++ {
		if err := p.chain(n); err != nil {
			return nil, err
		}
		var err error
		switch {
		case p.skipOp("|"):
			e, err = p.filter(e)
		case p.isName("is"):
			e, err = p.test(e)
		case p.isOp("("):
			e, err = p.call(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) attribute(of expression) (expression, error) {
	line := p.next().line
	t := p.next()
	switch t.kind {
	case tokName:
		return &attrExpression{line: line, of: of, name: t.s}, nil
	case tokInteger:
		i, err := strconv.ParseInt(t.s, 0, 64)
		if err != nil {
			return nil, p.fail(t.line, "the number %s is too large", t.s)
		}
		return &itemExpression{line: line, of: of, item: &constExpression{value: integer(i)}}, nil
	default:
		return nil, p.fail(t.line, "expected name or number")
	}
}

func (p *parser) subscript(of expression) (expression, error) {
	line := p.next().line
	var start, end, step, item expression
	var err error
	if !p.isOp(":") {
		if item, err = p.expression(); err != nil {
			return nil, err
		}
		if p.isOp(",") {
			return p.tupleSubscript(line, of, item)
		}
		if p.skipOp("]") {
			return &itemExpression{line: line, of: of, item: item}, nil
		}
		start = item
	}
	if err := p.expectOp(":"); err != nil {
		return nil, err
	}
	if !p.isOp(":") && !p.isOp("]") {
		if end, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.skipOp(":") && !p.isOp("]") {
		if step, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return &sliceExpression{line: line, of: of, start: start, end: end, step: step}, p.expectOp("]")
}

// tupleSubscript reads the rest of x[a, b].
func (p *parser) tupleSubscript(line int, of, first expression) (expression, error) {
	items := []expression{first}
	for p.skipOp(",") {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	item := &listExpression{items: items, tuple: true}
	return &itemExpression{line: line, of: of, item: item}, p.expectOp("]")
}

func (p *parser) call(fn expression) (expression, error) {
	line := p.peek().line
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return &callExpression{line: line, fn: fn, args: args}, nil
}

func (p *parser) arguments() (arguments, error) {
	var out arguments
	line := p.next().line
	for !p.isOp(")") {
		if err := p.argument(&out, line); err != nil {
			return out, err
		}
		if !p.skipOp(",") {
			break
		}
	}
	return out, p.expectOp(")")
}

func (p *parser) argument(out *arguments, line int) error {
	misplaced := false
	var err error
	switch t := p.peek(); {
	case p.skipOp("*"):
		misplaced = out.star != nil || out.starStar != nil
		out.star, err = p.expression()
	case p.skipOp("**"):
		misplaced = out.starStar != nil
		out.starStar, err = p.expression()
	case t.kind == tokName && p.look().kind == tokOperator && p.look().s == "=":
		p.pos += 2
		misplaced = out.starStar != nil
		var value expression
		value, err = p.expression()
		out.named = append(out.named, namedArgument{name: t.s, value: value})
	default:
		misplaced = out.star != nil || out.starStar != nil || len(out.named) > 0
		var value expression
		value, err = p.expression()
		out.positional = append(out.positional, value)
	}
	if err == nil && misplaced {
		return p.fail(line, "invalid syntax for function call expression")
	}
	return err
}

// dotted reads a name that may have dots.
func (p *parser) dotted() (string, error) {
	t, err := p.expectKind(tokName)
	parts := []string{t.s}
	for err == nil && p.skipOp(".") {
		t, err = p.expectKind(tokName)
		parts = append(parts, t.s)
	}
	return strings.Join(parts, "."), err
}

// filter reads a filter's name and arguments.
func (p *parser) filter(input expression) (*filterExpression, error) {
	out := &filterExpression{line: p.peek().line, input: input}
	var err error
	if out.name, err = p.dotted(); err != nil {
		return nil, err
	}
	if p.isOp("(") {
		out.args, err = p.arguments()
	}
	return out, err
}

// test reads "is name", with "not" and arguments.
func (p *parser) test(input expression) (expression, error) {
	out := &testExpression{line: p.next().line, input: input}
	negated := p.skipName("not")
	var err error
	if out.name, err = p.dotted(); err != nil {
		return nil, err
	}
	switch {
	case p.isOp("("):
		out.args, err = p.arguments()
	case p.beginsArgument():
		if p.isName("is") {
			return nil, p.fail(p.peek().line, "You cannot chain multiple tests with is")
		}
		var e expression
		if e, err = p.primary(); err == nil {
			e, err = p.postfix(e)
		}
		out.args.positional = []expression{e}
	}
	if err != nil {
		return nil, err
	}
	if negated {
		return &notExpression{of: out}, nil
	}
	return out, nil
}

// beginsArgument reports whether a test's argument follows, written without
// parentheses.
func (p *parser) beginsArgument() bool {
	t := p.peek()
	switch t.kind {
	case tokName:
		return t.s != "else" && t.s != "or" && t.s != "and"
	case tokString, tokInteger, tokFloat:
		return true
	case tokOperator:
		return t.s == "[" || t.s == "{"
	default:
		return false
	}
}
