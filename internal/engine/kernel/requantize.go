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
	largest := float32(0)
	for _, v := range x {
		largest = max(largest, max(v, -v))
	}
	scale := F32ToF16(largest / 127)
	binary.LittleEndian.PutUint16(dst, scale)
	inverse := inverseOf(scale)
	for i, v := range x {
		dst[2+i] = byte(int8(clamp(math.RoundToEven(float64(v)*inverse), -127, 127))) //nolint:gosec // an int8 kept as a byte
	}
}

// quantizeQ4_0 gives the element of the largest magnitude the quant -8, the only end
// that has 8 steps.
func quantizeQ4_0(dst []byte, x []float32) {
	largest := float32(0)
	for _, v := range x {
		if max(v, -v) > max(largest, -largest) {
			largest = v
		}
	}
	scale := F32ToF16(largest / -8)
	binary.LittleEndian.PutUint16(dst, scale)
	inverse := inverseOf(scale)
	quant := func(v float32) byte { return byte(clamp(math.RoundToEven(float64(v)*inverse), -8, 7) + 8) }
	for i := range 16 {
		dst[2+i] = quant(x[i]) | quant(x[i+16])<<4
	}
}

func inverseOf(scale uint16) float64 {
	d := float64(F16ToF32(scale))
	if d == 0 || math.IsInf(d, 0) || math.IsNaN(d) {
		return 0
	}
	return 1 / d
}

// clamp returns x within lo and hi, and 0 for NaN.
func clamp(x, lo, hi float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return min(max(x, lo), hi)
}
