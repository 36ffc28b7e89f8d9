package kernel

import (
	"errors"
	"fmt"
)

// An Attention describes softmax(scale·Q·Kᵀ)·V over one or more sequences.
//
// Queries, keys and values are matrices whose rows are tokens and whose columns
// are heads of HeadDim elements, side by side. The rows of all sequences follow
// one another without padding, which is why no padding mask is needed.
type Attention struct {
	Heads   int // of queries
	KVHeads int // of keys and values; a divisor of Heads; 0 means Heads
	HeadDim int
	Scale   float32 // usually 1/√HeadDim
	// Causal lets a query see the keys up to its own. The last query of a sequence
	// stands at its last key.
	Causal bool
	// Window, if positive, lets a causal query see no more than this many keys, its
	// own included; without Causal, only keys less than Window away on either side.
	Window int
}

// A Sequence is how many rows belong to one sequence: Queries rows of q and of the
// result, Keys rows of k and v. Causal attention needs Queries ≤ Keys.
type Sequence struct{ Queries, Keys int }

// queryBlock is how many queries of one head a task takes. All of them share the
// packed keys.
const queryBlock = 16 * rowTile

// scoresSize is how many scores a task keeps at a time, unless the rows of one tile
// have more.
const scoresSize = 1 << 13

// Attend computes attention for each sequence and head. dst and q have the width
// Heads·HeadDim, k and v KVHeads·HeadDim; dst may not overlap the others.
func (c *Compute) Attend(dst, q, k, v []float32, seqs []Sequence, a Attention) error {
	if a.KVHeads == 0 {
		a.KVHeads = a.Heads
	}
	if err := a.check(dst, q, k, v, seqs); err != nil {
		return err
	}
	var tasks []span
	at := span{}
	for _, s := range seqs {
		at.seq = s
		for at.first = 0; at.first < s.Queries; at.first += queryBlock {
			for at.head = range a.Heads {
				tasks = append(tasks, at)
			}
		}
		at.query += s.Queries
		at.key += s.Keys
	}
	c.pool.Run(len(tasks), func(i int) {
		s := c.getScratch()
		defer c.putScratch(s)
		h := heads{c: c, a: &a, dst: dst, q: q, k: k, v: v, scratch: s}
		h.attend(tasks[i])
	})
	return nil
}

// span is a task: queries from first on, of one head of one sequence, whose rows
// start at query and key.
type span struct {
	seq         Sequence
	query, key  int
	first, head int
}

func (a *Attention) check(dst, q, k, v []float32, seqs []Sequence) error {
	if a.Heads <= 0 || a.KVHeads <= 0 || a.HeadDim <= 0 || a.Heads%a.KVHeads != 0 {
		return fmt.Errorf("kernel: attention of %d heads and %d key heads of %d elements", a.Heads, a.KVHeads, a.HeadDim)
	}
	if !(a.Scale > 0) {
		return fmt.Errorf("kernel: attention scaled by %v", a.Scale)
	}
	queries, keys := 0, 0
	for _, s := range seqs {
		if s.Queries < 0 || s.Keys < 0 || s.Keys == 0 && s.Queries > 0 || a.Causal && s.Queries > s.Keys {
			return fmt.Errorf("kernel: attention of %d queries on %d keys", s.Queries, s.Keys)
		}
		queries += s.Queries
		keys += s.Keys
	}
	switch width := a.HeadDim * a.Heads; {
	case len(q) != queries*width || len(dst) != len(q):
		return fmt.Errorf("kernel: %d and %d elements for %d queries of %d", len(q), len(dst), queries, width)
	case len(k) != keys*a.HeadDim*a.KVHeads || len(v) != len(k):
		return errors.New("kernel: keys and values don't fit the sequences")
	}
	return nil
}

// sees returns the range of keys that query i of a sequence sees.
func (a *Attention) sees(s Sequence, i int) (lo, hi int) {
	own := s.Keys - s.Queries + i
	hi = s.Keys
	if a.Causal {
		hi = own + 1
	}
	if a.Window > 0 {
		lo = max(0, own-a.Window+1)
		hi = max(lo, min(hi, own+a.Window))
	}
	return lo, hi
}

// heads is a task's view of a call of Attend.
type heads struct {
	c            *Compute
	a            *Attention
	dst, q, k, v []float32
	*scratch
}

func (h *heads) attend(t span) {
	a, d, last := h.a, h.a.HeadDim, min(t.first+queryBlock, t.seq.Queries)
	ldq, ldk := a.Heads*d, a.KVHeads*d
	low, _ := a.sees(t.seq, t.first)
	_, high := a.sees(t.seq, last-1)
	n := high - low // keys that any query of the block sees
	if n <= 0 {
		for r := t.first; r < last; r++ {
			clear(h.dst[(t.query+r)*ldq+t.head*d:][:d])
		}
		return
	}
	kv := (t.key+low)*ldk + t.head/(a.Heads/a.KVHeads)*d
	h.packKeys(view{h.k[kv:], ldk}, n, d)
	values := view{h.v[kv:], ldk}
	if d%panelRows != 0 {
		values = h.padValues(values, n, d)
	}
	wide := (n + panelRows - 1) / panelRows * panelRows
	// Rows whose scores stay in the first-level cache, in whole tiles.
	rows := max(1, min(queryBlock, scoresSize/wide)/rowTile) * rowTile
	h.scores = grow(h.scores, rows*wide)
	scores := view{h.scores, wide}
	keys := panels{typ: F32, floats: h.keys, ld: panelRows, stride: panelRows * d, n: wide / panelRows}
	for r := t.first; r < last; r += rows {
		mr := min(rows, last-r)
		at := (t.query+r)*ldq + t.head*d
		clear(h.scores[:mr*wide])
		h.c.r.panels(scores, view{h.q[at:], ldq}, keys, mr, d)
		for i := range mr {
			lo, hi := a.sees(t.seq, r+i)
			row := h.scores[i*wide:][:wide]
			clear(row[:lo-low])
			h.c.softmax(row[lo-low:hi-low], a.Scale)
			clear(row[hi-low:])
		}
		h.weigh(view{h.dst[at:], ldq}, scores, values, mr, n)
	}
}

// weigh sets mr rows of dst to the n values, weighted by the scores.
func (h *heads) weigh(dst, scores, values view, mr, n int) {
	d, whole := h.a.HeadDim, h.a.HeadDim/panelRows
	for i := range mr {
		clear(dst.data[i*dst.ld:][:d])
	}
	h.c.r.panels(dst, scores, panels{typ: F32, floats: values.data, ld: values.ld, stride: panelRows, n: whole}, mr, n)
	rest := whole * panelRows
	if rest == d {
		return
	}
	tile := view{h.tile[:], panelRows}
	for i := 0; i < mr; i += rowTile {
		mr := min(rowTile, mr-i)
		clear(h.tile[:])
		h.c.r.panel(tile, scores.at(i*scores.ld), values.at(rest), mr, n)
		copyTile(dst.at(i*dst.ld+rest), tile, mr, d-rest)
	}
}

// packKeys packs n keys of d elements into panels, the last one padded with zeros.
func (h *heads) packKeys(k view, n, d int) {
	whole, rest := n/panelRows, n%panelRows
	h.keys = grow(h.keys, (whole+min(rest, 1))*panelRows*d)
	for p := range whole {
		h.c.r.transpose(h.keys[p*panelRows*d:][:panelRows*d], k.at(p*panelRows*k.ld), d)
	}
	last := h.keys[whole*panelRows*d:]
	clear(last)
	for i := range rest {
		for e, x := range k.data[(whole*panelRows+i)*k.ld:][:d] {
			last[e*panelRows+i] = x
		}
	}
}

// padValues copies n values of d elements to rows of a multiple of 16.
func (s *scratch) padValues(v view, n, d int) view {
	wide := (d + panelRows - 1) / panelRows * panelRows
	s.values = grow(s.values, n*wide)
	for i := range n {
		row := s.values[i*wide:][:wide]
		copy(row, v.data[i*v.ld:][:d])
		clear(row[d:])
	}
	return view{s.values, wide}
}
