package db

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// retryAfter is what a client is told when the database cannot be reached.
const retryAfter = time.Second

// classify gives a driver's error its fault kind. It leaves alone what callers branch
// on by identity and what already has a kind.
func classify(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	switch kindOf(err) {
	case fault.Conflict:
		return fault.Wrap(fault.Conflict, err, "The change conflicts with a record that exists.")
	case fault.Unavailable:
		return &fault.Error{
			Kind: fault.Unavailable, Err: err, RetryAfter: retryAfter,
			Message: "The database cannot be reached now. Try again.",
		}
	default:
		return fault.Wrap(fault.Internal, err, "The database failed.")
	}
}

func kindOf(err error) fault.Kind {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteKind(e.Code())
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresKind(e.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fault.Unavailable
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return fault.Unavailable
	}
	return fault.Internal
}

func sqliteKind(code int) fault.Kind {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
		sqlite3.SQLITE_CONSTRAINT_ROWID, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fault.Conflict
	}
	switch code & 0xff { // the primary code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN:
		return fault.Unavailable
	}
	return fault.Internal
}

// postgresKind reads an SQLSTATE, see PostgreSQL's appendix A.
func postgresKind(state string) fault.Kind {
	switch state {
	case "23505", "23503", "23P01": // unique, foreign key, exclusion
		return fault.Conflict
	case "55P03", "40001", "40P01": // lock not available, serialization, deadlock
		return fault.Unavailable
	}
	if len(state) == 5 {
		switch state[:2] {
		case "08", "53", "57", "58": // connection, resources, shut down, system
			return fault.Unavailable
		}
	}
	return fault.Internal
}

// again reports whether the transaction that ended in err may succeed when run anew.
func again(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		primary := e.Code() & 0xff
		return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "40001" || e.Code == "40P01"
	}
	return false
}
