package scripted

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// reader reads the tree of a YAML file and collects everything that is wrong with
// it, each problem with its line: whoever writes a script wants to mend it in one
// go.
type reader struct {
	problems []problem
	anchors  map[string]ast.Node
	steps    int // nodes visited: a bound on what aliases can multiply
}

type problem struct {
	line int
	text string
}

// maxSteps bounds the nodes of a script, aliases counted as often as they are used.
const maxSteps = 200_000

// parseTree returns the root of a script, nil when it is empty.
func parseTree(text []byte) (ast.Node, error) {
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // mapping finds them, and all of them
	if err != nil {
		return nil, err
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			return nil, fmt.Errorf("line %d: a script is one YAML document, and a second one begins here", lineOf(doc.Body))
		}
		root = doc.Body
	}
	return root, nil
}

func lineOf(n ast.Node) int {
	if n == nil {
		return 0
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// Visit implements ast.Visitor: it notes the anchors.
func (r *reader) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		if _, twice := r.anchors[a.Name.String()]; twice {
			r.complain(n, "the anchor &%s is given twice", a.Name)
		}
		r.anchors[a.Name.String()] = a.Value
	}
	return r
}

func (r *reader) complain(n ast.Node, format string, args ...any) {
	r.problems = append(r.problems, problem{line: lineOf(n), text: fmt.Sprintf(format, args...)})
}

// err joins the problems in the order of their lines.
func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b problem) int { return a.line - b.line })
	texts := make([]string, len(r.problems))
	for i, p := range r.problems {
		texts[i] = fmt.Sprintf("line %d: %s", p.line, p.text)
	}
	return fmt.Errorf("%s", strings.Join(texts, "\n"))
}

// value follows anchors, aliases and tags to the value itself.
func (r *reader) value(n ast.Node) ast.Node {
	for range 100 {
		r.steps++
		if r.steps > maxSteps {
			if r.steps == maxSteps+1 {
				r.complain(n, "the script is too large: over %d values", maxSteps)
			}
			return nil
		}
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			target, ok := r.anchors[v.Value.String()]
			if !ok {
				r.complain(n, "the alias *%s has no anchor", v.Value)
				return nil
			}
			n = target
		case *ast.TagNode:
			n = v.Value
		case *ast.NullNode:
			return nil
		case nil:
			return nil
		default:
			return n
		}
	}
	r.complain(n, "too many aliases of aliases")
	return nil
}

// entry is a member of a mapping.
type entry struct {
	key   string
	node  ast.Node // the value, nil for null
	where ast.Node // the key, for problems
}

// mapping returns a mapping's members in order, those of merged mappings (<<)
// included where the mapping itself has no such key. A key twice is a problem.
func (r *reader) mapping(n ast.Node, what string) []entry {
	n = r.value(n)
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		r.complain(n, "%s has to be a mapping", what)
		return nil
	}
	var entries, merged []entry
	seen := map[string]bool{}
	for _, v := range values {
		if v.Key.IsMergeKey() {
			merged = append(merged, r.mapping(v.Value, "the value of <<")...)
			continue
		}
		key := scalarText(v.Key)
		if seen[key] {
			r.complain(v.Key, "%q is given twice", key)
			continue
		}
		seen[key] = true
		entries = append(entries, entry{key: key, node: r.value(v.Value), where: v.Key})
	}
	for _, e := range merged {
		if !seen[e.key] {
			seen[e.key] = true
			entries = append(entries, e)
		}
	}
	return entries
}

// fields reads a mapping by the functions of its keys; other keys are problems.
func (r *reader) fields(n ast.Node, what string, known map[string]func(ast.Node)) {
	for _, e := range r.mapping(n, what) {
		read, ok := known[e.key]
		if !ok {
			names := make([]string, 0, len(known))
			for k := range known {
				names = append(names, k)
			}
			slices.Sort(names)
			r.complain(e.where, "%q is not known in %s; these are: %s", e.key, what, strings.Join(names, ", "))
			continue
		}
		if e.node == nil {
			r.complain(e.where, "%q has no value", e.key)
			continue
		}
		read(e.node)
	}
}

// list returns the elements of a sequence, or a single value as a list of one.
func (r *reader) list(n ast.Node) []ast.Node {
	seq, ok := r.value(n).(*ast.SequenceNode)
	if !ok {
		return []ast.Node{n}
	}
	return seq.Values
}

// scalarText returns a scalar as it is written.
func scalarText(n ast.Node) string {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.MappingKeyNode:
		return scalarText(v.Value)
	}
	if t := n.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

// text reads a string; numbers and booleans are taken as they are written.
func (r *reader) text(n ast.Node, what string) string {
	switch v := r.value(n).(type) {
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return scalarText(v)
	}
	r.complain(n, "%s has to be a text", what)
	return ""
}

// texts reads a text or a list of them.
func (r *reader) texts(n ast.Node, what string) []string {
	var out []string
	for _, e := range r.list(n) {
		out = append(out, r.text(e, what))
	}
	return out
}

// count reads a whole number of at least low.
func (r *reader) count(n ast.Node, what string, low int) int {
	if v, ok := r.value(n).(*ast.IntegerNode); ok {
		switch i := v.Value.(type) {
		case int64:
			if i >= int64(low) && i <= 1<<31 {
				return int(i)
			}
		case uint64:
			if i >= uint64(low) && i <= 1<<31 { //nolint:gosec // low is a small constant
				return int(i)
			}
		}
	}
	r.complain(n, "%s has to be a whole number of at least %d", what, low)
	return low
}

func (r *reader) boolean(n ast.Node, what string) bool {
	v, ok := r.value(n).(*ast.BoolNode)
	if !ok {
		r.complain(n, "%s has to be true or false", what)
		return false
	}
	return v.Value
}

// maxWait bounds a delay: a script that hangs a suite for hours is a mistake.
const maxWait = time.Hour

// duration reads "200ms" or "1.5s"; 0 needs no unit.
func (r *reader) duration(n ast.Node, what string) time.Duration {
	text := r.text(n, what)
	if text == "0" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxWait {
		r.complain(n, "%s has to be a time such as 200ms or 1.5s, at most %v, not %q", what, maxWait, text)
		return 0
	}
	return d
}
