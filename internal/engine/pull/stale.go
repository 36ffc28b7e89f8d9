package pull

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// staleAfter is how long half a model waits for somebody to go on fetching it.
const staleAfter = 7 * 24 * time.Hour

// sweep removes what was fetched of models that nobody has gone on with for long. What
// can't be removed now is left to another time.
func (p *Puller) sweep() {
	root := filepath.Join(p.cfg.Dir, ".partial")
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, e := range entries {
		work := filepath.Join(root, e.Name())
		id, _, named := strings.Cut(e.Name(), "-")
		if !e.IsDir() || !named || !stale(work, time.Now()) {
			continue
		}
		if unlock := p.tryLock(id); unlock != nil {
			_ = os.RemoveAll(work)
			unlock()
		}
	}
}

// stale reports whether nothing below dir has changed for long.
func stale(dir string, now time.Time) bool {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && now.Sub(info.ModTime()) < staleAfter {
			err = fs.ErrExist // something young
		}
		return err
	})
	return err == nil
}

// tryLock takes the lock of a model, or returns nil when somebody has it.
func (p *Puller) tryLock(id string) (unlock func()) {
	f, err := os.OpenFile(filepath.Join(p.cfg.Dir, ".lock", id), os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // no secret
	if err != nil {
		return nil
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = errors.Join(err, f.Close()) // somebody is at it
		return nil
	}
	return func() { _ = f.Close() } // closing gives the lock back
}
