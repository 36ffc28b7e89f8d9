package kernel

// cacheNEON replaces those of the cache's plain kernels that there is assembly for.
func cacheNEON(r cacheRoutines) cacheRoutines {
	r.panelsF16, r.panelsQ8 = panelsF16NEON, panelsQ8NEON
	return r
}

func panelsF16NEON(c, a view, b cachedPanels, mr, k int) {
	eachCachedTile(c, a, b, shape{mr, k, 2}, oneF16NEON)
}

func panelsQ8NEON(c, a view, b cachedPanels, mr, k int) {
	eachCachedTile(c, a, b, shape{mr, k, 1}, oneQ8NEON)
}

// oneF16NEON returns the kernel for mr rows and one panel.
func oneF16NEON(mr, _ int) (cachedKernel, int) {
	switch mr {
	case 1:
		return neonCacheF16x1, 1
	case 2:
		return neonCacheF16x2, 1
	case 3:
		return neonCacheF16x3, 1
	case 4:
		return neonCacheF16x4, 1
	case 5:
		return neonCacheF16x5, 1
	default:
		return neonCacheF16x6, 1
	}
}

func oneQ8NEON(mr, _ int) (cachedKernel, int) {
	switch mr {
	case 1:
		return neonCacheQ8x1, 1
	case 2:
		return neonCacheQ8x2, 1
	case 3:
		return neonCacheQ8x3, 1
	case 4:
		return neonCacheQ8x4, 1
	case 5:
		return neonCacheQ8x5, 1
	default:
		return neonCacheQ8x6, 1
	}
}
