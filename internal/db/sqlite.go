package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // registers the "sqlite" driver
)

const (
	// readConns bounds the readers. Reads of the pure-Go engine do not scale over
	// cores, so more connections would only hold more memory.
	readConns    = 4
	readIdleTime = 5 * time.Minute
)

func openSQLite(ctx context.Context, rest string) (*DB, error) {
	path, sync, err := parseSQLite(rest)
	if err != nil {
		return nil, err
	}
	if err := createPrivate(path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	common := "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)&_dqs=0"
	file := "file:" + (&url.URL{Path: path}).EscapedPath() + common
	// A WAL that once grew is cut back to 32 MiB at the next checkpoint.
	writer, err := sql.Open("sqlite", file+"&_txlock=immediate&_pragma=journal_mode(wal)"+
		"&_pragma=journal_size_limit(33554432)&_pragma=synchronous("+sync+")")
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	writer.SetMaxOpenConns(1)
	writer.SetMaxIdleConns(1)
	if err := firstPing(ctx, writer); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, classify(err)), writer.Close())
	}
	reader, err := sql.Open("sqlite", file+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), writer.Close())
	}
	reader.SetMaxOpenConns(readConns)
	reader.SetMaxIdleConns(readConns)
	reader.SetConnMaxIdleTime(readIdleTime)
	return &DB{engine: SQLite, writer: writer, reader: reader}, nil
}

// firstPing connects. The change to WAL mode needs the file for itself and does not
// heed busy_timeout, so that processes that start together get in each other's way.
func firstPing(ctx context.Context, writer *sql.DB) error {
	const patience, pause = 5 * time.Second, 20 * time.Millisecond
	for start := time.Now(); ; {
		err := writer.PingContext(ctx)
		if err == nil || !again(err) || time.Since(start) > patience {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// parseSQLite splits "path?synchronous=full". "//" before an absolute path, as in a
// URL, is allowed.
func parseSQLite(rest string) (path, sync string, err error) {
	path, query, _ := strings.Cut(rest, "?")
	if after, ok := strings.CutPrefix(path, "//"); ok {
		path = after
	}
	if path == "" || strings.Contains(path, ":memory:") {
		return "", "", errors.New("database sqlite: name a file; a database in memory cannot be shared between readers and the writer")
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return "", "", fmt.Errorf("database sqlite:%s: %w", rest, err)
	}
	sync = "normal"
	for k, v := range params {
		if k != "synchronous" || len(v) != 1 || v[0] != "full" && v[0] != "normal" {
			return "", "", fmt.Errorf("database sqlite:%s: the only option is synchronous=normal or synchronous=full", rest)
		}
		sync = v[0]
	}
	return path, sync, nil
}

// createPrivate makes the file if it is missing. SQLite would create it with the
// process's default mode; its side files take the mode of the file itself.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
