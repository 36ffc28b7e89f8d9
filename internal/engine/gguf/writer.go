package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// Writer collects metadata and tensors and writes them as one file of version 3. Its
// zero value is empty and ready. Keys and tensors are written in the order they were
// put; a name that is put twice, or a tensor that has not the bytes of its shape, is an
// error of WriteTo.
type Writer struct {
	values  []byte
	names   map[string]bool
	keys    int
	tensors []pending
	err     error
}

// pending is a tensor that is to be written.
type pending struct {
	name  string
	typ   kernel.Type
	shape []int
	size  int
	write func(io.Writer) error
}

// PutString sets a string.
func (w *Writer) PutString(key, v string) { w.put(key, kindString, appendString(nil, v)) }

// PutBool sets a truth value.
func (w *Writer) PutBool(key string, v bool) {
	b := []byte{0}
	if v {
		b[0] = 1
	}
	w.put(key, kindBool, b)
}

// PutUint16 sets a small integer: the shards of a model are counted in these.
func (w *Writer) PutUint16(key string, v uint16) {
	w.put(key, kindUint16, binary.LittleEndian.AppendUint16(nil, v))
}

// PutUint32 sets an integer, of the type that most of the metadata have.
func (w *Writer) PutUint32(key string, v uint32) {
	w.put(key, kindUint32, binary.LittleEndian.AppendUint32(nil, v))
}

// PutInt32 sets an integer with a sign.
func (w *Writer) PutInt32(key string, v int32) {
	w.put(key, kindInt32, binary.LittleEndian.AppendUint32(nil, uint32(v))) //nolint:gosec // the same bits
}

// PutUint64 sets a large integer.
func (w *Writer) PutUint64(key string, v uint64) {
	w.put(key, kindUint64, binary.LittleEndian.AppendUint64(nil, v))
}

// PutFloat32 sets a number.
func (w *Writer) PutFloat32(key string, v float32) {
	w.put(key, kindFloat32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
}

// PutStrings sets an array of strings.
func (w *Writer) PutStrings(key string, list []string) {
	b := arrayHeader(kindString, len(list))
	for _, s := range list {
		b = appendString(b, s)
	}
	w.put(key, kindArray, b)
}

// PutInt32s sets an array of integers.
func (w *Writer) PutInt32s(key string, list []int32) {
	b := arrayHeader(kindInt32, len(list))
	for _, v := range list {
		b = binary.LittleEndian.AppendUint32(b, uint32(v)) //nolint:gosec // the same bits
	}
	w.put(key, kindArray, b)
}

// PutFloat32s sets an array of numbers.
func (w *Writer) PutFloat32s(key string, list []float32) {
	b := arrayHeader(kindFloat32, len(list))
	for _, v := range list {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	w.put(key, kindArray, b)
}

// PutBytes sets an array of bytes.
func (w *Writer) PutBytes(key string, list []byte) {
	w.put(key, kindArray, append(arrayHeader(kindUint8, len(list)), list...))
}

func arrayHeader(elem kind, n int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(elem))
	return binary.LittleEndian.AppendUint64(b, uint64(n)) //nolint:gosec // a length
}

func (w *Writer) put(key string, k kind, raw []byte) {
	w.name("key", key)
	w.values = binary.LittleEndian.AppendUint32(appendString(w.values, key), uint32(k))
	w.values = append(w.values, raw...)
	w.keys++
}

// name notes the name of a key or tensor, and that there is only one of it.
func (w *Writer) name(what, name string) {
	if w.names == nil {
		w.names = map[string]bool{}
	}
	if id := what + " " + name; w.names[id] {
		w.fail(fmt.Errorf("the %s %q is there twice", what, name))
	} else {
		w.names[id] = true
	}
	if len(name) < 1 || len(name) > maxName {
		w.fail(fmt.Errorf("the %s %.60q has a name of %d bytes", what, name, len(name)))
	}
}

func (w *Writer) fail(err error) { w.err = errors.Join(w.err, err) }

// PutTensor adds a tensor with its bytes, which are kept until they are written. The
// shape is row-major.
func (w *Writer) PutTensor(name string, t kernel.Type, shape []int, raw []byte) {
	p := w.add(name, t, shape, func(out io.Writer) error {
		_, err := out.Write(raw)
		return err
	})
	if !t.Supported() { // its size is what it has
		p.size = len(raw)
	} else if p.size != len(raw) {
		w.fail(fmt.Errorf("tensor %q of %s with the shape %v has %d bytes, not %d", name, t, shape, p.size, len(raw)))
	}
}

// PutFloats adds a tensor of type F32.
func (w *Writer) PutFloats(name string, shape []int, x []float32) {
	raw := make([]byte, 0, 4*len(x))
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	w.PutTensor(name, kernel.F32, shape, raw)
}

// StreamTensor adds a tensor whose bytes are made when the file is written.
func (w *Writer) StreamTensor(name string, t kernel.Type, shape []int, write func(io.Writer) error) {
	w.add(name, t, shape, write)
}

func (w *Writer) add(name string, t kernel.Type, shape []int, write func(io.Writer) error) *pending {
	w.name("tensor", name)
	size := 0
	if n := len(shape); n < 1 || n > maxDims || slices.Min(shape) < 1 || slices.Max(shape) > math.MaxInt32 {
		w.fail(fmt.Errorf("tensor %q has the shape %v", name, shape))
	} else if row, ok := t.RowSize(shape[n-1]); !ok && t.Supported() {
		w.fail(fmt.Errorf("tensor %q has rows of %d elements, but %s comes in blocks of %d", name, shape[n-1], t, t.BlockLen()))
	} else {
		size = row
		for _, d := range shape[:n-1] {
			size *= d
		}
	}
	w.tensors = append(w.tensors, pending{name, t, slices.Clone(shape), size, write})
	return &w.tensors[len(w.tensors)-1]
}

// WriteTo implements io.WriterTo: it writes the file.
func (w *Writer) WriteTo(out io.Writer) (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	c := &counter{w: out}
	if _, err := c.Write(w.header()); err != nil {
		return c.n, err
	}
	for _, t := range w.tensors {
		if err := c.pad(); err != nil {
			return c.n, err
		}
		start := c.n
		if err := t.write(c); err != nil {
			return c.n, fmt.Errorf("tensor %q: %w", t.name, err)
		}
		if got := c.n - start; got != int64(t.size) {
			return c.n, fmt.Errorf("tensor %q: %d bytes were written of %d", t.name, got, t.size)
		}
	}
	return c.n, c.pad()
}

func (w *Writer) header() []byte {
	b := binary.LittleEndian.AppendUint32([]byte(magic), 3)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(w.tensors)))
	b = binary.LittleEndian.AppendUint64(b, uint64(w.keys)) //nolint:gosec // a count
	b = append(b, w.values...)
	offset := 0
	for _, t := range w.tensors {
		b = binary.LittleEndian.AppendUint32(appendString(b, t.name), uint32(len(t.shape))) //nolint:gosec // 4 at most
		for _, d := range slices.Backward(t.shape) {
			b = binary.LittleEndian.AppendUint64(b, uint64(d)) //nolint:gosec // positive
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(t.typ))
		b = binary.LittleEndian.AppendUint64(b, uint64(offset))
		offset += (t.size + defaultAlignment - 1) / defaultAlignment * defaultAlignment
	}
	return b
}

// Create writes the file at path.
func (w *Writer) Create(path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if _, err := w.WriteTo(buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// pad writes zeros up to the next multiple of the alignment.
func (c *counter) pad() error {
	if rest := c.n % defaultAlignment; rest > 0 {
		_, err := c.Write(make([]byte, defaultAlignment-rest))
		return err
	}
	return nil
}
