package kernel

// cacheAVX2 returns the cache's micro kernels for AVX2, FMA and F16C.
func cacheAVX2() cacheRoutines {
	return cacheRoutines{
		panelQ8:      panelQ8AVX2,
		toF16:        toF16AVX2,
		fromF16:      fromF16AVX2,
		rotateHalves: rotateHalvesAVX2,
		rotatePairs:  rotatePairsAVX2,
	}
}

func panelQ8AVX2(c, a view, b, scale []byte, mr, k int) {
	if !checkPanel(c, a, mr, k) {
		return
	}
	_, _ = b[:panelRows*k], scale[:2*panelRows]
	switch mr {
	case 1:
		avx2PanelQ8x1(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	case 2:
		avx2PanelQ8x2(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	case 3:
		avx2PanelQ8x3(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	case 4:
		avx2PanelQ8x4(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	case 5:
		avx2PanelQ8x5(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		avx2PanelQ8x6(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	}
}

func toF16AVX2(dst []byte, x []float32) {
	dst = dst[:2*len(x)]
	n := split(len(x))
	if n > 0 {
		avx2ToF16(&dst[0], &x[0], n)
	}
	plainToF16(dst[2*n:], x[n:])
}

func fromF16AVX2(x []float32, src []byte) {
	src = src[:2*len(x)]
	n := split(len(x))
	if n > 0 {
		avx2FromF16(&x[0], &src[0], n)
	}
	plainFromF16(x[n:], src[2*n:])
}

func rotateHalvesAVX2(x, angles []float32) {
	n := len(x) / 2
	if n%len(lanes{}) != 0 || n == 0 {
		plainRotateHalves(x, angles)
		return
	}
	avx2RotateHalves(&x[0], &x[n:][:n][0], &angles[:n][0], &angles[n:][:n][0], n)
}

func rotatePairsAVX2(x, angles []float32) {
	n := len(x) / 2
	if n%4 != 0 || n == 0 {
		plainRotatePairs(x, angles)
		return
	}
	avx2RotatePairs(&x[0], &angles[:n][0], &angles[n:][:n][0], 2*n)
}
