package kernel

import "unsafe"

// panels are n panels of 16 columns each: the second operand of a product of floats.
type panels struct {
	typ    Type
	floats []float32 // F32
	data   []byte    // F16 and BF16
	ld     int       // elements from one row of 16 to the next
	stride int       // elements from one panel to the next
	n      int
}

// panels returns n panels of the matrix from panel first on, beginning at input k.
func (m *Matrix) panels(first, n, k int) panels {
	p := panels{typ: m.typ, ld: panelRows, stride: m.cols * panelRows, n: n}
	at := (first*m.cols + k) * panelRows
	if m.typ == F32 {
		p.floats = m.floats[at:]
	} else {
		p.data = m.data[2*at:]
	}
	return p
}

// check panics unless there are k rows of every panel, and returns their address and
// the bytes of an element. There is at least one panel and one row.
func (p *panels) check(k int) (*byte, int) {
	last := (p.n-1)*p.stride + (k-1)*p.ld + panelRows
	if p.typ == F32 {
		return (*byte)(unsafe.Pointer(&p.floats[:last][0])), 4 //nolint:gosec // the same memory
	}
	return &p.data[:2*last][0], 2
}

// onePanel makes what takes any number of rows and panels out of kernels for a tile of
// rowTile rows and one panel.
func onePanel(r *routines) func(c, a view, b panels, mr, k int) {
	return func(c, a view, b panels, mr, k int) {
		for p := range b.n {
			for i := 0; i < mr; i += rowTile {
				tile, rows, n := c.at(i*c.ld+p*panelRows), a.at(i*a.ld), min(rowTile, mr-i)
				switch b.typ {
				case F16:
					r.panelF16(tile, rows, b.data[2*p*b.stride:], n, k)
				case BF16:
					r.panelBF16(tile, rows, b.data[2*p*b.stride:], n, k)
				default:
					r.panel(tile, rows, view{b.floats[p*b.stride:], b.ld}, n, k)
				}
			}
		}
	}
}
