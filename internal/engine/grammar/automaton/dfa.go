// Package automaton has finite automata over code points: what a JSON Schema's
// pattern, format or list of names allows a string to be.
//
// An automaton is deterministic and trimmed: every state can be reached and can
// still be completed, so a walk that has not failed never has to. It knows nothing
// of JSON's escapes or of UTF-8; package grammar puts those around it. Surrogates
// are no code points here, as no JSON text that is valid UTF-8 can hold one alone.
//
// All constructions are bounded: those that would need too many states or too much
// work answer ErrTooLarge, whatever the expression.
package automaton

import (
	"errors"
	"slices"
	"unicode/utf8"
)

// ErrTooLarge is the answer to an automaton that would pass the bounds.
var ErrTooLarge = errors.New("the automaton would be too large")

const (
	maxStates = 20_000    // of one automaton
	maxEdges  = 1_000_000 // of one automaton
)

// DFA accepts a set of strings. State 0 is the start. It is immutable.
type DFA struct {
	edges [][]Edge // by state: sorted, disjoint
	final []bool
	cost  int
}

// Edge leads to a state on any code point between Lo and Hi, both included.
type Edge struct {
	Lo, Hi rune
	To     int32
}

// codePoints are the ranges of code points that exist.
var codePoints = []Edge{{Lo: 0, Hi: 0xD7FF}, {Lo: 0xE000, Hi: utf8.MaxRune}}

// Any accepts every string.
func Any() *DFA {
	return &DFA{edges: [][]Edge{slices.Clone(codePoints)}, final: []bool{true}}
}

// Literals accepts exactly the given strings. Bytes that are no UTF-8 stand for U+FFFD.
func Literals(texts []string) *DFA {
	b := newBuilder()
	b.state()
	for _, text := range texts {
		at := int32(0)
		for _, r := range text {
			at = b.child(at, r)
		}
		b.final[at] = true
	}
	for _, edges := range b.edges {
		slices.SortFunc(edges, func(x, y Edge) int { return int(x.Lo - y.Lo) })
	}
	return &DFA{edges: b.edges, final: b.final, cost: 100 * len(b.final)}
}

// builder collects states.
type builder struct {
	edges [][]Edge
	final []bool
	kids  map[link]int32
	count int
}

type link struct {
	from int32
	r    rune
}

func newBuilder() *builder { return &builder{kids: map[link]int32{}} }

func (b *builder) state() int32 {
	b.edges = append(b.edges, nil)
	b.final = append(b.final, false)
	return int32(len(b.final) - 1) //nolint:gosec // bounded by maxStates or by the text of a schema
}

func (b *builder) child(from int32, r rune) int32 {
	if to, ok := b.kids[link{from, r}]; ok {
		return to
	}
	to := b.state()
	b.kids[link{from, r}] = to
	b.edges[from] = append(b.edges[from], Edge{r, r, to})
	return to
}

// add appends an edge to a state whose edges come in order, and joins it to its neighbour.
func (b *builder) add(from int32, e Edge) {
	edges := b.edges[from]
	if n := len(edges); n > 0 && edges[n-1].To == e.To && edges[n-1].Hi+1 == e.Lo {
		edges[n-1].Hi = e.Hi
		return
	}
	b.edges[from] = append(edges, e)
	b.count++
}

func (b *builder) full() bool { return len(b.final) > maxStates || b.count > maxEdges }

// trimmed returns the automaton without the states that lead nowhere.
func (b *builder) trimmed() *DFA {
	live := b.live()
	if len(live) == 0 || !live[0] {
		return &DFA{edges: make([][]Edge, 1), final: make([]bool, 1), cost: 100*len(b.final) + 16*b.count}
	}
	number := make([]int32, len(live))
	n := int32(0)
	for q, ok := range live {
		if ok {
			number[q] = n
			n++
		}
	}
	d := &DFA{edges: make([][]Edge, n), final: make([]bool, n), cost: 100*len(b.final) + 16*b.count}
	for q, ok := range live {
		if !ok {
			continue
		}
		at := number[q]
		d.final[at] = b.final[q]
		for _, e := range b.edges[q] {
			if live[e.To] {
				d.edges[at] = append(d.edges[at], Edge{e.Lo, e.Hi, number[e.To]})
			}
		}
	}
	return d
}

// live marks the states from which a final one can be reached.
func (b *builder) live() []bool {
	from := make([][]int32, len(b.final))
	live := slices.Clone(b.final)
	var queue []int32
	for q, edges := range b.edges {
		for _, e := range edges {
			from[e.To] = append(from[e.To], int32(q))
		}
		if live[q] {
			queue = append(queue, int32(q))
		}
	}
	for len(queue) > 0 {
		q := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, p := range from[q] {
			if !live[p] {
				live[p] = true
				queue = append(queue, p)
			}
		}
	}
	return live
}

// Intersect accepts what both accept.
func Intersect(a, b *DFA) (*DFA, error) {
	return product(a, b, func(x, y bool) bool { return x && y })
}

// Minus accepts what a accepts and b does not.
func Minus(a, b *DFA) (*DFA, error) {
	return product(a, b, func(x, y bool) bool { return x && !y })
}

// pair is a state of a product; y is -1 where b has failed.
type pair struct{ x, y int32 }

// product walks a and b side by side; a must accept whatever the result does.
func product(a, b *DFA, keep func(x, y bool) bool) (*DFA, error) {
	out := newBuilder()
	number := map[pair]int32{}
	var queue []pair
	state := func(p pair) int32 {
		q, ok := number[p]
		if !ok {
			q = out.state()
			out.final[q] = keep(a.final[p.x], p.y >= 0 && b.final[p.y])
			number[p] = q
			queue = append(queue, p)
		}
		return q
	}
	state(pair{0, 0})
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		from := number[p]
		for _, e := range a.edges[p.x] {
			b.split(p.y, e, func(lo, hi rune, y int32) {
				out.add(from, Edge{lo, hi, state(pair{e.To, y})})
			})
		}
		if out.full() {
			return nil, ErrTooLarge
		}
	}
	return out.trimmed(), nil
}

// split calls f for the parts of e that lead from q to one state each, -1 for none.
func (d *DFA) split(q int32, e Edge, f func(lo, hi rune, to int32)) {
	lo := e.Lo
	if q >= 0 {
		for _, g := range d.From(q, e.Lo, e.Hi) {
			from, to := max(g.Lo, e.Lo), min(g.Hi, e.Hi)
			if lo < from {
				f(lo, from-1, -1)
			}
			f(from, to, g.To)
			lo = to + 1
		}
	}
	if lo <= e.Hi {
		f(lo, e.Hi, -1)
	}
}

// States returns how many states there are, at least one.
func (d *DFA) States() int { return len(d.final) }

// Cost is about how many bytes d takes, or a tenth of the nanoseconds that it took to make,
// where that is more: for those who make many.
func (d *DFA) Cost() int { return d.cost }

// Final reports whether what led to q is accepted.
func (d *DFA) Final(q int32) bool { return d.final[q] }

// Empty reports whether nothing is accepted.
func (d *DFA) Empty() bool { return len(d.final) == 1 && !d.final[0] && len(d.edges[0]) == 0 }

// Edges returns the edges of q, sorted; not to be changed.
func (d *DFA) Edges(q int32) []Edge { return d.edges[q] }

// Step returns the state after r, or -1.
func (d *DFA) Step(q int32, r rune) int32 {
	if e := d.From(q, r, r); len(e) > 0 {
		return e[0].To
	}
	return -1
}

// From returns the edges of q that have a code point between lo and hi.
func (d *DFA) From(q int32, lo, hi rune) []Edge {
	edges := d.edges[q]
	i, j := 0, len(edges)
	for i < j { // the first edge that ends at lo or later
		if m := int(uint(i+j) >> 1); edges[m].Hi < lo {
			i = m + 1
		} else {
			j = m
		}
	}
	for j = i; j < len(edges) && edges[j].Lo <= hi; {
		j++
	}
	return edges[i:j]
}

// Match reports whether text is accepted.
func (d *DFA) Match(text string) bool {
	q := int32(0)
	for _, r := range text {
		if q = d.Step(q, r); q < 0 {
			return false
		}
	}
	return d.final[q]
}

// Shortest returns for each state the fewest code points to a final one.
func (d *DFA) Shortest() []int {
	const far = int(^uint(0) >> 1)
	best := make([]int, len(d.final))
	from := make([][]int32, len(d.final))
	var queue []int32
	for q, edges := range d.edges {
		best[q] = far
		for _, e := range edges {
			from[e.To] = append(from[e.To], int32(q))
		}
		if d.final[q] {
			best[q] = 0
			queue = append(queue, int32(q))
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, p := range from[queue[i]] {
			if best[p] == far {
				best[p] = best[queue[i]] + 1
				queue = append(queue, p)
			}
		}
	}
	return best
}

// Longest returns the length of the longest accepted string in code points, or -1
// where there is no longest.
func (d *DFA) Longest() int {
	const open, unknown = -2, -1
	depth := make([]int, len(d.final))
	for q := range depth {
		depth[q] = unknown
	}
	type frame struct {
		q    int32
		next int
	}
	depth[0] = open
	stack := []frame{{}}
	best := make([]int, len(d.final))
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		if f.next == len(d.edges[f.q]) {
			depth[f.q] = best[f.q]
			done := f.q
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				p := stack[len(stack)-1].q
				best[p] = max(best[p], depth[done]+1)
			}
			continue
		}
		to := d.edges[f.q][f.next].To
		f.next++
		switch depth[to] {
		case open:
			return -1 // a loop, and every state is live
		case unknown:
			depth[to] = open
			stack = append(stack, frame{q: to})
		default:
			best[f.q] = max(best[f.q], depth[to]+1)
		}
	}
	return depth[0]
}
