package reader

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/document"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// maxRead is how much text of a request is read, all sources together; what is
// beyond is named in the answer.
const maxRead = 16 << 20

// origin says what kind of place in a request a text stands in.
type origin uint8

const (
	fromDocument origin = iota
	fromSearch
	fromResult // of a tool
	fromGuard
	fromAsk // the material around the question, in the message that asks
	fromTurn
	fromSystem
)

// source is a text to answer from.
type source struct {
	origin origin
	title  string
	url    string // of a search result
	cite   bool
	index  int                // among the documents or the search results
	kind   llm.LocationKind   // how places in it are told
	text   string             // sentences are spans of it
	chunk  int                // of text, for chunk and search result locations
	doc    *document.Document // formats whose blocks are read one by one; then text is its Text
}

// sentence is a piece of a source that can be quoted.
type sentence struct {
	src     int
	span    text.Span // in the source's text
	show    string    // as quoted
	page    int       // for page locations
	passage int       // sentences of one paragraph have the same number
	item    int       // number of a list item from 1, or -1 for a bullet; zero: not an item
	heading bool
	terms   []string
	topic   []string // terms of the title and headings above it
}

// material is what a request holds to answer from.
type material struct {
	sources   []source
	sentences []sentence
	passages  int
	documents int
	searches  int
	unread    []string // names of media that cannot be read here
	size      int
	cut       bool // something was beyond maxRead
}

// gather reads the blocks of a request, but for the ask itself, which the caller adds.
func gather(ctx context.Context, req *llm.ChatRequest, ask *ask) (*material, error) {
	m := &material{}
	for i := range req.Messages {
		msg := &req.Messages[i]
		for _, b := range msg.Content {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := m.block(ctx, b, i == ask.message); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range ask.context {
		m.add(source{origin: fromAsk, text: c})
	}
	for _, b := range req.System {
		switch b := b.(type) {
		case *llm.Text:
			m.add(source{origin: fromSystem, text: b.Text})
		case *llm.Guard:
			m.add(source{origin: fromSystem, text: b.Text})
		}
	}
	m.split()
	return m, nil
}

func (m *material) block(ctx context.Context, b llm.Block, current bool) error {
	switch b := b.(type) {
	case *llm.Document:
		return m.document(ctx, b)
	case *llm.SearchResult:
		m.searchResult(b)
	case *llm.ToolResult:
		for _, c := range b.Content {
			switch c := c.(type) {
			case *llm.Text:
				m.add(source{origin: fromResult, text: c.Text})
			case *llm.JSON, *llm.ToolResult:
			default:
				if err := m.block(ctx, c, false); err != nil {
					return err
				}
			}
		}
	case *llm.Guard:
		if b.Image != nil {
			m.unread = append(m.unread, "a picture")
		} else if !current || !isQuery(b) {
			m.add(source{origin: fromGuard, text: b.Text})
		}
	case *llm.Text:
		if !current {
			m.add(source{origin: fromTurn, text: b.Text})
		}
	case *llm.Image:
		m.unread = append(m.unread, "a picture")
	case *llm.Video:
		m.unread = append(m.unread, "a video")
	case *llm.Audio:
		m.unread = append(m.unread, "a sound recording")
	}
	return nil
}

func isQuery(g *llm.Guard) bool {
	return !slices.Contains(g.Qualifiers, "grounding_source")
}

func (m *material) document(ctx context.Context, d *llm.Document) error {
	s := source{origin: fromDocument, title: d.Name, cite: d.Citations, index: m.documents, kind: llm.CharLocation}
	m.documents++
	switch {
	case len(d.Content) > 0:
		s.kind = llm.ChunkLocation
		for i := range d.Content {
			s.chunk, s.text = i, d.Content[i].Text
			m.add(s)
		}
	case d.Source.S3 != nil || d.Source.URL != "":
		return fault.Errorf(fault.NotImplemented, "The document %q is given by its location; it must be in the request for this model to read it.", d.Name)
	case d.Text != "":
		s.text = d.Text
		m.add(s)
	default:
		doc, err := document.Parse(ctx, d.Format, d.Source.Bytes)
		if err != nil {
			return err
		}
		s.text, s.doc = doc.Text(), doc
		if doc.Title != "" && s.title == "" {
			s.title = doc.Title
		}
		if strings.EqualFold(d.Format, "pdf") {
			s.kind = llm.PageLocation
		}
		if len(doc.Notices) > 0 {
			m.unread = append(m.unread, "a document with pages without text")
		}
		m.add(s)
	}
	return nil
}

func (m *material) searchResult(r *llm.SearchResult) {
	s := source{origin: fromSearch, title: r.Title, url: r.Source, cite: r.Citations, index: m.searches, kind: llm.SearchResultLocation}
	m.searches++
	for i, c := range r.Content {
		s.chunk, s.text = i, c
		m.add(s)
	}
}

// add takes a source within the bound on all of them.
func (m *material) add(s source) {
	if room := maxRead - m.size; len(s.text) > room {
		for room > 0 && !utf8.RuneStart(s.text[room]) {
			room--
		}
		s.text, s.doc, m.cut = s.text[:max(room, 0)], nil, true
		if s.kind == llm.PageLocation { // pages went with the blocks
			s.kind = llm.CharLocation
		}
	}
	if strings.TrimSpace(s.text) == "" {
		return
	}
	m.size += len(s.text)
	m.sources = append(m.sources, s)
}

// split cuts the sources into sentences.
func (m *material) split() {
	for i := range m.sources {
		s := &m.sources[i]
		c := &cutter{m: m, src: i, topic: text.Terms(s.title)}
		c.topics[0] = c.topic
		if s.doc != nil {
			c.document(s)
		} else {
			c.plain(s.text)
		}
		m.passages++
	}
}

// cutter makes sentences of one source.
type cutter struct {
	m      *material
	src    int
	topic  []string
	page   int         // of the open block
	topics [7][]string // terms of the title (0) and of the open heading of each level
}

// plain cuts text that may be Markdown or anything else.
func (c *cutter) plain(s string) {
	last := 0
	for _, p := range text.Sentences(s) {
		if strings.Contains(s[last:p.Start], "\n\n") || strings.Contains(s[last:p.Start], "\n#") {
			c.m.passages++
		}
		last = p.End
		line := p.Of(s)
		show, item, level := unmark(line)
		if show == "" {
			continue
		}
		if level > 0 {
			c.m.passages++
			c.heading(level, show)
		}
		c.add(sentence{span: p, show: show, item: item, heading: level > 0})
	}
}

// document cuts a parsed document: prose into sentences, a table into its rows.
func (c *cutter) document(s *source) {
	if s.text == s.doc.Text() && isSource(s.doc) {
		c.plain(s.text)
		return
	}
	at := 0
	for i := range s.doc.Blocks {
		b := &s.doc.Blocks[i]
		c.m.passages++
		c.page = b.Page
		if b.Kind == document.Table {
			at = c.table(b, at) + len("\n\n")
			continue
		}
		if b.Kind == document.Heading {
			c.heading(b.Level, b.Text)
		}
		for _, p := range text.Sentences(b.Text) {
			item := 0
			if b.Kind == document.Item {
				if item = b.Number; item == 0 {
					item = -1
				}
			}
			c.add(sentence{span: text.Span{Start: at + p.Start, End: at + p.End}, show: p.Of(b.Text), item: item, heading: b.Kind == document.Heading})
		}
		at += len(b.Text) + len("\n\n")
	}
}

// isSource reports whether a document's text is what the caller sent, so that it is
// cut as it stands.
func isSource(d *document.Document) bool { return d.Verbatim() }

// table makes a sentence of each row, "Name: Ann; Age: 3", and returns where the
// table ends.
func (c *cutter) table(b *document.Block, at int) int {
	for i, row := range b.Rows {
		length := len(row) - 1 // the tabs
		for _, cell := range row {
			length += len(cell)
		}
		if i > 0 || !b.Header {
			c.add(sentence{span: text.Span{Start: at, End: at + length}, show: showRow(b, row)})
		}
		at += length
		if i < len(b.Rows)-1 {
			at++
		}
	}
	return at
}

func showRow(b *document.Block, row []string) string {
	var parts []string
	for j, cell := range row {
		cell = strings.Join(strings.Fields(cell), " ")
		switch name := ""; {
		case cell == "":
		case b.Header && strings.TrimSpace(b.Rows[0][j]) != "":
			name = strings.Join(strings.Fields(b.Rows[0][j]), " ")
			parts = append(parts, name+": "+cell)
		default:
			parts = append(parts, cell)
		}
	}
	return strings.Join(parts, "; ")
}

func (c *cutter) heading(level int, s string) {
	level = min(max(level, 1), 6)
	clear(c.topics[level:])
	c.topics[level] = text.Terms(s)
	c.topic = nil
	for _, t := range c.topics {
		c.topic = append(c.topic, t...)
	}
}

func (c *cutter) add(s sentence) {
	s.src, s.passage, s.page = c.src, c.m.passages, c.page
	s.terms = text.Terms(s.show)
	s.topic = c.topic
	c.m.sentences = append(c.m.sentences, s)
}

// unmark takes the markup off a line: a heading's marks, a list item's bullet or
// number, emphasis.
func unmark(line string) (show string, item, level int) {
	show = strings.TrimSpace(line)
	for strings.HasPrefix(show, ">") {
		show = strings.TrimSpace(show[1:])
	}
	if n := len(show) - len(strings.TrimLeft(show, "#")); n > 0 && n <= 6 && len(show) > n && show[n] == ' ' {
		show, level = strings.TrimSpace(strings.Trim(show, "#")), n
	}
	for _, bullet := range []string{"- ", "* ", "+ ", "• ", "– "} {
		if rest, ok := strings.CutPrefix(show, bullet); ok {
			show, item = strings.TrimSpace(rest), -1
			break
		}
	}
	n := 0
	for n < len(show) && n < 3 && show[n] >= '0' && show[n] <= '9' {
		item = item*10 + int(show[n]-'0')
		n++
	}
	switch {
	case n > 0 && n+1 < len(show) && (show[n] == '.' || show[n] == ')') && show[n+1] == ' ':
		show = strings.TrimSpace(show[n+1:])
	case n > 0:
		item = 0
	}
	if strings.Trim(show, "-=*_|`: ") == "" {
		return "", 0, 0
	}
	if strings.Contains(show, "**") {
		show = strings.ReplaceAll(show, "**", "")
	}
	return show, item, level
}
