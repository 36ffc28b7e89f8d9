package kv

import (
	"slices"
	"time"
)

// Mark says that the first Tokens tokens of a sequence are worth keeping.
type Mark struct {
	Tokens int
	For    time.Duration // since they were last used
}

// Sequence is the page table of one text. It must be released.
type Sequence struct {
	c     *Cache
	root  *node // nil once it is released
	marks []Mark
	nodes []*node  // complete pages: a path from the root
	own   []page   // the pages after them
	pages [][]byte // of both
	// alone says that the path can't go on: other tokens with the same hash are in its way.
	alone bool
}

// Open returns an empty sequence, which shares its pages with the owner's others.
func (c *Cache) Open(owner string, marks []Mark) *Sequence {
	root := c.roots[owner]
	if root == nil {
		root = &node{owner: owner}
		c.roots[owner] = root
	}
	root.refs++
	return &Sequence{c: c, root: root, marks: marks}
}

// Pages returns the pages in order. The slice is the sequence's.
func (s *Sequence) Pages() [][]byte { return s.pages }

// end returns the last node of the path.
func (s *Sequence) end() *node {
	if n := len(s.nodes); n > 0 {
		return s.nodes[n-1]
	}
	return s.root
}

// Match takes pages that are known to hold the sequence's next tokens, and returns how many
// of all tokens have such pages now. It takes whole pages only. It does nothing for a
// sequence that has pages of its own.
func (s *Sequence) Match(tokens []int32) int {
	size := s.c.cfg.PageTokens
	for len(s.own) == 0 && !s.alone {
		at := len(s.nodes) * size
		if len(tokens) < at+size {
			break
		}
		part := tokens[at:][:size]
		n, _ := s.end().child(s.c.hashOf(part), part)
		if n == nil {
			break
		}
		s.c.hold(n)
		s.append(n)
	}
	return len(s.nodes) * size
}

// append makes n the end of the path and of the pages.
func (s *Sequence) append(n *node) {
	s.mark(n, len(s.nodes))
	s.nodes = append(s.nodes, n)
	s.pages = append(s.pages, n.page.data)
}

// mark lets a node know the marks that reach over page i.
func (s *Sequence) mark(n *node, i int) {
	for _, m := range s.marks {
		if m.Tokens >= (i+1)*s.c.cfg.PageTokens {
			n.keep = max(n.keep, m.For)
		}
	}
}

// Level reports whether s has complete pages alone, and o has the same ones. If the tokens
// of the next page are the same too, s need not compute it when o does.
func (s *Sequence) Level(o *Sequence) bool {
	return len(s.own) == 0 && s.end() == o.end()
}

// Grow makes room for a number of tokens. It drops cached pages where it must, the least
// recently used first, and fails with ErrFull if there are none, keeping the pages that it
// got.
func (s *Sequence) Grow(tokens int) error {
	for need := s.c.PagesFor(tokens); len(s.pages) < need; {
		pg, err := s.c.take()
		if err != nil {
			return err
		}
		s.own = append(s.own, pg)
		s.pages = append(s.pages, pg.data)
	}
	return nil
}

// Commit says that the pages hold what belongs to tokens, which are all of the sequence's
// so far. Pages that are complete can be found by others from now on. Where somebody else
// has computed the same in the meantime, that page takes the place of the sequence's own.
func (s *Sequence) Commit(tokens []int32) {
	size := s.c.cfg.PageTokens
	for len(s.own) > 0 && !s.alone {
		i := len(s.nodes)
		if len(tokens) < (i+1)*size {
			return
		}
		part := tokens[i*size:][:size]
		hash := s.c.hashOf(part)
		n, taken := s.end().child(hash, part)
		switch {
		case taken:
			s.alone = true
			return
		case n != nil:
			s.c.hold(n)
			s.c.pool.give(s.own[0])
		default:
			n = s.end().add(hash, part, s.own[0])
		}
		s.own = slices.Delete(s.own, 0, 1)
		s.pages[i] = n.page.data
		s.mark(n, i)
		s.nodes = append(s.nodes, n)
	}
}

// Release gives the pages back: its own are free, the others stay for who starts alike. The
// sequence is of no use any more. Releasing twice is fine.
func (s *Sequence) Release() {
	if s.root == nil {
		return
	}
	now := time.Now()
	for _, n := range slices.Backward(s.nodes) { // leaves first: see the package's comment
		s.c.release(n, now)
	}
	for _, pg := range s.own {
		s.c.pool.give(pg)
	}
	s.root.refs--
	s.c.dropRoot(s.root)
	s.root, s.nodes, s.own, s.pages = nil, nil, nil, nil
}
