package arch

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/weights"
)

// maxPassTokens bounds what a pass may ask memory for.
const maxPassTokens = 1 << 16

// CacheType is how a Decoder keeps keys and values.
type CacheType uint8

// The types of a cache.
const (
	CacheF16  CacheType = iota // two bytes an element: as exact as models are trained
	CacheQ8_0                  // a byte, and a scale for every 32
	CacheF32                   // four bytes: for tests of the graph
)

// kernel returns the kernels' name of a type.
func (t CacheType) kernel() kernel.Type {
	switch t {
	case CacheQ8_0:
		return kernel.Q8_0
	case CacheF32:
		return kernel.F32
	default:
		return kernel.F16
	}
}

// DecoderOptions say how a Decoder is run. The zero value is the right one.
type DecoderOptions struct {
	Cache   CacheType
	Context int // the most tokens of a sequence; 0, or more than the model's: the model's
}

// Decoder is a language model's graph with its weights. It is immutable and safe for
// concurrent use by passes that have memory of their own, and that don't write to the
// same pages.
type Decoder struct {
	config   DecoderConfig
	compute  *kernel.Compute
	layout   kernel.CacheLayout
	rotation kernel.Rotation

	words  rowTable
	layers []decoderLayer
	norm   []float32
	output *kernel.Matrix
}

type decoderLayer struct {
	inputNorm          []float32
	query, key, value  linear
	queryNorm, keyNorm []float32 // nil: none
	out                linear
	innerNorm          []float32
	gate, up, down     linear
	window             int
}

// Span is the part of a sequence that a pass reads. No sequence has two of them in one
// pass, and no page that a span writes to belongs to another span as well; pages that
// lie before a span's start may be shared.
type Span struct {
	IDs    []int32  // tokens to read now; at least one
	Start  int      // how many tokens of the sequence are cached before them
	Pages  [][]byte // the sequence's, in order, with room for Start+len(IDs) tokens
	Logits int      // how many of the last IDs logits are wanted for
}

// PageBytes returns the size of a page: kernel.PageTokens tokens' keys and values of all
// layers.
func (d *Decoder) PageBytes() int { return len(d.layers) * d.layout.PageSize() }

// Vocab returns how many tokens there are.
func (d *Decoder) Vocab() int { return d.config.Vocab }

// Context returns the most tokens of a sequence.
func (d *Decoder) Context() int { return d.config.Context }

// Config returns what the decoder computes, with the context that it was loaded with.
func (d *Decoder) Config() DecoderConfig { return d.config }

// rowTable is the embedding table, of which single rows are read.
type rowTable interface {
	Row(dst []float32, i int) error
}

// tensors is where a decoder's weights come from, under GGUF's names.
type tensors interface {
	Matrix(name string, rows, cols int) (*kernel.Matrix, error)
	Vector(name string, n int) ([]float32, error)
	Table(name string, rows, cols int) (rowTable, error)
	Has(name string) bool
}

// stored makes a Store serve as tensors.
type stored struct{ *weights.Store }

// Table implements tensors.
func (s stored) Table(name string, rows, cols int) (rowTable, error) {
	return s.Store.Table(name, rows, cols)
}

// LoadDecoder takes the weights of a model, which must have the shapes that c implies.
// They stay in s, which must remain open for as long as the decoder is used; k too.
func LoadDecoder(c *DecoderConfig, s *weights.Store, k *kernel.Compute, o DecoderOptions) (*Decoder, error) {
	return loadDecoder(c, stored{s}, k, o)
}

// Forward reads the tokens of all spans: it stores their keys and values in the spans'
// pages, and returns a row of Vocab logits for each token that a span wants them for, in
// order. They belong to m until its next pass. The result for a token is the same bits
// whatever shares the pass and in whatever pieces its sequence is read.
//
// After an error, ctx's end included, the pages hold what they held before each span's
// start, and the spans can be read again.
func (d *Decoder) Forward(ctx context.Context, spans []Span, m *DecoderMemory) ([]float32, error) {
	if err := d.check(spans); err != nil {
		return nil, err
	}
	if err := checkSharing(spans); err != nil {
		return nil, err
	}
	m.begin(d, spans)
	if err := d.embed(m.hidden, spans); err != nil {
		return nil, err
	}
	for i := range d.layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := d.layer(i, m); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
	}
	return d.logits(m)
}

// check refuses what a pass could not read.
func (d *Decoder) check(spans []Span) error {
	rows := 0
	for i, s := range spans {
		n := len(s.IDs)
		switch {
		case n == 0:
			return fmt.Errorf("span %d has no tokens", i)
		case s.Start < 0 || s.Start > d.config.Context-n:
			return fmt.Errorf("span %d: %d tokens after %d, in a context of %d", i, n, s.Start, d.config.Context)
		case s.Logits < 0 || s.Logits > n:
			return fmt.Errorf("span %d: logits for %d of %d tokens", i, s.Logits, n)
		case len(s.Pages) < (s.Start+n+kernel.PageTokens-1)/kernel.PageTokens:
			return fmt.Errorf("span %d: %d pages for %d tokens", i, len(s.Pages), s.Start+n)
		}
		for _, id := range s.IDs {
			if id < 0 || int(id) >= d.config.Vocab {
				return fmt.Errorf("span %d: token %d of a vocabulary of %d", i, id, d.config.Vocab)
			}
		}
		for _, p := range s.Pages {
			if len(p) != d.PageBytes() {
				return fmt.Errorf("span %d: a page of %d bytes, want %d", i, len(p), d.PageBytes())
			}
		}
		if rows += n; rows > maxPassTokens {
			return fmt.Errorf("more than %d tokens in a pass", maxPassTokens)
		}
	}
	return nil
}

// embed sets each row to its token's embedding.
func (d *Decoder) embed(dst []float32, spans []Span) error {
	h := d.config.Hidden
	for _, s := range spans {
		for _, id := range s.IDs {
			if err := d.words.Row(dst[:h:h], int(id)); err != nil {
				return err
			}
			dst = dst[h:]
		}
	}
	return nil
}

// layer computes one layer on m.hidden. The feed-forward's result is left in m.delta: it
// is added by the next norm.
func (d *Decoder) layer(i int, m *DecoderMemory) error {
	if m.rows == 0 {
		return nil
	}
	l, c, eps := &d.layers[i], d.compute, float32(d.config.Epsilon)
	d.normalize(m, l.inputNorm, i == 0)
	last := i == len(d.layers)-1
	if err := errors.Join(d.project(i, m, last), d.attend(i, m)); err != nil || m.rows == 0 {
		return err
	}
	if err := m.multiply(c, m.mixed, product(m.delta, l.out)); err != nil {
		return err
	}
	c.AddRMSNorm(m.normed, m.hidden, m.delta, l.innerNorm, eps)
	if err := m.multiply(c, m.normed, product(m.gate, l.gate), product(m.up, l.up)); err != nil {
		return err
	}
	c.SiLUMul(m.gate, m.up)
	return m.multiply(c, m.gate, product(m.delta, l.down))
}

// normalize ends the layer before and sets m.normed to the norm of the sum.
func (d *Decoder) normalize(m *DecoderMemory, weight []float32, first bool) {
	eps := float32(d.config.Epsilon)
	if first {
		d.compute.RMSNorm(m.normed, m.hidden, weight, eps)
		return
	}
	d.compute.AddRMSNorm(m.normed, m.hidden, m.delta, weight, eps)
}

// project computes queries, keys and values, turns them and stores keys and values. In
// the last layer, only rows whose logits are wanted go on: the others have left their
// keys and values, and nobody will look at more of them.
func (d *Decoder) project(i int, m *DecoderMemory, last bool) error {
	l, c := &d.layers[i], d.compute
	if !last || m.picked == m.rows {
		err := m.multiply(c, m.normed, product(m.query, l.query), product(m.key, l.key), product(m.value, l.value))
		if err != nil {
			return err
		}
		return m.eachRun(c, func(r run) error {
			d.turn(m, m.query, r, l.queryNorm)
			return d.store(i, m, r)
		})
	}
	if err := m.multiply(c, m.normed, product(m.key, l.key), product(m.value, l.value)); err != nil {
		return err
	}
	if err := m.eachRun(c, func(r run) error { return d.store(i, m, r) }); err != nil {
		return err
	}
	m.narrow(d)
	if m.rows == 0 {
		return nil
	}
	if err := m.multiply(c, m.normed, product(m.query, l.query)); err != nil {
		return err
	}
	return m.eachRun(c, func(r run) error {
		d.turn(m, m.query, r, l.queryNorm)
		return nil
	})
}

// turn normalises, if the model does, and turns the heads of a run's rows of x.
func (d *Decoder) turn(m *DecoderMemory, x []float32, r run, norm []float32) {
	width, dim := len(x)/m.rows, d.config.Rope.Dim
	for row := r.row; row < r.row+r.tokens; row++ {
		heads := x[row*width:][:width]
		if norm != nil {
			d.compute.RMSNorm(heads, heads, norm, float32(d.config.Epsilon))
		}
		d.compute.Rotate(heads, &d.rotation, m.angles[row*dim:][:dim])
	}
}

// store turns a run's keys and stores them with its values.
func (d *Decoder) store(i int, m *DecoderMemory, r run) error {
	d.turn(m, m.key, r, d.layers[i].keyNorm)
	width := d.config.KVHeads * d.config.HeadDim
	span := kernel.CachedSpan{Start: r.position, Tokens: r.tokens, Pages: m.spans[r.span].Pages}
	lo, hi := r.row*width, (r.row+r.tokens)*width
	return d.compute.StoreKV(d.cacheLayer(i), span, m.key[lo:hi], m.value[lo:hi])
}

// cacheLayer returns where pages have a layer's keys and values.
func (d *Decoder) cacheLayer(i int) kernel.CacheLayer {
	return kernel.CacheLayer{Layout: d.layout, Offset: i * d.layout.PageSize()}
}

// attend sets m.mixed to the attention of m.query.
func (d *Decoder) attend(i int, m *DecoderMemory) error {
	if m.rows == 0 {
		return nil
	}
	return d.compute.AttendCached(m.mixed, m.query, m.spans, kernel.CachedAttention{
		CacheLayer: d.cacheLayer(i),
		Heads:      d.config.Heads,
		Scale:      float32(1 / math.Sqrt(float64(d.config.HeadDim))),
		Window:     d.layers[i].window,
	}, &m.attention)
}

// logits returns those of the rows that are left after the last layer.
func (d *Decoder) logits(m *DecoderMemory) ([]float32, error) {
	if m.picked == 0 {
		return nil, nil
	}
	d.normalize(m, d.norm, false)
	m.logits = grow(m.logits, m.picked*d.config.Vocab)
	return m.logits, m.multiply(d.compute, m.normed, kernel.Product{Dst: m.logits, W: d.output})
}

// product is the product with a layer's matrix.
func product(dst []float32, l linear) kernel.Product {
	return kernel.Product{Dst: dst, W: l.w, Bias: l.bias}
}
