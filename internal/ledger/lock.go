package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrLocked reports a folder that another process owns.
var ErrLocked = errors.New("another process is using this ledger")

// lockFolder makes this process the owner of dir until the file is closed or the
// process ends, however it ends. The file says who owns it, for people.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(lockPath(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := tryLock(f); err != nil {
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
		}
		return nil, errors.Join(fmt.Errorf("%w: %s (process %s): stop it, or give this one a data folder of its own",
			ErrLocked, dir, owner(f)), f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid()) // a courtesy: the lock holds without it
	}
	return f, nil
}

// tryLock waits for the lock a little. A process that has given it up may still seem to
// hold it: a child that it starts has all its files until it has become another program.
func tryLock(f *os.File) error {
	const tries, pause = 20, 10 * time.Millisecond
	for n := 1; ; n++ {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || n == tries {
			return err
		}
		time.Sleep(pause)
	}
}

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

// owner returns the process number that the lock file names.
func owner(f *os.File) string {
	buf := make([]byte, 20)
	n, _ := f.ReadAt(buf, 0) // an unreadable name is no name
	if pid := strings.TrimSpace(string(buf[:n])); pid != "" {
		return pid
	}
	return "unknown"
}

// Locked reports whether a process owns the ledger in dir now.
func Locked(dir string) (bool, error) {
	f, err := lockFolder(dir)
	if errors.Is(err, ErrLocked) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, f.Close()
}
