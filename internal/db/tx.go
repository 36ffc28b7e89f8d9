package db

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"
)

// Tx is a transaction, for the length of the function it was handed to. It is not for
// concurrent use.
type Tx struct {
	engine Engine
	tx     *sql.Tx
}

// Querier is what DB and Tx have in common.
type Querier interface {
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Engine says which database this is.
func (t *Tx) Engine() Engine { return t.engine }

// Exec runs one statement.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	res, err := t.tx.ExecContext(ctx, t.engine.bind(query), args...)
	return res, classify(err)
}

// Query runs one statement that returns rows, which may also write. The caller closes
// the rows before the next statement.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := t.tx.QueryContext(ctx, t.engine.bind(query), args...)
	return rows, classify(err)
}

const (
	maxAttempts = 10
	firstPause  = 2 * time.Millisecond
	lastPause   = 200 * time.Millisecond
)

// Update runs f in a serializable transaction, commits when f returns nil and rolls
// back otherwise. When the database finds that the transaction cannot be serialized
// (PostgreSQL) or stays locked by another process (SQLite), f runs again, up to ten
// times: what it does beside the transaction must bear that.
func (d *DB) Update(ctx context.Context, f func(context.Context, *Tx) error) error {
	return d.update(ctx, &sql.TxOptions{Isolation: d.engine.isolation()}, f)
}

func (d *DB) update(ctx context.Context, opts *sql.TxOptions, f func(context.Context, *Tx) error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := d.transact(ctx, d.writer, opts, f)
		if err == nil || !again(err) || attempt == maxAttempts {
			return classify(err)
		}
		// Half of the pause is random, so that two that collided part.
		timer := time.NewTimer(pause/2 + rand.N(pause/2)) //nolint:gosec // spreads retries; nothing depends on it being hard to guess
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		pause = min(2*pause, lastPause)
	}
}

// View runs f in a transaction that only reads: every statement sees the same state.
func (d *DB) View(ctx context.Context, f func(context.Context, *Tx) error) error {
	opts := &sql.TxOptions{Isolation: d.engine.snapshot(), ReadOnly: true}
	return classify(d.transact(ctx, d.reader, opts, f))
}

func (d *DB) transact(ctx context.Context, pool *sql.DB, opts *sql.TxOptions, f func(context.Context, *Tx) error) error {
	tx, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit; ends the transaction when f panics
	if err := f(ctx, &Tx{engine: d.engine, tx: tx}); err != nil {
		return err
	}
	return tx.Commit()
}

// Scanner is the row being read: *sql.Rows.
type Scanner interface {
	Scan(dest ...any) error
}

// All runs a query and returns what scan makes of each row.
func All[T any](ctx context.Context, q Querier, scan func(Scanner) (T, error), query string, args ...any) (all []T, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is also rows.Err's
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, classify(err)
		}
		all = append(all, v)
	}
	return all, classify(rows.Err())
}

// One runs a query and returns what scan makes of its first row, or sql.ErrNoRows.
func One[T any](ctx context.Context, q Querier, scan func(Scanner) (T, error), query string, args ...any) (T, error) {
	var zero T
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return zero, err
	}
	defer func() { _ = rows.Close() }() // its error is also rows.Err's
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return zero, classify(err)
		}
		return zero, sql.ErrNoRows
	}
	v, err := scan(rows)
	if err != nil {
		return zero, classify(err)
	}
	// A statement that writes and returns takes effect row by row: see it to its end.
	for rows.Next() {
	}
	return v, classify(rows.Err())
}

// Value scans a row of one column.
func Value[T any](row Scanner) (v T, err error) {
	err = row.Scan(&v)
	return v, err
}
