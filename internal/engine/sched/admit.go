package sched

import (
	"slices"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/kv"
)

// admit gives slots and pages to those that wait, reserved requests first.
func (s *Scheduler) admit() {
	for _, class := range [...]int{class(true), class(false)} {
		for {
			q := s.owners.next(class)
			if q == nil || !s.findSlot(q) || !s.findPages(q) {
				break
			}
			s.enter(q)
		}
	}
}

// slotFree reports whether a request may have one of the slots.
func (s *Scheduler) slotFree(reserved bool) bool {
	inReserved := 0
	for _, q := range s.running {
		if q.req.Reserved {
			inReserved++
		}
	}
	if reserved && inReserved < s.cfg.Reserved {
		return true
	}
	others := len(s.running) - min(inReserved, s.cfg.Reserved)
	return others < s.cfg.MaxSequences-s.cfg.Reserved
}

// findSlot makes sure that there is a slot for q. One is taken from a sequence that waits
// for its consumer, or from the youngest of an owner that has at least two more than q's.
func (s *Scheduler) findSlot(q *sequence) bool {
	if s.slotFree(q.req.Reserved) {
		return true
	}
	var victim *sequence
	for _, v := range slices.Backward(s.running) {
		if v.req.Reserved && !q.req.Reserved {
			continue
		}
		if v.stalled() {
			victim = v
			break
		}
		if v.req.Reserved || v.owner.running < q.owner.running+2 {
			continue
		}
		if victim == nil || v.owner.running > victim.owner.running {
			victim = v
		}
	}
	if victim == nil {
		return false
	}
	s.preempt(victim)
	return s.slotFree(q.req.Reserved)
}

// findPages opens q's page table and makes sure that there are pages for all that it has
// to read and for its next token. Unless it's alone, there must be a page more for each of
// the others, so that it doesn't lose its pages at once. Pages are taken from sequences
// that wait for their consumers, and for a reserved request from those that are not.
func (s *Scheduler) findPages(q *sequence) bool {
	q.pages = s.cache.Open(q.owner.name, q.marks())
	q.match()
	for {
		need := s.missing(q) + len(s.running)
		for _, o := range s.running {
			need += s.missing(o)
		}
		if len(s.running) == 0 || need <= s.cache.Available() {
			return true
		}
		victim := s.running[len(s.running)-1]
		if i := slices.IndexFunc(s.running, (*sequence).stalled); i >= 0 {
			victim = s.running[i]
		} else if !q.req.Reserved || victim.req.Reserved {
			break
		}
		s.preempt(victim)
	}
	q.leavePages()
	if q.admitted.IsZero() {
		q.result.Cached, q.reached = 0, 0 // all of this may be gone when its turn comes
	}
	return false
}

// missing returns how many pages a sequence needs for what it has to read and one token.
func (s *Scheduler) missing(q *sequence) int {
	return max(0, s.cache.PagesFor(min(len(q.tokens)+1, q.limit))-len(q.pages.Pages()))
}

// marks returns the request's cache points for the cache.
func (q *sequence) marks() []kv.Mark {
	var marks []kv.Mark
	for _, p := range q.req.CachePoints {
		m := kv.Mark{Tokens: min(p.Tokens, len(q.req.Prompt)), For: p.For}
		if m.For == 0 {
			m.For = defaultMark
		}
		marks = append(marks, m)
	}
	return marks
}

// defaultMark is how long a cache point lasts that doesn't say.
const defaultMark = 5 * time.Minute

// enter gives q a slot.
func (s *Scheduler) enter(q *sequence) {
	q.owner.dequeue(q)
	q.owner.running++
	i, _ := slices.BinarySearchFunc(s.running, q, rank)
	s.running = slices.Insert(s.running, i, q)
	if q.admitted.IsZero() {
		q.admitted = time.Now()
		q.result.Queued = q.admitted.Sub(q.queued)
		s.leaveQueue(q)
	}
}

// preempt takes slot and pages from a sequence. It loses no token: it waits again, or is
// parked until its consumer has read some.
func (s *Scheduler) preempt(q *sequence) {
	s.leave(q)
	s.counts.Preempted++
	s.changed = true
	if q.stalled() {
		q.owner.parked++
		s.parked = append(s.parked, q)
		return
	}
	q.owner.enqueue(q)
}

// leave takes slot and pages from a sequence.
func (s *Scheduler) leave(q *sequence) {
	i := slices.Index(s.running, q)
	s.running = slices.Delete(s.running, i, i+1)
	q.owner.running--
	q.leavePages()
	q.chunk = 0
}

// leavePages gives the pages back. They may still be there when it returns.
func (q *sequence) leavePages() {
	q.pages.Release()
	q.pages, q.computed = nil, 0
}

// unpark lets those wait for a slot again whose consumers have read half of their buffer.
func (s *Scheduler) unpark(now time.Time) {
	s.parked = slices.DeleteFunc(s.parked, func(q *sequence) bool {
		q.run.stalled.Store(true) // wake us at the next token too
		if len(q.run.tokens) > cap(q.run.tokens)/2 {
			return false
		}
		q.stall(now)
		q.owner.parked--
		q.owner.enqueue(q)
		return true
	})
}
