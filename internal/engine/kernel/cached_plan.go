package kernel

// cachedUnit is some tokens of a span, as seen by the query heads of one key head. Its
// rows are these tokens' heads: row r is head r%group of token r/group.
type cachedUnit struct {
	span, head  int
	row         int // of the first token in dst and q
	first, last int // tokens of the span
	lo, hi      int // segments that any of them sees
	keys        int // that any of them sees
	tasks       int
	left        int32 // tasks that aren't done; counted down by several threads
	states      int   // if there are several tasks: where their states are
}

// cachedTask is some segments of a unit.
type cachedTask struct{ unit, lo, hi int }

// plan lists the units and returns about how many keys all rows see.
func (m *AttentionMemory) plan(spans []CachedSpan, a *CachedAttention) int {
	m.units, m.total = m.units[:0], 0
	step, row := max(1, cachedRows/a.group()), 0
	for s := range spans {
		tokens := spans[s].Tokens
		// Later tokens see more keys: they go first, so that no thread is left with the
		// longest task at the end.
		for first := (tokens - 1) / step * step; first >= 0 && first < tokens; first -= step {
			u := cachedUnit{span: s, row: row + first, first: first, last: min(first+step, tokens)}
			lo, _ := a.sees(spans[s].Start + first)
			_, hi := a.sees(spans[s].Start + u.last - 1)
			u.lo, u.hi, u.keys = lo/segment, (hi+segment-1)/segment, hi-lo
			for u.head = range a.Layout.KVHeads {
				m.units = append(m.units, u)
			}
			m.total += u.cost(a) * a.Layout.KVHeads
		}
		row += tokens
	}
	return m.total
}

// cost estimates how many keys the rows of a unit see.
func (u *cachedUnit) cost(a *CachedAttention) int {
	return (u.last - u.first) * a.group() * u.keys
}

// divide makes tasks of the units, so that none is much more than a quarter of a
// thread's share. It makes no difference to the results.
func (m *AttentionMemory) divide(threads int, a *CachedAttention) {
	m.tasks = m.tasks[:0]
	share, floats := max(m.total/(4*threads), 1), 0
	for i := range m.units {
		u := &m.units[i]
		segments := u.hi - u.lo
		u.tasks = 1
		if threads > 1 {
			u.tasks = min((u.cost(a)+share-1)/share, segments)
		}
		if u.tasks > 1 {
			u.left, u.states = int32(u.tasks), floats //nolint:gosec // no more than segments
			floats += segments * (u.last - u.first) * a.group() * a.stateSize()
		}
		for t := range u.tasks {
			m.tasks = append(m.tasks, cachedTask{i, u.lo + segments*t/u.tasks, u.lo + segments*(t+1)/u.tasks})
		}
	}
	m.states = grow(m.states, floats)
}
