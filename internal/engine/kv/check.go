package kv

import (
	"errors"
	"fmt"
)

// Check tests the invariants of the package's comment, given all sequences that are not
// released. It is for tests: it looks at everything.
func (c *Cache) Check(open []*Sequence) error {
	k := checker{c: c, refs: map[*node]int{}, pages: map[*byte]string{}}
	for _, s := range open {
		k.sequence(s)
	}
	listed := k.list(&c.ordinary, "ordinary") + k.list(&c.marked, "marked")
	for owner, root := range c.roots {
		k.want(root.owner == owner && root.refs == k.refs[root], "root %q has %d references, not %d", owner, root.refs, k.refs[root])
		k.want(root.refs > 0 || len(root.children) > 0, "root %q stands for nothing", owner)
		listed -= k.tree(root)
	}
	k.want(listed == 0, "the lists have %d nodes more than the trees have without references", listed)
	k.pool()
	return errors.Join(k.errs...)
}

type checker struct {
	c     *Cache
	refs  map[*node]int
	pages map[*byte]string // who has a page, by its first byte
	errs  []error
}

func (k *checker) want(ok bool, format string, args ...any) {
	if !ok {
		k.errs = append(k.errs, fmt.Errorf("kv: "+format, args...))
	}
}

// take notes that a page has a holder, and that it is the only one.
func (k *checker) take(pg page, holder string) {
	first := &pg.data[0]
	k.want(k.pages[first] == "", "a page is held by a %s and a %s", k.pages[first], holder)
	k.pages[first] = holder
}

func (k *checker) sequence(s *Sequence) {
	k.refs[s.root]++
	k.want(len(s.pages) == len(s.nodes)+len(s.own), "%d pages for %d nodes and %d of its own", len(s.pages), len(s.nodes), len(s.own))
	parent := s.root
	for i, n := range s.nodes {
		k.refs[n]++
		k.want(n.parent == parent, "the nodes of a sequence are no path")
		k.want(&n.page.data[0] == &s.pages[i][0], "page %d of a sequence is not its node's", i)
		parent = n
	}
	for i, pg := range s.own {
		k.take(pg, "sequence")
		k.want(&pg.data[0] == &s.pages[len(s.nodes)+i][0], "page %d of a sequence is not its own", len(s.nodes)+i)
	}
}

// list checks a list's order, and returns its length.
func (k *checker) list(l *list, name string) int {
	seen, count := map[*node]bool{}, 0
	var prev *node
	for n := l.first; n != nil; n = n.next {
		k.want(n.in == l && n.prev == prev && n.refs == 0, "a node is wrong in the %s list: %d references", name, n.refs)
		k.want((n.keep > 0) == (l == &k.c.marked), "a node kept for %v is in the %s list", n.keep, name)
		k.want(!seen[n.parent], "a node stands after its parent in the %s list", name)
		k.want(l != &k.c.marked || !k.c.due.After(n.expires), "a marked node expires before it is looked at")
		seen[n] = true
		prev = n
		count++
	}
	k.want(l.last == prev && l.len == count, "the %s list has %d nodes, not %d", name, count, l.len)
	return count
}

// tree checks the nodes below n and returns how many have no references.
func (k *checker) tree(n *node) int {
	idle := 0
	for hash, c := range n.children {
		k.want(c.parent == n && c.hash == hash && c.hash == k.c.hashOf(c.tokens), "a node is in the wrong place")
		k.want(c.refs == k.refs[c], "a node has %d references, not %d", c.refs, k.refs[c])
		k.want(c.refs <= n.refs, "a node has %d references, its parent %d", c.refs, n.refs)
		k.want((c.refs == 0) == (c.in != nil), "a node with %d references is in a list or not", c.refs)
		k.want(n.parent == nil || n.refs > 0 || n.keep >= c.keep && (n.in != c.in || !n.expires.Before(c.expires)), "a node is kept longer than its parent")
		k.take(c.page, "node")
		if c.refs == 0 {
			idle++
		}
		idle += k.tree(c)
	}
	return idle
}

func (k *checker) pool() {
	p := k.c.pool
	k.want(len(k.pages) == p.used, "%d pages are held, %d in use", len(k.pages), p.used)
	total, mapped := 0, int64(0)
	for i, s := range p.slabs {
		total += s.pages
		if s.memory == nil {
			k.want(s.free == nil, "a slab without memory has pages")
			continue
		}
		mapped += int64(len(s.memory.Data()))
		for _, pg := range s.free {
			k.take(pg, "slab")
			k.want(pg.slab == i, "a page is in the wrong slab")
		}
	}
	k.want(total == p.total && mapped == p.mapped, "%d pages and %d bytes, not %d and %d", total, mapped, p.total, p.mapped)
	free := 0
	for _, s := range p.slabs {
		if s.memory == nil {
			free += s.pages
		}
		free += len(s.free)
	}
	k.want(free == p.left(), "%d pages are free, not %d", free, p.left())
}
