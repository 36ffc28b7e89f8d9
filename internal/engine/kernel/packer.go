package kernel

import "fmt"

// PackedSize returns how many bytes a packed matrix takes.
func PackedSize(t Type, rows, cols int) (int, error) { return packedSize(t, rows, cols) }

// A Packer packs a matrix piece by piece into memory of the caller's: for weights that
// are read a few rows at a time, and kept outside the heap. Pieces that don't overlap
// may be packed concurrently.
type Packer struct {
	m      *Matrix
	stride int
}

// NewPacker returns a Packer that packs into dst: PackedSize bytes, all zero, for F32
// aligned to 4.
func NewPacker(t Type, rows, cols int, dst []byte) (*Packer, error) {
	m, err := FromPacked(t, rows, cols, dst)
	if err != nil {
		return nil, err
	}
	stride, _ := t.RowSize(cols)
	return &Packer{m, stride}, nil
}

// Step is the number of rows of which every piece but the last has a multiple.
func (p *Packer) Step() int { return p.m.unitRows() }

// RowSize is the number of bytes of a row, before it is packed.
func (p *Packer) RowSize() int { return p.stride }

// Pack packs whole rows from row first on, a multiple of Step. Their number is one too,
// unless they are the last rows. raw is as for [Compute.Pack] and isn't kept.
func (p *Packer) Pack(first int, raw []byte) error {
	m, rows, step := p.m, len(raw)/p.stride, p.Step()
	switch {
	case len(raw)%p.stride != 0 || first < 0 || first%step != 0 || rows > m.rows-first:
		return fmt.Errorf("kernel: %d bytes from row %d on of a %s matrix of %d×%d", len(raw), first, m.typ, m.rows, m.cols)
	case rows%step != 0 && first+rows != m.rows:
		return fmt.Errorf("kernel: %d rows from row %d on, want a multiple of %d", rows, first, step)
	}
	for ; len(raw) > 0; first += step {
		n := min(step*p.stride, len(raw))
		m.packUnit(first/step, raw[:n], p.stride)
		raw = raw[n:]
	}
	return nil
}

// Matrix returns the matrix, whole once all its rows have been packed. It keeps dst.
func (p *Packer) Matrix() *Matrix { return p.m }
