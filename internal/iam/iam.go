// Package iam keeps the keys that prove who calls, and decides what each may do.
//
// For now it knows the account's root key and keys with a list of allowed actions and
// resources, of two kinds: access keys, which sign requests, and bearer keys, which are
// sent with them. Users, roles and attached policies join them here later; a key's list
// is already held as a policy document, so the decision is the same one.
//
// # What is stored
//
// Keys live in the control plane's database. A bearer key is stored as its SHA-256. The
// secret of an access key must be known to verify a signature, so it is sealed with
// AES-256-GCM under a master key, which is a file of its own in the data folder
// (master.key, readable by its owner): a copy of the database alone opens nothing. The
// database remembers which master key it belongs to, and Open refuses another one.
//
// The first start makes the root key and writes it to credentials.json in the data
// folder, readable by its owner, in the form that AWS's credential_process has. The
// database is the truth and the file a copy that each start repairs, so a process killed
// between the two loses nothing, and any number of first starts at once agree on one key.
//
// # What is fresh
//
// Requests are answered from an immutable snapshot in memory. A change made through the
// same Store is in the snapshot when the call returns. A change made by another process,
// such as "outcrop key revoke" or another replica, is noticed by Run, which asks the
// database for a version number twice a second. While the database cannot be reached the
// last snapshot stays in use: keys keep working, and revocations arrive when it is back.
package iam

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is what a Store needs.
type Config struct {
	DB      *db.DB // required
	Dir     string // the data folder, which exists; for master.key and credentials.json
	Account string // twelve digits; the account of the root key and of new keys

	// MasterKey seals secrets: 32 bytes. Nil means Dir/master.key, made at the first
	// start. Replicas that share a database and no folder need it.
	MasterKey []byte

	Poll   time.Duration    // how often Run looks for changes; default 500 ms
	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default: discards
}

func (c Config) withDefaults() Config {
	if c.Poll == 0 {
		c.Poll = 500 * time.Millisecond
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

var accountFormat = regexp.MustCompile(`^\d{12}$`)

func (c Config) validate() error {
	var problems []error
	if c.DB == nil {
		problems = append(problems, errors.New("no DB"))
	}
	if c.Dir == "" {
		problems = append(problems, errors.New("no Dir"))
	}
	if !accountFormat.MatchString(c.Account) {
		problems = append(problems, fmt.Errorf("account %q is not twelve digits", c.Account))
	}
	if c.MasterKey != nil && len(c.MasterKey) != masterKeySize {
		problems = append(problems, fmt.Errorf("the master key has %d bytes, want %d", len(c.MasterKey), masterKeySize))
	}
	return errors.Join(problems...)
}

// Store holds the keys. It is safe for concurrent use.
type Store struct {
	cfg     Config
	sealer  *sealer
	current atomic.Pointer[snapshot]

	mu       sync.Mutex // held while a snapshot is loaded, so that none replaces a newer one
	reloaded func()     // told of each new snapshot; for tests
}

// Open prepares the tables, the master key and the root key, and loads the keys. The
// Store needs no closing; the database stays the caller's.
func Open(ctx context.Context, c Config) (*Store, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("iam: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := c.DB.Migrate(ctx, "iam", files); err != nil {
		return nil, err
	}
	s := &Store{cfg: c, reloaded: func() {}}
	if s.sealer, err = openSealer(ctx, c); err != nil {
		return nil, fmt.Errorf("iam: %w", err)
	}
	if err := s.ensureRoot(ctx); err != nil {
		return nil, fmt.Errorf("root key: %w", err)
	}
	for _, name := range []string{masterKeyFile, credentialsFile} {
		path := filepath.Join(c.Dir, name)
		removeStale(path, time.Now()) // compared with the file system's clock
		s.warnExposed(path)
	}
	return s, nil
}

// Run looks for changes made by other processes until ctx ends, and then returns nil.
func (s *Store) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.cfg.Poll)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := s.poll(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failing:
			s.cfg.Logger.Warn("keys: cannot read changes; the keys known so far stay in use", "error", err)
		case err == nil && failing:
			s.cfg.Logger.Info("keys: changes are being read again")
		}
		failing = err != nil
	}
}

// pollTimeout bounds one look at the database.
const pollTimeout = 10 * time.Second

// poll loads a new snapshot if the database has changed.
func (s *Store) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	version, err := db.One(ctx, s.cfg.DB, db.Value[int64], `SELECT version FROM iam_change WHERE id = 1`)
	if err != nil || version == s.current.Load().version {
		return err
	}
	return s.reload(ctx)
}

// bump tells every process that the keys have changed. It is part of each change.
func bump(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE iam_change SET version = version + 1 WHERE id = 1`)
	return err
}
