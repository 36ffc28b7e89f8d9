//go:build race || invariants

package sched

import (
	"errors"
	"fmt"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/kv"
)

// verify ends the process if an invariant doesn't hold. It looks at everything, and so not
// after every step for ever.
func (s *Scheduler) verify() {
	if s.counts.Steps > 1000 && s.counts.Steps%100 != 0 {
		return
	}
	if err := errors.Join(s.cache.Check(s.tables()), s.check()); err != nil {
		panic(err) //nolint:forbidigo // never in a binary that is shipped
	}
}

// tables returns the page tables in use.
func (s *Scheduler) tables() (open []*kv.Sequence) {
	for _, q := range s.running {
		open = append(open, q.pages)
	}
	return open
}

func (s *Scheduler) check() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("sched: "+format, args...))
		}
	}
	want(slices.IsSortedFunc(s.running, rank), "the running are not in the order of their ranks")
	want(len(s.running) <= s.cfg.MaxSequences, "%d run", len(s.running))
	ordinary, running, parked := 0, map[*owner]int{}, map[*owner]int{}
	for _, q := range s.running {
		running[q.owner]++
		if !q.req.Reserved {
			ordinary++
		}
		room := len(q.pages.Pages()) * kernel.PageTokens
		want(q.computed < len(q.tokens) && q.computed <= room && len(q.tokens) <= q.limit,
			"%d of %d tokens in room for %d, %d at most", q.computed, len(q.tokens), room, q.limit)
	}
	want(ordinary <= s.cfg.MaxSequences-s.cfg.Reserved, "%d ordinary requests run", ordinary)
	for _, q := range s.parked {
		parked[q.owner]++
		want(q.pages == nil, "a parked sequence has pages")
	}
	for name, o := range s.owners {
		want(o.name == name && o.running == running[o] && o.parked == parked[o],
			"%q has %d running and %d parked, not %d and %d", name, running[o], parked[o], o.running, o.parked)
		for _, queue := range o.queues {
			want(slices.IsSortedFunc(queue, rank), "a queue is not in order")
			for _, q := range queue {
				want(q.pages == nil && q.owner == o, "a waiting sequence has pages, or another owner")
			}
		}
	}
	return errors.Join(errs...)
}
