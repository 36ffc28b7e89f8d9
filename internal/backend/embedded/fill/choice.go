package fill

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/lexicon"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/mention"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// examples lists the values that a description gives as examples: in quotation
// marks, or after "such as", "e.g." and the like. A text that names one of them
// means it.
func examples(d string) []string {
	var out []string
	add := func(v string) {
		v = strings.Trim(strings.TrimSpace(v), ".;:\"'‘’“”()[]")
		v = strings.TrimPrefix(strings.TrimPrefix(v, "and "), "or ")
		if n := len(strings.Fields(v)); n > 0 && n <= 3 && len(v) <= 30 && !text.Stopword(strings.ToLower(v)) {
			out = append(out, v)
		}
	}
	for _, m := range quotedRE().FindAllStringSubmatch(d, 40) {
		add(m[1])
	}
	lower := text.Lower(d)
	for _, mark := range []string{"e.g.", "e.g", "such as ", "for example", "for instance", " like ", "including ", "i.e.", "options:", "options are", "(", "refers to", ": "} {
		i := strings.Index(lower, mark)
		if i < 0 {
			continue
		}
		rest := d[i+len(mark):]
		if j := strings.IndexAny(rest, ".;)\n"); j >= 0 {
			rest = rest[:j]
		}
		parts := strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == '/' || r == '|' })
		if len(parts) < 2 {
			parts = strings.Split(rest, " or ")
		}
		if len(parts) < 2 && (mark == "(" || mark == ": ") {
			continue
		}
		for _, p := range parts {
			for q := range strings.SplitSeq(p, " or ") {
				add(q)
			}
		}
	}
	return out
}

// exemplified finds the examples of a slot's description that the text names.
func (f *filler) exemplified(s *slot) []label {
	if s.leaf().Type != schema.String || len(s.leaf().Enum) > 0 {
		return nil
	}
	list := examples(s.node.Description)
	if len(list) == 0 {
		return nil
	}
	options := make([]choice, 0, len(list))
	for _, e := range list {
		raw, err := json.Marshal(e)
		if err == nil {
			options = append(options, newChoice(raw, e))
		}
	}
	var out []label
	seen := map[int]bool{}
	for _, p := range said(f.t, options) {
		if !p.exact || seen[p.choice] || f.negated(p.at) {
			continue
		}
		ch := options[p.choice]
		if len(ch.stems) == 1 && (f.about[ch.stems[0]] || slices.Contains(s.name, ch.stems[0])) {
			continue // a word of the tool's own
		}
		seen[p.choice] = true
		start, end := f.t.Words[p.at].Start, f.t.Words[min(p.at+len(ch.stems)-1, len(f.t.Words)-1)].End
		if f.inName(start, end) {
			continue
		}
		v, ok := stringValue(s, f.t.S[start:end])
		if ok {
			out = append(out, label{slot: s, start: start, end: end, score: 1.4, value: v, weak: len(out) > 0 && !s.isArray()})
		}
	}
	return out
}

// inName reports whether a place lies inside a longer name or quotation.
func (f *filler) inName(start, end int) bool {
	for _, c := range f.cands {
		if (c.Kind == mention.Name || c.Kind == mention.Quote) && c.Start <= start && end <= c.End && c.Len() > end-start+2 {
			return true
		}
	}
	return false
}

// choice is a value that a slot allows, from its enum or, for plain texts, from its
// description.
type choice struct {
	value json.RawMessage
	stems []string
	said  string
	stop  bool // a word too common to be meant by another
}

// choices lists the values that a slot allows; none when it takes any.
func choices(s *slot) []choice {
	leaf := s.leaf()
	var out []choice
	for _, raw := range leaf.Enum {
		var str string
		if json.Unmarshal(raw, &str) != nil {
			str = string(raw)
		}
		if str == "" {
			continue
		}
		out = append(out, newChoice(raw, str))
	}
	if len(out) > 0 || leaf.Type != schema.String && leaf.Type != schema.Any {
		return out
	}
	for _, v := range described(s.node.Description) {
		raw, err := json.Marshal(v)
		if err == nil {
			out = append(out, newChoice(raw, v))
		}
	}
	return out
}

func newChoice(raw json.RawMessage, said string) choice {
	var stems []string
	for _, w := range nameWords(said) {
		stems = append(stems, text.Stem(text.Fold(w)))
	}
	return choice{value: raw, stems: stems, said: said, stop: len(said) < 3}
}

var quotedRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`['"‘“]([^'"‘’“”]{1,40})['"’”]`) })

// listing are the words that introduce all allowed values in a description, and not
// just examples.
var listing = []string{"options", "either", "one of", "choices", "allowed", "possible values", "values:", "can be", "could be", "must be", "or '"}

// described reads the values that a description lists in quotation marks.
func described(d string) []string {
	if !strings.ContainsAny(d, `'"‘“`) {
		return nil
	}
	lower := text.Lower(d)
	found := false
	for _, l := range listing {
		found = found || strings.Contains(lower, l)
	}
	if !found {
		return nil
	}
	var out []string
	for _, m := range quotedRE().FindAllStringSubmatchIndex(d, 40) {
		before := strings.ToLower(d[max(0, m[0]-14):m[0]])
		if strings.Contains(before, "default") || strings.Contains(before, "e.g") || strings.Contains(before, "such as") || strings.Contains(before, "like") || strings.Contains(before, "example") {
			continue
		}
		v := strings.TrimSpace(d[m[2]:m[3]])
		if v != "" && !strings.ContainsAny(v, ".") {
			out = append(out, v)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// pick is a choice found in the text.
type pick struct {
	choice int
	at     int // word
	exact  bool
}

// said lists the choices that a text names, in its order. Each word counts for the
// longest choice that has it.
func said(t *mention.Text, list []choice) []pick {
	stems := make([]string, len(t.Words))
	for i, w := range t.Words {
		stems[i] = text.Stem(w.Norm)
	}
	var picks []pick
	for i := 0; i < len(stems); {
		best, length := -1, 0
		exact := true
		for k, c := range list {
			n := len(c.stems)
			if n > 0 && i+n <= len(stems) && equalStems(stems[i:i+n], c.stems) {
				// "stopped" and "stopping" have one stem: the very word wins.
				if n > length || n == length && n == 1 && text.Fold(c.said) == t.Words[i].Norm {
					best, length, exact = k, n, true
				}
			}
			if n == 1 && length == 0 && !c.stop && slices.Contains(lexicon.Synonyms(stems[i]), c.stems[0]) {
				best, length, exact = k, 1, false
			}
			if n == 1 && length == 0 && len(c.stems[0]) > 3 && alike(stems[i], c.stems[0]) {
				best, length, exact = k, 1, false
			}
		}
		if best < 0 {
			i++
			continue
		}
		// The same word in quotation marks or capital letters, or by chance: a word
		// of one or two letters must be written as the choice is.
		if len(list[best].said) <= 2 && t.Words[i].Of(t.S) != list[best].said {
			i++
			continue
		}
		picks = append(picks, pick{choice: best, at: i, exact: exact})
		i += length
	}
	if slices.ContainsFunc(picks, func(p pick) bool { return p.exact }) {
		picks = slices.DeleteFunc(picks, func(p pick) bool { return !p.exact })
	}
	return picks
}

func equalStems(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// alike reports whether two stems are forms of one word: "comed" and "comedi",
// "metric" and "metrics".
func alike(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 4 && strings.HasPrefix(b, a) && len(b)-len(a) <= 3
}
