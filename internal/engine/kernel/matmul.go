package kernel

import "fmt"

const (
	// blockDepth is how many inputs a float product takes at a time: a panel's part
	// (16 KiB) and a row tile's (6 KiB) then share the first-level cache.
	blockDepth = 256
	// blockRows is how many activation rows a task takes: their part of a block
	// (96 KiB) stays in the second-level cache while panels pass.
	blockRows = 16 * rowTile
)

// A Product is one matrix to multiply an Input by.
type Product struct {
	Dst  []float32 // rows of W.Rows() elements, one per row of the Input
	W    *Matrix
	Bias []float32 // W.Rows() elements to add to each row; nil: none
}

// check returns an error if the product doesn't fit n rows of cols elements.
func (p *Product) check(n, cols int) error {
	switch {
	case p.W.cols != cols:
		return fmt.Errorf("kernel: rows of %d elements times a matrix of %d×%d", cols, p.W.rows, p.W.cols)
	case len(p.Dst) != n*p.W.rows:
		return fmt.Errorf("kernel: %d elements for a product of %d×%d", len(p.Dst), n, p.W.rows)
	case p.Bias != nil && len(p.Bias) != p.W.rows:
		return fmt.Errorf("kernel: a bias of %d elements for %d rows", len(p.Bias), p.W.rows)
	}
	return nil
}

// MatMul computes dst = x·wᵀ + bias for len(x)/w.Cols() rows of x; bias may be nil.
// dst and x must not overlap.
func (c *Compute) MatMul(dst, x []float32, w *Matrix, bias []float32) error {
	if len(x)%w.cols != 0 {
		return fmt.Errorf("kernel: %d elements in rows of %d", len(x), w.cols)
	}
	p := Product{Dst: dst, W: w, Bias: bias}
	n := len(x) / w.cols
	if err := p.check(n, w.cols); err != nil {
		return err
	}
	c.mulFloat(&p, x, n)
	return nil
}

// mulFloat multiplies by panels of floats.
func (c *Compute) mulFloat(p *Product, x []float32, n int) {
	blocks, panels := (n+blockRows-1)/blockRows, p.W.units()
	per := c.share(blocks, panels, min(n, blockRows)*panelRows*p.W.cols)
	parts := (panels + per - 1) / per
	c.pool.Run(blocks*parts, func(i int) {
		lo, first := i/parts*blockRows, i%parts*per
		s := c.getScratch()
		defer c.putScratch(s)
		c.floatBlock(p, x, lo, min(lo+blockRows, n), first, min(first+per, panels), s)
	})
}

// floatBlock computes rows lo to hi of the product for the panels first to last.
func (c *Compute) floatBlock(p *Product, x []float32, lo, hi, first, last int, s *scratch) {
	w, out := p.W, p.W.rows
	for r := lo; r < hi; r++ {
		row := p.Dst[r*out:][:out]
		row = row[first*panelRows : min(last*panelRows, out)]
		if p.Bias == nil {
			clear(row)
		} else {
			copy(row, p.Bias[first*panelRows:])
		}
	}
	for k := 0; k < w.cols; k += blockDepth {
		depth := min(blockDepth, w.cols-k)
		for u := first; u < last; u++ {
			for r := lo; r < hi; r += rowTile {
				mr := min(rowTile, hi-r)
				a, tile := x[r*w.cols+k:], p.Dst[r*out+u*panelRows:]
				if (u+1)*panelRows <= out {
					c.panel(tile, out, a, w, u, k, mr, depth)
					continue
				}
				copyTile(s.tile[:], panelRows, tile, out, mr, out%panelRows)
				c.panel(s.tile[:], panelRows, a, w, u, k, mr, depth)
				copyTile(tile, out, s.tile[:], panelRows, mr, out%panelRows)
			}
		}
	}
}

// panel adds to a tile the product of mr rows of a and part of panel u of w.
func (c *Compute) panel(tile []float32, ld int, a []float32, w *Matrix, u, k, mr, depth int) {
	at := (u*w.cols + k) * panelRows
	switch w.typ {
	case F16:
		c.r.panelF16(tile, ld, a, w.cols, w.data[2*at:], mr, depth)
	case BF16:
		c.r.panelBF16(tile, ld, a, w.cols, w.data[2*at:], mr, depth)
	default:
		c.r.panel(tile, ld, a, w.cols, w.floats[at:], panelRows, mr, depth)
	}
}

// copyTile copies mr rows of n elements.
func copyTile(dst []float32, ldd int, src []float32, lds, mr, n int) {
	for r := range mr {
		copy(dst[r*ldd:][:n], src[r*lds:][:n])
	}
}

// share returns how many of the panels a task should take, given the multiplications
// in one: enough to be worth handing over, few enough to keep all threads busy.
func (c *Compute) share(blocks, panels, work int) int {
	const enough = 1 << 18
	total := blocks * panels
	worth := min(enough/max(work, 1), (total+c.Threads()-1)/c.Threads())
	return max(1, min(panels, max(worth, total/(4*c.Threads()))))
}
