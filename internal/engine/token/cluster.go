package token

import (
	"unicode"
	"unicode/utf8"
)

// clusterLength returns the bytes of the grapheme cluster (UAX #29) that s begins
// with. Rules are left out that join only what has six bytes or more as it is, flags
// and Indic conjuncts: charsmap.clusters takes those apart again.
func clusterLength(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if n == len(s) || r < utf8.RuneSelf && s[n] < utf8.RuneSelf && r != '\r' {
		return n
	}
	pictograph := pictographic(r)
	joiner := false // the last character is a joiner behind a pictograph and marks
	for n < len(s) {
		next, size := utf8.DecodeRuneInString(s[n:])
		switch {
		case r == '\r' && next == '\n':
		case breaks(r) || breaks(next):
			return n
		case extends(next):
			joiner = pictograph && next == zeroWidthJoiner
			r = next
			n += size
			continue
		case spacingMark(next), prepended(r), hangul(r, next), joiner && pictographic(next):
		default:
			return n
		}
		pictograph, joiner = pictographic(next), false
		r = next
		n += size
	}
	return n
}

const zeroWidthJoiner = 0x200d

// breaks reports controls, which stand alone.
func breaks(r rune) bool {
	if r < 0xad {
		return r < 0x20 || 0x7f <= r && r < 0xa0
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) &&
		r != zeroWidthJoiner && r != 0x200c && !prepended(r) && !extends(r)
}

// extends reports Grapheme_Extend and the modifiers of emojis.
func extends(r rune) bool {
	return r >= 0x300 && (unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Grapheme_Extend) || r == zeroWidthJoiner ||
		0x1f3fb <= r && r <= 0x1f3ff || 0xe0020 <= r && r <= 0xe007f)
}

func spacingMark(r rune) bool {
	return r >= 0x900 && (unicode.Is(unicode.Mc, r) && !unicode.Is(looseMark, r) || r == 0xe33 || r == 0xeb3)
}

// looseMark holds the spacing marks that begin a cluster.
var looseMark = &unicode.RangeTable{
	R16: ranges16([2]uint16{0x102b, 0x102c}, [2]uint16{0x1038, 0x1038}, [2]uint16{0x1062, 0x1064}, [2]uint16{0x1067, 0x106d},
		[2]uint16{0x1083, 0x1083}, [2]uint16{0x1087, 0x108c}, [2]uint16{0x108f, 0x108f}, [2]uint16{0x109a, 0x109c},
		[2]uint16{0x1a61, 0x1a61}, [2]uint16{0x1a63, 0x1a64}, [2]uint16{0xaa7b, 0xaa7b}, [2]uint16{0xaa7d, 0xaa7d}),
	R32: ranges32([2]uint32{0x11720, 0x11721}),
}

// prepended reports characters that the next one joins.
func prepended(r rune) bool {
	switch {
	case r < 0x600:
		return false
	case r <= 0x605, r == 0x6dd, r == 0x70f, r == 0x890, r == 0x891, r == 0x8e2, r == 0xd4e, r == 0x110bd, r == 0x110cd,
		0x111c2 <= r && r <= 0x111c3, r == 0x1193f, r == 0x11941, r == 0x11a3a, 0x11a84 <= r && r <= 0x11a89, r == 0x11d46, r == 0x11f02:
		return true
	}
	return false
}

// hangul reports two jamo, or a syllable and a jamo, that are one syllable.
func hangul(a, b rune) bool {
	lead := 0x1100 <= a && a <= 0x115f || 0xa960 <= a && a <= 0xa97c
	vowel := func(r rune) bool { return 0x1160 <= r && r <= 0x11a7 || 0xd7b0 <= r && r <= 0xd7c6 }
	trail := func(r rune) bool { return 0x11a8 <= r && r <= 0x11ff || 0xd7cb <= r && r <= 0xd7fb }
	syllable := func(r rune) bool { return 0xac00 <= r && r <= 0xd7a3 }
	open := syllable(a) && (a-0xac00)%28 == 0
	switch {
	case lead:
		return 0x1100 <= b && b <= 0x115f || 0xa960 <= b && b <= 0xa97c || vowel(b) || syllable(b)
	case vowel(a), open:
		return vowel(b) || trail(b)
	case trail(a), syllable(a):
		return trail(b)
	}
	return false
}

// pictographic reports Extended_Pictographic, roughly: it decides only whether marks
// and a joiner are followed by more.
func pictographic(r rune) bool {
	switch {
	case r < 0xa9:
		return false
	case r == 0xa9, r == 0xae, r == 0x203c, r == 0x2049, r == 0x2122, r == 0x2139, 0x2194 <= r && r <= 0x21aa, 0x231a <= r && r <= 0x2bff,
		r == 0x3030, r == 0x303d, r == 0x3297, r == 0x3299, 0x1f000 <= r && r <= 0x1faff:
		return true
	}
	return false
}
