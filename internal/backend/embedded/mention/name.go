package mention

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/text"
)

// brackets takes lists of values in brackets or parentheses, "[1, 2, 3]" and
// "(45, 60)", and objects in braces.
func (f *finder) brackets() {
	s := f.t.S
	for i := 0; i < len(s); i++ {
		var closer byte
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
	sub := &finder{t: &Text{S: inner, Words: text.Words(inner)}, taken: make([]bool, len(inner))}
	if strings.ContainsAny(inner, "[(") {
		sub.brackets()
	} else {
		sub.patterns()
		sub.numbers()
	}
	var items []Mention
	at := 0
	for _, part := range splitTop(inner) {
		trimmed := strings.TrimSpace(part)
		from := at + strings.Index(part, trimmed)
		at += len(part) + 1
		if trimmed == "" {
			continue
		}
		item := Mention{Span: text.Span{Start: from, End: from + len(trimmed)}, Kind: Name, Text: trimmed}
		known := false
		for _, m := range sub.t.Mentions {
			if m.Start >= from && m.End <= from+len(trimmed) && m.Len() >= len(trimmed)-2 {
				item, known = m, true
				item.Text = m.Text
			}
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
var starters = map[string]struct{}{
	"find": {}, "get": {}, "give": {}, "show": {}, "tell": {}, "calculate": {}, "compute": {}, "determine": {}, "list": {}, "create": {}, "make": {}, "book": {}, "order": {}, "buy": {}, "search": {}, "look": {}, "retrieve": {}, "fetch": {},
	"what": {}, "who": {}, "when": {}, "where": {}, "why": {}, "how": {}, "which": {}, "whose": {}, "whom": {}, "is": {}, "are": {}, "was": {}, "were": {}, "do": {}, "does": {}, "did": {}, "can": {}, "could": {}, "would": {}, "will": {}, "should": {}, "may": {},
	"please": {}, "help": {}, "identify": {}, "predict": {}, "estimate": {}, "convert": {}, "translate": {}, "send": {}, "set": {}, "add": {}, "delete": {}, "remove": {}, "update": {}, "check": {}, "play": {}, "plot": {}, "draw": {}, "generate": {}, "solve": {},
	"i": {}, "i'm": {}, "i'd": {}, "i've": {}, "im": {}, "my": {}, "we": {}, "you": {}, "it": {}, "its": {}, "he": {}, "she": {}, "they": {}, "this": {}, "that": {}, "these": {}, "those": {}, "the": {}, "a": {}, "an": {}, "if": {}, "in": {}, "on": {}, "at": {}, "for": {}, "from": {}, "to": {}, "and": {}, "or": {}, "but": {}, "with": {}, "also": {}, "then": {}, "next": {}, "first": {}, "second": {}, "third": {}, "finally": {}, "lastly": {}, "so": {}, "now": {}, "after": {}, "before": {}, "during": {}, "as": {}, "by": {}, "there": {}, "here": {}, "let": {}, "need": {}, "want": {}, "use": {}, "using": {}, "simulate": {}, "analyze": {}, "compare": {}, "describe": {}, "explain": {}, "summarize": {}, "summarise": {}, "write": {}, "reserve": {}, "schedule": {}, "recommend": {}, "suggest": {}, "provide": {}, "return": {}, "run": {}, "start": {}, "stop": {}, "open": {}, "close": {}, "turn": {}, "change": {}, "choose": {}, "select": {}, "hello": {}, "hi": {}, "hey": {}, "thanks": {}, "thank": {}, "yes": {}, "no": {}, "ok": {}, "okay": {}, "today": {}, "tomorrow": {}, "not": {}, "all": {}, "any": {}, "some": {}, "each": {}, "since": {}, "given": {}, "assuming": {}, "suppose": {}, "consider": {}, "imagine": {}, "considering": {}, "what's": {}, "who's": {}, "where's": {}, "how's": {}, "evaluate": {}, "measure": {}, "verify": {}, "filter": {}, "sort": {}, "extract": {}, "classify": {}, "rank": {}, "count": {}, "call": {}, "purchase": {}, "pick": {}, "locate": {}, "obtain": {}, "assist": {}, "inform": {}, "integrate": {}, "differentiate": {}, "track": {}, "submit": {}, "upload": {}, "download": {}, "while": {}, "both": {}, "however": {}, "although": {}, "because": {}, "while's": {}, "it's": {}, "i'll": {}, "let's": {}, "there's": {}, "question": {}, "answer": {}, "context": {},
}

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
			gap := f.t.Gap(end-1)
			if f.capital(end) && joins(gap, words[end-1]) {
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
			if gap == " " && nameNumber(words[end].Of(s)) && end < len(words) && !f.taken[words[end].Start] {
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
	return unicode.IsUpper(first(w.Of(f.t.S))) && !f.taken[w.Start] && w.Norm != "i" && w.Norm != "i'm" && w.Norm != "i'd" && w.Norm != "i've" && w.Norm != "i'll"
}

// joins reports whether a name goes on over the gap after word w.
func joins(gap string, w text.Token) bool {
	return gap == " " || gap == "-" || gap == " & " || gap == "." && w.Len() == 1 || gap == ". " && w.Len() <= 2 || gap == "."
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
	if _, ok := starters[w]; ok || text.Stopword(w) {
		return false
	}
	if i+1 < len(f.t.Words) && f.capital(i+1) {
		return true
	}
	return true
}
