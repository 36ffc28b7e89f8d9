package grammar

import "sync/atomic"

// rule is one automaton: a graph of nodes, or a lexer.
type rule struct {
	graph    []node
	lex      lexer
	start    state
	nullable bool       // it may end where it begins
	need     int32      // how many frames, beside its own, its shallowest text needs
	least    int        // bytes of its shortest text
	pruned   bool       // edges that led to nothing are gone
	heavy    bool       // it counts to two or more, so any of its calls may have to be made
	reach    int32      // by how much its counters are compared with more than zero
	masks    *maskStore // where its masks are kept
	near     []atomic.Pointer[mask]
}

// lexer is an automaton without calls: a string, a number, free text. Every state it
// is led to can still be completed. It is immutable.
type lexer interface {
	step(s state, b byte) (state, bool)
	final(s state) bool // the text may end here
	open(s state) bool  // it may go on
	// free returns how many plain characters may follow whatever they are.
	free(s state) int32
	// norm returns a state that cannot be told from s by reading reach bytes.
	norm(s state, reach int32) state
	// rest appends a shortest completion of what led to s.
	rest(dst []byte, s state) []byte
}

// node is a state of a graph.
type node struct {
	edges  []edge
	space  space // what white space may stand before it
	accept bool
	reads  bool  // a byte or a token may be read here
	need   int32 // how many frames the shallowest way to the end needs
}

type edgeKind uint8

const (
	edgeEmpty edgeKind = iota
	edgeByte           // lo to hi
	edgeCall           // a rule
	edgeToken          // one token
)

// edge leads from a node to another.
type edge struct {
	kind   edgeKind
	lo, hi byte
	count  bool // takes one of what the rule counts
	to     int32
	token  int32
	call   *rule
	minHi  int32 // the counter must allow so many more
	maxLo  int32 // the counter must not need more than this
}

func (e *edge) allows(s state) bool { return s.hi >= e.minHi && s.lo <= e.maxLo }

func (e *edge) after(s state) state {
	s.q, s.sub = e.to, 0
	if e.count {
		s.lo = max(s.lo-1, 0)
		if s.hi != unlimited {
			s.hi--
		}
	}
	return s
}

// space is the white space that may stand before a node: none, one space, or what
// an indented line begins with. None of them can go on for ever.
type space uint8

const (
	spaceNone space = iota
	spaceOne        // at most one space
	spaceLine       // at most one space, or a line feed and then spaces or tabs
)

const (
	maxSpaces = 32 // behind a line feed
	maxTabs   = 8

	subSpace = 1 // the one space
	subLine  = 2 // a line feed and up to maxSpaces spaces
	subTab   = subLine + maxSpaces + 1
)

// step reads one byte of white space.
func (k space) step(sub uint32, b byte) (uint32, bool) {
	switch {
	case k == spaceNone:
		return 0, false
	case sub == 0 && b == ' ':
		return subSpace, true
	case k == spaceOne:
		return 0, false
	case sub == 0 && b == '\n':
		return subLine, true
	case b == ' ' && sub >= subLine && sub < subLine+maxSpaces:
		return sub + 1, true
	case b == '\t' && sub == subLine:
		return subTab, true
	case b == '\t' && sub >= subTab && sub < subTab+maxTabs-1:
		return sub + 1, true
	}
	return 0, false
}

// draft is a graph under construction.
type draft struct {
	nodes []node
	mixed bool // what it counts is not always the same
}

func (d *draft) node(s space) int32 {
	d.nodes = append(d.nodes, node{space: s})
	return int32(len(d.nodes) - 1) //nolint:gosec // bounded by maxNodes
}

// link adds e to from and returns it for its guards.
func (d *draft) link(from int32, e edge) *edge {
	e.maxLo = unlimited
	d.nodes[from].edges = append(d.nodes[from].edges, e)
	return &d.nodes[from].edges[len(d.nodes[from].edges)-1]
}

func (d *draft) empty(from, to int32) *edge { return d.link(from, edge{kind: edgeEmpty, to: to}) }

func (d *draft) byte(from, to int32, b byte) *edge {
	return d.link(from, edge{kind: edgeByte, lo: b, hi: b, to: to})
}

func (d *draft) call(from, to int32, r *rule) *edge {
	return d.link(from, edge{kind: edgeCall, call: r, to: to})
}

// literal leads from from to to by text; an empty text is an empty edge.
func (d *draft) literal(from, to int32, text string) {
	if text == "" {
		d.empty(from, to)
		return
	}
	for i := range len(text) - 1 {
		next := d.node(spaceNone)
		d.byte(from, next, text[i])
		from = next
	}
	d.byte(from, to, text[len(text)-1])
}

// finish makes r the rule of the draft, which begins at start.
func (d *draft) finish(r *rule, start int32, lo, hi int32) {
	r.graph = d.nodes
	r.near = make([]atomic.Pointer[mask], len(d.nodes))
	r.heavy = lo > 1 && hi >= lo && d.mixed
	r.start = state{q: start, lo: lo, hi: hi}
	for i := range r.graph {
		for _, e := range r.graph[i].edges {
			r.reach = max(r.reach, e.minHi)
			if e.maxLo != unlimited {
				r.reach = max(r.reach, e.maxLo)
			}
		}
	}
}

// never is the need of what nothing satisfies.
const never = 1 << 29

// analyse works out what the rules need, removes the edges that lead to nothing and
// marks the rules that may be empty. Rules called from outside the list are done already.
func analyse(rules []*rule) {
	todo, callers := map[*rule]bool{}, map[*rule][]*rule{}
	var queue []*rule
	for _, r := range rules {
		if r.lex != nil {
			continue
		}
		r.need = never
		for i := range r.graph {
			r.graph[i].need = never
			for _, e := range r.graph[i].edges {
				if e.kind == edgeCall {
					callers[e.call] = append(callers[e.call], r)
				}
			}
		}
		queue, todo[r] = append(queue, r), true
	}
	for len(queue) > 0 {
		r := queue[0]
		queue, todo[r] = queue[1:], false
		if !r.relax() {
			continue
		}
		for _, caller := range callers[r] {
			if !todo[caller] {
				queue, todo[caller] = append(queue, caller), true
			}
		}
	}
	for _, r := range rules {
		r.prune()
	}
}

// relax works out need and nullable from those of the rules called, and reports
// whether the rule itself changed.
func (r *rule) relax() bool {
	from := make([][]int32, len(r.graph))
	queue := make([]int32, 0, len(r.graph))
	for i := range r.graph {
		for _, e := range r.graph[i].edges {
			from[e.to] = append(from[e.to], int32(i))
		}
		queue = append(queue, int32(i))
	}
	for len(queue) > 0 { // from the back: what is drawn last often comes last
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if need := r.needs(i); need < r.graph[i].need {
			r.graph[i].need = need
			queue = append(queue, from[i]...)
		}
	}
	need, nullable := r.graph[r.start.q].need, r.canBeEmpty()
	if r.heavy {
		need = max(need, r.worst())
	}
	changed := need != r.need || nullable != r.nullable
	r.need, r.nullable = need, nullable
	return changed
}

// needs works out the need of a node from those of the nodes behind it.
func (r *rule) needs(i int32) int32 {
	n := &r.graph[i]
	if n.accept {
		return 0
	}
	need := n.need
	for j := range n.edges {
		e := &n.edges[j]
		way := r.graph[e.to].need
		if e.kind == edgeCall {
			way = max(way, e.call.need+1)
		}
		need = min(need, way)
	}
	return need
}

// worst is the most frames that a call anywhere in r needs, choosing well at each node.
func (r *rule) worst() int32 {
	most := int32(0)
	for i := range r.graph {
		least := int32(-1)
		for _, e := range r.graph[i].edges {
			if e.kind == edgeCall && (least < 0 || e.call.need+1 < least) {
				least = min(e.call.need+1, never)
			}
		}
		most = max(most, least)
	}
	return most
}

// canBeEmpty reports whether the end is reached without reading.
func (r *rule) canBeEmpty() bool {
	seen := map[int32]bool{r.start.q: true}
	queue := []int32{r.start.q}
	for len(queue) > 0 {
		n := &r.graph[queue[0]]
		queue = queue[1:]
		if n.accept {
			return true
		}
		for _, e := range n.edges {
			if !seen[e.to] && (e.kind == edgeEmpty || e.kind == edgeCall && e.call.nullable) {
				seen[e.to] = true
				queue = append(queue, e.to)
			}
		}
	}
	return false
}

// prune removes the edges that lead to nothing.
func (r *rule) prune() {
	for i := range r.graph {
		n := &r.graph[i]
		kept := n.edges[:0]
		for _, e := range n.edges {
			if r.graph[e.to].need < never && (e.kind != edgeCall || e.call.need < never) {
				kept = append(kept, e)
				n.reads = n.reads || e.kind == edgeByte || e.kind == edgeToken
			}
		}
		r.pruned = r.pruned || len(kept) < len(n.edges)
		n.edges = kept
		n.reads = n.reads || n.space != spaceNone
	}
}
