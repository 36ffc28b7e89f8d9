package gateway

import (
	"errors"
	"sync"
	"time"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// BreakerConfig says when a failing target is left alone.
type BreakerConfig struct {
	// Failures in a row close a target's road. Zero: 3.
	Failures int
	// CoolDown is how long it stays closed; it doubles with each failed probe.
	// Zero: 5 seconds.
	CoolDown time.Duration
	// MaxCoolDown bounds that, and what an upstream asks for with Retry-After.
	// Zero: 1 minute.
	MaxCoolDown time.Duration
}

func (c BreakerConfig) withDefaults() BreakerConfig {
	if c.Failures <= 0 {
		c.Failures = 3
	}
	if c.CoolDown <= 0 {
		c.CoolDown = 5 * time.Second
	}
	if c.MaxCoolDown <= 0 {
		c.MaxCoolDown = time.Minute
	}
	return c
}

// breaker remembers how a target did, for all calls. While it is open, calls try
// the target only after every other; after the cool-down one call probes it.
type breaker struct {
	cfg BreakerConfig

	mu       sync.Mutex
	failures int           // in a row
	coolDown time.Duration // of the present outage; zero: closed
	until    time.Time     // open until then
	probing  bool
}

// allow reports whether a call should try the target in its turn. Who tries it,
// now or as a last resort, reports back by one of succeeded, failed and unknown.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.coolDown == 0:
		return true
	case b.probing || now.Before(b.until):
		return false
	}
	b.probing = true
	return true
}

// succeeded reports an answer. It returns true when that ended an outage.
func (b *breaker) succeeded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	ended := b.coolDown > 0
	b.failures, b.coolDown, b.probing = 0, 0, false
	return ended
}

// unknown reports a try that says nothing about the target.
func (b *breaker) unknown() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// failed reports a failure. It returns the cool-down that starts with it, or zero
// while the target is still given a chance.
func (b *breaker) failed(now time.Time, err error) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	b.probing = false
	wait := retryAfter(err)
	switch {
	case wait > 0: // it said when to come back
		b.coolDown = max(b.coolDown, b.cfg.CoolDown)
	case b.coolDown > 0 && now.Before(b.until): // tried as a last resort
		return 0
	case b.coolDown > 0:
		b.coolDown *= 2
	case b.failures >= b.cfg.Failures:
		b.coolDown = b.cfg.CoolDown
	default:
		return 0
	}
	b.coolDown = min(b.coolDown, b.cfg.MaxCoolDown)
	if wait <= 0 {
		wait = b.coolDown
	}
	wait = min(wait, b.cfg.MaxCoolDown)
	if until := now.Add(wait); until.After(b.until) {
		b.until = until
	}
	return wait
}

func retryAfter(err error) time.Duration {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.RetryAfter
	}
	return 0
}
