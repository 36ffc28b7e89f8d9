package ledger

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/outcrop-ai/outcrop/internal/ledger/segment"
)

// maxSegmentSize is such that a segment, which may grow past it by a chunk, has fewer
// frames than indexBits can count: the smallest takes 10 bytes.
const maxSegmentSize = 128 << 20

// Config configures a Ledger.
type Config struct {
	// Dir is the folder for everything the ledger keeps. It is created when it is
	// missing. One process at a time may own it.
	Dir string
	// Logger hears of trouble: once when it starts, once a minute while it lasts,
	// once when it ends. Nil: nobody does.
	Logger *slog.Logger

	// CommitEvery is how long a record may stay in memory only. It bounds what a
	// kill -9 loses. Zero: 10 ms.
	CommitEvery time.Duration
	// QueueLimit is how many records may wait in memory. Zero: 65,536, which are
	// some 30 MB.
	QueueLimit int
	// QueueWait is how long Append waits for room in a full queue. Zero: 100 ms.
	QueueWait time.Duration
	// RetryEvery is how long a write waits for its next attempt after it failed.
	// Zero: 500 ms.
	RetryEvery time.Duration

	// SegmentSize is the size from which a segment is closed. Zero: 8 MiB; at most
	// 128 MiB, so that a record's index fits into its number.
	SegmentSize int64
	// LoadEvery is how long a record may wait before queries see it. Zero: 1 s.
	LoadEvery time.Duration
	// RetentionDays is how many days are kept, today not counted. Zero: 30;
	// negative: all of them for ever.
	RetentionDays int
	// MinuteWindow is how far back the per-minute aggregates reach in memory.
	// Zero: 3 hours.
	MinuteWindow time.Duration

	// KnownModel says which model IDs metrics may have as a label; all others are
	// counted as "other". Nil: every ID, until there are 500.
	KnownModel func(modelID string) bool

	now    func() time.Time                        // tests set it
	create func(path string) (segment.File, error) // tests set it
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.CommitEvery, 10*time.Millisecond)
	setDefault(&c.QueueLimit, 1<<16)
	setDefault(&c.QueueWait, 100*time.Millisecond)
	setDefault(&c.RetryEvery, 500*time.Millisecond)
	setDefault(&c.SegmentSize, 8<<20)
	setDefault(&c.LoadEvery, time.Second)
	setDefault(&c.RetentionDays, 30)
	setDefault(&c.MinuteWindow, 3*time.Hour)
	if c.now == nil {
		c.now = time.Now
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports everything that is wrong with the configuration.
func (c *Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("ledger: no folder"))
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"CommitEvery", int64(c.CommitEvery)},
		{"QueueLimit", int64(c.QueueLimit)},
		{"QueueWait", int64(c.QueueWait)},
		{"RetryEvery", int64(c.RetryEvery)},
		{"SegmentSize", c.SegmentSize},
		{"LoadEvery", int64(c.LoadEvery)},
		{"MinuteWindow", int64(c.MinuteWindow)},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("ledger: %s is negative", f.name))
		}
	}
	if c.SegmentSize > maxSegmentSize {
		errs = append(errs, fmt.Errorf("ledger: SegmentSize is over %d", maxSegmentSize))
	}
	return errors.Join(errs...)
}
