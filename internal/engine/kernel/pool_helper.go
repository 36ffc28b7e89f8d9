package kernel

import (
	"sync/atomic"
	"time"
)

// helper is one goroutine of a Pool.
type helper struct {
	offer  atomic.Pointer[share] // its part of the newest loop; polled
	parked atomic.Bool
	idle   atomic.Int64  // since when it has had nothing to do, 0 if that's not for long
	wake   chan struct{} // sent to after parked was set back
	epoch  time.Time     // what times are counted from
	_      [72]byte      // cache lines of its own
}

// give hands the helper a share, and wakes it if it sleeps.
func (h *helper) give(s *share) {
	h.offer.Store(s)
	if h.parked.Load() && h.parked.CompareAndSwap(true, false) {
		h.wake <- struct{}{}
	}
}

// next waits for another share than the last one.
func (h *helper) next(last *share) *share {
	var since time.Duration
	for spin := 1; ; spin++ {
		if s := h.offer.Load(); s != last {
			if h.idle.Load() != 0 {
				h.idle.Store(0)
			}
			return s
		}
		pause()
		if spin%64 != 0 {
			continue
		}
		now := time.Since(h.epoch)
		if since == 0 {
			since = now
		}
		if now-since > spinFor {
			h.idle.Store(int64(since))
			h.park(last)
			spin, since = 0, 0
		}
	}
}

// park sleeps until there is another share than the last one.
func (h *helper) park(last *share) {
	h.parked.Store(true)
	if h.offer.Load() != last && h.parked.CompareAndSwap(true, false) {
		return // nobody has sent a wake-up, and nobody will
	}
	<-h.wake
}
