package db_test

import (
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
)

func files(nameText ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(nameText); i += 2 {
		m[nameText[i]] = &fstest.MapFile{Data: []byte(nameText[i+1])}
	}
	return m
}

const (
	createA = "CREATE TABLE a (id TEXT PRIMARY KEY); CREATE TABLE b (note TEXT DEFAULT '?;');"
	addA    = "ALTER TABLE a ADD COLUMN size BIGINT NOT NULL DEFAULT 0; INSERT INTO a (id) VALUES ('x')"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		first := files("0001_first.sql", createA)
		both := files("0001_first.sql", createA, "0002_second.sql", addA)
		for _, fs := range []fstest.MapFS{first, first, both, both} {
			if err := d.Migrate(ctx, "room", fs); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Migrate(ctx, "other", files("0001_x.sql", "CREATE TABLE other (id TEXT)")); err != nil {
			t.Errorf("a second room: %v", err)
		}
		if n, err := db.One(ctx, d, db.Value[int64], "SELECT count(*) FROM a WHERE size = 0"); err != nil || n != 1 {
			t.Errorf("got %d, %v, want the second migration applied once", n, err)
		}
		f := func(what string, fs fstest.MapFS, want string) {
			t.Helper()
			if err := d.Migrate(ctx, "room", fs); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", what, err, want)
			}
		}
		f("older program", first, "does not know")
		f("changed", files("0001_first.sql", createA+" ", "0002_second.sql", addA), "0001_first.sql was changed")
		f("changed, with one pending", files("0001_first.sql", createA+" ", "0002_second.sql", addA, "0003_c.sql", "CREATE TABLE c (id TEXT)"), "was changed")
	})
}

func TestMigrateFailureChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		bad := files("0001_first.sql", createA, "0002_second.sql", "CREATE TABLE c (id TEXT); BROKEN")
		err := d.Migrate(ctx, "room", bad)
		if err == nil || !strings.Contains(err.Error(), "0002_second.sql") {
			t.Fatalf("got %v, want an error that names the file", err)
		}
		// Were "a" or "c" still there, these would fail.
		if err := d.Migrate(ctx, "room", files("0001_first.sql", createA, "0002_second.sql", "CREATE TABLE c (id TEXT)")); err != nil {
			t.Error(err)
		}
	})
}

func TestMigratePerEngine(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Migrate(t.Context(), "room", files(
			"0001_x.sqlite.sql", "CREATE TABLE x (engine TEXT DEFAULT 'sqlite', data BLOB)",
			"0001_x.postgres.sql", "CREATE TABLE x (engine TEXT DEFAULT 'postgres', data BYTEA)",
			"0002_y.sql", "INSERT INTO x (data) VALUES (NULL)"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := db.One(t.Context(), d, db.Value[string], "SELECT engine FROM x")
		if err != nil || got != string(d.Engine()) {
			t.Errorf("got %q, %v, want %q", got, err, d.Engine())
		}
	})
}

func TestMigrateRefusesBadNames(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, fs := range []fstest.MapFS{
			files("1_x.sql", ""),
			files("0001_X.sql", ""),
			files("0001_x.mysql.sql", ""),
			files("readme.md", ""),
			files("0002_x.sql", ""),
			files("0001_x.sql", "", "0001_y.sql", ""),
			files("0001_x.sql", "", "0003_y.sql", ""),
		} {
			if err := d.Migrate(t.Context(), "room", fs); err == nil {
				t.Errorf("accepted %v", fs)
			}
		}
	})
}

// Servers that start together migrate once.
func TestMigrateConcurrently(t *testing.T) {
	t.Parallel()
	dbtest.EachURL(t, func(t *testing.T, url string) {
		both := files("0001_first.sql", createA, "0002_second.sql", addA)
		var wg sync.WaitGroup
		for range 4 {
			d := dbtest.Open(t, url)
			wg.Go(func() {
				if err := d.Migrate(t.Context(), "room", both); err != nil {
					t.Errorf("migrate: %v", err)
				}
			})
		}
		wg.Wait()
	})
}
