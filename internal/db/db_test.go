package db_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustExec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	if _, err := d.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestReadWhatWasWritten(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		mustExec(t, d, "CREATE TABLE item (id TEXT PRIMARY KEY, size BIGINT NOT NULL, note TEXT)")
		mustExec(t, d, "INSERT INTO item (id, size, note) VALUES (?, ?, '?'), (?, ?, NULL)", "a", 1<<40, "b", -1)

		type item struct {
			ID   string
			Size int64
			Note sql.NullString
		}
		scan := func(row db.Scanner) (it item, err error) {
			err = row.Scan(&it.ID, &it.Size, &it.Note)
			return it, err
		}
		got, err := db.All(ctx, d, scan, "SELECT id, size, note FROM item WHERE size > ? ORDER BY id", -10)
		if err != nil {
			t.Fatal(err)
		}
		want := []item{{"a", 1 << 40, sql.NullString{String: "?", Valid: true}}, {"b", -1, sql.NullString{}}}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("rows (-got +want):\n%s", diff)
		}
		if _, err := db.One(ctx, d, scan, "SELECT id, size, note FROM item WHERE id = ?", "c"); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("no row: got %v, want sql.ErrNoRows", err)
		}
		n, err := db.One(ctx, d, db.Value[int64], "SELECT count(*) FROM item")
		if err != nil || n != 2 {
			t.Errorf("count: got %d, %v, want 2", n, err)
		}
	})
}

func TestErrorsHaveKinds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		mustExec(t, d, "CREATE TABLE parent (id TEXT PRIMARY KEY)")
		mustExec(t, d, "CREATE TABLE child (id TEXT UNIQUE, parent TEXT NOT NULL REFERENCES parent (id))")
		mustExec(t, d, "INSERT INTO parent (id) VALUES ('p')")
		mustExec(t, d, "INSERT INTO child (id, parent) VALUES ('c', 'p')")
		f := func(query string, want fault.Kind) {
			t.Helper()
			_, err := d.Exec(t.Context(), query)
			if err == nil || fault.KindOf(err) != want {
				t.Errorf("%s: got %v (%s), want %s", query, err, fault.KindOf(err), want)
			}
		}
		f("INSERT INTO parent (id) VALUES ('p')", fault.Conflict)
		f("INSERT INTO child (id, parent) VALUES ('c', 'p')", fault.Conflict)
		f("INSERT INTO child (id, parent) VALUES ('d', 'nobody')", fault.Conflict)
		f("DELETE FROM parent WHERE id = 'p'", fault.Conflict)
		f("INSERT INTO child (id, parent) VALUES ('e', NULL)", fault.Internal)
		f("SELEC", fault.Internal)

		_, err := d.Exec(t.Context(), "INSERT INTO parent (id) VALUES ('p')")
		if e, ok := errors.AsType[*fault.Error](err); !ok || strings.Contains(e.Message, "parent") {
			t.Errorf("the client's message %q shows the schema", e.Message)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.Exec(ctx, "SELECT 1"); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: got %v", err)
		}
	})
}

func TestUpdateRollsBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		mustExec(t, d, "CREATE TABLE n (v BIGINT NOT NULL)")
		sentinel := errors.New("no")
		err := d.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO n (v) VALUES (?)", 1); err != nil {
				return err
			}
			return sentinel
		})
		if !errors.Is(err, sentinel) {
			t.Errorf("got %v, want the function's error", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = d.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
				_, _ = tx.Exec(ctx, "INSERT INTO n (v) VALUES (?)", 1)
				panic("a defect in the caller")
			})
		}()
		n, err := db.One(ctx, d, db.Value[int64], "SELECT count(*) FROM n")
		if err != nil || n != 0 {
			t.Errorf("got %d rows, %v, want none", n, err)
		}
	})
}

func TestViewCannotWrite(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		mustExec(t, d, "CREATE TABLE n (v BIGINT NOT NULL)")
		err := d.View(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO n (v) VALUES (1)")
			return err
		})
		if err == nil {
			t.Error("a View wrote a row")
		}
	})
}

// Every increment reads and then writes: a lost update would show in the sum.
func TestUpdateIsSerializable(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		mustExec(t, d, "CREATE TABLE n (id BIGINT PRIMARY KEY, v BIGINT NOT NULL)")
		mustExec(t, d, "INSERT INTO n (id, v) VALUES (1, 0)")
		const workers, rounds = 4, 10
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range rounds {
					err := d.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
						v, err := db.One(ctx, tx, db.Value[int64], "SELECT v FROM n WHERE id = 1")
						if err != nil {
							return err
						}
						_, err = tx.Exec(ctx, "UPDATE n SET v = ? WHERE id = 1", v+1)
						return err
					})
					if err != nil {
						t.Errorf("update: %v", err)
					}
				}
			})
		}
		wg.Wait()
		got, err := db.One(ctx, d, db.Value[int64], "SELECT v FROM n WHERE id = 1")
		if err != nil || got != workers*rounds {
			t.Errorf("got %d, %v, want %d", got, err, workers*rounds)
		}
	})
}

// Two handles on one file stand for two processes.
func TestTwoHandlesShareAFile(t *testing.T) {
	t.Parallel()
	dbtest.EachURL(t, func(t *testing.T, url string) {
		a, b := dbtest.Open(t, url), dbtest.Open(t, url)
		mustExec(t, a, "CREATE TABLE n (v BIGINT NOT NULL)")
		var wg sync.WaitGroup
		for _, d := range []*db.DB{a, b} {
			wg.Go(func() {
				for i := range 20 {
					if _, err := d.Exec(t.Context(), "INSERT INTO n (v) VALUES (?)", i); err != nil {
						t.Errorf("insert: %v", err)
					}
				}
			})
		}
		wg.Wait()
		for _, d := range []*db.DB{a, b} {
			if n, err := db.One(t.Context(), d, db.Value[int64], "SELECT count(*) FROM n"); err != nil || n != 40 {
				t.Errorf("got %d, %v, want 40", n, err)
			}
		}
	})
}

func TestReturningIsSeenToItsEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		mustExec(t, d, "CREATE TABLE n (v BIGINT NOT NULL)")
		mustExec(t, d, "INSERT INTO n (v) VALUES (1), (2), (3)")
		err := d.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := db.One(ctx, tx, db.Value[int64], "UPDATE n SET v = v + 10 RETURNING v")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := db.All(ctx, d, db.Value[int64], "SELECT v FROM n ORDER BY v")
		if err != nil || !slices.Equal(got, []int64{11, 12, 13}) {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	f := func(url, want string) {
		t.Helper()
		d, err := db.Open(t.Context(), url)
		if err == nil {
			_ = d.Close()
			t.Fatalf("Open(%q) succeeded", url)
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q): %v, want %q in it and no password", url, err, want)
		}
	}
	f("", "use sqlite:FILE or postgres://")
	f("mysql://root:hunter2@db/x", "use sqlite:FILE or postgres://")
	f("sqlite:", "name a file")
	f("sqlite::memory:", "name a file")
	f("sqlite:x.db?synchronous=off", "the only option")
	f("sqlite:x.db?mode=ro", "the only option")
	f("sqlite:"+filepath.Join(t.TempDir(), "missing", "x.db"), "no such file")
	f("postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=2", "127.0.0.1:1")
	f("postgres://u:hunter2@127.0.0.1:notaport/x", "database")
}

func TestUnreachableIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := db.Open(t.Context(), "postgres://u:p@127.0.0.1:1/x?connect_timeout=2")
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v (%s), want unavailable", err, fault.KindOf(err))
	}
}

func TestNotADatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), path)
	if err == nil {
		_ = d.Close()
		t.Fatal("opened a text file")
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("%v does not name the file", err)
	}
}

func TestFileIsPrivateAndOddNamesWork(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "odd ?#%25 né.db")
	// "?" starts the options, so such a name is reached through a path that ends in .db
	// only when it has none; the others are plain characters.
	path = strings.ReplaceAll(path, "?", "")
	d := dbtest.Open(t, "sqlite:"+path)
	mustExec(t, d, "CREATE TABLE n (v BIGINT)")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", filepath.Base(path)+suffix, mode)
		}
	}
}

func TestPragmas(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db")+"?synchronous=full")
	err := d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
			got, err := db.One(ctx, tx, db.Value[string], "PRAGMA "+pragma)
			if err != nil || got != want {
				t.Errorf("%s: got %q, %v, want %q", pragma, got, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func BenchmarkOpenSQLite(b *testing.B) {
	url := "sqlite:" + filepath.Join(b.TempDir(), "x.db")
	for b.Loop() {
		d, err := db.Open(b.Context(), url)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPointRead(b *testing.B) {
	d := dbtest.Open(b, "sqlite:"+filepath.Join(b.TempDir(), "x.db"))
	if _, err := d.Exec(b.Context(), "CREATE TABLE n (id BIGINT PRIMARY KEY, v TEXT)"); err != nil {
		b.Fatal(err)
	}
	if _, err := d.Exec(b.Context(), "INSERT INTO n (id, v) VALUES (1, 'x')"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.One(b.Context(), d, db.Value[string], "SELECT v FROM n WHERE id = ?", 1); err != nil {
			b.Fatal(err)
		}
	}
}
