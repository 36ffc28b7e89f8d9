package document

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// parseHTML reads a page: its encoding from the byte order mark or the meta
// element, its blocks from the elements. Scripts, styles, forms' controls and
// pictures without alternative text are left out.
func parseHTML(b *builder, data []byte) error {
	r, err := charset.NewReader(bytes.NewReader(data), "")
	if err != nil {
		r = strings.NewReader(Decode(data))
	}
	root, err := html.Parse(io.LimitReader(r, 4*MaxBytes))
	if err != nil {
		return fault.Errorf(fault.Invalid, "The html document could not be read: %v.", err)
	}
	h := &htmlReader{b: b}
	h.walk(root, 0)
	h.flush()
	return h.err
}

type htmlReader struct {
	b       *builder
	text    strings.Builder // the open run of inline text
	kind    Kind
	level   int
	lists   []htmlList // the open lists, outermost first
	pending bool       // an item was opened and has no text yet
	err     error
}

type htmlList struct {
	ordered bool
	number  int
}

func (h *htmlReader) walk(n *html.Node, depth int) {
	if h.err != nil || h.b.err != nil {
		return
	}
	if depth > 10*maxDepth {
		h.err = fault.Errorf(fault.Invalid, "The html document is nested too deeply.")
		return
	}
	switch n.Type {
	case html.TextNode:
		h.text.WriteString(flat(n.Data))
		return
	case html.ElementNode:
		h.element(n, depth)
		return
	case html.DocumentNode:
		h.children(n, depth)
	default:
	}
}

func (h *htmlReader) children(n *html.Node, depth int) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		h.walk(c, depth+1)
	}
}

func (h *htmlReader) element(n *html.Node, depth int) {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Iframe, atom.Select, atom.Textarea, atom.Button, atom.Object, atom.Audio, atom.Video:
		return
	case atom.Title:
		if h.b.doc.Title == "" {
			h.b.doc.Title = squeeze(content(n, 0))
		}
	case atom.Br:
		h.text.WriteByte('\n')
	case atom.Hr:
		h.flush()
	case atom.Img:
		if alt := attr(n, "alt"); alt != "" {
			h.text.WriteString(" " + alt + " ")
		}
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		h.block(n, depth, Heading, int(n.Data[1]-'0'))
	case atom.Pre:
		h.flush()
		h.b.add(Block{Kind: Code, Text: strings.Trim(content(n, 0), "\n")})
	case atom.Table:
		h.flush()
		h.table(n, depth)
	case atom.Ul, atom.Ol, atom.Menu:
		h.flush()
		h.lists = append(h.lists, htmlList{ordered: n.DataAtom == atom.Ol, number: start(n)})
		h.children(n, depth)
		h.flush()
		h.lists = h.lists[:len(h.lists)-1]
	case atom.Li:
		h.flush()
		h.pending = len(h.lists) > 0
		h.children(n, depth)
		h.flush()
		h.pending = false
	default:
		if blockElement(n.DataAtom) {
			h.block(n, depth, Paragraph, 0)
			return
		}
		h.children(n, depth)
	}
}

// block reads an element that stands apart from the text around it.
func (h *htmlReader) block(n *html.Node, depth int, kind Kind, level int) {
	h.flush()
	outerKind, outerLevel := h.kind, h.level
	if kind != Paragraph {
		h.kind, h.level = kind, level
	}
	h.children(n, depth)
	h.flush()
	h.kind, h.level = outerKind, outerLevel
}

// flush ends the open run of text and makes a block of it.
func (h *htmlReader) flush() {
	text := squeezeLines(h.text.String())
	h.text.Reset()
	if text == "" {
		return
	}
	blk := Block{Kind: h.kind, Level: h.level, Text: text}
	if h.pending && h.kind == Paragraph {
		list := &h.lists[len(h.lists)-1]
		list.number++
		blk = Block{Kind: Item, Level: len(h.lists) - 1, Text: text}
		if list.ordered {
			blk.Number = list.number
		}
		h.pending = false
	}
	h.b.add(blk)
}

// table reads rows and cells; a cell that spans columns is repeated in them. A
// table inside a cell becomes part of the cell's text. A table of a single cell
// is a layout, not a table.
func (h *htmlReader) table(n *html.Node, depth int) {
	var rows [][]string
	header := false
	cells := 0
	for tr := range n.Descendants() {
		if tr.DataAtom != atom.Tr || nearest(tr, atom.Table) != n {
			continue
		}
		var row []string
		for td := tr.FirstChild; td != nil; td = td.NextSibling {
			if td.DataAtom != atom.Td && td.DataAtom != atom.Th {
				continue
			}
			header = header || (len(rows) == 0 && td.DataAtom == atom.Th)
			text := squeeze(content(td, 0))
			for range min(max(number(attr(td, "colspan"), 1), 1), 50) {
				row = append(row, text)
				cells++
			}
		}
		if cells > maxCells {
			h.err = fault.Errorf(fault.Invalid, "The document's tables are too large: over %d cells.", maxCells)
			return
		}
		rows = append(rows, row)
	}
	if c := n.FirstChild; c != nil && c.DataAtom == atom.Caption {
		h.children(c, depth)
		h.flush()
	}
	if len(rows) == 1 && len(rows[0]) == 1 {
		h.b.add(Block{Kind: Paragraph, Text: rows[0][0]})
		return
	}
	h.b.add(Block{Kind: Table, Rows: rows, Header: header})
}

// flat makes spaces of the line ends of the source, which mean nothing in HTML.
func flat(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return r
	}, s)
}

// nearest returns the closest ancestor of the given kind.
func nearest(n *html.Node, a atom.Atom) *html.Node {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == a {
			return p
		}
	}
	return nil
}

// content returns the text of an element as it stands, scripts and styles left out.
func content(n *html.Node, depth int) string {
	var sb strings.Builder
	appendContent(&sb, n, depth)
	return sb.String()
}

func appendContent(sb *strings.Builder, n *html.Node, depth int) {
	if depth > 10*maxDepth {
		return
	}
	switch {
	case n.Type == html.TextNode:
		sb.WriteString(n.Data) // line ends matter inside pre
	case n.DataAtom == atom.Script || n.DataAtom == atom.Style:
		return
	case n.DataAtom == atom.Br:
		sb.WriteByte('\n')
	case n.DataAtom == atom.Img:
		sb.WriteString(attr(n, "alt"))
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		appendContent(sb, c, depth+1)
		if blockElement(c.DataAtom) || c.DataAtom == atom.Td || c.DataAtom == atom.Li {
			sb.WriteByte('\n')
		}
	}
}

func blockElement(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Section, atom.Article, atom.Aside, atom.Main, atom.Header, atom.Footer, atom.Nav, atom.Body,
		atom.Blockquote, atom.Figure, atom.Figcaption, atom.Address, atom.Dl, atom.Dt, atom.Dd, atom.Form, atom.Fieldset,
		atom.Details, atom.Summary, atom.Center, atom.Tr, atom.Hgroup, atom.Caption:
		return true
	default:
		return false
	}
}

func attr(n *html.Node, name string) string {
	for i := range n.Attr {
		if n.Attr[i].Key == name {
			return strings.TrimSpace(n.Attr[i].Val)
		}
	}
	return ""
}

// start returns one less than the number of an ordered list's first item.
func start(n *html.Node) int { return number(attr(n, "start"), 1) - 1 }

// number reads a small number, or returns other.
func number(s string, other int) int {
	v := 0
	for _, c := range s {
		if c < '0' || c > '9' || v > 1e6 {
			return other
		}
		v = v*10 + int(c-'0')
	}
	if s == "" {
		return other
	}
	return v
}

// squeezeLines squeezes each line, and drops empty ones.
func squeezeLines(s string) string {
	lines := strings.Split(s, "\n")
	kept := lines[:0]
	for _, l := range lines {
		if l = squeeze(l); l != "" {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}
