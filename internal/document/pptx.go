package document

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

var errNoBody = errors.New("it has no content")

// parsePPTX reads a presentation slide by slide: titles as headings, lists by their
// indentation, tables, grouped shapes, and the speaker's notes at a slide's end.
func parsePPTX(b *builder, data []byte) error {
	p, err := openPack("pptx", data)
	if err != nil {
		return err
	}
	slides, err := p.slides()
	if err != nil {
		return err
	}
	if len(slides) == 0 {
		return p.broken(errNoBody)
	}
	b.doc.Pages = len(slides)
	for i, name := range slides {
		if err := readSlide(b, p, name, i+1); err != nil || b.err != nil {
			return err
		}
	}
	return nil
}

func readSlide(b *builder, p *pack, name string, page int) error {
	root, err := p.tree(name)
	if err != nil {
		return err
	}
	s := &slideReader{b: b, page: page}
	s.shapes(root.kid("sld", "cSld", "spTree"), 0)
	return s.notes(p, name)
}

// slides returns the slides' member names in the order of the presentation, or of
// their numbers when it does not say.
func (p *pack) slides() ([]string, error) {
	root, err := p.tree("ppt/presentation.xml")
	if err != nil {
		return nil, err
	}
	rels, err := p.relations("ppt/presentation.xml")
	if err != nil {
		return nil, err
	}
	var names []string
	root.each("sldId", func(e *elem) {
		for _, a := range e.attrs {
			if target := rels[a.Value]; a.Name.Local == "id" && p.members[target] != nil {
				names = append(names, target)
			}
		}
	})
	if len(names) > 0 {
		return names, nil
	}
	for name := range p.members {
		if strings.HasPrefix(name, "ppt/slides/slide") && strings.HasSuffix(name, ".xml") {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return names, nil
}

type slideReader struct {
	b    *builder
	page int
}

func (s *slideReader) shapes(tree *elem, depth int) {
	if tree == nil || depth > 20 {
		return
	}
	for _, k := range tree.kids {
		switch k.name {
		case "sp":
			s.shape(k)
		case "grpSp":
			s.shapes(k, depth+1)
		case "graphicFrame":
			k.each("tbl", s.table)
		}
	}
}

func (s *slideReader) shape(sp *elem) {
	kind := sp.kid("nvSpPr", "nvPr", "ph").attr("type")
	switch kind {
	case "dt", "ftr", "sldNum", "hdr":
		return
	case "title", "ctrTitle":
		title := squeeze(slideText(sp.kid("txBody")))
		if s.b.doc.Title == "" {
			s.b.doc.Title = title
		}
		s.b.add(Block{Kind: Heading, Level: 1, Text: title, Page: s.page})
		return
	}
	body := sp.kid("txBody")
	if body == nil {
		return
	}
	numbers := map[int]int{}
	placeholder := sp.kid("nvSpPr", "nvPr", "ph") != nil && (kind == "" || kind == "body" || kind == "obj")
	body.each("p", func(p *elem) {
		props := p.kid("pPr")
		level, _ := strconv.Atoi(props.attr("lvl"))
		level = min(max(level, 0), 8)
		blk := Block{Kind: Paragraph, Text: slideText(p), Page: s.page}
		switch {
		case strings.TrimSpace(blk.Text) == "":
			return
		case props.kid("buAutoNum") != nil:
			numbers[level]++
			blk.Kind, blk.Level, blk.Number = Item, level, numbers[level]
		case props.kid("buChar") != nil, placeholder && props.kid("buNone") == nil, level > 0:
			blk.Kind, blk.Level = Item, level
		}
		s.b.add(blk)
	})
}

func (s *slideReader) table(t *elem) {
	var rows [][]string
	t.each("tr", func(tr *elem) {
		var row []string
		tr.each("tc", func(tc *elem) {
			text := squeeze(slideText(tc.kid("txBody")))
			if tc.attr("hMerge") == "1" && len(row) > 0 {
				text = row[len(row)-1]
			}
			row = append(row, text)
		})
		rows = append(rows, row)
	})
	s.b.add(Block{Kind: Table, Rows: rows, Header: len(rows) > 1, Page: s.page})
}

// notes adds what the speaker wrote for himself.
func (s *slideReader) notes(p *pack, slide string) error {
	rels, err := p.relations(slide)
	if err != nil {
		return err
	}
	for _, target := range rels {
		if !strings.HasPrefix(target, "ppt/notesSlides/") {
			continue
		}
		root, err := p.tree(target)
		if err != nil {
			return err
		}
		root.each("sp", func(sp *elem) {
			if sp.kid("nvSpPr", "nvPr", "ph").attr("type") == "body" {
				s.b.add(Block{Kind: Paragraph, Text: slideText(sp.kid("txBody")), Page: s.page})
			}
		})
	}
	return nil
}

// slideText returns the text of a text body or paragraph, a line per paragraph.
func slideText(e *elem) string {
	if e == nil {
		return ""
	}
	var sb strings.Builder
	for _, k := range e.kids {
		switch k.name {
		case "p":
			if sb.Len() > 0 {
				sb.WriteByte('\n')
			}
			sb.WriteString(slideText(k))
		case "r", "fld":
			sb.WriteString(k.kid("t").data())
		case "br":
			sb.WriteByte('\n')
		}
	}
	return sb.String()
}
