package jinja

import (
	"fmt"
	"slices"
)

// Bounds on templates.
const (
	maxTemplate = 1 << 20 // bytes
	maxDepth    = 200     // of nested blocks and expressions
	maxChain    = 2000    // operators, filters or calls in a row
)

// Template is a parsed template.
type Template struct {
	body  []statement
	names map[string]bool
}

// Parse reads a template. An error is an *Error.
func Parse(src string) (*Template, error) {
	if len(src) > maxTemplate {
		return nil, &Error{Line: 1, Message: fmt.Sprintf("the template has %d bytes, more than %d", len(src), maxTemplate)}
	}
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, names: make(map[string]bool)}
	body, err := p.body(nil)
	if err != nil {
		return nil, err
	}
	return &Template{body: body, names: p.names}, nil
}

// Names reports whether the template names a variable anywhere.
func (t *Template) Names(variable string) bool { return t.names[variable] }

// parser reads tokens by the grammar of jinja2's parser.
type parser struct {
	tokens []token
	pos    int
	depth  int
	names  map[string]bool
	macros []*signature // being read, innermost last
	loops  int          // around this point, within the macro
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) look() token { return p.tokens[min(p.pos+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != tokEOF {
		p.pos++
	}
	return t
}

func (p *parser) isOp(op string) bool {
	t := p.peek()
	return t.kind == tokOperator && t.s == op
}

func (p *parser) isName(name string) bool {
	t := p.peek()
	return t.kind == tokName && t.s == name
}

func (p *parser) skipOp(op string) bool {
	if p.isOp(op) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) fail(line int, format string, args ...any) error {
	return &Error{Line: line, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) expectOp(op string) error {
	if !p.skipOp(op) {
		t := p.peek()
		return p.fail(t.line, "expected '%s', got %s", op, t.describe())
	}
	return nil
}

func (p *parser) expectKind(kind tokenKind) (token, error) {
	t := p.peek()
	if t.kind != kind {
		want := map[tokenKind]string{tokName: "a name", tokBlockEnd: "end of statement block", tokVariableEnd: "end of print statement"}[kind]
		return t, p.fail(t.line, "expected %s, got %s", want, t.describe())
	}
	p.pos++
	return t, nil
}

// enter counts a level of nesting; leave takes it back.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.peek().line, "nested more than %d deep", maxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// chain counts the links of a chain.
func (p *parser) chain(n int) error {
	if n > maxChain {
		return p.fail(p.peek().line, "more than %d operators in a row", maxChain)
	}
	return nil
}

// body reads statements up to a tag named in ends, which stays to be read, or to the
// end of the template when ends is nil.
func (p *parser) body(ends []string) ([]statement, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var out []statement
	for {
		t := p.next()
		switch t.kind {
		case tokEOF:
			if ends != nil {
				return nil, p.fail(t.line, "Unexpected end of template: looking for '%s'", ends[len(ends)-1])
			}
			return out, nil
		case tokData:
			out = append(out, &dataStatement{text: t.s})
		case tokVariableBegin:
			e, err := p.tuple(tupleOptions{cond: true})
			if err != nil {
				return nil, err
			}
			if _, err := p.expectKind(tokVariableEnd); err != nil {
				return nil, err
			}
			out = append(out, &outputStatement{line: t.line, expr: e})
		default: // tokBlockBegin
			if name := p.peek(); name.kind == tokName && slices.Contains(ends, name.s) {
				return out, nil
			}
			s, err := p.statement()
			if err != nil {
				return nil, err
			}
			if _, err := p.expectKind(tokBlockEnd); err != nil {
				return nil, err
			}
			out = append(out, s...)
		}
	}
}

// block reads the rest of a tag and what it holds up to one of ends, whose name it
// takes and returns.
func (p *parser) block(ends ...string) ([]statement, string, error) {
	p.skipOp(":") // as Python would have it
	if _, err := p.expectKind(tokBlockEnd); err != nil {
		return nil, "", err
	}
	body, err := p.body(ends)
	if err != nil {
		return nil, "", err
	}
	return body, p.next().s, nil
}

func (p *parser) statement() ([]statement, error) {
	t := p.next()
	if t.kind != tokName {
		return nil, p.fail(t.line, "tag name expected")
	}
	one := func(s statement, err error) ([]statement, error) {
		if err != nil {
			return nil, err
		}
		return []statement{s}, nil
	}
	switch t.s {
	case "if":
		return one(p.parseIf())
	case "for":
		return one(p.parseFor(t.line))
	case "set":
		return one(p.parseSet(t.line))
	case "macro":
		return one(p.parseMacro(t.line))
	case "call":
		return one(p.parseCall(t.line))
	case "filter":
		return one(p.parseFilterBlock(t.line))
	case "with":
		return one(p.parseWith(t.line))
	case "generation":
		return one(p.parseGeneration())
	case "print":
		return p.parsePrint(t.line)
	case "break", "continue":
		if p.loops == 0 {
			return nil, p.fail(t.line, "'%s' outside of a loop", t.s)
		}
		jump := &jumpStatement{line: t.line, flow: flowBreak}
		if t.s == "continue" {
			jump.flow = flowContinue
		}
		return []statement{jump}, nil
	case "extends", "block", "include", "import", "from", "autoescape", "do":
		return nil, p.fail(t.line, "the tag '%s' is not supported: chat templates stand alone", t.s)
	}
	return nil, p.fail(t.line, "Encountered unknown tag '%s'.", t.s)
}

func (p *parser) parseIf() (statement, error) {
	out := &ifStatement{}
	for {
		test, err := p.tuple(tupleOptions{})
		if err != nil {
			return nil, err
		}
		body, end, err := p.block("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		out.branches = append(out.branches, branch{test: test, body: body})
		switch end {
		case "elif":
			continue
		case "else":
			if out.otherwise, _, err = p.block("endif"); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

func (p *parser) parseFor(line int) (statement, error) {
	to, err := p.target(targetOptions{end: "in"})
	if err != nil {
		return nil, err
	}
	if !p.skipName("in") {
		return nil, p.fail(p.peek().line, "expected 'in', got %s", p.peek().describe())
	}
	out := &forStatement{line: line, target: to}
	if out.over, err = p.tuple(tupleOptions{end: "recursive"}); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		if out.filter, err = p.expression(); err != nil {
			return nil, err
		}
	}
	out.recursive = p.skipName("recursive")
	p.loops++
	body, end, err := p.block("endfor", "else")
	p.loops--
	if err != nil {
		return nil, err
	}
	out.body = body
	if end == "else" {
		if out.otherwise, _, err = p.block("endfor"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *parser) parseSet(line int) (statement, error) {
	to, err := p.target(targetOptions{namespace: true})
	if err != nil {
		return nil, err
	}
	if p.skipOp("=") {
		value, err := p.tuple(tupleOptions{cond: true})
		if err != nil {
			return nil, err
		}
		return &setStatement{line: line, target: to, value: value}, nil
	}
	filters, err := p.filters(nil)
	if err != nil {
		return nil, err
	}
	body, _, err := p.block("endset")
	if err != nil {
		return nil, err
	}
	return &setBlockStatement{line: line, target: to, filters: filters, body: body}, nil
}

func (p *parser) parseMacro(line int) (statement, error) {
	name, err := p.expectKind(tokName)
	if err != nil {
		return nil, err
	}
	if isConstant(name.s) {
		return nil, p.fail(line, "can't assign to '%s'", name.s)
	}
	sig, err := p.signature()
	if err != nil {
		return nil, err
	}
	if err := p.macroBody(sig, "endmacro"); err != nil {
		return nil, err
	}
	return &macroStatement{line: line, name: name.s, sig: sig}, nil
}

// macroBody reads the body of a macro or of a call block.
func (p *parser) macroBody(sig *signature, end string) error {
	loops := p.loops
	p.loops = 0
	p.macros = append(p.macros, sig)
	body, _, err := p.block(end)
	p.macros = p.macros[:len(p.macros)-1]
	p.loops = loops
	sig.body = body
	return err
}

func (p *parser) signature() (*signature, error) {
	sig := &signature{}
	if err := p.expectOp("("); err != nil {
		return nil, err
	}
	for !p.isOp(")") {
		if len(sig.params) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		name, err := p.expectKind(tokName)
		if err != nil {
			return nil, err
		}
		if isConstant(name.s) || slices.Contains(sig.params, name.s) {
			return nil, p.fail(name.line, "'%s' cannot be a parameter here", name.s)
		}
		sig.params = append(sig.params, name.s)
		if p.skipOp("=") {
			value, err := p.expression()
			if err != nil {
				return nil, err
			}
			sig.defaults = append(sig.defaults, value)
		} else if len(sig.defaults) > 0 {
			return nil, p.fail(name.line, "non-default argument follows default argument")
		}
	}
	return sig, p.expectOp(")")
}

func (p *parser) parseCall(line int) (statement, error) {
	sig := &signature{}
	var err error
	if p.isOp("(") {
		if sig, err = p.signature(); err != nil {
			return nil, err
		}
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	call, ok := e.(*callExpression)
	if !ok {
		return nil, p.fail(line, "expected call")
	}
	if err := p.macroBody(sig, "endcall"); err != nil {
		return nil, err
	}
	return &callStatement{line: line, call: call, sig: sig}, nil
}

func (p *parser) parseFilterBlock(line int) (statement, error) {
	first, err := p.filter(nil)
	if err != nil {
		return nil, err
	}
	filters, err := p.filters([]*filterExpression{first})
	if err != nil {
		return nil, err
	}
	body, _, err := p.block("endfilter")
	if err != nil {
		return nil, err
	}
	return &filterStatement{line: line, filters: filters, body: body}, nil
}

// filters reads the filters of a block, "| a | b(1)".
func (p *parser) filters(out []*filterExpression) ([]*filterExpression, error) {
	for p.skipOp("|") {
		f, err := p.filter(nil)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (p *parser) parseWith(line int) (statement, error) {
	out := &withStatement{line: line}
	for p.peek().kind != tokBlockEnd {
		if len(out.targets) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		to, err := p.target(targetOptions{})
		if err != nil {
			return nil, err
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		out.targets = append(out.targets, to)
		out.values = append(out.values, value)
	}
	var err error
	out.body, _, err = p.block("endwith")
	return out, err
}

func (p *parser) parseGeneration() (statement, error) {
	sig := &signature{}
	if err := p.macroBody(sig, "endgeneration"); err != nil {
		return nil, err
	}
	return &scopeStatement{body: sig.body}, nil
}

func (p *parser) parsePrint(line int) ([]statement, error) {
	var out []statement
	for p.peek().kind != tokBlockEnd {
		if len(out) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		out = append(out, &outputStatement{line: line, expr: e})
	}
	return out, nil
}
