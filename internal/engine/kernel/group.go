package kernel

// groupKernel multiplies groups of 8 packed rows by a tile of nt rows of activations:
// row t of out is that of activation row t, its element r that of weight row r. w holds
// the groups one after the other, blocks packed blocks each, and acts as many blocks of
// the tile.
type groupKernel func(out view, w, acts []byte, groups, blocks, nt int)

// oneGroup is such a kernel for one group.
type oneGroup func(out view, w, acts []byte, blocks, nt int)

// each makes a kernel for any number of groups of it, whose packed blocks have the given
// bytes.
func (k oneGroup) each(block int) groupKernel {
	if k == nil {
		return nil
	}
	return func(out view, w, acts []byte, groups, blocks, nt int) {
		size := blocks * block
		for g := range groups {
			k(out.at(g*groupRows), w[g*size:][:size], acts, blocks, nt)
		}
	}
}
