package sched

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// plan decides what each running sequence reads in this step, and finds the pages for it.
// What it reads is in chunk; 0 is nothing.
func (s *Scheduler) plan(now time.Time) {
	s.prompts = s.prompts[:0]
	decodes := 0
	for _, q := range s.running {
		q.chunk = 0
		if q.stall(now) {
			continue
		}
		if q.pending() > 1 {
			q.match()
		}
		if q.pending() == 1 {
			q.chunk = 1
			decodes++
			continue
		}
		s.prompts = append(s.prompts, q)
	}
	s.share(s.pace.budget(decodes > 0))
	s.grow()
}

// share divides a number of prompt tokens. Half goes to the prompt whose turn it is: the
// oldest of the owner that was served least, so that each is done at some time. The other
// half goes to the shortest, so that short ones are done soon.
func (s *Scheduler) share(budget int) {
	if len(s.prompts) == 0 {
		return
	}
	turn := slices.MinFunc(s.prompts, func(a, b *sequence) int {
		return cmp.Or(cmp.Compare(a.owner.served, b.owner.served), rank(a, b))
	})
	slices.SortFunc(s.prompts, func(a, b *sequence) int {
		return cmp.Or(cmp.Compare(a.pending(), b.pending()), rank(a, b))
	})
	left := budget - s.give(turn, (budget+1)/2)
	for _, q := range s.prompts {
		if left >= crumb || q.pending()-q.chunk <= left {
			left -= s.give(q, left)
		}
	}
	if left > 0 {
		s.give(turn, left)
	}
}

// crumb is how few tokens are not worth a sequence's part in a step, if they aren't its last.
const crumb = 16

// give lets a sequence read up to n tokens more, and returns how many. It ends at a page's
// end where it can, because only whole pages are shared. A sequence whose next page another
// one computes in this step waits for that.
func (s *Scheduler) give(q *sequence, n int) int {
	if q.chunk == 0 && s.hasTwin(q) {
		return 0
	}
	before := q.chunk
	q.chunk = min(before+n, q.pending())
	if over := (q.computed + q.chunk) % kernel.PageTokens; q.chunk < q.pending() && over < q.chunk {
		q.chunk = max(before, q.chunk-over)
	}
	return q.chunk - before
}

// hasTwin reports whether another sequence is about to compute the page that q needs next.
func (s *Scheduler) hasTwin(q *sequence) bool {
	const size = kernel.PageTokens
	if q.pending() <= size || q.computed%size != 0 {
		return false
	}
	next := q.tokens[q.computed:][:size]
	for _, o := range s.prompts {
		if o == q || o.chunk == 0 || !q.pages.Level(o.pages) {
			continue
		}
		if end := q.computed + size; end <= len(o.tokens) && slices.Equal(o.tokens[q.computed:end], next) {
			return true
		}
	}
	return false
}

// grow finds pages for what is to be read, those of the first in rank first.
func (s *Scheduler) grow() {
	s.order = append(s.order[:0], s.running...)
	for _, q := range s.order {
		for q.chunk > 0 {
			err := q.pages.Grow(q.computed + q.chunk)
			if err == nil {
				break
			}
			s.makeRoom(q, err)
		}
	}
}

// makeRoom takes a sequence's pages away so that q can have them: one's that waits for its
// consumer, or else the last one's in rank, and be it q.
func (s *Scheduler) makeRoom(q *sequence, err error) {
	if len(s.running) == 1 { // the budget has room for it, but the system has not
		s.finish(q, Unfinished, fmt.Errorf("%w: %w", ErrNoMemory, err))
		return
	}
	victim := s.running[len(s.running)-1]
	for _, v := range slices.Backward(s.running) {
		if v != q && v.stalled() {
			victim = v
			break
		}
	}
	s.preempt(victim)
}
