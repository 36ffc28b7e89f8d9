package segment

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// File is what a Log needs of a file.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// LogConfig configures a Log.
type LogConfig struct {
	// Dir holds the segments. It must exist.
	Dir string
	// MaxSize is the size from which a segment is closed and the next one begun.
	// A segment may grow past it by one Commit. Zero: 8 MiB.
	MaxSize int64
	// First is the lowest number that the first segment may have. The log takes a
	// higher one where Dir holds segments already.
	First int64
	// Create opens a new segment for writing. Nil: a new file that is readable by
	// its owner only. Tests break it.
	Create func(path string) (File, error)
}

// Position is a place in a log: everything before Offset in segment ID and all of
// the segments before it.
type Position struct {
	ID     int64
	Offset int64
}

// Before reports whether p lies before q.
func (p Position) Before(q Position) bool {
	return p.ID < q.ID || p.ID == q.ID && p.Offset < q.Offset
}

// Log writes frames to a row of segments.
//
// Add, Commit and Close belong to one goroutine; Sync, Renew and Position may be
// called by others at the same time.
type Log struct {
	cfg      LogConfig
	pending  []byte // frames that Commit has still to write
	done     int    // bytes of pending that are in the file
	failures int    // Commits that failed in a row
	renewed  atomic.Bool

	mu      sync.Mutex
	file    File
	retired []File   // closed for writing, not synced yet
	dirty   bool     // file was written to after the last sync
	pos     Position // end of the last whole frame
}

// retries is how often a Commit fails before the log gives up on the file and
// tries another one.
const retries = 2

// OpenLog begins a new segment in cfg.Dir. It does not touch those that are there.
func OpenLog(cfg LogConfig) (*Log, error) {
	if cfg.MaxSize <= 0 {
		cfg.MaxSize = 8 << 20
	}
	if cfg.Create == nil {
		cfg.Create = create
	}
	ids, err := List(cfg.Dir)
	if err != nil {
		return nil, err
	}
	id := max(cfg.First, 1)
	if len(ids) > 0 {
		id = max(id, ids[len(ids)-1]+1)
	}
	f, err := cfg.Create(Path(cfg.Dir, id))
	if err != nil {
		return nil, fmt.Errorf("segment %d: %w", id, err)
	}
	return &Log{cfg: cfg, file: f, pos: Position{ID: id}}, nil
}

func create(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	// The file's name must survive a loss of power as its content does.
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Add takes a payload to be written by the next Commit. It copies it.
func (l *Log) Add(payload []byte) error {
	frames, err := AppendFrame(l.pending, payload)
	l.pending = frames
	return err
}

// Pending returns how many bytes wait for Commit.
func (l *Log) Pending() int { return len(l.pending) - l.done }

// Commit hands all that was added to the operating system: it survives the death
// of the process from then on, and a loss of power after the next Sync.
//
// When it fails, what could not be written stays pending and the next Commit goes
// on where this one stopped; nothing is written twice. A file that keeps failing
// is left behind for a new segment.
func (l *Log) Commit() error {
	if l.renewed.Load() {
		if err := l.rotate(); err != nil {
			return err
		}
		l.renewed.Store(false)
	}
	if l.pos.Offset >= l.cfg.MaxSize || l.failures >= retries && l.pos.Offset+int64(l.done) > 0 {
		// Where no new segment can be begun, the old one has to do.
		_ = l.rotate()
	}
	if l.Pending() == 0 {
		return nil
	}
	n, err := l.file.Write(l.pending[l.done:])
	l.done += n
	if err == nil && l.Pending() > 0 {
		err = io.ErrShortWrite
	}
	if err != nil {
		l.failures++
		return fmt.Errorf("segment %d: %w", l.pos.ID, err)
	}
	l.mu.Lock()
	l.pos.Offset += int64(l.done)
	l.dirty = true
	l.mu.Unlock()
	l.failures, l.done, l.pending = 0, 0, l.pending[:0]
	return nil
}

// Renew makes the next Commit begin a new segment, whatever becomes of this one: its
// file was deleted. It may be called from any goroutine.
func (l *Log) Renew() { l.renewed.Store(true) }

// rotate begins the next segment with those pending frames that the old one does
// not hold whole. What the old one holds of the first of them is a torn end, as
// readers expect it.
func (l *Log) rotate() error {
	id := l.pos.ID + 1
	if ids, err := List(l.cfg.Dir); err == nil && len(ids) > 0 {
		id = max(id, ids[len(ids)-1]+1) // a folder that was made anew may have seen others
	}
	f, err := l.cfg.Create(Path(l.cfg.Dir, id))
	if err != nil {
		return fmt.Errorf("segment %d: %w", id, err)
	}
	whole := wholeFrames(l.pending, l.done)
	l.mu.Lock()
	l.retired = append(l.retired, l.file)
	l.file, l.pos, l.dirty = f, Position{ID: id}, true
	l.mu.Unlock()
	l.pending = append(l.pending[:0], l.pending[whole:]...)
	l.failures, l.done = 0, 0
	return nil
}

// wholeFrames returns the length of the frames that end within the first n bytes
// of data.
func wholeFrames(data []byte, n int) int {
	whole := 0
	for {
		_, size, _ := split(data[whole:])
		if size == 0 || whole+size > n {
			return whole
		}
		whole += size
	}
}

// Position returns the end of what was committed.
func (l *Log) Position() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pos
}

// Sync makes all that was committed before the call survive a loss of power. One
// goroutine at a time may call it, while another commits. After a failure the next
// one tries again.
func (l *Log) Sync() error {
	l.mu.Lock()
	retired, current, dirty := l.retired, l.file, l.dirty
	l.retired, l.dirty = nil, false
	l.mu.Unlock()
	var errs []error
	for _, f := range retired {
		errs = append(errs, f.Sync(), f.Close())
	}
	if dirty {
		if err := current.Sync(); err != nil {
			errs = append(errs, err)
			l.mu.Lock()
			l.dirty = true
			l.mu.Unlock()
		}
	}
	return errors.Join(errs...)
}

// Close commits, syncs and closes. It reports what could not be written; nothing
// may be called after it.
func (l *Log) Close() error {
	return errors.Join(l.Commit(), l.Sync(), l.file.Close())
}
