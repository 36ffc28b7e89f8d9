package weights

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// spareDisk is how much of a disk the cache leaves free.
const spareDisk = 1 << 30

// syncEvery bounds how much waits to be written to disk, so that giving up is quick and
// other writers don't stall.
const syncEvery = 64 << 20

// errBusy says that another process writes the same packed file.
var errBusy = errors.New("another process writes it")

// write writes the packed file in the background: the matrices of names, in this order.
// The caller sees to it that they outlive close.
func (c *cache) write(names []string, matrices map[string]*kernel.Matrix) {
	c.wait() // one at a time
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	list := packedList{Source: c.source}
	parts := make([][]byte, 0, len(names))
	at := prefaceSize
	for _, n := range names {
		m := matrices[n]
		at = aligned(at)
		list.Tensor = append(list.Tensor, packedTensor{Name: n, Type: m.Type(), Rows: m.Rows(), Cols: m.Cols(), Offset: at, Size: len(m.Packed())})
		parts = append(parts, m.Packed())
		at += len(m.Packed())
	}
	c.writer.Go(func() {
		defer cancel()
		switch err := c.replace(ctx, &list, parts, int64(at)); {
		case err == nil:
			c.o.Log.Info("wrote the packed file of a model", "model", c.source, "file", c.path, "bytes", at)
		case ctx.Err() != nil || errors.Is(err, errBusy):
			c.o.Log.Debug("the packed file of a model is not written", "model", c.source, "reason", err)
		default:
			c.o.Log.Warn("the packed file of a model can't be written; the model is packed again when it is next opened",
				"model", c.source, "file", c.path, "error", err)
		}
	})
}

// replace writes the packed file and puts it in its place, unless another process does.
func (c *cache) replace(ctx context.Context, list *packedList, parts [][]byte, size int64) (err error) {
	if err := os.MkdirAll(c.o.CacheDir, 0o755); err != nil { //nolint:gosec // weights are no secret
		return err
	}
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	c.sweep() // before the room is measured
	if err := roomFor(c.o.CacheDir, size); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.o.CacheDir, c.id+"-*"+partialExt)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = errors.Join(writePacked(ctx, f, list, parts), f.Chmod(0o444), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), c.path)
}

// lock takes this model's packed files, or returns errBusy.
func (c *cache) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.o.CacheDir, c.id+lockExt), os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // no secret
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errBusy
		}
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // closing gives the lock back
}

// roomFor returns an error when a disk has no room for so many bytes.
func roomFor(dir string, size int64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return nil //nolint:nilerr // writing will tell
	}
	if free := int64(s.Bavail) * int64(s.Bsize); free < size+spareDisk { //nolint:gosec,unconvert // other types on other systems
		return fmt.Errorf("%d MB are free for %d MB, of which %d MB have to stay free", free>>20, size>>20, spareDisk>>20)
	}
	return nil
}

// output is where a packed file is written to.
type output interface {
	io.Writer
	io.WriterAt
	Sync() error
}

// writePacked writes a packed file. The preface, which makes it one, comes last.
func writePacked(ctx context.Context, f output, list *packedList, parts [][]byte) error {
	w := &packedWriter{ctx: ctx, f: f}
	w.write(make([]byte, prefaceSize))
	for i, data := range parts {
		t := &list.Tensor[i]
		w.write(make([]byte, t.Offset-w.at))
		for n := range chunks(len(data)) {
			part := chunk(data, n)
			t.Sums = append(t.Sums, checksum(part))
			w.write(part)
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	preface := binary.LittleEndian.AppendUint64([]byte(packedMagic), uint64(w.at)) //nolint:gosec // positive
	preface = binary.LittleEndian.AppendUint64(preface, uint64(len(text)))
	preface = binary.LittleEndian.AppendUint32(preface, checksum(text))
	w.write(text)
	if w.err != nil {
		return w.err
	}
	if _, err := f.WriteAt(preface, 0); err != nil {
		return err
	}
	return f.Sync()
}

// packedWriter writes until something goes wrong.
type packedWriter struct {
	ctx    context.Context //nolint:containedctx // of one call of writePacked
	f      output
	at     int
	synced int
	err    error
}

func (w *packedWriter) write(b []byte) {
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err != nil {
		return
	}
	_, w.err = w.f.Write(b)
	w.at += len(b)
	if w.err == nil && w.at-w.synced >= syncEvery {
		w.synced, w.err = w.at, w.f.Sync()
	}
}

// sweep removes what is of no use any more: files that this model had before it or this
// program changed, what a process left that ended while it wrote, and packed files of
// models that are gone. The caller holds the lock.
func (c *cache) sweep() {
	entries, err := os.ReadDir(c.o.CacheDir)
	if err != nil {
		return
	}
	for _, e := range entries {
		path := filepath.Join(c.o.CacheDir, e.Name())
		own := strings.HasPrefix(e.Name(), c.id+"-")
		useless := false
		switch filepath.Ext(path) {
		case partialExt:
			useless = own || untouched(e)
		case packedExt:
			useless = own && path != c.path || orphan(path)
		}
		if useless {
			_ = os.Remove(path) // some other time, if it can't be done now
		}
	}
}

// untouched reports whether a file has not been written to for a day: nobody writes for
// that long.
func untouched(e fs.DirEntry) bool {
	info, err := e.Info()
	return err == nil && time.Since(info.ModTime()) > 24*time.Hour
}

// orphan reports whether path is the packed file of a model that is gone.
func orphan(path string) bool {
	f, err := mapping.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	var list *packedList
	err = f.Guard(func() (err error) {
		list, err = parsePacked(f.Data())
		return err
	})
	if err != nil {
		return false // perhaps of another version, which will see to it
	}
	_, err = os.Stat(list.Source)
	return errors.Is(err, fs.ErrNotExist)
}

// aligned returns the next offset at which a matrix may start.
func aligned(at int) int { return (at + alignment - 1) / alignment * alignment }
