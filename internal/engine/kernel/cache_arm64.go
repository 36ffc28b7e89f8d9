package kernel

// cacheNEON replaces those of the cache's plain kernels that there is assembly for.
func cacheNEON(r cacheRoutines) cacheRoutines {
	r.panelQ8 = panelQ8NEON
	return r
}

func panelQ8NEON(c, a view, b, scale []byte, mr, k int) {
	if !checkPanel(c, a, mr, k) {
		return
	}
	_, _ = b[:panelRows*k], scale[:2*panelRows]
	switch mr {
	case 1:
		neonPanelQ8x1(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	case 2:
		neonPanelQ8x2(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	case 3:
		neonPanelQ8x3(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	case 4:
		neonPanelQ8x4(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	case 5:
		neonPanelQ8x5(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		neonPanelQ8x6(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], &scale[0], k)
	}
}
