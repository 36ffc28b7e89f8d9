package arch

import (
	"fmt"
	"strconv"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

func loadDecoder(c *DecoderConfig, s tensors, k *kernel.Compute, o DecoderOptions) (*Decoder, error) {
	d := &Decoder{config: *c, compute: k}
	if err := d.config.validate(); err != nil {
		return nil, err
	}
	if o.Context > 0 {
		d.config.Context = min(c.Context, o.Context)
	}
	d.layout = kernel.CacheLayout{Type: o.Cache.kernel(), KVHeads: c.KVHeads, HeadDim: c.HeadDim}
	if err := d.layout.Check(); err != nil {
		return nil, err
	}
	l := &decoderLoader{s: s, c: c}
	d.rotation = l.rotation()
	d.words = l.table("token_embd.weight", c.Vocab, c.Hidden)
	for i := range c.Layers {
		if l.err != nil {
			break
		}
		d.layers = append(d.layers, l.layer(i))
	}
	d.norm = l.vector("output_norm.weight", c.Hidden)
	output := "output.weight"
	if c.Tied {
		output = "token_embd.weight"
	}
	d.output = l.matrix(output, c.Vocab, c.Hidden)
	if l.err != nil {
		return nil, l.err
	}
	return d, nil
}

// decoderLoader takes a decoder's tensors and keeps the first error, so that the graph
// can be read as a list of its parts.
type decoderLoader struct {
	s   tensors
	c   *DecoderConfig
	err error
}

// layer returns layer i.
func (l *decoderLoader) layer(i int) decoderLayer {
	c, at := l.c, "blk."+strconv.Itoa(i)+"."
	heads, kvHeads := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	d := decoderLayer{
		inputNorm: l.vector(at+"attn_norm.weight", c.Hidden),
		query:     l.linear(at+"attn_q", heads, c.Hidden, c.QKVBias),
		key:       l.linear(at+"attn_k", kvHeads, c.Hidden, c.QKVBias),
		value:     l.linear(at+"attn_v", kvHeads, c.Hidden, c.QKVBias),
		out:       l.linear(at+"attn_output", c.Hidden, heads, false),
		innerNorm: l.vector(at+"ffn_norm.weight", c.Hidden),
		gate:      l.linear(at+"ffn_gate", c.Inner, c.Hidden, false),
		up:        l.linear(at+"ffn_up", c.Inner, c.Hidden, false),
		down:      l.linear(at+"ffn_down", c.Hidden, c.Inner, false),
		window:    c.window(i),
	}
	if c.QKNorm {
		d.queryNorm = l.vector(at+"attn_q_norm.weight", c.HeadDim)
		d.keyNorm = l.vector(at+"attn_k_norm.weight", c.HeadDim)
	}
	return d
}

// rotation returns how heads are turned. A file's own factors, which Llama 3's carry in
// place of a description, divide the frequencies.
func (l *decoderLoader) rotation() kernel.Rotation {
	rope := &l.c.Rope
	r := kernel.Rotation{
		HeadDim: l.c.HeadDim, Frequencies: rope.frequencies(),
		Interleaved: rope.Interleaved, Magnitude: rope.magnitude(),
	}
	if l.s.Has("rope_freqs.weight") {
		for i, f := range l.vector("rope_freqs.weight", len(r.Frequencies)) {
			if !(f > 0) {
				l.note(fmt.Errorf("rope_freqs.weight has a factor of %v", f))
				break
			}
			r.Frequencies[i] /= float64(f)
		}
	}
	l.note(r.Check())
	return r
}

// linear returns a layer's matrix of out×in elements, and its bias if it has one.
func (l *decoderLoader) linear(name string, out, in int, biased bool) linear {
	w := linear{w: l.matrix(name+".weight", out, in)}
	if biased || l.s.Has(name+".bias") {
		w.bias = l.vector(name+".bias", out)
	}
	return w
}

func (l *decoderLoader) matrix(name string, rows, cols int) *kernel.Matrix {
	if l.err != nil {
		return nil
	}
	m, err := l.s.Matrix(name, rows, cols)
	l.note(err)
	return m
}

func (l *decoderLoader) vector(name string, n int) []float32 {
	if l.err != nil {
		return nil
	}
	x, err := l.s.Vector(name, n)
	l.note(err)
	return x
}

func (l *decoderLoader) table(name string, rows, cols int) rowTable {
	if l.err != nil {
		return nil
	}
	t, err := l.s.Table(name, rows, cols)
	l.note(err)
	return t
}

func (l *decoderLoader) note(err error) {
	if l.err == nil {
		l.err = err
	}
}
