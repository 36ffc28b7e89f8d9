package sched

import (
	"math"
	"slices"
)

// owner is whose requests share a part of the model.
type owner struct {
	name    string
	served  int64          // work done for it: see charge
	queues  [2][]*sequence // ordinary and reserved, in the order of tickets
	running int
	parked  int
}

// Work is counted in prompt tokens. A token that is chosen alone costs a pass over all
// weights, which many prompt tokens share.
const chosenWork = 4

// maxOwners bounds how many idle owners are remembered.
const maxOwners = 1024

// class returns the index of a request's queue.
func class(reserved bool) int {
	if reserved {
		return 1
	}
	return 0
}

// active reports whether there is anything of the owner's.
func (o *owner) active() bool {
	return o.running > 0 || o.parked > 0 || len(o.queues[0]) > 0 || len(o.queues[1]) > 0
}

// enqueue puts a sequence into its owner's queue, where its ticket says.
func (o *owner) enqueue(q *sequence) {
	queue := &o.queues[class(q.req.Reserved)]
	i, _ := slices.BinarySearchFunc(*queue, q, rank)
	*queue = slices.Insert(*queue, i, q)
}

// dequeue takes a sequence out of it.
func (o *owner) dequeue(q *sequence) {
	queue := &o.queues[class(q.req.Reserved)]
	if i := slices.Index(*queue, q); i >= 0 {
		*queue = slices.Delete(*queue, i, i+1)
	}
}

// owners are all that have, or recently had, something to do.
type owners map[string]*owner

// get returns the owner of a name. One that was idle doesn't get back the time that others
// have had meanwhile.
func (all owners) get(name string) *owner {
	o := all[name]
	if o == nil {
		o = &owner{name: name}
		all[name] = o
	}
	if !o.active() {
		if least := all.least(); least < math.MaxInt64 {
			o.served = max(o.served, least)
		}
	}
	return o
}

// least returns the least work that was done for any active owner.
func (all owners) least() int64 {
	least := int64(math.MaxInt64)
	for _, o := range all {
		if o.active() {
			least = min(least, o.served)
		}
	}
	return least
}

// forget drops idle owners that would not be treated differently if they came back.
func (all owners) forget() {
	least := all.least()
	for name, o := range all {
		if !o.active() && (o.served <= least || len(all) > maxOwners) {
			delete(all, name)
		}
	}
}

// queued appends all that wait in queues.
func (all owners) queued(dst []*sequence) []*sequence {
	for _, o := range all {
		dst = append(append(dst, o.queues[0]...), o.queues[1]...)
	}
	return dst
}

// next returns the head of the queue whose turn it is: of the owner with the fewest
// running, and of those with as many, the one that was served least.
func (all owners) next(class int) *sequence {
	var best *sequence
	for _, o := range all {
		if len(o.queues[class]) == 0 {
			continue
		}
		if q := o.queues[class][0]; best == nil || sooner(q, best) {
			best = q
		}
	}
	return best
}

func sooner(a, b *sequence) bool {
	if a.owner.running != b.owner.running {
		return a.owner.running < b.owner.running
	}
	if a.owner.served != b.owner.served {
		return a.owner.served < b.owner.served
	}
	return a.ticket < b.ticket
}
