package kernel_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// TestDequantizeLikeGGUF compares with what another implementation of the formats
// read from the same bytes; testdata/blocks.py made the file.
func TestDequantizeLikeGGUF(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/blocks.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Type, Raw string
		Number    kernel.Type
		Values    []float32
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Number.String() != c.Type || !c.Number.Supported() {
			t.Errorf("type %d is %s, supported: %v", c.Number, c.Number, c.Number.Supported())
		}
		raw, err := hex.DecodeString(c.Raw)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(c.Values))
		if err := kernel.Dequantize(c.Number, got, raw); err != nil {
			t.Fatal(err)
		}
		for i, v := range c.Values {
			near(t, c.Type, got[i], float64(v), math.Abs(float64(v))+1e-3, 1e-6)
		}
	}
}

func TestFloat16(t *testing.T) {
	t.Parallel()
	for h := range 1 << 16 {
		f := kernel.F16ToF32(uint16(h))
		back := kernel.F32ToF16(f)
		if f != f { // NaN
			if back&0x7c00 != 0x7c00 || back&0x3ff == 0 {
				t.Errorf("NaN %#x became %#x", h, back)
			}
			continue
		}
		if int(back) != h {
			t.Errorf("%#x is %v, which became %#x", h, f, back)
		}
		if h&0x7fff >= 0x7bff {
			continue
		}
		// Halfway to the next half rounds to the even one; beyond it, up.
		next := kernel.F16ToF32(uint16(h + 1))
		middle := float32((float64(f) + float64(next)) / 2)
		if want := h + h&1; int(kernel.F32ToF16(middle)) != want {
			t.Errorf("the middle of %#x and the next became %#x", h, kernel.F32ToF16(middle))
		}
		if up := math.Nextafter32(middle, next); int(kernel.F32ToF16(up)) != h+1 {
			t.Errorf("just above the middle of %#x and the next: %#x", h, kernel.F32ToF16(up))
		}
	}
	for f, want := range map[float32]uint16{65519: 0x7bff, 65520: 0x7c00, -1e30: 0xfc00, 1e-10: 0, 0x1p-25: 0, 0x1.8p-25: 1} {
		if got := kernel.F32ToF16(f); got != want {
			t.Errorf("%v: got %#x, want %#x", f, got, want)
		}
	}
}

func TestQuantize(t *testing.T) {
	t.Parallel()
	for _, typ := range []kernel.Type{kernel.F16, kernel.Q8_0, kernel.Q4_0} {
		step := map[kernel.Type]float64{kernel.F16: 0x1p-11, kernel.Q8_0: 0.5 / 127 * 1.01, kernel.Q4_0: 0.51 / 8 * 1.01}[typ]
		x := random(3, 40*32)
		clear(x[64:96])
		for i := 96; i < 128; i++ {
			x[i] = float32(rand.New(rand.NewPCG(1, uint64(i))).IntN(3) - 1)
		}
		size, _ := typ.RowSize(len(x))
		raw := make([]byte, size)
		if err := kernel.Quantize(typ, raw, x); err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(x))
		if err := kernel.Dequantize(typ, got, raw); err != nil {
			t.Fatal(err)
		}
		for b := 0; b < len(x); b += 32 {
			top := 0.0
			for _, v := range x[b : b+32] {
				top = max(top, math.Abs(float64(v)))
			}
			for i, v := range x[b : b+32] {
				limit := top * step
				if typ == kernel.Q4_0 { // -8…7: the end without an own quant is cut
					limit = top / 8 * 1.01
				}
				if d := math.Abs(float64(got[b+i] - v)); !(d <= limit+1e-9) {
					t.Errorf("%s: %v became %v, block's largest %v", typ, v, got[b+i], top)
				}
			}
		}
	}
	for name, f := range map[string]func() error{
		"type":  func() error { return kernel.Quantize(kernel.Q6_K, make([]byte, 210), make([]float32, 256)) },
		"block": func() error { return kernel.Quantize(kernel.Q8_0, make([]byte, 34), make([]float32, 31)) },
		"bytes": func() error { return kernel.Quantize(kernel.Q8_0, make([]byte, 33), make([]float32, 32)) },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
