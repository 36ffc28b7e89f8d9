package document

import (
	"encoding/json"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// parseJSON makes a readable document of JSON: members as "name: value" items,
// nested by their depth, and a list of flat objects as a table. Lines of JSON are
// read too. Members keep their order.
func parseJSON(b *builder, s string) error {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var values []node
	for dec.More() {
		v, err := readNode(dec, 0)
		if err != nil {
			return fault.Errorf(fault.Invalid, "The json document could not be read: %v.", err)
		}
		values = append(values, v)
	}
	if len(values) == 1 {
		writeNode(b, values[0], "", 0)
		return nil
	}
	writeNode(b, node{list: values}, "", 0)
	return nil
}

// node is a JSON value that keeps the order of its members.
type node struct {
	text   string // of a scalar
	names  []string
	values []node // of an object, by names
	list   []node
	object bool
	scalar bool
}

func readNode(dec *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, errDepth
	}
	tok, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		n := node{object: tok == '{'}
		for dec.More() {
			if n.object {
				name, err := dec.Token()
				if err != nil {
					return node{}, err
				}
				text, _ := name.(string)
				n.names = append(n.names, text)
			}
			v, err := readNode(dec, depth+1)
			if err != nil {
				return node{}, err
			}
			if n.object {
				n.values = append(n.values, v)
			} else {
				n.list = append(n.list, v)
			}
		}
		_, err := dec.Token()
		return n, err
	case string:
		return node{scalar: true, text: tok}, nil
	case json.Number:
		return node{scalar: true, text: tok.String()}, nil
	case bool:
		if tok {
			return node{scalar: true, text: "true"}, nil
		}
		return node{scalar: true, text: "false"}, nil
	default:
		return node{scalar: true}, nil
	}
}

func writeNode(b *builder, n node, name string, depth int) {
	label := name
	if label != "" {
		label += ": "
	}
	switch {
	case b.err != nil:
	case n.scalar && name == "" && depth == 0:
		b.add(Block{Kind: Paragraph, Text: n.text})
	case n.scalar:
		if n.text != "" {
			b.add(Block{Kind: Item, Level: max(depth-1, 0), Text: label + n.text})
		}
	case n.object:
		if name != "" {
			b.add(Block{Kind: Item, Level: max(depth-1, 0), Text: name})
		}
		for i, v := range n.values {
			writeNode(b, v, n.names[i], depth+1)
		}
	default:
		writeList(b, n.list, name, depth)
	}
}

func writeList(b *builder, list []node, name string, depth int) {
	if texts, ok := scalars(list); ok {
		if name != "" {
			b.add(Block{Kind: Item, Level: max(depth-1, 0), Text: name + ": " + strings.Join(texts, ", ")})
			return
		}
		for _, t := range texts {
			b.add(Block{Kind: Item, Text: t})
		}
		return
	}
	if name != "" {
		b.add(Block{Kind: Item, Level: max(depth-1, 0), Text: name})
	}
	if rows, ok := records(list); ok {
		b.add(Block{Kind: Table, Rows: rows, Header: true})
		return
	}
	for _, v := range list {
		writeNode(b, v, "", depth+1)
	}
}

func scalars(list []node) ([]string, bool) {
	texts := make([]string, len(list))
	for i, v := range list {
		if !v.scalar {
			return nil, false
		}
		texts[i] = v.text
	}
	return texts, true
}

// records makes a table of objects that hold scalars and lists of scalars only.
func records(list []node) ([][]string, bool) {
	column := map[string]int{}
	rows := [][]string{nil}
	for _, v := range list {
		if !v.object || len(column) > 100 {
			return nil, false
		}
		row := make([]string, len(rows[0]))
		for i, cell := range v.values {
			text := cell.text
			if !cell.scalar {
				texts, ok := scalars(cell.list)
				if cell.object || !ok {
					return nil, false
				}
				text = strings.Join(texts, ", ")
			}
			at, ok := column[v.names[i]]
			if !ok {
				at = len(rows[0])
				column[v.names[i]] = at
				rows[0] = append(rows[0], v.names[i])
				row = append(row, "")
			}
			row[at] = text
		}
		rows = append(rows, row)
	}
	return rows, len(list) > 0
}
