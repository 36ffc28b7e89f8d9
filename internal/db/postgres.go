package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// pgConns bounds the connections of one replica: small enough for a dozen replicas
// under PostgreSQL's default limit of 100.
const (
	pgConns     = 8
	pgIdleConns = 4
	pgIdleTime  = 5 * time.Minute
)

func openPostgres(ctx context.Context, dsn string) (*DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil { // pgx hides the password in its errors
		return nil, fmt.Errorf("database %s: %w", redact(dsn), err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "outcrop"
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(pgConns)
	pool.SetMaxIdleConns(pgIdleConns)
	pool.SetConnMaxIdleTime(pgIdleTime)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", redact(dsn), classify(err)), pool.Close())
	}
	return &DB{engine: PostgreSQL, writer: pool, reader: pool}, nil
}

// isolation is what Update asks for: SQLite's only writer is serializable by nature.
func (e Engine) isolation() sql.IsolationLevel {
	if e == PostgreSQL {
		return sql.LevelSerializable
	}
	return sql.LevelDefault
}

// snapshot is what View asks for.
func (e Engine) snapshot() sql.IsolationLevel {
	if e == PostgreSQL {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// redact removes the password from a database URL.
func redact(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "(not a URL)"
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}
