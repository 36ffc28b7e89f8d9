package fill

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
)

// complete finds what a set still lacks: free texts, what was said before, defaults.
func (f *filler) complete(c set, src Source) {
	if len(src.Earlier) > 0 {
		f.takeFree(c, sureLeftover)
		f.remember(c, src)
	}
	f.takeFree(c, anyLeftover)
	for _, s := range f.slots {
		if !s.required || len(c[s]) > 0 {
			continue
		}
		if v, ok := f.fallback(s); ok {
			c[s] = []label{{slot: s, start: -1, value: v}}
		}
	}
}

// How well a leftover must suit a slot: better while what was said before may have
// something that suits as well.
const (
	sureLeftover = 0.7
	anyLeftover  = 0.1
	sureID       = 0.9 // of an ID said before: its kind must have been named
)

func (f *filler) takeFree(c set, need float64) {
	for _, s := range f.slots {
		if len(c[s]) > 0 {
			continue
		}
		if l, ok := f.free(s, c, need); ok {
			c[s] = []label{l}
		}
	}
}

// free finds the value of a required free text: what to search for, say or do.
func (f *filler) free(s *slot, c set, need float64) (label, bool) {
	if !s.required || s.leaf().Type != schema.String || len(s.leaf().Enum) > 0 || s.isArray() {
		return label{}, false
	}
	switch s.role {
	case roleQuery:
		start, end := f.topic()
		if end <= start {
			return label{}, false
		}
		v, ok := stringValue(s, f.t.S[start:end])
		return label{slot: s, start: start, end: end, value: v}, ok
	case roleNone, rolePlace, rolePerson, roleSymbol, roleID:
		return f.leftover(s, c, need)
	default:
		return label{}, false
	}
}

// topic is the part of the text after the bidding: "search for X" gives X.
func (f *filler) topic() (start, end int) {
	s := f.t.S
	end = len(strings.TrimRight(s, " \n\t.?!"))
	words := f.t.Words
	i := 0
	for i < len(words) && (asking[words[i].Norm] || politeness[words[i].Norm]) {
		i++
	}
	if i < len(words) {
		start = words[i].Start
		if start > 0 && strings.ContainsAny(s[start-1:start], `"'“`) {
			start--
		}
	}
	return start, end
}

var politeness = map[string]bool{"please": true, "can": true, "could": true, "you": true, "me": true, "i": true, "i'd": true, "would": true, "for": true, "to": true, "the": true, "a": true, "an": true, "about": true, "up": true, "on": true, "some": true, "any": true, "information": true, "out": true, "my": true}

// leftover takes the best name or phrase that no slot has, for a required text of
// any kind.
func (f *filler) leftover(s *slot, c set, bestScore float64) (label, bool) {
	var best *cand
	for _, cd := range f.cands {
		if cd.Kind != mention.Name && cd.Kind != phrase && cd.Kind != mention.ID && cd.Kind != mention.Quote || f.used(cd, c) {
			continue
		}
		if s.role == roleID && cd.Kind == phrase || s.role == rolePlace && cd.Kind == phrase && cd.prep == "" {
			continue
		}
		base, ok := f.base(s, cd)
		if !ok {
			continue
		}
		if score := base + f.endFit(s, cd) + f.cue(s, cd); score > bestScore {
			best, bestScore = cd, score
		}
	}
	if best == nil {
		return label{}, false
	}
	v, ok := f.valueOf(s, best)
	return label{slot: s, cand: best, start: best.Start, end: best.End, score: bestScore, value: v}, ok
}

func (f *filler) used(cd *cand, c set) bool {
	for _, labels := range c {
		for _, l := range labels {
			if l.start >= 0 && cd.Start < l.end && l.start < cd.End {
				return true
			}
		}
	}
	return false
}

// maxEarlier is how many earlier turns are searched.
const maxEarlier = 6

// remember looks for what is missing in what was said before.
func (f *filler) remember(c set, src Source) {
	for i, earlier := range src.Earlier {
		missing := false
		for _, s := range f.slots {
			missing = missing || s.required && len(c[s]) == 0
		}
		if !missing || i >= maxEarlier {
			return
		}
		about := make([]string, 0, len(f.about))
		for w := range f.about {
			about = append(about, w)
		}
		g := newFiller(strings.Join(about, " "), f.node, earlier, f.today)
		g.label()
		for _, old := range g.group()[:1] {
			for j, s := range f.slots {
				if s.required && len(c[s]) == 0 {
					for _, l := range old[g.slots[j]] {
						if s.role == roleID && l.score < sureID {
							continue // somebody else's number
						}
						l.slot, l.start, l.end = s, 0, 0
						c[s] = append(c[s], l)
					}
				}
			}
		}
	}
}

var defaultRE = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)default(?:s)?(?: value)?(?: is| to|:|=| of)?\s+(?:is |to )?(?:'([^']{1,60})'|"([^"]{1,60})"|(-?\d+(?:\.\d+)?)|(true|false)\b|([A-Z]{2,4})\b)`)
})

// fallback is a required slot's default: the schema's, or the one its description
// names; for a switch, off.
func (f *filler) fallback(s *slot) (json.RawMessage, bool) {
	if len(s.node.Default) > 0 && string(s.node.Default) != "null" {
		return s.node.Default, true
	}
	if m := defaultRE().FindStringSubmatch(s.node.Description); m != nil {
		word := m[1] + m[2] + m[5]
		switch {
		case s.node.Type == schema.String && word != "":
			return stringValue(s, word)
		case (s.node.Type == schema.Integer || s.node.Type == schema.Number) && m[3] != "":
			return json.RawMessage(m[3]), true
		case s.node.Type == schema.Boolean && m[4] != "":
			return json.RawMessage(strings.ToLower(m[4])), true
		}
	}
	switch {
	case len(s.node.Enum) == 1:
		return s.node.Enum[0], true
	case s.node.Type == schema.Boolean:
		return json.RawMessage("false"), true
	}
	return nil, false
}

// Force completes a set so that it satisfies the schema: what is missing gets the
// plainest value that its schema allows.
// What does not satisfy its schema is replaced in the same way, or left out where it
// may be.
func Force(n *schema.Node, args json.RawMessage) json.RawMessage {
	return force(n, args, 0)
}

// maxForce bounds the nesting that is completed.
const maxForce = 16

func force(n *schema.Node, raw json.RawMessage, depth int) json.RawMessage {
	if n.Type != schema.Object || depth > maxForce || len(n.Enum) > 0 {
		if n.Valid(raw) {
			return raw
		}
		return n.Empty()
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		members = map[string]json.RawMessage{}
	}
	var sb strings.Builder
	sb.WriteByte('{')
	first := true
	for _, p := range n.Props {
		v, ok := members[p.Name]
		if !ok {
			if !p.Required {
				continue
			}
			v = p.Node.Empty()
		}
		if ok && !p.Required && !p.Node.Valid(v) && p.Node.Type != schema.Object {
			continue
		}
		v = force(p.Node, v, depth+1)
		if !first {
			sb.WriteByte(',')
		}
		first = false
		sb.Write(mustJSON(p.Name))
		sb.WriteByte(':')
		sb.Write(v)
	}
	sb.WriteByte('}')
	return json.RawMessage(sb.String())
}
