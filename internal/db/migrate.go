package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// The list of applied migrations, one row each, in every database.
const migrationTable = `CREATE TABLE IF NOT EXISTS outcrop_migration (
	room TEXT NOT NULL,
	version BIGINT NOT NULL,
	name TEXT NOT NULL,
	checksum TEXT NOT NULL,
	applied_ms BIGINT NOT NULL,
	PRIMARY KEY (room, version)
)`

// migrationLock is the key of the advisory lock that one migrating replica holds on
// PostgreSQL; "outcrop" in ASCII. SQLite's write transaction is lock enough.
const migrationLock = 0x6f757463726f70

var migrationName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+(?:\.(sqlite|postgres))?\.sql$`)

type migration struct {
	version  int
	name     string
	checksum string
	text     string // empty when only known from the database
}

// Migrate brings the tables of one room up to date. The migrations are the files
// NNNN_title.sql at the root of files, numbered from 0001 without a gap; one that must
// differ comes twice, as NNNN_title.sqlite.sql and NNNN_title.postgres.sql.
//
// All pending ones run in one transaction, so a failure leaves the database as it was,
// and servers that start at the same time wait for each other. A migration that was
// applied is never edited: when its text has changed, or the database has one that
// files lacks (an older program on newer data), Migrate refuses and changes nothing.
func (d *DB) Migrate(ctx context.Context, room string, files fs.FS) error {
	want, err := readMigrations(files, d.engine)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", room, err)
	}
	// Nothing to do, as at nearly every start, is found without the lock.
	if have, err := applied(ctx, d, room); err == nil && len(have) == len(want) && check(have, want) == nil {
		return nil
	}
	// Not serializable: what is read after waiting for the lock must be what the holder
	// committed, not the state from before the wait.
	err = d.update(ctx, &sql.TxOptions{}, func(ctx context.Context, tx *Tx) error { return migrate(ctx, tx, room, want) })
	if err != nil {
		return fmt.Errorf("migrate %s: %w", room, err)
	}
	return nil
}

func migrate(ctx context.Context, tx *Tx, room string, want []migration) error {
	if tx.engine == PostgreSQL {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(?)`, int64(migrationLock)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, migrationTable); err != nil {
		return err
	}
	have, err := applied(ctx, tx, room)
	if err != nil {
		return err
	}
	if err := check(have, want); err != nil {
		return err
	}
	for _, m := range want[len(have):] {
		if _, err := tx.tx.ExecContext(ctx, m.text); err != nil { // not rebound: it has no parameters
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO outcrop_migration (room, version, name, checksum, applied_ms) VALUES (?, ?, ?, ?, ?)`,
			room, m.version, m.name, m.checksum, time.Now().UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

func applied(ctx context.Context, q Querier, room string) ([]migration, error) {
	scan := func(row Scanner) (m migration, err error) {
		err = row.Scan(&m.version, &m.name, &m.checksum)
		return m, err
	}
	return All(ctx, q, scan, `SELECT version, name, checksum FROM outcrop_migration WHERE room = ? ORDER BY version`, room)
}

// check compares what was applied with what this program would have applied.
func check(have, want []migration) error {
	for i, h := range have {
		switch {
		case i >= len(want):
			return fmt.Errorf("the database has migration %04d (%s), which this version of outcrop does not know: use the newer version that wrote it", h.version, h.name)
		case h.version != want[i].version:
			return fmt.Errorf("the database has migration %04d (%s) where %04d is expected", h.version, h.name, want[i].version)
		case h.checksum != want[i].checksum:
			return fmt.Errorf("migration %s was changed after it was applied (as %s)", want[i].name, h.name)
		}
	}
	return nil
}

func readMigrations(files fs.FS, engine Engine) ([]migration, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, e := range entries {
		m := migrationName.FindStringSubmatch(e.Name())
		if m == nil {
			return nil, fmt.Errorf("%s is not named NNNN_title.sql", e.Name())
		}
		if m[2] != "" && m[2] != string(engine) {
			continue
		}
		text, err := fs.ReadFile(files, e.Name())
		if err != nil {
			return nil, err
		}
		version, _ := strconv.Atoi(m[1]) // four digits by the pattern
		sum := sha256.Sum256(text)
		all = append(all, migration{version: version, name: e.Name(), checksum: hex.EncodeToString(sum[:]), text: string(text)})
	}
	slices.SortFunc(all, func(a, b migration) int { return a.version - b.version })
	for i, m := range all {
		if m.version != i+1 {
			return nil, fmt.Errorf("%s: expected number %04d: migrations count from 0001 without gaps or repeats", m.name, i+1)
		}
	}
	return all, nil
}
