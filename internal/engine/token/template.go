package token

import (
	"encoding/json"
	"fmt"
)

// maxTemplate bounds the pieces of a template; BERT's has five.
const maxTemplate = 64

// template puts special tokens around a text or a pair.
type template []templatePiece

// templatePiece is a special token or the place of a text.
type templatePiece struct {
	id    int32
	text  int // 0: a special token; 1, 2: the first or second text
	typed int32
}

// special returns the number of special tokens.
func (t template) special() int {
	n := 0
	for _, p := range t {
		if p.text == 0 {
			n++
		}
	}
	return n
}

// around returns the texts in their template. Types stays nil while all are 0.
func (t template) around(first, second []int32) Encoding {
	var e Encoding
	e.IDs = make([]int32, 0, len(first)+len(second)+len(t))
	for _, p := range t {
		part := []int32{p.id}
		switch p.text {
		case 1:
			part = first
		case 2:
			part = second
		}
		if p.typed != 0 && e.Types == nil {
			e.Types = make([]int32, len(e.IDs), cap(e.IDs))
		}
		e.IDs = append(e.IDs, part...)
		for range part {
			if e.Types != nil {
				e.Types = append(e.Types, p.typed)
			}
		}
	}
	return e
}

// bertTemplates are [CLS] A [SEP] and [CLS] A [SEP] B [SEP].
func bertTemplates(cls, sep int32) (single, pair template) {
	single = template{{id: cls}, {text: 1}, {id: sep}}
	return single, append(single[:3:3], templatePiece{text: 2, typed: 1}, templatePiece{id: sep, typed: 1})
}

// postProcessor is that part of tokenizer.json.
type postProcessor struct {
	Type    string  `json:"type"`
	Single  rawList `json:"single"`
	Pair    rawList `json:"pair"`
	Special map[string]struct {
		IDs []int32 `json:"ids"`
	} `json:"special_tokens"`
	Cls json.RawMessage `json:"cls"` // BertProcessing: ["[CLS]", 101]
	Sep json.RawMessage `json:"sep"`
}

func (p *postProcessor) templates() (single, pair template, err error) {
	switch {
	case p == nil:
		return template{{text: 1}}, template{{text: 1}, {text: 2, typed: 1}}, nil
	case p.Type == "TemplateProcessing":
		if single, err = p.template(p.Single); err != nil {
			return nil, nil, err
		}
		pair, err = p.template(p.Pair)
		return single, pair, err
	case p.Type == "BertProcessing":
		cls, err := namedID(p.Cls)
		if err != nil {
			return nil, nil, fmt.Errorf("cls: %w", err)
		}
		sep, err := namedID(p.Sep)
		if err != nil {
			return nil, nil, fmt.Errorf("sep: %w", err)
		}
		single, pair = bertTemplates(cls, sep)
		return single, pair, nil
	}
	return nil, nil, fmt.Errorf("%.40q is not one that is implemented: TemplateProcessing and BertProcessing are", p.Type)
}

func (p *postProcessor) template(pieces rawList) (template, error) {
	if len(pieces) > maxTemplate {
		return nil, fmt.Errorf("a template of %d pieces", len(pieces))
	}
	var t template
	for _, raw := range pieces {
		var piece struct {
			SpecialToken *struct {
				ID     string `json:"id"`
				TypeID int32  `json:"type_id"`
			}
			Sequence *struct {
				ID     string `json:"id"`
				TypeID int32  `json:"type_id"`
			}
		}
		if err := json.Unmarshal(raw, &piece); err != nil {
			return nil, err
		}
		switch {
		case piece.Sequence != nil && (piece.Sequence.ID == "A" || piece.Sequence.ID == "B"):
			t = append(t, templatePiece{text: int(piece.Sequence.ID[0]-'A') + 1, typed: piece.Sequence.TypeID})
		case piece.SpecialToken != nil && len(p.Special[piece.SpecialToken.ID].IDs) > 0 && len(t) < maxTemplate:
			for _, id := range p.Special[piece.SpecialToken.ID].IDs {
				t = append(t, templatePiece{id: id, typed: piece.SpecialToken.TypeID})
			}
		default:
			return nil, fmt.Errorf("piece %.100s means nothing", raw)
		}
	}
	return t, nil
}

// namedID reads ["[CLS]", 101].
func namedID(raw json.RawMessage) (int32, error) {
	var parts []json.RawMessage
	var id int32
	if err := json.Unmarshal(raw, &parts); err != nil {
		return 0, err
	}
	if len(parts) != 2 {
		return 0, fmt.Errorf("%d parts", len(parts))
	}
	return id, json.Unmarshal(parts[1], &id)
}
