// Package mention finds the things a text names: numbers with their units, dates,
// times, quotations, addresses, identifiers, expressions, lists and names.
//
// The reader takes answers and tool arguments from them. Nothing is looked up and
// nothing is made up: every mention is a part of the text, with a normal form of
// its value beside it. Mentions do not overlap, except that a list holds its
// items. Rules are for English; numbers, dates in digits, quotations and
// identifiers do not depend on the language.
package mention

import (
	"cmp"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/text"
)

// Kind says what sort of thing a mention is.
type Kind uint8

// The kinds.
const (
	Number Kind = iota
	Date        // a day, month or year, or words such as "tomorrow"
	Time        // of day
	Quote       // text in quotation marks or backquotes; Text leaves them out
	URL
	Email
	ID   // an identifier: letters with digits, hyphens or underscores; a path; an ARN
	Expr // a formula
	List // in brackets or parentheses; Items
	Name // capitalised words
	JSON // an object in braces
)

// Mention is one thing a text names. The fields after Text hold its value,
// by Kind.
type Mention struct {
	text.Span
	Kind Kind
	Text string

	Value    float64 // Number
	Integer  bool    // Number: written without a fraction
	Ordinal  bool    // Number: "third", "3rd"
	Word     bool    // Number: written as a word
	Unit     string  // Number: the word or sign after it, folded: "years", "kg", "m/s"
	Percent  bool    // Number
	Currency string  // Number: ISO code, when written with a sign or a code
	Negative bool    // Number: said to be one by a word such as "loss"; Value is as written

	Day   Day    // Date: what is known of it
	Clock string // Time: "15:04" or "15:04:05"

	Items []Mention // List

	// T0 and T1 are the words of the text that the mention covers, [T0, T1).
	T0, T1 int
}

// Text is a text with its words and mentions, both in order.
type Text struct {
	S        string
	Words    []text.Token
	Mentions []Mention
}

// maxText is how much of a text is looked at.
const maxText = 64 << 10

// Find reads a text.
func Find(s string) *Text {
	if len(s) > maxText {
		s = s[:maxText]
	}
	t := &Text{S: s, Words: text.Words(s)}
	f := &finder{t: t, taken: make([]bool, len(s))}
	f.brackets("[{")
	f.patterns()
	f.brackets("(")
	f.names()
	f.numbers()
	slices.SortFunc(t.Mentions, func(a, b Mention) int { return cmp.Compare(a.Start, b.Start) })
	for i := range t.Mentions {
		t.place(&t.Mentions[i])
	}
	return t
}

// place finds the words that a mention covers.
func (t *Text) place(m *Mention) {
	m.T0, _ = slices.BinarySearchFunc(t.Words, m.Start, func(w text.Token, at int) int { return cmp.Compare(w.Start, at) })
	for m.T0 > 0 && t.Words[m.T0-1].End > m.Start {
		m.T0--
	}
	m.T1 = m.T0
	for m.T1 < len(t.Words) && t.Words[m.T1].Start < m.End {
		m.T1++
	}
	for i := range m.Items {
		t.place(&m.Items[i])
	}
}

// finder collects mentions; taken marks the bytes that have one.
type finder struct {
	t     *Text
	taken []bool
}

// take adds a mention unless part of it is taken, and reports whether it did.
func (f *finder) take(m Mention) bool {
	if m.Start >= m.End || slices.Contains(f.taken[m.Start:m.End], true) {
		return false
	}
	for i := m.Start; i < m.End; i++ {
		f.taken[i] = true
	}
	if m.Text == "" {
		m.Text = m.Of(f.t.S)
	}
	f.t.Mentions = append(f.t.Mentions, m)
	return true
}

// Gap returns what stands between word i and the next one. Words of scripts without
// spaces overlap; between them is nothing.
func (t *Text) Gap(i int) string {
	if i < 0 || i+1 >= len(t.Words) || t.Words[i].End >= t.Words[i+1].Start {
		return ""
	}
	return t.S[t.Words[i].End:t.Words[i+1].Start]
}
