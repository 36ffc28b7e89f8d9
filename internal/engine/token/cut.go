package token

import (
	"strings"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/engine/token/pattern"
)

// A cutter is a pre-tokenizer: it calls word for the words of s in turn. start says
// that s begins the whole text.
type cutter func(s string, start bool, word func(string))

// inTurn gives the words of each cutter to the next one.
func inTurn(cutters []cutter) cutter {
	switch len(cutters) {
	case 0:
		return nil
	case 1:
		return cutters[0]
	}
	first, rest := cutters[0], inTurn(cutters[1:])
	return func(s string, start bool, word func(string)) {
		first(s, start, func(w string) {
			rest(w, start, word)
			start = false
		})
	}
}

// behavior is what becomes of a match of a pattern.
type behavior string

const (
	isolated       behavior = "Isolated" // a word of its own
	removed        behavior = "Removed"
	contiguous     behavior = "Contiguous"         // one word with the matches beside it
	mergedWithPrev behavior = "MergedWithPrevious" // part of the word before
	mergedWithNext behavior = "MergedWithNext"
)

// splitParts calls yield for the parts of s, matches of something and what is between.
type splitParts func(s string, yield func(part string, match bool))

// splitter is the pre-tokenizer Split. With invert, matches and the rest change places.
func splitter(split splitParts, b behavior, invert bool) cutter {
	switch b {
	case isolated:
		return func(s string, _ bool, word func(string)) {
			split(s, func(part string, _ bool) { word(part) })
		}
	case removed:
		return func(s string, _ bool, word func(string)) {
			split(s, func(part string, match bool) {
				if match == invert {
					word(part)
				}
			})
		}
	case contiguous, mergedWithPrev, mergedWithNext:
		return func(s string, _ bool, word func(string)) {
			var parts []part
			at := 0
			split(s, func(p string, match bool) {
				parts = append(parts, part{span{at, at + len(p)}, match != invert})
				at += len(p)
			})
			joinParts(parts, b, func(x span) { word(s[x.start:x.stop]) })
		}
	}
	return nil
}

type part struct {
	span
	match bool
}

// joinParts calls word for the words that the parts make.
func joinParts(parts []part, b behavior, word func(span)) {
	for i := 0; i < len(parts); {
		k := i + 1
		switch b { //nolint:exhaustive // the others join nothing
		case contiguous:
			for k < len(parts) && parts[k].match == parts[i].match {
				k++
			}
		case mergedWithPrev:
			if k < len(parts) && parts[k].match && !parts[i].match {
				k++
			}
		case mergedWithNext:
			if k < len(parts) && parts[i].match && !parts[k].match {
				k++
			}
		}
		word(span{parts[i].start, parts[k-1].stop})
		i = k
	}
}

// literal splits at a string.
func literal(sep string) splitParts {
	return func(s string, yield func(string, bool)) {
		for s != "" {
			before, after, found := strings.Cut(s, sep)
			if before != "" {
				yield(before, false)
			}
			if found {
				yield(sep, true)
			}
			s = after
		}
	}
}

// digits is the pre-tokenizer Digits.
func digits(individual bool) cutter {
	if individual {
		return splitter(pattern.Must(`\p{N}`).Split, isolated, false)
	}
	return splitter(pattern.Must(`\p{N}+`).Split, isolated, false)
}

// spacesApart is the pre-tokenizer WhitespaceSplit.
func spacesApart(s string, _ bool, word func(string)) {
	for _, w := range strings.FieldsFunc(s, space) {
		word(w)
	}
}

// prefixed is the pre-tokenizer ByteLevel with add_prefix_space.
func prefixed(s string, _ bool, word func(string)) {
	if !strings.HasPrefix(s, " ") {
		s = " " + s
	}
	word(s)
}

// scheme says where a Metaspace puts a mark that the text does not have.
type scheme string

const (
	prependAlways scheme = "always"
	prependFirst  scheme = "first"
	prependNever  scheme = "never"
)

// metaspace is SentencePiece's way with spaces: they are marks that begin words.
type metaspace struct {
	mark   string
	scheme scheme
	split  bool
}

// sentencePieceMark stands for a space.
const sentencePieceMark = "\u2581"

func (m *metaspace) cut(s string, start bool, word func(string)) {
	if s == "" {
		return // nothing comes before nothing
	}
	s = strings.ReplaceAll(s, " ", m.mark)
	if (m.scheme == prependAlways || m.scheme == prependFirst && start) && !strings.HasPrefix(s, m.mark) {
		s = m.mark + s
	}
	if !m.split {
		word(s)
		return
	}
	_, size := utf8.DecodeRuneInString(s)
	for len(s) > 0 {
		end := strings.Index(s[size:], m.mark)
		if end < 0 {
			word(s)
			return
		}
		word(s[:size+end])
		s, size = s[size+end:], len(m.mark)
	}
}
