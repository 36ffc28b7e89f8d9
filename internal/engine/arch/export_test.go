package arch

import (
	"fmt"

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
