package grammar

import (
	"slices"
	"sync"
	"sync/atomic"
)

// mask says which tokens may be read at a state of a rule, as far as that depends on
// the rule and what it calls alone: the tokens that stay within it, and what is left
// of those that go beyond its end. The latter are looked at anew by each caller, but
// only these few bytes of them.
type mask struct {
	bits []uint64 // nil where few are allowed
	ids  []int32  // those few
	tail *trie    // what is left behind the rule's end of tokens that are not allowed already
	deep int32    // the most frames on top of the state's own that this took
}

// maskKey is a state of a rule. Masks that would go deeper than the limit allows are
// kept for each depth of their own; others have depth -1.
type maskKey struct {
	rule  *rule
	st    state
	depth int32
}

// maskStore keeps the masks of one vocabulary, of all grammars. It is safe for concurrent use.
type maskStore struct {
	mu    sync.RWMutex
	masks map[maskKey]*mask
	bytes int
	most  int
}

// maxMaskBytes bounds a store; a full one forgets everything and begins anew.
const maxMaskBytes = 96 << 20

func newMaskStore() *maskStore {
	return &maskStore{masks: map[maskKey]*mask{}, most: maxMaskBytes}
}

func (s *maskStore) get(k maskKey) *mask {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.masks[k]
}

func (s *maskStore) put(k maskKey, m *mask) {
	size := 128 + 8*len(m.bits) + 4*len(m.ids)
	if m.tail != nil {
		size += m.tail.bytes()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > s.most {
		return
	}
	if s.bytes+size > s.most {
		clear(s.masks)
		s.bytes = 0
	}
	s.masks[k] = m
	s.bytes += size
}

// norm is a state of r that reads the same tokens as st.
func (r *rule) norm(st state, longest int) state {
	reach := int32(longest) + r.reach + 1 //nolint:gosec // at most maxPiece
	if r.lex != nil {
		return r.lex.norm(st, reach)
	}
	st.lo = min(st.lo, reach)
	if st.hi > reach {
		st.hi = unlimited
	}
	return st
}

// maskOf returns the mask of p.
func (m *machine) maskOf(v *vocabulary, p pos) *mask {
	near := p.rule.nearby(p.st)
	if near != nil {
		if k := near.Load(); k != nil && p.up.depth+k.deep <= maxDepth {
			return k
		}
	}
	k, anywhere := m.findMask(v, p)
	if near != nil && anywhere && k.small() {
		near.Store(k)
	}
	return k
}

// nearby is where a small mask of a graph's node is kept beside the store, which
// matters where a text can be in a hundred places at once; nil: nowhere.
func (r *rule) nearby(st state) *atomic.Pointer[mask] {
	if r.lex != nil || st.sub != 0 || st.lo != 0 || st.hi != unlimited {
		return nil
	}
	return &r.near[st.q]
}

// small reports whether k takes little memory.
func (k *mask) small() bool { return k.bits == nil && k.tail == nil && len(k.ids) <= 64 }

// findMask returns the mask of p from the store, or a new one, and whether it is the
// same at any depth.
func (m *machine) findMask(v *vocabulary, p pos) (k *mask, anywhere bool) {
	key := maskKey{p.rule, p.rule.norm(p.st, v.all.longest), -1}
	if k = p.rule.masks.get(key); k == nil {
		k = m.makeMask(v, key, maxDepth)
		p.rule.masks.put(key, k)
	}
	if p.up.depth+k.deep <= maxDepth {
		return k, true
	}
	key.depth = p.up.depth // the limit shows: it is part of the question
	if k = p.rule.masks.get(key); k == nil {
		k = m.makeMask(v, key, maxDepth-p.up.depth)
		p.rule.masks.put(key, k)
	}
	return k, false
}

// makeMask tries the whole vocabulary at a state.
func (m *machine) makeMask(v *vocabulary, key maskKey, limit int32) *mask {
	bottom := &frame{}
	m.limit, m.deep = limit, 0
	if key.depth < 0 {
		m.limit = never
	}
	t, ids := v.all, []int32(nil)
	if lex := key.rule.lex; lex != nil {
		if free := lex.free(key.st); free > 0 {
			t, ids = v.rest, v.upTo(free)
		}
	}
	switch x := key.rule.lex.(type) {
	case *table:
		m.walkTable(t, x, key.st.q)
	case *quoted:
		m.walkQuoted(t, x, key.st)
	default:
		m.walk(t, []pos{{key.rule, key.st, bottom}})
	}
	k := &mask{deep: m.deep}
	if few := len(ids) + len(m.ids); few <= maxSparse {
		k.ids = append(slices.Clone(ids), m.ids...)
	} else {
		k.bits = make([]uint64, words(v.size))
		setBits(k.bits, ids)
		setBits(k.bits, m.ids)
	}
	if len(m.tails) > 0 {
		k.tail = tailTrie(v, t, m.tails)
	}
	return k
}

// maxSparse is the most tokens a mask lists one by one.
const maxSparse = 512

// tail is a run of a trie's tokens that go on behind the end of a rule, which they
// reach after cut bytes.
type tail struct {
	cut      int
	from, to uint32
}

func tailTrie(v *vocabulary, t *trie, tails []tail) *trie {
	var entries []entry
	for _, x := range tails {
		for _, id := range t.ids[x.from:x.to] {
			entries = append(entries, entry{v.Piece(id)[x.cut:], id})
		}
	}
	return newTrie(entries)
}

// walk tries every token of t from the set. It leaves in m.ids those that may be
// read, and in m.tails those that may not because the outermost frame ended before
// they did.
func (m *machine) walk(t *trie, set []pos) {
	m.ids, m.tails = m.ids[:0], m.tails[:0]
	m.exits, m.open = append(m.exits[:0], false), 0
	base := len(m.items)
	m.items = append(m.items, set...)
	m.offsets = append(m.offsets[:0], base)
	m.marks = append(m.marks[:0], m.used)
	for i := 1; i < len(t.nodes); {
		n := &t.nodes[i]
		d := int(n.depth)
		m.ascend(d)
		from := m.offsets[d-1]
		if d < len(m.offsets) {
			m.items = m.items[:m.offsets[d]]
			m.offsets = m.offsets[:d]
		}
		m.used = m.marks[d-1]
		end := len(m.items)
		m.step(m.items[from:end], n.b)
		m.offsets = append(m.offsets, end)
		m.marks = append(m.marks[:d], m.used)
		alive := len(m.items) > end
		own := n.first + n.own
		switch {
		case alive || m.exited:
			m.ids = append(m.ids, t.ids[n.first:own]...)
		default:
			own = n.first
		}
		m.exits = append(m.exits, m.exited)
		if m.exited {
			m.open++
		}
		if alive {
			i++
			continue
		}
		m.refuse(own, t.end(n))
		i = int(n.next)
	}
	m.items = m.items[:base]
}

// walkTable is walk for a set of one state of a table, many times as fast: free text
// allows nearly the whole vocabulary.
func (m *machine) walkTable(t *trie, x *table, q int32) {
	m.ids, m.tails = m.ids[:0], m.tails[:0]
	m.path = append(m.path[:0], q)
	for i := 1; i < len(t.nodes); {
		n := &t.nodes[i]
		d := int(n.depth)
		q := x.next(m.path[d-1], n.b)
		if q >= 0 {
			m.path = append(m.path[:d], q)
			m.ids = append(m.ids, t.ids[n.first:n.first+n.own]...)
			i++
			continue
		}
		for cut := 1; cut < d; cut++ {
			if x.ends[m.path[cut]] {
				m.tails = append(m.tails, tail{cut, n.first, t.end(n)})
			}
		}
		i = int(n.next)
	}
}

// walkQuoted is walk for a set of one state of a string, which ends only with its last
// byte.
func (m *machine) walkQuoted(t *trie, x *quoted, s state) {
	m.ids, m.tails = m.ids[:0], m.tails[:0]
	m.states = append(m.states[:0], s)
	for i := 1; i < len(t.nodes); {
		n := &t.nodes[i]
		d := int(n.depth)
		up := m.states[d-1]
		if s, ok := x.step(up, n.b); ok {
			m.states = append(m.states[:d], s)
			m.ids = append(m.ids, t.ids[n.first:n.first+n.own]...)
			i++
			continue
		}
		if up.sub == atDone && d > 1 {
			m.tails = append(m.tails, tail{d - 1, n.first, t.end(n)})
		}
		i = int(n.next)
	}
}

// ascend goes back to depth d-1.
func (m *machine) ascend(d int) {
	for len(m.exits) > d {
		if m.exits[len(m.exits)-1] {
			m.open--
		}
		m.exits = m.exits[:len(m.exits)-1]
	}
}

// refuse notes a run of tokens that the set cannot read, for each end of the
// outermost frame on the way to them.
func (m *machine) refuse(from, to uint32) {
	if m.open == 0 || from == to {
		return
	}
	for cut, exit := range m.exits {
		if exit {
			m.tails = append(m.tails, tail{cut, from, to})
		}
	}
}
