package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Quantize writes x in the given type, as files hold it: F16, Q8_0 or Q4_0, for models
// that are to take less memory than their file does. dst has exactly the bytes of
// len(x) elements, a whole number of blocks.
func Quantize(t Type, dst []byte, x []float32) error {
	n, ok := t.RowSize(len(x))
	if !ok {
		return fmt.Errorf("kernel: %d elements as type %s", len(x), t)
	}
	if len(dst) != n {
		return fmt.Errorf("kernel: %d bytes for %d elements as type %s, want %d", len(dst), len(x), t, n)
	}
	switch t {
	case F16:
		for i, v := range x {
			binary.LittleEndian.PutUint16(dst[2*i:], F32ToF16(v))
		}
	case Q8_0:
		for ; len(x) > 0; x, dst = x[32:], dst[34:] {
			quantizeQ8_0(dst, x[:32])
		}
	case Q4_0:
		for ; len(x) > 0; x, dst = x[32:], dst[18:] {
			quantizeQ4_0(dst, x[:32])
		}
	default:
		return fmt.Errorf("kernel: can't quantise to type %s", t)
	}
	return nil
}

// quantizeQ8_0 divides by the rounded scale, so that its rounding isn't added to the
// quants' own.
func quantizeQ8_0(dst []byte, x []float32) {
	dst, x = dst[:34], x[:32]
	largest := uint32(0) // the bits of magnitudes are ordered as they are, with NaN on top
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	scale := F32ToF16(math.Float32frombits(largest) / 127)
	binary.LittleEndian.PutUint16(dst, scale)
	inverse := inverseOf(scale)
	if inverse == 0 {
		clear(dst[2:])
		return
	}
	for i, v := range x {
		dst[2+i] = byte(min(max(nearest(v, inverse), -127), 127)) //nolint:gosec // an int8 kept as a byte
	}
}

// quantizeQ4_0 gives the element of the largest magnitude the quant -8, the only end
// that has 8 steps.
func quantizeQ4_0(dst []byte, x []float32) {
	dst, x = dst[:18], x[:32]
	largest := float32(0)
	for _, v := range x {
		if max(v, -v) > max(largest, -largest) {
			largest = v
		}
	}
	scale := F32ToF16(largest / -8)
	binary.LittleEndian.PutUint16(dst, scale)
	inverse := inverseOf(scale)
	quant := func(v float32) byte {
		if inverse == 0 || math.IsNaN(float64(v)) {
			return 8
		}
		return byte(min(max(nearest(v, inverse), -8), 7) + 8)
	}
	for i := range 16 {
		dst[2+i] = quant(x[i]) | quant(x[i+16])<<4
	}
}

// nearest returns the integer nearest to v·inverse, ties to even, for finite v no
// larger than a few hundred scales: added to 1.5·2⁵², it is what the low bits of the
// sum say. The conversion keeps a processor from fusing product and sum.
func nearest(v float32, inverse float64) int32 {
	return int32(math.Float64bits(float64(float64(v)*inverse) + 0x1.8p52)) //nolint:gosec // the low bits
}

// inverseOf returns 1 divided by a half, 0 for one that nothing can be divided by.
func inverseOf(scale uint16) float64 {
	d := float64(F16ToF32(scale))
	if d == 0 || math.IsInf(d, 0) || math.IsNaN(d) {
		return 0
	}
	return 1 / d
}
