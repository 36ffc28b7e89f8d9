package document

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pdfLook is how a document's text looks as a whole.
type pdfLook struct {
	body     float64 // size of most of the text
	bold     bool    // most of the text is bold, so bold says nothing
	leading  float64 // distance of lines in a paragraph, in sizes
	headings []float64
	// compounds are the hyphenated words within lines, in lower case: a line's end
	// does not take the hyphen out of these.
	compounds map[string]bool
}

// longestHeading is the most letters that a heading may have.
const longestHeading = 200

func lookOf(lines []pdfLine) pdfLook {
	sizes, gaps := map[float64]int{}, map[float64]int{}
	compounds := map[string]bool{}
	bold, all := 0, 0
	for i := range lines {
		l := &lines[i]
		sizes[l.size] += len(l.text)
		all += len(l.text)
		for word := range strings.FieldsSeq(l.text) {
			if strings.Contains(word, "-") {
				compounds[bareWord(word)] = true
			}
		}
		if l.bold {
			bold += len(l.text)
		}
		if i == 0 || lines[i-1].page != l.page || lines[i-1].size != l.size || l.size == 0 {
			continue
		}
		if gap := (lines[i-1].bottom - l.bottom) / l.size; gap > 0.8 && gap < 3 {
			gaps[math.Round(gap*20)/20]++
		}
	}
	look := pdfLook{body: mostly(sizes), bold: bold*2 > all, leading: mostly(gaps), compounds: compounds}
	if look.leading == 0 {
		look.leading = 1.2
	}
	for s := range sizes {
		if s >= look.body*1.12 {
			look.headings = append(look.headings, s)
		}
	}
	slices.SortFunc(look.headings, func(a, b float64) int { return int(math.Copysign(1, b-a)) })
	return look
}

// level returns the level of a heading that looks so, and zero for other text.
func (k *pdfLook) level(l *pdfLine, text string) int {
	letters := strings.IndexFunc(text, unicode.IsLetter) >= 0
	if !letters || utf8.RuneCountInString(text) > longestHeading {
		return 0
	}
	if i := slices.Index(k.headings, l.size); i >= 0 {
		return min(i+1, 6)
	}
	ends := strings.HasSuffix(text, ".") || strings.HasSuffix(text, ",") || strings.HasSuffix(text, ";") || strings.HasSuffix(text, ":")
	if l.bold && !k.bold && l.size >= k.body*0.95 && !ends && utf8.RuneCountInString(text) <= longestHeading/2 {
		return min(len(k.headings)+1, 6)
	}
	return 0
}

// pdfWriter joins lines into blocks.
type pdfWriter struct {
	b      *builder
	look   pdfLook
	first  pdfLine // of the open paragraph
	last   pdfLine
	text   []byte
	item   bool
	number int
	open   bool
}

func (w *pdfWriter) write(lines []pdfLine) {
	for i := 0; i < len(lines) && w.b.err == nil; i++ {
		if n := tableRows(lines[i:]); n > 0 {
			w.flush()
			w.table(lines[i : i+n])
			i += n - 1
			continue
		}
		w.line(&lines[i])
	}
	w.flush()
}

var (
	bulletRE = regexp.MustCompile(`^[•◦▪▫●○■□‣⁃∙·\x{F0B7}\x{F0A7}]\s*`)
	numberRE = regexp.MustCompile(`^(\d{1,3})[.)]\s+`)
)

func (w *pdfWriter) line(l *pdfLine) {
	bullet, number := bulletRE.FindString(l.text), numberRE.FindStringSubmatch(l.text)
	if w.open && bullet == "" && w.continues(l, number != nil) {
		w.join(l)
		return
	}
	w.flush()
	w.open, w.first, w.last = true, *l, *l
	w.item, w.number = false, 0
	text := l.text
	switch {
	case bullet != "":
		w.item, text = true, text[len(bullet):]
	case number != nil && w.look.level(l, text) == 0:
		if n, err := strconv.Atoi(number[1]); err == nil && n > 0 {
			w.item, w.number, text = true, n, text[len(number[0]):]
		}
	}
	w.text = append(w.text[:0], text...)
}

// tail is the end of the open paragraph. The whole is not looked at again for each
// line, because a hostile file may have half a million in one paragraph.
func (w *pdfWriter) tail() string { return string(w.text[max(0, len(w.text)-100):]) }

// continues reports whether a line belongs to the open paragraph.
func (w *pdfWriter) continues(l *pdfLine, numbered bool) bool {
	p := &w.last
	text := w.tail()
	if math.Abs(p.size-l.size) > 0.08*max(p.size, l.size) || p.bold != l.bold && (p.bold || w.look.level(l, l.text) > 0) {
		return p.hyphen && p.page == l.page && startsLower(l.text)
	}
	drop := p.bottom - l.bottom
	if p.page != l.page || p.angle != l.angle || drop < -0.5*l.size {
		// The next column or page: only a sentence that is cut goes on there.
		return !ended(text) && startsLower(l.text)
	}
	if numbered && (w.number > 0 || ended(text)) {
		return false
	}
	if drop < 0.5*l.size { // the same height: another piece of the line
		return l.left-p.right < 3*l.size
	}
	if drop > w.look.leading*1.3*l.size || l.left > p.right || l.right < p.left {
		return false
	}
	// A new paragraph is set in, or follows a line that ends early.
	setIn := l.left > p.left+0.9*l.size && !w.item && ended(text)
	short := p.right < l.right-6*l.size && ended(text)
	return !setIn && !short
}

func (w *pdfWriter) join(l *pdfLine) {
	text := w.tail()
	word := text[strings.LastIndexByte(text, ' ')+1:]
	broken := strings.Count(word, "-")+strings.Count(word, "\u2010") == 1 && len(word) > 2 && startsLower(l.text)
	switch {
	case w.last.hyphen && broken && !w.look.compounds[bareWord(word+firstWord(l.text))]:
		_, n := utf8.DecodeLastRuneInString(text)
		w.text = w.text[:len(w.text)-n]
	case w.last.hyphen, unspaced(text, l.text):
	default:
		w.text = append(w.text, ' ')
	}
	w.text = append(w.text, l.text...)
	w.last = *l
}

func (w *pdfWriter) flush() {
	if !w.open {
		return
	}
	w.open = false
	blk := Block{Text: string(w.text), Page: w.first.page, Number: w.number}
	switch level := w.look.level(&w.first, blk.Text); {
	case w.item:
		blk.Kind = Item
	case level > 0:
		blk.Kind, blk.Level = Heading, level
	}
	w.b.add(blk)
}

// bareWord is a word in lower case without the marks around it.
func bareWord(s string) string {
	return strings.ToLower(strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

func ended(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s, `"'”’)]»`))
	return strings.ContainsRune(".!?:;。！？…", r)
}

func startsLower(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLower(r)
}

// unspaced reports whether a line of a script without spaces goes on with the same.
func unspaced(a, b string) bool {
	last, _ := utf8.DecodeLastRuneInString(a)
	next, _ := utf8.DecodeRuneInString(b)
	han := func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }
	return han(last) && han(next)
}

// tableRows returns how many of the first lines are the rows of one table: at least
// three lines of as many cells, which stand in columns. Else zero.
func tableRows(lines []pdfLine) int {
	const fewest = 3
	first := &lines[0]
	k := len(first.cells)
	if k < 2 || bulletRE.MatchString(first.text) || numberRE.MatchString(first.text) || strings.HasPrefix(first.text, "[") {
		return 0
	}
	columns := slices.Clone(first.cells)
	n := 1
	for ; n < len(lines); n++ {
		l := &lines[n]
		if len(l.cells) != k || l.page != first.page || l.angle != first.angle || l.bottom >= lines[n-1].bottom {
			break
		}
		if !inColumns(columns, l.cells) {
			break
		}
	}
	if n < fewest {
		return 0
	}
	return n
}

// inColumns reports whether each cell lies over its own column and no other, and
// widens the columns by them.
func inColumns(columns, cells []pdfCell) bool {
	for i, c := range cells {
		if c.right < columns[i].left || c.left > columns[i].right ||
			i > 0 && c.left < columns[i-1].right || i+1 < len(columns) && c.right > columns[i+1].left {
			return false
		}
	}
	for i, c := range cells {
		columns[i].left, columns[i].right = min(columns[i].left, c.left), max(columns[i].right, c.right)
	}
	return true
}

func (w *pdfWriter) table(lines []pdfLine) {
	rows := make([][]string, len(lines))
	for i := range lines {
		for _, c := range lines[i].cells {
			rows[i] = append(rows[i], c.text)
		}
	}
	header := lines[0].bold && !lines[1].bold
	w.b.add(Block{Kind: Table, Rows: rows, Header: header, Page: lines[0].page})
}
