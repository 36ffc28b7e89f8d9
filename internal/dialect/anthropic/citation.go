package anthropic

import "github.com/outcrop-ai/outcrop/internal/llm"

// Types of citations.
const (
	citeChar         = "char_location"
	citePage         = "page_location"
	citeBlock        = "content_block_location"
	citeSearchResult = "search_result_location"
	citeWeb          = "web_search_result_location"
)

// citation is a citation of any type. Which members are written depends on the
// type, and some are written though they are null or zero: hence the pointers.
type citation struct {
	Type      string `json:"type"`
	CitedText string `json:"cited_text"`

	DocumentIndex *int   `json:"document_index,omitempty"`
	DocumentTitle *title `json:"document_title,omitempty"`

	StartChar  *int `json:"start_char_index,omitempty"`
	EndChar    *int `json:"end_char_index,omitempty"`
	StartPage  *int `json:"start_page_number,omitempty"`
	EndPage    *int `json:"end_page_number,omitempty"`
	StartBlock *int `json:"start_block_index,omitempty"`
	EndBlock   *int `json:"end_block_index,omitempty"`

	SearchResultIndex *int    `json:"search_result_index,omitempty"`
	Source            *string `json:"source,omitempty"`
	Title             *title  `json:"title,omitempty"`
	URL               *string `json:"url,omitempty"`
	EncryptedIndex    *string `json:"encrypted_index,omitempty"`
}

// title is a string that is null, and not absent, when it is empty.
type title string

// MarshalJSON implements json.Marshaler.
func (t title) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return marshal(string(t))
}

// decode converts the citation. A type newer than this code keeps its text and has
// no location.
func (c *citation) decode() llm.Citation {
	out := llm.Citation{Title: string(value(c.DocumentTitle)), Source: value(c.Source)}
	if c.CitedText != "" {
		out.SourceContent = []string{c.CitedText}
	}
	if c.Title != nil {
		out.Title = string(*c.Title)
	}
	l := &out.Location
	switch c.Type {
	case citeChar:
		*l = llm.Location{Kind: llm.CharLocation, Index: value(c.DocumentIndex), Start: value(c.StartChar), End: value(c.EndChar)}
	case citePage:
		*l = llm.Location{Kind: llm.PageLocation, Index: value(c.DocumentIndex), Start: value(c.StartPage), End: value(c.EndPage)}
	case citeBlock:
		*l = llm.Location{Kind: llm.ChunkLocation, Index: value(c.DocumentIndex), Start: value(c.StartBlock), End: value(c.EndBlock)}
	case citeSearchResult:
		*l = llm.Location{Kind: llm.SearchResultLocation, Index: value(c.SearchResultIndex), Start: value(c.StartBlock), End: value(c.EndBlock)}
	case citeWeb:
		*l = llm.Location{Kind: llm.WebLocation, URL: value(c.URL)}
	}
	return out
}

// encodeCitation is the other way. Without a location a citation points to the
// start of what it cites: a document, or a search result when it names a source.
func encodeCitation(c *llm.Citation) citation {
	out := citation{}
	for _, text := range c.SourceContent {
		out.CitedText += text
	}
	l := c.Location
	switch l.Kind {
	case llm.PageLocation:
		out.Type, out.StartPage, out.EndPage = citePage, &l.Start, &l.End
	case llm.ChunkLocation:
		out.Type, out.StartBlock, out.EndBlock = citeBlock, &l.Start, &l.End
	case llm.SearchResultLocation:
		return searchCitation(out, c)
	case llm.WebLocation:
		out.Type, out.URL, out.Title, out.EncryptedIndex = citeWeb, &l.URL, (*title)(&c.Title), new(string)
		return out
	case llm.CharLocation, llm.NoLocation:
		if l.Kind == llm.NoLocation && c.Source != "" {
			return searchCitation(out, c)
		}
		out.Type, out.StartChar, out.EndChar = citeChar, &l.Start, &l.End
	}
	out.DocumentIndex, out.DocumentTitle = &l.Index, (*title)(&c.Title)
	return out
}

func searchCitation(out citation, c *llm.Citation) citation {
	l := c.Location
	out.Type, out.SearchResultIndex, out.StartBlock, out.EndBlock = citeSearchResult, &l.Index, &l.Start, &l.End
	out.Source, out.Title = &c.Source, (*title)(&c.Title)
	return out
}

// value returns what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
