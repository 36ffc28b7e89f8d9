package grammar

import (
	"encoding/binary"
	"encoding/json"
)

// Rule says what text may be generated. Rules are values: they are built with the
// functions of this file, may be shared and are never changed. The zero Rule is
// the empty text.
type Rule struct {
	kind        ruleKind
	text        string
	id          int32
	schema      json.RawMessage
	parts       []Rule
	least, most int
	markers     []string
}

type ruleKind uint8

const (
	ruleSeq ruleKind = iota
	ruleLiteral
	ruleToken
	ruleSchema
	ruleValue
	ruleObject
	ruleChoice
	ruleRepeat
	ruleText
	ruleTextWithout
)

// Literal is exactly text, however the vocabulary cuts it.
func Literal(text string) Rule { return Rule{kind: ruleLiteral, text: text} }

// Token is the one token id: the only way to a control token such as one that opens a tool call.
func Token(id int32) Rule { return Rule{kind: ruleToken, id: id} }

// Schema is one JSON value that is valid against a JSON Schema; the package comment
// says which keywords are understood and what is done with the others.
func Schema(schema json.RawMessage) Rule { return Rule{kind: ruleSchema, schema: schema} }

// JSONValue is any JSON value.
func JSONValue() Rule { return Rule{kind: ruleValue} }

// JSONObject is any JSON object.
func JSONObject() Rule { return Rule{kind: ruleObject} }

// Seq is the rules one after another; Seq() is the empty text.
func Seq(rules ...Rule) Rule { return Rule{kind: ruleSeq, parts: rules} }

// Choice is one of the rules. A choice of nothing cannot be satisfied and does not compile.
func Choice(rules ...Rule) Rule { return Rule{kind: ruleChoice, parts: rules} }

// Optional is r or nothing.
func Optional(r Rule) Rule { return Choice(r, Seq()) }

// Repeat is r from least to most times, with separator (Seq() for none) between two
// of them; a negative most means any number. r and separator together must not be
// able to be empty.
func Repeat(r Rule, least, most int, separator Rule) Rule {
	return Rule{kind: ruleRepeat, parts: []Rule{r, separator}, least: least, most: most}
}

// Text is free text that ends with the first of the markers to appear, which is
// part of it. Without markers it is any text and may end everywhere. Control
// tokens are no text.
func Text(until ...string) Rule {
	if len(until) == 0 {
		return TextWithout()
	}
	return Rule{kind: ruleText, markers: until}
}

// TextWithout is free text, perhaps empty, in which none of the markers appears;
// what follows it may start everywhere. "Text, then perhaps a call" is
// Seq(TextWithout("<call>"), Optional(Seq(Literal("<call>"), …))).
func TextWithout(markers ...string) Rule {
	return Rule{kind: ruleTextWithout, markers: markers}
}

// appendKey appends bytes that are the same for the same rule and no other.
func (r *Rule) appendKey(dst []byte) []byte {
	text := func(s string) {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	dst = append(dst, byte(r.kind))
	text(r.text)
	text(string(r.schema))
	for _, n := range []int{int(r.id), r.least, r.most, len(r.parts), len(r.markers)} {
		dst = binary.AppendVarint(dst, int64(n))
	}
	for _, m := range r.markers {
		text(m)
	}
	for i := range r.parts {
		dst = r.parts[i].appendKey(dst)
	}
	return dst
}
