//go:build amd64 || arm64

package kernel

// checkPanel panics unless a tile kernel's operands are long enough
// (the caller checks b). It reports whether there is anything to add.
func checkPanel(c, a view, mr, k int) bool {
	if mr <= 0 || k <= 0 {
		return false
	}
	_ = c.data[:(mr-1)*c.ld+panelRows]
	_ = a.data[:(mr-1)*a.ld+k]
	return true
}

// blockSizes are the bytes of a packed block and of an activation row's block.
type blockSizes struct{ group, act int }

// checkGroup panics unless the operands of a kernel for one group are long enough. It
// reports whether there is anything to do; without blocks the product is 0.
func checkGroup(out view, w, acts []byte, blocks, nt int, size blockSizes) bool {
	for t := range nt {
		row := out.data[t*out.ld:][:groupRows]
		if blocks <= 0 {
			clear(row)
		}
	}
	if blocks <= 0 {
		return false
	}
	_ = w[:blocks*size.group]
	_ = acts[:blocks*nt*size.act]
	return true
}

// check is checkGroup for a kernel that takes several groups in the given format.
func (w *packedGroups) check(f *format, out view, acts []byte, nt int) bool {
	for t := range nt {
		row := out.data[t*out.ld:][:w.groups*groupRows]
		if w.blocks <= 0 {
			clear(row)
		}
	}
	if w.blocks <= 0 || w.groups <= 0 {
		return false
	}
	_ = w.data[:w.groups*w.blocks*f.group]
	_ = acts[:w.blocks*nt*f.act.size()]
	return true
}
