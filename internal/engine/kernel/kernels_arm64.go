package kernel

func panelNEON(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, mr, k int) {
	if !checkPanel(c, ldc, a, lda, mr, k) {
		return
	}
	_ = b[:(k-1)*ldb+panelRows]
	switch mr {
	case 1:
		neonPanelF32x1(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	case 2:
		neonPanelF32x2(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	case 3:
		neonPanelF32x3(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	case 4:
		neonPanelF32x4(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	case 5:
		neonPanelF32x5(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		neonPanelF32x6(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	}
}

func panelF16NEON(c []float32, ldc int, a []float32, lda int, b []byte, mr, k int) {
	if !checkPanel(c, ldc, a, lda, mr, k) {
		return
	}
	_ = b[:2*panelRows*k]
	switch mr {
	case 1:
		neonPanelF16x1(&c[0], ldc, &a[0], lda, &b[0], k)
	case 2:
		neonPanelF16x2(&c[0], ldc, &a[0], lda, &b[0], k)
	case 3:
		neonPanelF16x3(&c[0], ldc, &a[0], lda, &b[0], k)
	case 4:
		neonPanelF16x4(&c[0], ldc, &a[0], lda, &b[0], k)
	case 5:
		neonPanelF16x5(&c[0], ldc, &a[0], lda, &b[0], k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		neonPanelF16x6(&c[0], ldc, &a[0], lda, &b[0], k)
	}
}

func groupQ8_0NEON(out []float32, ldo int, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, ldo, w, acts, blocks, nt, 272, act32Size) {
		return
	}
	switch nt {
	case 1:
		neonQ8_0x1(&w[0], &acts[0], blocks, &out[0], ldo)
	case 2:
		neonQ8_0x2(&w[0], &acts[0], blocks, &out[0], ldo)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ8_0x4(&w[0], &acts[0], blocks, &out[0], ldo)
	}
}

func groupQ4_0NEON(out []float32, ldo int, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, ldo, w, acts, blocks, nt, 144, act32Size) {
		return
	}
	switch nt {
	case 1:
		neonQ4_0x1(&w[0], &acts[0], blocks, &out[0], ldo)
	case 2:
		neonQ4_0x2(&w[0], &acts[0], blocks, &out[0], ldo)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ4_0x4(&w[0], &acts[0], blocks, &out[0], ldo)
	}
}

func groupQ5_0NEON(out []float32, ldo int, w, acts []byte, blocks, nt int) {
	if !checkGroup(out, ldo, w, acts, blocks, nt, 176, act32Size) {
		return
	}
	switch nt {
	case 1:
		neonQ5_0x1(&w[0], &acts[0], blocks, &out[0], ldo)
	case 2:
		neonQ5_0x2(&w[0], &acts[0], blocks, &out[0], ldo)
	default:
		_ = [1]struct{}{}[nt-actTile]
		neonQ5_0x4(&w[0], &acts[0], blocks, &out[0], ldo)
	}
}
