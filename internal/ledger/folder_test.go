package ledger

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

// A folder that somebody deletes is noticed, said once and made anew, and what was not
// in its databases yet is saved.
func TestFolderDeleted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		what func(dir string) string
		kept int // records that were in the databases before
	}{
		{"all of it", func(dir string) string { return dir }, 0},
		{"the segments", segmentsOf, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/ledger"
			var log lockedBuffer
			l := openTest(t, Config{Dir: dir, LoadEvery: time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			add := func(i int) {
				l.Append(testRecord(i))
			}
			add(0)
			add(1)
			flush(t, l)
			add(2)
			if err := l.writer.flush(t.Context()); err != nil { // in a segment, not in a database
				t.Fatal(err)
			}
			if err := os.RemoveAll(test.what(dir)); err != nil {
				t.Fatal(err)
			}
			add(3)
			flush(t, l)
			add(4)
			flush(t, l)
			if got, want := len(records(t, l, Query{})), test.kept+3; got != want {
				t.Errorf("%d records, want %d", got, want)
			}
			if got := strings.Count(log.String(), "folder was deleted"); got != 1 {
				t.Errorf("logged %d times, want once:\n%s", got, log.String())
			}
			if s := l.Status(); s.Degraded {
				t.Errorf("still degraded: %+v", s)
			}
			if _, err := Open(t.Context(), Config{Dir: dir}); !errors.Is(err, ErrLocked) {
				t.Errorf("a second ledger in the new folder: got %v, want %v", err, ErrLocked)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			again := openTest(t, Config{Dir: dir})
			flush(t, again)
			if got, want := len(records(t, again, Query{})), test.kept+3; got != want {
				t.Errorf("%d records after a start, want %d", got, want)
			}
		})
	}
}

// Where another process has taken the name, nothing is written to its folder.
func TestFolderTakenOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/ledger"
	l := openTest(t, Config{Dir: dir, LoadEvery: time.Hour})
	l.Append(testRecord(0))
	flush(t, l)
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	other := openTest(t, Config{Dir: dir, LoadEvery: time.Hour})
	l.Append(testRecord(1))
	if err := l.Flush(t.Context()); !errors.Is(err, ErrLocked) {
		t.Errorf("Flush: got %v, want %v", err, ErrLocked)
	}
	if s := l.Status(); !s.Degraded || !errors.Is(s.Err, ErrLocked) {
		t.Errorf("status: %+v", s)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	flush(t, l) // the name is free
	if got := len(records(t, l, Query{})); got == 0 {
		t.Error("no records after the folder was free again")
	}
}
