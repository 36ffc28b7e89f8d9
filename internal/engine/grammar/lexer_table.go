package grammar

import "slices"

// table is a lexer whose states are listed: numbers, words, lists of values and free
// text. It counts nothing.
type table struct {
	rows  [][]arc
	dense [][256]int32 // instead of a search in rows, for free text
	ends  []bool
	dist  []int32 // bytes to the nearest end
}

// arc leads to a state on the bytes from lo to hi.
type arc struct {
	lo, hi byte
	to     int32
}

// tableDraft is a table under construction; state 0 is the start. States from which
// no end can be reached are removed by done.
type tableDraft struct {
	rows [][]arc
	ends []bool
}

func (d *tableDraft) state() int32 {
	d.rows = append(d.rows, nil)
	d.ends = append(d.ends, false)
	return int32(len(d.ends) - 1) //nolint:gosec // bounded by the drafts' makers
}

// link adds an arc; arcs of a state must not overlap.
func (d *tableDraft) link(from, to int32, lo, hi byte) {
	d.rows[from] = append(d.rows[from], arc{lo, hi, to})
}

// text adds a text to what is accepted from state 0, as a tree.
func (d *tableDraft) text(s string) {
	at := int32(0)
	for i := range len(s) {
		at = d.child(at, s[i])
	}
	d.ends[at] = true
}

// child returns where b leads, for drafts that are trees whose texts come sorted:
// the last arc is the only one that can be b's.
func (d *tableDraft) child(at int32, b byte) int32 {
	if row := d.rows[at]; len(row) > 0 && row[len(row)-1].lo == b {
		return row[len(row)-1].to
	}
	to := d.state()
	d.link(at, to, b, b)
	return to
}

// done returns the lexer; nil when nothing is accepted.
func (d *tableDraft) done() *table {
	t := &table{rows: d.rows, ends: d.ends, dist: distances(d.rows, d.ends)}
	if len(d.rows) == 0 || t.dist[0] == never {
		return nil
	}
	for i, row := range t.rows {
		t.rows[i] = slices.DeleteFunc(row, func(a arc) bool { return t.dist[a.to] == never })
	}
	return t
}

// fill makes the full table, of 1 KiB a state.
func (t *table) fill() *table {
	t.dense = make([][256]int32, len(t.rows))
	for q, row := range t.rows {
		for b := range t.dense[q] {
			t.dense[q][b] = -1
		}
		for _, a := range row {
			for b := int(a.lo); b <= int(a.hi); b++ {
				t.dense[q][b] = a.to
			}
		}
	}
	return t
}

// distances counts the bytes from each state to the nearest end.
func distances(rows [][]arc, ends []bool) []int32 {
	dist := make([]int32, len(rows))
	from := make([][]int32, len(rows))
	var queue []int32
	for q, row := range rows {
		dist[q] = never
		for _, a := range row {
			from[a.to] = append(from[a.to], int32(q))
		}
		if ends[q] {
			dist[q] = 0
			queue = append(queue, int32(q))
		}
	}
	for len(queue) > 0 {
		q := queue[0]
		queue = queue[1:]
		for _, p := range from[q] {
			if dist[p] == never {
				dist[p] = dist[q] + 1
				queue = append(queue, p)
			}
		}
	}
	return dist
}

func (t *table) next(q int32, b byte) int32 {
	if t.dense != nil {
		return t.dense[q][b]
	}
	for _, a := range t.rows[q] {
		if a.lo <= b && b <= a.hi {
			return a.to
		}
	}
	return -1
}

func (t *table) step(s state, b byte) (state, bool) {
	s.q = t.next(s.q, b)
	return s, s.q >= 0
}

func (t *table) final(s state) bool          { return t.ends[s.q] }
func (t *table) open(s state) bool           { return len(t.rows[s.q]) > 0 }
func (t *table) free(state) int32            { return 0 }
func (t *table) norm(s state, _ int32) state { return s }
func (t *table) rest(dst []byte, s state) []byte {
	for q := s.q; !t.ends[q]; {
		for _, a := range t.rows[q] {
			if t.dist[a.to] == t.dist[q]-1 {
				dst, q = append(dst, a.lo), a.to
				break
			}
		}
	}
	return dst
}

// rule makes a rule of t that keeps its masks in store.
func (t *table) rule(store *maskStore) *rule {
	return &rule{lex: t, nullable: t.ends[0], masks: store, start: state{hi: unlimited}, least: int(t.dist[0])}
}

// words returns the lexer of exactly the given texts.
func wordTable(texts []string) *table {
	texts = slices.Sorted(slices.Values(texts))
	d := &tableDraft{}
	d.state()
	for _, s := range texts {
		d.text(s)
	}
	return d.done()
}

// maxMarkers bounds the bytes of all markers of one free text.
const maxMarkers = 2048

// textTable is free text. With markers and last, it ends with the first of them;
// without last it may end everywhere and none of them appears in it. It is the
// automaton of Aho and Corasick.
func textTable(markers []string, last bool) *table {
	d := &tableDraft{}
	d.state()
	next := [][256]int32{{}}
	for _, m := range markers {
		at := int32(0)
		for i := range len(m) {
			if next[at][m[i]] == 0 {
				next[at][m[i]] = d.state()
				next = append(next, [256]int32{})
			}
			at = next[at][m[i]]
		}
		d.ends[at] = true // for now: a marker is complete
	}
	fail := make([]int32, len(next))
	queue := []int32{0}
	for len(queue) > 0 {
		q := queue[0]
		queue = queue[1:]
		for b := range next[q] {
			to := next[q][b]
			switch {
			case to == 0 && q != 0:
				next[q][b] = next[fail[q]][b]
			case to != 0:
				if q != 0 {
					fail[to] = next[fail[q]][b]
				}
				d.ends[to] = d.ends[to] || d.ends[fail[to]]
				queue = append(queue, to)
			}
		}
	}
	for q := range next {
		if d.ends[q] {
			continue // nothing goes on behind a marker
		}
		for b, to := range next[q] {
			if last || !d.ends[to] {
				d.link(int32(q), to, byte(b), byte(b))
			}
		}
	}
	if !last {
		for q := range d.ends {
			d.ends[q] = !d.ends[q]
		}
	}
	return d.done().fill()
}
