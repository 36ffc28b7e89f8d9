package gguf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// Limits of what a file may claim. The largest models have some thousand tensors and
// some dozen keys; the largest vocabularies have some 300,000 tokens.
const (
	maxTensors   = 1 << 17
	maxKeys      = 1 << 16
	maxName      = 1 << 10 // bytes of a key or a tensor's name
	maxString    = 64 << 20
	maxElements  = 1 << 24 // of an array
	maxArray     = 1 << 30 // its bytes
	maxNesting   = 4       // of arrays
	maxDims      = 4
	maxAlignment = 1 << 16
)

const (
	magic            = "GGUF"
	keyAlignment     = "general.alignment"
	defaultAlignment = 32
)

// header is what stands before a file's data.
type header struct {
	values  map[string]value
	tensors map[string]*Tensor
}

// parse reads a whole file's bytes, which the header keeps.
func parse(file []byte) (*header, error) {
	if len(file) < 24 || string(file[:4]) != magic {
		return nil, errors.New("not a GGUF file")
	}
	r := &reader{data: file, at: 4}
	switch version := r.uint32(); {
	case version == 2 || version == 3:
	case version&0xffff == 0:
		return nil, errors.New("a big-endian GGUF file: only little-endian ones can be read")
	default:
		return nil, fmt.Errorf("version %d of GGUF: 2 and 3 can be read", version)
	}
	tensors, keys := r.uint64(), r.uint64()
	if tensors > maxTensors || keys > maxKeys {
		return nil, fmt.Errorf("%d tensors and %d keys are too many", tensors, keys)
	}
	values, err := readValues(r, int(keys))
	if err != nil {
		return nil, err
	}
	infos, err := readInfos(r, int(tensors))
	if err != nil {
		return nil, err
	}
	alignment := int64(defaultAlignment)
	if v, ok := values[keyAlignment]; ok {
		alignment, ok = v.integer()
		if !ok || alignment < 1 || alignment > maxAlignment || alignment&(alignment-1) != 0 {
			return nil, fmt.Errorf("%s is %d", keyAlignment, alignment)
		}
	}
	// A file without tensors may end right after its header.
	start := min((r.at+int(alignment)-1)/int(alignment)*int(alignment), len(file))
	h := &header{values: values, tensors: make(map[string]*Tensor, len(infos))}
	for i := range infos {
		t, err := infos[i].tensor(file[start:], int(alignment))
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", infos[i].name, err)
		}
		if h.tensors[t.Name] != nil {
			return nil, fmt.Errorf("tensor %q is there twice", t.Name)
		}
		h.tensors[t.Name] = t
	}
	return h, disjoint(infos)
}

func readValues(r *reader, n int) (map[string]value, error) {
	values := map[string]value{}
	for range n {
		key := r.name()
		if r.err != nil {
			return nil, fmt.Errorf("key %d: %w", len(values)+1, r.err)
		}
		if _, twice := values[key]; twice {
			return nil, fmt.Errorf("the key %q is there twice", key)
		}
		values[key] = r.value(kind(r.uint32()), 0)
		if r.err != nil {
			return nil, fmt.Errorf("the key %q: %w", key, r.err)
		}
	}
	return values, nil
}

// info is a tensor as the header describes it.
type info struct {
	name   string
	typ    kernel.Type
	dims   []int // columns first
	offset uint64
	size   int // in the data; 0 for a type whose size is not known
}

func readInfos(r *reader, n int) ([]info, error) {
	var infos []info // not n at once: nobody knows yet whether they are there
	for range n {
		t := info{name: r.name()}
		dims := r.uint32()
		if r.err == nil && (dims < 1 || dims > maxDims) {
			r.err = fmt.Errorf("%d dimensions", dims)
		}
		for range dims {
			if r.err != nil {
				break
			}
			d := r.uint64()
			if r.err == nil && (d < 1 || d > math.MaxInt32) {
				r.err = fmt.Errorf("a dimension of %d", d)
			}
			t.dims = append(t.dims, int(d)) //nolint:gosec // bounded above
		}
		t.typ, t.offset = kernel.Type(r.uint32()), r.uint64()
		if r.err != nil {
			return nil, fmt.Errorf("tensor %d (%q): %w", len(infos)+1, t.name, r.err)
		}
		infos = append(infos, t)
	}
	return infos, nil
}

// tensor checks an entry against the data and returns the tensor.
func (e *info) tensor(data []byte, alignment int) (*Tensor, error) {
	t := &Tensor{Name: e.name, Type: e.typ, Shape: slices.Clone(e.dims)}
	slices.Reverse(t.Shape)
	if e.offset%uint64(alignment) != 0 || e.offset > uint64(len(data)) { //nolint:gosec // positive
		return nil, fmt.Errorf("it starts at byte %d of %d, with an alignment of %d", e.offset, len(data), alignment)
	}
	data = data[e.offset:]
	if !e.typ.Supported() {
		return t, nil // its size is not known, and nobody can use it
	}
	size, ok := e.typ.RowSize(e.dims[0])
	if !ok {
		return nil, fmt.Errorf("rows of %d elements, but %s comes in blocks of %d", e.dims[0], e.typ, e.typ.BlockLen())
	}
	for _, d := range e.dims[1:] {
		if size > len(data)/d {
			return nil, fmt.Errorf("its shape %v is larger than the file", t.Shape)
		}
		size *= d
	}
	if size > len(data) {
		return nil, fmt.Errorf("its %d bytes are more than the %d that are left", size, len(data))
	}
	e.size = size
	t.data = data[:size:size]
	return t, nil
}

// disjoint refuses tensors that share bytes: a header that claims the same data many
// times would be loaded into many times its file's size.
func disjoint(infos []info) error {
	slices.SortFunc(infos, func(a, b info) int { return cmp.Compare(a.offset, b.offset) })
	for i := 1; i < len(infos); i++ {
		a, b := &infos[i-1], &infos[i]
		if b.offset-a.offset < max(uint64(a.size), 1) { //nolint:gosec // never negative
			return fmt.Errorf("tensors %q and %q share bytes", a.name, b.name)
		}
	}
	return nil
}

// reader takes a header apart. After the first error it returns zeros.
type reader struct {
	data []byte
	at   int
	err  error
}

// bytes returns the next n bytes, nil when they are not there.
func (r *reader) bytes(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.data)-r.at) { //nolint:gosec // at never exceeds the length
		r.err = fmt.Errorf("%d bytes at %d, but the file ends at %d", n, r.at, len(r.data))
	}
	if r.err != nil {
		return nil
	}
	b := r.data[r.at : r.at+int(n) : r.at+int(n)] //nolint:gosec // bounded above
	r.at += int(n)                                //nolint:gosec // bounded above
	return b
}

func (r *reader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// name reads a key or the name of a tensor.
func (r *reader) name() string {
	n := r.uint64()
	if r.err == nil && (n < 1 || n > maxName) {
		r.err = fmt.Errorf("a name of %d bytes", n)
	}
	return string(r.bytes(n))
}

// value reads a value of kind k inside depth arrays.
func (r *reader) value(k kind, depth int) value {
	switch k {
	case kindString:
		n := r.uint64()
		if r.err == nil && n > maxString {
			r.err = fmt.Errorf("a string of %d bytes", n)
		}
		return value{kind: k, raw: r.bytes(n)}
	case kindArray:
		return r.array(depth)
	default:
		if k.size() == 0 && r.err == nil {
			r.err = fmt.Errorf("a value of the unknown type %d", k)
		}
		if b := r.bytes(uint64(k.size())); r.err == nil { //nolint:gosec // 8 at most
			return number(k, b)
		}
		return value{}
	}
}

// array reads an array, and makes sure that all of it is there.
func (r *reader) array(depth int) value {
	v := value{kind: kindArray, elem: kind(r.uint32())}
	n := r.uint64()
	switch {
	case r.err != nil:
		return value{}
	case depth == maxNesting:
		r.err = errors.New("arrays within arrays within arrays")
	case n > maxElements:
		r.err = fmt.Errorf("an array of %d elements", n)
	}
	start, size := r.at, v.elem.size()
	if size > 0 {
		v.raw = r.bytes(n * uint64(size))
	} else {
		for range n {
			if r.err != nil {
				break
			}
			r.value(v.elem, depth+1)
		}
	}
	if r.err == nil && r.at-start > maxArray {
		r.err = fmt.Errorf("an array of %d bytes", r.at-start)
	}
	if r.err != nil {
		return value{}
	}
	v.raw, v.count = r.data[start:r.at:r.at], int(n) //nolint:gosec // bounded above
	return v
}
