// Package safetensors reads the weights of Hugging Face models: single
// .safetensors files and sets of shards joined by an index.
//
// A file is mapped, not read: opening one costs its header, and a tensor's bytes
// come from the page cache when they are used. The format is a little-endian
// header length, a JSON header that gives each tensor's type, shape and range, and
// the data.
//
// Nothing in a file is trusted: the header is bounded, every range must lie inside
// the data and have exactly the bytes its shape needs, and ranges may not overlap.
// A file that shrinks while it is mapped makes reads fail with ErrShrunk instead of
// ending the process. The package writes nothing, and knows no model.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// Limits of what a header may claim. The largest models have some 10,000 tensors a
// shard and headers of 1 to 2 MB.
const (
	maxHeader  = 32 << 20
	maxTensors = 1 << 17
	maxRank    = 8
	maxName    = 1 << 10
)

// DType is the type of a tensor's elements, in the format's words.
type DType string

// The types whose elements can be read as float32. Others are known by their size
// only.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
)

// bits returns the size of an element in bits, 0 for a type the format does not have.
func (d DType) bits() int {
	switch d {
	case "F64", "I64", "U64", "C64":
		return 64
	case F32, "I32", "U32":
		return 32
	case F16, BF16, "I16", "U16":
		return 16
	case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ":
		return 8
	}
	return 0
}

// Tensor is one tensor of a file. Its data belongs to the file and is gone once the
// file is closed.
type Tensor struct {
	Name  string
	Type  DType
	Shape []int // may be empty: a scalar

	file *mapping.File // nil: data is in memory
	data []byte
}

// Len returns the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Size returns the number of bytes the tensor takes in its file.
func (t *Tensor) Size() int { return len(t.data) }

// parse reads a whole file's bytes into its tensors.
func parse(file []byte) (map[string]*Tensor, error) {
	if len(file) < 8 {
		return nil, errors.New("too short for a safetensors file")
	}
	n := binary.LittleEndian.Uint64(file)
	if n > maxHeader || int(n) > len(file)-8 {
		return nil, fmt.Errorf("a header of %d bytes in a file of %d", n, len(file))
	}
	header, data := file[8:8+n], file[8+n:]
	entries, err := readHeader(header)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	tensors := make(map[string]*Tensor, len(entries))
	for _, e := range entries {
		t, err := e.tensor(data)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.name, err)
		}
		tensors[e.name] = t
	}
	return tensors, disjoint(entries)
}

// entry is one tensor as the header describes it.
type entry struct {
	name    string
	Type    DType  `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []uint `json:"data_offsets"` // in the data: begin, end
}

// readHeader reads the JSON object. It goes member by member, so that the number of
// tensors is bounded before memory is taken for them.
func readHeader(header []byte) ([]entry, error) {
	d := json.NewDecoder(bytes.NewReader(header))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	var entries []entry
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := t.(string) // object keys are strings
		if name == "__metadata__" {
			var notes map[string]string
			if err := d.Decode(&notes); err != nil {
				return nil, fmt.Errorf("metadata: %w", err)
			}
			continue
		}
		e := entry{name: name}
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("tensor %.100q: %w", name, err)
		}
		switch {
		case len(name) > maxName:
			return nil, fmt.Errorf("a tensor's name has %d bytes", len(name))
		case seen[name]:
			return nil, fmt.Errorf("tensor %q is there twice", name)
		case len(entries) == maxTensors:
			return nil, fmt.Errorf("more than %d tensors", maxTensors)
		}
		seen[name] = true
		entries = append(entries, e)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON object")
	}
	return entries, nil
}

// tensor checks an entry against the data and returns the tensor.
func (e *entry) tensor(data []byte) (*Tensor, error) {
	width := uint64(e.Type.bits()) //nolint:gosec // 0 to 64
	switch {
	case width == 0:
		return nil, fmt.Errorf("unknown type %.40q", string(e.Type))
	case len(e.Shape) > maxRank:
		return nil, fmt.Errorf("%d dimensions", len(e.Shape))
	case len(e.Offsets) != 2 || e.Offsets[0] > e.Offsets[1] || e.Offsets[1] > uint(len(data)):
		return nil, fmt.Errorf("bytes %v of %d", e.Offsets, len(data))
	}
	limit := uint64(len(data))*8/width + 1 // no tensor can have more elements
	elements := uint64(1)
	for _, d := range e.Shape {
		if d < 0 || uint64(d) > limit {
			return nil, fmt.Errorf("shape %v is larger than the file", e.Shape)
		}
		if elements *= uint64(d); elements > limit {
			return nil, fmt.Errorf("shape %v is larger than the file", e.Shape)
		}
	}
	if got := uint64(e.Offsets[1] - e.Offsets[0]); got*8 != elements*width {
		return nil, fmt.Errorf("%d bytes for shape %v of %s", got, e.Shape, e.Type)
	}
	return &Tensor{Name: e.name, Type: e.Type, Shape: e.Shape, data: data[e.Offsets[0]:e.Offsets[1]:e.Offsets[1]]}, nil
}

// disjoint refuses tensors that share bytes: a header that claims the same data many
// times would be read into many times its file's size.
func disjoint(entries []entry) error {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]))
	})
	for i := 1; i < len(entries); i++ {
		if entries[i].Offsets[0] < entries[i-1].Offsets[1] {
			return fmt.Errorf("tensors %q and %q share bytes", entries[i-1].name, entries[i].name)
		}
	}
	return nil
}
