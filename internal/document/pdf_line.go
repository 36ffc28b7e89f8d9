package document

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/outcrop-ai/outcrop/internal/document/pdfium"
)

// pdfLine is a line of text on a page, in a frame turned so that it is written
// from left to right: x grows along it and y upwards.
type pdfLine struct {
	text     string
	page     int
	angle    int // quarter turns of the frame
	left     float64
	right    float64
	bottom   float64
	height   float64 // of its page
	size     float64 // of most of its letters, in points, to the half
	bold     bool    // nearly all of it
	hyphen   bool    // its last word goes on in the next line
	cells    []pdfCell
	onPaperY float64 // of its bottom, on the page as it lies
}

// pdfCell is a piece of a line that stands apart from the rest by a wide gap.
type pdfCell struct {
	text        string
	left, right float64
}

// lineMaker gathers glyphs into one line.
type lineMaker struct {
	line    pdfLine
	text    strings.Builder // of the whole line
	cell    strings.Builder
	at      pdfCell
	sizes   map[float64]int
	letters int
	bold    int
	// lastBottom is the bottom of the last glyph.
	lastBottom float64
}

// pageLines cuts a page's glyphs into lines, in the order of the page's content,
// which is the order of reading in what programs write.
func pageLines(p *pdfium.Page) []pdfLine {
	mendLigatures(p.Glyphs)
	var lines []pdfLine
	var m *lineMaker
	end := func() {
		if m != nil {
			if l, ok := m.done(); ok && !extend(lines, &l) {
				lines = append(lines, l)
			}
		}
		m = nil
	}
	for i := range p.Glyphs {
		g := &p.Glyphs[i]
		if g.Rune == '\n' || g.Rune == '\r' {
			end()
			continue
		}
		if m != nil && m.leaves(g) {
			end()
		}
		if m == nil {
			m = newLineMaker(p)
		}
		m.glyph(g)
		if g.Hyphen { // PDFium leaves out the line's end after these
			end()
		}
	}
	end()
	return lines
}

// extend adds a line to the last one where PDFium cut one line in two: it goes on at
// the same height, to the right. It reports whether it did.
func extend(lines []pdfLine, l *pdfLine) bool {
	if len(lines) == 0 {
		return false
	}
	p := &lines[len(lines)-1]
	const most = 100 // of the cells of a row, so that joining stays cheap
	if len(p.cells) > most || p.hyphen || p.angle != l.angle || p.size != l.size || p.bold != l.bold || math.Abs(p.bottom-l.bottom) > 0.1*l.size || l.left <= p.right {
		return false
	}
	p.text += " " + l.text
	p.cells = append(p.cells, l.cells...)
	p.right, p.hyphen = l.right, l.hyphen
	return true
}

// mendLigatures puts the letters of the Arabic ligature lam-alef, which PDFium takes
// apart from left to right, in the order in which they are read.
func mendLigatures(glyphs []pdfium.Glyph) {
	for i := 1; i < len(glyphs); i++ {
		alef, lam := &glyphs[i-1], &glyphs[i]
		if lam.Rune == '\u0644' && strings.ContainsRune("\u0622\u0623\u0625\u0627", alef.Rune) &&
			alef.Left == lam.Left && alef.Right == lam.Right {
			alef.Rune, lam.Rune = lam.Rune, alef.Rune
		}
	}
}

func newLineMaker(p *pdfium.Page) *lineMaker {
	m := &lineMaker{sizes: map[float64]int{}}
	m.line.page, m.line.height = p.Number, p.Height
	return m
}

// leaves reports whether a glyph stands on another line although PDFium saw no end
// of this one, as happens between the rows of a table.
func (m *lineMaker) leaves(g *pdfium.Glyph) bool {
	if m.letters == 0 || unicode.IsSpace(g.Rune) {
		return false
	}
	left, _, bottom := turn(g, m.line.angle)
	size := max(g.Size, 1)
	away := math.Abs(bottom - m.lastBottom)
	middle := (m.at.left + m.at.right) / 2 // of the open cell
	return away > 0.6*size && left < middle || away > 1.2*size && left > m.at.right+size
}

func (m *lineMaker) glyph(g *pdfium.Glyph) {
	r := g.Rune
	switch {
	case r == 0 || r == 0xFFFE || r == 0xFFFF || !unicode.IsSpace(r) && unicode.IsControl(r):
		return
	case r == 0xAD: // a soft hyphen shows only where it breaks a word
		r = '-'
	case unicode.IsSpace(r):
		if m.text.Len() > 0 {
			m.text.WriteByte(' ')
			m.cell.WriteByte(' ')
		}
		return
	}
	if m.letters == 0 {
		m.line.angle = int(math.Round(g.Angle/(math.Pi/2))) & 3
		m.line.bottom, m.line.onPaperY = math.Inf(1), g.Bottom
	}
	left, right, bottom := turn(g, m.line.angle)
	size := math.Round(g.Size*2) / 2
	if wide := 1.5 * max(g.Size, 1); m.letters > 0 && left-m.at.right > wide {
		m.endCell()
	}
	if m.cell.Len() == 0 {
		m.at.left, m.at.right = left, right
	}
	m.at.left, m.at.right = min(m.at.left, left), max(m.at.right, right)
	m.line.bottom = min(m.line.bottom, bottom)
	m.lastBottom = bottom
	m.text.WriteRune(r)
	m.cell.WriteRune(r)
	m.letters++
	m.sizes[size]++
	if g.Bold {
		m.bold++
	}
	m.line.hyphen = g.Hyphen || r == '-' || r == '\u2010'
}

// turn gives a glyph's place in a frame turned back by quarter turns.
func turn(g *pdfium.Glyph, quarters int) (left, right, bottom float64) {
	switch quarters {
	case 1:
		return g.Bottom, g.Top, -g.Right
	case 2:
		return -g.Right, -g.Left, -g.Top
	case 3:
		return -g.Top, -g.Bottom, g.Left
	}
	return g.Left, g.Right, g.Bottom
}

func (m *lineMaker) endCell() {
	if m.at.text = squeeze(m.cell.String()); m.at.text != "" {
		m.line.cells = append(m.line.cells, m.at)
	}
	m.cell.Reset()
}

func (m *lineMaker) done() (pdfLine, bool) {
	m.endCell()
	l := m.line
	if l.text = squeeze(m.text.String()); l.text == "" || len(l.cells) == 0 {
		return l, false
	}
	l.left, l.right = l.cells[0].left, l.cells[0].right
	for _, c := range l.cells {
		l.left, l.right = min(l.left, c.left), max(l.right, c.right)
	}
	l.size = mostly(m.sizes)
	l.bold = m.bold*10 >= m.letters*9
	return l, true
}

// mostly returns the size that counts most, the larger of two alike.
func mostly(sizes map[float64]int) (size float64) {
	best := 0
	for s, n := range sizes {
		if n > best || n == best && s > size {
			size, best = s, n
		}
	}
	return size
}

// dropRunningHeads drops the lines at the head and foot of pages that stand at the
// same height on most pages of a document and differ in their digits at most.
func dropRunningHeads(lines []pdfLine, pages int) []pdfLine {
	const fewest = 3
	if pages < fewest {
		return lines
	}
	type key struct {
		text string
		y    int
	}
	on := map[key]map[int]bool{}
	keyOf := func(l *pdfLine, dy int) key {
		text := strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return '#'
			}
			return r
		}, l.text)
		for strings.Contains(text, "##") {
			text = strings.ReplaceAll(text, "##", "#")
		}
		return key{text, int(math.Round(l.onPaperY/3)) + dy}
	}
	edge := func(l *pdfLine) bool {
		return l.onPaperY < 0.1*l.height || l.onPaperY > 0.88*l.height
	}
	for i := range lines {
		if l := &lines[i]; edge(l) {
			k := keyOf(l, 0)
			if on[k] == nil {
				on[k] = map[int]bool{}
			}
			on[k][l.page] = true
		}
	}
	return slices.DeleteFunc(lines, func(l pdfLine) bool {
		if !edge(&l) {
			return false
		}
		n := 0
		for dy := -1; dy <= 1; dy++ { // heights are rounded
			n += len(on[keyOf(&l, dy)])
		}
		// Left and right pages may differ, so a third of all is most of one side.
		return n >= fewest && n*3 >= pages
	})
}
