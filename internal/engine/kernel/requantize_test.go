package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// TestQuantizeByDefinition compares with what the formats say in float64: halves of all
// sizes, ties, and values that no scale can hold.
func TestQuantizeByDefinition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	x := make([]float32, 32)
	for i := range 20_000 {
		size := math.Ldexp(1, r.IntN(60)-40)
		for j := range x {
			x[j] = float32(r.NormFloat64() * size)
			if i%3 == 0 { // many of them half way between two quants
				x[j] = float32(math.Round(r.NormFloat64()*20) / 2 * size)
			}
		}
		switch i % 50 {
		case 1:
			x[r.IntN(32)] = float32(math.Inf(1 - 2*r.IntN(2)))
		case 2:
			x[r.IntN(32)] = float32(math.NaN())
		case 3:
			clear(x)
		}
		q8, q4 := make([]byte, 34), make([]byte, 18)
		quantizeQ8_0(q8, x)
		quantizeQ4_0(q4, x)
		if want := defineQ8_0(x, binary.LittleEndian.Uint16(q8)); !bytes.Equal(q8[2:], want) {
			t.Fatalf("Q8_0 of %v is %v, want %v", x, q8[2:], want)
		}
		if want := defineQ4_0(x, binary.LittleEndian.Uint16(q4)); !bytes.Equal(q4[2:], want) {
			t.Fatalf("Q4_0 of %v is %v, want %v", x, q4[2:], want)
		}
		checkScales(t, x, half(q8), half(q4))
	}
}

// checkScales wants the scales that let the largest element reach the end of the range.
func checkScales(t *testing.T, x []float32, d8, d4 float32) {
	t.Helper()
	largest := float32(0)
	for _, v := range x {
		if math.IsNaN(float64(v)) {
			return // whatever they are, the quants are zeros
		}
		if math.Abs(float64(v)) > math.Abs(float64(largest)) {
			largest = v
		}
	}
	want8, want4 := F16ToF32(F32ToF16(float32(math.Abs(float64(largest)))/127)), F16ToF32(F32ToF16(largest/-8))
	if d8 != want8 || math.Abs(float64(d4)) != math.Abs(float64(want4)) {
		t.Fatalf("scales %v and %v of %v, want %v and ±%v", d8, d4, x, want8, want4)
	}
}

// quantOf is x divided by the scale, rounded and bounded.
func quantOf(x float32, scale uint16, lo, hi float64) int {
	d := float64(F16ToF32(scale))
	q := float64(x) * (1 / d)
	if d == 0 || math.IsInf(d, 0) || math.IsNaN(d) || math.IsNaN(q) {
		return 0
	}
	return int(min(max(math.RoundToEven(q), lo), hi))
}

func defineQ8_0(x []float32, scale uint16) []byte {
	out := make([]byte, 32)
	for i, v := range x {
		out[i] = byte(int8(quantOf(v, scale, -127, 127)))
	}
	return out
}

func defineQ4_0(x []float32, scale uint16) []byte {
	out := make([]byte, 16)
	for i := range out {
		out[i] = byte(quantOf(x[i], scale, -8, 7)+8) | byte(quantOf(x[i+16], scale, -8, 7)+8)<<4
	}
	return out
}
