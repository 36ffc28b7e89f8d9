package kernel

import "encoding/binary"

// cacheRoutines are the micro kernels of cached attention and of rotations.
type cacheRoutines struct {
	// panelQ8 adds to the tile c (mr rows of 16) the product of a (mr rows of k) and b (k
	// rows of 16 int8), column by column times scale, 16 halves. 1 ≤ mr ≤ rowTile.
	panelQ8 func(c, a view, b, scale []byte, mr, k int)

	// toF16 and fromF16 convert len(x) elements.
	toF16   func(dst []byte, x []float32)
	fromF16 func(x []float32, src []byte)

	// rotateHalves turns the pairs (x[i], x[i+n]), rotatePairs the pairs (x[2i],
	// x[2i+1]), by the angles whose n cosines and then n sines are given; x has 2n
	// elements.
	rotateHalves func(x, angles []float32)
	rotatePairs  func(x, angles []float32)
}

func plainCache() cacheRoutines {
	return cacheRoutines{
		panelQ8:      plainPanelQ8,
		toF16:        plainToF16,
		fromF16:      plainFromF16,
		rotateHalves: plainRotateHalves,
		rotatePairs:  plainRotatePairs,
	}
}

func plainPanelQ8(c, a view, b, scale []byte, mr, k int) {
	var s [panelRows]float32
	plainFromF16(s[:], scale)
	for r := range mr {
		row := (*[panelRows]float32)(c.data[r*c.ld:])
		var acc [panelRows]float32
		for i, v := range a.data[r*a.ld:][:k] {
			w := (*[panelRows]byte)(b[i*panelRows:])
			for n := range acc {
				acc[n] += v * float32(int8(w[n])) //nolint:gosec // a byte that holds an int8
			}
		}
		for n := range row {
			row[n] += acc[n] * s[n]
		}
	}
}

func plainToF16(dst []byte, x []float32) {
	dst = dst[:2*len(x)]
	for i, v := range x {
		binary.LittleEndian.PutUint16(dst[2*i:], F32ToF16(v))
	}
}

func plainFromF16(x []float32, src []byte) {
	src = src[:2*len(x)]
	for i := range x {
		x[i] = half(src[2*i:])
	}
}

func plainRotateHalves(x, angles []float32) {
	n := len(x) / 2
	low, high, cos, sin := x[:n], x[n:][:n], angles[:n], angles[n:][:n]
	for i, a := range low {
		b := high[i]
		low[i], high[i] = a*cos[i]-b*sin[i], b*cos[i]+a*sin[i]
	}
}

func plainRotatePairs(x, angles []float32) {
	n := len(x) / 2
	x, cos, sin := x[:2*n], angles[:n], angles[n:][:n]
	for i, c := range cos {
		a, b := x[2*i], x[2*i+1]
		x[2*i], x[2*i+1] = a*c-b*sin[i], b*c+a*sin[i]
	}
}
