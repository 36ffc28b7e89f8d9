// Package local keeps objects in a folder of this machine.
//
// # Layout
//
//	objects.db      SQLite: buckets, objects by key, uploads, parts, and which blobs they use
//	blobs/ab/ab12…  the bytes: immutable files with random names
//	tmp/            bodies that are still arriving
//
// Keys are rows, not file names: "a" and "a/b" may both be objects, a key may be 1,024
// bytes of any text, and a listing is a walk along an index that reads only what its page
// shows. An object in parts keeps its parts' files, and a copy shares its source's, so
// completing and copying cost the same for a terabyte as for a byte.
//
// # What survives what
//
// A body is written to tmp/ and synced, then one transaction makes it the object's, then
// the file moves to blobs/. The transaction is the moment when the object changes: before
// it readers see the old one, after it the new one. A process that dies in between leaves
// a file in tmp/; the next Open moves it where it belongs or removes it. Files that nothing
// refers to any more are noted in the transaction that frees them, and removed after it.
//
// Commits are synced too (synchronous=full): what Put has returned for outlives a power
// cut, as far as the disk keeps its word.
//
// One process at a time may have a folder open. Nothing here locks it: the server's ledger
// keeps a second server off the whole data folder.
package local

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/object"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is what a Store needs.
type Config struct {
	Dir    string           // required; made if it is missing
	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // nil: silent
}

// Store is an object.Store in a folder. It is safe for concurrent use.
type Store struct {
	dir    string
	db     *db.DB
	now    func() time.Time
	log    *slog.Logger
	leases leases
	wrap   func(file) file // what tests put between us and the disk
}

var _ object.Store = (*Store)(nil)

// Open opens the store in a folder, and clears away what a process that died has left.
func Open(ctx context.Context, c Config) (_ *Store, err error) {
	if c.Dir == "" {
		return nil, errors.New("object: Config.Dir is empty")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{dir: c.Dir, now: c.Now, log: c.Logger}
	for _, d := range []string{s.dir, s.path("blobs"), s.path("tmp")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("objects: %w", err)
		}
	}
	if s.db, err = db.Open(ctx, "sqlite:"+s.path("objects.db")+"?synchronous=full"); err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.db.Close())
		}
	}()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := s.db.Migrate(ctx, "object", files); err != nil {
		return nil, err
	}
	if err := s.recover(ctx); err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	return s, nil
}

// Close closes the store; no call may be running.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) path(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

// blobPath returns where a blob is once it has been kept.
func (s *Store) blobPath(id string) string { return s.path("blobs", id[:2], id) }

// tmpPath returns where it is before.
func (s *Store) tmpPath(id string) string { return s.path("tmp", id) }

// recover decides about each body that was arriving when the last process died.
func (s *Store) recover(ctx context.Context) error {
	entries, err := os.ReadDir(s.path("tmp"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		id := e.Name()
		if len(id) != idLen {
			continue // not ours
		}
		if err := s.settle(ctx, id); err != nil {
			return err
		}
	}
	s.collect(ctx)
	return nil
}

// settle moves a body of tmp/ to where it belongs if an object or a part has it, and
// removes it if not.
func (s *Store) settle(ctx context.Context, id string) error {
	used, err := s.used(ctx, id)
	if err != nil {
		return err
	}
	if used {
		return s.move(id)
	}
	if err := os.Remove(s.tmpPath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// used reports whether an object or a part has a body.
func (s *Store) used(ctx context.Context, id string) (bool, error) {
	ids, err := db.All(ctx, s.db, scanText, `SELECT id FROM blob WHERE id = ? AND refs > 0`, id)
	return len(ids) > 0, err
}

// move puts a body that is kept in its place.
func (s *Store) move(id string) error {
	to := s.blobPath(id)
	if err := os.Rename(s.tmpPath(id), to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(to); err == nil {
		return nil // somebody else moved it
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.Rename(s.tmpPath(id), to)
}

const idLen = 32

// newID returns a random name, of a blob or an upload.
func newID() string {
	var b [idLen / 2]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return hex.EncodeToString(b[:])
}

func scanText(row db.Scanner) (v string, err error) {
	err = row.Scan(&v)
	return v, err
}
