package jinja

import (
	"slices"
	"strconv"
	"strings"
)

func isConstant(name string) bool {
	return slices.Contains([]string{"true", "True", "false", "False", "none", "None"}, name)
}

// use notes that the template names a variable.
func (p *parser) use(name string) {
	p.names[name] = true
	if len(p.macros) == 0 {
		return
	}
	sig := p.macros[len(p.macros)-1]
	switch name {
	case "varargs":
		sig.varargs = true
	case "kwargs":
		sig.kwargs = true
	case "caller":
		// A call block within the macro hands on the macro's own caller.
		for _, s := range p.macros {
			s.caller = true
		}
	}
}

type targetOptions struct {
	end       string // a name that ends it
	namespace bool   // attributes of namespaces are allowed
}

// target reads what is assigned to.
func (p *parser) target(o targetOptions) (target, error) {
	first := p.peek()
	var parts []target
	isTuple := false
	for len(parts) == 0 || !p.tupleEnd(o.end) {
		t, err := p.oneTarget(o)
		if err != nil {
			return target{}, err
		}
		parts = append(parts, t)
		if !p.skipOp(",") {
			break
		}
		isTuple = true
	}
	if !isTuple {
		return parts[0], nil
	}
	return target{line: first.line, tuple: parts}, nil
}

func (p *parser) oneTarget(o targetOptions) (target, error) {
	t := p.next()
	if t.kind == tokOperator && t.s == "(" {
		if err := p.enter(); err != nil {
			return target{}, err
		}
		defer p.leave()
		inner, err := p.target(targetOptions{namespace: o.namespace})
		if err != nil {
			return target{}, err
		}
		return inner, p.expectOp(")")
	}
	if t.kind != tokName || isConstant(t.s) {
		return target{}, p.fail(t.line, "can't assign to %s", t.describe())
	}
	out := target{line: t.line, name: t.s}
	if o.namespace && p.skipOp(".") {
		attr, err := p.expectKind(tokName)
		if err != nil {
			return target{}, err
		}
		p.use(t.s)
		out.attr = attr.s
	}
	return out, nil
}

func (p *parser) tupleEnd(end string) bool {
	t := p.peek()
	switch t.kind {
	case tokVariableEnd, tokBlockEnd:
		return true
	case tokOperator:
		return t.s == ")"
	case tokName:
		return end != "" && t.s == end
	default:
		return false
	}
}

type tupleOptions struct {
	cond   bool   // inline ifs are allowed
	end    string // a name that ends it
	parens bool   // in parentheses: may be empty
}

// tuple reads an expression, or several with commas between.
func (p *parser) tuple(o tupleOptions) (expression, error) {
	var items []expression
	isTuple := false
	for !p.tupleEnd(o.end) {
		read := p.or
		if o.cond || o.parens {
			read = p.expression
		}
		e, err := read()
		if err != nil {
			return nil, err
		}
		items = append(items, e)
		if !p.skipOp(",") {
			break
		}
		isTuple = true
	}
	if isTuple || len(items) == 0 && o.parens {
		return &listExpression{items: items, tuple: true}, nil
	}
	if len(items) == 0 {
		t := p.peek()
		return nil, p.fail(t.line, "Expected an expression, got %s", t.describe())
	}
	return items[0], nil
}

// expression reads an expression with inline ifs.
func (p *parser) expression() (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	line := p.peek().line
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	for n := 0; p.skipName("if"); n++ {
		if err := p.chain(n); err != nil {
			return nil, err
		}
		test, err := p.or()
		if err != nil {
			return nil, err
		}
		var otherwise expression
		if p.skipName("else") {
			if otherwise, err = p.expression(); err != nil {
				return nil, err
			}
		}
		e = &condExpression{line: line, test: test, then: e, otherwise: otherwise}
	}
	return e, nil
}

func (p *parser) or() (expression, error) {
	return p.logic("or", p.and)
}

func (p *parser) and() (expression, error) {
	return p.logic("and", p.not)
}

func (p *parser) logic(word string, operand func() (expression, error)) (expression, error) {
	e, err := operand()
	for n := 0; err == nil && p.skipName(word); n++ {
		if err := p.chain(n); err != nil {
			return nil, err
		}
		var right expression
		if right, err = operand(); err == nil {
			e = &logicExpression{and: word == "and", left: e, right: right}
		}
	}
	return e, err
}

func (p *parser) not() (expression, error) {
	n := 0
	for p.skipName("not") {
		n++
	}
	if err := p.chain(n); err != nil {
		return nil, err
	}
	e, err := p.compare()
	if err != nil {
		return nil, err
	}
	for range n {
		e = &notExpression{of: e}
	}
	return e, nil
}

// comparator reads a comparison's operator; empty when there is none.
func (p *parser) comparator() string {
	t := p.peek()
	switch {
	case t.kind == tokOperator && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.s):
		p.pos++
		return t.s
	case p.skipName("in"):
		return "in"
	case p.isName("not") && p.look().kind == tokName && p.look().s == "in":
		p.pos += 2
		return "not in"
	}
	return ""
}

func (p *parser) compare() (expression, error) {
	line := p.peek().line
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	var rest []comparison
	for op := p.comparator(); op != ""; op = p.comparator() {
		to, err := p.sum()
		if err != nil {
			return nil, err
		}
		rest = append(rest, comparison{op: op, to: to})
	}
	if rest == nil {
		return first, nil
	}
	return &compareExpression{line: line, first: first, rest: rest}, nil
}

// binary reads operands with one of the operators between them.
func (p *parser) binary(operand func() (expression, error), ops ...string) (expression, error) {
	left, err := operand()
	for n := 0; err == nil; n++ {
		t := p.peek()
		if t.kind != tokOperator || !slices.Contains(ops, t.s) {
			return left, nil
		}
		if err := p.chain(n); err != nil {
			return nil, err
		}
		p.pos++
		var right expression
		if right, err = operand(); err == nil {
			left = &binaryExpression{line: t.line, op: t.s, left: left, right: right}
		}
	}
	return nil, err
}

func (p *parser) sum() (expression, error) { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() (expression, error) {
	e, err := p.product()
	if err != nil || !p.isOp("~") {
		return e, err
	}
	parts := []expression{e}
	for p.skipOp("~") {
		if e, err = p.product(); err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	return &concatExpression{parts: parts}, nil
}

func (p *parser) product() (expression, error) { return p.binary(p.power, "*", "/", "//", "%") }

func (p *parser) power() (expression, error) {
	return p.binary(func() (expression, error) { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	t := p.peek()
	var e expression
	var err error
	if t.kind == tokOperator && (t.s == "-" || t.s == "+") {
		p.pos++
		if e, err = p.unary(false); err == nil {
			e = &unaryExpression{line: t.line, op: t.s, of: e}
		}
	} else {
		e, err = p.primary()
	}
	if err == nil {
		e, err = p.postfix(e)
	}
	if err == nil && filters {
		e, err = p.filtered(e)
	}
	return e, err
}

func (p *parser) primary() (expression, error) {
	t := p.next()
	switch t.kind {
	case tokName:
		switch t.s {
		case "true", "True":
			return &constExpression{value: boolean(true)}, nil
		case "false", "False":
			return &constExpression{value: boolean(false)}, nil
		case "none", "None":
			return &constExpression{value: none{}}, nil
		}
		p.use(t.s)
		return &nameExpression{line: t.line, name: t.s}, nil
	case tokString:
		var s strings.Builder
		s.WriteString(t.s)
		for p.peek().kind == tokString {
			s.WriteString(p.next().s)
		}
		return &constExpression{value: lit(s.String())}, nil
	case tokInteger:
		i, err := strconv.ParseInt(t.s, 0, 64)
		if err != nil {
			return nil, p.fail(t.line, "the number %s is too large", t.s)
		}
		return &constExpression{value: integer(i)}, nil
	case tokFloat:
		f, err := strconv.ParseFloat(t.s, 64)
		if err != nil && f == 0 {
			return nil, p.fail(t.line, "%s is no number", t.s)
		}
		return &constExpression{value: float{f: f}}, nil
	case tokOperator:
		switch t.s {
		case "(":
			e, err := p.tuple(tupleOptions{parens: true})
			if err != nil {
				return nil, err
			}
			return e, p.expectOp(")")
		case "[":
			return p.list()
		case "{":
			return p.dict(t.line)
		}
	default:
	}
	return nil, p.fail(t.line, "unexpected %s", t.describe())
}

func (p *parser) list() (expression, error) {
	out := &listExpression{}
	for !p.isOp("]") {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, e)
		if !p.skipOp(",") {
			break
		}
	}
	return out, p.expectOp("]")
}

func (p *parser) dict(line int) (expression, error) {
	out := &dictExpression{line: line}
	for !p.isOp("}") {
		k, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp(":"); err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		out.keys = append(out.keys, k)
		out.values = append(out.values, v)
		if !p.skipOp(",") {
			break
		}
	}
	return out, p.expectOp("}")
}
