package kernel

import "unsafe"

func panelAVX2(c, a, b view, mr, k int) {
	if !checkPanel(c, a, mr, k) {
		return
	}
	_ = b.data[:(k-1)*b.ld+panelRows]
	switch mr {
	case 1:
		avx2PanelF32x1(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	case 2:
		avx2PanelF32x2(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	case 3:
		avx2PanelF32x3(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	case 4:
		avx2PanelF32x4(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	case 5:
		avx2PanelF32x5(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		avx2PanelF32x6(&c.data[0], c.ld, &a.data[0], a.ld, &b.data[0], b.ld, k)
	}
}

func panelF16AVX2(c, a view, b []byte, mr, k int) {
	if !checkPanel(c, a, mr, k) {
		return
	}
	_ = b[:2*panelRows*k]
	switch mr {
	case 1:
		avx2PanelF16x1(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 2:
		avx2PanelF16x2(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 3:
		avx2PanelF16x3(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 4:
		avx2PanelF16x4(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 5:
		avx2PanelF16x5(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		avx2PanelF16x6(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	}
}

func panelBF16AVX2(c, a view, b []byte, mr, k int) {
	if !checkPanel(c, a, mr, k) {
		return
	}
	_ = b[:2*panelRows*k]
	switch mr {
	case 1:
		avx2PanelBF16x1(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 2:
		avx2PanelBF16x2(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 3:
		avx2PanelBF16x3(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 4:
		avx2PanelBF16x4(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	case 5:
		avx2PanelBF16x5(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
	default:
		_ = [rowTile + 1]struct{}{}[mr]
		avx2PanelBF16x6(&c.data[0], c.ld, &a.data[0], a.ld, &b[0], k)
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
		avx2WideF32(&c[0], &a[0], (*byte)(unsafe.Pointer(&w.floats[lo:hi][0])), 4*each, w.cols) //nolint:gosec // the same memory
	}
}
