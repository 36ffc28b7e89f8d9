// Package titan reads and writes the bodies of Amazon's Titan models in InvokeModel.
//
// Built are those of the text embedding models: Titan Embeddings G1 (v1) and Titan Text
// Embeddings V2; Outcrop's own embedding model takes V2's form. Other Titan models'
// bodies are not here yet.
//
// Bodies are checked as Bedrock does, against the schema of each model, and refused in
// its words: clients and their tests know them.
package titan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Limits of a text, as Bedrock documents them.
const (
	MaxCharacters = 50_000
	MaxTokens     = 8_192
)

// Form is what one model's body may hold.
type Form struct {
	options    bool  // dimensions, normalize and embeddingTypes
	dimensions []int // that may be asked for
}

// V1 is the form of amazon.titan-embed-text-v1 and its successor g1-text-02.
func V1() Form { return Form{} }

// V2 is the form of amazon.titan-embed-text-v2.
func V2() Form { return Form{options: true, dimensions: []int{256, 512, 1024}} }

// Own is the form of outcrop.embed-v1: V2's, with its own length, and V1's.
func Own() Form { return Form{options: true, dimensions: []int{256, 384, 512, 1024, 1536}} }

// Embedding is a request for the vector of a text.
type Embedding struct {
	Text       string
	Dimensions int  // zero: the model's own
	Normalize  bool // as the body says; true where it says nothing and could
	Float      bool // wants the vector as numbers
	Binary     bool // wants its signs, as zeros and ones

	byType bool // the answer has embeddingsByType
}

// DecodeEmbedding reads a body. Errors are Invalid faults.
func DecodeEmbedding(body []byte, form Form) (*Embedding, error) {
	fields, err := object(body)
	if err != nil {
		return nil, err
	}
	e := &Embedding{Normalize: form.options, Float: true, byType: form.options}
	text, given := fields["inputText"]
	if !given {
		return nil, malformed("#: required key [inputText] not found")
	}
	if err := e.readText(text); err != nil {
		return nil, err
	}
	for key, raw := range fields {
		switch {
		case key == "inputText":
			continue
		case form.options && key == "dimensions":
			err = e.readDimensions(raw, form.dimensions)
		case form.options && key == "normalize":
			err = typed(raw, &e.Normalize, key, "Boolean")
		case form.options && key == "embeddingTypes":
			err = e.readTypes(raw)
		default:
			err = malformed("#: extraneous key [" + clip(key) + "] is not permitted")
		}
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

// object reads the top level of a body.
func object(body []byte) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&fields); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, malformed("#: expected type: JSONObject, found: " + titled(wrong.Value))
		}
		return nil, unparsable()
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, unparsable()
	}
	if fields == nil {
		return nil, malformed("#: expected type: JSONObject, found: Null")
	}
	return fields, nil
}

func (e *Embedding) readText(raw json.RawMessage) error {
	if err := typed(raw, &e.Text, "inputText", "String"); err != nil {
		return err
	}
	n := 0 // characters as Java counts them, in UTF-16 units
	for _, r := range e.Text {
		n++
		if r > 0xffff {
			n++
		}
	}
	switch {
	case n == 0:
		return malformed("#/inputText: expected minLength: 1, actual: 0")
	case n > MaxCharacters:
		return fault.Errorf(fault.Invalid, "Malformed input request: #/inputText: expected maxLength: %d, actual: %d, please reformat your input and try again.", MaxCharacters, n)
	}
	return nil
}

func (e *Embedding) readDimensions(raw json.RawMessage, allowed []int) error {
	if err := typed(raw, &e.Dimensions, "dimensions", "Integer"); err != nil {
		return err
	}
	if !slices.Contains(allowed, e.Dimensions) {
		return fault.Errorf(fault.Invalid, "Malformed input request: #/dimensions: %d is not a valid enum value, please reformat your input and try again.", e.Dimensions)
	}
	return nil
}

func (e *Embedding) readTypes(raw json.RawMessage) error {
	var list []json.RawMessage
	if err := typed(raw, &list, "embeddingTypes", "JSONArray"); err != nil {
		return err
	}
	if len(list) == 0 {
		return malformed("#/embeddingTypes: expected minimum item count: 1, found: 0")
	}
	e.Float, e.Binary = false, false
	for _, raw := range list {
		switch string(raw) {
		case `"float"`:
			e.Float = true
		case `"binary"`:
			e.Binary = true
		default:
			return malformed("#/embeddingTypes/0: " + clip(strings.Trim(string(raw), `"`)) + " is not a valid enum value")
		}
	}
	return nil
}

// typed reads a member; null is no value of any type.
func typed(raw json.RawMessage, into any, key, want string) error {
	if string(raw) != "null" && json.Unmarshal(raw, into) == nil {
		return nil
	}
	return malformed("#/" + key + ": expected type: " + want + ", found: " + found(raw))
}

// found names the type of a JSON value as Bedrock's validator does.
func found(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "String"
	case '{':
		return "JSONObject"
	case '[':
		return "JSONArray"
	case 't', 'f':
		return "Boolean"
	case 'n':
		return "Null"
	}
	if bytes.ContainsAny(raw, ".eE") {
		return "BigDecimal"
	}
	return "Integer"
}

// titled turns encoding/json's word for a value into the validator's.
func titled(value string) string {
	switch word, _, _ := strings.Cut(value, " "); word {
	case "string":
		return "String"
	case "array":
		return "JSONArray"
	case "bool":
		return "Boolean"
	default:
		return "Integer"
	}
}

func malformed(what string) error {
	return fault.Errorf(fault.Invalid, "Malformed input request: %s, please reformat your input and try again.", what)
}

func unparsable() error {
	return fault.Errorf(fault.Invalid, "Malformed input request, please reformat your input and try again.")
}

// clip shortens what a client wrote for an error about it.
func clip(s string) string {
	const shown = 100
	if len(s) > shown {
		return strings.ToValidUTF8(s[:shown], "") + "…"
	}
	return s
}
