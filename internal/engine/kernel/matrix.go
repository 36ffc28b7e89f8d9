package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// groupRows is the number of weight rows interleaved in a packed block of a
// quantised type.
const groupRows = 8

// maxElements bounds a matrix, so that no product of its dimensions overflows.
const maxElements = 1 << 40

// A Matrix is a weight matrix, packed for the micro kernels: rows outputs by cols
// inputs, as files store a linear layer. It is immutable and safe for concurrent
// use; the package documentation draws its layout.
type Matrix struct {
	typ        Type
	rows, cols int
	floats     []float32 // F32
	data       []byte    // every other type
}

// PackF32 packs rows×cols elements, row by row. data isn't kept.
func PackF32(rows, cols int, data []float32) (*Matrix, error) {
	m, err := newMatrix(F32, rows, cols)
	if err != nil {
		return nil, err
	}
	if len(data) != rows*cols {
		return nil, fmt.Errorf("kernel: %d elements for a matrix of %d×%d", len(data), rows, cols)
	}
	for p := range m.units() {
		panel := m.floats[p*panelRows*cols:][:panelRows*cols]
		for r := range min(panelRows, rows-p*panelRows) {
			for k, v := range data[(p*panelRows+r)*cols:][:cols] {
				panel[k*panelRows+r] = v
			}
		}
	}
	return m, nil
}

// Pack packs a matrix that has the given type in its file: rows one after the
// other, little-endian. raw isn't kept; the Matrix takes about as many bytes.
func (c *Compute) Pack(t Type, rows, cols int, raw []byte) (*Matrix, error) {
	m, err := newMatrix(t, rows, cols)
	if err != nil {
		return nil, err
	}
	stride, _ := t.RowSize(cols)
	if len(raw) != rows*stride {
		return nil, fmt.Errorf("kernel: %d bytes for a %s matrix of %d×%d, want %d", len(raw), t, rows, cols, rows*stride)
	}
	c.rows(m.units(), m.unitRows()*cols, func(lo, hi int) {
		for u := lo; u < hi; u++ {
			first := u * m.unitRows()
			m.packUnit(u, raw[first*stride:min(first+m.unitRows(), rows)*stride], stride)
		}
	})
	return m, nil
}

// FromPacked returns the Matrix whose Packed bytes data are, for a cache of packed
// weights. data is kept and must not change; an F32 matrix needs it aligned to 4
// bytes. LayoutVersion must be the one that wrote it.
func FromPacked(t Type, rows, cols int, data []byte) (*Matrix, error) {
	want, err := packedSize(t, rows, cols)
	if err != nil {
		return nil, err
	}
	if len(data) != want {
		return nil, fmt.Errorf("kernel: %d packed bytes for a %s matrix of %d×%d, want %d", len(data), t, rows, cols, want)
	}
	m := &Matrix{typ: t, rows: rows, cols: cols}
	if t != F32 {
		m.data = data
		return m, nil
	}
	start := unsafe.Pointer(unsafe.SliceData(data)) //nolint:gosec // alignment is checked below
	if uintptr(start)%4 != 0 {
		return nil, fmt.Errorf("kernel: packed F32 bytes start at an address that is no multiple of 4")
	}
	m.floats = unsafe.Slice((*float32)(start), len(data)/4) //nolint:gosec // the length was checked above
	return m, nil
}

// LayoutVersion changes whenever packed bytes do. The layout is the same for every
// ISA of little-endian machines.
const LayoutVersion = 1

// Packed returns the packed bytes, which must not be changed.
func (m *Matrix) Packed() []byte {
	if m.typ == F32 {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(m.floats))), 4*len(m.floats)) //nolint:gosec // the same memory
	}
	return m.data
}

// Type returns the element type.
func (m *Matrix) Type() Type { return m.typ }

// Rows returns the number of outputs.
func (m *Matrix) Rows() int { return m.rows }

// Cols returns the number of inputs.
func (m *Matrix) Cols() int { return m.cols }

// newMatrix allocates a matrix of zeros.
func newMatrix(t Type, rows, cols int) (*Matrix, error) {
	size, err := packedSize(t, rows, cols)
	if err != nil {
		return nil, err
	}
	m := &Matrix{typ: t, rows: rows, cols: cols}
	if t == F32 {
		m.floats = make([]float32, size/4)
	} else {
		m.data = make([]byte, size)
	}
	return m, nil
}

// packedSize returns the length of a matrix's packed bytes.
func packedSize(t Type, rows, cols int) (int, error) {
	f := t.format()
	switch {
	case f.length == 0:
		return 0, fmt.Errorf("kernel: no kernels for matrices of type %s", t)
	case rows <= 0 || cols <= 0 || rows > maxElements/cols:
		return 0, fmt.Errorf("kernel: a matrix of %d×%d", rows, cols)
	case cols%f.length != 0:
		return 0, fmt.Errorf("kernel: rows of %d elements, but %s comes in blocks of %d", cols, t, f.length)
	case f.act == actFloat:
		return (rows + panelRows - 1) / panelRows * panelRows * cols * f.size, nil
	default:
		return (rows + groupRows - 1) / groupRows * (cols / f.length) * f.group, nil
	}
}

// unitRows returns how many rows are packed together.
func (m *Matrix) unitRows() int {
	if m.typ.format().act == actFloat {
		return panelRows
	}
	return groupRows
}

// units returns the number of panels or groups.
func (m *Matrix) units() int { return (m.rows + m.unitRows() - 1) / m.unitRows() }

// packUnit fills panel or group u from the raw bytes of its rows, of which the last
// unit may have fewer than the others.
func (m *Matrix) packUnit(u int, raw []byte, stride int) {
	f := m.typ.format()
	switch {
	case m.typ == F32:
		panel := m.floats[u*panelRows*m.cols:][:panelRows*m.cols]
		for r := range len(raw) / stride {
			row := raw[r*stride:][:stride]
			for k := range m.cols {
				panel[k*panelRows+r] = math.Float32frombits(binary.LittleEndian.Uint32(row[4*k:]))
			}
		}
	case f.act == actFloat: // two bytes each
		packHalves(m.data[u*2*panelRows*m.cols:][:2*panelRows*m.cols], raw, stride)
	default:
		m.packGroup(f, u, raw, stride)
	}
}

// packHalves fills a panel of two-byte floats. It goes by a cache line of each row: the
// lines of all rows at once would often be too many for their set of the first level.
func packHalves(panel, raw []byte, stride int) {
	const line = 64
	for from := 0; from < stride; from += line {
		for r := range len(raw) / stride {
			src := raw[r*stride+from:][:min(line, stride-from)]
			at := from*panelRows + 2*r
			for ; len(src) >= 8; src, at = src[8:], at+8*panelRows {
				v, dst := binary.LittleEndian.Uint64(src), panel[at:][:6*panelRows+2]
				binary.LittleEndian.PutUint16(dst, uint16(v&0xffff))
				binary.LittleEndian.PutUint16(dst[2*panelRows:], uint16(v>>16&0xffff))
				binary.LittleEndian.PutUint16(dst[4*panelRows:], uint16(v>>32&0xffff))
				binary.LittleEndian.PutUint16(dst[6*panelRows:], uint16(v>>48))
			}
			for ; len(src) > 0; src, at = src[2:], at+2*panelRows {
				panel[at], panel[at+1] = src[0], src[1]
			}
		}
	}
}

func (m *Matrix) packGroup(f format, u int, raw []byte, stride int) {
	blocks := m.cols / f.length
	zero := make([]byte, f.size) // a missing row: scale 0
	var rows [groupRows][]byte
	for b := range blocks {
		for r := range rows {
			rows[r] = zero
			if r*stride < len(raw) {
				rows[r] = raw[r*stride+b*f.size:][:f.size]
			}
		}
		f.pack(m.data[(u*blocks+b)*f.group:][:f.group], &rows)
	}
}

// Dequantize reads len(dst) elements of the given type, a whole number of blocks:
// embedding look-ups, norms, and tests. src must hold exactly these.
func Dequantize(t Type, dst []float32, src []byte) error {
	n, ok := t.RowSize(len(dst))
	if !ok {
		return fmt.Errorf("kernel: %d elements of type %s", len(dst), t)
	}
	if len(src) != n {
		return fmt.Errorf("kernel: %d bytes for %d elements of type %s, want %d", len(src), len(dst), t, n)
	}
	t.format().dequantize(dst, src)
	return nil
}
