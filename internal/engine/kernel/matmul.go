package kernel

import "fmt"

const (
	// blockRows is how many activation rows a task takes: their part of a block (192 or
	// 384 KiB) stays in the second-level cache while panels pass, and panels, which come
	// from further away, pass as seldom as possible.
	blockRows = 64 * rowTile
	// blockTokens is the same for quantised matrices, whose groups stay in the
	// first-level cache while this many rows of activations pass.
	blockTokens = 64
)

// A Product is one matrix to multiply an Input by.
type Product struct {
	Dst  []float32 // rows of W.Rows() elements, one per row of the Input
	W    *Matrix
	Bias []float32 // W.Rows() elements to add to each row; nil: none
}

// An Input is a matrix of activations, kept in every form that a product with it has
// needed so far. It may be used again and again, but not concurrently.
type Input struct {
	x          []float32
	rows, cols int
	forms      [actQ256 + 1][]byte // quantised
	ready      [actQ256 + 1]bool
	tasks      []task // of the product in progress
}

// Set makes in stand for x, rows of cols elements one after the other. x is kept until
// the next Set; after changing its elements, Set must be called again.
func (in *Input) Set(x []float32, cols int) error {
	if cols <= 0 || len(x)%cols != 0 {
		return fmt.Errorf("kernel: %d elements in rows of %d", len(x), cols)
	}
	in.x, in.rows, in.cols = x, len(x)/cols, cols
	in.ready = [actQ256 + 1]bool{}
	return nil
}

// quantized returns the activations in the given form.
func (c *Compute) quantized(in *Input, a activation) []byte {
	row := in.cols / a.length() * a.size()
	in.forms[a] = grow(in.forms[a], in.rows*row)
	if in.ready[a] {
		return in.forms[a]
	}
	quantize := c.r.act32
	if a == actQ256 {
		quantize = c.r.act256
	}
	const tiles = 4 // per unit of work, so that tiles are the same however they are shared out
	c.rows((in.rows+tiles*actTile-1)/(tiles*actTile), tiles*actTile*in.cols, func(lo, hi int) {
		end := min(hi*tiles*actTile, in.rows)
		for t, nt := lo*tiles*actTile, 0; t < end; t += nt {
			nt = tileRows(end - t)
			for i := range nt {
				quantize(in.forms[a][t*row:][:nt*row], nt, i, in.x[(t+i)*in.cols:][:in.cols])
			}
		}
	})
	in.ready[a] = true
	return in.forms[a]
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
	var in Input
	if err := in.Set(x, w.cols); err != nil {
		return err
	}
	return c.Multiply(&in, Product{Dst: dst, W: w, Bias: bias})
}

// Multiply computes several products of one Input, in one go: the activations are
// quantised once, and threads meet once. No Dst may overlap another or the Input.
func (c *Compute) Multiply(in *Input, products ...Product) error {
	for i := range products {
		if err := products[i].check(in.rows, in.cols); err != nil {
			return err
		}
	}
	in.tasks = in.tasks[:0]
	for i := range products {
		c.addTasks(in, &products[i])
	}
	c.pool.Run(len(in.tasks), func(i int) {
		s := c.getScratch()
		defer c.putScratch(s)
		if t := &in.tasks[i]; t.kernel == nil {
			c.floatBlock(t, in.x, s)
		} else {
			c.groupBlock(t, s)
		}
	})
	clear(in.tasks) // keeps nothing alive
	return nil
}

// task is a rectangle of a product: rows lo to hi of the activations, panels or groups
// first to last of the matrix.
type task struct {
	p           *Product
	lo, hi      int
	first, last int
	kernel      groupKernel // nil for floats
	abreast     int         // groups that the kernel likes best at a time
	acts        []byte
}

// addTasks adds the tasks of one product to in.
func (c *Compute) addTasks(in *Input, p *Product) {
	t, most := task{p: p}, blockRows
	if a := p.W.typ.format().act; a != actFloat {
		most = blockTokens
		t.kernel, t.abreast, t.acts = c.groups[p.W.typ], c.r.groups, c.quantized(in, a)
	}
	units, align := p.W.units(), 1
	if t.kernel == nil {
		align = widePanels // what single rows take at once
	} else if in.rows > 2 {
		align = t.abreast
	}
	parts := c.parts((in.rows+most-1)/most, units, min(in.rows, most)*p.W.unitRows()*p.W.cols)
	for t.lo = 0; t.lo < in.rows; t.lo += most {
		t.hi = min(t.lo+most, in.rows)
		for i := range parts {
			t.first, t.last = units*i/parts/align*align, units
			if i < parts-1 {
				t.last = units * (i + 1) / parts / align * align
			}
			if t.first < t.last {
				in.tasks = append(in.tasks, t)
			}
		}
	}
}

// floatBlock computes the task's part of a product with a matrix of floats.
func (c *Compute) floatBlock(t *task, x []float32, s *scratch) {
	p, w, out := t.p, t.p.W, t.p.W.rows
	for r := t.lo; r < t.hi; r++ {
		row := p.Dst[r*out:][:out]
		row = row[t.first*panelRows : min(t.last*panelRows, out)]
		if p.Bias == nil {
			clear(row)
		} else {
			copy(row, p.Bias[t.first*panelRows:])
		}
	}
	first := t.first
	if t.hi-t.lo == 1 && c.r.wide != nil {
		for ; first+widePanels <= t.last && (first+widePanels)*panelRows <= out; first += widePanels {
			c.r.wide(p.Dst[t.lo*out+first*panelRows:], x[t.lo*w.cols:], w, first)
		}
	}
	whole, most := min(t.last, out/panelRows), c.r.depth
	if t.hi-t.lo <= 2*rowTile {
		most = w.cols // no other rows will pass
	}
	for k := 0; k < w.cols; k += most {
		depth := min(most, w.cols-k)
		for u, n := first, 0; u < whole; u += n {
			n = min(c.r.abreast, whole-u)
			dst, a := view{p.Dst[t.lo*out+u*panelRows:], out}, view{x[t.lo*w.cols+k:], w.cols}
			c.r.panels(dst, a, w.panels(u, n, k), t.hi-t.lo, depth)
		}
		if whole == t.last {
			continue
		}
		for r := t.lo; r < t.hi; r += rowTile { // the last panel isn't full
			mr := min(rowTile, t.hi-r)
			a, dst := view{x[r*w.cols+k:], w.cols}, view{p.Dst[r*out+whole*panelRows:], out}
			tile := view{s.tile[:], panelRows}
			copyTile(tile, dst, mr, out%panelRows)
			c.r.panels(tile, a, w.panels(whole, 1, k), mr, depth)
			copyTile(dst, tile, mr, out%panelRows)
		}
	}
}

// copyTile copies mr rows of n elements.
func copyTile(dst, src view, mr, n int) {
	for r := range mr {
		copy(dst.data[r*dst.ld:][:n], src.data[r*src.ld:][:n])
	}
}

// groupBlock computes the task's part of a product with a quantised matrix.
func (c *Compute) groupBlock(t *task, s *scratch) {
	w, out, f := t.p.W, t.p.W.rows, t.p.W.typ.format()
	blocks := w.cols / f.length
	row := blocks * f.act.size() // bytes of a row of activations
	whole, abreast := min(t.last, out/groupRows), t.abreast
	if t.hi-t.lo == 1 {
		abreast = t.last - t.first // nothing to come back to the weights for
	}
	for u, n := t.first, 0; u < t.last; u += n {
		n = max(1, min(abreast, whole-u)) // the last group may have to be alone
		groups, ahead := t.groups(u, n), t.groups(u+n, min(n, t.last-u-n)).data
		for r, nt := t.lo, 0; r < t.hi; r += nt {
			nt = tileRows(t.hi - r)
			// Each tile brings its share of the next groups nearer.
			groups.ahead = ahead[len(ahead)*(r-t.lo)/(t.hi-t.lo) : len(ahead)*(r-t.lo+nt)/(t.hi-t.lo)]
			acts, dst := t.acts[r*row:][:nt*row], view{t.p.Dst[r*out+u*groupRows:], out}
			if u < whole {
				t.kernel(dst, groups, acts, nt)
				continue
			}
			tile := view{s.tile[:], groupRows}
			t.kernel(tile, groups, acts, nt)
			copyTile(dst, tile, nt, out%groupRows)
		}
	}
	if t.p.Bias == nil {
		return
	}
	lo, hi := t.first*groupRows, min(t.last*groupRows, out)
	for r := t.lo; r < t.hi; r++ {
		c.r.add(t.p.Dst[r*out+lo:r*out+hi], t.p.Bias[lo:hi])
	}
}

// groups returns n groups of the matrix from group u on.
func (t *task) groups(u, n int) packedGroups {
	f := t.p.W.typ.format()
	blocks := t.p.W.cols / f.length
	return packedGroups{data: t.p.W.data[u*blocks*f.group:][:n*blocks*f.group], groups: n, blocks: blocks}
}

// parts returns in how many tasks to divide each of a product's blocks, given its
// panels or groups and the multiplications in one: tasks that are worth handing over,
// in even numbers per thread, and none so long that the others wait for it at the end.
func (c *Compute) parts(blocks, units, work int) int {
	const small, enough, most = 1 << 15, 1 << 20, 1 << 24
	all := units * work
	if blocks*all < small {
		return 1
	}
	threads := c.Threads()
	parts := max(min(all/enough, 4*threads/blocks), (all+most-1)/most, 1)
	if blocks < threads {
		parts = (parts + threads - 1) / threads * threads
	}
	return min(parts, units)
}
