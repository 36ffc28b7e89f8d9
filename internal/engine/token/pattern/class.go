package pattern

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// class is a set of Unicode's general categories, as far as patterns name them.
type class uint16

const (
	upper  class = 1 << iota // Lu
	lower                    // Ll
	title                    // Lt
	modif                    // Lm
	other                    // Lo
	mark                     // M
	number                   // N
	punct                    // P
	symbol                   // S
	space                    // White_Space; its members are in no class above
	letter = upper | lower | title | modif | other
)

// categories names the classes in \p{…}.
var categories = map[string]class{
	"L": letter, "Lu": upper, "Ll": lower, "Lt": title, "Lm": modif, "Lo": other,
	"M": mark, "N": number, "P": punct, "S": symbol,
}

// younger holds what Unicode 16 added: the reference has version 16, Go version 15.
var younger = []struct {
	first, last rune
	class       class
}{
	{0x897, 0x897, mark},
	{0x1b4e, 0x1b4f, punct},
	{0x1b7f, 0x1b7f, punct},
	{0x1c89, 0x1c89, upper},
	{0x1c8a, 0x1c8a, lower},
	{0x2427, 0x2429, symbol},
	{0x2ffc, 0x2fff, symbol},
	{0x31e4, 0x31e5, symbol},
	{0x31ef, 0x31ef, symbol},
	{0xa7cb, 0xa7cc, upper},
	{0xa7cd, 0xa7cd, lower},
	{0xa7da, 0xa7da, upper},
	{0xa7db, 0xa7db, lower},
	{0xa7dc, 0xa7dc, upper},
	{0x105c0, 0x105f3, other},
	{0x10d40, 0x10d49, number},
	{0x10d4a, 0x10d4d, other},
	{0x10d4e, 0x10d4e, modif},
	{0x10d4f, 0x10d4f, other},
	{0x10d50, 0x10d65, upper},
	{0x10d69, 0x10d6d, mark},
	{0x10d6e, 0x10d6e, punct},
	{0x10d6f, 0x10d6f, modif},
	{0x10d70, 0x10d85, lower},
	{0x10d8e, 0x10d8f, symbol},
	{0x10ec2, 0x10ec4, other},
	{0x10efc, 0x10efc, mark},
	{0x11380, 0x11389, other},
	{0x1138b, 0x1138b, other},
	{0x1138e, 0x1138e, other},
	{0x11390, 0x113b5, other},
	{0x113b7, 0x113b7, other},
	{0x113b8, 0x113c0, mark},
	{0x113c2, 0x113c2, mark},
	{0x113c5, 0x113c5, mark},
	{0x113c7, 0x113ca, mark},
	{0x113cc, 0x113d0, mark},
	{0x113d1, 0x113d1, other},
	{0x113d2, 0x113d2, mark},
	{0x113d3, 0x113d3, other},
	{0x113d4, 0x113d5, punct},
	{0x113d7, 0x113d8, punct},
	{0x113e1, 0x113e2, mark},
	{0x116d0, 0x116e3, number},
	{0x11bc0, 0x11be0, other},
	{0x11be1, 0x11be1, punct},
	{0x11bf0, 0x11bf9, number},
	{0x11f5a, 0x11f5a, mark},
	{0x13460, 0x143fa, other},
	{0x16100, 0x1611d, other},
	{0x1611e, 0x1612f, mark},
	{0x16130, 0x16139, number},
	{0x16d40, 0x16d42, modif},
	{0x16d43, 0x16d6a, other},
	{0x16d6b, 0x16d6c, modif},
	{0x16d6d, 0x16d6f, punct},
	{0x16d70, 0x16d79, number},
	{0x18cff, 0x18cff, other},
	{0x1cc00, 0x1ccef, symbol},
	{0x1ccf0, 0x1ccf9, number},
	{0x1cd00, 0x1ceb3, symbol},
	{0x1e5d0, 0x1e5ed, other},
	{0x1e5ee, 0x1e5ef, mark},
	{0x1e5f0, 0x1e5f0, other},
	{0x1e5f1, 0x1e5fa, number},
	{0x1e5ff, 0x1e5ff, punct},
	{0x1f8b2, 0x1f8bb, symbol},
	{0x1f8c0, 0x1f8c1, symbol},
	{0x1fa89, 0x1fa89, symbol},
	{0x1fa8f, 0x1fa8f, symbol},
	{0x1fabe, 0x1fabe, symbol},
	{0x1fac6, 0x1fac6, symbol},
	{0x1fadc, 0x1fadc, symbol},
	{0x1fadf, 0x1fadf, symbol},
	{0x1fae9, 0x1fae9, symbol},
	{0x1fbcb, 0x1fbef, symbol},
	{0x2ebf0, 0x2ee5d, other},
}

// classes says the class of each code point: pages of 256, equal ones once.
type classes struct {
	ascii [utf8.RuneSelf]class
	page  [(unicode.MaxRune + 1) / 256]uint8
	pages [][256]class
}

// tables returns the classes; they are made at the first use, in some milliseconds.
var tables = sync.OnceValue(func() *classes {
	all := make([]class, unicode.MaxRune+1)
	for name, c := range categories {
		if name == "L" {
			continue
		}
		fill(all, unicode.Categories[name], c)
	}
	for _, y := range younger {
		for r := y.first; r <= y.last; r++ {
			all[r] = y.class
		}
	}
	fill(all, unicode.White_Space, space)
	t := &classes{}
	copy(t.ascii[:], all)
	seen := map[[256]class]uint8{}
	for i := range t.page {
		p := [256]class(all[256*i:])
		n, ok := seen[p]
		if !ok {
			n = uint8(len(t.pages)) // there are some 190 different ones
			seen[p] = n
			t.pages = append(t.pages, p)
		}
		t.page[i] = n
	}
	return t
})

func fill(all []class, t *unicode.RangeTable, c class) {
	for _, r := range t.R16 {
		for x := uint32(r.Lo); x <= uint32(r.Hi); x += uint32(r.Stride) {
			all[x] = c
		}
	}
	for _, r := range t.R32 {
		for x := r.Lo; x <= r.Hi; x += r.Stride {
			all[x] = c
		}
	}
}

// of returns the class of a code point.
func (t *classes) of(r rune) class {
	return t.pages[t.page[r>>8]][r&0xff]
}

// at returns the class and the length of the character at s[i:]. A byte that is no
// part of one has the class of U+FFFD.
func (t *classes) at(s string, i int) (class, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return t.ascii[c], 1
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	return t.of(r), size
}

// run returns where the characters of class c that begin at s[i:] end.
func (t *classes) run(s string, i int, c class) int {
	for i < len(s) {
		if b := s[i]; b < utf8.RuneSelf {
			if t.ascii[b]&c == 0 {
				return i
			}
			i++
			continue
		}
		k, size := t.at(s, i)
		if k&c == 0 {
			return i
		}
		i += size
	}
	return i
}

// signs returns where the characters that begin at s[i:] and are no space, number or
// part of a word end.
func (t *classes) signs(s string, i int, word class) int {
	for i < len(s) {
		k, size := t.at(s, i)
		if k&(space|word|number) != 0 {
			return i
		}
		i += size
	}
	return i
}
