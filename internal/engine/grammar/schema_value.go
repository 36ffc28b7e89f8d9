package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

const (
	maxSchema      = 2 << 20 // bytes of one schema
	maxSchemaDepth = 250     // of its JSON
)

// jsonValue is a value of a schema's text, with its place in it. Members keep the
// order of the text, which is the order of the properties that are generated.
type jsonValue struct {
	kind    jsonKind
	text    string // of a string; of a number as it is written
	truth   bool
	items   []*jsonValue
	members []jsonMember
	byName  map[string]*jsonValue

	canon string // see canonical

	id     int // numbers the values of a schema
	parent *jsonValue
	name   string // in parent: a member's name or an item's index
}

type jsonMember struct {
	name  string
	value *jsonValue
}

type jsonKind uint8

const (
	kindNull jsonKind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// get returns a member; nil: there is none.
func (v *jsonValue) get(name string) *jsonValue { return v.byName[name] }

// pointer is the JSON pointer of v.
func (v *jsonValue) pointer() string {
	var parts []string
	for ; v.parent != nil; v = v.parent {
		parts = append(parts, strings.NewReplacer("~", "~0", "/", "~1").Replace(v.name))
	}
	var b strings.Builder
	for _, part := range slices.Backward(parts) {
		b.WriteByte('/')
		b.WriteString(part)
	}
	return b.String()
}

func (v *jsonValue) invalid(reason string) error {
	return &InvalidError{Pointer: v.pointer(), Reason: reason}
}

// unsupported refuses v, which is the value of keyword.
func (v *jsonValue) unsupported(keyword, reason string) error {
	return &UnsupportedError{Keyword: keyword, Pointer: v.pointer(), Reason: reason}
}

// valueParser reads JSON into values.
type valueParser struct {
	d     *json.Decoder
	count int
}

// parseValue reads the text of a schema.
func parseValue(text []byte) (*jsonValue, error) {
	if len(text) > maxSchema {
		return nil, &LimitError{What: "bytes", Limit: maxSchema}
	}
	p := &valueParser{d: json.NewDecoder(bytes.NewReader(text))}
	p.d.UseNumber()
	v, err := p.value(nil, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := p.d.Token(); !errors.Is(err, io.EOF) {
		return nil, &InvalidError{Reason: "there is more than one JSON value"}
	}
	return v, nil
}

func (p *valueParser) token() (json.Token, error) {
	t, err := p.d.Token()
	if err != nil {
		return nil, &InvalidError{Reason: "it is no JSON: " + err.Error()}
	}
	return t, nil
}

func (p *valueParser) value(parent *jsonValue, name string, depth int) (*jsonValue, error) {
	if depth > maxSchemaDepth {
		return nil, &LimitError{What: "levels of nesting", Limit: maxSchemaDepth}
	}
	t, err := p.token()
	if err != nil {
		return nil, err
	}
	p.count++
	v := &jsonValue{id: p.count, parent: parent, name: name}
	switch t := t.(type) {
	case bool:
		v.kind, v.truth = kindBool, t
	case json.Number:
		v.kind, v.text = kindNumber, t.String()
	case string:
		v.kind, v.text = kindString, t
	case json.Delim:
		if t == '[' {
			return v, p.array(v, depth)
		}
		return v, p.object(v, depth)
	}
	return v, nil
}

func (p *valueParser) array(v *jsonValue, depth int) error {
	v.kind = kindArray
	for p.d.More() {
		item, err := p.value(v, strconv.Itoa(len(v.items)), depth+1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := p.token()
	return err
}

func (p *valueParser) object(v *jsonValue, depth int) error {
	v.kind = kindObject
	v.byName = map[string]*jsonValue{}
	for p.d.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return &InvalidError{Reason: "a member has no name"}
		}
		item, err := p.value(v, name, depth+1)
		if err != nil {
			return err
		}
		if _, twice := v.byName[name]; twice {
			return item.invalid("the name appears twice")
		}
		v.byName[name] = item
		v.members = append(v.members, jsonMember{name, item})
	}
	_, err := p.token()
	return err
}

// canonical is a text that equal values share and others do not.
func (v *jsonValue) canonical() string {
	if v.canon == "" {
		v.canon = v.makeCanonical()
	}
	return v.canon
}

func (v *jsonValue) makeCanonical() string {
	switch v.kind {
	case kindNumber:
		if d, ok := parseDecimal(v.text); ok {
			return d.String()
		}
		return v.text
	case kindArray:
		parts := make([]string, len(v.items))
		for i, item := range v.items {
			parts[i] = item.canonical()
		}
		return "[" + strings.Join(parts, ",") + "]"
	case kindObject:
		parts := make([]string, len(v.members))
		for i, m := range v.members {
			parts[i] = strconv.Quote(m.name) + ":" + m.value.canonical()
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case kindString:
		return strconv.Quote(v.text)
	default:
		return v.literal()
	}
}

func (v *jsonValue) equal(w *jsonValue) bool { return v.canonical() == w.canonical() }

// count reads a keyword's non-negative whole number, at most unlimited; absent is
// returned where there is none.
func (v *jsonValue) count(keyword string, absent int32) (int32, error) {
	n := v.get(keyword)
	if n == nil {
		return absent, nil
	}
	if n.kind != kindNumber {
		return 0, n.invalid("it must be a number")
	}
	d, ok := parseDecimal(n.text)
	if !ok || d.negative || d.frac != "" {
		return 0, n.invalid("it must be a whole number that is not negative")
	}
	if len(d.whole) > 9 {
		return unlimited, nil
	}
	c, err := strconv.ParseInt(d.whole, 10, 32)
	return int32(c), err
}
