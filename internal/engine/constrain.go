package engine

import (
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/chat"
	"github.com/outcrop-ai/outcrop/internal/engine/grammar"
	"github.com/outcrop-ai/outcrop/internal/engine/sched"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// constraint returns what an answer has to be: a JSON value that the request asks for,
// calls that its tools understand, or both. Nil: any text.
func (g *Generator) constraint(p *prompt, req *llm.ChatRequest) (sched.Constraint, error) {
	var answer *grammar.Rule
	switch {
	case req.Output.Schema != nil:
		if err := g.check(req.Output.Schema, "The output schema"); err != nil {
			return nil, err
		}
		r := grammar.Schema(req.Output.Schema)
		answer = &r
	case req.Output.JSON:
		r := grammar.JSONObject()
		answer = &r
	}
	calls := g.format.Calls(req.Tools, req.ToolChoice)
	var rule grammar.Rule
	switch {
	case calls == nil && answer == nil:
		return nil, nil //nolint:nilnil // nothing to keep to
	case calls == nil:
		rule = *answer
	default:
		call, err := g.calls(calls)
		if err != nil {
			return nil, err
		}
		rule = g.around(calls, call, answer)
	}
	compiled, err := g.grammars.Compile(g.thought(p, rule))
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "The output cannot be held to the request's schemas: %s.", err)
	}
	return compiled.Start(), nil
}

// around puts what else an answer may be around its calls.
func (g *Generator) around(c *chat.CallSyntax, call grammar.Rule, answer *grammar.Rule) grammar.Rule {
	switch {
	case c.Required:
		return call
	case answer != nil:
		return grammar.Choice(*answer, call)
	case g.control(c.Trigger):
		return grammar.Seq(grammar.TextWithout(), grammar.Optional(call))
	default:
		return grammar.Seq(grammar.TextWithout(c.Triggers...), grammar.Optional(call))
	}
}

// thought lets the model think before it answers, where it does.
func (g *Generator) thought(p *prompt, answer grammar.Rule) grammar.Rule {
	open, end := g.format.Thinking()
	switch {
	case open == "":
		return answer
	case p.Thinking:
		return grammar.Seq(g.until(end), answer)
	}
	return grammar.Seq(grammar.Optional(grammar.Seq(g.literal(open, nil), g.until(end))), answer)
}

// until is free text with a mark at its end.
func (g *Generator) until(mark string) grammar.Rule {
	if g.control(mark) {
		return grammar.Seq(grammar.TextWithout(), g.literal(mark, nil))
	}
	return grammar.Text(mark)
}

// calls is the rule of one call or several, in the model's own way of writing them.
func (g *Generator) calls(c *chat.CallSyntax) (grammar.Rule, error) {
	lit := func(s string) grammar.Rule { return g.literal(s, c.Markers) }
	var kinds []grammar.Rule
	for i := range c.Tools {
		t := &c.Tools[i]
		arguments, err := g.arguments(t)
		if err != nil {
			return grammar.Rule{}, err
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return grammar.Rule{}, err
		}
		inner := strings.Trim(string(name), `"`) // the syntax has the quotes, where it wants them
		kinds = append(kinds, grammar.Seq(lit(c.Before+inner+c.Between), arguments, lit(c.After)))
	}
	call, most := grammar.Choice(kinds...), 1
	if c.Several {
		most = maxCalls
	}
	return grammar.Seq(lit(c.Open), grammar.Repeat(call, 1, most, lit(c.Separator)), lit(c.Close)), nil
}

// maxCalls bounds the calls of one answer, so that it ends.
const maxCalls = 32

// arguments is the rule of a tool's arguments. A schema that cannot be enforced is an
// error for a strict tool; another gets some object.
func (g *Generator) arguments(t *llm.Tool) (grammar.Rule, error) {
	if len(t.InputSchema) == 0 {
		return grammar.JSONObject(), nil
	}
	err := g.check(t.InputSchema, "The input schema of the tool "+t.Name)
	switch {
	case err == nil:
		return grammar.Schema(t.InputSchema), nil
	case t.Strict:
		return grammar.Rule{}, err
	}
	return grammar.JSONObject(), nil
}

// check reports a schema that cannot be enforced.
func (g *Generator) check(schema json.RawMessage, what string) error {
	if _, err := g.grammars.Compile(grammar.Schema(schema)); err != nil {
		return fault.Errorf(fault.Invalid, "%s cannot be enforced: %s.", what, err)
	}
	return nil
}

// control reports whether a mark is a control token of the vocabulary.
func (g *Generator) control(mark string) bool {
	id, ok := g.codec.Lookup(mark)
	return ok && g.codec.Control(id)
}

// literal is exactly a text, whose markers are tokens where the vocabulary has them as
// control tokens: those have no bytes.
func (g *Generator) literal(text string, markers []string) grammar.Rule {
	if g.control(text) {
		id, _ := g.codec.Lookup(text)
		return grammar.Token(id)
	}
	for _, m := range markers {
		if before, after, ok := strings.Cut(text, m); ok && m != "" && g.control(m) {
			return grammar.Seq(g.literal(before, markers), g.literal(m, nil), g.literal(after, markers))
		}
	}
	return grammar.Literal(text)
}
