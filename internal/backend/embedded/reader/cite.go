package reader

import (
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// citation leads from a quoted sentence to its place in the request; nil when its
// source does not ask to be cited.
func (m *material) citation(s *sentence) *llm.Citation {
	src := &m.sources[s.src]
	if !src.cite {
		return nil
	}
	c := &llm.Citation{
		Title: src.title, Source: src.url,
		SourceContent: []string{s.span.Of(src.text)},
		Location:      llm.Location{Kind: src.kind, Index: src.index},
	}
	switch src.kind {
	case llm.ChunkLocation, llm.SearchResultLocation:
		c.Location.Start, c.Location.End = src.chunk, src.chunk+1
	case llm.PageLocation:
		c.Location.Start, c.Location.End = s.page, s.page+1
	default:
		start := utf8.RuneCountInString(src.text[:s.span.Start])
		c.Location.Start = start
		c.Location.End = start + utf8.RuneCountInString(s.span.Of(src.text))
	}
	return c
}

// composer builds the blocks of an answer: plain text joined, cited text apart.
type composer struct {
	m      *material
	blocks []llm.Block
}

// say adds text that cites nothing.
func (c *composer) say(s string) {
	if s == "" {
		return
	}
	if n := len(c.blocks); n > 0 {
		if t, ok := c.blocks[n-1].(*llm.Text); ok {
			t.Text += s
			return
		}
	}
	c.blocks = append(c.blocks, &llm.Text{Text: s})
}

// quote adds a sentence as text, with its citation where its source wants one.
func (c *composer) quote(s *sentence, shown string) {
	cite := c.m.citation(s)
	if cite == nil {
		c.say(shown)
		return
	}
	c.blocks = append(c.blocks, &llm.Citations{Text: shown, Citations: []llm.Citation{*cite}})
}
