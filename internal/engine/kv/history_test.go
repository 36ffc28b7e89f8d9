package kv

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// model is what a Cache should know, written without trees, lists and references: a table
// of prefixes.
type model struct {
	pages    int
	known    map[string]*known // by owner and text
	open     map[*Sequence]*opened
	released int // a clock of releases
}

type known struct {
	keep    time.Duration
	used    int // when it was released
	expires time.Time
}

type opened struct {
	owner, text string // the text that is committed or matched
	marks       []Mark
	pages       int
	own         int // of them, not known to others
}

// held reports whether a sequence holds a prefix.
func (m *model) held(key string) bool {
	for _, o := range m.open {
		if strings.HasPrefix(o.owner+":"+o.text, key) {
			return true
		}
	}
	return false
}

func (m *model) inUse() int {
	n := len(m.known)
	for _, o := range m.open {
		n += o.own
	}
	return n
}

// learn marks a prefix that a sequence holds.
func (m *model) learn(o *opened, tokens int) {
	key := o.owner + ":" + o.text[:tokens]
	k := m.known[key]
	if k == nil {
		k = &known{}
		m.known[key] = k
	}
	for _, mark := range o.marks {
		if mark.Tokens >= tokens {
			k.keep = max(k.keep, mark.For)
		}
	}
}

func (m *model) match(o *opened, text string) {
	for o.own == 0 && len(o.text)+size <= len(text) {
		next := text[:len(o.text)+size]
		if m.known[o.owner+":"+next] == nil {
			return
		}
		o.text = next
		o.pages++
		m.learn(o, len(next))
	}
}

// grow takes a page, and reports whether there was one.
func (m *model) grow(o *opened) bool {
	if m.inUse() == m.pages {
		m.demote()
		victims := slices.DeleteFunc(slices.Collect(maps.Keys(m.known)), m.held)
		if len(victims) == 0 {
			return false
		}
		delete(m.known, slices.MinFunc(victims, func(a, b string) int {
			marked := func(key string) int { return min(int(m.known[key].keep), 1) }
			return cmp.Or(marked(a)-marked(b), m.older(a, b))
		}))
	}
	o.pages++
	o.own++
	return true
}

func (m *model) commit(o *opened, text string) {
	for o.own > 0 && len(o.text)+size <= len(text) {
		o.text = text[:len(o.text)+size]
		o.own--
		m.learn(o, len(o.text))
	}
}

func (m *model) release(s *Sequence) {
	o := m.open[s]
	delete(m.open, s)
	m.released++
	for key, k := range m.known {
		if strings.HasPrefix(o.owner+":"+o.text, key) && !m.held(key) {
			m.rest(k)
		}
	}
}

func (m *model) rest(k *known) {
	k.used = m.released
	k.expires = time.Now().Add(cmp.Or(k.keep, time.Minute))
}

// demote lets marks run out, in the order in which those that had them were used.
func (m *model) demote() {
	for _, key := range slices.SortedFunc(maps.Keys(m.known), m.older) {
		if k := m.known[key]; k.keep > 0 && !m.held(key) && !k.expires.After(time.Now()) {
			k.keep = 0
			m.released++
			m.rest(k)
		}
	}
}

// older orders prefixes by their last use, and those of one sequence from its end.
func (m *model) older(a, b string) int {
	return cmp.Or(m.known[a].used-m.known[b].used, len(b)-len(a))
}

func (m *model) idle() {
	m.demote()
	for key, k := range m.known {
		if !m.held(key) && k.keep == 0 && !k.expires.After(time.Now()) {
			delete(m.known, key)
		}
	}
}

// knownTo returns what the cache knows, as the model writes it.
func (c *Cache) knownTo(owner string, n *node, text string, into map[string]bool) {
	for _, child := range n.children {
		s := text
		for _, id := range child.tokens {
			s += string(id)
		}
		into[owner+":"+s] = true
		c.knownTo(owner, child, s, into)
	}
}

// fill writes to the pages what belongs to tokens from…to: here, all text up to them.
func fill(s *Sequence, owner, text string, from int) {
	for i := from; i < len(text); i++ {
		s.Pages()[i/size][i%size] = sum(owner, text[:i+1])
	}
}

func sum(owner, text string) byte {
	h := byte(17)
	for _, b := range []byte(owner + text) {
		h = h*31 + b
	}
	return h
}

// intact reports whether a sequence's pages hold what belongs to its text.
func intact(s *Sequence, owner, text string) error {
	for i := range text {
		if got, want := s.Pages()[i/size][i%size], sum(owner, text[:i+1]); got != want {
			return fmt.Errorf("token %d of %q has %d in its page, want %d", i, text, got, want)
		}
	}
	return nil
}

// TestHistories plays random requests on a cache and on the model of it, and compares what
// they know after each step.
func TestHistories(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			pages := 3 + r.IntN(30)
			h := &history{
				t: t, r: r, c: newCache(t, pages), texts: map[*Sequence]string{},
				m: &model{pages: pages, known: map[string]*known{}, open: map[*Sequence]*opened{}},
			}
			for step := range 300 {
				h.step()
				if err := h.compare(); err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, step, err)
				}
			}
			for s := range h.texts {
				s.Release()
			}
			time.Sleep(2 * time.Hour)
			for range 2 { // what was marked is ordinary now, and gone a minute later
				if _, err := h.c.Idle(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
			}
			if got := h.c.Stats(); got.Used+got.Cached != 0 || got.Mapped != 0 || len(h.c.roots) != 0 {
				t.Errorf("seed %d: at the end %+v and %d owners are left", seed, got, len(h.c.roots))
			}
		})
	}
}

type history struct {
	t     *testing.T
	r     *rand.Rand
	c     *Cache
	m     *model
	texts map[*Sequence]string // all of a sequence's text that has been computed
}

func (h *history) step() {
	r := h.r
	switch n := r.IntN(20); {
	case n < 5:
		o := &opened{owner: []string{"me", "you"}[r.IntN(2)]}
		for range r.IntN(3) {
			o.marks = append(o.marks, Mark{r.IntN(20), time.Duration(1+r.IntN(60)) * time.Minute})
		}
		s := h.c.Open(o.owner, o.marks)
		h.m.open[s] = o
		h.texts[s] = ""
	case n < 14:
		h.read()
	case n < 18:
		if s := h.any(); s != nil {
			h.m.release(s)
			s.Release()
			delete(h.texts, s)
		}
	case n < 19:
		time.Sleep(time.Duration(r.IntN(20)) * time.Minute)
	default:
		h.m.idle()
		if _, err := h.c.Idle(); err != nil {
			h.t.Fatal(err)
		}
	}
}

// read lets a sequence read some tokens more, of an alphabet so small that texts are alike.
func (h *history) read() {
	s := h.any()
	if s == nil {
		return
	}
	o, text := h.m.open[s], h.texts[s]
	next := text
	for range 1 + h.r.IntN(3*size) {
		next += string(rune('a' + h.r.IntN(20)/19))
	}
	if len(text)%size == 0 && len(o.text) == len(text) {
		s.Match([]int32(nil))
		matched := s.Match(toIDs(next))
		h.m.match(o, next)
		if matched != len(o.text) {
			h.t.Errorf("matched %d of %q, want %d", matched, next, len(o.text))
		}
		text = o.text
	}
	err := s.Grow(len(next))
	for o.pages < h.c.PagesFor(len(next)) {
		if !h.m.grow(o) {
			if !errors.Is(err, ErrFull) {
				h.t.Errorf("grew to %d tokens, and there is no memory: %v", len(next), err)
			}
			next = next[:min(len(next), o.pages*size)]
			err = nil
			break
		}
	}
	if err != nil {
		h.t.Errorf("%d pages would do: %v", o.pages, err)
	}
	fill(s, o.owner, next, len(text))
	s.Commit(toIDs(next))
	h.m.commit(o, next)
	h.texts[s] = next
}

func toIDs(s string) []int32 { return text(s) }

// any returns an open sequence, in an order that the seed decides.
func (h *history) any() *Sequence {
	all := slices.SortedFunc(maps.Keys(h.texts), func(a, b *Sequence) int {
		return cmp.Or(cmp.Compare(h.texts[a], h.texts[b]), cmp.Compare(h.m.open[a].owner, h.m.open[b].owner))
	})
	if len(all) == 0 {
		return nil
	}
	return all[h.r.IntN(len(all))]
}

func (h *history) compare() error {
	if err := h.c.Check(slices.Collect(maps.Keys(h.texts))); err != nil {
		return err
	}
	got := map[string]bool{}
	for owner, root := range h.c.roots {
		h.c.knownTo(owner, root, "", got)
	}
	for key := range h.m.known {
		if !got[key] {
			return fmt.Errorf("%q was forgotten", key)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		return fmt.Errorf("%v should be forgotten", slices.Collect(maps.Keys(got)))
	}
	for s, text := range h.texts {
		if len(s.Pages()) != h.m.open[s].pages {
			return fmt.Errorf("a sequence has %d pages, want %d", len(s.Pages()), h.m.open[s].pages)
		}
		if err := intact(s, h.m.open[s].owner, text); err != nil {
			return err
		}
	}
	return nil
}
