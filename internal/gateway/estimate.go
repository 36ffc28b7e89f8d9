package gateway

import "github.com/outcrop-ai/outcrop/internal/llm"

// What is counted where an upstream says nothing. Byte-pair encodings make about
// one token of four ASCII letters and of one character of most other scripts, which
// takes three bytes; media are taken for large ones, since their bytes say little.
const (
	asciiPerToken  = 4
	otherPerToken  = 3
	messageTokens  = 4
	imageTokens    = 1600
	mediaTokens    = 3000
	bytesPerPDFTok = 20 // of formats that are mostly not text
)

// tally counts text by its bytes. The zero value is ready.
type tally struct {
	ascii, other int
	fixed        int // tokens that are known
}

func (t *tally) add(s string) {
	other := 0
	for i := range len(s) {
		other += int(s[i] >> 7)
	}
	t.other += other
	t.ascii += len(s) - other
}

// tokens returns the count, rounded up.
func (t *tally) tokens() int {
	return t.fixed + (t.ascii*otherPerToken+t.other*asciiPerToken+asciiPerToken*otherPerToken-1)/(asciiPerToken*otherPerToken)
}

// delta counts a piece of an answer.
func (t *tally) delta(d *llm.BlockDelta) {
	t.add(d.Text)
	t.add(d.ToolInput)
	t.add(d.Reasoning)
	t.blocks(d.ToolResult)
	if d.Image != nil {
		t.fixed += imageTokens
	}
}

// estimateInput counts the tokens of a request.
func estimateInput(req *llm.ChatRequest) int {
	var t tally
	if len(req.System) > 0 {
		t.fixed += messageTokens
		t.blocks(req.System)
	}
	for i := range req.Messages {
		t.fixed += messageTokens
		t.blocks(req.Messages[i].Content)
	}
	for i := range req.Tools {
		tool := &req.Tools[i]
		t.add(tool.Name)
		t.add(tool.Description)
		t.add(string(tool.InputSchema))
	}
	t.add(string(req.Output.Schema))
	return t.tokens()
}

// estimateTexts counts the tokens of an embedding request.
func estimateTexts(texts []string) int {
	n := 0
	for _, s := range texts {
		var t tally
		t.add(s)
		n += t.tokens()
	}
	return n
}

func (t *tally) blocks(blocks []llm.Block) {
	for _, b := range blocks {
		t.block(b)
	}
}

func (t *tally) block(b llm.Block) {
	switch b := b.(type) {
	case *llm.Text:
		t.add(b.Text)
	case *llm.Guard:
		t.add(b.Text)
		if b.Image != nil {
			t.fixed += imageTokens
		}
	case *llm.Image:
		t.fixed += imageTokens
	case *llm.Video, *llm.Audio:
		t.fixed += mediaTokens
	case *llm.Document:
		t.document(b)
	case *llm.ToolUse:
		t.add(b.Name)
		t.add(string(b.Input))
	case *llm.ToolResult:
		t.blocks(b.Content)
	case *llm.JSON:
		t.add(string(b.Value))
	case *llm.Reasoning:
		t.add(b.Text)
	case *llm.Citations:
		t.add(b.Text)
	case *llm.SearchResult:
		t.add(b.Title)
		for _, c := range b.Content {
			t.add(c)
		}
	}
}

func (t *tally) document(d *llm.Document) {
	t.add(d.Name)
	t.add(d.Context)
	t.add(d.Text)
	for i := range d.Content {
		t.add(d.Content[i].Text)
	}
	switch d.Format {
	case "pdf", "doc", "docx", "xls", "xlsx":
		t.fixed += len(d.Source.Bytes) / bytesPerPDFTok
	default:
		t.ascii += len(d.Source.Bytes)
	}
}
