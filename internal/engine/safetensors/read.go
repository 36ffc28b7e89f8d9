package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// ErrShrunk says that a file lost bytes while it was in use.
var ErrShrunk = mapping.ErrShrunk

// View calls fn with the tensor as it is in the file: its elements in row order,
// little-endian. fn may not keep the bytes, and reads them on its own goroutine only.
// When some are gone the error is ErrShrunk.
func (t *Tensor) View(fn func(raw []byte) error) error {
	if t.file == nil { // of bytes in memory
		return fn(t.data)
	}
	err := t.file.Guard(func() error { return fn(t.data) })
	if errors.Is(err, ErrShrunk) {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return err
}

// Mapped returns the tensor's bytes and the mapping that they belong to, whose Guard
// covers every read of them: for callers who read on several goroutines.
func (t *Tensor) Mapped() (*mapping.File, []byte) { return t.file, t.data }

// Read fills dst with the elements from index from on, as float32. It is safe for
// concurrent use.
func (t *Tensor) Read(dst []float32, from int) error {
	if from < 0 || len(dst) > t.Len()-from {
		return fmt.Errorf("tensor %q: elements %d to %d of %d", t.Name, from, from+len(dst), t.Len())
	}
	return t.View(func(raw []byte) error { return t.read(dst, from, raw) })
}

func (t *Tensor) read(dst []float32, from int, raw []byte) error {
	switch t.Type {
	case F32:
		src := raw[4*from : 4*(from+len(dst))]
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16:
		src := raw[2*from : 2*(from+len(dst))]
		for i := range dst {
			dst[i] = half(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		src := raw[2*from : 2*(from+len(dst))]
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
		}
	default:
		return fmt.Errorf("tensor %q has the type %s: F32, F16 and BF16 can be used", t.Name, t.Type)
	}
	return nil
}

// Floats returns all elements as float32, in memory of their own.
func (t *Tensor) Floats() ([]float32, error) {
	out := make([]float32, t.Len())
	return out, t.Read(out, 0)
}

// Bytes returns a copy of the tensor as it is in the file: its elements in row order,
// little-endian.
func (t *Tensor) Bytes() (raw []byte, err error) {
	err = t.View(func(data []byte) error {
		raw = bytes.Clone(data)
		return nil
	})
	return raw, err
}

// half widens an IEEE 754 binary16.
func half(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h & 0x3ff)
	switch exp {
	case 0: // zero and subnormals: frac × 2⁻²⁴, which float32 holds exactly
		f := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 0x1f: // infinities and NaNs
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}
