package grammar

import (
	"strconv"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/engine/grammar/automaton"
)

// quoted is the lexer of a JSON string, quotes included, whose characters make a
// path of an automaton and whose number of characters is bounded. It decodes UTF-8
// and escapes as they come, so that each spelling of a character is as good as any
// other, and refuses what could only lead to a character that does not fit.
//
// state.q is the automaton's state, lo and hi are the characters still needed and
// allowed, sub is where it is within the string or a character.
type quoted struct {
	d        *automaton.DFA
	shortest []int     // by automaton state: characters to an end
	need     [][]int32 // by automaton state and lo: characters to an end that is at least lo away; nil: any number will do
	plain    []bool    // by automaton state: plain characters lead back to it
	ascii    [][128]int32
}

// Kinds of sub, in its low four bits.
const (
	atOpen  uint32 = iota // before the opening quote
	atBody                // between characters
	atDone                // behind the closing quote
	inRune                // within UTF-8: 3 bits of bytes missing, 2 of the length, then what is known
	inEsc                 // behind a backslash
	inHex                 // within \u: 3 bits of digits missing, then what is known
	wantLow               // behind a high surrogate: its 10 bits
	wantU                 // behind the next backslash: likewise
	inLow                 // within the low surrogate: digits missing, 10 high bits, then what is known
)

const (
	kindBits = 4
	leftBits = kindBits + 3
	sizeBits = leftBits + 2
	lowBits  = leftBits + 10
)

// maxNeed bounds the table of need.
const maxNeed = 1 << 20

// newQuoted returns the lexer of strings that d accepts with lo to hi characters;
// nil when there are none. ok is false where that needs too large a table.
func newQuoted(d *automaton.DFA, lo, hi int32) (q *quoted, ok bool) {
	if d.Empty() || lo > hi {
		return nil, true
	}
	q = &quoted{d: d, shortest: d.Shortest()}
	if lo > 0 && !isAny(d) {
		if int64(lo+1)*int64(d.States()) > maxNeed {
			return nil, false
		}
		q.need = needTable(d, q.shortest, lo)
	}
	q.plain = make([]bool, d.States())
	for i := range q.plain {
		q.plain[i] = plainLoop(d, int32(i))
	}
	if d.States() <= 4096 {
		q.ascii = make([][128]int32, d.States())
		for i := range q.ascii {
			for r := range rune(utf8.RuneSelf) {
				q.ascii[i][r] = d.Step(int32(i), r)
			}
		}
	}
	if !q.alive(0, lo, hi) {
		return nil, true
	}
	return q, true
}

// newStringRule makes a rule of x with the lengths that it was made for.
func newStringRule(x *quoted, lo, hi int32, store *maskStore) *rule {
	start := state{lo: lo, hi: hi}
	return &rule{lex: x, start: start, masks: store, least: len(x.rest(nil, start))}
}

func isAny(d *automaton.DFA) bool {
	return d.States() == 1 && len(d.Edges(0)) == 2 && d.Final(0)
}

// needTable has by state and lo the fewest characters, at least lo, to an end.
func needTable(d *automaton.DFA, shortest []int, lo int32) [][]int32 {
	need := make([][]int32, d.States())
	for q := range need {
		need[q] = make([]int32, lo+1)
		need[q][0] = int32(min(shortest[q], never)) //nolint:gosec // below never
	}
	for l := int32(1); l <= lo; l++ {
		for q := range need {
			best := int32(never)
			for _, e := range d.Edges(int32(q)) {
				best = min(best, need[e.To][l-1]+1)
			}
			need[q][l] = best
		}
	}
	return need
}

// plainLoop reports whether every plain character leads from q back to q.
func plainLoop(d *automaton.DFA, q int32) bool {
	next := rune(' ')
	for _, e := range d.From(q, ' ', utf8.MaxRune) {
		for next < e.Lo && (next == '"' || next == '\\') {
			next++
		}
		if e.Lo > next && next != 0xD800 {
			return false
		}
		if e.To != q && (e.Lo != e.Hi || isPlain(e.Lo)) {
			return false
		}
		next = e.Hi + 1
	}
	return next > utf8.MaxRune
}

// alive reports whether an end can be reached from automaton state q.
func (x *quoted) alive(q, lo, hi int32) bool {
	switch {
	case hi < lo:
		return false
	case lo == 0:
		return int64(x.shortest[q]) <= int64(hi)
	case x.need == nil:
		return true
	}
	return x.need[q][lo] < never && x.need[q][lo] <= hi
}

func kind(s state) uint32 { return s.sub & (1<<kindBits - 1) }

func (x *quoted) final(s state) bool { return s.sub == atDone }
func (x *quoted) open(s state) bool  { return s.sub != atDone }

func (x *quoted) free(s state) int32 {
	if s.sub != atBody || !x.plain[s.q] {
		return 0
	}
	if s.hi == unlimited {
		return unlimited
	}
	return s.hi - int32(min(x.shortest[s.q], unlimited)) //nolint:gosec // bounded
}

func (x *quoted) norm(s state, reach int32) state {
	if x.need == nil {
		s.lo = min(s.lo, reach)
	} else if s.lo > 0 {
		return s // whether an end can be reached may hang on the very numbers
	}
	if s.hi != unlimited && int64(s.hi) > int64(reach)+int64(x.d.States()) {
		s.hi = unlimited
	}
	return s
}

func (x *quoted) step(s state, b byte) (state, bool) {
	switch kind(s) {
	case atBody:
		return x.body(s, b)
	case inRune:
		return x.utf8(s, b)
	case inEsc:
		return x.escape(s, b)
	case inHex:
		return x.hex(s, b)
	case inLow:
		return x.low(s, b)
	case atOpen:
		s.sub = atBody
		return s, b == '"'
	case wantLow:
		s.sub = wantU | s.sub&^(1<<kindBits-1)
		return s, b == '\\'
	case wantU:
		high := s.sub >> leftBits
		s.sub = inLow | 4<<kindBits | high<<leftBits
		return s, b == 'u'
	}
	return s, false
}

func (x *quoted) body(s state, b byte) (state, bool) {
	switch {
	case b == '"':
		s.sub = atDone
		return s, s.lo == 0 && x.d.Final(s.q)
	case b == '\\':
		s.sub = inEsc
		return s, x.some(s, 0, utf8.MaxRune)
	case b < ' ':
		return s, false
	case b < utf8.RuneSelf:
		return x.char(s, rune(b))
	case b >= 0xC2 && b < 0xE0:
		return x.partial(s, uint32(b&0x1F), 1, 1)
	case b >= 0xE0 && b < 0xF0:
		return x.partial(s, uint32(b&0x0F), 2, 2)
	case b >= 0xF0 && b < 0xF5:
		return x.partial(s, uint32(b&0x07), 3, 3)
	}
	return s, false
}

// partial is the state within a character of 1+size bytes of which left are missing.
func (x *quoted) partial(s state, known, left, size uint32) (state, bool) {
	least := [4]rune{0, 0x80, 0x800, 0x10000}[size]
	lo := max(rune(known<<(6*left)), least)                        //nolint:gosec // at most 21 bits
	hi := min(rune(known<<(6*left)|(1<<(6*left)-1)), utf8.MaxRune) //nolint:gosec // at most 23 bits
	if lo > hi || !x.some(s, lo, hi) {
		return s, false
	}
	s.sub = inRune | left<<kindBits | size<<leftBits | known<<sizeBits
	return s, true
}

func (x *quoted) utf8(s state, b byte) (state, bool) {
	if b < 0x80 || b > 0xBF {
		return s, false
	}
	left, size := s.sub>>kindBits&7-1, s.sub>>leftBits&3
	known := s.sub>>sizeBits<<6 | uint32(b&0x3F)
	if left > 0 {
		return x.partial(s, known, left, size)
	}
	r := rune(known) //nolint:gosec // at most 21 bits
	if utf8.RuneLen(r) != int(size)+1 {
		return s, false
	}
	return x.char(s, r)
}

// char takes one character.
func (x *quoted) char(s state, r rune) (state, bool) {
	if s.hi == 0 {
		return s, false
	}
	if r < utf8.RuneSelf && x.ascii != nil {
		s.q = x.ascii[s.q][r]
	} else {
		s.q = x.d.Step(s.q, r)
	}
	s.lo, s.hi = less(s)
	s.sub = atBody
	return s, s.q >= 0 && x.alive(s.q, s.lo, s.hi)
}

// less returns the counts after one more character.
func less(s state) (lo, hi int32) {
	hi = s.hi
	if hi != unlimited {
		hi--
	}
	return max(s.lo-1, 0), hi
}

// some reports whether one of the characters from lo to hi may come.
func (x *quoted) some(s state, lo, hi rune) bool {
	if s.hi == 0 {
		return false
	}
	l, h := less(s)
	for _, e := range x.d.From(s.q, lo, hi) {
		if x.alive(e.To, l, h) {
			return true
		}
	}
	return false
}

func (x *quoted) escape(s state, b byte) (state, bool) {
	switch b {
	case '"', '\\', '/':
		return x.char(s, rune(b))
	case 'b':
		return x.char(s, '\b')
	case 'f':
		return x.char(s, '\f')
	case 'n':
		return x.char(s, '\n')
	case 'r':
		return x.char(s, '\r')
	case 't':
		return x.char(s, '\t')
	case 'u':
		s.sub = inHex | 4<<kindBits
		return s, x.some(s, 0, utf8.MaxRune)
	}
	return s, false
}

func hexDigit(b byte) (uint32, bool) {
	switch {
	case b >= '0' && b <= '9':
		return uint32(b - '0'), true
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return uint32(b|0x20-'a') + 10, true
	}
	return 0, false
}

const (
	highFirst, highLast = 0xD800, 0xDBFF // surrogates
	lowFirst, lowLast   = 0xDC00, 0xDFFF
)

// astral is the first of the characters that begin with a high surrogate's ten bits.
func astral(high uint32) rune { return 0x10000 + rune(high)<<10 } //nolint:gosec // ten bits

func (x *quoted) hex(s state, b byte) (state, bool) {
	digit, ok := hexDigit(b)
	if !ok {
		return s, false
	}
	left := s.sub>>kindBits&7 - 1
	known := s.sub>>leftBits<<4 | digit
	if left > 0 {
		s.sub = inHex | left<<kindBits | known<<leftBits
		lo, hi := rune(known<<(4*left)), rune(known<<(4*left)|(1<<(4*left)-1)) //nolint:gosec // sixteen bits
		if x.some(s, lo, hi) {                                                 // surrogates are no characters of the automaton
			return s, true
		}
		first, last := max(lo, highFirst), min(hi, highLast)
		return s, first <= last && x.some(s, astral(uint32(first-highFirst)), astral(uint32(last-highFirst))|0x3FF) //nolint:gosec // ten bits
	}
	if known >= highFirst && known <= highLast {
		high := known - highFirst
		s.sub = wantLow | high<<leftBits
		return s, x.some(s, astral(high), astral(high)|0x3FF)
	}
	if known >= lowFirst && known <= lowLast {
		return s, false
	}
	return x.char(s, rune(known)) //nolint:gosec // sixteen bits
}

// low reads the digits of a low surrogate: of the first only D will do, and of the
// second two bits count.
func (x *quoted) low(s state, b byte) (state, bool) {
	digit, ok := hexDigit(b)
	if !ok {
		return s, false
	}
	left := s.sub>>kindBits&7 - 1
	high, known := s.sub>>leftBits&0x3FF, s.sub>>lowBits
	switch left {
	case 3:
		s.sub = inLow | left<<kindBits | high<<leftBits
		return s, digit == 0xD
	case 2:
		if digit < 0xC {
			return s, false
		}
		known = digit & 3
	default:
		known = known<<4 | digit
	}
	lo := astral(high) | rune(known<<(4*left)) //nolint:gosec // ten bits
	if left == 0 {
		return x.char(s, lo)
	}
	s.sub = inLow | left<<kindBits | high<<leftBits | known<<lowBits
	return s, x.some(s, lo, lo|(1<<(4*left)-1))
}

// rest ends the string: first the character it is in, then as few others as will do.
func (x *quoted) rest(dst []byte, s state) []byte {
	for s.sub != atBody {
		if s.sub == atDone {
			return dst
		}
		for b := 255; b >= 0; b-- { // from the top: a letter is better than a control character
			if to, ok := x.step(s, byte(b)); ok {
				dst, s = append(dst, byte(b)), to
				break
			}
		}
	}
	for s.lo > 0 || !x.d.Final(s.q) {
		var best automaton.Edge
		least := int32(never)
		for _, e := range x.d.Edges(s.q) {
			if n := x.distance(e.To, max(s.lo-1, 0)); n < least {
				best, least = e, n
			}
		}
		r := best.Lo
		if best.Lo < 'a' && best.Hi >= 'a' {
			r = 'a'
		} else if best.Lo < ' ' && best.Hi >= ' ' {
			r = ' '
		}
		dst = appendChar(dst, r)
		s, _ = x.char(s, r)
	}
	return append(dst, '"')
}

// distance is how many characters an end is away that is at least lo away.
func (x *quoted) distance(q, lo int32) int32 {
	if lo > 0 && x.need != nil {
		return x.need[q][lo]
	}
	return max(lo, int32(min(x.shortest[q], never))) //nolint:gosec // below never
}

// appendChar appends r as a JSON string holds it.
func appendChar(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r < ' ':
		dst = append(dst, `\u00`...)
		if r < 16 {
			dst = append(dst, '0')
		}
		return strconv.AppendInt(dst, int64(r), 16)
	}
	return utf8.AppendRune(dst, r)
}

// quoteText is text as a JSON string.
func quoteText(text string) string {
	dst := []byte{'"'}
	for _, r := range text {
		switch r {
		case '\n':
			dst = append(dst, `\n`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		default:
			dst = appendChar(dst, r)
		}
	}
	return string(append(dst, '"'))
}
