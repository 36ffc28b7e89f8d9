package grammar

import (
	"errors"
	"fmt"
	"slices"
)

// State is how far a text has come in its grammar. It is not safe for concurrent
// use; clones of it are independent.
type State struct {
	g        *Grammar
	set      []pos // never changed once made: clones share it
	complete bool
	ended    bool
}

// Errors of State.
var (
	ErrRefused = errors.New("the token is not allowed here")
	ErrEnded   = errors.New("the text has ended")
	// ErrStuck means that no token of the vocabulary can spell what must follow. It
	// cannot happen where every byte is a token, as in byte-level vocabularies and
	// those with byte fallback.
	ErrStuck = errors.New("no token of the vocabulary can go on")
)

// Mask sets in bits the bit of every token that may come next and clears all
// others; bits has at least (vocabulary size + 63) / 64 words. End tokens are allowed
// where the text is complete.
func (s *State) Mask(bits []uint64) error {
	v := s.g.c.vocab
	if len(bits) < words(v.size) {
		return fmt.Errorf("a mask of %d tokens needs %d words, not %d", v.size, words(v.size), len(bits))
	}
	clear(bits)
	if s.ended {
		return ErrEnded
	}
	m := s.g.c.machine()
	defer s.g.c.release(m)
	for i, p := range s.set {
		k := m.maskOf(v, p)
		k.apply(bits)
		if k.tail != nil {
			m.applyTail(bits, k.tail, p.up)
		}
		if p.rule.lex == nil {
			for j := range p.rule.graph[p.st.q].edges {
				if e := &p.rule.graph[p.st.q].edges[j]; e.kind == edgeToken && e.allows(s.set[i].st) {
					bits[e.token>>6] |= 1 << (e.token & 63)
				}
			}
		}
	}
	if s.complete {
		setBits(bits, v.ends)
	}
	if !slices.ContainsFunc(bits, func(w uint64) bool { return w != 0 }) {
		return ErrStuck
	}
	return nil
}

func (k *mask) apply(bits []uint64) {
	for i, w := range k.bits {
		bits[i] |= w
	}
	setBits(bits, k.ids)
}

// applyTail allows the tokens of t that what called up can read to their ends.
func (m *machine) applyTail(bits []uint64, t *trie, up *frame) {
	m.limit = maxDepth
	m.items = m.items[:0]
	m.begin()
	m.leave(up)
	m.finish()
	if len(m.items) == 0 {
		return
	}
	m.walk(t, m.items)
	setBits(bits, m.ids)
	m.items = m.items[:0]
	m.used = 0
}

// Accept moves past one token. A token that is not allowed leaves s as it was and
// is answered with ErrRefused.
func (s *State) Accept(id int32) error {
	v := s.g.c.vocab
	if s.ended {
		return ErrEnded
	}
	if id < 0 || int(id) >= v.size {
		return fmt.Errorf("token %d of %d: %w", id, v.size, ErrRefused)
	}
	if s.complete && slices.Contains(v.ends, id) {
		s.set, s.ended = nil, true
		return nil
	}
	m := s.g.c.machine()
	defer s.g.c.release(m)
	m.keep, m.limit = true, maxDepth
	set, complete := m.readToken(s.set, id)
	if piece := v.Piece(id); len(piece) > 0 && len(piece) <= maxPiece && !v.Control(id) && !slices.Contains(v.ends, id) {
		read, done := m.readText(s.set, piece)
		for _, p := range read {
			if !slices.Contains(set, p) {
				set = append(set, p)
			}
		}
		complete = complete || done
	}
	if len(set) == 0 && !complete {
		return fmt.Errorf("token %d %.40q: %w", id, v.Piece(id), ErrRefused)
	}
	s.set, s.complete = set, complete
	return nil
}

// readToken follows the edges that are the token id itself.
func (m *machine) readToken(from []pos, id int32) (set []pos, complete bool) {
	m.items = m.items[:0]
	m.begin()
	for _, p := range from {
		if p.rule.lex != nil {
			continue
		}
		for i := range p.rule.graph[p.st.q].edges {
			e := &p.rule.graph[p.st.q].edges[i]
			if e.kind == edgeToken && e.token == id && e.allows(p.st) {
				if to, ok := m.follow(p, e); ok {
					m.add(to)
				}
			}
		}
	}
	m.finish()
	return slices.Clone(m.items), m.exited
}

// readText reads bytes.
func (m *machine) readText(from []pos, text []byte) (set []pos, complete bool) {
	m.items = append(m.items[:0], from...)
	for _, b := range text {
		n := len(m.items)
		m.step(m.items, b)
		m.items = m.items[:copy(m.items, m.items[n:])]
		if len(m.items) == 0 && !m.exited {
			return nil, false
		}
	}
	return slices.Clone(m.items), m.exited
}

// Complete reports whether the text so far satisfies the rule. Where generation was
// cut before that, the text is only the beginning of one that does.
func (s *State) Complete() bool { return s.complete || s.ended }

// Done reports whether nothing but an end token may follow.
func (s *State) Done() bool { return s.ended || s.complete && len(s.set) == 0 }

// Clone returns an independent copy of s; it costs next to nothing.
func (s *State) Clone() *State {
	c := *s
	return &c
}
