package kernel

import (
	"math"
	"unsafe"
)

// peakAVX512 does 24 multiply-adds of 16 lanes per turn.
func peakAVX512(n int) int {
	n = max(n, 1)
	avx512Peak(n)
	return 24 * 16 * 2 * n
}

func readAVX512(x []float32) {
	if n := 4 * len(x) / 256 * 256; n > 0 {
		avx512Read((*byte)(unsafe.Pointer(&x[0])), n) //nolint:gosec // the same memory
	}
}

func dotAVX512(a, b []float32) (s float32) {
	b = b[:len(a)]
	if len(a) > 0 {
		avx512Dot(&a[0], &b[0], len(a), &s)
	}
	return s
}

func sumAVX512(x []float32) (s float32) {
	if len(x) > 0 {
		avx512Sum(&x[0], len(x), &s)
	}
	return s
}

func spreadAVX512(x []float32, mean float32) (s float32) {
	if len(x) > 0 {
		avx512Spread(&x[0], len(x), &mean, &s)
	}
	return s
}

func largestAVX512(x []float32) float32 {
	m := float32(math.Inf(-1))
	if len(x) > 0 {
		avx512Largest(&x[0], len(x), &m)
	}
	return m
}

func addAVX512(dst, x []float32) {
	x = x[:len(dst)]
	if len(dst) > 0 {
		avx512Add(&dst[0], &x[0], len(dst))
	}
}

func mulAVX512(dst, x []float32) {
	x = x[:len(dst)]
	if len(dst) > 0 {
		avx512Mul(&dst[0], &x[0], len(dst))
	}
}

func scaleAVX512(x []float32, s float32) {
	if len(x) > 0 {
		avx512Scale(&x[0], len(x), &s)
	}
}

func axpyAVX512(dst, x []float32, s float32) {
	x = x[:len(dst)]
	if len(dst) > 0 {
		avx512Axpy(&dst[0], &x[0], len(dst), &s)
	}
}

func affineAVX512(dst, x, weight, bias []float32, shift, s float32) {
	x, weight = x[:len(dst)], weight[:len(dst)]
	if len(dst) == 0 {
		return
	}
	if bias == nil {
		avx512Affine(&dst[0], &x[0], &weight[0], len(dst), &shift, &s)
		return
	}
	avx512AffineBias(&dst[0], &x[0], &weight[0], &bias[:len(dst)][0], len(dst), &shift, &s)
}

func expSumAVX512(x []float32, shift, s float32) (sum float32) {
	if len(x) > 0 {
		avx512ExpSum(&x[0], len(x), &shift, &s, &sum)
	}
	return sum
}

func geluAVX512(x []float32) {
	if len(x) > 0 {
		avx512GELU(&x[0], len(x))
	}
}

func geluTanhAVX512(x []float32) {
	if len(x) > 0 {
		avx512GELUTanh(&x[0], len(x))
	}
}

func siluAVX512(x []float32) {
	if len(x) > 0 {
		avx512SiLU(&x[0], len(x))
	}
}
