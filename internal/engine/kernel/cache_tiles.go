//go:build amd64 || arm64

package kernel

import "unsafe"

// cachedKernel is the form of the assembly for a tile of some rows and panels.
type cachedKernel func(c *float32, ldc int, a *float32, lda int, b *byte, ldb int, scale, ahead *byte, k int)

// shape is a product's rows, inputs and bytes of an element.
type shape struct{ mr, k, size int }

// eachCachedTile cuts a product into tiles. pick returns the kernel for some rows, up to
// six, and as many of the panels that are left as it takes.
func eachCachedTile(c, a view, b cachedPanels, s shape, pick func(mr, panels int) (cachedKernel, int)) {
	if b.n <= 0 || !checkPanel(c.at((b.n-1)*panelRows), a, s.mr, s.k) {
		return
	}
	data, scales, ahead := b.check(s.k, s.size)
	for r := 0; r < s.mr; r += rowTile {
		for p := 0; p < b.n; {
			kernel, width := pick(min(rowTile, s.mr-r), b.n-p)
			at := p * panelRows * s.size
			scale := scales
			if scale != nil {
				scale = (*byte)(unsafe.Add(unsafe.Pointer(scales), 2*p*panelRows)) //nolint:gosec // inside what was checked
			}
			kernel(&c.data[r*c.ld+p*panelRows], c.ld, &a.data[r*a.ld], a.ld,
				(*byte)(unsafe.Add(unsafe.Pointer(data), at)), b.ld, scale, //nolint:gosec // inside what was checked
				(*byte)(unsafe.Add(unsafe.Pointer(ahead), at)), s.k) //nolint:gosec // only asked for
			p += width
		}
		ahead = data // the first rows have asked for it
	}
}
