package arch

import (
	"errors"
	"slices"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// DecoderMemory is the working memory of a pass. The zero value is ready, and grows to
// what the largest pass needs. It belongs to one pass at a time.
type DecoderMemory struct {
	rows   int // tokens of the pass, or what is left of them in the last layer
	picked int // those whose logits are wanted

	hidden            []float32 // the residual stream, a row per token
	normed, delta     []float32 // a layer's input, and what it adds to hidden
	query, key, value []float32
	mixed             []float32 // what attention makes of them
	gate, up          []float32
	logits            []float32
	angles            []float32 // by which each row's heads turn

	in        kernel.Input
	products  []kernel.Product
	attention kernel.AttentionMemory
	spans     []kernel.CachedSpan
	wanted    []int // logits per span
	runs      []run
}

// run is some tokens of one span that lie in the same 16 positions: what one goroutine
// stores.
type run struct{ span, row, position, tokens int }

// runTokens is how many positions a run may touch: a panel of cached keys.
const runTokens = 16

// begin makes room for a pass and finds out what doesn't change between layers.
func (m *DecoderMemory) begin(d *Decoder, spans []Span) {
	m.rows, m.picked = 0, 0
	m.spans, m.wanted = m.spans[:0], m.wanted[:0]
	for _, s := range spans {
		m.spans = append(m.spans, kernel.CachedSpan{Start: s.Start, Tokens: len(s.IDs), Pages: s.Pages})
		m.wanted = append(m.wanted, s.Logits)
		m.rows += len(s.IDs)
		m.picked += s.Logits
	}
	m.resize(&d.config, m.rows)
	m.planRuns()
	m.turns(d)
}

// resize sets the lengths of what has a row per token.
func (m *DecoderMemory) resize(c *DecoderConfig, rows int) {
	m.hidden, m.normed, m.delta = grow(m.hidden, rows*c.Hidden), grow(m.normed, rows*c.Hidden), grow(m.delta, rows*c.Hidden)
	m.query, m.mixed = grow(m.query, rows*c.Heads*c.HeadDim), grow(m.mixed, rows*c.Heads*c.HeadDim)
	m.key, m.value = grow(m.key, rows*c.KVHeads*c.HeadDim), grow(m.value, rows*c.KVHeads*c.HeadDim)
	m.gate, m.up = grow(m.gate, rows*c.Inner), grow(m.up, rows*c.Inner)
	m.angles = grow(m.angles, rows*c.Rope.Dim)
	m.rows = rows
}

func (m *DecoderMemory) planRuns() {
	m.runs = m.runs[:0]
	row := 0
	for i, s := range m.spans {
		for at := s.Start; at < s.Start+s.Tokens; {
			n := min(runTokens-at%runTokens, s.Start+s.Tokens-at)
			m.runs = append(m.runs, run{i, row, at, n})
			at, row = at+n, row+n
		}
	}
}

// eachRun calls f for every run, on several goroutines if there is enough to do.
func (m *DecoderMemory) eachRun(c *kernel.Compute, f func(r run) error) error {
	const few = 4 // rows: calling others would take as long
	if m.rows < few {
		for _, r := range m.runs {
			if err := f(r); err != nil {
				return err
			}
		}
		return nil
	}
	var mu sync.Mutex
	var failed error
	c.Run(len(m.runs), func(i int) {
		if err := f(m.runs[i]); err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		}
	})
	return failed
}

// turns computes the angles of all rows.
func (m *DecoderMemory) turns(d *Decoder) {
	dim := d.config.Rope.Dim
	_ = m.eachRun(d.compute, func(r run) error {
		rotation := d.rotation
		var own []float64
		for i := range r.tokens {
			position := r.position + i
			if d.config.Rope.Scaling == RopeDynamic {
				own = grow(own, dim/2)
				rotation.Frequencies = d.rotation.Frequencies
				if d.config.Rope.dynamic(own, position) {
					rotation.Frequencies = own
				}
			}
			rotation.Angles(m.angles[(r.row+i)*dim:][:dim], position)
		}
		return nil
	})
}

// narrow leaves only the rows whose logits are wanted: the last ones of each span.
func (m *DecoderMemory) narrow(d *Decoder) {
	to, row := 0, 0
	h, dim := d.config.Hidden, d.config.Rope.Dim
	for i := range m.spans {
		s := &m.spans[i]
		n := m.wanted[i]
		from := row + s.Tokens - n
		copy(m.hidden[to*h:], m.hidden[from*h:][:n*h])
		copy(m.normed[to*h:], m.normed[from*h:][:n*h])
		copy(m.angles[to*dim:], m.angles[from*dim:][:n*dim])
		row, to = row+s.Tokens, to+n
		s.Start, s.Tokens = s.Start+s.Tokens-n, n
	}
	m.resize(&d.config, to)
	m.planRuns()
}

// multiply computes products of the rows of x.
func (m *DecoderMemory) multiply(c *kernel.Compute, x []float32, products ...kernel.Product) error {
	if err := m.in.Set(x, len(x)/m.rows); err != nil {
		return err
	}
	m.products = append(m.products[:0], products...)
	return c.Multiply(&m.in, m.products...)
}

// grow returns a slice of n elements, s itself if it is large enough.
func grow[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }
