package kernel

//go:generate go run ./gen

const (
	// panelRows is the number of weight rows in a panel of floats, the width of a tile.
	panelRows = 16
	// rowTile is the most activation rows that a float micro kernel takes.
	rowTile = 6
	// widePanels is how many panels the micro kernel for single rows takes at once.
	widePanels = 4
)

// view is a matrix in memory: rows that start ld elements apart.
type view struct {
	data []float32
	ld   int
}

// at returns the view from element i on.
func (v view) at(i int) view { return view{v.data[i:], v.ld} }

// routines are the micro kernels of one instruction set. All of them check lengths
// before they touch memory, and panic like an index expression if one is short.
//
// Vectors of one call have the same length unless said otherwise; any length will do.
type routines struct {
	isa ISA

	// panel adds to the tile c (mr rows of 16) the product of a (mr rows of k) and b
	// (k rows of 16). 1 ≤ mr ≤ rowTile.
	panel func(c, a, b view, mr, k int)
	// panelF16 and panelBF16 do the same with a panel of two-byte floats.
	panelF16  func(c, a view, b []byte, mr, k int)
	panelBF16 func(c, a view, b []byte, mr, k int)
	// panels does the same with any number of panels and rows. abreast is how many
	// panels it likes best at a time, and depth how many inputs, so that a part of that
	// size stays in the first-level cache while rows pass.
	panels         func(c, a view, b panels, mr, k int)
	abreast, depth int

	// transpose packs 16 rows of d elements as a panel.
	transpose func(panel []float32, rows view, d int)

	// act32 and act256 quantise blocks of x as row t of a tile of nt rows.
	act32  func(tile []byte, nt, t int, x []float32)
	act256 func(tile []byte, nt, t int, x []float32)
	// group returns the kernel for a quantised type. groups is how many it likes best at
	// a time.
	group  func(Type) groupKernel
	groups int

	// wide adds to widePanels·16 elements of c the product of the row a and as
	// many consecutive panels of a float matrix; nil if panel is as good.
	wide func(c, a []float32, w *Matrix, panel int)

	// read loads x and does nothing with it. peak does as many multiply-adds on
	// registers as it can in n turns and returns how many operations these were; nil
	// if that can't be had.
	read func(x []float32)
	peak func(n int) int

	dot     func(a, b []float32) float32
	sum     func(x []float32) float32
	spread  func(x []float32, mean float32) float32 // Σ (x-mean)²
	largest func(x []float32) float32               // -Inf if x is empty
	// add: dst += x. mul: dst *= x. scale: x *= s. axpy: dst += s·x.
	add   func(dst, x []float32)
	mul   func(dst, x []float32)
	scale func(x []float32, s float32)
	axpy  func(dst, x []float32, s float32)
	// affine: dst = (x-shift)·s·weight + bias; bias may be nil.
	affine func(dst, x, weight, bias []float32, shift, s float32)
	// expSum: x = exp(s·(x-shift)), returns the sum. s·(x-shift) ≤ 0.
	expSum func(x []float32, shift, s float32) float32

	gelu     func(x []float32)
	geluTanh func(x []float32)
	silu     func(x []float32)

	cache cacheRoutines
}
