package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxOpenDays bounds how many databases stay open between uses. Each holds
// connections and caches; a query over a month opens and closes the others.
const maxOpenDays = 3

// day is a day in UTC, as its file's name has it: "2026-11-22".
type day string

func dayOf(t time.Time) day { return day(t.UTC().Format(time.DateOnly)) }

// days opens and closes the databases of a folder. It is safe for concurrent use.
type days struct {
	dir string

	mu   sync.Mutex
	open map[day]*openedDay
	tick int64 // counts uses
}

type openedDay struct {
	store *dayStore
	users int
	gone  bool  // its file is: nobody else is to use it
	used  int64 // days.tick of the last use
}

func newDays(dir string) *days { return &days{dir: dir, open: make(map[day]*openedDay)} }

func (d *days) path(name day) string {
	return filepath.Join(d.dir, "ledger-"+string(name)+".db")
}

// list returns the days that have a file, the earliest first.
func (d *days) list() ([]day, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	var all []day
	for _, e := range entries {
		name, isLedger := strings.CutPrefix(e.Name(), "ledger-")
		name, isDB := strings.CutSuffix(name, ".db")
		if !isLedger || !isDB {
			continue
		}
		if _, err := time.Parse(time.DateOnly, name); err == nil {
			all = append(all, day(name))
		}
	}
	slices.Sort(all)
	return all, nil
}

// use calls f with the database of a day, created if it is missing. Without create,
// f is not called for a day that has no database.
func (d *days) use(ctx context.Context, name day, create bool, f func(*dayStore) error) error {
	o, err := d.acquire(ctx, name, create)
	if err == nil && o == nil {
		return nil
	}
	if err == nil {
		err = errors.Join(f(o.store), d.releaseDay(o))
	}
	if err != nil {
		return fmt.Errorf("ledger of %s: %w", name, err)
	}
	return nil
}

func (d *days) acquire(ctx context.Context, name day, create bool) (*openedDay, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.open[name]
	if o == nil {
		store, err := openDay(ctx, d.path(name), create)
		if err != nil || store == nil {
			return nil, err
		}
		o = &openedDay{store: store}
		d.open[name] = o
	}
	o.users++
	d.tick++
	o.used = d.tick
	return o, nil
}

// releaseDay ends a use, and closes the database used longest ago if too many are open.
func (d *days) releaseDay(o *openedDay) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	o.users--
	if o.gone && o.users == 0 {
		return o.store.db.Close()
	}
	if len(d.open) <= maxOpenDays {
		return nil
	}
	var victim day
	for name, o := range d.open {
		if o.users == 0 && (victim == "" || o.used < d.open[victim].used) {
			victim = name
		}
	}
	if victim == "" {
		return nil
	}
	store := d.open[victim].store
	delete(d.open, victim)
	return store.db.Close()
}

// remove deletes a day's file. A day in use stays, for the next attempt.
func (d *days) remove(name day) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.open[name]; o != nil {
		if o.users > 0 {
			return nil
		}
		delete(d.open, name)
		if err := o.store.db.Close(); err != nil {
			return err
		}
	}
	path := d.path(name)
	for _, p := range []string{path + "-wal", path + "-shm", path} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// forget closes the databases, whose files are gone: at once those that nobody uses,
// the others after their use.
func (d *days) forget() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, o := range d.open {
		if o.gone = true; o.users == 0 {
			errs = append(errs, o.store.db.Close())
		}
	}
	clear(d.open)
	return errors.Join(errs...)
}

// close closes every database.
func (d *days) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, o := range d.open {
		errs = append(errs, o.store.db.Close())
	}
	clear(d.open)
	return errors.Join(errs...)
}
