package weights

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// pieceSize is about how many bytes of a file a thread packs at a time: little beside
// a model, much beside the cost of a task.
const pieceSize = 2 << 20

// Matrix returns the matrix of that name, packed, which must have that shape. It stays
// valid until Close. A name that was asked for before gives the same matrix.
func (s *Store) Matrix(name string, rows, cols int) (*kernel.Matrix, error) {
	t, err := s.tensor(name, rows, cols)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.matrices[name]; m != nil {
		return m, nil
	}
	typ := s.o.Quantize.target(t.typ, cols)
	var m *kernel.Matrix
	if s.cache != nil {
		m = s.cache.matrix(name, typ, rows, cols)
	}
	if m == nil {
		if m, err = s.pack(t, typ); err != nil {
			return nil, fmt.Errorf("tensor %s: %w", t.name, err)
		}
		s.packed = true
	}
	s.matrices[name] = m
	s.order = append(s.order, name)
	return m, nil
}

// tensor returns the tensor of that name and shape. Leading dimensions of 1 don't count.
func (s *Store) tensor(name string, shape ...int) (*stored, error) {
	t, err := s.source.tensor(name)
	if err != nil {
		return nil, err
	}
	has := t.shape
	for len(has) > len(shape) && has[0] == 1 {
		has = has[1:]
	}
	if !slices.Equal(has, shape) {
		return nil, fmt.Errorf("tensor %s has the shape %v, not %v", t.name, t.shape, shape)
	}
	return t, nil
}

// pack packs a matrix of the file as type typ. The caller holds the lock.
func (s *Store) pack(t *stored, typ kernel.Type) (*kernel.Matrix, error) {
	rows, cols := t.shape[len(t.shape)-2], t.shape[len(t.shape)-1]
	size, err := kernel.PackedSize(typ, rows, cols)
	if err != nil {
		return nil, err
	}
	dst, err := s.memory.take(size)
	if err != nil {
		return nil, err
	}
	p, err := kernel.NewPacker(typ, rows, cols, dst)
	if err != nil {
		return nil, err
	}
	stride, _ := t.typ.RowSize(cols) // a type that is supported, of whole blocks
	t.file.WillNeed(t.raw)
	piece := max(1, pieceSize/(stride*p.Step())) * p.Step()
	err = each(s.o.Compute, (rows+piece-1)/piece, func(i int) error {
		first := i * piece
		raw := t.raw[first*stride : min(first+piece, rows)*stride]
		defer t.file.Forget(raw)
		return t.file.Guard(func() error {
			if typ == t.typ {
				return p.Pack(first, raw)
			}
			return quantize(p, first, raw, t.typ, cols)
		})
	})
	return p.Matrix(), err
}

// quantize packs floats of type from, in raw, as p's type.
func quantize(p *kernel.Packer, first int, raw []byte, from kernel.Type, cols int) error {
	step := p.Step()
	stride, _ := from.RowSize(cols)
	floats, quants := make([]float32, step*cols), make([]byte, step*p.RowSize())
	typ := p.Matrix().Type()
	for ; len(raw) > 0; first += step {
		n := min(step, len(raw)/stride)
		x, q := floats[:n*cols], quants[:n*p.RowSize()]
		if err := kernel.Dequantize(from, x, raw[:n*stride]); err != nil {
			return err
		}
		if err := kernel.Quantize(typ, q, x); err != nil {
			return err
		}
		if err := p.Pack(first, q); err != nil {
			return err
		}
		raw = raw[n*stride:]
	}
	return nil
}

// each calls task(0) … task(n-1) on all threads and returns an error of one of them,
// after which no more are begun.
func each(c *kernel.Compute, n int, task func(i int) error) error {
	var first atomic.Pointer[error]
	c.Run(n, func(i int) {
		if first.Load() != nil {
			return
		}
		if err := task(i); err != nil {
			first.CompareAndSwap(nil, &err)
		}
	})
	if err := first.Load(); err != nil {
		return *err
	}
	return nil
}

// Vector returns a tensor of one dimension as floats in memory of the caller's: a norm,
// a bias.
func (s *Store) Vector(name string, n int) ([]float32, error) {
	t, err := s.tensor(name, n)
	if err != nil {
		return nil, err
	}
	x := make([]float32, n)
	err = t.file.Guard(func() error { return kernel.Dequantize(t.typ, x, t.raw) })
	if err != nil {
		return nil, fmt.Errorf("tensor %s: %w", t.name, err)
	}
	return x, nil
}

// Table returns a matrix of which single rows are read, such as the embeddings of
// tokens. It stays in the file, whatever Options.Quantize says.
func (s *Store) Table(name string, rows, cols int) (*Table, error) {
	t, err := s.tensor(name, rows, cols)
	if err != nil {
		return nil, err
	}
	stride, _ := t.typ.RowSize(cols)
	table := &Table{t, rows, cols, stride}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = append(s.tables, table)
	return table, nil
}

// Table is a matrix in a model's file. It is safe for concurrent use until its Store is
// closed.
type Table struct {
	stored     *stored
	rows, cols int
	stride     int // bytes of a row
}

// Row reads row i, as many floats as the table has columns.
func (t *Table) Row(dst []float32, i int) error {
	if i < 0 || i >= t.rows || len(dst) != t.cols {
		return fmt.Errorf("row %d of tensor %s as %d floats, but it has %d rows of %d", i, t.stored.name, len(dst), t.rows, t.cols)
	}
	err := t.stored.file.Guard(func() error {
		return kernel.Dequantize(t.stored.typ, dst, t.stored.raw[i*t.stride:][:t.stride])
	})
	if err != nil {
		return fmt.Errorf("tensor %s: %w", t.stored.name, err)
	}
	return nil
}

// arena hands out memory outside the heap, all of which goes at once.
type arena struct {
	blocks []*mapping.Memory
	free   []byte // of the last block
}

const (
	blockSize = 64 << 20 // enough for huge pages; what is not written to takes no memory
	alignment = 64       // a cache line
)

// take returns n bytes of zeros at an aligned address.
func (a *arena) take(n int) ([]byte, error) {
	size := (n + alignment - 1) / alignment * alignment
	if size > len(a.free) {
		m, err := mapping.NewMemory(max(size, blockSize))
		if err != nil {
			return nil, err
		}
		a.blocks = append(a.blocks, m)
		a.free = m.Data()
	}
	b := a.free[:n:n]
	a.free = a.free[size:]
	return b, nil
}

func (a *arena) close() error {
	var err error
	for _, m := range a.blocks {
		if e := m.Close(); e != nil {
			err = e
		}
	}
	*a = arena{}
	return err
}
