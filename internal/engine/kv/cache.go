package kv

import (
	"errors"
	"fmt"
	"hash/maphash"
	"time"
)

// ErrFull says that all pages are in use.
var ErrFull = errors.New("no memory is left for keys and values")

// Config says how large a Cache is.
type Config struct {
	PageBytes  int   // of a page
	PageTokens int   // that a page is for
	Bytes      int64 // the budget: the most that all pages together may take
	// KeepFor is how long pages stay that nobody uses and nobody marked.
	KeepFor time.Duration
}

// Cache holds the pages of a model's sequences. It must be closed.
type Cache struct {
	cfg      Config
	pool     *pool
	roots    map[string]*node // by owner; only those with children or sequences
	ordinary list
	marked   list
	due      time.Time // no marked node expires before; zero: there is none
	evicted  int64

	seed  maphash.Seed
	bytes []byte // scratch of hashOf
}

// New returns an empty cache.
func New(c Config) (*Cache, error) {
	if c.PageBytes <= 0 || c.PageTokens <= 0 || c.KeepFor < 0 {
		return nil, fmt.Errorf("kv: pages of %d bytes for %d tokens, kept for %v", c.PageBytes, c.PageTokens, c.KeepFor)
	}
	p := newPool(c.PageBytes, c.Bytes)
	if p.total == 0 {
		return nil, fmt.Errorf("kv: %d bytes hold no page of %d", c.Bytes, c.PageBytes)
	}
	return &Cache{cfg: c, pool: p, roots: map[string]*node{}, seed: maphash.MakeSeed()}, nil
}

// Close forgets everything and gives the memory back. All sequences have been released.
func (c *Cache) Close() error {
	for _, l := range [...]*list{&c.ordinary, &c.marked} {
		for l.first != nil {
			c.drop(l.first)
		}
	}
	return c.pool.close()
}

// Pages returns how many pages the budget has room for.
func (c *Cache) Pages() int { return c.pool.total }

// PagesFor returns how many pages a number of tokens needs.
func (c *Cache) PagesFor(tokens int) int {
	return (tokens + c.cfg.PageTokens - 1) / c.cfg.PageTokens
}

// Available returns how many pages sequences can still get: those that are free, and those
// that nobody uses.
func (c *Cache) Available() int { return c.pool.left() + c.ordinary.len + c.marked.len }

// Stats are a cache's figures.
type Stats struct {
	Pages   int   // that the budget has room for
	Used    int   // held by sequences
	Cached  int   // held by nobody, kept for later
	Mapped  int64 // bytes taken from the system
	Evicted int64 // cached pages that were dropped for others, ever
}

// Stats returns the figures.
func (c *Cache) Stats() Stats {
	cached := c.ordinary.len + c.marked.len
	return Stats{
		Pages: c.pool.total, Used: c.pool.used - cached, Cached: cached,
		Mapped: c.pool.mapped, Evicted: c.evicted,
	}
}

// Idle drops the pages whose time is up and gives memory back that no page is in. It
// returns how long there is nothing to do for it; 0: until a sequence is released.
func (c *Cache) Idle() (time.Duration, error) {
	now := time.Now()
	c.demote(now)
	for n := c.ordinary.first; n != nil && !n.expires.After(now); n = c.ordinary.first {
		c.drop(n)
	}
	next := c.due
	if n := c.ordinary.first; n != nil && (next.IsZero() || n.expires.Before(next)) {
		next = n.expires
	}
	err := c.pool.trim()
	if next.IsZero() {
		return 0, err
	}
	return next.Sub(now), err
}

// take returns a page, dropping a cached one if it must.
func (c *Cache) take() (page, error) {
	pg, err := c.pool.take()
	if err == nil {
		return pg, nil
	}
	c.demote(time.Now())
	n := c.ordinary.first
	if n == nil {
		n = c.marked.first
	}
	if n == nil {
		return page{}, err
	}
	c.evicted++
	c.drop(n)
	return c.pool.take()
}

// demote makes marked nodes ordinary whose time is up. Children come first, as they expire
// no later than their parents and stand before them.
func (c *Cache) demote(now time.Time) {
	if c.due.IsZero() || now.Before(c.due) {
		return
	}
	c.due = time.Time{}
	for n := c.marked.first; n != nil; {
		next := n.next
		if n.expires.After(now) {
			c.expireAt(n.expires)
		} else {
			c.marked.remove(n)
			n.keep = 0
			c.rest(n, now)
		}
		n = next
	}
}

func (c *Cache) expireAt(t time.Time) {
	if c.due.IsZero() || t.Before(c.due) {
		c.due = t
	}
}

// rest puts a node without references into its list.
func (c *Cache) rest(n *node, now time.Time) {
	if n.keep == 0 {
		n.expires = now.Add(c.cfg.KeepFor)
		c.ordinary.push(n)
		return
	}
	n.expires = now.Add(n.keep)
	c.expireAt(n.expires)
	c.marked.push(n)
}

// hold adds a reference.
func (c *Cache) hold(n *node) {
	if n.in != nil {
		n.in.remove(n)
	}
	n.refs++
}

// release takes a reference away.
func (c *Cache) release(n *node, now time.Time) {
	n.refs--
	if n.refs == 0 {
		c.rest(n, now)
	}
}

// drop forgets a leaf that is in a list.
func (c *Cache) drop(n *node) {
	n.in.remove(n)
	delete(n.parent.children, n.hash)
	c.pool.give(n.page)
	if n.parent.parent == nil {
		c.dropRoot(n.parent)
	}
}

// dropRoot forgets an owner without sequences and pages.
func (c *Cache) dropRoot(root *node) {
	if root.refs == 0 && len(root.children) == 0 {
		delete(c.roots, root.owner)
	}
}
