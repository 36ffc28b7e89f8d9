package reader

import (
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/fill"
	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// maxFilled is how much text a schema is filled from.
const maxFilled = 48 << 10

// structured fills the schema that a request wants its answer in. It says nothing
// else, and its answer always satisfies the schema.
func structured(req *llm.ChatRequest, m *material, a *ask) []llm.Block {
	if req.Output.Schema == nil {
		return []llm.Block{&llm.Text{Text: plainObject(m, a)}}
	}
	n := schema.Parse(req.Output.Schema)
	src := fill.Source{Text: filledText(m, a), Earlier: a.earlier}
	return []llm.Block{&llm.Text{Text: string(fill.Document(req.Output.Name+" "+req.Output.Description, n, src))}}
}

// filledText is the text to take values from: the material, then the ask.
func filledText(m *material, a *ask) string {
	var sb strings.Builder
	for i := range m.sources {
		s := &m.sources[i]
		if s.origin == fromSystem || s.origin == fromTurn {
			continue
		}
		sb.WriteString(head(s.text, maxFilled))
		sb.WriteString("\n")
		if sb.Len() > maxFilled {
			break
		}
	}
	if sb.Len() == 0 && len(a.text) > maxFilled {
		return head(a.text, maxFilled)
	}
	if sb.Len() == 0 || len(a.text) < maxFilled && sb.Len() < len(a.text) {
		return a.text // the material is part of the ask
	}
	if len(a.question) < shortAsk*2 {
		sb.WriteString(a.question)
	}
	return sb.String()
}

// plainObject answers a wish for any JSON object with the answer in one member.
func plainObject(m *material, a *ask) string {
	var sb strings.Builder
	for _, b := range answer(m, a) {
		switch b := b.(type) {
		case *llm.Text:
			sb.WriteString(b.Text)
		case *llm.Citations:
			sb.WriteString(b.Text)
		}
	}
	out, err := json.Marshal(map[string]string{"answer": sb.String()})
	if err != nil { // no text fails
		return "{}"
	}
	return string(out)
}
