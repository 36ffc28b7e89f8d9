package document

import (
	"regexp"
	"strconv"
	"strings"
)

// parseMarkdown reads the block structure of Markdown: headings of both forms,
// fenced code, lists, pipe tables, quotes and paragraphs. Of the markup inside a
// line it keeps the words: a link's text, a picture's alternative text.
func parseMarkdown(b *builder, s string) {
	b.doc.source = s
	m := &mdParser{b: b, lines: strings.Split(s, "\n")}
	m.frontMatter()
	for m.next < len(m.lines) && b.err == nil {
		m.step()
	}
	m.flush()
	if b.doc.Title == "" {
		for i := range b.doc.Blocks {
			if b.doc.Blocks[i].Kind == Heading {
				b.doc.Title = b.doc.Blocks[i].Text
				break
			}
		}
	}
}

type mdParser struct {
	b      *builder
	lines  []string
	next   int
	para   []string
	inItem bool // para continues the list item that was added last
}

var (
	mdHeading = regexp.MustCompile(`^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$`)
	mdFence   = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})")
	mdItem    = regexp.MustCompile(`^([ \t]*)(?:[-*+]|(\d{1,9})[.)])[ \t]+(.*)$`)
	mdRule    = regexp.MustCompile(`^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$`)
	mdSetext  = regexp.MustCompile(`^ {0,3}(=+|-+)[ \t]*$`)
	mdDivider = regexp.MustCompile(`^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$`)
)

func (m *mdParser) step() {
	line := m.lines[m.next]
	m.next++
	switch {
	case strings.TrimSpace(line) == "":
		m.flush()
	case mdFence.MatchString(line):
		m.flush()
		m.code(mdFence.FindStringSubmatch(line)[1])
	case mdHeading.MatchString(line):
		m.flush()
		h := mdHeading.FindStringSubmatch(line)
		m.b.add(Block{Kind: Heading, Level: len(h[1]), Text: inline(h[2])})
	case len(m.para) > 0 && !m.inItem && mdSetext.MatchString(line):
		level := 1
		if strings.Contains(line, "-") {
			level = 2
		}
		m.b.add(Block{Kind: Heading, Level: level, Text: inline(strings.Join(m.para, " "))})
		m.para = nil
	case mdRule.MatchString(line):
		m.flush()
	case strings.Contains(line, "|") && m.next < len(m.lines) && strings.Contains(m.lines[m.next], "-") && mdDivider.MatchString(m.lines[m.next]):
		m.flush()
		m.table(line)
	case mdItem.MatchString(line):
		m.flush()
		m.item(mdItem.FindStringSubmatch(line))
	default:
		m.para = append(m.para, strings.TrimLeft(strings.TrimSpace(line), "> "))
	}
}

// flush ends the open paragraph or list item.
func (m *mdParser) flush() {
	if len(m.para) > 0 {
		text := inline(strings.Join(m.para, "\n"))
		if m.inItem {
			last := &m.b.doc.Blocks[len(m.b.doc.Blocks)-1]
			last.Text += " " + squeeze(text)
		} else {
			m.b.add(Block{Kind: Paragraph, Text: text})
		}
	}
	m.para, m.inItem = nil, false
}

func (m *mdParser) item(g []string) {
	number, _ := strconv.Atoi(g[2])
	depth := len(strings.ReplaceAll(g[1], "\t", "    ")) / 2
	n := len(m.b.doc.Blocks)
	if n > 0 && m.b.doc.Blocks[n-1].Kind == Item {
		depth = min(depth, m.b.doc.Blocks[n-1].Level+1)
	} else {
		depth = 0
	}
	m.b.add(Block{Kind: Item, Level: depth, Number: number, Text: inline(g[3])})
	m.inItem = len(m.b.doc.Blocks) > n
}

func (m *mdParser) code(fence string) {
	start := m.next
	for m.next < len(m.lines) && !strings.HasPrefix(strings.TrimLeft(m.lines[m.next], " "), fence) {
		m.next++
	}
	m.b.add(Block{Kind: Code, Text: strings.Join(m.lines[start:m.next], "\n")})
	m.next++
}

func (m *mdParser) table(head string) {
	rows := [][]string{cells(head)}
	m.next++ // the divider
	for m.next < len(m.lines) && strings.Contains(m.lines[m.next], "|") {
		rows = append(rows, cells(m.lines[m.next]))
		m.next++
	}
	m.b.add(Block{Kind: Table, Rows: rows, Header: true})
}

// frontMatter skips a YAML head, of which it reads the title.
func (m *mdParser) frontMatter() {
	if len(m.lines) == 0 || strings.TrimRight(m.lines[0], " ") != "---" {
		return
	}
	for i := 1; i < min(len(m.lines), 200); i++ {
		if strings.TrimRight(m.lines[i], " ") == "---" {
			m.next = i + 1
			return
		}
		if title, ok := strings.CutPrefix(m.lines[i], "title:"); ok {
			m.b.doc.Title = strings.Trim(strings.TrimSpace(title), `"'`)
		}
	}
	m.b.doc.Title = ""
}

// cells cuts a table row at bars that are not escaped.
func cells(line string) []string {
	line = strings.TrimSpace(line)
	line = strings.TrimPrefix(line, "|")
	if strings.HasSuffix(line, "|") && !strings.HasSuffix(line, `\|`) {
		line = line[:len(line)-1]
	}
	var out []string
	var cell strings.Builder
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '|':
			cell.WriteByte('|')
			i++
		case line[i] == '|':
			out = append(out, inline(strings.TrimSpace(cell.String())))
			cell.Reset()
		default:
			cell.WriteByte(line[i])
		}
	}
	return append(out, inline(strings.TrimSpace(cell.String())))
}

var (
	mdImage  = regexp.MustCompile(`!\[([^\]\n]*)\]\([^)\n]*\)`)
	mdLink   = regexp.MustCompile(`\[([^\]\n]+)\](?:\([^)\n]*\)|\[[^\]\n]*\])`)
	mdStrong = regexp.MustCompile(`(\*\*|__)(\S(?:[^*_\n]*\S)?)(\*\*|__)`)
	mdEmph   = regexp.MustCompile(`(^|[\s(\["'])([*_])(\S(?:[^*_\n]*\S)?)([*_])($|[\s)\].,;:!?"'])`)
	mdTick   = regexp.MustCompile("`([^`\n]+)`")
	mdEscape = regexp.MustCompile(`\\([\\` + "`" + `*_{}\[\]()#+\-.!|<>~])`)
)

// inline takes the markup out of a line of Markdown.
func inline(s string) string {
	if !strings.ContainsAny(s, "*_`[\\") {
		return s
	}
	s = mdImage.ReplaceAllString(s, "$1")
	s = mdLink.ReplaceAllString(s, "$1")
	s = mdStrong.ReplaceAllString(s, "$2")
	s = mdEmph.ReplaceAllString(s, "$1$3$5")
	s = mdTick.ReplaceAllString(s, "$1")
	return mdEscape.ReplaceAllString(s, "$1")
}
