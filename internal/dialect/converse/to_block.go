package converse

import (
	"encoding/json"

	gen "github.com/outcrop-ai/outcrop/internal/gen/bedrockruntime"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

func toContent(p path, in []llm.Block) ([]gen.ContentBlock, error) {
	out := make([]gen.ContentBlock, len(in))
	for i, b := range in {
		if err := toBlock(p, i, b, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func toBlock(p path, i int, in llm.Block, out *gen.ContentBlock) (err error) {
	switch b := in.(type) {
	case *llm.Text:
		out.Text = &b.Text
	case *llm.Image:
		out.Image, err = toImage(p.index(i).key("image"), b)
	case *llm.Document:
		out.Document, err = toDocument(p.index(i).key("document"), b)
	case *llm.Video:
		out.Video, err = toVideo(p.index(i).key("video"), b)
	case *llm.Audio:
		out.Audio, err = toAudio(p.index(i).key("audio"), b)
	case *llm.ToolUse:
		out.ToolUse = toToolUse(b)
	case *llm.ToolResult:
		if out.ToolResult, err = toToolResult(b); err != nil {
			err = under(p.index(i).key("toolResult"), err)
		}
	case *llm.Guard:
		out.GuardContent, err = toGuard(p.index(i).key("guardContent"), b)
	case *llm.CachePoint:
		out.CachePoint = cachePoint(b.TTL)
	case *llm.Reasoning:
		out.ReasoningContent = toReasoning(b)
	case *llm.Citations:
		out.CitationsContent = toCitations(b)
	case *llm.SearchResult:
		out.SearchResult = toSearchResult(b)
	case *llm.JSON:
		err = p.index(i).no("content in another provider's own form")
	default:
		err = p.index(i).missing()
	}
	return err
}

func toS3(in *llm.S3Location) *gen.S3Location {
	return &gen.S3Location{URI: in.URI, BucketOwner: in.BucketOwner}
}

func toImage(p path, in *llm.Image) (*gen.ImageBlock, error) {
	out := &gen.ImageBlock{Format: gen.ImageFormat(in.Format), Source: &gen.ImageSource{}}
	switch s := in.Source; {
	case s.URL != "":
		return nil, p.url()
	case s.S3 != nil:
		out.Source.S3Location = toS3(s.S3)
	case s.Bytes != nil:
		out.Source.Bytes = s.Bytes
	default:
		return nil, p.key("source").missing()
	}
	return out, nil
}

func toVideo(p path, in *llm.Video) (*gen.VideoBlock, error) {
	out := &gen.VideoBlock{Format: gen.VideoFormat(in.Format), Source: &gen.VideoSource{}}
	switch s := in.Source; {
	case s.URL != "":
		return nil, p.url()
	case s.S3 != nil:
		out.Source.S3Location = toS3(s.S3)
	case s.Bytes != nil:
		out.Source.Bytes = s.Bytes
	default:
		return nil, p.key("source").missing()
	}
	return out, nil
}

func toAudio(p path, in *llm.Audio) (*gen.AudioBlock, error) {
	out := &gen.AudioBlock{Format: gen.AudioFormat(in.Format), Source: &gen.AudioSource{}}
	switch s := in.Source; {
	case s.URL != "":
		return nil, p.url()
	case s.S3 != nil:
		out.Source.S3Location = toS3(s.S3)
	case s.Bytes != nil:
		out.Source.Bytes = s.Bytes
	default:
		return nil, p.key("source").missing()
	}
	return out, nil
}

func citationsConfig(on bool) *gen.CitationsConfig {
	if on {
		return &gen.CitationsConfig{Enabled: true}
	}
	return nil
}

func toDocument(p path, in *llm.Document) (*gen.DocumentBlock, error) {
	out := &gen.DocumentBlock{
		Format: gen.DocumentFormat(in.Format), Name: in.Name, Context: in.Context,
		Source: &gen.DocumentSource{}, Citations: citationsConfig(in.Citations),
	}
	switch s := in.Source; {
	case s.URL != "":
		return nil, p.url()
	case s.S3 != nil:
		out.Source.S3Location = toS3(s.S3)
	case s.Bytes != nil:
		out.Source.Bytes = s.Bytes
	case in.Content != nil:
		out.Source.Content = make([]gen.DocumentContentBlock, len(in.Content))
		for i := range in.Content {
			out.Source.Content[i].Text = &in.Content[i].Text
		}
	default:
		out.Source.Text = &in.Text
	}
	return out, nil
}

func toToolUse(in *llm.ToolUse) *gen.ToolUseBlock {
	out := &gen.ToolUseBlock{ToolUseID: in.ID, Name: in.Name, Input: in.Input}
	if len(out.Input) == 0 {
		out.Input = json.RawMessage("{}")
	}
	if in.Server {
		out.Type = serverToolUse
	}
	return out
}

func toToolResult(in *llm.ToolResult) (*gen.ToolResultBlock, error) {
	out := &gen.ToolResultBlock{
		ToolUseID: in.ToolUseID, Status: toStatus(in), Type: in.Type,
		Content: make([]gen.ToolResultContentBlock, len(in.Content)),
	}
	for i, b := range in.Content {
		if err := toResultBlock("content", i, b, &out.Content[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// toStatus says "success" only of a provider's own tool: some models refuse a status.
func toStatus(in *llm.ToolResult) gen.ToolResultStatus {
	switch {
	case in.Error:
		return gen.ToolResultStatusError
	case in.Type != "":
		return gen.ToolResultStatusSuccess
	default:
		return ""
	}
}

func toResultBlock(p path, i int, in llm.Block, out *gen.ToolResultContentBlock) (err error) {
	switch b := in.(type) {
	case *llm.Text:
		out.Text = &b.Text
	case *llm.JSON:
		out.JSON = b.Value
	case *llm.Image:
		out.Image, err = toImage(p.index(i).key("image"), b)
	case *llm.Document:
		out.Document, err = toDocument(p.index(i).key("document"), b)
	case *llm.Video:
		out.Video, err = toVideo(p.index(i).key("video"), b)
	case *llm.SearchResult:
		out.SearchResult = toSearchResult(b)
	default:
		err = p.index(i).no("this kind of content in a tool result")
	}
	return err
}

func toGuard(p path, in *llm.Guard) (*gen.GuardrailConverseContentBlock, error) {
	if in.Image != nil {
		if in.Image.Source.Bytes == nil {
			return nil, p.key("image.source").no("a source other than bytes")
		}
		return &gen.GuardrailConverseContentBlock{Image: &gen.GuardrailConverseImageBlock{
			Format: gen.GuardrailConverseImageFormat(in.Image.Format),
			Source: &gen.GuardrailConverseImageSource{Bytes: in.Image.Source.Bytes},
		}}, nil
	}
	out := &gen.GuardrailConverseTextBlock{Text: in.Text}
	for _, q := range in.Qualifiers {
		out.Qualifiers = append(out.Qualifiers, gen.GuardrailConverseContentQualifier(q))
	}
	return &gen.GuardrailConverseContentBlock{Text: out}, nil
}

func toReasoning(in *llm.Reasoning) *gen.ReasoningContentBlock {
	if in.Redacted != nil {
		return &gen.ReasoningContentBlock{RedactedContent: in.Redacted}
	}
	return &gen.ReasoningContentBlock{ReasoningText: &gen.ReasoningTextBlock{Text: in.Text, Signature: in.Signature}}
}

func toSearchResult(in *llm.SearchResult) *gen.SearchResultBlock {
	out := &gen.SearchResultBlock{
		Source: in.Source, Title: in.Title, Citations: citationsConfig(in.Citations),
		Content: make([]gen.SearchResultContentBlock, len(in.Content)),
	}
	for i, c := range in.Content {
		out.Content[i].Text = c
	}
	return out
}

func toCitations(in *llm.Citations) *gen.CitationsContentBlock {
	out := &gen.CitationsContentBlock{
		Content:   []gen.CitationGeneratedContent{{Text: &in.Text}},
		Citations: make([]gen.Citation, len(in.Citations)),
	}
	for i := range in.Citations {
		c := &in.Citations[i]
		out.Citations[i] = gen.Citation{Title: c.Title, Source: c.Source, Location: toLocation(c.Location)}
		for j := range c.SourceContent {
			out.Citations[i].SourceContent = append(out.Citations[i].SourceContent, gen.CitationSourceContent{Text: &c.SourceContent[j]})
		}
	}
	return out
}

func toLocation(l llm.Location) *gen.CitationLocation {
	switch l.Kind {
	case llm.CharLocation:
		return &gen.CitationLocation{DocumentChar: &gen.DocumentCharLocation{DocumentIndex: &l.Index, Start: &l.Start, End: &l.End}}
	case llm.PageLocation:
		return &gen.CitationLocation{DocumentPage: &gen.DocumentPageLocation{DocumentIndex: &l.Index, Start: &l.Start, End: &l.End}}
	case llm.ChunkLocation:
		return &gen.CitationLocation{DocumentChunk: &gen.DocumentChunkLocation{DocumentIndex: &l.Index, Start: &l.Start, End: &l.End}}
	case llm.SearchResultLocation:
		return &gen.CitationLocation{SearchResultLocation: &gen.SearchResultLocation{SearchResultIndex: &l.Index, Start: &l.Start, End: &l.End}}
	case llm.WebLocation:
		return &gen.CitationLocation{Web: &gen.WebLocation{URL: l.URL, Domain: l.Domain}}
	case llm.NoLocation:
		return nil
	default:
		return nil
	}
}
