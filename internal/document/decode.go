package document

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Decode turns the bytes of a text into UTF-8: by its byte order mark, else as
// UTF-8 when it is valid, else UTF-16 when its zero bytes say so, else Windows-1252,
// which holds Latin-1. The result is always valid UTF-8 without a mark and with
// plain line feeds.
func Decode(data []byte) string {
	var text []byte
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		text = bytes.ToValidUTF8(data[3:], []byte("\uFFFD"))
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		text = decodeWith(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), data)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		text = decodeWith(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), data)
	case looksUTF16(data, 1):
		text = decodeWith(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), data)
	case looksUTF16(data, 0):
		text = decodeWith(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), data)
	case utf8.Valid(data), cutRune(data):
		text = bytes.ToValidUTF8(data, nil)
	default:
		text = decodeWith(charmap.Windows1252, data)
	}
	if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	return string(text)
}

func decodeWith(e encoding.Encoding, data []byte) []byte {
	out, err := e.NewDecoder().Bytes(data)
	if err != nil { // these decoders replace what they cannot read
		return bytes.ToValidUTF8(data, []byte("\uFFFD"))
	}
	return bytes.ToValidUTF8(out, []byte("\uFFFD"))
}

// looksUTF16 reports whether most of the bytes at even (0) or odd (1) places, and
// few of the others, are zero, as in UTF-16 text of Latin letters.
func looksUTF16(data []byte, place int) bool {
	head := data[:min(len(data), 2048)&^1]
	if len(head) < 4 {
		return false
	}
	var zero [2]int
	for i, c := range head {
		if c == 0 {
			zero[i&1]++
		}
	}
	half := len(head) / 2
	return zero[place]*10 > half*6 && zero[1-place]*10 < half
}

// cutRune reports whether data is UTF-8 but for a rune cut at its end, as the head
// of a longer text may be.
func cutRune(data []byte) bool {
	for n := 1; n < utf8.UTFMax && n < len(data); n++ {
		if !utf8.RuneStart(data[len(data)-n]) {
			continue
		}
		return !utf8.FullRune(data[len(data)-n:]) && utf8.Valid(data[:len(data)-n])
	}
	return false
}
