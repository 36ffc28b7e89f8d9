package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/outcrop-ai/outcrop/internal/ledger/segment"
)

// keepFolder makes the ledger's folder anew where somebody deleted it. Without that,
// everything would seem to work until the next start: files that have no name any more
// take all that is written to them.
func (o *loader) keepFolder(ctx context.Context) error {
	end := o.log.Position()
	locked, err := isFile(lockPath(o.l.cfg.Dir), o.l.lock)
	if err != nil {
		return err
	}
	there, err := isFile(segment.Path(o.dir, end.ID), nil)
	if err != nil || locked && there {
		return err
	}
	if err := o.renewFolder(ctx, locked); err != nil {
		return fmt.Errorf("the ledger's folder %s was deleted while it was in use, and cannot be made anew: %w", o.l.cfg.Dir, err)
	}
	saved := o.loaded.Load()
	err = o.loadRest(ctx)
	saved = o.loaded.Load() - saved
	o.l.logger.Error("the ledger's folder was deleted while it was in use and is made anew: the records in it are lost, but for the last ones",
		"folder", o.l.cfg.Dir, "saved", saved)
	return err
}

// renewFolder takes possession of a new folder, or of the present one if only the
// segments are gone, and has the writer write there.
func (o *loader) renewFolder(ctx context.Context, locked bool) error {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	if !locked {
		lock, err := lockFolder(o.l.cfg.Dir)
		if err != nil {
			return err
		}
		_ = o.l.lock.Close() // of the file that is gone
		o.l.lock = lock
		if err := o.l.reader.days.forget(); err != nil {
			o.l.logger.Warn("ledger: closing a deleted database", "error", err)
		}
	}
	o.log.Renew()
	if err := o.l.writer.flush(ctx); err != nil && !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// loadRest loads what is left of the segment that is open, whose file is gone: it keeps
// its bytes for as long as it is open.
func (o *loader) loadRest(ctx context.Context) error {
	defer o.closeReader()
	for o.reader != nil {
		end := o.readBatch(o.readerID, -1)
		if err := o.loadBatch(ctx, o.readerID); err != nil {
			return err
		}
		if errors.Is(end, io.EOF) || errors.Is(end, segment.ErrCorrupt) {
			return nil
		}
		if end != nil {
			return end
		}
	}
	return nil
}

// isFile reports whether there is a file at path, and that it's the open one, if that
// isn't nil.
func isFile(path string, open *os.File) (bool, error) {
	at, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || open == nil {
		return err == nil, err
	}
	is, err := open.Stat()
	return err == nil && os.SameFile(at, is), err
}
