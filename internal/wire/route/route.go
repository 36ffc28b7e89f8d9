// Package route finds the operation that a method and a path are for.
//
// Paths are matched as they stand on the wire, escaped: a label may hold %2F, and a
// trailing slash makes another path. Literal segments win over labels, labels over
// greedy labels, and a pattern that names constant query parameters over one that
// does not. A label matches a segment that is empty, but not the empty one that a
// trailing slash leaves.
//
// A Router is built once and then safe for concurrent use.
package route

import (
	"fmt"
	"strings"
)

// MaxLabels is the most labels a pattern may have.
const MaxLabels = 8

// maxSegments bounds the work on a hostile path: no pattern is as long, and a
// greedy label takes the rest as one.
const maxSegments = 64

// Match is a pattern that a path fits.
type Match[T any] struct {
	Value  T
	Labels [MaxLabels]string // escaped, in the pattern's order
}

// Router maps methods and patterns to values.
type Router[T any] struct {
	methods map[string]*node[T]
}

// New returns an empty router.
func New[T any]() *Router[T] { return &Router[T]{methods: map[string]*node[T]{}} }

type node[T any] struct {
	literal map[string]*node[T]
	label   *node[T]
	greedy  *node[T]
	leaves  []leaf[T] // those with the most constants first
}

type leaf[T any] struct {
	value     T
	labels    int
	constants []constant
}

// constant is a query parameter that a pattern asks for.
type constant struct {
	name, value string
	any         bool // name alone
}

// Add enters a pattern such as "/a/{b}/{rest+}?c=d". A pattern that is there
// already is an error.
func (r *Router[T]) Add(method, pattern string, value T) error {
	path, query, _ := strings.Cut(pattern, "?")
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("pattern %q does not begin with a slash", pattern)
	}
	n := r.methods[method]
	if n == nil {
		n = &node[T]{}
		r.methods[method] = n
	}
	l := leaf[T]{value: value, constants: constants(query)}
	for seg := range strings.SplitSeq(path[1:], "/") {
		if isLabel(seg) {
			l.labels++
		}
		n = n.child(seg)
	}
	if l.labels > MaxLabels {
		return fmt.Errorf("pattern %q has more than %d labels", pattern, MaxLabels)
	}
	return n.addLeaf(method+" "+pattern, l)
}

func constants(query string) []constant {
	var out []constant
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, has := strings.Cut(part, "=")
		out = append(out, constant{name, value, !has})
	}
	return out
}

// Labels returns the names of a pattern's labels, in order.
func Labels(pattern string) []string {
	path, _, _ := strings.Cut(pattern, "?")
	var out []string
	for seg := range strings.SplitSeq(path, "/") {
		if isLabel(seg) {
			out = append(out, strings.TrimSuffix(seg[1:len(seg)-1], "+"))
		}
	}
	return out
}

func isLabel(seg string) bool { return strings.HasPrefix(seg, "{") && strings.HasSuffix(seg, "}") }

// child returns the node below n for one segment of a pattern, making it if need be.
func (n *node[T]) child(seg string) *node[T] {
	slot := &n.label
	switch {
	case isLabel(seg) && strings.HasSuffix(seg, "+}"):
		slot = &n.greedy
	case !isLabel(seg):
		if n.literal == nil {
			n.literal = map[string]*node[T]{}
		}
		if n.literal[seg] == nil {
			n.literal[seg] = &node[T]{}
		}
		return n.literal[seg]
	}
	if *slot == nil {
		*slot = &node[T]{}
	}
	return *slot
}

func (n *node[T]) addLeaf(name string, l leaf[T]) error {
	i := 0
	for ; i < len(n.leaves); i++ {
		if len(n.leaves[i].constants) < len(l.constants) {
			break
		}
		if sameConstants(n.leaves[i].constants, l.constants) {
			return fmt.Errorf("%s is there twice", name)
		}
	}
	n.leaves = append(n.leaves[:i:i], append([]leaf[T]{l}, n.leaves[i:]...)...)
	return nil
}

func sameConstants(a, b []constant) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Match finds the value for a request. path is escaped, rawQuery is the query as it
// stands in the URL.
func (r *Router[T]) Match(method, path, rawQuery string) (m Match[T], ok bool) {
	root := r.methods[method]
	if root == nil || !strings.HasPrefix(path, "/") || strings.Count(path, "/") > maxSegments {
		return m, false
	}
	ok = root.match(path[1:], rawQuery, 0, &m)
	return m, ok
}

// Methods returns the methods that have a pattern for path, for a helpful error.
func (r *Router[T]) Methods(path, rawQuery string) []string {
	var out []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if _, ok := r.Match(method, path, rawQuery); ok {
			out = append(out, method)
		}
	}
	return out
}

// match tries rest, the path from a segment on. Each node of the tree is tried at
// most once for each number of segments eaten, so that backtracking stays bounded.
func (n *node[T]) match(rest, rawQuery string, labels int, m *Match[T]) bool {
	seg, after, more := strings.Cut(rest, "/")
	if child := n.literal[seg]; child != nil && child.descend(after, more, rawQuery, labels, m) {
		return true
	}
	if n.label != nil && (seg != "" || more) && labels < MaxLabels {
		m.Labels[labels] = seg
		if n.label.descend(after, more, rawQuery, labels+1, m) {
			return true
		}
	}
	return n.greedy != nil && rest != "" && labels < MaxLabels && n.greedy.matchGreedy(rest, rawQuery, labels, m)
}

// descend goes on with after when there is more, else looks for a leaf.
func (n *node[T]) descend(after string, more bool, rawQuery string, labels int, m *Match[T]) bool {
	if more {
		return n.match(after, rawQuery, labels, m)
	}
	return n.take(rawQuery, m)
}

// matchGreedy lets the label take as much of rest as the patterns behind it allow.
func (n *node[T]) matchGreedy(rest, rawQuery string, labels int, m *Match[T]) bool {
	m.Labels[labels] = rest
	if n.take(rawQuery, m) {
		return true
	}
	for end := strings.LastIndexByte(rest, '/'); end > 0; end = strings.LastIndexByte(rest[:end], '/') {
		m.Labels[labels] = rest[:end]
		if n.match(rest[end+1:], rawQuery, labels+1, m) {
			return true
		}
	}
	return false
}

func (n *node[T]) take(rawQuery string, m *Match[T]) bool {
	for i := range n.leaves {
		if n.leaves[i].accepts(rawQuery) {
			m.Value = n.leaves[i].value
			return true
		}
	}
	return false
}

func (l *leaf[T]) accepts(rawQuery string) bool {
	for _, c := range l.constants {
		if !c.in(rawQuery) {
			return false
		}
	}
	return true
}

func (c constant) in(rawQuery string) bool {
	for part := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if name == c.name && (c.any || value == c.value) {
			return true
		}
	}
	return false
}
