package weights

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// A packed file holds the matrices of one model as the kernels want them:
//
//	"OUTCROPW"  where the list is, its length, its checksum   32 bytes
//	matrix, matrix, …                                         each aligned to 64 bytes
//	list: JSON                                                names, types, shapes, offsets, checksums
//
// Its name is ID-KEY.packed. ID stands for the path of the model and the way it is
// loaded, KEY for everything that the packed bytes depend on: the size and time of the
// model's files, samples of what is in them, and the versions of both layouts. A file
// of the same ID and another KEY is of no use any more.
//
// Files appear by a rename, whole and synced, and are never written to afterwards:
// processes that have them mapped keep what they have when they are replaced. They have
// no permission to be written, lest somebody cut short what a server computes with.
// Everything is checked before use: the list when the file is opened, and each matrix
// in chunks, which the threads share, when it is taken. Reading what the first token
// needs anyway, that costs next to nothing.
const (
	packedMagic   = "OUTCROPW"
	packedFormat  = 1
	packedExt     = ".packed"
	partialExt    = ".partial"
	lockExt       = ".lock"
	prefaceSize   = 32
	checkedChunk  = 4 << 20
	maxPackedList = 64 << 20
)

// packedList is what is in a packed file.
type packedList struct {
	Source string         `json:"source"` // path of the model
	Tensor []packedTensor `json:"tensors"`
}

// packedTensor is one matrix of a packed file.
type packedTensor struct {
	Name   string      `json:"name"`
	Type   kernel.Type `json:"type"`
	Rows   int         `json:"rows"`
	Cols   int         `json:"cols"`
	Offset int         `json:"offset"`
	Size   int         `json:"size"`
	Sums   []uint32    `json:"sums"` // CRC-32C of each chunk
}

// cache is the place of one model's packed file, and the file if there is a good one.
// What it has to complain about goes to the log.
type cache struct {
	o      *Options
	source string // path of the model
	id     string
	path   string

	file    *mapping.File // nil: none that is of use
	tensors map[string]*packedTensor

	cancel context.CancelFunc // of what writes
	writer sync.WaitGroup
}

// openCache looks for the packed file of a model. It never fails, but may find none; it
// returns nil when the model can't be told from others.
func openCache(path string, src source, o *Options) *cache {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	key, err := cacheKey(src)
	if err != nil {
		return nil // the model has shrunk already; whoever reads it will say so
	}
	c := &cache{o: o, source: abs, id: cacheID(abs, o.Quantize)}
	c.path = filepath.Join(o.CacheDir, c.id+"-"+key+packedExt)
	switch err := c.open(); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		c.distrust(err)
	}
	return c
}

func cacheID(path string, q Quantize) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", q, path))
	return hex.EncodeToString(sum[:8])
}

// cacheKey identifies the contents of a model's files as well as can be done without
// reading them: a file that was replaced by one of the same size and time differs in
// the samples.
func cacheKey(src source) (string, error) {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, packedFormat, kernel.LayoutVersion)
	for _, m := range src.maps() {
		_, _ = fmt.Fprintln(h, m.Name(), m.Info().Size(), m.Info().ModTime().UnixNano())
		if err := m.Guard(func() error { sample(h, m.Data()); return nil }); err != nil {
			return "", err
		}
		m.Forget(m.Data())
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// sample writes pieces from all over data.
func sample(w io.Writer, data []byte) {
	const samples, size = 16, 4096
	if len(data) <= samples*size {
		_, _ = w.Write(data)
		return
	}
	for i := range samples {
		at := (len(data) - size) / (samples - 1) * i
		_, _ = w.Write(data[at:][:size])
	}
}

// open maps the packed file and reads its list.
func (c *cache) open() error {
	file, err := mapping.Open(c.path)
	if err != nil {
		return err
	}
	var list *packedList
	err = file.Guard(func() (err error) {
		list, err = parsePacked(file.Data())
		return err
	})
	if err != nil {
		return errors.Join(err, file.Close())
	}
	c.file, c.tensors = file, make(map[string]*packedTensor, len(list.Tensor))
	for i := range list.Tensor {
		c.tensors[list.Tensor[i].Name] = &list.Tensor[i]
	}
	return nil
}

// parsePacked reads the list of a packed file, and checks that what it lists is there.
func parsePacked(data []byte) (*packedList, error) {
	if len(data) < prefaceSize || string(data[:8]) != packedMagic {
		return nil, errors.New("no packed file")
	}
	at, n, sum := binary.LittleEndian.Uint64(data[8:]), binary.LittleEndian.Uint64(data[16:]), binary.LittleEndian.Uint32(data[24:])
	if at > uint64(len(data)) || n > maxPackedList || at+n != uint64(len(data)) {
		return nil, fmt.Errorf("its list is at byte %d to %d of %d", at, at+n, len(data))
	}
	text := data[at:]
	if checksum(text) != sum {
		return nil, errors.New("its list is damaged")
	}
	var list packedList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	for _, t := range list.Tensor {
		if err := t.check(int(at)); err != nil { //nolint:gosec // not beyond the data
			return nil, fmt.Errorf("tensor %.100q: %w", t.Name, err)
		}
	}
	return &list, nil
}

// check checks that a matrix lies before end.
func (t *packedTensor) check(end int) error {
	size, err := kernel.PackedSize(t.Type, t.Rows, t.Cols)
	switch {
	case err != nil:
		return err
	case t.Size != size || t.Offset < prefaceSize || t.Offset%alignment != 0 || t.Offset > end || t.Size > end-t.Offset:
		return fmt.Errorf("%d bytes at %d of %d, want %d", t.Size, t.Offset, end, size)
	case len(t.Sums) != chunks(size):
		return fmt.Errorf("%d checksums for %d bytes", len(t.Sums), size)
	}
	return nil
}

// matrix returns a matrix of the packed file, nil when it isn't there or is damaged.
func (c *cache) matrix(name string, typ kernel.Type, rows, cols int) *kernel.Matrix {
	t := c.tensors[name]
	if c.file == nil || t == nil || t.Type != typ || t.Rows != rows || t.Cols != cols {
		return nil
	}
	data := c.file.Data()[t.Offset:][:t.Size:t.Size]
	c.file.WillNeed(data)
	err := each(c.o.Compute, len(t.Sums), func(i int) error {
		part := chunk(data, i)
		return c.file.Guard(func() error {
			if checksum(part) != t.Sums[i] {
				return fmt.Errorf("tensor %s is damaged", name)
			}
			return nil
		})
	})
	var m *kernel.Matrix
	if err == nil {
		m, err = kernel.FromPacked(typ, rows, cols, data)
	}
	if err != nil {
		c.tensors = nil // what came from the file so far was whole, what is left need not be
		c.distrust(err)
		return nil
	}
	return m
}

func (c *cache) distrust(err error) {
	c.o.Log.Warn("the packed file of a model can't be used; it is made anew", "model", c.source, "file", c.path, "error", err)
}

// close gives up what is being written, and unmaps the file.
func (c *cache) close() error {
	if c.cancel != nil {
		c.cancel()
	}
	c.wait()
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

// wait waits until nothing is being written.
func (c *cache) wait() { c.writer.Wait() }

// chunks is the number of checked chunks of so many bytes.
func chunks(size int) int { return (size + checkedChunk - 1) / checkedChunk }

// chunk returns the checked chunk i of a matrix.
func chunk(data []byte, i int) []byte {
	return data[i*checkedChunk : min((i+1)*checkedChunk, len(data))]
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
