package kernel

import (
	"math"
	"unsafe"
)

// lanes is what fits one register, and what a vector kernel takes at a time. The
// wrappers below hand over whole lanes and treat the rest in a padded copy.
type lanes = [8]float32

// split returns how much of a vector of n elements consists of whole lanes.
func split(n int) int { return n &^ (len(lanes{}) - 1) }

// total adds up lanes in a fixed order.
func total(s *lanes) float32 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// peakAVX2 does 12 multiply-adds of 8 lanes per turn.
func peakAVX2(n int) int {
	n = max(n, 1)
	avx2Peak(n)
	return 12 * 8 * 2 * n
}

func readAVX2(x []float32) {
	if n := 4 * len(x) / 256 * 256; n > 0 {
		avx2Read((*byte)(unsafe.Pointer(&x[0])), n) //nolint:gosec // the same memory
	}
}

func dotAVX2(a, b []float32) float32 {
	b = b[:len(a)]
	n := split(len(a))
	var out lanes
	if n > 0 {
		avx2Dot(&a[0], &b[0], n, &out[0])
	}
	s := total(&out)
	for i := n; i < len(a); i++ {
		s += a[i] * b[i]
	}
	return s
}

func sumAVX2(x []float32) float32 {
	n := split(len(x))
	var out lanes
	if n > 0 {
		avx2Sum(&x[0], n, &out[0])
	}
	s := total(&out)
	for _, v := range x[n:] {
		s += v
	}
	return s
}

func spreadAVX2(x []float32, mean float32) float32 {
	n := split(len(x))
	var out lanes
	if n > 0 {
		avx2Spread(&x[0], n, &mean, &out[0])
	}
	s := total(&out)
	for _, v := range x[n:] {
		s += (v - mean) * (v - mean)
	}
	return s
}

func largestAVX2(x []float32) float32 {
	n, m := split(len(x)), float32(math.Inf(-1))
	if n > 0 {
		var out lanes
		avx2Largest(&x[0], n, &out[0])
		m = plainLargest(out[:])
	}
	return max(m, plainLargest(x[n:]))
}

func addAVX2(dst, x []float32) {
	x = x[:len(dst)]
	n := split(len(dst))
	if n > 0 {
		avx2Add(&dst[0], &x[0], n)
	}
	plainAdd(dst[n:], x[n:])
}

func mulAVX2(dst, x []float32) {
	x = x[:len(dst)]
	n := split(len(dst))
	if n > 0 {
		avx2Mul(&dst[0], &x[0], n)
	}
	plainMul(dst[n:], x[n:])
}

func scaleAVX2(x []float32, s float32) {
	n := split(len(x))
	if n > 0 {
		avx2Scale(&x[0], n, &s)
	}
	plainScale(x[n:], s)
}

func axpyAVX2(dst, x []float32, s float32) {
	x = x[:len(dst)]
	n := split(len(dst))
	if n > 0 {
		avx2Axpy(&dst[0], &x[0], n, &s)
	}
	plainAxpy(dst[n:], x[n:], s)
}

func affineAVX2(dst, x, weight, bias []float32, shift, s float32) {
	x, weight = x[:len(dst)], weight[:len(dst)]
	n := split(len(dst))
	if bias == nil {
		if n > 0 {
			avx2Affine(&dst[0], &x[0], &weight[0], n, &shift, &s)
		}
		plainAffine(dst[n:], x[n:], weight[n:], nil, shift, s)
		return
	}
	bias = bias[:len(dst)]
	if n > 0 {
		avx2AffineBias(&dst[0], &x[0], &weight[0], &bias[0], n, &shift, &s)
	}
	plainAffine(dst[n:], x[n:], weight[n:], bias[n:], shift, s)
}

func expSumAVX2(x []float32, shift, s float32) float32 {
	n := split(len(x))
	var out lanes
	if n > 0 {
		avx2ExpSum(&x[0], n, &shift, &s, &out[0])
	}
	t := total(&out)
	if n < len(x) {
		var rest lanes
		copy(rest[:], x[n:])
		avx2ExpSum(&rest[0], len(rest), &shift, &s, &out[0])
		copy(x[n:], rest[:])
		for _, v := range x[n:] {
			t += v
		}
	}
	return t
}

func geluAVX2(x []float32) {
	n := split(len(x))
	if n > 0 {
		avx2GELU(&x[0], n)
	}
	if n < len(x) {
		var rest lanes
		copy(rest[:], x[n:])
		avx2GELU(&rest[0], len(rest))
		copy(x[n:], rest[:])
	}
}

func geluTanhAVX2(x []float32) {
	n := split(len(x))
	if n > 0 {
		avx2GELUTanh(&x[0], n)
	}
	if n < len(x) {
		var rest lanes
		copy(rest[:], x[n:])
		avx2GELUTanh(&rest[0], len(rest))
		copy(x[n:], rest[:])
	}
}

func siluAVX2(x []float32) {
	n := split(len(x))
	if n > 0 {
		avx2SiLU(&x[0], n)
	}
	if n < len(x) {
		var rest lanes
		copy(rest[:], x[n:])
		avx2SiLU(&rest[0], len(rest))
		copy(x[n:], rest[:])
	}
}
