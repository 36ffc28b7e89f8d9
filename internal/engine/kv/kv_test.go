package kv

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const size = 4 // tokens of a page

// newCache returns a cache of a number of small pages.
func newCache(t *testing.T, pages int) *Cache {
	t.Helper()
	c, err := New(Config{PageBytes: 64, PageTokens: size, Bytes: int64(pages) * 64, KeepFor: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.Close(), c.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// text makes tokens of letters: a page is four of them.
func text(s string) []int32 {
	ids := make([]int32, len(s))
	for i, r := range []byte(s) {
		ids[i] = int32(r)
	}
	return ids
}

// read opens a sequence that reads a text, and returns how much of it was there.
func read(t *testing.T, c *Cache, owner, s string, marks ...Mark) (*Sequence, int) {
	t.Helper()
	q := c.Open(owner, marks)
	ids := text(s)
	cached := q.Match(ids)
	if err := q.Grow(len(ids)); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	q.Commit(ids)
	return q, cached
}

// remembered returns how much of a text "me" would find.
func remembered(c *Cache, s string) int {
	n := c.roots["me"]
	at := 0
	for ids := text(s); n != nil && at+size <= len(ids); at += size {
		part := ids[at:][:size]
		if n, _ = n.child(c.hashOf(part), part); n == nil {
			break
		}
	}
	return at
}

func check(t *testing.T, c *Cache, open ...*Sequence) {
	t.Helper()
	if err := c.Check(open); err != nil {
		t.Error(err)
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	c := newCache(t, 10)
	a, _ := read(t, c, "me", "aaaabbbbcc")
	b, cached := read(t, c, "me", "aaaabbbbdddd")
	if cached != 8 {
		t.Errorf("%d tokens were there, want 8", cached)
	}
	if &a.Pages()[1][0] != &b.Pages()[1][0] || &a.Pages()[2][0] == &b.Pages()[2][0] {
		t.Error("the pages of the beginning are not shared, or others are")
	}
	check(t, c, a, b)
	a.Release()
	a.Release()
	b.Release()
	check(t, c)
	if got, want := c.Stats(), (Stats{Pages: 10, Cached: 3, Mapped: 640}); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(got, want))
	}
	again, cached := read(t, c, "me", "aaaabbbbdddde")
	if cached != 12 {
		t.Errorf("%d tokens were there over time, want 12", cached)
	}
	again.Release()
}

// TestOwners: what one owner reads is not there for another.
func TestOwners(t *testing.T) {
	t.Parallel()
	c := newCache(t, 10)
	a, _ := read(t, c, "me", "aaaabbbb")
	b, cached := read(t, c, "you", "aaaabbbb")
	if cached != 0 || a.Level(b) {
		t.Errorf("another's %d tokens were there", cached)
	}
	check(t, c, a, b)
	a.Release()
	b.Release()
	if c.Stats().Cached != 4 {
		t.Error("two owners' pages were joined")
	}
}

// TestJoin: two that computed the same at the same time end with the same pages.
func TestJoin(t *testing.T) {
	t.Parallel()
	c := newCache(t, 10)
	a, b := c.Open("me", nil), c.Open("me", nil)
	ids := text("aaaabbbbcc")
	for _, q := range []*Sequence{a, b} {
		if q.Match(ids) != 0 || q.Grow(len(ids)) != nil {
			t.Fatal("not what was expected")
		}
	}
	a.Commit(ids[:5])
	b.Commit(ids[:9])
	a.Commit(ids)
	check(t, c, a, b)
	if &a.Pages()[0][0] != &b.Pages()[0][0] || &a.Pages()[1][0] != &b.Pages()[1][0] {
		t.Error("equal pages are kept twice")
	}
	if got := c.Stats().Used; got != 4 {
		t.Errorf("%d pages are used, want 4", got)
	}
	a.Release()
	b.Release()
}

// TestMatchLater: a sequence finds what another has computed since it began.
func TestMatchLater(t *testing.T) {
	t.Parallel()
	c := newCache(t, 10)
	ids := text("aaaabbbbccccd")
	a, b := c.Open("me", nil), c.Open("me", nil)
	if !a.Level(b) {
		t.Error("two empty sequences are not level")
	}
	_ = a.Grow(8)
	if a.Level(b) || !b.Level(a) {
		t.Error("who has begun a page waits for who has not")
	}
	a.Commit(ids[:8])
	if got := b.Match(ids[:7]); got != 4 {
		t.Errorf("matched %d, want 4", got)
	}
	if got := b.Match(ids); got != 8 || !a.Level(b) {
		t.Errorf("matched %d, want 8", got)
	}
	_ = b.Grow(9)
	a.Match(ids)
	_ = a.Grow(12)
	a.Commit(ids[:12])
	if got := b.Match(ids); got != 8 {
		t.Errorf("a sequence in the middle of a page matched %d, want 8", got)
	}
	check(t, c, a, b)
	a.Release()
	b.Release()
}

// TestEvict: the least recently used pages go first, from the end of a text.
func TestEvict(t *testing.T) {
	t.Parallel()
	c := newCache(t, 5)
	for _, s := range []string{"aaaabbbb", "ccccdddd", "aaaa"} {
		q, _ := read(t, c, "me", s)
		q.Release()
	}
	steps := []struct{ a, c int }{{8, 8}, {4, 8}, {4, 4}, {4, 0}, {0, 0}} // after so many pages more
	q := c.Open("me", nil)
	for i, want := range steps {
		if err := q.Grow((i + 1) * size); err != nil {
			t.Fatal(err)
		}
		if a, cc := remembered(c, "aaaabbbb"), remembered(c, "ccccdddd"); a != want.a || cc != want.c {
			t.Errorf("after %d pages %d and %d tokens are left, want %v", i+1, a, cc, want)
		}
		check(t, c, q)
	}
	if err := q.Grow(6 * size); !errors.Is(err, ErrFull) {
		t.Errorf("a page too many: %v", err)
	}
	if len(q.Pages()) != 5 || c.Available() != 0 {
		t.Error("a sequence lost pages")
	}
	q.Release()
	check(t, c)
	if len(c.roots) != 0 {
		t.Error("an owner without pages is still known")
	}
}

// TestMarks: what is marked goes last and stays for its time.
func TestMarks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, 6)
		q, _ := read(t, c, "me", "aaaabbbbcccc", Mark{6, time.Hour}, Mark{11, 5 * time.Minute})
		q.Release()
		other, _ := read(t, c, "me", "dddd")
		other.Release()
		check(t, c)
		is := func(want int, when string, open ...*Sequence) {
			t.Helper()
			if got := remembered(c, "aaaabbbbcccc"); got != want {
				t.Errorf("%s: %d tokens are left, want %d", when, got, want)
			}
			check(t, c, open...)
		}
		if d, err := c.Idle(); d != time.Minute || err != nil {
			t.Errorf("idle for %v, %v", d, err)
		}
		time.Sleep(time.Minute)
		if d, err := c.Idle(); d != 4*time.Minute || err != nil {
			t.Errorf("idle for %v, %v", d, err)
		}
		is(8, "after a minute the end is gone")
		time.Sleep(4 * time.Minute)
		_, _ = c.Idle()
		is(8, "a mark that is up makes ordinary")
		time.Sleep(time.Minute)
		_, _ = c.Idle()
		is(4, "and then it goes")
		q, _ = read(t, c, "me", "aaaa")
		time.Sleep(50 * time.Minute)
		q.Release()
		time.Sleep(59 * time.Minute)
		_, _ = c.Idle()
		is(4, "each use starts the time again")
		q, _ = read(t, c, "me", "eeeeffffgggghhhhiiii")
		is(4, "marked pages stay while there are others", q)
		if err := q.Grow(6 * size); err != nil {
			t.Error("a marked page is not given up:", err)
		}
		if got := remembered(c, "aaaabbbbcccc"); got != 0 {
			t.Errorf("%d tokens are left", got)
		}
		check(t, c, q)
		q.Release()
		time.Sleep(time.Minute)
		if d, err := c.Idle(); d != 0 || err != nil || c.Stats().Mapped != 0 {
			t.Errorf("idle for %v, %v, with %d bytes", d, err, c.Stats().Mapped)
		}
		check(t, c)
	})
}

// TestSlabs: memory is taken slab by slab and given back when it is free.
func TestSlabs(t *testing.T) {
	t.Parallel()
	const page = 20<<20 + 1 // three to a slab, and its end isn't aligned
	c, err := New(Config{PageBytes: page, PageTokens: size, Bytes: 7*(page+63) + 5, KeepFor: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if c.Pages() != 7 {
		t.Fatalf("%d pages", c.Pages())
	}
	a, b := c.Open("", nil), c.Open("", nil)
	for i, want := range []int64{3, 3, 3, 6, 6, 6, 7} {
		q := a
		if i >= 3 {
			q = b
		}
		if err := q.Grow((len(q.Pages()) + 1) * size); err != nil {
			t.Fatal(err)
		}
		if got := c.Stats().Mapped / page; got != want {
			t.Errorf("after %d pages %d are mapped, want %d", i+1, got, want)
		}
	}
	for _, pg := range slices.Concat(a.Pages(), b.Pages()) {
		if len(pg) != page || cap(pg) != page {
			t.Errorf("a page of %d bytes", len(pg))
		}
		pg[0], pg[page-1] = 1, 1
	}
	check(t, c, a, b)
	b.Release()
	if _, err := c.Idle(); err != nil || c.Stats().Mapped/page != 3 {
		t.Errorf("%v, %d bytes are mapped", err, c.Stats().Mapped)
	}
	check(t, c, a)
	a.Release()
	if err := c.Close(); err != nil || c.Stats().Mapped != 0 {
		t.Errorf("%v, %d bytes are mapped", err, c.Stats().Mapped)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{
		{},
		{PageBytes: 100, PageTokens: 1, Bytes: 127},
		{PageBytes: 100, PageTokens: 0, Bytes: 1000},
		{PageBytes: -1, PageTokens: 1, Bytes: 1000},
		{PageBytes: 64, PageTokens: 1, Bytes: 1000, KeepFor: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v is no error", cfg)
		}
	}
}

// TestCollision: tokens with another's hash are computed and not shared.
func TestCollision(t *testing.T) {
	t.Parallel()
	c := newCache(t, 10)
	a, _ := read(t, c, "me", "aaaabbbb")
	n := a.nodes[0]
	fake := c.hashOf(text("cccc"))
	delete(n.parent.children, n.hash)
	n.hash = fake
	n.parent.children[fake] = n
	b := c.Open("me", nil)
	if got := b.Match(text("ccccdddd")); got != 0 {
		t.Errorf("matched %d tokens of another text", got)
	}
	if err := b.Grow(8); err != nil {
		t.Fatal(err)
	}
	b.Commit(text("ccccdddd"))
	if len(b.nodes) != 0 || len(b.Pages()) != 2 || b.Match(text("ccccddddeeee")) != 0 {
		t.Error("a page went where another is")
	}
	a.Release()
	b.Release()
	if got := c.Stats(); got.Used != 0 || got.Cached != 2 {
		t.Errorf("%+v", got)
	}
}
