package kernel

// packedGroups are some groups of a quantised matrix, 8 rows each.
type packedGroups struct {
	data           []byte // the groups one after the other
	groups, blocks int    // how many there are, and the packed blocks of each
	// ahead are weights that are needed next. A kernel that is bound by arithmetic may
	// have them brought nearer meanwhile.
	ahead []byte
}

// groupKernel multiplies groups of packed rows by a tile of nt rows of activations: row t
// of out is that of activation row t, its element r that of weight row r. acts holds as
// many blocks of the tile as each group has.
type groupKernel func(out view, w packedGroups, acts []byte, nt int)

// oneGroup is such a kernel for one group.
type oneGroup func(out view, w, acts []byte, blocks, nt int)

// each makes a kernel for any number of groups of it, whose packed blocks have the given
// bytes.
func (k oneGroup) each(block int) groupKernel {
	if k == nil {
		return nil
	}
	return func(out view, w packedGroups, acts []byte, nt int) {
		prefetch(w.ahead) // such kernels don't do it themselves
		size := w.blocks * block
		for g := range w.groups {
			k(out.at(g*groupRows), w.data[g*size:][:size], acts, w.blocks, nt)
		}
	}
}
