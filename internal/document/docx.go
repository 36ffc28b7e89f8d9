package document

import (
	"strconv"
	"strings"
)

// parseDOCX reads a Word document: paragraphs with their heading styles and list
// numbering, tables, text boxes. Deleted text, headers, footers and comments are
// left out.
func parseDOCX(b *builder, data []byte) error {
	p, err := openPack("docx", data)
	if err != nil {
		return err
	}
	root, err := p.tree("word/document.xml")
	if err != nil {
		return err
	}
	body := root.kid("document", "body")
	if body == nil {
		return p.broken(errNoBody)
	}
	d := &docxReader{b: b, counters: map[string][]int{}}
	if err := d.styles(p); err != nil {
		return err
	}
	if err := d.numbering(p); err != nil {
		return err
	}
	if core, err := p.tree("docProps/core.xml"); err == nil {
		b.doc.Title = squeeze(core.kid("coreProperties", "title").data())
	}
	d.blocks(body)
	return nil
}

type docxReader struct {
	b        *builder
	style    map[string]docxStyle // by style ID
	ordered  map[string][]bool    // numbering ID: whether each level counts
	counters map[string][]int     // numbering ID: the last number of each level
}

type docxStyle struct {
	heading int // 1 to 9, zero: none
	num     string
	level   int
	based   string
}

func (d *docxReader) styles(p *pack) error {
	root, err := p.tree("word/styles.xml")
	if err != nil {
		return err
	}
	d.style = map[string]docxStyle{}
	root.each("style", func(e *elem) {
		s := docxStyle{based: e.kid("basedOn").attr("val")}
		name := strings.ToLower(e.kid("name").attr("val"))
		if rest, ok := strings.CutPrefix(name, "heading "); ok {
			s.heading, _ = strconv.Atoi(rest)
		}
		if name == "title" {
			s.heading = 1
		}
		if lvl := e.kid("pPr", "outlineLvl").attr("val"); lvl != "" && s.heading == 0 {
			if n, err := strconv.Atoi(lvl); err == nil && n < 9 {
				s.heading = n + 1
			}
		}
		num := e.kid("pPr", "numPr")
		s.num = num.kid("numId").attr("val")
		s.level, _ = strconv.Atoi(num.kid("ilvl").attr("val"))
		d.style[e.attr("styleId")] = s
	})
	return nil
}

func (d *docxReader) numbering(p *pack) error {
	root, err := p.tree("word/numbering.xml")
	if err != nil {
		return err
	}
	abstract := map[string][]bool{}
	root.each("abstractNum", func(e *elem) {
		var levels []bool
		e.each("lvl", func(l *elem) {
			format := l.kid("numFmt").attr("val")
			levels = append(levels, format != "bullet" && format != "none")
		})
		abstract[e.attr("abstractNumId")] = levels
	})
	d.ordered = map[string][]bool{}
	root.each("num", func(e *elem) {
		d.ordered[e.attr("numId")] = abstract[e.kid("abstractNumId").attr("val")]
	})
	return nil
}

// resolve follows a style's ancestors for what it does not say itself.
func (d *docxReader) resolve(id string) docxStyle {
	s := d.style[id]
	for range 20 { // styles may be based on each other in a circle
		if s.based == "" || (s.heading > 0 && s.num != "") {
			break
		}
		base := d.style[s.based]
		if s.heading == 0 {
			s.heading = base.heading
		}
		if s.num == "" {
			s.num, s.level = base.num, base.level
		}
		s.based = base.based
	}
	return s
}

// blocks reads the paragraphs and tables of a body, a content control or a text box.
func (d *docxReader) blocks(e *elem) {
	for _, k := range e.kids {
		if d.b.err != nil {
			return
		}
		switch k.name {
		case "p":
			d.paragraph(k)
		case "tbl":
			d.table(k)
		case "sdt":
			d.blocks(elseEmpty(k.kid("sdtContent")))
		case "ins", "moveTo", "customXml", "smartTag":
			d.blocks(k)
		}
	}
}

func elseEmpty(e *elem) *elem {
	if e == nil {
		return &elem{}
	}
	return e
}

func (d *docxReader) paragraph(p *elem) {
	text, boxes := docxText(p)
	props := p.kid("pPr")
	style := d.resolve(props.kid("pStyle").attr("val"))
	num, level := style.num, style.level
	if own := props.kid("numPr"); own != nil {
		num = own.kid("numId").attr("val")
		level, _ = strconv.Atoi(own.kid("ilvl").attr("val"))
	}
	blk := Block{Kind: Paragraph, Text: text}
	switch {
	case strings.TrimSpace(text) == "":
	case style.heading > 0:
		blk.Kind, blk.Level = Heading, min(style.heading, 6)
	case num != "" && num != "0":
		blk.Kind, blk.Level = Item, min(max(level, 0), 8)
		if levels := d.ordered[num]; blk.Level < len(levels) && levels[blk.Level] {
			blk.Number = d.count(num, blk.Level)
		}
	}
	d.b.add(blk)
	for _, box := range boxes {
		d.blocks(box)
	}
}

// count returns the next number of a list's level and starts the levels below anew.
func (d *docxReader) count(num string, level int) int {
	c := d.counters[num]
	if c == nil {
		c = make([]int, 9)
		d.counters[num] = c
	}
	c[level]++
	clear(c[level+1:])
	return c[level]
}

func (d *docxReader) table(t *elem) {
	var rows [][]string
	t.each("tr", func(tr *elem) {
		var row []string
		tr.each("tc", func(tc *elem) {
			var parts []string
			for _, k := range tc.kids {
				if k.name == "p" || k.name == "tbl" || k.name == "sdt" {
					text, _ := docxText(k)
					parts = append(parts, squeeze(text))
				}
			}
			text := squeeze(strings.Join(parts, " "))
			if merge := tc.kid("tcPr", "vMerge"); merge != nil && merge.attr("val") != "restart" && len(rows) > 0 && len(row) < len(rows[len(rows)-1]) {
				text = rows[len(rows)-1][len(row)] // it goes on from the row above
			}
			span := number(tc.kid("tcPr", "gridSpan").attr("val"), 1)
			for range min(max(span, 1), 50) {
				row = append(row, text)
			}
		})
		rows = append(rows, row)
	})
	d.b.add(Block{Kind: Table, Rows: rows, Header: len(rows) > 1})
}

// docxText returns a paragraph's text, and the text boxes anchored in it.
func docxText(p *elem) (text string, boxes []*elem) {
	var sb strings.Builder
	var walk func(e *elem)
	walk = func(e *elem) {
		for _, k := range e.kids {
			switch k.name {
			case "t":
				sb.WriteString(k.data())
			case "tab":
				sb.WriteByte('\t')
			case "br", "cr":
				sb.WriteByte('\n')
			case "noBreakHyphen":
				sb.WriteByte('-')
			case "p":
				walk(k)
				sb.WriteByte(' ')
			case "txbxContent":
				boxes = append(boxes, k)
			case "del", "moveFrom", "pPr", "rPr", "instrText", "Fallback", "":
			default:
				walk(k)
			}
		}
	}
	walk(p)
	return sb.String(), boxes
}
