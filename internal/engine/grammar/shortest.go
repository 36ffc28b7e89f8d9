package grammar

import (
	"container/heap"
	"slices"
)

// piece is a part of a completion: bytes, or one token.
type piece struct {
	text  []byte
	token int32 // where text is nil
}

// maxShortest bounds the shortest text of a rule: a longer one fits into no model's
// context.
const maxShortest = 1 << 20

// maxSpots bounds the search for a way through one rule.
const maxSpots = 300_000

// spot is a node of a graph with its rule's counters.
type spot struct {
	node   int32
	lo, hi int32
}

// way is how a spot was come to.
type way struct {
	from spot
	edge *edge
	cost int
	done bool
}

// queued is a spot in the order of the search.
type queued struct {
	spot spot
	cost int
}

type spotQueue []queued

func (q spotQueue) Len() int           { return len(q) }
func (q spotQueue) Less(i, j int) bool { return q[i].cost < q[j].cost }
func (q spotQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push and Pop are heap.Interface's.
func (q *spotQueue) Push(x any) {
	if s, ok := x.(queued); ok {
		*q = append(*q, s)
	}
}

// Pop removes the last spot.
func (q *spotQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// route finds the cheapest way from a state of graph r to its end, among those that
// need no more frames than the state or the whole rule does: such a way is open even
// at the limit of depth. The rules that it calls need fewer frames, so the search for
// their shortest texts ends.
func (r *rule) route(st state) (edges []*edge, cost int) {
	bound := max(r.graph[st.q].need, r.need)
	start := spot{st.q, st.lo, st.hi}
	ways := map[spot]*way{start: {}}
	queue := &spotQueue{{start, 0}}
	for queue.Len() > 0 && len(ways) < maxSpots {
		q, ok := heap.Pop(queue).(queued)
		w := ways[q.spot]
		if !ok || w.done {
			continue
		}
		w.done = true
		n := &r.graph[q.spot.node]
		if n.accept {
			for at := q.spot; ways[at].edge != nil; at = ways[at].from {
				edges = append(edges, ways[at].edge)
			}
			return edges, q.cost
		}
		for i := range n.edges {
			e := &n.edges[i]
			at := state{q: q.spot.node, lo: q.spot.lo, hi: q.spot.hi}
			if !e.allows(at) || r.graph[e.to].need > bound || e.kind == edgeCall && e.call.need+1 > bound {
				continue
			}
			next := e.after(at)
			to, cost := spot{next.q, next.lo, next.hi}, min(q.cost+e.cost(), never)
			if known := ways[to]; known == nil || cost < known.cost {
				ways[to] = &way{from: q.spot, edge: e, cost: cost}
				heap.Push(queue, queued{to, cost})
			}
		}
	}
	return nil, never
}

// cost is how many bytes or tokens e reads at least.
func (e *edge) cost() int {
	switch e.kind {
	case edgeEmpty:
		return 0
	case edgeCall:
		return e.call.least
	default:
		return 1
	}
}

// measure works out the length of the rules' shortest texts, the rules that need
// few frames first.
func measure(rules []*rule) {
	byNeed := map[int32][]*rule{}
	for _, r := range rules {
		if r.need < never {
			byNeed[r.need] = append(byNeed[r.need], r)
		}
	}
	for need := int32(0); need <= maxDepth; need++ {
		for _, r := range byNeed[need] {
			_, r.least = r.route(r.start)
		}
	}
}

// append adds the shortest text from a state of r to its end.
func (r *rule) append(to []piece, st state) []piece {
	if r.lex != nil {
		return append(to, piece{text: r.lex.rest([]byte{}, st)})
	}
	edges, _ := r.route(st)
	for _, e := range slices.Backward(edges) {
		switch e.kind {
		case edgeByte:
			to = append(to, piece{text: []byte{e.lo}})
		case edgeToken:
			to = append(to, piece{token: e.token})
		case edgeCall:
			to = e.call.append(to, e.call.start)
		case edgeEmpty:
		}
	}
	return to
}

// left is the length of the shortest way from a state of r to its end.
func (r *rule) left(st state) int {
	if r.lex != nil {
		return len(r.lex.rest(nil, st))
	}
	_, cost := r.route(st)
	return cost
}

// Shortest returns tokens that complete the text, without an end token: a way that
// opens as little as possible, and of those the shortest in bytes, cut into the
// longest tokens there are. It is empty where the text is complete, and nil where the
// vocabulary cannot spell it or the search for it would be too long. A caller whose budget of tokens is nearly spent can
// force them, or learn how many it needs; it costs some microseconds a level of
// nesting, so not to be asked for at each token.
func (s *State) Shortest() []int32 {
	if s.Complete() {
		return []int32{}
	}
	f := finisher{known: map[*frame]ending{}}
	best, at := never, -1
	for i, p := range s.set {
		if n := p.rule.left(p.st) + f.behind(p.up).cost; n < best {
			best, at = n, i
		}
	}
	if at < 0 {
		return nil
	}
	p := s.set[at]
	pieces := p.rule.append(nil, p.st)
	for up := p.up; up.back.rule != nil; {
		back := f.behind(up).back
		pieces = back.rule.append(pieces, back.st)
		up = back.up
	}
	return s.g.c.vocab.cut(pieces)
}

// finisher finds the shortest ways out of frames.
type finisher struct{ known map[*frame]ending }

type ending struct {
	back pos
	cost int
}

func (f *finisher) behind(up *frame) ending {
	if up.back.rule == nil {
		return ending{}
	}
	if e, ok := f.known[up]; ok {
		return e
	}
	best := ending{up.back, up.back.rule.left(up.back.st) + f.behind(up.back.up).cost}
	for _, p := range up.more {
		if n := p.rule.left(p.st) + f.behind(p.up).cost; n < best.cost {
			best = ending{p, n}
		}
	}
	f.known[up] = best
	return best
}

// cut spells pieces in tokens.
func (v *vocabulary) cut(pieces []piece) []int32 {
	ids := []int32{}
	var text []byte
	spell := func() bool {
		for len(text) > 0 {
			id, n := v.all.longestPrefix(text)
			if n == 0 {
				return false
			}
			ids, text = append(ids, id), text[n:]
		}
		return true
	}
	for _, p := range pieces {
		if p.text != nil {
			text = append(text, p.text...)
			continue
		}
		if !spell() {
			return nil
		}
		ids = append(ids, p.token)
	}
	if !spell() {
		return nil
	}
	return ids
}

// longestPrefix returns the longest token that text begins with, and its length.
func (t *trie) longestPrefix(text []byte) (id int32, n int) {
	at := uint32(0)
	for d := range text {
		child := at + 1
		for child < t.nodes[at].next && t.nodes[child].b != text[d] {
			child = t.nodes[child].next
		}
		if child >= t.nodes[at].next {
			break
		}
		at = child
		if t.nodes[at].own > 0 {
			id, n = t.ids[t.nodes[at].first], d+1
		}
	}
	return id, n
}
