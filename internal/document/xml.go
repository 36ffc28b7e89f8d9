package document

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html/charset"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

var errDepth = errors.New("it is nested too deeply")

// parseXML reads the text of any XML: the innermost elements as "name: text"
// items, text between elements as paragraphs. Entities beyond the five of XML are
// not expanded.
func parseXML(b *builder, data []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.Strict = false
	dec.CharsetReader = charset.NewReaderLabel
	var open []string
	var text strings.Builder
	leaf := false // nothing but text since the last start element
	for b.err == nil {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.Errorf(fault.Invalid, "The xml document could not be read: %v.", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			b.add(Block{Kind: Paragraph, Text: squeeze(text.String())})
			text.Reset()
			if open = append(open, tok.Name.Local); len(open) > maxDepth {
				return fault.Errorf(fault.Invalid, "The xml document could not be read: %v.", errDepth)
			}
			leaf = true
		case xml.EndElement:
			t := squeeze(text.String())
			text.Reset()
			if leaf && t != "" && len(open) > 0 {
				b.add(Block{Kind: Item, Text: open[len(open)-1] + ": " + t})
			} else {
				b.add(Block{Kind: Paragraph, Text: t})
			}
			open = open[:max(len(open)-1, 0)]
			leaf = false
		case xml.CharData:
			text.Write(tok)
		default:
		}
	}
	return nil
}
