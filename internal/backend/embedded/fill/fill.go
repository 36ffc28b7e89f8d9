// Package fill finds the values that a JSON Schema wants in a text: a tool's
// arguments, or the members of a structured answer.
//
// Values are taken, not made up: each is a part of the text in the form that the
// schema asks for, a choice of the schema that the text names, or the schema's
// default. What is required and cannot be found is reported as missing, unless the
// caller forces a value; then it is the plainest one that the schema allows.
//
// Each candidate of the text (a number with its unit, a name, a date, a phrase) is
// scored against each slot of the schema by kind, unit, preposition, place in a
// range, and the slot's own words near it; the best pairs win. Candidates left over
// that suit a taken slot as well make another set of values: "the weather in Paris
// and London" is two.
package fill

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/lexicon"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// Source is where values are taken from.
type Source struct {
	Text    string   // what was asked
	Earlier []string // what was said before, newest first: for what Text lacks
	Today   time.Time
}

// Values is one set of values for a schema of an object.
type Values struct {
	Args    json.RawMessage // an object
	Missing []Missing       // required and not found
	Found   int             // slots with a value from the text
	Known   float64         // values that only this kind of schema can mean: names of the lexicon, IDs by their prefix
	Strong  float64         // choices of the schema that the text names
	Sure    float64         // the share of the required slots that were found, 1 when none is
	Words   []text.Span     // the parts of Source.Text that were used
}

// Missing is a required value that was not found.
type Missing struct {
	Name, Description string
}

// Arguments finds the arguments of a tool that is described by about. It returns at
// least one set; several when the text asks for several calls.
func Arguments(about string, n *schema.Node, src Source) []Values {
	f := newFiller(about, n, src.Text, src.Today)
	f.label()
	calls := f.group()
	out := make([]Values, 0, len(calls))
	for _, c := range calls {
		f.complete(c, src)
		out = append(out, f.values(c))
	}
	return out
}

// Work goes with the length of a text times the number of slots: the more slots a
// schema has, the less of a text is looked at.
const (
	maxWork = 1 << 20
	minText = 2 << 10
)

// maxCalls bounds the sets found in one text.
const maxCalls = 32

type filler struct {
	node   *schema.Node
	t      *mention.Text
	cands  []*cand
	stems  []string // of the text's words
	owner  []int    // of each word: its candidate, or -1
	about  map[string]bool
	slots  []*slot
	look   lexicon.Asked
	today  time.Time
	paired bool // some slots are the two ends of something
	depth  int  // of lists of objects around
	labels []label

	alignment map[alignKey]float64 // see align
}

// label gives a value to a slot.
type label struct {
	slot  *slot
	cand  *cand // nil for choices and the like
	start int   // in the text; -1: from elsewhere
	end   int
	score float64
	value json.RawMessage
	weak  bool // counts only when other slots have several values too
}

// set is the values of one call, by slot.
type set map[*slot][]label

func newFiller(about string, n *schema.Node, s string, today time.Time) *filler {
	return newFillerAt(about, n, s, today, 0)
}

func newFillerAt(about string, n *schema.Node, s string, today time.Time, depth int) *filler {
	list := slots(n, nil, true, 0)
	s = strings.ToValidUTF8(s[:min(len(s), max(maxWork/max(len(list), 1), minText))], "\uFFFD")
	f := &filler{node: n, depth: depth, slots: list, t: mention.Find(s), about: map[string]bool{}, look: lexicon.Look(s), today: today}
	for _, w := range text.Words(strings.Join(nameWords(about), " ")) {
		if !text.Stopword(w.Norm) {
			f.about[text.Stem(w.Norm)] = true
		}
	}
	describe(f.slots)
	f.paired = slices.ContainsFunc(f.slots, func(s *slot) bool { return s.end == toEnd })
	lists := slices.ContainsFunc(f.slots, (*slot).isArray)
	dates := slices.ContainsFunc(f.slots, func(s *slot) bool { return s.role == roleDate && !s.isNumber() })
	f.cands = candidates(f.t, lists, dates, f.ownNumber)
	f.stems = make([]string, len(f.t.Words))
	f.owner = make([]int, len(f.t.Words))
	for i, w := range f.t.Words {
		f.stems[i] = text.Stem(w.Norm)
		f.owner[i] = -1
	}
	for i, c := range f.cands {
		for j := c.T0; j < c.T1; j++ {
			f.owner[j] = i
		}
	}
	if f.today.IsZero() {
		f.today = todayIn(f.t)
	}
	f.dropToday()
	f.align()
	return f
}

// dropToday forgets the date that only says what today is.
func (f *filler) dropToday() {
	f.cands = slices.DeleteFunc(f.cands, func(c *cand) bool {
		if c.Kind != mention.Date || !c.Day.Full() || c.T0 < 2 {
			return false
		}
		words := f.t.Words[max(c.T0-4, 0):c.T0]
		return slices.ContainsFunc(words, func(w text.Token) bool { return w.Norm == "today" || w.Norm == "today's" }) && c.Day.Time().Equal(f.today)
	})
	for i, c := range f.cands {
		c.order = i
	}
	for i := range f.owner {
		f.owner[i] = -1
	}
	for i, c := range f.cands {
		for j := c.T0; j < c.T1; j++ {
			f.owner[j] = i
		}
		if c.partner >= len(f.cands) {
			c.partner = -1
		}
	}
}

// ownNumber reports whether a slot for a number has the stem in its name.
func (f *filler) ownNumber(stem string) bool {
	return slices.ContainsFunc(f.slots, func(s *slot) bool {
		return s.isNumber() && !s.isArray() && slices.Contains(s.name, stem) && !genericName[stem]
	})
}

// todayIn finds "today is …" in a text.
func todayIn(t *mention.Text) time.Time {
	for i := range t.Mentions {
		m := &t.Mentions[i]
		if m.Kind != mention.Date || !m.Day.Full() || m.T0 < 2 {
			continue
		}
		for j := m.T0 - 1; j >= 0 && j >= m.T0-4; j-- {
			switch t.Words[j].Norm {
			case "today", "now", "current", "today's":
				return m.Day.Time()
			}
		}
	}
	return time.Time{}
}

// Today finds the date that a text says is today's; the zero time when it does not.
func Today(s string) time.Time { return todayIn(mention.Find(s)) }

// values writes a set as JSON.
func (f *filler) values(c set) Values {
	v := Values{Sure: 1}
	required, found := 0, 0
	for _, s := range f.slots {
		labels := c[s]
		if s.required {
			required++
		}
		if len(labels) == 0 {
			if s.required {
				v.Missing = append(v.Missing, Missing{Name: strings.Join(s.path, "."), Description: s.node.Description})
			}
			continue
		}
		if labels[0].start >= 0 {
			switch l := labels[0]; {
			case l.score >= 2:
				v.Known++
			case l.score >= 1.5 && l.cand == nil:
				v.Strong++
			}
			v.Found++
			if s.required {
				found++
			}
		}
		for _, l := range labels {
			if l.start >= 0 && l.end > l.start {
				v.Words = append(v.Words, text.Span{Start: l.start, End: l.end})
			}
		}
	}
	if required > 0 {
		v.Sure = float64(found) / float64(required)
	}
	v.Args = f.object(f.node, nil, c)
	return v
}

// object writes the members of an object that have values, in the schema's order.
func (f *filler) object(n *schema.Node, path []string, c set) json.RawMessage {
	var sb strings.Builder
	sb.WriteByte('{')
	first := true
	for _, p := range n.Props {
		at := append(slices.Clone(path), p.Name)
		var v json.RawMessage
		if s := f.slot(at); s != nil {
			v = f.written(s, c[s])
		} else if f.filled(at, c) {
			v = f.object(p.Node, at, c)
		}
		if v == nil {
			continue
		}
		if !first {
			sb.WriteByte(',')
		}
		first = false
		name, err := json.Marshal(p.Name)
		if err != nil {
			continue
		}
		sb.Write(name)
		sb.WriteByte(':')
		sb.Write(v)
	}
	sb.WriteByte('}')
	return json.RawMessage(sb.String())
}

func (f *filler) slot(path []string) *slot {
	for _, s := range f.slots {
		if slices.Equal(s.path, path) {
			return s
		}
	}
	return nil
}

// filled reports whether a slot below path has a value.
func (f *filler) filled(path []string, c set) bool {
	for s, labels := range c {
		if len(labels) > 0 && len(s.path) > len(path) && slices.Equal(s.path[:len(path)], path) {
			return true
		}
	}
	return false
}

// written joins a slot's labels: the items of an array, or the one value.
func (f *filler) written(s *slot, labels []label) json.RawMessage {
	if len(labels) == 0 {
		return nil
	}
	if !s.isArray() || len(labels) == 1 && isArrayJSON(labels[0].value) {
		return labels[0].value
	}
	var items []json.RawMessage
	for _, l := range labels {
		if s.node.MaxItems >= 0 && len(items) >= s.node.MaxItems {
			break
		}
		items = append(items, l.value)
	}
	out, err := json.Marshal(items)
	if err != nil {
		return nil
	}
	return out
}

func isArrayJSON(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '[' }
