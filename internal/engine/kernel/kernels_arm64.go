package kernel

func panelNEON(c, a, b view, mr, k int) {
	if !checkPanel(c, a, mr, k) {
		return
	}
	_ = b.data[:(k-1)*b.ld+panelRows]
	switch mr {
	case 1:
		neonPanelF32x1(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	case 2:
		neonPanelF32x2(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	case 3:
		neonPanelF32x3(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	case 4:
		neonPanelF32x4(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	case 5:
		neonPanelF32x5(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		neonPanelF32x6(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	}
}

func panelF16NEON(c, a view, b []byte, mr, k int) {
	if !checkPanel(c, a, mr, k) {
		return
	}
	_ = b[:2*panelRows*k]
	switch mr {
	case 1:
		neonPanelF16x1(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 2:
		neonPanelF16x2(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 3:
		neonPanelF16x3(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 4:
		neonPanelF16x4(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 5:
		neonPanelF16x5(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		neonPanelF16x6(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	}
}

func groupQ8_0NEON(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{272, act32Size}) {
		return
	}
	switch nt {
	case 1:
		neonQ8_0x1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		neonQ8_0x2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ8_0x4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ4_0NEON(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{144, act32Size}) {
		return
	}
	switch nt {
	case 1:
		neonQ4_0x1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		neonQ4_0x2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ4_0x4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ5_0NEON(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{176, act32Size}) {
		return
	}
	switch nt {
	case 1:
		neonQ5_0x1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		neonQ5_0x2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ5_0x4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ4_KNEON(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{1184, act256Size}) {
		return
	}
	switch nt {
	case 1:
		neonQ4_Kx1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		neonQ4_Kx2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ4_Kx4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ5_KNEON(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{1440, act256Size}) {
		return
	}
	switch nt {
	case 1:
		neonQ5_Kx1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		neonQ5_Kx2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ5_Kx4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ6_KNEON(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{1680, act256Size}) {
		return
	}
	switch nt {
	case 1:
		neonQ6_Kx1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		neonQ6_Kx2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ6_Kx4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}
