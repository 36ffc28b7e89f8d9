package ledger

import (
	"sync"
	"time"
)

// queue holds the records that were appended and are not encoded yet. Putting is
// all that a model call pays for the ledger: a lock, a copy, and seldom a wake-up.
type queue struct {
	limit int           // records held at most
	wait  time.Duration // how long put waits for room
	late  time.Duration // after which take ought to have been called

	// wake is signalled when the queue stops being empty, and hurry when it is
	// half full, or when take is late. A timer may be late on a busy machine, as long as
	// whatever has it to look after gets no processor; those who put have one, and what
	// they signal runs on it next. Both hold one signal and belong to take's caller.
	wake  chan struct{}
	hurry chan struct{}

	mu      sync.Mutex
	records []Record
	since   time.Time // when the first of records was put
	hurried bool      // hurry was signalled because of its age
	closed  bool
	stuck   bool          // the disk refuses: waiting for room is of no use
	room    chan struct{} // closed by take; nil while nobody waits
}

func newQueue(limit int, wait, late time.Duration) *queue {
	return &queue{limit: limit, wait: wait, late: late, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
}

// put queues r. It waits for room when the queue is full, but not for long, and
// not at all while the disk is known to refuse. It reports whether r was taken.
func (q *queue) put(r *Record) bool {
	q.mu.Lock()
	if len(q.records) >= q.limit && !q.closed && !q.awaitRoom() || q.closed {
		q.mu.Unlock()
		return false
	}
	q.records = append(q.records, *r)
	n := len(q.records)
	hurry := n == (q.limit+1)/2 || q.isLate(n)
	q.mu.Unlock()
	if n == 1 {
		signal(q.wake)
	}
	if hurry {
		signal(q.hurry)
	}
	return true
}

// isLate reports, once until the next take, whether the first of n records has waited
// for too long. It is called with mu held.
func (q *queue) isLate(n int) bool {
	if n == 1 {
		q.since, q.hurried = time.Now(), false
		return false
	}
	if q.hurried || time.Since(q.since) <= q.late {
		return false
	}
	q.hurried = true
	return true
}

// awaitRoom returns whether there is room after waiting for it. It is called with
// mu held, which it gives up meanwhile.
func (q *queue) awaitRoom() bool {
	deadline := time.NewTimer(q.wait)
	defer deadline.Stop()
	for len(q.records) >= q.limit && !q.closed {
		if q.stuck {
			return false
		}
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		expired := false
		select {
		case <-room:
		case <-deadline.C:
			expired = true
		}
		q.mu.Lock()
		if expired {
			return len(q.records) < q.limit
		}
	}
	return true
}

// take returns what is queued and leaves empty behind it, a slice to be reused.
func (q *queue) take(empty []Record) []Record {
	q.mu.Lock()
	defer q.mu.Unlock()
	records := q.records
	q.records = empty[:0]
	q.release()
	return records
}

// setStuck says whether the disk refuses.
func (q *queue) setStuck(stuck bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stuck = stuck
	q.release()
}

// close makes every put fail from now on.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.release()
}

// release wakes those who wait for room. It is called with mu held.
func (q *queue) release() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// len returns how many records are queued.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.records)
}

// signal puts a token into a channel of one, unless one is there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
