package token

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The reference implementation normalizes by Unicode 9, and a run of marks may have
// any length. Package norm knows Unicode 15, and puts a grapheme joiner into runs of
// more than 30 marks, as UAX #15 has it for streams. unicodeForm has the reference's
// answers: younger characters stay as they are and join nothing, and long runs are
// normalized here.

// unicodeForm is NFC, NFD, NFKC or NFKD.
func unicodeForm(f norm.Form) normalForm {
	return func(s string) string {
		if ascii(s) || f.IsNormalString(s) {
			return s
		}
		var b strings.Builder
		b.Grow(len(s))
		for s != "" {
			part := s
			rest, size := "", 0
			if i := strings.IndexFunc(s, isYounger); i >= 0 {
				_, size = utf8.DecodeRuneInString(s[i:])
				part, rest = s[:i], s[i:]
			}
			if longRun(part) {
				b.WriteString(normalizeRun(f, part))
			} else {
				b.WriteString(f.String(part))
			}
			b.WriteString(rest[:size])
			s = rest[size:]
		}
		return b.String()
	}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isYounger(r rune) bool { return r >= 0x7fd && unicode.Is(youngerForms, r) }

// youngerForms holds what has a decomposition or a combining class since Unicode 10.
var youngerForms = &unicode.RangeTable{
	R16: ranges16(
		[2]uint16{0x07fd, 0x07fd}, [2]uint16{0x0898, 0x089f}, [2]uint16{0x08ca, 0x08d3}, [2]uint16{0x09fe, 0x09fe}, [2]uint16{0x0c3c, 0x0c3c},
		[2]uint16{0x0d3b, 0x0d3c}, [2]uint16{0x0eba, 0x0eba}, [2]uint16{0x1715, 0x1715}, [2]uint16{0x1abf, 0x1ace}, [2]uint16{0x1df6, 0x1dfa},
		[2]uint16{0x32ff, 0x32ff}, [2]uint16{0xa7f2, 0xa7f4}, [2]uint16{0xa82c, 0xa82c}, [2]uint16{0xab69, 0xab69},
	),
	R32: ranges32(
		[2]uint32{0x10781, 0x10785}, [2]uint32{0x10787, 0x107b0}, [2]uint32{0x107b2, 0x107ba}, [2]uint32{0x10d24, 0x10d27}, [2]uint32{0x10eab, 0x10eac},
		[2]uint32{0x10efd, 0x10eff}, [2]uint32{0x10f46, 0x10f50}, [2]uint32{0x10f82, 0x10f85}, [2]uint32{0x11070, 0x11070}, [2]uint32{0x1133b, 0x1133b},
		[2]uint32{0x1145e, 0x1145e}, [2]uint32{0x11839, 0x1183a}, [2]uint32{0x11930, 0x11930}, [2]uint32{0x11938, 0x11938}, [2]uint32{0x1193d, 0x1193e},
		[2]uint32{0x11943, 0x11943}, [2]uint32{0x119e0, 0x119e0}, [2]uint32{0x11a34, 0x11a34}, [2]uint32{0x11a47, 0x11a47}, [2]uint32{0x11a99, 0x11a99},
		[2]uint32{0x11d42, 0x11d42}, [2]uint32{0x11d44, 0x11d45}, [2]uint32{0x11d97, 0x11d97}, [2]uint32{0x11f41, 0x11f42}, [2]uint32{0x16ff0, 0x16ff1},
		[2]uint32{0x1e030, 0x1e06d}, [2]uint32{0x1e08f, 0x1e08f}, [2]uint32{0x1e130, 0x1e136}, [2]uint32{0x1e2ae, 0x1e2ae}, [2]uint32{0x1e2ec, 0x1e2ef},
		[2]uint32{0x1e4ec, 0x1e4ef}, [2]uint32{0x1f16c, 0x1f16c}, [2]uint32{0x1fbf0, 0x1fbf9},
	),
}

// longRun reports marks enough that package norm could put a joiner between them: one
// character has three at most.
func longRun(s string) bool {
	const few = 10
	n := 0
	for i, r := range s {
		if r < 0x300 {
			n = 0
			continue
		}
		p := norm.NFD.PropertiesString(s[i:])
		if p.CCC() == 0 && p.TrailCCC() == 0 {
			n = 0
			continue
		}
		if n++; n > few {
			return true
		}
	}
	return false
}

// mark is a character with its combining class.
type combining struct {
	r     rune
	class uint8
}

// normalizeRun normalizes as the standard says, whatever the length.
func normalizeRun(f norm.Form, s string) string {
	decomposed := norm.NFD
	if f == norm.NFKC || f == norm.NFKD {
		decomposed = norm.NFKD
	}
	var all []combining
	for _, r := range s {
		for _, d := range decomposed.String(string(r)) {
			all = append(all, combining{d, decomposed.PropertiesString(string(d)).CCC()})
		}
	}
	for i := 0; i < len(all); i++ {
		start := i
		for i < len(all) && all[i].class != 0 {
			i++
		}
		slices.SortStableFunc(all[start:i], func(a, b combining) int { return cmp.Compare(a.class, b.class) })
	}
	if f == norm.NFC || f == norm.NFKC {
		all = compose(all)
	}
	var b strings.Builder
	for _, c := range all {
		b.WriteRune(c.r)
	}
	return b.String()
}

// compose joins starters with the marks behind them that are not blocked.
func compose(all []combining) []combining {
	out := all[:0]
	starter := -1
	for _, c := range all {
		last := len(out) - 1
		if starter >= 0 && (last == starter || out[last].class < c.class) {
			whole := norm.NFC.String(string([]rune{out[starter].r, c.r}))
			if r, size := utf8.DecodeRuneInString(whole); size == len(whole) {
				out[starter].r = r
				continue
			}
		}
		if c.class == 0 {
			starter = len(out)
		}
		out = append(out, c)
	}
	return out
}
