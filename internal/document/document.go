// Package document turns the bytes of a document into its text: headings,
// paragraphs, lists, tables and page numbers.
//
// Converse's document blocks, knowledge bases and the reader all need the same,
// so there is one parser per format here, a file each. A parser keeps reading
// order, drops what is not text (styles, scripts, pictures) and never runs or
// fetches anything a document names.
//
// Everything is bounded: the input's size, the size and number of a package's
// members once uncompressed, nesting, the number of blocks and the length of the
// text. A document beyond a bound is refused, not cut in silence. Errors are
// *fault.Error: Invalid for a broken or oversize document, NotImplemented for a
// format that is known and not read here.
package document

import (
	"context"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Bounds on one document.
const (
	MaxBytes  = 64 << 20 // of the document as it comes
	maxText   = 64 << 20 // of text taken from it
	maxBlocks = 500_000
	maxCells  = 4_000_000
	maxDepth  = 200 // of nested elements
)

// Kind says what a block is.
type Kind uint8

// The kinds of block.
const (
	Paragraph Kind = iota
	Heading        // Level 1 to 6
	Item           // of a list; Level is its depth from 0
	Table          // Rows
	Code
)

// Block is one piece of a document, in reading order.
type Block struct {
	Kind    Kind
	Level   int
	Number  int        // Item: its number in an ordered list, zero when unordered
	Text    string     // plain text, without markup; empty for a Table
	Rows    [][]string // Table: rows of cells, all rows of the same length
	Header  bool       // Table: the first row names the columns
	Page    int        // page, slide or sheet from 1; zero where the format has none
	Section string     // name of the sheet it came from; empty elsewhere
}

// Document is a parsed document. It is not changed after Parse.
type Document struct {
	Title  string // as the document says; may be empty
	Pages  int    // zero where the format has none
	Blocks []Block

	// Notices say what of the document could not be read, a sentence each, such as
	// pages that are pictures.
	Notices []string

	// source is the decoded text of a format that is text already.
	source string
}

// Formats lists the formats that Parse reads, in the words of Converse where it has one.
func Formats() []string {
	return []string{"csv", "docx", "html", "json", "md", "pdf", "pptx", "tsv", "txt", "xlsx", "xml"}
}

// Parse reads a document. The format is a file extension without its dot, in any
// case ("txt", "md", "html", …); an empty one is told from the content. Parse
// gives up when ctx ends.
func Parse(ctx context.Context, format string, data []byte) (*Document, error) {
	if len(data) > MaxBytes {
		return nil, fault.Errorf(fault.Invalid, "The document is too large: %d bytes, at most %d are read.", len(data), MaxBytes)
	}
	format = strings.ToLower(strings.TrimPrefix(format, "."))
	if format == "" {
		format = sniff(data)
	}
	b := &builder{ctx: ctx}
	if err := b.parse(format, data); err != nil {
		return nil, err
	}
	if b.err != nil {
		return nil, b.err
	}
	return &b.doc, nil
}

func (b *builder) parse(format string, data []byte) error {
	switch format {
	case "txt", "text", "log":
		parseText(b, Decode(data))
	case "md", "markdown":
		parseMarkdown(b, Decode(data))
	case "html", "htm", "xhtml":
		return parseHTML(b, data)
	case "csv":
		return parseCSV(b, Decode(data), 0)
	case "tsv":
		return parseCSV(b, Decode(data), '\t')
	case "json":
		return parseJSON(b, Decode(data))
	case "xml":
		return parseXML(b, data)
	case "docx":
		return parseDOCX(b, data)
	case "xlsx":
		return parseXLSX(b, data)
	case "pptx":
		return parsePPTX(b, data)
	case "pdf":
		return parsePDF(b, data)
	case "doc", "xls", "ppt", "odt", "rtf", "eml":
		return fault.Errorf(fault.NotImplemented, "Documents in the format %s cannot be read here yet; these can: %s.", format, strings.Join(Formats(), ", "))
	default:
		return fault.Errorf(fault.Invalid, "The document format %q is not known; these can be read: %s.", format, strings.Join(Formats(), ", "))
	}
	return nil
}

// sniff tells a format from the first bytes; text is the answer when nothing fits.
func sniff(data []byte) string {
	head := data[:min(len(data), 1024)]
	switch {
	case strings.HasPrefix(string(head), "%PDF-"):
		return "pdf"
	case strings.HasPrefix(string(head), "PK\x03\x04"):
		return sniffPackage(data)
	case strings.HasPrefix(string(head), "\xd0\xcf\x11\xe0"):
		return "doc"
	}
	text := strings.ToLower(strings.TrimSpace(Decode(head)))
	switch {
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"):
		return "html"
	case strings.HasPrefix(text, "<?xml"):
		return "xml"
	}
	return "txt"
}

// Text returns the document as plain text, blocks apart by a blank line, cells by
// tabs. For txt and md it is the decoded document itself, so that places in it are
// places in what the caller sent.
func (d *Document) Text() string {
	if d.source != "" {
		return d.source
	}
	var sb strings.Builder
	for i := range d.Blocks {
		if i > 0 {
			sb.WriteString("\n\n")
		}
		blk := &d.Blocks[i]
		if blk.Kind != Table {
			sb.WriteString(blk.Text)
			continue
		}
		for j, row := range blk.Rows {
			if j > 0 {
				sb.WriteByte('\n')
			}
			sb.WriteString(strings.Join(row, "\t"))
		}
	}
	return sb.String()
}

// builder collects blocks and keeps the bounds; its first error sticks.
type builder struct {
	ctx   context.Context //nolint:containedctx // lives for one Parse call
	doc   Document
	size  int
	cells int
	err   error
}

// add takes a block unless it is empty, and reports whether to go on.
func (b *builder) add(blk Block) bool {
	if b.err != nil {
		return false
	}
	blk.Text = strings.TrimSpace(blk.Text)
	if blk.Kind == Table {
		blk.Rows = trimTable(blk.Rows)
	}
	if blk.Text == "" && len(blk.Rows) == 0 {
		return true
	}
	b.size += len(blk.Text)
	for _, row := range blk.Rows {
		b.cells += len(row)
		for _, c := range row {
			b.size += len(c)
		}
	}
	switch {
	case b.size > maxText:
		b.err = fault.Errorf(fault.Invalid, "The document holds too much text: over %d bytes.", maxText)
	case b.cells > maxCells:
		b.err = fault.Errorf(fault.Invalid, "The document's tables are too large: over %d cells.", maxCells)
	case len(b.doc.Blocks) >= maxBlocks:
		b.err = fault.Errorf(fault.Invalid, "The document has too many parts: over %d.", maxBlocks)
	case len(b.doc.Blocks)%256 == 0 && b.ctx.Err() != nil:
		b.err = b.ctx.Err()
	default:
		b.doc.Blocks = append(b.doc.Blocks, blk)
	}
	return b.err == nil
}

// trimTable makes all rows equally long and drops empty rows and the empty columns
// on the right.
func trimTable(rows [][]string) [][]string {
	width := 0
	kept := rows[:0:0]
	for _, row := range rows {
		used := 0
		for i, c := range row {
			if strings.TrimSpace(c) != "" {
				used = i + 1
			}
		}
		width = max(width, used)
		if used > 0 {
			kept = append(kept, row)
		}
	}
	for i, row := range kept {
		switch {
		case len(row) > width:
			kept[i] = row[:width]
		case len(row) < width:
			kept[i] = append(slices.Clone(row), make([]string, width-len(row))...)
		}
	}
	return kept
}

// squeeze joins the words of a text by single spaces.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// Verbatim reports whether Text is the decoded document itself.
func (d *Document) Verbatim() bool { return d.source != "" }
