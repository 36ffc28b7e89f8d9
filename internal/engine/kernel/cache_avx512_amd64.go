package kernel

// cacheAVX512 returns the cache's micro kernels for AVX-512, given AVX2's.
func cacheAVX512(r cacheRoutines) cacheRoutines {
	r.panelsF16, r.panelsQ8 = panelsF16AVX512, panelsQ8AVX512
	return r
}

func panelsF16AVX512(c, a view, b cachedPanels, mr, k int) {
	eachCachedTile(c, a, b, shape{mr, k, 2}, pickF16AVX512)
}

func panelsQ8AVX512(c, a view, b cachedPanels, mr, k int) {
	eachCachedTile(c, a, b, shape{mr, k, 1}, pickQ8AVX512)
}

// pickF16AVX512 takes panels by four and two, a last one as AVX2 does.
func pickF16AVX512(mr, panels int) (cachedKernel, int) {
	switch {
	case panels >= 4:
		return fourF16AVX512(mr), 4
	case panels >= 2:
		return twoF16AVX512(mr), 2
	default:
		return oneF16AVX2(mr, 1)
	}
}

func pickQ8AVX512(mr, panels int) (cachedKernel, int) {
	switch {
	case panels >= 4:
		return fourQ8AVX512(mr), 4
	case panels >= 2:
		return twoQ8AVX512(mr), 2
	default:
		return oneQ8AVX2(mr, 1)
	}
}

func fourF16AVX512(mr int) cachedKernel {
	switch mr {
	case 1:
		return avx512CacheF16x4x1
	case 2:
		return avx512CacheF16x4x2
	case 3:
		return avx512CacheF16x4x3
	case 4:
		return avx512CacheF16x4x4
	case 5:
		return avx512CacheF16x4x5
	default:
		return avx512CacheF16x4x6
	}
}

func twoF16AVX512(mr int) cachedKernel {
	switch mr {
	case 1:
		return avx512CacheF16x2x1
	case 2:
		return avx512CacheF16x2x2
	case 3:
		return avx512CacheF16x2x3
	case 4:
		return avx512CacheF16x2x4
	case 5:
		return avx512CacheF16x2x5
	default:
		return avx512CacheF16x2x6
	}
}

func fourQ8AVX512(mr int) cachedKernel {
	switch mr {
	case 1:
		return avx512CacheQ8x4x1
	case 2:
		return avx512CacheQ8x4x2
	case 3:
		return avx512CacheQ8x4x3
	case 4:
		return avx512CacheQ8x4x4
	case 5:
		return avx512CacheQ8x4x5
	default:
		return avx512CacheQ8x4x6
	}
}

func twoQ8AVX512(mr int) cachedKernel {
	switch mr {
	case 1:
		return avx512CacheQ8x2x1
	case 2:
		return avx512CacheQ8x2x2
	case 3:
		return avx512CacheQ8x2x3
	case 4:
		return avx512CacheQ8x2x4
	case 5:
		return avx512CacheQ8x2x5
	default:
		return avx512CacheQ8x2x6
	}
}
