package fill

import (
	"encoding/json"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded/schema"
)

// Document fills a schema from a text that a structured answer is wanted for, and
// always returns a value that satisfies it: what the text does not give is null
// where that is allowed, else the plainest value of its type; optional members that
// the text does not give are left out.
func Document(about string, n *schema.Node, src Source) json.RawMessage {
	switch {
	case n.Type == schema.Object && len(n.Enum) == 0:
		// One document, one object: of several sets the first is the most complete.
		return Force(n, Arguments(about, n, src)[0].Args)
	case n.Type == schema.Array && n.Item(0).Type == schema.Object:
		return documents(about, n, src)
	}
	// A bare value: as the one member of an object.
	wrap := &schema.Node{Type: schema.Object, Props: []schema.Prop{{Name: "answer", Node: n, Required: true}}, MaxLength: -1, MaxItems: -1}
	var members map[string]json.RawMessage
	if json.Unmarshal(Force(wrap, Arguments(about, wrap, src)[0].Args), &members) != nil {
		return n.Empty()
	}
	if v, ok := members["answer"]; ok {
		return v
	}
	return n.Empty()
}

// documents fills an array of objects, one for each set found.
func documents(about string, n *schema.Node, src Source) json.RawMessage {
	var items []json.RawMessage
	for _, v := range Arguments(about, n.Item(0), src) {
		if v.Found > 0 && (n.MaxItems < 0 || len(items) < n.MaxItems) {
			items = append(items, Force(n.Item(0), v.Args))
		}
	}
	for len(items) < n.MinItems && len(items) < 1000 {
		items = append(items, n.Item(len(items)).Empty())
	}
	if items == nil {
		items = []json.RawMessage{}
	}
	out, err := json.Marshal(items)
	if err != nil || !n.Valid(out) {
		return n.Empty()
	}
	return out
}
