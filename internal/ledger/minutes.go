package ledger

import (
	"context"
	"sync"
	"time"
)

// minutes keeps the sums of the last hours in memory. It is safe for concurrent use.
type minutes struct {
	window time.Duration
	now    func() time.Time

	// restoring is held, for reading, while the databases and the memory are read
	// together, and for writing while what the former hold is put into the latter.
	restoring sync.RWMutex
	restored  bool

	mu      sync.Mutex
	sums    minuteSums
	horizon int64 // sums are complete from this minute on, once restored
}

func newMinutes(window time.Duration, now func() time.Time) *minutes {
	m := &minutes{window: window, now: now, sums: make(minuteSums)}
	m.horizon = minuteAt(now().Add(-window))
	return m
}

// add counts records.
func (m *minutes) add(records []Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if horizon := minuteAt(m.now().Add(-m.window)); horizon > m.horizon {
		m.horizon = horizon
		for key := range m.sums {
			if key.minute < horizon {
				delete(m.sums, key)
			}
		}
	}
	for i := range records {
		if key := minuteOf(&records[i]); key.minute >= m.horizon {
			m.sums.at(key).add(&records[i])
		}
	}
}

// restore adds what the databases hold of the window. It does so once, before anything
// is in the databases that add has counted too.
func (m *minutes) restore(ctx context.Context, d *days) error {
	if m.restored { // only written here, by the one goroutine that calls this
		return nil
	}
	m.restoring.Lock()
	defer m.restoring.Unlock()
	stored := make(minuteSums)
	m.mu.Lock()
	from := m.horizon
	m.mu.Unlock()
	if err := d.minutes(ctx, from, farFuture, stored); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, sums := range stored {
		if key.minute >= m.horizon {
			m.sums.at(key).merge(sums)
		}
	}
	m.restored = true
	return nil
}

// farFuture is a minute after every other, the last one of the year 9999: files are
// named for days of four-digit years.
const farFuture = 253_402_300_800/60 - 1

// read adds the sums of [from, to) to into, from memory where it has them.
func (m *minutes) read(ctx context.Context, d *days, from, to int64, into minuteSums) error {
	m.restoring.RLock()
	defer m.restoring.RUnlock()
	m.mu.Lock()
	stored := min(to, m.horizon) // where memory takes over from the databases
	if !m.restored {
		stored = to // each has what the other lacks
	}
	for key, sums := range m.sums {
		if key.minute >= from && key.minute < to {
			into.at(key).merge(sums)
		}
	}
	m.mu.Unlock()
	if from >= stored {
		return nil
	}
	return d.minutes(ctx, from, stored, into)
}

// minutes adds the stored sums of [from, to) to into.
func (d *days) minutes(ctx context.Context, from, to int64, into minuteSums) error {
	all, err := d.list()
	if err != nil {
		return err
	}
	// A call belongs to the day in which it began and to the minute in which it ended.
	first, last := dayOf(time.Unix(from*60, 0).Add(-24*time.Hour)), dayOf(time.Unix(to*60, 0))
	for _, name := range all {
		if name < first || name > last {
			continue
		}
		if err := d.use(ctx, name, false, func(s *dayStore) error { return s.minutes(ctx, from, to, into) }); err != nil {
			return err
		}
	}
	return nil
}

// Minutes returns the sums of the minutes that begin in [from, to), in order. Calls
// that ended longer ago than some 10 ms are in them. Minutes without calls are not.
func (l *Ledger) Minutes(ctx context.Context, from, to time.Time) ([]Minute, error) {
	sums := make(minuteSums)
	if err := l.minutes.read(ctx, l.reader.days, nextMinute(from), nextMinute(to), sums); err != nil {
		return nil, err
	}
	return sums.list(), nil
}

// nextMinute returns the first minute that does not begin before t.
func nextMinute(t time.Time) int64 {
	return min(max(minuteAt(t.Add(time.Minute-1)), 0), farFuture)
}

// Minutes returns the sums of the minutes that begin in [from, to), in order, as far as
// they are in the databases.
func (r *Reader) Minutes(ctx context.Context, from, to time.Time) ([]Minute, error) {
	sums := make(minuteSums)
	if err := r.days.minutes(ctx, nextMinute(from), nextMinute(to), sums); err != nil {
		return nil, err
	}
	return sums.list(), nil
}
