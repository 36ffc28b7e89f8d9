package llm

import "encoding/json"

// Block is one piece of a message. It is one of Text, Image, Document, Video,
// Audio, ToolUse, ToolResult, Guard, CachePoint, Reasoning, Citations and
// SearchResult: a switch over these (by pointer) is complete.
type Block interface{ block() }

// Text is plain text.
type Text struct {
	Text string
}

// Source says where the bytes of a medium come from: exactly one field is set.
type Source struct {
	Bytes []byte
	S3    *S3Location
	URL   string // only from doors that allow it
}

// S3Location names an object.
type S3Location struct {
	URI         string
	BucketOwner string
}

// Image is a picture.
type Image struct {
	Format string // "png", "jpeg", "gif", "webp"
	Source Source
}

// Document is a file to be read. Exactly one of Source, Text and Content is set.
type Document struct {
	Format    string // "pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"; may be empty with Text
	Name      string
	Source    Source
	Text      string
	Content   []Text // chunks the caller cut
	Context   string // what the document is, for the model
	Citations bool   // cite it
}

// Video is a moving picture.
type Video struct {
	Format string
	Source Source
}

// Audio is sound.
type Audio struct {
	Format string
	Source Source
}

// ToolUse is the model's wish to call a tool.
type ToolUse struct {
	ID     string
	Name   string
	Input  json.RawMessage // a JSON value, normally an object; never nil in a whole block
	Server bool            // the provider runs it itself
}

// ToolResult is what a tool returned. Content holds Text, JSON, Image, Document,
// Video and SearchResult.
type ToolResult struct {
	ToolUseID string
	Content   []Block
	Error     bool   // the tool failed
	Type      string // of a provider's own tool; may be empty
}

// JSON is a JSON value inside a tool result. Anywhere else it is a block of a
// provider's own that the vocabulary has no word for, as written in the dialect of
// ChatRequest.Raw; who does not speak that dialect refuses it.
type JSON struct {
	Value json.RawMessage
}

// Guard marks the content a guardrail has to look at.
type Guard struct {
	Text       string
	Qualifiers []string // "grounding_source", "query", "guard_content"
	Image      *Image   // instead of Text
}

// CachePoint marks the end of a prefix worth caching.
type CachePoint struct {
	TTL string // "5m", "1h" or empty
}

// Reasoning is what the model thought. Redacted is encrypted by the provider and
// goes back to it unread; then Text and Signature are empty.
type Reasoning struct {
	Text      string
	Signature string
	Redacted  []byte
}

// Citations is text with its sources.
type Citations struct {
	Text      string
	Citations []Citation
}

// Citation leads from generated text to the passage that supports it.
type Citation struct {
	Title         string
	Source        string // where it was found, e.g. a search result's source
	SourceContent []string
	Location      Location
}

// LocationKind says what a Location counts.
type LocationKind string

// The kinds of location.
const (
	NoLocation           LocationKind = ""
	CharLocation         LocationKind = "char"  // characters [Start, End)
	PageLocation         LocationKind = "page"  // pages [Start, End), from 1
	ChunkLocation        LocationKind = "chunk" // the caller's chunks [Start, End)
	SearchResultLocation LocationKind = "search_result"
	WebLocation          LocationKind = "web"
)

// Location is a place inside a document or a list of search results. Index is
// the document's (or search result's) place among those of the request, from 0.
type Location struct {
	Kind       LocationKind
	Index      int
	Start, End int
	URL        string // WebLocation
	Domain     string // WebLocation
}

// SearchResult is a passage somebody found, to answer from and to cite.
type SearchResult struct {
	Source    string
	Title     string
	Content   []string
	Citations bool
}

func (*Text) block()         {}
func (*Image) block()        {}
func (*Document) block()     {}
func (*Video) block()        {}
func (*Audio) block()        {}
func (*ToolUse) block()      {}
func (*ToolResult) block()   {}
func (*JSON) block()         {}
func (*Guard) block()        {}
func (*CachePoint) block()   {}
func (*Reasoning) block()    {}
func (*Citations) block()    {}
func (*SearchResult) block() {}
