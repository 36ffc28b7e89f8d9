// Package chat turns conversations into prompts, and what a model writes back into
// text, reasoning and tool calls.
//
// A Format is made of a model's own template. What the template can do (a system
// turn, tools, calls in the history, several calls at once) is found by rendering
// small conversations with it, not by looking for words in its text, so that any
// template in any file is used as it is meant. What it cannot do is done around it:
// a system prompt becomes part of the first user's turn, tools are described in the
// system prompt, their results are told by the user.
//
// Four families of calls are known (family.go). A model whose template writes calls in
// none of these ways is told in the system prompt to write them as JSON.
//
// Documents become <document index="1" name="…"> … </document>, search results
// <search_result index="1" source="…" title="…"> … </search_result>: text that any model
// can be asked about, and that a model can be trained on.
//
// To add a family: a syntax with its literal texts in family.go, how detect tells it
// from a call in the history, and the states of the parser that read what stands
// between its markers and the JSON (parsecall.go); a template in testdata, its traits
// in tools/goldens/chat_cases.py, and cases in parser_test.go.
//
// Invariants:
//   - Text of the request is marked as plain in the prompt, through whatever the
//     template does to it. No user can forge a turn or a call.
//   - The parser gives the same events however the model's output is cut, and holds
//     back no more than what may still become a marker or a call's beginning.
//   - The arguments of a call come out as valid JSON up to the point where they stop.
//
// The package does not run models, does not tokenize, and does not build grammars:
// CallSyntax is the data from which the engine does.
package chat

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/jinja"
)

// Segment is a piece of a prompt.
type Segment struct {
	Text string
	// Plain: the text came with the request. What looks like a control token in it is
	// none, so nobody can forge a turn.
	Plain bool
}

// Options say what is known of a model beside its template.
type Options struct {
	Arch     string // "llama", "gemma2"; may be empty; matters only without a template
	BOS, EOS string // texts of the tokens; empty: none
	// AddBOS: the tokenizer wants prompts to begin with BOS. Only formats without a
	// template of the model's own look at it.
	AddBOS bool
	// Specials reports whether a text is a special token of the vocabulary. Nil: none is.
	Specials func(text string) bool
	// Now is the date that templates may print. Nil: time.Now.
	Now func() time.Time
	// NewID makes the ID of a tool call. Nil: random, in Bedrock's form.
	NewID func() string
}

// Format is how one model is spoken to. It is immutable and safe for concurrent use.
type Format struct {
	model  *model
	syntax *syntax
	native bool // the template itself shows tools, calls and results
	addBOS bool
	ends   []string
	think  markers // around what the model thinks; empty: it doesn't show it
	newID  func() string
}

// New returns the format of a model by its template; without one, by its vocabulary.
// An error means that the template cannot be parsed, or shows not even a user's turn.
func New(template string, o Options) (*Format, error) {
	own := strings.TrimSpace(template) != ""
	if !own {
		var err error
		if template, err = standard(&o); err != nil {
			return nil, err
		}
	}
	parsed, err := jinja.Parse(template)
	if err != nil {
		return nil, fmt.Errorf("the model's chat template: %w", err)
	}
	m := &model{template: parsed, bos: o.BOS, eos: o.EOS, now: o.Now}
	if m.now == nil {
		m.now = time.Now
	}
	f := &Format{model: m, addBOS: o.AddBOS && !own, newID: o.NewID}
	if f.newID == nil {
		f.newID = newID
	}
	callText := m.probe()
	p := &prober{m: m}
	if !p.shows([]turn{says(roleUser, probeUser)}, probeUser) {
		return nil, errors.New("the model's chat template does not show what the user says")
	}
	f.think = findThinking(template, &o)
	f.setSyntax(callText, &o, own)
	f.ends = f.findEnds(&o)
	return f, nil
}

// setSyntax chooses how tools are shown and calls are written.
func (f *Format) setSyntax(callText string, o *Options, own bool) {
	can := &f.model.can
	known := own || o.Specials != nil && o.Specials("<tool_call>") // the standard ChatML shows tools to all
	if can.tools && can.calls && can.results && known {
		f.syntax = detect(callText, can.parallel)
		f.native = f.syntax != nil
	}
	if f.syntax == nil {
		f.syntax = jsonSyntax()
	}
}

// endMarker is how most templates end a turn.
var endMarker = regexp.MustCompile(`^\s*(<[^<>\s]{1,40}>|\[[A-Z_/]{1,20}\])`)

// findEnds returns what ends a turn of the model.
func (f *Format) findEnds(o *Options) []string {
	var ends []string
	after := f.model.end()
	const longest = 64
	if m := endMarker.FindStringSubmatch(after); m != nil {
		ends = append(ends, m[1])
	} else if stop := strings.TrimRight(after, " "); strings.TrimSpace(stop) != "" && len(stop) <= longest {
		ends = append(ends, stop)
	}
	if o.Specials != nil && f.syntax.family == familyLlama3 && o.Specials("<|eom_id|>") {
		ends = append(ends, "<|eom_id|>")
	}
	return ends
}

// Family names the way in which the model calls tools: "llama3", "hermes", "mistral"
// or "json".
func (f *Format) Family() string { return f.syntax.family }

// Ends lists the texts that end a turn, beyond the tokenizer's end tokens. One that is
// no token of the vocabulary is to be used as a stop sequence.
func (f *Format) Ends() []string { return f.ends }

// Thinking returns the markers of the model's thinking blocks; empty when it has none.
func (f *Format) Thinking() (open, end string) { return f.think.open, f.think.end }

// markers stand around a thinking block.
type markers struct{ open, end string }

// findThinking returns the markers that the template or the vocabulary knows.
func findThinking(template string, o *Options) markers {
	known := []markers{{"<think>", "</think>"}, {"[THINK]", "[/THINK]"}}
	for _, m := range known {
		if strings.Contains(template, m.end) {
			return m
		}
	}
	for _, m := range known {
		if o.Specials != nil && o.Specials(m.open) && o.Specials(m.end) {
			return m
		}
	}
	return markers{}
}

// newID returns the ID of a call, in the form that Bedrock gives it.
func newID() string {
	const length = 22
	return "tooluse_" + rand.Text()[:length]
}
