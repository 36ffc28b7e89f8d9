package converse

import (
	"encoding/json"

	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

func fromContent(p path, in []gen.ContentBlock) ([]llm.Block, error) {
	out := make([]llm.Block, len(in))
	for i := range in {
		b, err := fromBlock(p, i, &in[i])
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

// fromBlock converts block i of the content at p. The path is put together only when
// something is wrong.
func fromBlock(p path, i int, in *gen.ContentBlock) (llm.Block, error) {
	switch {
	case in.Text != nil:
		return &llm.Text{Text: *in.Text}, nil
	case in.Image != nil:
		return fromImage(p.index(i).key("image"), in.Image)
	case in.Document != nil:
		return fromDocument(p.index(i).key("document"), in.Document)
	case in.Video != nil:
		return fromVideo(p.index(i).key("video"), in.Video)
	case in.Audio != nil:
		return fromAudio(p.index(i).key("audio"), in.Audio)
	case in.ToolUse != nil:
		return fromToolUse(in.ToolUse), nil
	case in.ToolResult != nil:
		b, err := fromToolResult(in.ToolResult)
		if err != nil {
			return nil, under(p.index(i).key("toolResult"), err)
		}
		return b, nil
	case in.GuardContent != nil:
		return fromGuard(p.index(i).key("guardContent"), in.GuardContent)
	case in.CachePoint != nil:
		return &llm.CachePoint{TTL: string(in.CachePoint.TTL)}, nil
	case in.ReasoningContent != nil:
		return fromReasoning(p.index(i).key("reasoningContent"), in.ReasoningContent)
	case in.CitationsContent != nil:
		return fromCitations(p.index(i).key("citationsContent"), in.CitationsContent)
	case in.SearchResult != nil:
		return fromSearchResult(in.SearchResult), nil
	case in.ToolAddition != nil:
		return nil, p.index(i).no("toolAddition")
	case in.ToolRemoval != nil:
		return nil, p.index(i).no("toolRemoval")
	default:
		return nil, p.index(i).missing()
	}
}

func fromS3(in *gen.S3Location) *llm.S3Location {
	return &llm.S3Location{URI: in.URI, BucketOwner: in.BucketOwner}
}

func fromImage(p path, in *gen.ImageBlock) (llm.Block, error) {
	if in.ErrorValue != nil {
		return nil, p.key("error").no("the error of a medium that a model could not make")
	}
	out := &llm.Image{Format: string(in.Format)}
	switch s := in.Source; {
	case s != nil && s.Bytes != nil:
		out.Source.Bytes = s.Bytes
	case s != nil && s.S3Location != nil:
		out.Source.S3 = fromS3(s.S3Location)
	default:
		return nil, p.key("source").missing()
	}
	return out, nil
}

func fromVideo(p path, in *gen.VideoBlock) (llm.Block, error) {
	out := &llm.Video{Format: string(in.Format)}
	switch s := in.Source; {
	case s != nil && s.Bytes != nil:
		out.Source.Bytes = s.Bytes
	case s != nil && s.S3Location != nil:
		out.Source.S3 = fromS3(s.S3Location)
	default:
		return nil, p.key("source").missing()
	}
	return out, nil
}

func fromAudio(p path, in *gen.AudioBlock) (llm.Block, error) {
	if in.ErrorValue != nil {
		return nil, p.key("error").no("the error of a medium that a model could not make")
	}
	out := &llm.Audio{Format: string(in.Format)}
	switch s := in.Source; {
	case s != nil && s.Bytes != nil:
		out.Source.Bytes = s.Bytes
	case s != nil && s.S3Location != nil:
		out.Source.S3 = fromS3(s.S3Location)
	default:
		return nil, p.key("source").missing()
	}
	return out, nil
}

func fromDocument(p path, in *gen.DocumentBlock) (llm.Block, error) {
	out := &llm.Document{
		Format: string(in.Format), Name: in.Name, Context: in.Context,
		Citations: in.Citations != nil && in.Citations.Enabled,
	}
	switch s := in.Source; {
	case s == nil:
		return nil, p.key("source").missing()
	case s.Bytes != nil:
		out.Source.Bytes = s.Bytes
	case s.S3Location != nil:
		out.Source.S3 = fromS3(s.S3Location)
	case s.Text != nil:
		out.Text = *s.Text
	case s.Content != nil:
		out.Content = make([]llm.Text, len(s.Content))
		for i, chunk := range s.Content {
			if chunk.Text == nil {
				return nil, p.key("source.content").index(i).missing()
			}
			out.Content[i].Text = *chunk.Text
		}
	default:
		return nil, p.key("source").missing()
	}
	return out, nil
}

func fromToolUse(in *gen.ToolUseBlock) *llm.ToolUse {
	out := &llm.ToolUse{ID: in.ToolUseID, Name: in.Name, Input: in.Input, Server: in.Type == serverToolUse}
	if len(out.Input) == 0 { // a caller must give it; a model's call without arguments may lack it
		out.Input = json.RawMessage("{}")
	}
	return out
}

func fromToolResult(in *gen.ToolResultBlock) (llm.Block, error) {
	out := &llm.ToolResult{ToolUseID: in.ToolUseID, Error: in.Status == gen.ToolResultStatusError, Type: in.Type}
	if len(in.Content) > 0 {
		out.Content = make([]llm.Block, len(in.Content))
	}
	for i := range in.Content {
		b, err := fromResultBlock("content", i, &in.Content[i])
		if err != nil {
			return nil, err
		}
		out.Content[i] = b
	}
	return out, nil
}

func fromResultBlock(p path, i int, in *gen.ToolResultContentBlock) (llm.Block, error) {
	switch {
	case in.Text != nil:
		return &llm.Text{Text: *in.Text}, nil
	case in.JSON != nil:
		return &llm.JSON{Value: in.JSON}, nil
	case in.Image != nil:
		return fromImage(p.index(i).key("image"), in.Image)
	case in.Document != nil:
		return fromDocument(p.index(i).key("document"), in.Document)
	case in.Video != nil:
		return fromVideo(p.index(i).key("video"), in.Video)
	case in.SearchResult != nil:
		return fromSearchResult(in.SearchResult), nil
	default:
		return nil, p.index(i).missing()
	}
}

func fromGuard(p path, in *gen.GuardrailConverseContentBlock) (*llm.Guard, error) {
	switch {
	case in.Text != nil:
		out := &llm.Guard{Text: in.Text.Text}
		for _, q := range in.Text.Qualifiers {
			out.Qualifiers = append(out.Qualifiers, string(q))
		}
		return out, nil
	case in.Image != nil:
		if in.Image.Source == nil || in.Image.Source.Bytes == nil {
			return nil, p.key("image.source").missing()
		}
		return &llm.Guard{Image: &llm.Image{
			Format: string(in.Image.Format), Source: llm.Source{Bytes: in.Image.Source.Bytes},
		}}, nil
	default:
		return nil, p.missing()
	}
}

func fromReasoning(p path, in *gen.ReasoningContentBlock) (llm.Block, error) {
	switch {
	case in.ReasoningText != nil:
		return &llm.Reasoning{Text: in.ReasoningText.Text, Signature: in.ReasoningText.Signature}, nil
	case in.RedactedContent != nil:
		return &llm.Reasoning{Redacted: in.RedactedContent}, nil
	default:
		return nil, p.missing()
	}
}

func fromSearchResult(in *gen.SearchResultBlock) *llm.SearchResult {
	out := &llm.SearchResult{Source: in.Source, Title: in.Title, Citations: in.Citations != nil && in.Citations.Enabled}
	for _, c := range in.Content {
		out.Content = append(out.Content, c.Text)
	}
	return out
}

func fromCitations(p path, in *gen.CitationsContentBlock) (llm.Block, error) {
	out := &llm.Citations{}
	for i, c := range in.Content {
		if c.Text == nil {
			return nil, p.key("content").index(i).missing()
		}
		out.Text += *c.Text
	}
	for i := range in.Citations {
		c, err := fromCitation(p.key("citations").index(i), &in.Citations[i])
		if err != nil {
			return nil, err
		}
		out.Citations = append(out.Citations, c)
	}
	return out, nil
}

func fromCitation(p path, in *gen.Citation) (llm.Citation, error) {
	out := llm.Citation{Title: in.Title, Source: in.Source}
	for i, c := range in.SourceContent {
		if c.Text == nil {
			return out, p.key("sourceContent").index(i).missing()
		}
		out.SourceContent = append(out.SourceContent, *c.Text)
	}
	if in.Location == nil {
		return out, nil
	}
	var ok bool
	if out.Location, ok = fromLocation(in.Location); !ok {
		return out, p.key("location").missing()
	}
	return out, nil
}

func fromLocation(in *gen.CitationLocation) (llm.Location, bool) {
	switch {
	case in.DocumentChar != nil:
		l := in.DocumentChar
		return location(llm.CharLocation, l.DocumentIndex, l.Start, l.End), true
	case in.DocumentPage != nil:
		l := in.DocumentPage
		return location(llm.PageLocation, l.DocumentIndex, l.Start, l.End), true
	case in.DocumentChunk != nil:
		l := in.DocumentChunk
		return location(llm.ChunkLocation, l.DocumentIndex, l.Start, l.End), true
	case in.SearchResultLocation != nil:
		l := in.SearchResultLocation
		return location(llm.SearchResultLocation, l.SearchResultIndex, l.Start, l.End), true
	case in.Web != nil:
		return llm.Location{Kind: llm.WebLocation, URL: in.Web.URL, Domain: in.Web.Domain}, true
	default:
		return llm.Location{}, false
	}
}

func location(kind llm.LocationKind, index, start, end *int) llm.Location {
	return llm.Location{Kind: kind, Index: value(index), Start: value(start), End: value(end)}
}
