package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// EventKind says what an Event is.
type EventKind uint8

// The kinds of event.
const (
	// Text: Event.Text is part of the answer.
	Text EventKind = iota
	// Reasoning: Event.Text is part of what the model thought.
	Reasoning
	// ToolStart: a call of the tool Event.Name begins, with the new ID Event.ID.
	ToolStart
	// ToolInput: Event.Text is a fragment of the call's arguments, a JSON object.
	ToolInput
	// ToolStop: the call is complete.
	ToolStop
	// Malformed: a call could not be read; Event.Text says why. A call that had begun
	// ends here without ToolStop, its arguments incomplete; of one that had not, what
	// the model wrote has come as Text.
	Malformed
)

// Event is one step of reading what a model writes.
type Event struct {
	Kind     EventKind
	Text     string
	Name, ID string // ToolStart
}

// Parser reads what a model writes.
//
// White space around the answer's text, around thoughts and between them and calls is
// dropped. A thinking block counts as one only where it opens the answer. What begins
// like a call and turns out to be none is text. Where calls have markers, a broken one
// is reported as Malformed: JSON that is none, a tool that was not offered, arguments
// that are no object. Where a call is but a line of JSON (the families llama3 and
// json), JSON that is no call of a tool on offer is text like any other.
//
// A Parser is not safe for concurrent use.
type Parser struct {
	format *Format
	syntax *syntax // nil: no tools are on offer
	known  map[string]bool
	// markers begin calls; firsts are the first bytes of all that may.
	markers []string
	firsts  string

	buf   string // not read yet
	out   []Event
	state func(final bool) bool // reads on; false when it needs more of buf

	sink  sink   // of the answer's text
	ideas sink   // of the thoughts
	blank bool   // nothing but white space since the line began
	held  []byte // what was read of a call that has not begun, to come out if it is none
	scan  *callScan
	begun bool // the call's ToolStart is out
	name  strings.Builder
	list  bool // within a list of calls
	fence bool // within a fenced block
}

// sink collects text of one kind and drops the white space around it.
type sink struct {
	kind  EventKind
	keep  bool   // white space before the text belongs to it
	some  bool   // text has come out
	space string // held back: it may be the end
}

// NewParser returns a parser of the answer to p, which was made from req.
func (f *Format) NewParser(p *Prompt, req *llm.ChatRequest) *Parser {
	r := &Parser{format: f, known: make(map[string]bool), blank: true}
	r.sink = sink{kind: Text, keep: p.Continues}
	r.ideas = sink{kind: Reasoning}
	if syntax := f.Calls(req.Tools, req.ToolChoice); syntax != nil {
		r.syntax = f.syntax
		r.setMarkers()
		for _, t := range req.Tools { // all of them: a choice binds the model, not the reader
			r.known[t.Name] = true
		}
	}
	switch {
	case p.Thinking:
		r.state = r.beginThoughts
	case f.think.open != "" && !p.Continues:
		r.state = r.begin
	default:
		r.state = r.text
	}
	return r
}

func (p *Parser) setMarkers() {
	if p.syntax.opener == "" {
		p.firsts = lineFirsts
	} else {
		p.markers = append(p.markers, p.syntax.opener)
	}
	p.markers = append(p.markers, p.syntax.openers...)
	for _, m := range p.markers {
		p.firsts += m[:1]
	}
}

// Write takes the next piece of text, cut anywhere. control: it is a control token;
// one that means nothing here is dropped.
func (p *Parser) Write(text string, control bool) []Event {
	if control && !p.isMarker(text) {
		return nil
	}
	p.buf += text
	whole := len(p.buf) - unfinished(p.buf)
	rest := p.buf[whole:]
	p.buf = p.buf[:whole]
	p.run(false)
	p.buf += rest
	return p.flush()
}

// Close ends the answer and returns what was held back.
func (p *Parser) Close() []Event {
	p.run(true)
	return p.flush()
}

func (p *Parser) run(final bool) {
	for p.state(final) {
	}
}

func (p *Parser) flush() []Event {
	out := p.out
	p.out = nil
	return out
}

// unfinished returns how many bytes at the end of s begin a rune that is not whole.
func unfinished(s string) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(s)); n++ {
		if c := s[len(s)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRuneInString(s[len(s)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

func (p *Parser) isMarker(text string) bool {
	if text != "" && (text == p.format.think.open || text == p.format.think.end) {
		return true
	}
	if p.syntax == nil {
		return false
	}
	return slices.Contains(p.syntax.markers(), text) ||
		p.syntax.family == familyMistral && (text == argsMarker || text == callIDMarker)
}

// emit tells of an event; text of the same kind joins what came before.
func (p *Parser) emit(e Event) {
	if n := len(p.out); n > 0 && p.out[n-1].Kind == e.Kind && (e.Kind == Text || e.Kind == Reasoning || e.Kind == ToolInput) {
		p.out[n-1].Text += e.Text
		return
	}
	p.out = append(p.out, e)
}

// put emits text but for white space that may be at its beginning or end.
func (p *Parser) put(s *sink, text string) {
	if text == "" {
		return
	}
	if !s.some && !s.keep {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	body := strings.TrimRightFunc(text, unicode.IsSpace)
	if body == "" {
		s.space += text
		const most = 4096 // of white space held back
		if len(s.space) <= most {
			return
		}
		body, text = "", ""
	}
	s.some = true
	if out := s.space + body; out != "" {
		p.emit(Event{Kind: s.kind, Text: out})
	}
	s.space = text[len(body):]
}

// say emits text of the answer and keeps track of lines.
func (p *Parser) say(text string) {
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		p.blank = strings.TrimSpace(text[i:]) == ""
	} else if p.blank {
		p.blank = strings.TrimSpace(text) == ""
	}
	p.put(&p.sink, text)
}

// next leaves a call: what follows is text of its own.
func (p *Parser) next() {
	p.sink = sink{kind: Text}
	p.held, p.scan, p.begun, p.list, p.fence = nil, nil, false, false, false
	p.state = p.text
}

// begin looks for a thinking block at the answer's beginning.
func (p *Parser) begin(final bool) bool {
	p.buf = strings.TrimLeftFunc(p.buf, unicode.IsSpace)
	if rest, ok := strings.CutPrefix(p.buf, p.format.think.open); ok {
		p.buf = rest
		p.state = p.thoughts
		return true
	}
	if strings.HasPrefix(p.format.think.open, p.buf) && !final {
		return false
	}
	p.state = p.text
	return true
}

// beginThoughts is begin in a block that the prompt has opened: models may open it
// once more.
func (p *Parser) beginThoughts(final bool) bool {
	p.buf = strings.TrimLeftFunc(p.buf, unicode.IsSpace)
	if strings.HasPrefix(p.format.think.open, p.buf) && len(p.buf) < len(p.format.think.open) && !final {
		return false
	}
	p.buf = strings.TrimPrefix(p.buf, p.format.think.open)
	p.state = p.thoughts
	return true
}

func (p *Parser) thoughts(final bool) bool {
	if i := strings.Index(p.buf, p.format.think.end); i >= 0 {
		p.put(&p.ideas, p.buf[:i])
		p.buf = p.buf[i+len(p.format.think.end):]
		p.state = p.text
		return true
	}
	keep := 0
	if !final {
		keep = overlap(p.buf, p.format.think.end)
	}
	p.put(&p.ideas, p.buf[:len(p.buf)-keep])
	p.buf = p.buf[len(p.buf)-keep:]
	return false
}

// overlap returns the length of the longest end of s that marker begins with.
func overlap(s, marker string) int {
	for n := min(len(s), len(marker)-1); n > 0; n-- {
		if strings.HasPrefix(marker, s[len(s)-n:]) {
			return n
		}
	}
	return 0
}

// text reads the answer's text up to what may begin a call.
func (p *Parser) text(final bool) bool {
	for {
		i := len(p.buf)
		if p.firsts != "" {
			if at := strings.IndexAny(p.buf, p.firsts); at >= 0 {
				i = at
			}
		}
		p.say(p.buf[:i])
		if p.buf = p.buf[i:]; p.buf == "" {
			return false
		}
		marker, wait := p.marker(final)
		switch {
		case marker != "":
			p.open(marker)
			return true
		case wait:
			return false
		case p.syntax.opener == "" && p.blank && strings.IndexByte(lineFirsts, p.buf[0]) >= 0:
			p.held = nil
			p.state = p.candidate
			return true
		}
		p.say(p.buf[:1])
		p.buf = p.buf[1:]
	}
}

// lineFirsts are what a call may begin with that has no marker: an object, a list of
// them, a fence around them.
const lineFirsts = "{[`"

// marker returns the marker of calls that the buffer begins with; wait: it may become
// one.
func (p *Parser) marker(final bool) (marker string, wait bool) {
	for _, m := range p.markers {
		switch {
		case strings.HasPrefix(p.buf, m):
			return m, false
		case strings.HasPrefix(m, p.buf) && !final:
			wait = true
		}
	}
	return "", wait
}
