package kernel

import "encoding/binary"

// cacheRoutines are the micro kernels of cached attention and of rotations.
type cacheRoutines struct {
	// panelsF16 adds to mr rows of c the product of a (mr rows of k) and b, panels of
	// halves. Any mr will do. panelsQ8 does the same with int8, column by column times
	// b's scales.
	panelsF16 func(c, a view, b cachedPanels, mr, k int)
	panelsQ8  func(c, a view, b cachedPanels, mr, k int)

	// toF16 and fromF16 convert len(x) elements.
	toF16   func(dst []byte, x []float32)
	fromF16 func(x []float32, src []byte)

	// rotateHalves turns the pairs (x[i], x[i+n]), rotatePairs the pairs (x[2i],
	// x[2i+1]), by the angles whose n cosines and then n sines are given; x has 2n
	// elements.
	rotateHalves func(x, angles []float32)
	rotatePairs  func(x, angles []float32)
}

// cachedPanels are n panels of 16 columns, side by side in rows that are ld bytes apart.
type cachedPanels struct {
	data   []byte
	scales []byte // int8: a half for each column
	ld, n  int
	// ahead is what will be read next, laid out in the same way: kernels ask for its lines
	// while they compute. Nil asks for nothing new.
	ahead []byte
}

// check panics unless there are k rows of elements of the given size, and all scales. It
// returns the addresses of both and of what is ahead.
func (b *cachedPanels) check(k, size int) (data, scales, ahead *byte) {
	data = &b.data[:(k-1)*b.ld+b.n*panelRows*size][0]
	ahead = data
	if len(b.ahead) > 0 {
		ahead = &b.ahead[0]
	}
	if size == 1 {
		scales = &b.scales[:2*panelRows*b.n][0]
	}
	return data, scales, ahead
}

func plainCache() cacheRoutines {
	return cacheRoutines{
		panelsF16:    plainPanelsF16,
		panelsQ8:     plainPanelsQ8,
		toF16:        plainToF16,
		fromF16:      plainFromF16,
		rotateHalves: plainRotateHalves,
		rotatePairs:  plainRotatePairs,
	}
}

func plainPanelsF16(c, a view, b cachedPanels, mr, k int) {
	var w [panelRows]float32
	for p := range b.n {
		for i := range k {
			plainFromF16(w[:], b.data[i*b.ld+2*p*panelRows:])
			for r := range mr {
				v, row := a.data[r*a.ld+i], (*[panelRows]float32)(c.data[r*c.ld+p*panelRows:])
				for n := range row {
					row[n] += v * w[n]
				}
			}
		}
	}
}

func plainPanelsQ8(c, a view, b cachedPanels, mr, k int) {
	for p := range b.n {
		var scale [panelRows]float32
		plainFromF16(scale[:], b.scales[2*p*panelRows:])
		for r := range mr {
			row := (*[panelRows]float32)(c.data[r*c.ld+p*panelRows:])
			var acc [panelRows]float32
			for i, v := range a.data[r*a.ld:][:k] {
				w := (*[panelRows]byte)(b.data[i*b.ld+p*panelRows:])
				for n := range acc {
					acc[n] += v * float32(int8(w[n])) //nolint:gosec // a byte that holds an int8
				}
			}
			for n := range row {
				row[n] += acc[n] * scale[n]
			}
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
