package kernel

// cacheAVX2 returns the cache's micro kernels for AVX2, FMA and F16C.
func cacheAVX2() cacheRoutines {
	return cacheRoutines{
		panelsF16:    panelsF16AVX2,
		panelsQ8:     panelsQ8AVX2,
		toF16:        toF16AVX2,
		fromF16:      fromF16AVX2,
		rotateHalves: rotateHalvesAVX2,
		rotatePairs:  rotatePairsAVX2,
	}
}

func panelsF16AVX2(c, a view, b cachedPanels, mr, k int) {
	eachCachedTile(c, a, b, shape{mr, k, 2}, oneF16AVX2)
}

func panelsQ8AVX2(c, a view, b cachedPanels, mr, k int) {
	eachCachedTile(c, a, b, shape{mr, k, 1}, oneQ8AVX2)
}

// oneF16AVX2 returns the kernel for mr rows and one panel.
func oneF16AVX2(mr, _ int) (cachedKernel, int) {
	switch mr {
	case 1:
		return avx2CacheF16x1, 1
	case 2:
		return avx2CacheF16x2, 1
	case 3:
		return avx2CacheF16x3, 1
	case 4:
		return avx2CacheF16x4, 1
	case 5:
		return avx2CacheF16x5, 1
	default:
		return avx2CacheF16x6, 1
	}
}

func oneQ8AVX2(mr, _ int) (cachedKernel, int) {
	switch mr {
	case 1:
		return avx2CacheQ8x1, 1
	case 2:
		return avx2CacheQ8x2, 1
	case 3:
		return avx2CacheQ8x3, 1
	case 4:
		return avx2CacheQ8x4, 1
	case 5:
		return avx2CacheQ8x5, 1
	default:
		return avx2CacheQ8x6, 1
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
