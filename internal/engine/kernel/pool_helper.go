package kernel

import (
	"runtime"
	"sync/atomic"
	"time"
)

// helper is one goroutine of a Pool.
type helper struct {
	offer  atomic.Pointer[share] // its part of the newest loop; polled
	parked atomic.Bool
	wake   chan struct{} // sent to after parked was set back
	_      [104]byte     // cache lines of its own
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
	var start time.Time
	for spin := 1; ; spin++ {
		if s := h.offer.Load(); s != last {
			return s
		}
		pause()
		switch {
		case spin%64 != 0:
		case spin == 64:
			start = time.Now()
		case time.Since(start) > parkAfter:
			h.park(last)
			spin = 0
		case time.Since(start) > spinFor:
			runtime.Gosched()
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
