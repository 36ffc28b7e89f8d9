package chunk

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/document"
	"github.com/outcrop-ai/outcrop/internal/text"
)

// piece is what no strategy divides.
type piece struct {
	text   string
	gap    string // what stands between it and the piece before it
	tokens int
	path   []string // headings
	page   int
	block  int // of the document: pieces of one block belong together
	// heading: it says what follows; a chunk should not end with it.
	heading bool
	// head is repeated where a chunk begins with this piece: the head of its table.
	head       string
	headTokens int
}

// cutter divides a document into pieces.
type cutter struct {
	counter Counter
	limit   int // tokens of a piece
	pieces  []piece
	path    []string
	levels  []int // of path's headings
	inList  bool  // the block before was an item
}

// cut returns the pieces of a document, none of more than limit tokens.
func cut(ctx context.Context, d *document.Document, c Counter, limit int) ([]piece, error) {
	k := &cutter{counter: c, limit: limit}
	for i := range d.Blocks {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		k.block(i, &d.Blocks[i])
	}
	if len(k.pieces) > 0 {
		k.pieces[0].gap = ""
	}
	return k.pieces, nil
}

func (k *cutter) block(i int, b *document.Block) {
	if b.Kind == document.Heading {
		k.enter(b)
	}
	from := len(k.pieces)
	switch b.Kind {
	case document.Table:
		k.table(b)
	case document.Code:
		k.lines(b.Markdown())
	case document.Heading, document.Item:
		k.add(b.Markdown(), "\n\n")
	default:
		k.sentences(b.Text)
	}
	for n := from; n < len(k.pieces); n++ {
		p := &k.pieces[n]
		p.path, p.page, p.block, p.heading = k.path, b.Page, i, b.Kind == document.Heading
		if n == from {
			p.gap = "\n\n"
			if b.Kind == document.Item && k.inList {
				p.gap = "\n"
			}
		}
	}
	k.inList = b.Kind == document.Item
}

// enter makes a heading the last of the path.
func (k *cutter) enter(b *document.Block) {
	n := len(k.levels)
	for n > 0 && k.levels[n-1] >= b.Level {
		n--
	}
	k.levels = append(k.levels[:n], b.Level)
	k.path = append(slices.Clip(k.path[:n]), strings.Join(strings.Fields(b.Text), " ")) // pieces keep the old one
}

// add adds a piece, or several when it is too long for one.
func (k *cutter) add(s, gap string) {
	n := k.counter.CountTokens(s)
	if n <= k.limit {
		k.pieces = append(k.pieces, piece{text: s, gap: gap, tokens: n})
		return
	}
	for s != "" {
		part, rest := k.fitting(s, n)
		k.pieces = append(k.pieces, piece{text: part, gap: gap, tokens: min(k.counter.CountTokens(part), k.limit)})
		gap, s = " ", rest
		n = k.counter.CountTokens(s)
	}
}

// fitting divides s, of n tokens, so that its first part fits: after a word, if there is
// one to cut after.
func (k *cutter) fitting(s string, n int) (part, rest string) {
	if n <= k.limit {
		return s, ""
	}
	low, high := 0, len(s) // bytes: low fits, high does not
	for guess := max(len(s)/n*k.limit, 1); high-low > 1; guess = (low + high) / 2 {
		if k.counter.CountTokens(s[:guess]) <= k.limit {
			low = guess
		} else {
			high = guess
		}
	}
	end := low
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	if next, _ := utf8.DecodeRuneInString(s[end:]); !unicode.IsSpace(next) {
		if space := strings.LastIndexFunc(s[:end], unicode.IsSpace); space > 0 {
			end = space
		}
	}
	if end == 0 { // a rune of more tokens than the limit: it goes as it is
		_, end = utf8.DecodeRuneInString(s)
	}
	return strings.TrimRightFunc(s[:end], unicode.IsSpace), strings.TrimLeftFunc(s[end:], unicode.IsSpace)
}

func (k *cutter) sentences(s string) {
	for _, span := range text.Sentences(s) {
		k.add(span.Of(s), " ")
	}
}

// lines adds a text whose lines mean something, some of them at a time.
func (k *cutter) lines(s string) {
	if n := k.counter.CountTokens(s); n <= k.limit {
		k.pieces = append(k.pieces, piece{text: s, tokens: n})
		return
	}
	for line := range strings.Lines(s) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			k.add(line, "\n")
		}
	}
}

// table adds the rows of a table, each a piece that can begin with the table's head.
func (k *cutter) table(b *document.Block) {
	lines := strings.Split(b.Markdown(), "\n") // a row is a line, the second one is the rule
	const headLines = 2
	if len(lines) < headLines {
		k.lines(b.Markdown())
		return
	}
	head := lines[0] + "\n" + lines[1]
	tokens := k.counter.CountTokens(head)
	if tokens > k.limit/2 { // repeated, it would leave no room for rows
		k.lines(b.Markdown())
		return
	}
	k.pieces = append(k.pieces, piece{text: head, tokens: tokens})
	for _, row := range lines[headLines:] {
		from := len(k.pieces)
		k.add(row, "\n")
		if len(k.pieces) == from+1 && k.pieces[from].tokens+tokens <= k.limit {
			k.pieces[from].head, k.pieces[from].headTokens = head, tokens
		}
	}
}

// run is the pieces from and up to an index.
type run struct{ from, to int }

// pack puts as many pieces into each run as have limit tokens together. A run begins
// with the last pieces of the one before, as many as overlap tokens allow.
func pack(pieces []piece, limit, overlap int) []run {
	var runs []run
	for from := 0; from < len(pieces); {
		to, tokens := from, pieces[from].headTokens
		for to < len(pieces) && (to == from || tokens+pieces[to].tokens <= limit) {
			tokens += pieces[to].tokens
			to++
		}
		end := to
		for to < len(pieces) && end > from+1 && pieces[end-1].heading { // it belongs to what follows
			end--
		}
		runs = append(runs, run{from, end})
		if end == len(pieces) {
			break
		}
		fresh := end + 1 // what has to have room beside the overlap
		for fresh < len(pieces) && pieces[fresh-1].heading {
			fresh++
		}
		next, tail := end, 0
		for next > from+1 && tail+pieces[next-1].tokens <= overlap && fits(pieces[next-1:fresh], limit) {
			next--
			tail += pieces[next].tokens
		}
		from = next
	}
	return runs
}

// fits reports whether a run could hold all the pieces: an overlap that leaves no room
// for anything new would never end.
func fits(pieces []piece, limit int) bool {
	tokens := pieces[0].headTokens
	for i := range pieces {
		tokens += pieces[i].tokens
	}
	return tokens <= limit
}

// join makes a chunk of neighbouring pieces.
func join(pieces []piece, parent int) Chunk {
	first := &pieces[0]
	c := Chunk{Headings: first.path, Page: first.page, Parent: parent, Tokens: first.headTokens}
	var b strings.Builder
	if first.head != "" {
		b.WriteString(first.head)
		b.WriteByte('\n')
	}
	for i := range pieces {
		if i > 0 {
			b.WriteString(pieces[i].gap)
		}
		b.WriteString(pieces[i].text)
		c.Tokens += pieces[i].tokens
	}
	c.Text = b.String()
	return c
}
