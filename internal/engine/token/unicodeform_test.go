package token

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TestFormsOfEveryCodePoint compares normal forms with the reference's.
func TestFormsOfEveryCodePoint(t *testing.T) {
	t.Parallel()
	var golden map[string]struct {
		Codepoints, Long, Normal string
	}
	readCodecJSON(t, "forms.json", &golden)
	forms := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}
	if len(golden) != len(forms) {
		t.Fatalf("%d forms", len(golden))
	}
	for name, g := range golden {
		f := unicodeForm(forms[name])
		for n := range len(g.Codepoints) / 8 {
			block := rune(n)
			if n > 0x32 {
				block = []rune{0xe0, 0xff, 0x10f}[n-0x33]
			}
			var b strings.Builder
			for c := block << 12; c < (block+1)<<12; c++ {
				if utf8.ValidRune(c) {
					fmt.Fprintf(&b, "a\u0345%[1]c\u0334\u0301 %[1]c\u0327", c)
				}
			}
			if got := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(f(b.String())))); got != g.Codepoints[8*n:8*n+8] {
				t.Errorf("%s: code points %x to %x have other forms than the reference's", name, block<<12, block<<12|0xfff)
			}
		}
		if got := f(g.Long); got != g.Normal {
			t.Errorf("%s(%+q) = %+q, want %+q", name, g.Long, got, g.Normal)
		}
	}
}
