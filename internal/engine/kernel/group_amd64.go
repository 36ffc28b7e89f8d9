package kernel

// checkAct panics unless a tile has room for the blocks of x in row t.
func checkAct(tile []byte, nt, t int, x []float32, a activation) int {
	blocks := len(x) / a.length()
	_ = tile[:blocks*nt*a.size()]
	_ = [actTile + 1]struct{}{}[nt]
	_ = tile[:nt][t] // t < nt
	return blocks
}

func act32AVX2(tile []byte, nt, t int, x []float32) {
	if n := checkAct(tile, nt, t, x, actQ32); n > 0 {
		avx2Act32(&x[0], n, &tile[8*nt+32*t], &tile[4*t], &tile[4*nt+4*t], nt*act32Size)
	}
}

func act256AVX2(tile []byte, nt, t int, x []float32) {
	if n := checkAct(tile, nt, t, x, actQ256); n > 0 {
		avx2Act256(&x[0], n, &tile[52*nt+256*t], &tile[4*t], &tile[4*nt+16*t], &tile[20*nt+32*t], nt*act256Size)
	}
}

// groupAVX2 returns the micro kernel for a quantised type, nil for floats.
func groupAVX2(t Type) groupKernel { return oneGroupAVX2(t).each(t.format().group) }

func oneGroupAVX2(t Type) oneGroup {
	switch t {
	case Q8_0:
		return groupQ8_0AVX2
	case Q4_0:
		return groupQ4_0AVX2
	case Q5_0:
		return groupQ5_0AVX2
	case Q4_K:
		return groupQ4_KAVX2
	case Q5_K:
		return groupQ5_KAVX2
	case Q6_K:
		return groupQ6_KAVX2
	default:
		return nil
	}
}

func groupQ8_0AVX2(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{272, act32Size}) {
		return
	}
	switch nt {
	case 1:
		avx2Q8_0x1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		avx2Q8_0x2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		avx2Q8_0x4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ4_0AVX2(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{144, act32Size}) {
		return
	}
	switch nt {
	case 1:
		avx2Q4_0x1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		avx2Q4_0x2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		avx2Q4_0x4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ5_0AVX2(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{176, act32Size}) {
		return
	}
	switch nt {
	case 1:
		avx2Q5_0x1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		avx2Q5_0x2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		avx2Q5_0x4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ4_KAVX2(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{1184, act256Size}) {
		return
	}
	switch nt {
	case 1:
		avx2Q4_Kx1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		avx2Q4_Kx2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		avx2Q4_Kx4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ5_KAVX2(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{1440, act256Size}) {
		return
	}
	switch nt {
	case 1:
		avx2Q5_Kx1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		avx2Q5_Kx2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		avx2Q5_Kx4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}

func groupQ6_KAVX2(out view, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, w, acts, blocks, nt, blockSizes{1680, act256Size}) {
		return
	}
	switch nt {
	case 1:
		avx2Q6_Kx1(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	case 2:
		avx2Q6_Kx2(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	default:
		_ = [1]struct{}{}[nt-actTile]
		avx2Q6_Kx4(&w[0], &acts[0], blocks, &out.data[0], out.ld)
	}
}
