package scripted

import (
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// reply reads one reply: a plain text, or the whole form.
func (r *reader) reply(n ast.Node, def *defaults, known variables) *reply {
	out := &reply{first: def.first, between: def.between, chunk: def.chunk}
	switch r.value(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
	default:
		out.text = []template{r.template(n, "reply", known)}
		return out
	}
	r.fields(n, "a reply", map[string]func(ast.Node){
		"text": func(n ast.Node) {
			_, out.ownChunks = r.value(n).(*ast.SequenceNode)
			for _, e := range r.list(n) {
				out.text = append(out.text, r.template(e, "text", known))
			}
		},
		"json":      func(n ast.Node) { out.json = r.json(n, "json", known) },
		"reasoning": func(n ast.Node) { out.reasoning = r.template(n, "reasoning", known) },
		"citations": func(n ast.Node) {
			for _, e := range r.list(n) {
				out.citations = append(out.citations, r.citation(e, known))
			}
		},
		"tool_calls": func(n ast.Node) {
			for _, e := range r.list(n) {
				out.calls = append(out.calls, r.toolCall(e, known))
			}
		},
		"stop":          func(n ast.Node) { out.stop = r.stopReason(n) },
		"stop_sequence": func(n ast.Node) { out.sequence, out.stop = r.text(n, "stop_sequence"), llm.StopSequence },
		"usage":         func(n ast.Node) { out.usage = r.usage(n) },
		"error":         func(n ast.Node) { out.failure = r.failure(n, known) },
		"cut":           func(n ast.Node) { out.cut = r.cut(n, known) },
		"delay":         func(n ast.Node) { r.delay(n, &out.first, &out.between) },
		"chunk":         func(n ast.Node) { out.chunk = r.chunking(n) },
	})
	r.checkReply(n, out)
	return out
}

// checkReply finds members that contradict each other.
func (r *reader) checkReply(n ast.Node, out *reply) {
	answers := out.text != nil || out.json != nil || out.calls != nil || out.reasoning != nil
	switch {
	case out.failure != nil && (answers || out.cut != nil || out.citations != nil || out.usage != nil || out.stop != ""):
		r.complain(n, `a reply with "error" can have only "delay" beside it; "cut" breaks an answer off`)
	case out.failure == nil && !answers:
		r.complain(n, `a reply needs "text", "json", "reasoning", "tool_calls" or "error"`)
	case out.text != nil && out.json != nil:
		r.complain(n, `a reply has "text" or "json", not both`)
	case out.citations != nil && out.text == nil:
		r.complain(n, `"citations" need a "text" to stand on`)
	}
}

func (r *reader) citation(n ast.Node, known variables) citation {
	var c citation
	r.fields(n, "a citation", map[string]func(ast.Node){
		"title":  func(n ast.Node) { c.title = r.template(n, "title", known) },
		"source": func(n ast.Node) { c.source = r.template(n, "source", known) },
		"quote":  func(n ast.Node) { c.quote = r.template(n, "quote", known) },
	})
	if c.title == nil && c.source == nil && c.quote == nil {
		r.complain(n, "a citation needs a title, a source or a quote")
	}
	return c
}

// Bedrock's forms of a tool's name and of the ID of a call.
var (
	toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	callID   = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
)

func (r *reader) toolCall(n ast.Node, known variables) toolCall {
	c := toolCall{input: jsonTemplate{{text: "{}"}}}
	r.fields(n, "a tool call", map[string]func(ast.Node){
		"name": func(n ast.Node) {
			if c.name = r.text(n, "name"); !toolName.MatchString(c.name) {
				r.complain(n, "%q is no name of a tool: letters, digits, _ and -, at most 64", c.name)
			}
		},
		"id": func(n ast.Node) {
			c.id = r.template(n, "id", known)
			if len(c.id) == 1 && c.id[0].variable == "" && !callID.MatchString(c.id[0].text) {
				r.complain(n, "%q is no ID of a call: letters, digits, _ and -, at most 64", c.id[0].text)
			}
		},
		"input": func(n ast.Node) {
			switch r.value(n).(type) {
			case *ast.MappingNode, *ast.MappingValueNode:
				c.input = r.json(n, "input", known)
			default:
				r.complain(n, "the input of a tool call has to be a mapping")
			}
		},
	})
	if c.name == "" {
		r.complain(n, `a tool call needs a "name"`)
	}
	return c
}

func (r *reader) stopReason(n ast.Node) llm.StopReason {
	reason := llm.StopReason(r.text(n, "stop"))
	if !slices.Contains(stopReasons, reason) {
		r.complain(n, "%q is no reason to stop; these are: %v", reason, stopReasons)
	}
	return reason
}

func (r *reader) usage(n ast.Node) *usage {
	u := &usage{input: -1, output: -1}
	r.fields(n, "usage", map[string]func(ast.Node){
		"input":       func(n ast.Node) { u.input = r.count(n, "input", 0) },
		"output":      func(n ast.Node) { u.output = r.count(n, "output", 0) },
		"cache_read":  func(n ast.Node) { u.cacheRead = r.count(n, "cache_read", 0) },
		"cache_write": func(n ast.Node) { u.cacheWrite = r.count(n, "cache_write", 0) },
	})
	return u
}

// failure reads the name of an error, or the whole form.
func (r *reader) failure(n ast.Node, known variables) *failure {
	f := &failure{}
	named := n
	switch r.value(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		r.fields(n, "error", map[string]func(ast.Node){
			"type":            func(n ast.Node) { f.name, named = r.text(n, "type"), n },
			"message":         func(n ast.Node) { f.message = r.template(n, "message", known) },
			"retry_after":     func(n ast.Node) { f.retryAfter = r.duration(n, "retry_after") },
			"original_status": func(n ast.Node) { f.status = r.count(n, "original_status", 100) },
		})
	default:
		f.name = r.text(n, "error")
	}
	kind, ok := failures[f.name]
	if !ok {
		r.complain(named, "%q is no error of Bedrock's runtime; these are: %s", f.name, errorNames())
	}
	f.kind = kind
	if f.message == nil {
		f.message = template{{text: defaultMessages[f.name]}}
	}
	if f.kind == fault.ModelError && f.status == 0 {
		f.status = 500
	}
	return f
}

// cut reads a number of pieces, or {after: …, error: …}.
func (r *reader) cut(n ast.Node, known variables) *cut {
	const name = "ModelStreamErrorException"
	c := &cut{failure: &failure{name: name, kind: failures[name], message: template{{text: defaultMessages[name]}}}}
	if _, ok := r.value(n).(*ast.IntegerNode); ok {
		c.after = r.count(n, "cut", 0)
		return c
	}
	r.fields(n, "cut", map[string]func(ast.Node){
		"after": func(n ast.Node) { c.after = r.count(n, "after", 0) },
		"error": func(n ast.Node) { c.failure = r.failure(n, known) },
	})
	return c
}
