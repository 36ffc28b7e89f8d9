package kernel

import (
	"encoding/binary"
	"math"
)

// F16ToF32 returns the value of an IEEE 754 half.
func F16ToF32(h uint16) float32 {
	sign, exp, frac := uint32(h&0x8000)<<16, uint32(h>>10)&31, uint32(h&0x3ff)
	switch exp {
	case 0: // zero or subnormal: frac · 2⁻²⁴ is exact
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	default:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	}
}

// F32ToF16 returns the half nearest to f, ties to even; too large a value becomes
// an infinity.
func F32ToF16(f float32) uint16 {
	bits := math.Float32bits(f)
	sign, abs := uint16(bits>>16)&0x8000, bits&0x7fffffff
	switch {
	case abs > 0x7f800000: // NaN stays one
		return sign | 0x7e00
	case abs >= 0x477ff000: // rounds to 2¹⁶ or more
		return sign | 0x7c00
	case abs < 0x38800000: // below 2⁻¹⁴: adding 2⁻¹ leaves frac · 2⁻²⁴, rounded, in the low bits
		return sign | uint16(math.Float32bits(math.Float32frombits(abs)+0.5)-0x3f000000) //nolint:gosec // < 2¹¹
	default:
		abs += 0xfff + abs>>13&1
		return sign | uint16(abs>>13-112<<10)
	}
}

// BF16ToF32 returns the value of a bfloat16.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

func dequantizeF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func dequantizeF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = half(src[2*i:])
	}
}

func dequantizeBF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// half reads a half from the first two bytes of b.
func half(b []byte) float32 { return F16ToF32(binary.LittleEndian.Uint16(b)) }
