package ledger

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// remindEvery is how often a lasting trouble is logged.
const remindEvery = time.Minute

// health remembers which of the ledger's activities fail now, and logs it without
// filling the log.
type health struct {
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	trouble map[string]*trouble // by activity; those that work have no entry
}

type trouble struct {
	since  time.Time
	logged time.Time
	err    error
}

// report takes the outcome of an activity: "write", "sync" or "load".
func (h *health) report(activity string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, failing := h.trouble[activity]
	switch {
	case err == nil && failing:
		delete(h.trouble, activity)
		h.logger.Info("ledger works again", "activity", activity, "after", h.now().Sub(t.since).Round(time.Millisecond))
	case err == nil:
	case !failing:
		if h.trouble == nil {
			h.trouble = make(map[string]*trouble)
		}
		t = &trouble{since: h.now()}
		h.trouble[activity] = t
		fallthrough
	default:
		t.err = err
		if now := h.now(); t.logged.IsZero() || now.Sub(t.logged) >= remindEvery || now.Before(t.logged) {
			t.logged = now
			h.logger.Error("ledger is degraded", "activity", activity, "since", t.since, "error", err)
		}
	}
}

// worst returns the trouble that has lasted longest; ok is false when there is none.
func (h *health) worst() (since time.Time, err error, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Collect(maps.Values(h.trouble))
	if len(all) == 0 {
		return time.Time{}, nil, false
	}
	t := slices.MinFunc(all, func(a, b *trouble) int { return a.since.Compare(b.since) })
	return t.since, t.err, true
}
