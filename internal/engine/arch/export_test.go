package arch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
)

// LoadDequantized loads a decoder with the matrices of a GGUF file as floats: the graph
// without the rounding of quantised products.
func LoadDequantized(c *DecoderConfig, s *weights.Store, k *kernel.Compute, o DecoderOptions) (*Decoder, error) {
	return loadDecoder(c, dequantized{stored{s}}, k, o)
}

type dequantized struct{ stored }

func (d dequantized) Matrix(name string, rows, cols int) (*kernel.Matrix, error) {
	t := d.GGUF().Tensor(name)
	if t == nil {
		return nil, fmt.Errorf("no %s", name)
	}
	x := make([]float32, rows*cols)
	err := t.View(func(raw []byte) error { return kernel.Dequantize(t.Type, x, raw) })
	if err != nil {
		return nil, err
	}
	return kernel.PackF32(rows, cols, x)
}

// LoadRandom returns a decoder with random weights of one type, as large as those of a
// model, and the bytes of its matrices.
func LoadRandom(c *DecoderConfig, typ kernel.Type, k *kernel.Compute, o DecoderOptions) (*Decoder, int, error) {
	r := &randomTensors{k: k, typ: typ}
	d, err := loadDecoder(c, r, k, o)
	return d, r.bytes, err
}

// randomTensors makes tensors of any shape up.
type randomTensors struct {
	k     *kernel.Compute
	typ   kernel.Type
	bytes int
}

func (r *randomTensors) Has(name string) bool {
	return strings.HasSuffix(name, ".weight") && !strings.HasPrefix(name, "rope")
}

func (r *randomTensors) Vector(_ string, n int) ([]float32, error) {
	x := make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	return x, nil
}

func (r *randomTensors) Table(string, int, int) (rowTable, error) { return randomRows{}, nil }

func (r *randomTensors) Matrix(_ string, rows, cols int) (*kernel.Matrix, error) {
	typ := r.typ
	if cols%typ.BlockLen() != 0 {
		typ = kernel.Q5_0 // as llama.cpp falls back
	}
	m, err := r.k.Pack(typ, rows, cols, randomBlocks(typ, rows*cols))
	if err == nil {
		r.bytes += len(m.Packed())
	}
	return m, err
}

// randomBlocks returns n elements of a type, none of them large.
func randomBlocks(typ kernel.Type, n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 1))
	size := typ.BlockSize()
	raw := make([]byte, n/typ.BlockLen()*size)
	for i := 0; i+8 <= len(raw); i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], rnd.Uint64())
	}
	halves := map[kernel.Type][]int{kernel.Q6_K: {208}, kernel.Q4_K: {0, 2}, kernel.Q5_K: {0, 2}}[typ]
	if halves == nil {
		halves = []int{0}
	}
	for b := 0; b < len(raw); b += size {
		for _, at := range halves {
			binary.LittleEndian.PutUint16(raw[b+at:], 0x1400) // 2⁻¹⁰
		}
		if typ == kernel.F16 {
			raw[b+1] = raw[b+1]&0x83 | 0x20
		}
	}
	return raw
}

type randomRows struct{}

func (randomRows) Row(dst []float32, i int) error {
	rnd := rand.New(rand.NewPCG(uint64(i), 2))
	for k := range dst {
		dst[k] = float32(rnd.NormFloat64())
	}
	return nil
}

// ParseDecoderConfig reads and checks a config.json.
func ParseDecoderConfig(text []byte) (*DecoderConfig, error) {
	c, err := parseDecoderConfig(text)
	if err != nil {
		return nil, err
	}
	return c, c.validate()
}

// Frequencies returns the angles per position that a configuration means.
func (c *DecoderConfig) Frequencies() []float64 { return c.Rope.frequencies() }

// WindowOf returns how many tokens a token of a layer sees, 0 for all.
func (c *DecoderConfig) WindowOf(layer int) int { return c.window(layer) }
