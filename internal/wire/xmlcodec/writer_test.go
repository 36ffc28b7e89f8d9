package xmlcodec_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/wire/xmlcodec"
)

// FuzzText writes arbitrary text as XML; encoding/xml must read it back.
func FuzzText(f *testing.F) {
	f.Add("a<b>&\"'\r\n\x00\xff\ufffe")
	f.Fuzz(func(t *testing.T, s string) {
		doc := "<a>" + string(xmlcodec.AppendText(nil, s)) + "</a>"
		var got string
		if err := xml.NewDecoder(strings.NewReader(doc)).Decode(&got); err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%q: %v", doc, err)
		}
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
				return utf8.RuneError
			}
			return r
		}, string([]rune(s)))
		if got != want {
			t.Errorf("%q came back as %q", s, got)
		}
	})
}
