package fill

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
)

// Scores that a pair of slot and candidate must have. They were set by hand on the
// development half of the evaluation; see tools/eval.
const (
	needRequired = 0.3
	needOptional = 1.05
	needArray    = 0.35
	repeatShare  = 0.6  // of the score of the slot's first candidate
	bucket       = 0.12 // scores nearer than this are equal: order decides
)

type pair struct {
	slot  *slot
	cand  *cand
	score float64
}

// label gives candidates and other finds to slots.
func (f *filler) label() {
	for _, s := range f.slots {
		f.labels = append(f.labels, f.direct(s)...)
	}
	taken := map[*cand]*slot{}
	first := map[*slot]pair{}
	for _, l := range f.labels {
		first[l.slot] = pair{slot: l.slot}
		for _, c := range f.cands {
			if c.Start < l.end && l.start < c.End && l.end > l.start {
				taken[c] = l.slot
			}
		}
	}
	pairs := f.pairs(first, taken)
	for _, p := range pairs {
		if taken[p.cand] != nil {
			continue
		}
		if _, ok := first[p.slot]; ok {
			continue
		}
		if f.give(p) {
			if k := p.cand.Kind; !p.slot.isNumber() || k != mention.Time && k != mention.Date {
				taken[p.cand] = p.slot // a date may give year, month and day
			}
			first[p.slot] = p
		}
	}
	f.repeat(first, taken)
	slices.SortStableFunc(f.labels, func(a, b label) int { return cmp.Compare(a.start, b.start) })
}

// pairs lists what may go together, best first; among equals the earlier slot gets
// the earlier candidate.
func (f *filler) pairs(first map[*slot]pair, taken map[*cand]*slot) []pair {
	var list []pair
	for _, s := range f.slots {
		if _, done := first[s]; done {
			continue
		}
		for _, c := range f.cands {
			if taken[c] != nil {
				continue
			}
			score := f.score(s, c)
			need := needOptional
			if s.required {
				need = needRequired
			}
			if s.isArray() {
				need = max(need, needArray)
			}
			if score >= need {
				if s.required {
					score += 0.3
				}
				list = append(list, pair{s, c, score})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b pair) int {
		return cmp.Or(cmp.Compare(math.Round(b.score/bucket), math.Round(a.score/bucket)), cmp.Compare(a.slot.order, b.slot.order), cmp.Compare(a.cand.order, b.cand.order))
	})
	return list
}

// give adds a label when the candidate's value can be written as the slot wants it.
func (f *filler) give(p pair) bool {
	v, ok := f.valueOf(p.slot, p.cand)
	if !ok {
		return false
	}
	end := p.cand.End
	if p.cand.place != "" && p.slot.role == rolePlace {
		end = max(end, p.cand.Start+len(p.cand.place))
	}
	f.labels = append(f.labels, label{slot: p.slot, cand: p.cand, start: p.cand.Start, end: end, score: p.score, value: v})
	return true
}

// repeat gives what is left over to slots that have a value already: more items of
// an array, or the values of another call.
func (f *filler) repeat(first map[*slot]pair, taken map[*cand]*slot) {
	uses := map[*slot]int{}
	for _, c := range f.cands {
		if taken[c] != nil {
			continue
		}
		var best pair
		bestWeak := false // only if another slot has several values too
		for _, s := range f.slots {
			p, ok := first[s]
			if !ok || p.cand == nil || f.covers(c) {
				continue
			}
			score := f.score(s, c)
			if score < repeatShare*p.score || score < needRequired {
				continue
			}
			weak := false
			if !f.likewise(s, p.cand, c) {
				if weak = c.Kind == mention.Name && p.cand.Kind == mention.Name && s.required; !weak {
					continue
				}
			}
			score = math.Round(score/bucket) - 0.01*float64(uses[s])
			if best.slot == nil || score > best.score {
				best = pair{s, c, score}
				bestWeak = weak
			}
		}
		if best.slot != nil && f.give(best) {
			f.labels[len(f.labels)-1].weak = bestWeak
			taken[c] = best.slot
			uses[best.slot]++
		}
	}
}

// covers reports whether c is part of a place that another candidate stands for
// as a whole: "CA" of "San Francisco, CA".
func (f *filler) covers(c *cand) bool {
	for _, o := range f.cands {
		if o.place != "" && o != c && c.Start >= o.Start && c.End <= o.Start+len(o.place) {
			return true
		}
	}
	return false
}

// likewise reports whether b is said in the way a is, so that it can be another
// value of the same slot.
func (f *filler) likewise(s *slot, a, b *cand) bool {
	if a.Kind != b.Kind {
		return a.run == b.run && (a.Kind == phrase || a.Kind == mention.Name) && (b.Kind == phrase || b.Kind == mention.Name)
	}
	switch a.Kind {
	case mention.Number:
		da, _ := mention.Dimension(a.Unit)
		db, _ := mention.Dimension(b.Unit)
		if a.Percent != b.Percent || (a.Currency == "") != (b.Currency == "") || a.Ordinal != b.Ordinal {
			return false
		}
		if a.Word != b.Word {
			return false
		}
		if da != db && a.Unit != "" && b.Unit != "" {
			return a.run == b.run
		}
		return true
	case phrase:
		return a.run == b.run || s.isArray() && a.prep == b.prep && a.clause == b.clause && a.prep != ""
	case mention.Name:
		if a.run == b.run || a.prep == b.prep && a.prep != "" {
			return true
		}
		if s.role == rolePlace && atPlace[a.prep] && atPlace[b.prep] && a.partner < 0 && b.partner < 0 {
			return true
		}
		return a.clause != b.clause && s.role != roleNone
	case mention.Quote, mention.ID, mention.Email, mention.URL, mention.List, mention.Expr, mention.Date, mention.Time:
		return true
	default:
		return a.run == b.run
	}
}

// atPlace are prepositions before a place where something is, not a journey's end.
var atPlace = map[string]bool{"in": true, "at": true, "near": true, "from": true, "for": true, "of": true, "around": true}

// group makes sets of the labels, which are in the order of the text.
func (f *filler) group() []set {
	f.settle()
	count := map[*slot]int{}
	for _, l := range f.units() {
		count[l[0].slot]++
	}
	most := 1
	for _, n := range count {
		most = max(most, n)
	}
	units := f.units()
	if most == 1 {
		return []set{one(units)}
	}
	var calls []set
	if f.columns(units, count, most) {
		calls = zip(units, count, most)
	} else {
		calls = sequence(units)
	}
	if len(calls) > maxCalls {
		calls = calls[:maxCalls]
	}
	inherit(calls, f.slots)
	return dedupe(calls, f)
}

// settle drops the weak labels unless another slot has several values as well.
func (f *filler) settle() {
	several := map[*slot]int{}
	for _, l := range f.labels {
		if !l.weak && !l.slot.isArray() {
			several[l.slot]++
		}
	}
	for _, n := range several {
		if n > 1 {
			return
		}
	}
	f.labels = slices.DeleteFunc(f.labels, func(l label) bool { return l.weak })
}

// units joins the labels of an array's items into one.
func (f *filler) units() [][]label {
	var out [][]label
	last := map[*slot]int{}
	for _, l := range f.labels {
		if i, ok := last[l.slot]; ok && l.slot.isArray() && f.sameArray(out[i], l) {
			out[i] = append(out[i], l)
			continue
		}
		last[l.slot] = len(out)
		out = append(out, []label{l})
	}
	return out
}

// sameArray reports whether a label is one more item of an array.
func (f *filler) sameArray(items []label, l label) bool {
	if isArrayJSON(l.value) || isArrayJSON(items[0].value) {
		return l.slot.leaf().Type == schema.Array
	}
	prev := items[len(items)-1]
	if prev.cand == nil || l.cand == nil {
		return true // choices
	}
	if prev.cand.run == l.cand.run {
		return true
	}
	// Items in one clause with nothing but small words of their own kind between.
	return prev.cand.clause == l.cand.clause && !f.between(prev, l)
}

// between reports whether another slot's label stands between two labels.
func (f *filler) between(a, b label) bool {
	for _, l := range f.labels {
		if l.slot != a.slot && l.start > a.start && l.start < b.start {
			return true
		}
	}
	return false
}

func one(units [][]label) set {
	c := set{}
	for _, u := range units {
		c[u[0].slot] = u
	}
	return c
}

// columns reports whether the values come slot by slot, "Alice and Bob, aged 30 and
// 40", and not call by call.
func (f *filler) columns(units [][]label, count map[*slot]int, most int) bool {
	open := map[*slot]bool{}
	var prev *slot
	for _, u := range units {
		s := u[0].slot
		if count[s] > 1 && count[s] != most {
			return false
		}
		if s != prev && open[s] && count[s] > 1 {
			return false
		}
		open[s] = true
		if count[s] > 1 {
			prev = s
		}
	}
	n := 0
	for _, c := range count {
		if c > 1 {
			n++
		}
	}
	return n > 1
}

func zip(units [][]label, count map[*slot]int, most int) []set {
	calls := make([]set, most)
	for i := range calls {
		calls[i] = set{}
	}
	next := map[*slot]int{}
	for _, u := range units {
		s := u[0].slot
		if count[s] == 1 {
			calls[0][s] = u
			continue
		}
		calls[next[s]][s] = u
		next[s]++
	}
	return calls
}

// sequence starts a new set where a slot comes again.
func sequence(units [][]label) []set {
	calls := []set{{}}
	for _, u := range units {
		c := calls[len(calls)-1]
		if _, ok := c[u[0].slot]; ok {
			c = set{}
			calls = append(calls, c)
		}
		c[u[0].slot] = u
	}
	return calls
}

// inherit gives each set what it lacks and another has: of the one before first,
// else of the next after it.
func inherit(calls []set, slots []*slot) {
	own := make([]map[*slot]bool, len(calls))
	for i, c := range calls {
		own[i] = map[*slot]bool{}
		for s := range c {
			own[i][s] = true
		}
	}
	for _, s := range slots {
		for i, c := range calls {
			if own[i][s] {
				continue
			}
			for j := i - 1; j >= 0 && len(c[s]) == 0; j-- {
				if own[j][s] {
					c[s] = calls[j][s]
				}
			}
			for j := i + 1; j < len(calls) && len(c[s]) == 0; j++ {
				if own[j][s] {
					c[s] = calls[j][s]
				}
			}
		}
	}
}

// dedupe drops sets that say the same as one before.
func dedupe(calls []set, f *filler) []set {
	seen := map[string]bool{}
	out := calls[:0]
	for _, c := range calls {
		key := string(f.object(f.node, nil, c))
		if !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	return out
}

// negated reports whether word i is denied: "without X", "no X", "don't X".
func (f *filler) negated(i int) bool {
	for j := i - 1; j >= 0 && j >= i-4; j-- {
		switch w := f.t.Words[j].Norm; w {
		case "no", "not", "without", "don't", "exclude", "excluding", "disable", "disabled", "doesn't", "never", "skip", "off", "omit":
			return true
		case "and", "but", "with", "including":
			return false
		}
		if strings.ContainsAny(f.t.Gap(j), ".;!?") {
			return false
		}
	}
	return false
}
