package kernel

import "unsafe"

// panelsAVX512 takes panels by four, two and one, but never four for a single row: that
// is bound by memory, which likes two streams better, and two chains of multiply-adds
// are enough for it.
func panelsAVX512(c, a view, b panels, mr, k int) {
	if b.n <= 0 || !checkPanel(c.at((b.n-1)*panelRows), a, mr, k) {
		return
	}
	first, size := b.check(k)
	ldb, stride := size*b.ld, size*b.stride
	for p := 0; p < b.n; {
		at := (*byte)(unsafe.Add(unsafe.Pointer(first), p*stride)) //nolint:gosec // inside what was checked
		to := &c.data[p*panelRows]
		switch left := b.n - p; {
		case left >= 4 && mr > 1:
			panels4AVX512(b.typ)(to, c.ld, &a.data[0], a.ld, at, ldb, stride, k, mr)
			p += 4
		case left >= 2:
			panels2AVX512(b.typ)(to, c.ld, &a.data[0], a.ld, at, ldb, stride, k, mr)
			p += 2
		default:
			panels1AVX512(b.typ)(to, c.ld, &a.data[0], a.ld, at, ldb, stride, k, mr)
			p++
		}
	}
}

// panelKernel is the form of the micro kernels for panels.
type panelKernel func(c *float32, ldc int, a *float32, lda int, b *byte, ldb, stride, k, rows int)

func panels4AVX512(t Type) panelKernel {
	switch t {
	case F16:
		return avx512PanelsF16x4
	case BF16:
		return avx512PanelsBF16x4
	default:
		return avx512PanelsF32x4
	}
}

func panels2AVX512(t Type) panelKernel {
	switch t {
	case F16:
		return avx512PanelsF16x2
	case BF16:
		return avx512PanelsBF16x2
	default:
		return avx512PanelsF32x2
	}
}

func panels1AVX512(t Type) panelKernel {
	switch t {
	case F16:
		return avx512PanelsF16x1
	case BF16:
		return avx512PanelsBF16x1
	default:
		return avx512PanelsF32x1
	}
}

func panelAVX512(c, a, b view, mr, k int) {
	panelsAVX512(c, a, panels{typ: F32, floats: b.data, ld: b.ld, n: 1}, mr, k)
}

func panelF16AVX512(c, a view, b []byte, mr, k int) {
	panelsAVX512(c, a, panels{typ: F16, data: b, ld: panelRows, n: 1}, mr, k)
}

func panelBF16AVX512(c, a view, b []byte, mr, k int) {
	panelsAVX512(c, a, panels{typ: BF16, data: b, ld: panelRows, n: 1}, mr, k)
}

func transposeAVX512(panel []float32, rows view, d int) {
	if d%4 != 0 {
		plainTranspose(panel, rows, d)
		return
	}
	if d > 0 {
		panel, last := panel[:panelRows*d], rows.data[:(panelRows-1)*rows.ld+d]
		avx512Transpose(&panel[0], &last[0], rows.ld, d/4)
	}
}
