package jinja

import (
	"strings"
	"unicode/utf8"
)

// text is a string that knows where its parts come from. The zero value is the empty
// string. Texts are immutable.
type text struct {
	s      string
	source int32 // of all of s, where runs is nil
	runs   []run // else: they cover s without gaps, neighbours have different sources
}

// run is a part of a text that ends before end.
type run struct {
	end    int
	source int32
}

// lit is a text of the template's own.
func lit(s string) text { return text{s: s} }

// maxSource returns the highest source that any part has.
func (t text) maxSource() int32 {
	top := t.source
	for _, r := range t.runs {
		top = max(top, r.source)
	}
	return top
}

// with returns s as made of t in a way that cannot keep its parts apart.
func (t text) with(s string) text { return text{s: s, source: t.maxSource()} }

// slice returns the bytes from i to j.
func (t text) slice(i, j int) text {
	if t.runs == nil || i >= j {
		return text{s: t.s[i:j], source: t.source}
	}
	b := builder{room: len(t.s)}
	b.addPart(t, i, j)
	return b.text()
}

// each calls f for each part of one source.
func (t text) each(f func(s string, source int32)) {
	if t.runs == nil {
		if t.s != "" {
			f(t.s, t.source)
		}
		return
	}
	at := 0
	for _, r := range t.runs {
		f(t.s[at:r.end], r.source)
		at = r.end
	}
}

// mapParts applies f to each part; f must not need to see beyond a part.
func (t text) mapParts(f func(string) string) text {
	if t.runs == nil {
		return text{s: f(t.s), source: t.source}
	}
	b := builder{room: maxText}
	t.each(func(s string, source int32) { b.addString(f(s), source) })
	return b.text()
}

// runes returns the number of code points.
func (t text) runes() int { return utf8.RuneCountInString(t.s) }

// char returns the i-th code point, which must exist.
func (t text) char(i int) text {
	at := 0
	for range i {
		_, n := utf8.DecodeRuneInString(t.s[at:])
		at += n
	}
	_, n := utf8.DecodeRuneInString(t.s[at:])
	return t.slice(at, at+n)
}

// chars returns the code points, each a text.
func (t text) chars() []Value {
	out := make([]Value, 0, len(t.s))
	for i := 0; i < len(t.s); {
		_, n := utf8.DecodeRuneInString(t.s[i:])
		out = append(out, t.slice(i, i+n))
		i += n
	}
	return out
}

// builder joins texts up to a bound.
type builder struct {
	b    strings.Builder
	runs []run
	room int  // bytes that it takes
	over bool // more was added than it takes
}

func (b *builder) len() int { return b.b.Len() }

func (b *builder) addString(s string, source int32) {
	if s == "" {
		return
	}
	if len(s) > b.room-b.b.Len() {
		b.over = true
		return
	}
	b.b.WriteString(s)
	if n := len(b.runs); n > 0 && b.runs[n-1].source == source {
		b.runs[n-1].end = b.b.Len()
		return
	}
	b.runs = append(b.runs, run{end: b.b.Len(), source: source})
}

func (b *builder) add(t text) { t.each(b.addString) }

// addPart adds t's bytes from i to j.
func (b *builder) addPart(t text, i, j int) {
	if t.runs == nil {
		b.addString(t.s[i:j], t.source)
		return
	}
	at := 0
	for _, r := range t.runs {
		from, to := max(at, i), min(r.end, j)
		if from < to {
			b.addString(t.s[from:to], r.source)
		}
		if at = r.end; at >= j {
			return
		}
	}
}

func (b *builder) text() text {
	switch len(b.runs) {
	case 0:
		return text{}
	case 1:
		return text{s: b.b.String(), source: b.runs[0].source}
	}
	return text{s: b.b.String(), runs: b.runs}
}

// segments returns what was built as a rendering's result.
func (b *builder) segments() []Segment {
	out := make([]Segment, 0, len(b.runs))
	b.text().each(func(s string, source int32) { out = append(out, Segment{Text: s, Source: source}) })
	return out
}
