package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/document"
	"github.com/outcrop-ai/outcrop/internal/engine/jinja"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// words are a text whose parts come from several blocks of the request.
type words []jinja.Segment

func (w words) value() jinja.Value { return jinja.Join(w...) }

// and appends more words, with sep between where both have some.
func (w words) and(sep string, more words) words {
	if len(more) == 0 {
		return w
	}
	if len(w) == 0 {
		return more
	}
	out := append(words(nil), w...)
	return append(append(out, jinja.Segment{Text: sep}), more...)
}

// own are words of Outcrop's own.
func own(format string, args ...any) words { return words{{Text: fmt.Sprintf(format, args...)}} }

// reader turns the blocks of a request into words. Each block gets a source of its own,
// counted in the order in which a prompt begins to depend on them: tools, system
// prompt, messages.
type reader struct {
	source    int32
	documents int     // so far
	searches  int     // so far
	points    []int32 // for each cache point, the last source before it
}

// next returns the words of one more block.
func (r *reader) next(text string) words {
	r.source++
	if text == "" {
		return nil
	}
	return words{{Text: text, Source: r.source}}
}

// point notes a cache point.
func (r *reader) point() { r.points = append(r.points, r.source) }

// onlyText is the refusal of what a model that reads text cannot take.
func onlyText(what string) error {
	return fault.Errorf(fault.Invalid, "This model reads text only: it cannot take %s.", what)
}

// system reads the system prompt.
func (r *reader) system(ctx context.Context, blocks []llm.Block) (words, error) {
	var out words
	for _, b := range blocks {
		w, err := r.block(ctx, b)
		if err != nil {
			return nil, err
		}
		out = out.and("\n\n", w)
	}
	return out, nil
}

// block reads a block that is not about tools or reasoning. No words: there is nothing
// in it to read.
func (r *reader) block(ctx context.Context, b llm.Block) (words, error) {
	switch b := b.(type) {
	case *llm.Text:
		return r.next(b.Text), nil
	case *llm.Guard:
		if b.Image != nil {
			return nil, onlyText("images")
		}
		return r.next(b.Text), nil
	case *llm.Citations:
		return r.next(b.Text), nil
	case *llm.Document:
		return r.document(ctx, b)
	case *llm.SearchResult:
		return r.searchResult(b), nil
	case *llm.CachePoint:
		r.point()
		return nil, nil
	case *llm.Image:
		return nil, onlyText("images")
	case *llm.Audio:
		return nil, onlyText("audio")
	case *llm.Video:
		return nil, onlyText("video")
	}
	return nil, fault.Errorf(fault.Invalid, "This model cannot take a content block of the kind %T.", b)
}

// json reads a JSON value, without the white space between its parts.
func (r *reader) json(value json.RawMessage) (words, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		return nil, fault.Errorf(fault.Invalid, "A JSON block does not hold valid JSON: %w", err)
	}
	return r.next(b.String()), nil
}

// document reads a document as text under its name.
func (r *reader) document(ctx context.Context, d *llm.Document) (words, error) {
	text, err := documentText(ctx, d)
	if err != nil {
		return nil, err
	}
	r.documents++
	attrs := attribute("index", fmt.Sprint(r.documents)) + attribute("name", d.Name) + attribute("context", d.Context)
	return r.next("<document" + attrs + ">\n" + strings.TrimSpace(text) + "\n</document>"), nil
}

func documentText(ctx context.Context, d *llm.Document) (string, error) {
	switch {
	case d.Source.S3 != nil:
		return "", fault.Errorf(fault.Invalid, "This model cannot read the document %q from S3: send its bytes.", d.Name)
	case d.Source.URL != "":
		return "", fault.Errorf(fault.Invalid, "This model cannot read the document %q from a URL: send its bytes.", d.Name)
	case d.Source.Bytes != nil:
		return parseDocument(ctx, d)
	case d.Content != nil:
		chunks := make([]string, len(d.Content))
		for i, c := range d.Content {
			chunks[i] = c.Text
		}
		return strings.Join(chunks, "\n\n"), nil
	}
	return d.Text, nil
}

// parseDocument returns a text format as it is written, any other as Markdown.
func parseDocument(ctx context.Context, d *llm.Document) (string, error) {
	switch d.Format {
	case "txt", "md", "csv":
		return document.Decode(d.Source.Bytes), nil
	}
	doc, err := document.Parse(ctx, d.Format, d.Source.Bytes)
	if err == nil {
		return doc.Markdown(), nil
	}
	switch kind := fault.KindOf(err); kind {
	case fault.Canceled, fault.Timeout:
		return "", fault.Wrap(kind, err, "The document could not be read in time.")
	case fault.Invalid, fault.NotImplemented:
		return "", fault.Errorf(fault.Invalid, "The document %q cannot be read: %w", d.Name, err)
	default:
		return "", err
	}
}

// searchResult reads a passage under its source's name.
func (r *reader) searchResult(s *llm.SearchResult) words {
	r.searches++
	attrs := attribute("index", fmt.Sprint(r.searches)) + attribute("source", s.Source) + attribute("title", s.Title)
	return r.next("<search_result" + attrs + ">\n" + strings.TrimSpace(strings.Join(s.Content, "\n\n")) + "\n</search_result>")
}

// attribute returns ` name="value"`; nothing for an empty value.
func attribute(name, value string) string {
	if value == "" {
		return ""
	}
	value = strings.NewReplacer(`"`, "'", "\n", " ", "\r", " ").Replace(value)
	return fmt.Sprintf(` %s="%s"`, name, value)
}

// result reads what a tool returned.
func (r *reader) result(ctx context.Context, t *llm.ToolResult) (words, error) {
	var out words
	for _, b := range t.Content {
		var w words
		var err error
		if j, ok := b.(*llm.JSON); ok {
			w, err = r.json(j.Value)
		} else {
			w, err = r.block(ctx, b)
		}
		if err != nil {
			return nil, err
		}
		out = out.and("\n", w)
	}
	if t.Error {
		out = append(own("Error: "), out...)
	}
	return out, nil
}
