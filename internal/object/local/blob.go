package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// file is what a body is written to.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// draft is a body that has arrived and belongs to nobody yet.
type draft struct {
	id   string // of the blob; empty: the body is
	sums object.Sums
}

// copyBuffers holds the buffers that bodies pass through.
type copyBuffers struct{ pool sync.Pool }

const copyBuffer = 128 << 10

func (c *copyBuffers) get() *[]byte {
	if b, ok := c.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, copyBuffer)
	return &b
}

// receive reads a body into tmp/ and syncs it. The file is gone again on error.
func (s *Store) receive(body io.Reader, o *object.PutOptions) (_ draft, err error) {
	m := object.NewMeter(body, o)
	buf := s.leases.buffers.get()
	defer s.leases.buffers.pool.Put(buf)
	n, err := io.ReadAtLeast(m, *buf, 1)
	if err == io.EOF { //nolint:errorlint // as readers return it
		return draft{sums: m.Sums()}, nil
	}
	if err != nil {
		return draft{}, err
	}
	d := draft{id: newID()}
	raw, err := os.OpenFile(s.tmpPath(d.id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return draft{}, diskError(err)
	}
	f := file(raw)
	if s.wrap != nil {
		f = s.wrap(f)
	}
	defer func() {
		if err != nil {
			_ = f.Close()                  // the error that is returned says more
			_ = os.Remove(s.tmpPath(d.id)) // else the next Open does
		}
	}()
	out := diskWriter{f}
	if _, err := out.Write((*buf)[:n]); err != nil {
		return draft{}, err
	}
	if _, err := io.CopyBuffer(out, struct{ io.Reader }{m}, *buf); err != nil {
		return draft{}, err
	}
	if err := errors.Join(f.Sync(), f.Close(), syncDir(s.path("tmp"))); err != nil {
		return draft{}, diskError(err)
	}
	d.sums = m.Sums()
	return d, nil
}

// diskWriter tells a full disk from a body that breaks off.
type diskWriter struct{ file file }

// Write implements io.Writer.
func (w diskWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	return n, diskError(err)
}

// syncDir makes the entries of a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// diskError names a full disk for the client.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &object.Error{Code: object.ServiceUnavailable, Message: "The disk that holds the objects is full.", Err: err}
	}
	return err
}

// keep runs f in the transaction that gives a draft to its owner.
func (s *Store) keep(ctx context.Context, d draft, f func(context.Context, *db.Tx) error) error {
	// The body is here: whether its client still waits changes nothing.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	err := s.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		if d.id != "" {
			if _, err := tx.Exec(ctx, `INSERT INTO blob (id) VALUES (?)`, d.id); err != nil {
				return err
			}
		}
		return f(ctx, tx)
	})
	if d.id == "" {
		return err
	}
	if err == nil {
		return s.place(ctx, d.id)
	}
	// A commit that failed may have happened: the database knows.
	if e := s.settle(ctx, d.id); e != nil {
		s.log.WarnContext(ctx, "a body stays in tmp until the next start", "err", e)
	}
	return err
}

// place moves a body that has just been kept. Who replaced its object since then has
// already removed it.
func (s *Store) place(ctx context.Context, id string) error {
	err := s.move(id)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	used, e := s.used(ctx, id)
	if e != nil || used {
		return errors.Join(err, e)
	}
	return nil
}

// leases knows which blobs are being read, so that they are not removed meanwhile.
type leases struct {
	buffers copyBuffers

	mu    sync.Mutex
	held  map[string]int
	freed bool // a blob was spared because it was held
}

func (l *leases) take(segs []segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]int{}
	}
	for _, s := range segs {
		l.held[s.blob]++
	}
}

// release reports whether there may be something to collect.
func (l *leases) release(segs []segment) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range segs {
		if l.held[s.blob]--; l.held[s.blob] <= 0 {
			delete(l.held, s.blob)
		}
	}
	again := l.freed
	l.freed = false
	return again
}

// spare reports whether a blob is being read.
func (l *leases) spare(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.held[id] > 0
	l.freed = l.freed || held
	return held
}

// collect removes the files that nothing refers to. What cannot be removed now is left
// for the next time.
func (s *Store) collect(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	const batch = 500
	after := ""
	for {
		ids, err := db.All(ctx, s.db, scanText, `SELECT id FROM blob WHERE refs = 0 AND id > ? ORDER BY id LIMIT ?`, after, batch)
		if err != nil || len(ids) == 0 {
			s.logCollect(ctx, err)
			return
		}
		after = ids[len(ids)-1]
		var gone []string
		for _, id := range ids {
			if s.leases.spare(id) {
				continue
			}
			if err := s.remove(id); err != nil {
				s.logCollect(ctx, err)
				continue
			}
			gone = append(gone, id)
		}
		err = s.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
			for _, id := range gone {
				if _, err := tx.Exec(ctx, `DELETE FROM blob WHERE id = ? AND refs = 0`, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(ids) < batch {
			s.logCollect(ctx, err)
			return
		}
	}
}

// remove removes a blob's file, wherever it is.
func (s *Store) remove(id string) error {
	for _, path := range []string{s.blobPath(id), s.tmpPath(id)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s *Store) logCollect(ctx context.Context, err error) {
	if err != nil {
		s.log.WarnContext(ctx, "objects that were deleted still take room on the disk", "err", err)
	}
}
