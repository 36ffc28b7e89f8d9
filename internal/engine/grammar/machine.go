package grammar

import "slices"

// state is where one rule stands.
type state struct {
	q   int32  // node of the rule's graph, or state of its lexer
	sub uint32 // progress within it: white space before a node, an escape, a part of a character
	lo  int32  // how many more the rule needs of what it counts
	hi  int32  // how many more it may have
}

// unlimited as a hi counts nothing down.
const unlimited = 1<<31 - 1

// pos is one place a text may have come to: a rule's state, and what called the rule.
type pos struct {
	rule *rule
	st   state
	up   *frame
}

// frame is one running call of a rule. Calls of the same rule at the same byte share
// a frame, with all their callers: so the ways a text can be read are never counted
// one by one, however many alternatives a schema has.
type frame struct {
	depth int32
	fresh bool // made in the closure that is under way: the rule has read nothing yet
	back  pos  // where the end of the rule leads; without a rule: out of the whole
	more  []pos
}

// machine moves sets of positions. It holds the scratch memory of one Mask or
// Accept; it is not safe for concurrent use.
type machine struct {
	items  []pos // sets, one behind the other; the last is the one being built
	base   int   // where that begins
	seen   map[pos]struct{}
	calls  []call // the frames made in this closure
	slab   [][]frame
	used   int   // frames of the slab in use
	keep   bool  // frames outlive the machine's use
	exited bool  // the outermost frame of the set has ended
	limit  int32 // the most frames on top of each other
	deep   int32 // the most frames that were asked for

	offsets []int // walks: where the set of each depth begins
	marks   []int // walks: used at each depth
	exits   []bool
	path    []int32 // walks of tables: the state at each depth
	states  []state // walks of strings: likewise
	open    int     // walks: how many of exits are set
	ids     []int32
	tails   []tail
}

type call struct {
	rule  *rule
	frame *frame
}

const (
	slabSize  = 64
	scanUntil = 24 // the largest set whose duplicates are looked for one by one
)

// begin starts a new set behind the ones there are.
func (m *machine) begin() {
	m.base = len(m.items)
	m.exited = false
	m.calls = m.calls[:0]
	if len(m.seen) > 0 {
		clear(m.seen)
	}
}

// add puts p into the set unless it is there.
func (m *machine) add(p pos) {
	set := m.items[m.base:]
	if len(set) < scanUntil {
		if slices.Contains(set, p) {
			return
		}
		m.items = append(m.items, p)
		return
	}
	if m.seen == nil {
		m.seen = map[pos]struct{}{}
	}
	if len(m.seen) == 0 {
		for _, q := range set {
			m.seen[q] = struct{}{}
		}
	}
	if _, ok := m.seen[p]; !ok {
		m.seen[p] = struct{}{}
		m.items = append(m.items, p)
	}
}

// finish follows what reads nothing from the positions in the set, then drops the
// ones from which nothing can be read.
func (m *machine) finish() {
	for i := m.base; i < len(m.items); i++ {
		m.expand(m.items[i])
	}
	for _, c := range m.calls {
		c.frame.fresh = false
	}
	kept := m.items[:m.base]
	for _, p := range m.items[m.base:] {
		if p.open() {
			kept = append(kept, p)
		}
	}
	m.items = kept
}

// open reports whether something can be read at p itself.
func (p *pos) open() bool {
	if p.rule.lex != nil {
		return p.rule.lex.open(p.st)
	}
	return p.rule.graph[p.st.q].reads
}

func (m *machine) expand(p pos) {
	if p.rule.lex != nil {
		if p.rule.lex.final(p.st) {
			m.leave(p.up)
		}
		return
	}
	n := &p.rule.graph[p.st.q]
	if n.accept {
		m.leave(p.up)
	}
	for i := range n.edges {
		e := &n.edges[i]
		if e.kind == edgeByte || e.kind == edgeToken || !e.allows(p.st) {
			continue
		}
		to, ok := m.follow(p, e)
		if !ok {
			continue
		}
		if e.kind == edgeEmpty {
			m.add(to)
			continue
		}
		m.call(e.call, to)
	}
}

// follow returns where e leads from p, unless no text within the limit of depth goes on there.
func (m *machine) follow(p pos, e *edge) (pos, bool) {
	need := p.up.depth + p.rule.graph[e.to].need
	m.deep = max(m.deep, need)
	return pos{p.rule, e.after(p.st), p.up}, need <= m.limit
}

// call starts rule r, which returns to back.
func (m *machine) call(r *rule, back pos) {
	need := back.up.depth + 1 + r.need
	m.deep = max(m.deep, need)
	if need > m.limit {
		return
	}
	if r.nullable {
		m.add(back)
	}
	for _, c := range m.calls {
		if c.rule == r {
			if c.frame.back == back {
				return
			}
			if slices.Contains(c.frame.more, back) {
				return
			}
			c.frame.more = append(c.frame.more, back)
			return
		}
	}
	f := m.frame()
	f.depth, f.fresh, f.back, f.more = back.up.depth+1, true, back, nil
	m.calls = append(m.calls, call{r, f})
	m.add(pos{r, r.start, f})
}

// frame returns memory for a frame.
func (m *machine) frame() *frame {
	if m.keep {
		return new(frame)
	}
	i, j := m.used/slabSize, m.used%slabSize
	if i == len(m.slab) {
		m.slab = append(m.slab, make([]frame, slabSize))
	}
	m.used++
	return &m.slab[i][j]
}

// leave goes on behind the calls that f stands for.
func (m *machine) leave(f *frame) {
	switch {
	case f.fresh: // a call that read nothing: call has seen to it
	case f.back.rule == nil:
		m.exited = true
	default:
		m.add(f.back)
		for _, p := range f.more {
			m.add(p)
		}
	}
}

// step makes the set that from leads to on b.
func (m *machine) step(from []pos, b byte) {
	m.begin()
	if len(from) == 1 && from[0].rule.lex != nil { // most of all text is inside of one string
		p := from[0]
		st, ok := p.rule.lex.step(p.st, b)
		if !ok {
			return
		}
		p.st = st
		m.items = append(m.items, p)
		if p.rule.lex.final(st) {
			m.finish()
		}
		return
	}
	for _, p := range from {
		if p.rule.lex != nil {
			if st, ok := p.rule.lex.step(p.st, b); ok {
				m.add(pos{p.rule, st, p.up})
			}
			continue
		}
		n := &p.rule.graph[p.st.q]
		if sub, ok := n.space.step(p.st.sub, b); ok {
			to := p
			to.st.sub = sub
			m.add(to)
		}
		for i := range n.edges {
			if e := &n.edges[i]; e.kind == edgeByte && e.lo <= b && b <= e.hi && e.allows(p.st) {
				if to, ok := m.follow(p, e); ok {
					m.add(to)
				}
			}
		}
	}
	m.finish()
}

// reset makes m ready for its next use. It keeps a modest amount of memory.
func (m *machine) reset() {
	if cap(m.items) > maxScratch {
		m.items = nil
	}
	if len(m.slab) > maxScratch/slabSize {
		m.slab = nil
	}
	m.items, m.calls = m.items[:0], m.calls[:0]
	m.used, m.base, m.deep = 0, 0, 0
	m.keep = false
}

// maxScratch is how many positions and frames an idle machine keeps the memory of.
const maxScratch = 1 << 14
