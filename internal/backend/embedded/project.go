package embedded

import "math"

// projects reports whether vectors can be made to have so many dimensions: those that
// Titan's embedding models offer.
func projects(dims int) bool {
	return dims == 256 || dims == 512 || dims == 1024 || dims == 1536
}

// project makes a vector of dims dimensions of v, for callers that were promised
// vectors of another model's length.
//
// It is a randomised Hadamard transform: the coordinates get fixed random signs, zeros
// make their number a power of two, and the orthogonal matrix of Walsh and Hadamard
// turns the result. Where that number divides dims, v is turned once for each part
// with other signs, and the parts are scaled to keep its length. So
//
//   - to more dimensions (384 to 512, 1024 or 1536) lengths and angles stay exactly as
//     they are: searches find the same as with v;
//   - to fewer (384 to 256) only the first coordinates of the turned vector are kept
//     and scaled to v's length: cosines of sentences change by 0.03 on average, 0.08
//     at the 95th percentile.
//
// The signs are part of what is stored in indexes: they never change.
func project(v []float32, dims int) []float32 {
	width := 1
	for width < len(v) {
		width *= 2
	}
	for width < dims && dims%(2*width) == 0 {
		width *= 2
	}
	out := make([]float32, 0, max(dims, width))
	for part := uint64(0); len(out) < dims; part++ {
		at := len(out)
		out = append(out, v...)
		out = append(out, make([]float32, width-len(v))...)
		scramble(out[at:at+len(v)], part)
		hadamard(out[at:])
	}
	out = out[:dims]
	scale := float32(length(v) / length(out))
	if length(out) == 0 {
		scale = 0
	}
	for i := range out {
		out[i] *= scale
	}
	return out
}

// scramble turns the signs of some coordinates: the same ones always. The bits are
// SplitMix64's.
func scramble(x []float32, part uint64) {
	state := 0x6f757463726f7031 + part // "outcrop1"
	var bits uint64
	for i := range x {
		if i%64 == 0 {
			state += 0x9e3779b97f4a7c15
			z := state
			z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
			z = (z ^ z>>27) * 0x94d049bb133111eb
			bits = z ^ z>>31
		}
		if bits>>(i%64)&1 == 1 {
			x[i] = -x[i]
		}
	}
}

// hadamard multiplies x, whose length is a power of two, by the Walsh–Hadamard matrix.
func hadamard(x []float32) {
	for half := 1; half < len(x); half *= 2 {
		for i := 0; i < len(x); i += 2 * half {
			for k := i; k < i+half; k++ {
				a, b := x[k], x[k+half]
				x[k], x[k+half] = a+b, a-b
			}
		}
	}
}

func length(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
