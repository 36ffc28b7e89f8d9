package document

import "strings"

// parseText cuts plain text into paragraphs at blank lines.
func parseText(b *builder, s string) {
	b.doc.source = s
	for para := range strings.SplitSeq(s, "\n\n") {
		if !b.add(Block{Kind: Paragraph, Text: para}) {
			return
		}
	}
}
