package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
)

// ErrShrunk says that a file lost bytes while it was in use.
var ErrShrunk = errors.New("the file changed while it was in use")

// Read fills dst with the elements from index from on, as float32. It is safe for
// concurrent use.
func (t *Tensor) Read(dst []float32, from int) (err error) {
	if from < 0 || len(dst) > t.Len()-from {
		return fmt.Errorf("tensor %q: elements %d to %d of %d", t.Name, from, from+len(dst), t.Len())
	}
	defer t.guard(debug.SetPanicOnFault(true), &err)
	switch t.Type {
	case F32:
		src := t.data[4*from : 4*(from+len(dst))]
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16:
		src := t.data[2*from : 2*(from+len(dst))]
		for i := range dst {
			dst[i] = half(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		src := t.data[2*from : 2*(from+len(dst))]
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
	defer t.guard(debug.SetPanicOnFault(true), &err)
	return bytes.Clone(t.data), nil
}

// guard turns the fault of a mapped page whose file was cut short into an error: a
// deferred call to it, with faults made panics of this goroutine, which it undoes.
func (t *Tensor) guard(before bool, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("tensor %q: %w", t.Name, ErrShrunk)
	}
	debug.SetPanicOnFault(before)
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
