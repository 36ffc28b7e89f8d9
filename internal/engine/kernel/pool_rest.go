package kernel

import "time"

const (
	// lateAfter is how long threads may have to wait for one of them before it counts
	// as a sign that a core is taken by somebody else, if it's also longer than tasks of
	// this loop usually take. It is much longer than a way to a core and back, and far
	// shorter than a scheduler's slice.
	lateAfter = 50 * time.Microsecond
	// lateMost is how much of such waiting, beyond a quarter of the time, costs the Pool
	// a helper.
	lateMost = 5 * time.Millisecond
	// restMin and restMax bound how long it does without the helper. A sign soon after
	// the end of a rest doubles the next one.
	restMin = 20 * time.Millisecond
	restMax = 640 * time.Millisecond
)

// crowd decides how many helpers a Pool uses beside other busy processes. Where threads
// are more than free cores, one of them waits for its turn, several milliseconds, and
// the others wait for it: a loop is as fast as its slowest thread. One helper fewer,
// and all threads have a core. The lost time is what decides: a stray interruption
// isn't worth a helper.
type crowd struct {
	waited  time.Duration // for late threads, less what is tolerated
	at      time.Duration // when waited was last brought up to date
	resting int           // helpers left out until end
	rest    time.Duration
	end     time.Duration
}

// fit returns how many of n helpers may take part now.
func (c *crowd) fit(n int, now time.Duration) int {
	if c.resting > 0 && now > c.end {
		c.resting--
		c.end = now + c.rest
	}
	return n - c.resting
}

// late takes note that threads have waited for one that was held up. It reports whether
// that was too much, and another helper of n rests.
func (c *crowd) late(waited time.Duration, n int, now time.Duration) bool {
	c.waited = max(0, c.waited-(now-c.at)/4) + waited
	c.at = now
	if c.waited < lateMost {
		return false
	}
	c.waited = 0
	c.rest = min(max(2*c.rest-(now-c.end), restMin), restMax)
	c.end = now + c.rest
	c.resting = min(c.resting+1, n)
	return true
}
