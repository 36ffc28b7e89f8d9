package kernel

import (
	"fmt"
	"math"
	"sync/atomic"
)

const (
	// segment is how many keys a row sees between two folds of its softmax. What a row
	// computes is cut at multiples of it, counted from the start of its sequence, and
	// nowhere else: that is why it doesn't matter what shares the pass, in which chunks
	// a prompt is read or on how many threads.
	segment = 4 * PageTokens
	// cachedRows is about how many rows a task takes: they share a segment's keys and
	// values while these are in the second-level cache.
	cachedRows = 16 * rowTile
	// cachedTile is how many rows are scored before their values are weighed: enough for
	// a page's keys to be used from the first-level cache, few enough for the scores to
	// stay there.
	cachedTile = 4 * rowTile
	// cachedInline is how many multiplications are too few to call other threads for.
	cachedInline = 1 << 17
)

// A CachedAttention describes causal softmax(scale·Q·Kᵀ)·V over cached keys and values.
type CachedAttention struct {
	CacheLayer
	Heads int // of queries: a multiple of the layout's KVHeads
	Scale float32
	// Window, if positive, lets a query see no more than this many keys, its own included.
	Window int
}

// AttentionMemory is the working memory of AttendCached. The zero value is ready; it
// belongs to one call at a time.
type AttentionMemory struct {
	units  []cachedUnit
	tasks  []cachedTask
	states []float32 // of the units that are divided
	total  int       // of the units' costs
}

// AttendCached computes attention for the tokens of all spans over what their pages
// hold, which includes the spans' own keys and values. The rows of dst and q, Heads·HeadDim
// wide, are the tokens of the spans, one after the other; dst may not overlap q.
//
// The query heads that share a key head are rows of the same product, so that keys
// are read once for all of them. Scratch memory doesn't grow with the context, but for
// a few floats per segment where a long context is divided between threads.
func (c *Compute) AttendCached(dst, q []float32, spans []CachedSpan, a CachedAttention, m *AttentionMemory) error {
	if err := a.check(dst, q, spans); err != nil {
		return err
	}
	threads := c.Threads()
	if m.plan(spans, &a)*2*a.Layout.HeadDim <= cachedInline {
		threads = 1
	}
	m.divide(threads, &a)
	call := &cachedCall{c: c, a: &a, dst: dst, q: q, spans: spans, m: m}
	if threads == 1 {
		for i := range m.tasks {
			call.run(m.tasks[i])
		}
	} else {
		c.pool.Run(len(m.tasks), func(i int) { call.run(m.tasks[i]) })
	}
	return nil
}

func (a *CachedAttention) check(dst, q []float32, spans []CachedSpan) error {
	l := a.Layout
	if err := l.Check(); err != nil {
		return err
	}
	if a.Heads <= 0 || a.Heads%l.KVHeads != 0 || a.Heads > maxHeadDim {
		return fmt.Errorf("kernel: attention of %d heads and %d key heads", a.Heads, l.KVHeads)
	}
	if !(a.Scale > 0) || a.Window < 0 {
		return fmt.Errorf("kernel: attention scaled by %v in a window of %d", a.Scale, a.Window)
	}
	tokens := 0
	for i := range spans {
		if err := spans[i].check(a.CacheLayer); err != nil {
			return err
		}
		tokens += spans[i].Tokens
	}
	if len(q) != tokens*a.Heads*l.HeadDim || len(dst) != len(q) {
		return fmt.Errorf("kernel: %d and %d elements for %d tokens of %d heads of %d", len(q), len(dst), tokens, a.Heads, l.HeadDim)
	}
	return nil
}

// group returns how many query heads share a key head.
func (a *CachedAttention) group() int { return a.Heads / a.Layout.KVHeads }

// sees returns the range of keys that the token at a position sees.
func (a *CachedAttention) sees(position int) (lo, hi int) {
	if a.Window > 0 {
		lo = max(0, position+1-a.Window)
	}
	return lo, position + 1
}

// stateSize returns the floats of a row's state, whose layout softState has.
func (a *CachedAttention) stateSize() int { return a.Layout.valueWidth() + 2 }

// cachedCall is one call of AttendCached.
type cachedCall struct {
	c      *Compute
	a      *CachedAttention
	dst, q []float32
	spans  []CachedSpan
	m      *AttentionMemory
}

// run does a task: segment by segment it computes every row's partial softmax. The only
// task of a unit folds them as it goes; of several, each keeps its own, and the last to
// end folds them all in their order.
func (t *cachedCall) run(task cachedTask) {
	s := t.c.getScratch()
	defer t.c.putScratch(s)
	u := &t.m.units[task.unit]
	w := &cachedWork{cachedCall: t, u: u, s: &s.cached, rows: (u.last - u.first) * t.a.group()}
	w.gather()
	size := t.a.stateSize()
	divided := u.tasks > 1
	w.s.total = grow(w.s.total, w.rows*size)
	w.s.part = grow(w.s.part, cachedTile*size)
	if !divided {
		clear(w.s.total)
	}
	for seg := task.lo; seg < task.hi; seg++ {
		for r := 0; r < w.rows; r += cachedTile {
			mr := min(cachedTile, w.rows-r)
			if divided {
				w.segment(t.m.states[u.states+((seg-u.lo)*w.rows+r)*size:][:mr*size], seg, r, mr)
				continue
			}
			part := w.s.part[:mr*size]
			w.segment(part, seg, r, mr)
			w.fold(w.s.total[r*size:][:mr*size], part)
		}
	}
	if divided {
		if atomic.AddInt32(&u.left, -1) > 0 {
			return
		}
		clear(w.s.total)
		for seg := range u.hi - u.lo {
			w.fold(w.s.total, t.m.states[u.states+seg*w.rows*size:][:w.rows*size])
		}
	}
	w.finish()
}

// cachedScratch is a task's working memory.
type cachedScratch struct {
	q      []float32 // the unit's rows, times the scale
	scores [cachedTile * segment]float32
	scaled [cachedTile * PageTokens]float32 // scores times the values' scales
	scale  [PageTokens]float32
	total  []float32 // the rows' states
	part   []float32 // states of one tile and segment
}

// cachedWork is a task at work on its unit.
type cachedWork struct {
	*cachedCall
	u    *cachedUnit
	s    *cachedScratch
	rows int
}

// gather copies the unit's rows of q side by side, times the scale.
func (w *cachedWork) gather() {
	d, g := w.a.Layout.HeadDim, w.a.group()
	w.s.q = grow(w.s.q, w.rows*d)
	for i := range w.u.last - w.u.first {
		from := ((w.u.row+i)*w.a.Heads + w.u.head*g) * d
		copy(w.s.q[i*g*d:], w.q[from:][:g*d])
	}
	w.c.r.scale(w.s.q, w.a.Scale)
}

// position returns where in its sequence the token of row r stands.
func (w *cachedWork) position(r int) int {
	return w.spans[w.u.span].Start + w.u.first + r/w.a.group()
}

// keysOf returns the range of a segment's keys that row r sees, which may be empty.
func (w *cachedWork) keysOf(seg, r int) (lo, hi int) {
	lo, hi = w.a.sees(w.position(r))
	start, end := seg*segment, (seg+1)*segment
	lo, hi = min(max(lo, start), end), min(hi, end)
	return lo, max(lo, hi)
}

// segment computes the states of mr rows from r on for one segment: what the softmax
// would be if there were no other keys.
func (w *cachedWork) segment(states []float32, seg, r, mr int) {
	clear(states)
	lo, _ := w.keysOf(seg, r)
	_, hi := w.keysOf(seg, r+mr-1)
	if lo >= hi {
		return
	}
	// The rows may differ in what they see, so that scores are computed for all that any
	// of them does, in whole panels.
	first := lo / panelRows * panelRows
	w.score(seg, r, mr, first, hi)
	size, width := w.a.stateSize(), w.a.Layout.valueWidth()
	for i := range mr {
		row := w.s.scores[i*segment:][:segment]
		from, to := w.keysOf(seg, r+i)
		from, to = from-seg*segment, to-seg*segment
		if from < to {
			m := w.c.r.largest(row[from:to])
			states[i*size+width] = m
			states[i*size+width+1] = w.c.r.expSum(row[from:to], m, 1)
		}
		clear(row[first-seg*segment : from])
		clear(row[to:min(segment, (hi+panelRows-1)/panelRows*panelRows-seg*segment)])
	}
	w.weigh(states, seg, mr, lo, hi)
}

// score computes q·k for mr rows from r on and the keys from first to hi, in whole
// panels.
func (w *cachedWork) score(seg, r, mr, first, hi int) {
	l := w.a.Layout
	q := view{w.s.q[r*l.HeadDim:], l.HeadDim}
	wide := (hi - first + panelRows - 1) / panelRows * panelRows
	for i := range mr {
		clear(w.s.scores[i*segment+first-seg*segment:][:wide])
	}
	_, values := l.head(w.page(first), w.u.head) // what is read after the last keys
	for first < hi {
		keys, _ := l.head(w.page(first), w.u.head)
		slot := first % PageTokens
		n := (min(hi-first, PageTokens-slot) + panelRows - 1) / panelRows
		scores := view{w.s.scores[first-seg*segment:], segment}
		first += n * panelRows
		next := values
		if first < hi {
			next, _ = l.head(w.page(first), w.u.head)
		}
		switch l.Type {
		case F32:
			w.c.r.panels(scores, q, panels{typ: F32, floats: floatsOf(keys[4*slot:]), ld: PageTokens, stride: panelRows, n: n}, mr, l.HeadDim)
		case Q8_0:
			for b := range l.HeadDim / 32 {
				at := b * q8Block
				w.c.r.cache.panelsQ8(scores, q.at(32*b), cachedPanels{
					data: keys[at+q8Scales+slot:], scales: keys[at+2*slot:], ld: PageTokens, n: n, ahead: next[at+q8Scales:],
				}, mr, 32)
			}
		default:
			w.c.r.cache.panelsF16(scores, q, cachedPanels{data: keys[2*slot:], ld: 2 * PageTokens, n: n, ahead: next}, mr, l.HeadDim)
		}
	}
}

// page returns the layer's part of the page that has a position.
func (w *cachedWork) page(position int) []byte {
	return w.a.page(w.spans[w.u.span].Pages[position/PageTokens])
}

// weigh adds the values of keys lo to hi, weighted by the scores, to the states.
func (w *cachedWork) weigh(states []float32, seg, mr, lo, hi int) {
	l, size := w.a.Layout, w.a.stateSize()
	for lo < hi {
		_, values := l.head(w.page(lo), w.u.head)
		slot := lo % PageTokens
		n := min(hi-lo, PageTokens-slot)
		scores := view{w.s.scores[lo-seg*segment:], segment}
		lo += n
		next := w.after(lo, hi, seg)
		wide := l.valueWidth()
		switch l.Type {
		case F32:
			b := panels{typ: F32, floats: floatsOf(values[4*slot*wide:]), ld: wide, stride: panelRows, n: wide / panelRows}
			w.c.r.panels(view{states, size}, scores, b, mr, n)
		case Q8_0:
			w.weighQ8(states, values, next, scores, slots{mr, slot, n})
		default:
			b := cachedPanels{data: values[2*slot*wide:], ld: 2 * wide, n: wide / panelRows, ahead: next}
			w.c.r.cache.panelsF16(view{states, size}, scores, b, mr, n)
		}
	}
}

// after returns what is read after values up to lo: those of the next page, or the next
// segment's first keys.
func (w *cachedWork) after(lo, hi, seg int) []byte {
	if lo < hi {
		_, values := w.a.Layout.head(w.page(lo), w.u.head)
		return values
	}
	if next := (seg + 1) * segment; next < w.spans[w.u.span].Start+w.u.last {
		keys, _ := w.a.Layout.head(w.page(next), w.u.head)
		return keys
	}
	return nil
}

// slots are n tokens of a page from slot on, weighed for mr rows.
type slots struct{ mr, slot, n int }

// weighQ8 adds quantised values of a page: their scales go into the scores, once for 32
// elements.
func (w *cachedWork) weighQ8(states []float32, values, next []byte, scores view, t slots) {
	l, size := w.a.Layout, w.a.stateSize()
	one := onesF16()
	scaled := view{w.s.scaled[:], PageTokens}
	for b := range l.HeadDim / 32 {
		block := values[b*q8Block:][:q8Block]
		w.c.r.cache.fromF16(w.s.scale[:t.n], block[2*t.slot:])
		for i := range t.mr {
			row := scaled.data[i*PageTokens:][:t.n]
			copy(row, scores.data[i*scores.ld:])
			w.c.r.mul(row, w.s.scale[:t.n])
		}
		p := cachedPanels{data: block[q8Scales+32*t.slot:], scales: one[:], ld: 32, n: 2}
		if next != nil {
			p.ahead = next[b*q8Block+q8Scales:]
		}
		w.c.r.cache.panelsQ8(view{states[32*b:], size}, scaled, p, t.mr, t.n)
	}
}

// onesF16 returns the halves of 1 for two panels.
func onesF16() (one [2 * 2 * panelRows]byte) {
	for i := range 2 * panelRows {
		one[2*i+1] = 0x3c
	}
	return one
}

// fold joins states of the same rows: to has seen what comes before part in the
// sequence. A state is HeadDim (rounded up) weighted values, their largest score, and
// the sum of their weights, 0 if there are none.
func (w *cachedWork) fold(to, part []float32) {
	size, width := w.a.stateSize(), w.a.Layout.valueWidth()
	for ; len(to) > 0; to, part = to[size:], part[size:] {
		if part[width+1] == 0 {
			continue
		}
		if to[width+1] == 0 {
			copy(to, part[:size])
			continue
		}
		m := max(to[width], part[width])
		before := float32(math.Exp(float64(to[width] - m)))
		after := float32(math.Exp(float64(part[width] - m)))
		if before != 1 {
			w.c.r.scale(to[:width], before)
		}
		w.c.r.axpy(to[:width], part[:width], after)
		to[width], to[width+1] = m, to[width+1]*before+part[width+1]*after
	}
}

// finish divides the unit's weighted values by their sums and puts them into dst.
func (w *cachedWork) finish() {
	d, g, size, width := w.a.Layout.HeadDim, w.a.group(), w.a.stateSize(), w.a.Layout.valueWidth()
	for r := range w.rows {
		state := w.s.total[r*size:][:size]
		row := w.dst[((w.u.row+r/g)*w.a.Heads+w.u.head*g+r%g)*d:][:d]
		copy(row, state)
		w.c.r.scale(row, 1/state[width+1])
	}
}
