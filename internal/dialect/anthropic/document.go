package anthropic

import (
	"context"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/document"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// readDocuments returns the messages with documents that the API does not take (it
// takes PDF and text) read into text, as Bedrock does for Converse. Messages without
// such a document are shared, not copied.
func readDocuments(ctx context.Context, messages []llm.Message) ([]llm.Message, error) {
	var out []llm.Message
	for i, m := range messages {
		content, err := readBlocks(ctx, path("messages").index(i).key("content"), m.Content)
		if err != nil {
			return nil, err
		}
		if content == nil {
			continue
		}
		if out == nil {
			out = slices.Clone(messages)
		}
		out[i].Content = content
	}
	if out == nil {
		return messages, nil
	}
	return out, nil
}

// readBlocks returns a copy of blocks with documents read, or nil when there is
// nothing to read.
func readBlocks(ctx context.Context, p path, blocks []llm.Block) ([]llm.Block, error) {
	var out []llm.Block
	for i, b := range blocks {
		var read llm.Block
		switch b := b.(type) {
		case *llm.Document:
			if b.Source.Bytes == nil || b.Format == "pdf" {
				continue
			}
			text, err := documentText(ctx, b)
			if err != nil {
				return nil, unreadable(p.index(i), err)
			}
			doc := *b
			doc.Source, doc.Text = llm.Source{}, text
			read = &doc
		case *llm.ToolResult:
			content, err := readBlocks(ctx, p.index(i).key("content"), b.Content)
			if err != nil {
				return nil, err
			}
			if content == nil {
				continue
			}
			result := *b
			result.Content = content
			read = &result
		default:
			continue
		}
		if out == nil {
			out = slices.Clone(blocks)
		}
		out[i] = read
	}
	return out, nil
}

// unreadable is the error of a document that cannot be read, or that nobody waits for
// any more.
func unreadable(p path, err error) error {
	switch kind := fault.KindOf(err); kind {
	case fault.Canceled, fault.Timeout:
		return fault.Wrap(kind, err, "The document could not be read in time.")
	default:
		return p.errorf("%w", err)
	}
}

// documentText returns a text format as it is written, any other as Markdown.
func documentText(ctx context.Context, b *llm.Document) (string, error) {
	switch b.Format {
	case "txt", "md", "csv", "html":
		return document.Decode(b.Source.Bytes), nil
	}
	doc, err := document.Parse(ctx, b.Format, b.Source.Bytes)
	if err != nil {
		return "", err
	}
	return doc.Markdown(), nil
}
