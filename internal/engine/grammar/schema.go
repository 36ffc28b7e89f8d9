package grammar

import "encoding/json"

func (b *builder) schema(text json.RawMessage) ([]*rule, error) {
	return b.c.json.values(), nil
}
