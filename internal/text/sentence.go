package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSentence is where a run without any end is cut, so that no text, however odd,
// makes one endless sentence.
const maxSentence = 2000

// Sentences returns the sentences of s in order, without the white space around
// them. A sentence ends at a full stop, question or exclamation mark that is not
// part of an abbreviation, an initial, a number or a name such as "example.com"; at
// the full-width marks of Chinese and Japanese, the danda and the Arabic question
// mark; at an empty line; and at a line end that does not just wrap a line: before
// a list item or a heading, after a short line. Closing quotes and brackets
// belong to the sentence they close.
func Sentences(s string) []Span {
	spans := make([]Span, 0, len(s)/100+1)
	start := 0
	cut := func(end int) {
		if p := trim(s, start, end); p.Len() > 0 {
			spans = append(spans, p)
		}
		start = end
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		next := i + size
		switch {
		case r == '\n':
			if lineEnds(s, start, i) {
				cut(i)
			}
		case r == '.' || r == '!' || r == '?':
			end, ok := stopEnds(s, start, i)
			if ok {
				cut(end)
			}
			next = end
		case r == '。' || r == '！' || r == '？' || r == '।' || r == '؟' || r == '｡' || r == '۔':
			next = closers(s, next)
			cut(next)
		case i-start > maxSentence && (unicode.IsSpace(r) || i-start > 4*maxSentence):
			cut(i)
		}
		i = next
	}
	cut(len(s))
	return spans
}

func trim(s string, start, end int) Span {
	part := s[start:end]
	left := len(part) - len(strings.TrimLeftFunc(part, unicode.IsSpace))
	part = strings.TrimSpace(part)
	return Span{start + left, start + left + len(part)}
}

// closers returns the place after the marks and closing quotes and brackets at i.
func closers(s string, i int) int {
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !strings.ContainsRune(`.!?。！？"'”’»)]}」』）`, r) {
			break
		}
		i += size
	}
	return i
}

// stopEnds reports whether the mark at i ends the sentence that began at start.
// It returns where to go on in either case, so that no mark is looked at twice.
func stopEnds(s string, start, i int) (int, bool) {
	end := closers(s, i+1)
	if end < len(s) {
		r, _ := utf8.DecodeRuneInString(s[end:])
		if !unicode.IsSpace(r) && !Spaceless(r) {
			// A footnote's mark after the stop: "… in 1999.[3] The".
			if r != '[' || !footnote(s[end:]) {
				return end, false
			}
			end += strings.IndexByte(s[end:], ']') + 1
		}
	}
	if s[i] != '.' || end > i+1 && strings.ContainsAny(s[i+1:end], "!?") {
		return end, true
	}
	return end, !abbreviated(s, start, i, end)
}

func footnote(s string) bool {
	n := strings.IndexByte(s, ']')
	return n > 1 && n < 6 && strings.Trim(s[1:n], "0123456789") == ""
}

// abbreviated reports whether the full stop at i belongs to the word before it and
// the sentence goes on.
func abbreviated(s string, start, i, end int) bool {
	wordStart := i
	for wordStart > start {
		r, size := utf8.DecodeLastRuneInString(s[start:wordStart])
		if unicode.IsSpace(r) || r == '(' || r == '"' || r == '“' {
			break
		}
		wordStart -= size
	}
	word := strings.TrimLeft(s[wordStart:i], "([\"'“‘")
	next := strings.TrimLeftFunc(s[end:], unicode.IsSpace)
	if next == "" {
		return false
	}
	first := strings.TrimSpace(s[start:wordStart]) == "" // the word begins the sentence
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(next, "\"'“‘(["))
	switch {
	case unicode.IsLower(r):
		return true // "approx. ten", "e.g. this"
	case word == "":
		return false
	case utf8.RuneCountInString(word) == 1:
		// An initial; but a lone number is a list's, and "I" ends sentences.
		c, _ := utf8.DecodeRuneInString(word)
		return unicode.IsUpper(c) && word != "I" || unicode.IsDigit(c) && first
	case first && strings.Trim(word, "0123456789") == "":
		return len(word) <= 3 // "12. Open the lid."
	case strings.Contains(word, "."):
		// "U.S. Army" goes on, "in the U.S. The" does not: a function word begins.
		after, _, _ := strings.Cut(next[:min(len(next), 40)], " ")
		return allSingle(word) && !Stopword(Fold(strings.Trim(after, ",")))
	}
	_, always := abbreviations[strings.ToLower(word)]
	if always {
		return true
	}
	_, numbered := beforeNumber[strings.ToLower(word)]
	return numbered && unicode.IsDigit(r)
}

// allSingle reports whether w is letters with stops between them: "U.S", "a.m".
func allSingle(w string) bool {
	for part := range strings.SplitSeq(w, ".") {
		if utf8.RuneCountInString(part) > 1 {
			return false
		}
	}
	return true
}

// abbreviations stand before a name or go on in any case; beforeNumber only before a number.
var (
	abbreviations = map[string]struct{}{
		"mr": {}, "mrs": {}, "ms": {}, "dr": {}, "prof": {}, "st": {}, "sr": {}, "rev": {}, "hon": {}, "gen": {}, "col": {}, "lt": {}, "sgt": {}, "capt": {}, "cmdr": {}, "gov": {}, "sen": {}, "rep": {}, "pres": {},
		"vs": {}, "cf": {}, "e.g": {}, "i.e": {}, "viz": {}, "approx": {}, "ca": {}, "incl": {}, "esp": {}, "mt": {}, "ft": {}, "dept": {}, "univ": {}, "messrs": {}, "mme": {}, "mlle": {}, "z.b": {}, "bzw": {}, "usw": {}, "ggf": {},
	}
	beforeNumber = map[string]struct{}{
		"no": {}, "nos": {}, "nr": {}, "fig": {}, "figs": {}, "eq": {}, "sec": {}, "ch": {}, "vol": {}, "vols": {}, "p": {}, "pp": {}, "art": {}, "par": {}, "ver": {}, "jan": {}, "feb": {}, "mar": {}, "apr": {}, "jun": {}, "jul": {}, "aug": {}, "sep": {}, "sept": {}, "oct": {}, "nov": {}, "dec": {},
	}
)

// lineEnds reports whether the line end at i ends the sentence that began at start.
func lineEnds(s string, start, i int) bool {
	rest := s[i+1:]
	line, _, _ := strings.Cut(rest, "\n")
	line = strings.TrimLeft(line, " \t\r")
	if line == "" || marked(line) {
		return true
	}
	last := strings.LastIndexByte(s[start:i], '\n') + 1
	this := strings.TrimSpace(s[start+last : i])
	if strings.HasPrefix(this, "#") || strings.HasPrefix(this, "|") {
		return true
	}
	r, _ := utf8.DecodeRuneInString(line)
	// Wrapped text has long lines that go on in lower case, or nearly full ones.
	return !unicode.IsLower(r) && len(this) < 60
}

// marked reports whether a line begins a list item, heading, quote or table row.
func marked(line string) bool {
	switch line[0] {
	case '#', '|', '>':
		return true
	case '-', '*', '+':
		return len(line) > 1 && (line[1] == ' ' || line[1] == line[0])
	}
	if strings.HasPrefix(line, "•") || strings.HasPrefix(line, "–") || strings.HasPrefix(line, "```") {
		return true
	}
	n := 0
	for n < len(line) && n < 3 && line[n] >= '0' && line[n] <= '9' {
		n++
	}
	return n > 0 && n+1 < len(line) && (line[n] == '.' || line[n] == ')') && line[n+1] == ' '
}
