// Package choose picks the tools that a text asks for.
//
// A tool is known by the words of its name, its description, its parameters and
// their choices. A text is cut into parts, "the weather in Paris and then book a
// table"; each part goes to the tool that shares most with it, words that few of
// the tools have counting most. A tool that shares too little is not called.
package choose

import (
	"math"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/fill"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/lexicon"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// Tool is a tool that can be picked.
type Tool struct {
	llm.Tool
	Schema *schema.Node

	name  []string           // stems of the name's words
	words map[string]float64 // stem -> how much it tells
}

// maxWords bounds the words of one tool that are looked at.
const maxWords = 2000

// New reads a tool.
func New(t llm.Tool) *Tool {
	tool := &Tool{Tool: t, Schema: schema.Parse(t.InputSchema), words: map[string]float64{}}
	add := func(s string, weight float64) {
		for _, stem := range text.Terms(s) {
			if len(tool.words) < maxWords && tool.words[stem] < weight {
				tool.words[stem] = weight
			}
		}
	}
	for _, w := range fill.NameWords(t.Name) {
		if stem := text.Stem(w); !text.Stopword(w) && !generic[stem] {
			tool.name = append(tool.name, stem)
			tool.words[stem] = 1
		}
	}
	add(t.Description, 0.7)
	tool.params(tool.Schema, add, 0)
	return tool
}

func (t *Tool) params(n *schema.Node, add func(string, float64), depth int) {
	for _, p := range n.Props {
		add(strings.Join(fill.NameWords(p.Name), " "), 0.5)
		add(p.Node.Description, 0.3)
		for _, e := range p.Node.Strings() {
			add(strings.Join(fill.NameWords(e), " "), 0.5)
		}
		if depth < 3 {
			t.params(p.Node, add, depth+1)
		}
	}
}

// generic are stems that tools' names have without saying what a tool is about.
var generic = map[string]bool{"get": true, "find": true, "set": true, "function": true, "api": true, "tool": true, "util": true, "info": true, "data": true, "handler": true, "execut": true, "run": true, "fetch": true, "retriev": true, "list": true, "do": true}

// Match is how well a tool suits a text.
type Match struct {
	Tool  *Tool
	Score float64 // to compare tools with
	Sure  float64 // 0 to 1: whether the tool is meant at all, see Relevant
	Part  string  // of the text that asks for it
}

// weights of words by how many of the tools have them.
func rarity(tools []*Tool) func(string) float64 {
	count := map[string]int{}
	for _, t := range tools {
		for w := range t.words {
			count[w]++
		}
	}
	n := float64(len(tools))
	return func(w string) float64 {
		return math.Log(1+n/float64(max(count[w], 1))) / math.Log(1+n)
	}
}

// asked is a text in the words that tools are compared with.
type asked struct {
	stems []string
}

func words(s string) asked {
	var a asked
	seen := map[string]bool{}
	for _, w := range text.Words(s) {
		stem := text.Stem(w.Norm)
		if !text.Stopword(w.Norm) && !seen[stem] && !noise[w.Norm] {
			seen[stem] = true
			a.stems = append(a.stems, stem)
		}
	}
	return a
}

// noise are words of asking, which say nothing of what is asked for.
var noise = map[string]bool{"want": true, "need": true, "like": true, "know": true, "help": true, "tell": true, "give": true, "show": true, "let": true, "thanks": true, "thank": true, "hi": true, "hello": true, "hey": true, "good": true, "also": true, "using": true, "use": true, "get": true, "find": true, "provide": true, "what's": true, "i'm": true, "first": true, "second": true, "third": true, "lastly": true, "finally": true, "next": true, "one": true, "two": true, "would": true, "many": true, "much": true}

// compare scores a tool for a text.
func (t *Tool) compare(a asked, rare func(string) float64) float64 {
	sum := 0.0
	for _, stem := range a.stems {
		if w := t.weight(stem); w > 0 {
			sum += w * rare(stem)
		}
	}
	return sum + 0.8*t.named(a)
}

// weight is how much a stem tells of the tool: as it is, by a synonym, or by another
// word of its family, "discov" for "discover".
func (t *Tool) weight(stem string) float64 {
	w := t.words[stem]
	for _, also := range lexicon.Synonyms(stem) {
		w = max(w, 0.7*t.words[also])
	}
	if w > 0 || len(stem) < family {
		return w
	}
	for other, weight := range t.words {
		if related(stem, other) {
			w = max(w, 0.8*weight)
		}
	}
	return w
}

// family is the length of the beginning that words of one family share.
const family = 5

func related(a, b string) bool {
	return len(a) >= family && len(b) >= family && a[:family] == b[:family] && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a) || len(a) > 6 && len(b) > 6 && a[:6] == b[:6])
}

// named is the share of the tool's name that the text has.
func (t *Tool) named(a asked) float64 {
	if len(t.name) == 0 {
		return 0
	}
	n := 0.0
	for _, stem := range t.name {
		n += a.has(stem)
	}
	return n / float64(len(t.name))
}

func (a asked) has(stem string) float64 {
	best := 0.0
	for _, s := range a.stems {
		switch {
		case s == stem:
			return 1
		case related(s, stem):
			best = max(best, 0.8)
		}
	}
	for _, also := range lexicon.Synonyms(stem) {
		for _, s := range a.stems {
			if s == also {
				best = max(best, 0.7)
			}
		}
	}
	return best
}
