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
	lower := strings.ToLower(d)
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
			if n > length && i+n <= len(stems) && equalStems(stems[i:i+n], c.stems) {
				best, length, exact = k, n, true
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
