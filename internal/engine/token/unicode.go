package token

import "unicode"

// The reference implementation takes Unicode's categories from version 8.0 (its
// crate unicode_categories) and lower case from 17.0 (Rust's standard library);
// Go has 15.0. The tables here hold the differences, and a test compares every code
// point with the reference.

// control reports what clean_text removes: control characters, format characters
// and those of private use; the white space among them is handled before.
func control(r rune) bool {
	if r < 0x80 {
		return r < 0x20 || r == 0x7f
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) && !unicode.Is(laterFormat, r)
}

// mark reports the marks that strip_accents removes.
func mark(r rune) bool {
	return r >= 0x300 && (unicode.Is(unicode.Mn, r) && !unicode.Is(laterMark, r) || r == 0x1734)
}

// punctuation reports what BERT makes a word of its own: all of ASCII's signs,
// symbols included, and Unicode's punctuation.
func punctuation(r rune) bool {
	if r < 0x80 {
		return r > ' ' && r < 0x7f && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}
	return unicode.IsPunct(r) && !unicode.Is(laterPunctuation, r) || r == 0x166d || r == 0x111c9
}

// ideograph reports what BERT puts spaces around. The reference has 2B920 where the
// block begins at 2B820.
func ideograph(r rune) bool { return r >= 0x3400 && unicode.Is(ideographs, r) }

// lower returns the lower case of r; the two code points of U+0130's are one more in rest.
func lower(r rune) (c, rest rune) {
	switch {
	case r == 0x130:
		return 'i', 0x307
	case r == 0x1c89 || r == 0xa7cc || r == 0xa7ce || r == 0xa7d2 || r == 0xa7d4 || r == 0xa7da:
		return r + 1, 0
	case r == 0xa7cb:
		return 0x264, 0
	case r == 0xa7dc:
		return 0x19b, 0
	case 0x10d50 <= r && r <= 0x10d65:
		return r + 0x20, 0
	case 0x16ea0 <= r && r <= 0x16eb8:
		return r + 0x1b, 0
	}
	return unicode.ToLower(r), 0
}

func ranges16(pairs ...[2]uint16) []unicode.Range16 {
	out := make([]unicode.Range16, len(pairs))
	for i, p := range pairs {
		out[i] = unicode.Range16{Lo: p[0], Hi: p[1], Stride: 1}
	}
	return out
}

func ranges32(pairs ...[2]uint32) []unicode.Range32 {
	out := make([]unicode.Range32, len(pairs))
	for i, p := range pairs {
		out[i] = unicode.Range32{Lo: p[0], Hi: p[1], Stride: 1}
	}
	return out
}

var ideographs = &unicode.RangeTable{
	R16: ranges16([2]uint16{0x3400, 0x4dbf}, [2]uint16{0x4e00, 0x9fff}, [2]uint16{0xf900, 0xfaff}),
	R32: ranges32([2]uint32{0x20000, 0x2a6df}, [2]uint32{0x2a700, 0x2b73f}, [2]uint32{0x2b740, 0x2b81f},
		[2]uint32{0x2b920, 0x2ceaf}, [2]uint32{0x2f800, 0x2fa1f}),
}

// laterFormat holds the format characters that are younger than Unicode 8.0.
var laterFormat = &unicode.RangeTable{
	R16: ranges16(
		[2]uint16{0x0890, 0x0891}, [2]uint16{0x08e2, 0x08e2},
	),
	R32: ranges32(
		[2]uint32{0x110cd, 0x110cd}, [2]uint32{0x13430, 0x1343f},
	),
}

// laterMark holds the nonspacing marks that are younger than Unicode 8.0, or became marks later.
var laterMark = &unicode.RangeTable{
	R16: ranges16(
		[2]uint16{0x07fd, 0x07fd}, [2]uint16{0x0898, 0x089f}, [2]uint16{0x08ca, 0x08e1}, [2]uint16{0x09fe, 0x09fe}, [2]uint16{0x0afa, 0x0aff},
		[2]uint16{0x0b55, 0x0b55}, [2]uint16{0x0c04, 0x0c04}, [2]uint16{0x0c3c, 0x0c3c}, [2]uint16{0x0d00, 0x0d00}, [2]uint16{0x0d3b, 0x0d3c},
		[2]uint16{0x0d81, 0x0d81}, [2]uint16{0x0eba, 0x0eba}, [2]uint16{0x0ece, 0x0ece}, [2]uint16{0x180f, 0x180f}, [2]uint16{0x1885, 0x1886},
		[2]uint16{0x1abf, 0x1ace}, [2]uint16{0x1df6, 0x1dfb}, [2]uint16{0xa82c, 0xa82c}, [2]uint16{0xa8c5, 0xa8c5}, [2]uint16{0xa8ff, 0xa8ff},
		[2]uint16{0xa9bd, 0xa9bd},
	),
	R32: ranges32(
		[2]uint32{0x10d24, 0x10d27}, [2]uint32{0x10eab, 0x10eac}, [2]uint32{0x10efd, 0x10eff}, [2]uint32{0x10f46, 0x10f50}, [2]uint32{0x10f82, 0x10f85},
		[2]uint32{0x11070, 0x11070}, [2]uint32{0x11073, 0x11074}, [2]uint32{0x110c2, 0x110c2}, [2]uint32{0x111c9, 0x111c9}, [2]uint32{0x111cf, 0x111cf},
		[2]uint32{0x1123e, 0x1123e}, [2]uint32{0x11241, 0x11241}, [2]uint32{0x1133b, 0x1133b}, [2]uint32{0x11438, 0x1143f}, [2]uint32{0x11442, 0x11444},
		[2]uint32{0x11446, 0x11446}, [2]uint32{0x1145e, 0x1145e}, [2]uint32{0x1182f, 0x11837}, [2]uint32{0x11839, 0x1183a}, [2]uint32{0x1193b, 0x1193c},
		[2]uint32{0x1193e, 0x1193e}, [2]uint32{0x11943, 0x11943}, [2]uint32{0x119d4, 0x119d7}, [2]uint32{0x119da, 0x119db}, [2]uint32{0x119e0, 0x119e0},
		[2]uint32{0x11a01, 0x11a0a}, [2]uint32{0x11a33, 0x11a38}, [2]uint32{0x11a3b, 0x11a3e}, [2]uint32{0x11a47, 0x11a47}, [2]uint32{0x11a51, 0x11a56},
		[2]uint32{0x11a59, 0x11a5b}, [2]uint32{0x11a8a, 0x11a96}, [2]uint32{0x11a98, 0x11a99}, [2]uint32{0x11c30, 0x11c36}, [2]uint32{0x11c38, 0x11c3d},
		[2]uint32{0x11c3f, 0x11c3f}, [2]uint32{0x11c92, 0x11ca7}, [2]uint32{0x11caa, 0x11cb0}, [2]uint32{0x11cb2, 0x11cb3}, [2]uint32{0x11cb5, 0x11cb6},
		[2]uint32{0x11d31, 0x11d36}, [2]uint32{0x11d3a, 0x11d3a}, [2]uint32{0x11d3c, 0x11d3d}, [2]uint32{0x11d3f, 0x11d45}, [2]uint32{0x11d47, 0x11d47},
		[2]uint32{0x11d90, 0x11d91}, [2]uint32{0x11d95, 0x11d95}, [2]uint32{0x11d97, 0x11d97}, [2]uint32{0x11ef3, 0x11ef4}, [2]uint32{0x11f00, 0x11f01},
		[2]uint32{0x11f36, 0x11f3a}, [2]uint32{0x11f40, 0x11f40}, [2]uint32{0x11f42, 0x11f42}, [2]uint32{0x13440, 0x13440}, [2]uint32{0x13447, 0x13455},
		[2]uint32{0x16f4f, 0x16f4f}, [2]uint32{0x16fe4, 0x16fe4}, [2]uint32{0x1cf00, 0x1cf2d}, [2]uint32{0x1cf30, 0x1cf46}, [2]uint32{0x1e000, 0x1e006},
		[2]uint32{0x1e008, 0x1e018}, [2]uint32{0x1e01b, 0x1e021}, [2]uint32{0x1e023, 0x1e024}, [2]uint32{0x1e026, 0x1e02a}, [2]uint32{0x1e08f, 0x1e08f},
		[2]uint32{0x1e130, 0x1e136}, [2]uint32{0x1e2ae, 0x1e2ae}, [2]uint32{0x1e2ec, 0x1e2ef}, [2]uint32{0x1e4ec, 0x1e4ef}, [2]uint32{0x1e944, 0x1e94a},
	),
}

// laterPunctuation holds the punctuation that is younger than Unicode 8.0.
var laterPunctuation = &unicode.RangeTable{
	R16: ranges16(
		[2]uint16{0x061d, 0x061d}, [2]uint16{0x09fd, 0x09fd}, [2]uint16{0x0a76, 0x0a76}, [2]uint16{0x0c77, 0x0c77}, [2]uint16{0x0c84, 0x0c84},
		[2]uint16{0x1b7d, 0x1b7e}, [2]uint16{0x2e43, 0x2e4f}, [2]uint16{0x2e52, 0x2e5d},
	),
	R32: ranges32(
		[2]uint32{0x10ead, 0x10ead}, [2]uint32{0x10f55, 0x10f59}, [2]uint32{0x10f86, 0x10f89}, [2]uint32{0x1144b, 0x1144f}, [2]uint32{0x1145a, 0x1145b},
		[2]uint32{0x1145d, 0x1145d}, [2]uint32{0x11660, 0x1166c}, [2]uint32{0x116b9, 0x116b9}, [2]uint32{0x1183b, 0x1183b}, [2]uint32{0x11944, 0x11946},
		[2]uint32{0x119e2, 0x119e2}, [2]uint32{0x11a3f, 0x11a46}, [2]uint32{0x11a9a, 0x11a9c}, [2]uint32{0x11a9e, 0x11aa2}, [2]uint32{0x11b00, 0x11b09},
		[2]uint32{0x11c41, 0x11c45}, [2]uint32{0x11c70, 0x11c71}, [2]uint32{0x11ef7, 0x11ef8}, [2]uint32{0x11f43, 0x11f4f}, [2]uint32{0x11fff, 0x11fff},
		[2]uint32{0x12ff1, 0x12ff2}, [2]uint32{0x16e97, 0x16e9a}, [2]uint32{0x16fe2, 0x16fe2}, [2]uint32{0x1e95e, 0x1e95f},
	),
}
