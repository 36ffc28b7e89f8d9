package kernel

func act32AVX512(tile []byte, nt, t int, x []float32) {
	if n := checkAct(tile, nt, t, x, actQ32); n > 0 {
		avx512Act32(&x[0], n, &tile[8*nt+32*t], &tile[4*t], &tile[4*nt+4*t], nt*act32Size)
	}
}

func act256AVX512(tile []byte, nt, t int, x []float32) {
	if n := checkAct(tile, nt, t, x, actQ256); n > 0 {
		avx512Act256(&x[0], n, &tile[52*nt+256*t], &tile[4*t], &tile[4*nt+16*t], &tile[20*nt+32*t], nt*act256Size)
	}
}

// groupAVX512 returns the micro kernel for a quantised type, nil for floats.
func groupAVX512(t Type) groupKernel {
	switch t {
	case Q8_0:
		return vnniGroups(t, avx512Q8_0x1, avx512Q8_0x2, avx512Q8_0x4)
	case Q4_0:
		return vnniGroups(t, avx512Q4_0x1, avx512Q4_0x2, avx512Q4_0x4)
	case Q5_0:
		return vnniGroups(t, avx512Q5_0x1, avx512Q5_0x2, avx512Q5_0x4)
	case Q4_K:
		return vnniGroups(t, avx512Q4_Kx1, avx512Q4_Kx2, avx512Q4_Kx4)
	case Q5_K:
		return vnniGroups(t, avx512Q5_Kx1, avx512Q5_Kx2, avx512Q5_Kx4)
	case Q6_K:
		return vnniGroups(t, avx512Q6_Kx1, avx512Q6_Kx2, avx512Q6_Kx4)
	default:
		return nil
	}
}

// The forms of the micro kernels for groups: for one or two rows of activations, and for
// four. The latter take up to vnniAbreast groups, and ask for a number of cache lines from
// next on for every 32 activations.
type (
	fewKernel  func(w *byte, groups int, acts *byte, blocks int, out *float32, ldo int)
	manyKernel func(w *byte, groups int, acts *byte, blocks int, out *float32, ldo int, next *byte, lines int)
)

const vnniAbreast = 4

// vnniGroups joins the kernels for tiles of one, two and four rows.
func vnniGroups(t Type, one, two fewKernel, four manyKernel) groupKernel {
	f := t.format()
	return func(out view, w packedGroups, acts []byte, nt int) {
		if !w.check(&f, out, acts, nt) {
			return
		}
		switch nt {
		case 1:
			one(&w.data[0], w.groups, &acts[0], w.blocks, &out.data[0], out.ld)
		case 2:
			two(&w.data[0], w.groups, &acts[0], w.blocks, &out.data[0], out.ld)
		default:
			_ = [1]struct{}{}[nt-actTile]
			next, lines := w.next(f.length)
			for g := 0; g < w.groups; g += vnniAbreast {
				four(&w.data[g*w.blocks*f.group], min(vnniAbreast, w.groups-g), &acts[0], w.blocks, &out.data[g*groupRows], out.ld, next, lines)
			}
		}
	}
}

// next returns where the weights ahead are, and how many cache lines of them to ask for
// per 32 inputs of blocks of the given length, so that all have been asked for at the
// end. If there is more than one call, they all ask for the same.
func (w *packedGroups) next(length int) (*byte, int) {
	if len(w.ahead) == 0 {
		return nil, 0
	}
	const line, step = 64, 32
	steps := w.blocks * length / step
	return &w.ahead[0], (len(w.ahead) + line*steps - 1) / (line * steps)
}
