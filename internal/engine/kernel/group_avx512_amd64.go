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

// vnniKernel is the form of the micro kernels for groups.
type vnniKernel func(w *byte, groups int, acts *byte, blocks int, out *float32, ldo int)

// vnniAbreast is how many groups a kernel for tiles of four rows takes at once.
const vnniAbreast = 4

// vnniGroups joins the kernels for tiles of one, two and four rows.
func vnniGroups(t Type, one, two, four vnniKernel) groupKernel {
	f := t.format()
	return func(out view, w, acts []byte, groups, blocks, nt int) {
		if !f.checkGroups(out, w, acts, groups, blocks, nt) {
			return
		}
		switch nt {
		case 1:
			one(&w[0], groups, &acts[0], blocks, &out.data[0], out.ld)
		case 2:
			two(&w[0], groups, &acts[0], blocks, &out.data[0], out.ld)
		default:
			_ = [1]struct{}{}[nt-actTile]
			for g := 0; g < groups; g += vnniAbreast {
				four(&w[g*blocks*f.group], min(vnniAbreast, groups-g), &acts[0], blocks, &out.data[g*groupRows], out.ld)
			}
		}
	}
}
