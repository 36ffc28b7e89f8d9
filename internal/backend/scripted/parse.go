package scripted

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// maxFile bounds a script.
const maxFile = 4 << 20

// parseScript reads a script. The error lists every problem with its line.
func parseScript(text []byte) (*script, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("the script is larger than %d MiB", maxFile>>20)
	}
	root, err := parseTree(text)
	if err != nil {
		return nil, err
	}
	r := &reader{anchors: map[string]ast.Node{}}
	if root != nil {
		ast.Walk(r, root)
	}
	s := &script{}
	def := &defaults{chunk: chunking{words: true}}
	// defaults come first wherever they stand: rules start from them.
	for _, e := range r.mapping(root, "a script") {
		if e.key == "defaults" && e.node != nil {
			r.defaults(e.node, def)
		}
	}
	seen := map[string]bool{}
	r.fields(root, "a script", map[string]func(ast.Node){
		"defaults": func(ast.Node) {},
		"anchors":  func(ast.Node) {}, // a place for values that rules repeat
		"rules": func(n ast.Node) {
			seq, ok := n.(*ast.SequenceNode)
			if !ok {
				r.complain(n, `"rules" has to be a list`)
				return
			}
			for i, e := range seq.Values {
				rule := r.rule(e, i+1, def)
				if seen[rule.name] {
					r.complain(e, "the rule name %q is given twice", rule.name)
				}
				seen[rule.name] = true
				s.rules = append(s.rules, rule)
			}
		},
		"else": func(n ast.Node) { s.fallback = r.fallback(n, def) },
	})
	if len(s.rules) == 0 && s.fallback == nil && len(r.problems) == 0 {
		r.complain(root, `a script needs "rules" or "else"`)
	}
	return s, r.err()
}

// defaults are what replies start from.
type defaults struct {
	first, between time.Duration
	chunk          chunking
}

func (r *reader) defaults(n ast.Node, def *defaults) {
	r.fields(n, "defaults", map[string]func(ast.Node){
		"delay": func(n ast.Node) { r.delay(n, &def.first, &def.between) },
		"chunk": func(n ast.Node) { def.chunk = r.chunking(n) },
	})
}

// delay reads a time to the first piece, or {first: …, between: …}.
func (r *reader) delay(n ast.Node, first, between *time.Duration) {
	switch r.value(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		r.fields(n, "delay", map[string]func(ast.Node){
			"first":   func(n ast.Node) { *first = r.duration(n, "first") },
			"between": func(n ast.Node) { *between = r.duration(n, "between") },
		})
	default:
		*first = r.duration(n, "delay")
	}
}

func (r *reader) chunking(n ast.Node) chunking {
	if _, ok := r.value(n).(*ast.IntegerNode); ok {
		return chunking{runes: r.count(n, "chunk", 1)}
	}
	switch text := r.text(n, "chunk"); text {
	case "words":
		return chunking{words: true}
	case "whole":
		return chunking{}
	default:
		r.complain(n, "chunk has to be words, whole or a number of characters, not %q", text)
		return chunking{}
	}
}

func (r *reader) rule(n ast.Node, number int, def *defaults) *rule {
	out := &rule{name: "rule " + strconv.Itoa(number)}
	// The conditions come first: they say which variables replies may use.
	var captures []string
	entries := r.mapping(n, "a rule")
	for _, e := range entries {
		if e.key == "when" && e.node != nil {
			captures = r.condition(e.node, &out.when)
		}
	}
	known := newVariables(captures)
	replies := 0
	r.fields(n, "a rule", map[string]func(ast.Node){
		"name":     func(n ast.Node) { out.name = r.text(n, "name") },
		"when":     func(ast.Node) {},
		"throttle": func(n ast.Node) { r.throttle(n, out) },
		"reply": func(n ast.Node) {
			replies++
			out.replies = []*reply{r.reply(n, def, known)}
		},
		"replies": func(n ast.Node) {
			replies++
			for _, e := range r.list(n) {
				out.replies = append(out.replies, r.reply(e, def, known))
			}
		},
		"after": func(n ast.Node) {
			switch text := r.text(n, "after"); text {
			case "repeat":
				out.after = repeatLast
			case "restart":
				out.after = startOver
			case "stop":
				out.after = matchNoMore
			default:
				r.complain(n, "after has to be repeat, restart or stop, not %q", text)
			}
		},
	})
	if replies != 1 || len(out.replies) == 0 {
		r.complain(n, `a rule needs either "reply" or "replies"`)
	}
	if len(entries) > 0 && !slices.ContainsFunc(entries, func(e entry) bool { return e.key == "when" }) {
		r.complain(n, `a rule needs "when"; a reply to everything is "else"`)
	}
	return out
}

// fallback reads "else": a rule without conditions.
func (r *reader) fallback(n ast.Node, def *defaults) *rule {
	out := &rule{name: "else"}
	known := newVariables(nil)
	replies := 0
	r.fields(n, "else", map[string]func(ast.Node){
		"throttle": func(n ast.Node) { r.throttle(n, out) },
		"reply": func(n ast.Node) {
			replies++
			out.replies = []*reply{r.reply(n, def, known)}
		},
		"replies": func(n ast.Node) {
			replies++
			for _, e := range r.list(n) {
				out.replies = append(out.replies, r.reply(e, def, known))
			}
		},
	})
	if replies != 1 || len(out.replies) == 0 {
		r.complain(n, `else needs either "reply" or "replies"`)
	}
	return out
}

// throttle reads a number of calls, or {times: …, retry_after: …}.
func (r *reader) throttle(n ast.Node, out *rule) {
	if _, ok := r.value(n).(*ast.IntegerNode); ok {
		out.throttle = r.count(n, "throttle", 0)
		return
	}
	r.fields(n, "throttle", map[string]func(ast.Node){
		"times":       func(n ast.Node) { out.throttle = r.count(n, "times", 0) },
		"retry_after": func(n ast.Node) { out.retryAfter = r.duration(n, "retry_after") },
	})
}

// condition reads "when" and returns the names its expressions capture.
func (r *reader) condition(n ast.Node, c *condition) []string {
	var captures []string
	text := func(n ast.Node, what string) *textMatch {
		m, names := r.textMatch(n, what)
		for _, name := range names {
			if slices.Contains(captures, name) {
				r.complain(n, "%s captures ${%s}, which another expression of the rule captures too; name the groups", what, name)
			}
		}
		captures = append(captures, names...)
		return m
	}
	r.fields(n, "when", map[string]func(ast.Node){
		"model":  func(n ast.Node) { c.model = newGlob(r.text(n, "model")) },
		"region": func(n ast.Node) { c.region = newGlob(r.text(n, "region")) },
		"text":   func(n ast.Node) { c.text = text(n, "text") },
		"system": func(n ast.Node) { c.system = text(n, "system") },
		"tool":   func(n ast.Node) { c.tools = r.texts(n, "tool") },
		"tool_result": func(n ast.Node) {
			c.toolResult = &resultMatch{}
			if _, ok := r.value(n).(*ast.StringNode); ok {
				c.toolResult.tool = r.text(n, "tool_result")
				return
			}
			r.fields(n, "tool_result", map[string]func(ast.Node){
				"tool": func(n ast.Node) { c.toolResult.tool = r.text(n, "tool") },
				"text": func(n ast.Node) { c.toolResult.text = text(n, "text") },
				"error": func(n ast.Node) {
					failed := r.boolean(n, "error")
					c.toolResult.failure = &failed
				},
			})
		},
		"metadata": func(n ast.Node) {
			for _, e := range r.mapping(n, "metadata") {
				if e.node == nil {
					r.complain(e.where, "%q has no value", e.key)
					continue
				}
				c.metadata = append(c.metadata, metadataMatch{e.key, newGlob(r.text(e.node, e.key))})
			}
		},
		"turn": func(n ast.Node) { c.turn = r.span(n, "turn") },
		"call": func(n ast.Node) { c.call = r.span(n, "call") },
	})
	return captures
}

// span reads 3, 2-5 or 4-.
func (r *reader) span(n ast.Node, what string) span {
	text := r.text(n, what)
	low, high, ranged := strings.Cut(text, "-")
	from, err := strconv.Atoi(strings.TrimSpace(low))
	to := from
	if err == nil && ranged {
		to = 0
		if high = strings.TrimSpace(high); high != "" {
			to, err = strconv.Atoi(high)
			if err == nil && to < from {
				err = strconv.ErrRange
			}
		}
	}
	if err != nil || from < 1 {
		r.complain(n, "%s has to be a number from 1, or a range such as 2-5 or 4-, not %q", what, text)
		return span{}
	}
	return span{from, to}
}

// textMatch reads a text to be contained, or the whole form, and returns the names
// its expression captures.
func (r *reader) textMatch(n ast.Node, what string) (*textMatch, []string) {
	m := &textMatch{}
	switch r.value(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
	default:
		m.contains = r.texts(n, what)
		return m, nil
	}
	var expression ast.Node
	r.fields(n, what, map[string]func(ast.Node){
		"contains": func(n ast.Node) { m.contains = r.texts(n, "contains") },
		"equals": func(n ast.Node) {
			s := r.text(n, "equals")
			m.equals = &s
		},
		"regex":       func(n ast.Node) { expression = n },
		"ignore_case": func(n ast.Node) { m.ignoreCase = r.boolean(n, "ignore_case") },
	})
	if expression != nil {
		if err := m.compile(r.text(expression, "regex")); err != nil {
			r.complain(expression, "regex: %v", err)
			return m, nil
		}
	}
	if m.contains == nil && m.equals == nil && expression == nil {
		r.complain(n, "%s needs contains, equals or regex", what)
	}
	return m, m.captures()
}

// errorNames lists the errors that a script can answer with.
func errorNames() string { return strings.Join(slices.Sorted(maps.Keys(failures)), ", ") }

// stopReasons are the words for "stop".
var stopReasons = []llm.StopReason{
	llm.EndTurn, llm.StopToolUse, llm.MaxTokens, llm.StopSequence, llm.GuardrailStopped, llm.ContentFiltered,
	llm.MalformedOutput, llm.MalformedToolUse, llm.ContextWindowFull,
}
