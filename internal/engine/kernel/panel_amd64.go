package kernel

import "unsafe"

func panelAVX2(c []float32, ldc int, a []float32, lda int, b []float32, ldb int, mr, k int) {
	if !checkPanel(c, ldc, a, lda, mr, k) {
		return
	}
	_ = b[:(k-1)*ldb+panelRows]
	switch mr {
	case 1:
		avx2PanelF32x1(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	case 2:
		avx2PanelF32x2(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	case 3:
		avx2PanelF32x3(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	case 4:
		avx2PanelF32x4(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	case 5:
		avx2PanelF32x5(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		avx2PanelF32x6(&c[0], ldc, &a[0], lda, &b[0], ldb, k)
	}
}

func panelF16AVX2(c []float32, ldc int, a []float32, lda int, b []byte, mr, k int) {
	if !checkPanel(c, ldc, a, lda, mr, k) {
		return
	}
	_ = b[:2*panelRows*k]
	switch mr {
	case 1:
		avx2PanelF16x1(&c[0], ldc, &a[0], lda, &b[0], k)
	case 2:
		avx2PanelF16x2(&c[0], ldc, &a[0], lda, &b[0], k)
	case 3:
		avx2PanelF16x3(&c[0], ldc, &a[0], lda, &b[0], k)
	case 4:
		avx2PanelF16x4(&c[0], ldc, &a[0], lda, &b[0], k)
	case 5:
		avx2PanelF16x5(&c[0], ldc, &a[0], lda, &b[0], k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		avx2PanelF16x6(&c[0], ldc, &a[0], lda, &b[0], k)
	}
}

func panelBF16AVX2(c []float32, ldc int, a []float32, lda int, b []byte, mr, k int) {
	if !checkPanel(c, ldc, a, lda, mr, k) {
		return
	}
	_ = b[:2*panelRows*k]
	switch mr {
	case 1:
		avx2PanelBF16x1(&c[0], ldc, &a[0], lda, &b[0], k)
	case 2:
		avx2PanelBF16x2(&c[0], ldc, &a[0], lda, &b[0], k)
	case 3:
		avx2PanelBF16x3(&c[0], ldc, &a[0], lda, &b[0], k)
	case 4:
		avx2PanelBF16x4(&c[0], ldc, &a[0], lda, &b[0], k)
	case 5:
		avx2PanelBF16x5(&c[0], ldc, &a[0], lda, &b[0], k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		avx2PanelBF16x6(&c[0], ldc, &a[0], lda, &b[0], k)
	}
}

func wideAVX2(c, a []float32, w *Matrix, panel int) {
	c, a = c[:widePanels*panelRows], a[:w.cols]
	each := w.cols * panelRows // elements
	lo, hi := panel*each, (panel+widePanels)*each
	switch w.typ {
	case F16:
		avx2WideF16(&c[0], &a[0], &w.data[2*lo : 2*hi][0], 2*each, w.cols)
	case BF16:
		avx2WideBF16(&c[0], &a[0], &w.data[2*lo : 2*hi][0], 2*each, w.cols)
	default:
		avx2WideF32(&c[0], &a[0], (*byte)(unsafe.Pointer(&w.floats[lo:hi][0])), 4*each, w.cols)
	}
}
