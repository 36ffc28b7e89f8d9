package weights

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
)

// Llama2C is the header of a checkpoint of llama2.c in its first ("legacy") format:
// seven int32 and then float32 weights, without names.
type Llama2C struct {
	Dim, Hidden, Layers, Heads, KVHeads, Vocab, SeqLen int

	Shared bool // the output matrix is the embedding table: there is no output.weight
}

// errNoCheckpoint says that a file's size is not what its first bytes say.
var errNoCheckpoint = errors.New("not a llama2.c checkpoint")

const llama2cHeader = 28

// llama2cSource is a checkpoint.
type llama2cSource struct {
	header  Llama2C
	file    *mapping.File
	tensors map[string]*stored
}

func openLlama2C(path string) (source, error) {
	file, err := mapping.Open(path)
	if err != nil {
		return nil, err
	}
	s := &llama2cSource{file: file}
	err = file.Guard(func() (err error) {
		s.header, s.tensors, err = parseLlama2C(file.Data())
		return err
	})
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	for _, t := range s.tensors {
		t.file = file
	}
	return s, nil
}

// parseLlama2C reads the header of a file and finds its tensors.
func parseLlama2C(data []byte) (h Llama2C, tensors map[string]*stored, err error) {
	if len(data) < llama2cHeader {
		return h, nil, errNoCheckpoint
	}
	for i, p := range []*int{&h.Dim, &h.Hidden, &h.Layers, &h.Heads, &h.KVHeads, &h.Vocab, &h.SeqLen} {
		*p = int(int32(binary.LittleEndian.Uint32(data[4*i:]))) //nolint:gosec // it is an int32
	}
	h.Shared = h.Vocab > 0 // a negative one says that there is an output matrix
	h.Vocab = max(h.Vocab, -h.Vocab)
	if !h.plausible() {
		return h, nil, errNoCheckpoint
	}
	l := &layout{data: data[llama2cHeader:], tensors: map[string]*stored{}}
	l.lay(&h)
	if l.at != uint64(len(l.data)) {
		return h, nil, errNoCheckpoint
	}
	return h, l.tensors, nil
}

// plausible bounds the dimensions, so that neither a product of them nor the sum of all
// overflows.
func (h *Llama2C) plausible() bool {
	for _, n := range []int{h.Dim, h.Hidden, h.Heads, h.KVHeads, h.Vocab, h.SeqLen} {
		if n < 1 || n > 1<<20 {
			return false
		}
	}
	return 1 <= h.Layers && h.Layers <= 1<<10 && h.Dim%h.Heads == 0 && h.Heads%h.KVHeads == 0
}

// layout walks along the weights.
type layout struct {
	data    []byte
	at      uint64 // may run past the data's end
	tensors map[string]*stored
}

// lay finds all tensors. They are ordered by kind, and within a kind by layer.
func (l *layout) lay(h *Llama2C) {
	kv := h.Dim / h.Heads * h.KVHeads
	l.take("token_embd.weight", h.Vocab, h.Dim)
	for _, t := range []struct {
		name  string
		shape []int
	}{
		{"attn_norm", []int{h.Dim}},
		{"attn_q", []int{h.Dim, h.Dim}},
		{"attn_k", []int{kv, h.Dim}},
		{"attn_v", []int{kv, h.Dim}},
		{"attn_output", []int{h.Dim, h.Dim}},
		{"ffn_norm", []int{h.Dim}},
		{"ffn_gate", []int{h.Hidden, h.Dim}},
		{"ffn_down", []int{h.Dim, h.Hidden}},
		{"ffn_up", []int{h.Hidden, h.Dim}},
	} {
		for i := range h.Layers {
			l.take(fmt.Sprintf("blk.%d.%s.weight", i, t.name), t.shape...)
		}
	}
	l.take("output_norm.weight", h.Dim)
	l.at += 4 * uint64(h.SeqLen) * uint64(h.Dim/h.Heads) //nolint:gosec // positive; tables of RoPE, which are computed
	if !h.Shared {
		l.take("output.weight", h.Vocab, h.Dim)
	}
}

// take takes the next tensor, if it is there.
func (l *layout) take(name string, shape ...int) {
	size := uint64(4)
	for _, d := range shape {
		size *= uint64(d) //nolint:gosec // positive
	}
	if l.at <= uint64(len(l.data)) && size <= uint64(len(l.data))-l.at {
		l.tensors[name] = &stored{
			name: name, typ: kernel.F32, shape: shape, raw: l.data[l.at : l.at+size : l.at+size],
		}
	}
	l.at += size
}

func (s *llama2cSource) has(name string) bool { return s.tensors[name] != nil }

func (s *llama2cSource) tensor(name string) (*stored, error) {
	t := s.tensors[name]
	if t == nil {
		return nil, fmt.Errorf("the model has no tensor %s", name)
	}
	return t, nil
}

func (s *llama2cSource) maps() []*mapping.File { return []*mapping.File{s.file} }

func (s *llama2cSource) close() error { return s.file.Close() }
