package scripted

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// glob is a pattern in which * stands for any text and ? for any character.
type glob struct{ re *regexp.Regexp }

func newGlob(pattern string) *glob {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	return &glob{regexp.MustCompile(`(?s)^` + quoted + `$`)}
}

func (g *glob) match(s string) bool { return g == nil || g.re.MatchString(s) }

// textMatch is a condition on a text. Everything that is set must hold.
type textMatch struct {
	contains   []string
	equals     *string
	regex      *regexp.Regexp
	ignoreCase bool
}

// maxRegex bounds an expression; RE2 takes linear time on any text.
const maxRegex = 10_000

func (m *textMatch) compile(expression string) error {
	if len(expression) > maxRegex {
		return fmt.Errorf("longer than %d bytes", maxRegex)
	}
	if m.ignoreCase {
		expression = "(?i)" + expression
	}
	re, err := regexp.Compile(expression)
	m.regex = re
	return err
}

// captures returns the names of the expression's groups: their numbers, and names
// where they have one.
func (m *textMatch) captures() []string {
	if m.regex == nil {
		return nil
	}
	var names []string
	for i, name := range m.regex.SubexpNames() {
		if i == 0 {
			continue
		}
		if name != "" {
			names = append(names, name)
		} else {
			names = append(names, strconv.Itoa(i))
		}
	}
	return names
}

// match reports whether s satisfies m, and puts what its expression captures into
// captured.
func (m *textMatch) match(s string, captured map[string]string) bool {
	if m == nil {
		return true
	}
	folded := s
	if m.ignoreCase {
		folded = strings.ToLower(s)
	}
	for _, part := range m.contains {
		if m.ignoreCase {
			part = strings.ToLower(part)
		}
		if !strings.Contains(folded, part) {
			return false
		}
	}
	if m.equals != nil && s != *m.equals && (!m.ignoreCase || !strings.EqualFold(s, *m.equals)) {
		return false
	}
	if m.regex == nil {
		return true
	}
	groups := m.regex.FindStringSubmatch(s)
	if groups == nil {
		return false
	}
	for i, name := range m.regex.SubexpNames() {
		switch {
		case i == 0:
		case name != "":
			captured[name] = groups[i]
		default:
			captured[strconv.Itoa(i)] = groups[i]
		}
	}
	return true
}

// facts are what rules look at.
type facts struct {
	model, region string
	text          string // of the last message
	question      string // the last text that a user wrote
	system        string
	tools         []string
	results       []result // in the last message
	metadata      map[string]string
	turn          int // which answer of the conversation this is, from 1
}

type result struct {
	tool, text string
	failed     bool
}

func newFacts(ctx context.Context, req *llm.ChatRequest) *facts {
	f := &facts{
		model: req.Model, region: call.From(ctx).Region, system: textOf(req.System),
		metadata: req.Metadata, turn: 1,
	}
	for i := range req.Tools {
		f.tools = append(f.tools, req.Tools[i].Name)
	}
	names := map[string]string{} // call ID -> tool
	for i := range req.Messages {
		m := &req.Messages[i]
		switch m.Role {
		case llm.Assistant:
			f.turn++
			for _, b := range m.Content {
				if use, ok := b.(*llm.ToolUse); ok {
					names[use.ID] = use.Name
				}
			}
		case llm.User:
			if text := textOf(m.Content); text != "" {
				f.question = text
			}
		case llm.System:
		}
	}
	if n := len(req.Messages); n > 0 && req.Messages[n-1].Role == llm.User {
		last := req.Messages[n-1].Content
		f.text = textOf(last)
		for _, b := range last {
			if r, ok := b.(*llm.ToolResult); ok {
				f.results = append(f.results, result{tool: names[r.ToolUseID], text: textOf(r.Content), failed: r.Error})
			}
		}
	}
	return f
}

// textOf joins the texts of blocks by lines.
func textOf(blocks []llm.Block) string {
	var texts []string
	for _, b := range blocks {
		switch b := b.(type) {
		case *llm.Text:
			texts = append(texts, b.Text)
		case *llm.Guard:
			if b.Image == nil {
				texts = append(texts, b.Text)
			}
		case *llm.Citations:
			texts = append(texts, b.Text)
		case *llm.JSON:
			texts = append(texts, string(b.Value))
		}
	}
	return strings.Join(texts, "\n")
}

// match reports whether the facts satisfy c, apart from its call number, and
// returns what its expressions capture.
func (c *condition) match(f *facts) (map[string]string, bool) {
	captured := map[string]string{}
	if !c.model.match(f.model) || !c.region.match(f.region) || !c.turn.has(f.turn) ||
		!c.text.match(f.text, captured) || !c.system.match(f.system, captured) {
		return nil, false
	}
	for _, want := range c.tools {
		if !slices.Contains(f.tools, want) {
			return nil, false
		}
	}
	for _, m := range c.metadata {
		v, ok := f.metadata[m.key]
		if !ok || !m.value.match(v) {
			return nil, false
		}
	}
	return captured, c.toolResult.match(f.results, captured)
}

func (m *resultMatch) match(results []result, captured map[string]string) bool {
	if m == nil {
		return true
	}
	for i := range results {
		r := &results[i]
		if (m.tool == "" || m.tool == r.tool) && (m.failure == nil || *m.failure == r.failed) && m.text.match(r.text, captured) {
			return true
		}
	}
	return false
}

// maxShown bounds the texts in a message about a request that no rule matches.
const maxShown = 200

// noMatch says what the request looked like to the rules.
func (f *facts) noMatch(script string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "No rule of the script %q matches this request: model %q, turn %d", script, f.model, f.turn)
	if f.region != "" {
		fmt.Fprintf(&b, ", region %s", f.region)
	}
	fmt.Fprintf(&b, ", last message %q", shorten(f.text))
	if f.system != "" {
		fmt.Fprintf(&b, ", system %q", shorten(f.system))
	}
	if len(f.tools) > 0 {
		fmt.Fprintf(&b, ", tools %q", f.tools)
	}
	for _, r := range f.results {
		fmt.Fprintf(&b, ", result of %q: %q (failed: %t)", r.tool, shorten(r.text), r.failed)
	}
	if len(f.metadata) > 0 {
		fmt.Fprintf(&b, ", metadata %q", f.metadata)
	}
	b.WriteString(". Add a rule for it, or an else.")
	return fault.Errorf(fault.Invalid, "%s", b.String())
}

func shorten(s string) string {
	runes := []rune(s)
	if len(runes) <= maxShown {
		return s
	}
	return string(runes[:maxShown]) + "…"
}
