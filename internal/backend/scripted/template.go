package scripted

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// template is a text with places to be filled: ${name}.
type template []segment

// segment is text as it stands, or else a variable.
type segment struct {
	text     string
	variable string
}

// parseTemplate splits s at its variables. "$${" stands for "${"; any other dollar
// is a dollar. ok is false for a variable that is not closed.
func parseTemplate(s string) (t template, ok bool) {
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			t = append(t, segment{text: text.String()})
			text.Reset()
		}
	}
	for s != "" {
		i := strings.Index(s, "${")
		if i < 0 {
			text.WriteString(s)
			break
		}
		if i > 0 && s[i-1] == '$' {
			text.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		text.WriteString(s[:i])
		name, rest, found := strings.Cut(s[i+2:], "}")
		if !found {
			return nil, false
		}
		flush()
		t = append(t, segment{variable: strings.TrimSpace(name)})
		s = rest
	}
	flush()
	return t, true
}

// expand fills a text.
func (t template) expand(value func(name string) string) string {
	if len(t) == 1 && t[0].variable == "" {
		return t[0].text
	}
	var b strings.Builder
	for _, s := range t {
		if s.variable != "" {
			b.WriteString(value(s.variable))
		} else {
			b.WriteString(s.text)
		}
	}
	return b.String()
}

// jsonTemplate is a JSON value whose strings may hold variables.
type jsonTemplate template

// expand fills a value. Variables stand inside strings, so what fills them is
// escaped and the result is always JSON.
func (t jsonTemplate) expand(value func(name string) string) json.RawMessage {
	return json.RawMessage(template(t).expand(func(name string) string {
		quoted := quote(value(name))
		return quoted[1 : len(quoted)-1]
	}))
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // no string fails
		return `""`
	}
	return string(b)
}

// variables are the names that a rule's templates may use, apart from metadata.*.
type variables map[string]bool

func newVariables(captures []string) variables {
	v := variables{"text": true, "question": true, "model": true, "region": true, "turn": true, "call": true, "tool_result": true}
	for _, c := range captures {
		v[c] = true
	}
	return v
}

// template reads a text with variables, which have to be known.
func (r *reader) template(n ast.Node, what string, known variables) template {
	t, ok := parseTemplate(r.text(n, what))
	if !ok {
		r.complain(n, "%s has a ${ without its }; write $${ for the text itself", what)
		return nil
	}
	r.checkVariables(n, what, t, known)
	return t
}

func (r *reader) checkVariables(n ast.Node, what string, t template, known variables) {
	for _, s := range t {
		if s.variable == "" || known[s.variable] || strings.HasPrefix(s.variable, "metadata.") {
			continue
		}
		if _, err := strconv.Atoi(s.variable); err == nil {
			r.complain(n, "%s uses ${%s}, and no expression of the rule captures that much", what, s.variable)
			continue
		}
		r.complain(n, "%s uses ${%s}, which is not known; write $${ for the text itself", what, s.variable)
	}
}

// maxDepth bounds the nesting of values.
const maxDepth = 64

// json reads any value as JSON with variables in its strings.
func (r *reader) json(n ast.Node, what string, known variables) jsonTemplate {
	var b jsonBuilder
	r.appendJSON(&b, n, what, 0)
	b.flush()
	r.checkVariables(n, what, b.out, known)
	return jsonTemplate(b.out)
}

// jsonBuilder collects the text of a value between its variables.
type jsonBuilder struct {
	out  template
	text strings.Builder
}

func (b *jsonBuilder) flush() {
	if b.text.Len() > 0 {
		b.out = append(b.out, segment{text: b.text.String()})
		b.text.Reset()
	}
}

func (r *reader) appendJSON(b *jsonBuilder, n ast.Node, what string, depth int) {
	if depth > maxDepth {
		r.complain(n, "%s is nested too deep", what)
		return
	}
	switch v := r.value(n).(type) {
	case nil:
		b.text.WriteString("null")
	case *ast.MappingNode, *ast.MappingValueNode:
		b.text.WriteByte('{')
		for i, e := range r.mapping(v, what) {
			if i > 0 {
				b.text.WriteByte(',')
			}
			b.text.WriteString(quote(e.key) + ":")
			r.appendJSON(b, e.node, what, depth+1)
		}
		b.text.WriteByte('}')
	case *ast.SequenceNode:
		b.text.WriteByte('[')
		for i, e := range v.Values {
			if i > 0 {
				b.text.WriteByte(',')
			}
			r.appendJSON(b, e, what, depth+1)
		}
		b.text.WriteByte(']')
	case *ast.StringNode, *ast.LiteralNode:
		r.appendJSONString(b, v, what)
	case *ast.BoolNode:
		b.text.WriteString(strconv.FormatBool(v.Value))
	case *ast.IntegerNode:
		number, err := json.Marshal(v.Value)
		if err != nil {
			r.complain(v, "%s holds a number that JSON cannot", what)
			return
		}
		b.text.Write(number)
	case *ast.FloatNode:
		number, err := json.Marshal(v.Value)
		if err != nil {
			r.complain(v, "%s holds a number that JSON cannot", what)
			return
		}
		b.text.Write(number)
	default:
		r.complain(n, "%s holds a value that JSON cannot", what)
	}
}

func (r *reader) appendJSONString(b *jsonBuilder, n ast.Node, what string) {
	t, ok := parseTemplate(scalarText(n))
	if !ok {
		r.complain(n, "%s has a ${ without its }; write $${ for the text itself", what)
		return
	}
	b.text.WriteByte('"')
	for _, s := range t {
		if s.variable != "" {
			b.flush()
			b.out = append(b.out, s)
			continue
		}
		quoted := quote(s.text)
		b.text.WriteString(quoted[1 : len(quoted)-1])
	}
	b.text.WriteByte('"')
}
