package document

import (
	"strconv"
	"strings"
)

// Markdown returns the document as Markdown: what a chat model is given when it
// cannot take the document itself.
func (d *Document) Markdown() string {
	var sb strings.Builder
	for i := range d.Blocks {
		blk := &d.Blocks[i]
		if i > 0 {
			sb.WriteByte('\n')
			if blk.Kind != Item || d.Blocks[i-1].Kind != Item {
				sb.WriteByte('\n')
			}
		}
		writeBlock(&sb, blk)
	}
	return sb.String()
}

// Markdown returns one block as Markdown.
func (b *Block) Markdown() string {
	var sb strings.Builder
	writeBlock(&sb, b)
	return sb.String()
}

func writeBlock(sb *strings.Builder, blk *Block) {
	switch blk.Kind {
	case Heading:
		sb.WriteString(strings.Repeat("#", min(max(blk.Level, 1), 6)))
		sb.WriteByte(' ')
		sb.WriteString(squeeze(blk.Text))
	case Item:
		indent := strings.Repeat("    ", min(blk.Level, 20))
		sb.WriteString(indent)
		if blk.Number > 0 {
			sb.WriteString(strconv.Itoa(blk.Number))
			sb.WriteString(". ")
		} else {
			sb.WriteString("- ")
		}
		sb.WriteString(strings.ReplaceAll(blk.Text, "\n", "\n"+indent+"  "))
	case Table:
		writeTable(sb, blk)
	case Code:
		fence := "```"
		for strings.Contains(blk.Text, fence) {
			fence += "`"
		}
		sb.WriteString(fence + "\n" + blk.Text + "\n" + fence)
	default:
		sb.WriteString(blk.Text)
	}
}

// writeTable writes a pipe table. A table without a header gets its first row as
// one, because the notation has no other way.
func writeTable(sb *strings.Builder, blk *Block) {
	for i, row := range blk.Rows {
		if i > 0 {
			sb.WriteByte('\n')
		}
		for _, c := range row {
			sb.WriteString("| ")
			sb.WriteString(strings.ReplaceAll(squeeze(c), "|", `\|`))
			sb.WriteByte(' ')
		}
		sb.WriteByte('|')
		if i == 0 {
			sb.WriteByte('\n')
			sb.WriteString(strings.Repeat("| - ", len(row)))
			sb.WriteByte('|')
		}
	}
}
