package mention

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/text"
)

// brackets takes lists of values in brackets or parentheses, "[1, 2, 3]" and
// "(45, 60)", and objects in braces.
func (f *finder) brackets(open string) {
	s := f.t.S
	for i := 0; i < len(s); i++ {
		var closer byte
		if strings.IndexByte(open, s[i]) < 0 {
			continue
		}
		switch s[i] {
		case '[':
			closer = ']'
		case '(':
			closer = ')'
		case '{':
			closer = '}'
		default:
			continue
		}
		end := matching(s, i, closer)
		if end < 0 {
			continue
		}
		if s[i] == '{' {
			if f.take(Mention{Span: text.Span{Start: i, End: end + 1}, Kind: JSON}) {
				i = end
			}
			continue
		}
		if items, ok := f.items(i+1, end, s[i] == '['); ok {
			if f.take(Mention{Span: text.Span{Start: i, End: end + 1}, Kind: List, Items: items}) {
				i = end
			}
		}
	}
}

// matching returns where the bracket at i is closed, or -1. It looks 4 KiB ahead.
func matching(s string, i int, closer byte) int {
	depth := 0
	for j := i; j < len(s) && j < i+4096; j++ {
		switch s[j] {
		case s[i]:
			depth++
		case closer:
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return -1
}

// items reads the list between brackets: numbers, quotations or single words, or
// lists of these.
func (f *finder) items(start, end int, square bool) ([]Mention, bool) {
	inner := f.t.S[start:end]
	if strings.TrimSpace(inner) == "" || !square && !strings.Contains(inner, ",") {
		return nil, false
	}
	var items []Mention
	at := 0
	if rest, ok := strings.CutPrefix(inner, "e.g., "); ok { // (e.g., 12.4, 15.6)
		inner, start = rest, start+len("e.g., ")
	}
	for _, part := range splitTop(inner) {
		trimmed := strings.TrimSpace(part)
		from := at + strings.Index(part, trimmed)
		at += len(part) + 1
		if trimmed == "" {
			continue
		}
		item := Mention{Span: text.Span{Start: 0, End: len(trimmed)}, Kind: Name, Text: trimmed}
		known := false
		sub := &finder{t: &Text{S: trimmed, Words: text.Words(trimmed)}, taken: make([]bool, len(trimmed))}
		if strings.ContainsAny(trimmed, "[(") {
			sub.brackets("[(")
		} else {
			sub.patterns()
			sub.numbers()
		}
		for _, m := range sub.t.Mentions {
			if m.Len() >= len(trimmed)-2 {
				item, known = m, true
			}
		}
		item.Start += from
		item.End += from
		for i := range item.Items {
			item.Items[i].Start += from + start
			item.Items[i].End += from + start
		}
		if !known && !square && (len(strings.Fields(trimmed)) > 1 || !unicode.IsUpper(first(trimmed))) {
			return nil, false // an aside in parentheses
		}
		item.Start += start
		item.End += start
		items = append(items, item)
	}
	return items, len(items) > 0
}

func first(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// splitTop cuts at the commas that stand in no bracket.
func splitTop(s string) []string {
	var parts []string
	depth, last := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '[', '(', '{':
			depth++
		case ']', ')', '}':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, s[last:i])
				last = i + 1
			}
		}
	}
	return append(parts, s[last:])
}

// inName are lower-case words that may stand inside a name.
var inName = map[string]bool{"of": true, "the": true, "de": true, "la": true, "le": true, "du": true, "des": true, "von": true, "van": true, "der": true, "den": true, "di": true, "da": true, "del": true, "al": true, "el": true, "y": true, "and": false, "&": true, "for": false}

// starters are words that begin sentences with a capital letter without being names.
var starters = sync.OnceValue(func() map[string]struct{} {
	m := map[string]struct{}{}
	for w := range strings.FieldsSeq(starterWords) {
		m[w] = struct{}{}
	}
	return m
})

const starterWords = `
a add additionally after all also although an analyze and answer any apply are as assess assist assuming at because before book both break bring build
but buy by calculate call can cancel change check choose classify clear close collect combine compare complete compute configure confirm connect
consider considering context convert copy could count create currently delete describe detect determine develop did differentiate disable discover
display do does download draw during each edit enable ensure enter establish estimate evaluate examine exclude execute explain explore export extract
fetch fill filter finally find first for forecast format from furthermore gather generate get give given group he hello help here hey hi highlight how
how's however i i'd i'll i'm i've identify if im imagine import in include inform inspect install instead integrate invite is issue it it's its join
keep lastly launch let let's limit list load locate log look make many mark match may measure merge modify monitor more moreover most move much my
name need next no not notify now obtain ok okay on open or order outline perform pick place play please plot post predict prefer prepare present print
process produce provide purchase put query question rank read recently recommend record reduce remove rename rent replace report request reserve reset
resolve restart retrieve return review round run same save scan schedule search second select send set share she should show simulate since so solve
some sort specify split start stop store submit suggest summarise summarize suppose switch sync take tell test thank thanks that the then there
there's these they third this those to today tomorrow track transfer translate try turn update upgrade upload use using usually verify view visit
visualize want was we were what what's when where where's which while who who's whom whose why will with work would write yes yesterday you
`

// names takes runs of capitalised words.
func (f *finder) names() {
	words := f.t.Words
	s := f.t.S
	for i := 0; i < len(words); i++ {
		if !f.capital(i) || f.sentenceStart(i) && !f.nameAtStart(i) {
			continue
		}
		end := i + 1
		for end < len(words) {
			gap := f.t.Gap(end - 1)
			if f.capital(end) && joins(gap, words[end-1]) && (gap != ". " || !starter(words[end].Norm)) {
				end++
				continue
			}
			if gap == " " && inName[words[end].Norm] && end+1 < len(words) {
				last := end + 1
				if inName[words[last].Norm] && last+1 < len(words) {
					last++
				}
				if f.capital(last) && strings.TrimSpace(f.t.Gap(last-1)) == "" {
					end = last + 1
					continue
				}
			}
			if gap == " " && nameNumber(words[end].Of(s)) && !f.taken[words[end].Start] && !f.counts(end) {
				end++
				continue
			}
			break
		}
		span := text.Span{Start: words[i].Start, End: words[end-1].End}
		name := span.Of(s)
		for _, p := range []string{"'s", "’s"} {
			if strings.HasSuffix(name, p) {
				span.End -= len(p)
			}
		}
		// The stop of a last initial or abbreviation: "Washington D.C."
		if span.End < len(s) && s[span.End] == '.' && span.End-span.Start > 1 && s[span.End-2] == '.' {
			span.End++
		}
		f.take(Mention{Span: span, Kind: Name})
		i = end - 1
	}
}

// capital reports whether word i starts with a capital letter and is free.
func (f *finder) capital(i int) bool {
	w := f.t.Words[i]
	if before := f.t.S[:w.Start]; strings.HasSuffix(before, "°") || w.Len() == 1 && i > 0 && f.t.Gap(i-1) == " " && before[len(before)-2] >= '0' && before[len(before)-2] <= '9' {
		return false // a unit
	}
	return unicode.IsUpper(first(w.Of(f.t.S))) && !f.taken[w.Start] && w.Norm != "i" && w.Norm != "i'm" && w.Norm != "i'd" && w.Norm != "i've" && w.Norm != "i'll"
}

// joins reports whether a name goes on over the gap after word w.
func joins(gap string, w text.Token) bool {
	return gap == " " || gap == "-" || gap == " & " || gap == "." && w.Len() == 1 || gap == ". " && w.Len() <= 2 || gap == "."
}

// counts reports whether the number at word i counts the word after it: "2 nights".
func (f *finder) counts(i int) bool {
	if i+1 >= len(f.t.Words) || f.t.Gap(i) != " " {
		return strings.HasPrefix(f.t.S[f.t.Words[i].End:], "%") || strings.HasPrefix(f.t.S[f.t.Words[i].End:], "°")
	}
	w := f.t.Words[i+1]
	return !text.Stopword(w.Norm) || w.Norm == "of"
}

func starter(w string) bool {
	_, ok := starters()[w]
	return ok
}

// nameNumber reports whether w may follow a name as part of it: "Act 2", "iPhone 12" but not a year or price.
func nameNumber(w string) bool {
	return len(w) <= 2 && strings.Trim(w, "0123456789") == ""
}

func (f *finder) sentenceStart(i int) bool {
	before := strings.TrimRight(f.t.S[:f.t.Words[i].Start], " \"'“‘(*-#>\t")
	if before == "" {
		return true
	}
	return strings.ContainsRune(".!?:\n", rune(before[len(before)-1]))
}

// nameAtStart reports whether the capitalised word that begins a sentence is a name.
func (f *finder) nameAtStart(i int) bool {
	w := f.t.Words[i].Norm
	if starter(w) || text.Stopword(w) {
		return false
	}
	if i+1 < len(f.t.Words) && f.capital(i+1) {
		return true
	}
	return true
}
