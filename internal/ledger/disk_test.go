package ledger

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/ledger/segment"
)

// disk is a file system that can be full, and whose syncs can fail.
type disk struct {
	full, noSync atomic.Bool
}

type diskFile struct {
	*os.File
	disk *disk
}

var errFull = errors.New("no space left on device")

func (d *disk) create(path string) (segment.File, error) {
	f, err := os.Create(path)
	return diskFile{f, d}, err
}

// Write takes half of what it is given when the disk has just become full.
func (f diskFile) Write(p []byte) (int, error) {
	if !f.disk.full.Load() {
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:len(p)/2])
	return n, errors.Join(err, errFull)
}

func (f diskFile) Sync() error {
	if f.disk.noSync.Load() {
		return errFull
	}
	return nil
}

// lockedBuffer is a buffer that is written and read at the same time.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// A full disk costs no more than the queue cannot hold; calls are counted all the same,
// Append does not wait, the log says it once a minute, and when there is room again
// everything works as before.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		var log lockedBuffer
		const limit = 50
		l, err := Open(t.Context(), Config{
			Dir: dir, QueueLimit: limit, create: d.create,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		add := func(i int) string {
			r := testRecord(i)
			l.Append(r)
			return r.RequestID
		}
		want = append(want, add(0))
		flush(t, l)

		d.full.Store(true)
		want = append(want, add(1))
		time.Sleep(time.Second) // the writer has tried; it holds the record
		if s := l.Status(); !s.Degraded || !errors.Is(s.Err, errFull) || s.Lost != 0 {
			t.Errorf("on a full disk: %+v", s)
		}
		if err := l.Flush(t.Context()); !errors.Is(err, errFull) {
			t.Errorf("Flush on a full disk: got %v, want %v", err, errFull)
		}
		began := time.Now()
		for i := range 2 * limit {
			if id := add(2 + i); i < limit {
				want = append(want, id)
			}
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("Append waited %v for a disk that refuses", waited)
		}
		if got := l.Status().Lost; got != limit {
			t.Errorf("%d records lost, want %d", got, limit)
		}
		time.Sleep(3 * time.Minute)
		if got := strings.Count(log.String(), "ledger is degraded"); got < 3 || got > 4 {
			t.Errorf("logged %d times in three minutes:\n%s", got, log.String())
		}

		d.full.Store(false)
		time.Sleep(time.Second)
		want = append(want, add(1000))
		flush(t, l)
		if diff := cmp.Diff(requestIDs(records(t, l, Query{Limit: maxPage})), want); diff != "" {
			t.Error(diff)
		}
		if s := l.Status(); s.Degraded || s.Lost != limit {
			t.Errorf("when there is room again: %+v", s)
		}
		if !strings.Contains(log.String(), "ledger works again") {
			t.Errorf("the log does not say that it works again:\n%s", log.String())
		}
		if got := total(t, l).Calls; got != int64(len(want)+limit) {
			t.Errorf("minutes count %d calls, want all %d", got, len(want)+limit)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What a full disk keeps Close from writing is lost, and Close and Status say so.
func TestCloseOnFullDisk(t *testing.T) {
	t.Parallel()
	var d disk
	l, err := Open(t.Context(), Config{Dir: t.TempDir(), create: d.create, CommitEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	d.full.Store(true)
	for i := range 3 {
		l.Append(testRecord(i))
	}
	err = l.Close()
	if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "3 records lost") {
		t.Errorf("Close: got %v, want %v and a number", err, errFull)
	}
	if got := l.Status().Lost; got != 3 {
		t.Errorf("%d records lost, want 3", got)
	}
}

// A sync that fails degrades the ledger and loses nothing.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var d disk
		l, err := Open(t.Context(), Config{Dir: dir, create: d.create})
		if err != nil {
			t.Fatal(err)
		}
		d.noSync.Store(true)
		l.Append(testRecord(0))
		flush(t, l)
		time.Sleep(time.Second)
		if s := l.Status(); !s.Degraded || !errors.Is(s.Err, errFull) {
			t.Errorf("got %+v, want degraded", s)
		}
		d.noSync.Store(false)
		l.Append(testRecord(1))
		flush(t, l)
		time.Sleep(time.Second)
		if s := l.Status(); s.Degraded || s.Lost != 0 {
			t.Errorf("got %+v, want all well", s)
		}
		if got := len(records(t, l, Query{})); got != 2 {
			t.Errorf("%d records, want 2", got)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A full queue makes Append wait for room, but not for long.
func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const wait = 100 * time.Millisecond
		q := newQueue(2, wait, time.Hour)
		r := testRecord(0)
		put := func(wantTaken bool, wantWait time.Duration) {
			t.Helper()
			began := time.Now()
			if taken, waited := q.put(&r), time.Since(began); taken != wantTaken || waited != wantWait {
				t.Errorf("put: got %v after %v, want %v after %v", taken, waited, wantTaken, wantWait)
			}
		}
		put(true, 0)
		put(true, 0)
		put(false, wait)
		time.AfterFunc(wait/2, func() { q.take(nil) })
		put(true, wait/2)
		put(true, 0)
		time.AfterFunc(wait/2, func() { q.setStuck(true) })
		put(false, wait/2)
		put(false, 0)
		q.setStuck(false)
		time.AfterFunc(wait/4, q.close)
		put(false, wait/4)
		put(false, 0)
		if got := q.len(); got != 2 {
			t.Errorf("%d records queued, want 2", got)
		}
	})
}

// A database that cannot be written degrades the ledger and loses nothing: the segments
// wait for it.
func TestDatabaseFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := openTest(t, Config{Dir: dir, LoadEvery: time.Hour, SegmentSize: 1 << 10})
	flush(t, l)
	obstacle := l.reader.days.path(dayOf(testTime))
	if err := os.Mkdir(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 20 {
		r := testRecord(i)
		if i%2 == 1 {
			r.Time = r.Time.AddDate(0, 0, 1) // a day whose database is well
		}
		l.Append(r)
		want = append(want, r.RequestID)
		if err := l.writer.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := l.Flush(t.Context()); err == nil {
			t.Error("Flush reports nothing")
		}
	}
	if s := l.Status(); !s.Degraded || s.Lost != 0 || s.SegmentBytes == 0 {
		t.Errorf("got %+v, want degraded and nothing lost", s)
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	flush(t, l)
	if diff := cmp.Diff(requestIDs(records(t, l, Query{})), want); diff != "" {
		t.Error(diff)
	}
	if s := l.Status(); s.Degraded || s.Lost != 0 {
		t.Errorf("got %+v, want all well", s)
	}
}

// Whoever appends hurries the writer when its timer is late, once for every batch.
func TestQueueHurriesWhenLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const late = 15 * time.Millisecond
		q := newQueue(100, time.Second, late)
		put := func(want bool) {
			t.Helper()
			r := testRecord(1)
			if !q.put(&r) {
				t.Fatal("there was room")
			}
			got := false
			select {
			case <-q.hurry:
				got = true
			default:
			}
			if got != want {
				t.Errorf("hurried: %v, want %v", got, want)
			}
		}
		put(false)
		time.Sleep(late)
		put(false)
		time.Sleep(time.Millisecond)
		put(true)
		time.Sleep(time.Hour)
		put(false) // it was told
		q.take(nil)
		put(false)
		time.Sleep(2 * late)
		put(true)
	})
}
