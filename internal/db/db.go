// Package db opens Outcrop's relational databases: SQLite in the data folder, or
// PostgreSQL where several replicas share one state.
//
// Rooms write one SQL text for both engines, with "?" for parameters, TEXT
// identifiers, BIGINT times in milliseconds, "ON CONFLICT" and "RETURNING". The SQL
// itself lives in the rooms, and so do their migrations (see Migrate); this package
// knows no table but its own list of applied migrations.
//
// # What holds on both engines
//
//   - Update runs a function in a serializable transaction and runs it again when the
//     database asks for that, so what it read is still true when it commits.
//   - View reads one consistent snapshot and cannot write.
//   - Errors carry a fault kind: a violated unique or foreign key is Conflict, a
//     database that cannot be reached or stays locked is Unavailable. sql.ErrNoRows
//     and context errors pass through as they are.
//
// # SQLite
//
// One connection writes and a small pool reads, in WAL mode, so readers and the writer
// do not wait for each other; another process (a command run beside the server) waits
// for its turn up to five seconds. A commit is not synced to disk (synchronous=NORMAL):
// in WAL mode it is in the operating system's hands once Update returns, so it outlives
// a kill -9 of the process; a power cut can lose the last commits before the next
// checkpoint, never the database's consistency. "?synchronous=full" in the URL buys
// that too, for one disk sync per commit. Files are created readable by their owner
// only.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Engine is the database behind a DB.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine Engine
	writer *sql.DB
	reader *sql.DB // the same as writer on PostgreSQL
}

// Open opens the database that url names, creating an SQLite file that does not exist
// (not its folder). It reaches the database once before it returns, so a wrong address
// fails here.
//
//	sqlite:path/to/file.db            or any path ending in .db
//	sqlite:file.db?synchronous=full   sync every commit to disk
//	postgres://user:secret@host/name  any URL that libpq understands
func Open(ctx context.Context, url string) (*DB, error) {
	switch scheme, rest, _ := strings.Cut(url, ":"); {
	case scheme == "sqlite":
		return openSQLite(ctx, rest)
	case scheme == "postgres" || scheme == "postgresql":
		return openPostgres(ctx, url)
	case strings.HasSuffix(url, ".db"):
		return openSQLite(ctx, url)
	}
	return nil, fmt.Errorf("database %q: use sqlite:FILE or postgres://…", redact(url))
}

// Engine says which database this is, for the rare statement that needs to know.
func (d *DB) Engine() Engine { return d.engine }

// Close closes every connection once its statement has ended. On SQLite it also folds
// the write-ahead log into the file.
func (d *DB) Close() error {
	if d.reader == d.writer {
		return d.writer.Close()
	}
	return errors.Join(d.reader.Close(), d.writer.Close())
}

// Ping reports whether the database can be reached now.
func (d *DB) Ping(ctx context.Context) error { return classify(d.reader.PingContext(ctx)) }

// Exec runs one statement that writes, in a transaction of its own.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	res, err := d.writer.ExecContext(ctx, d.bind(query), args...)
	return res, classify(err)
}

// Query runs one statement that only reads; a statement that writes and returns rows
// belongs in Update. The caller closes the rows.
func (d *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := d.reader.QueryContext(ctx, d.bind(query), args...)
	return rows, classify(err)
}

func (d *DB) bind(query string) string { return d.engine.bind(query) }

// bind writes the parameters as the engine wants them.
func (e Engine) bind(query string) string {
	if e == PostgreSQL {
		return rebind(query)
	}
	return query
}
