package token

import "unicode/utf8"

// Byte-level vocabularies write each byte as a printable character: those of ASCII
// and Latin-1 that are printable as themselves, the others as U+0100 and on.

// byteChars is the character of each byte.
type byteChars [256]rune

func newByteChars() (t byteChars) {
	next := rune(256)
	for b := range rune(256) {
		switch {
		case '!' <= b && b <= '~', 0xa1 <= b && b <= 0xac, 0xae <= b && b <= 0xff:
			t[b] = b
		default:
			t[b] = next
			next++
		}
	}
	return t
}

// byteUnmapper reads such words.
type byteUnmapper struct {
	low [0x144]int16 // the byte of each character, -1 for none
}

func newByteUnmapper() *byteUnmapper {
	u := &byteUnmapper{}
	for i := range u.low {
		u.low[i] = -1
	}
	for b, r := range newByteChars() {
		u.low[r] = int16(b)
	}
	return u
}

// bytes appends the bytes that a word stands for; ok is false when some character
// stands for none, and then nothing is appended.
func (u *byteUnmapper) bytes(dst []byte, word string) (out []byte, ok bool) {
	n := len(dst)
	for _, r := range word {
		if r >= rune(len(u.low)) || u.low[r] < 0 || r == utf8.RuneError {
			return dst[:n], false
		}
		dst = append(dst, byte(u.low[r])) //nolint:gosec // checked
	}
	return dst, true
}

// word is bytes for words of merges: one that stands for no bytes is left as it is.
func (u *byteUnmapper) word(dst []byte, word string) []byte {
	if out, ok := u.bytes(dst, word); ok {
		return out
	}
	return append(dst, word...)
}
