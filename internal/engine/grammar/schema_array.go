package grammar

import "fmt"

// arrayShape is what the leaves say of an array's items.
type arrayShape struct {
	prefixes [][]*jsonValue // by leaf
	items    []*jsonValue   // by leaf; nil: nothing is said
	said     bool           // some leaf speaks of the items behind the prefix
	closed   bool           // unevaluatedItems: false
	least    int32
	most     int32
	unique   *jsonValue
}

func (c *schemaCompiler) array(leaves []*jsonValue) (*arrayShape, error) {
	a := &arrayShape{most: unlimited}
	for _, v := range leaves {
		least, err := v.count("minItems", 0)
		if err != nil {
			return nil, err
		}
		most, err := v.count("maxItems", unlimited)
		if err != nil {
			return nil, err
		}
		a.least, a.most = max(a.least, least), min(a.most, most)
		if u := v.get("uniqueItems"); u != nil && u.truth {
			a.unique = u
		}
		if u := v.get("unevaluatedItems"); u != nil && !u.truth {
			a.closed = true
		}
		if err := a.takeItems(v); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// takeItems reads the keywords about items, the older ones too: a list as items is a
// prefix, and additionalItems is then about the rest.
func (a *arrayShape) takeItems(v *jsonValue) error {
	var prefix []*jsonValue
	if p := v.get("prefixItems"); p != nil {
		if p.kind != kindArray {
			return p.invalid("it must be a list of schemas")
		}
		prefix = p.items
	}
	items := v.get("items")
	if items != nil && items.kind == kindArray {
		prefix, items = items.items, v.get("additionalItems")
	}
	a.prefixes, a.items = append(a.prefixes, prefix), append(a.items, items)
	a.said = a.said || items != nil
	return nil
}

// maxItems bounds the least number of items.
const maxItems = 4096

// slot is what item i must satisfy.
func (a *arrayShape) slot(i int) []*jsonValue {
	var slot []*jsonValue
	for leaf, prefix := range a.prefixes {
		if i < len(prefix) {
			slot = append(slot, prefix[i])
		} else if a.items[leaf] != nil {
			slot = append(slot, a.items[leaf])
		}
	}
	return slot
}

// drawUnique gives r the graph of an array without repetition. Items cannot be compared
// with earlier ones, but where their values are listed, each can have its turn: they
// come in the order of the list.
func (c *schemaCompiler) drawUnique(r *rule, a *arrayShape, prefix int) error {
	values, err := c.listedValues(a.slot(0))
	if err != nil {
		return err
	}
	if prefix > 0 || values == nil || len(values) > maxUnique {
		return a.unique.unsupported("uniqueItems", fmt.Sprintf("it is for items of at most %d listed values, with enum", maxUnique))
	}
	if int(a.least) > len(values) || a.least > a.most {
		d := &draft{} // no such array
		return c.b.finish(r, d, d.node(spaceNone), 0, unlimited)
	}
	rules := make([]*rule, len(values))
	for i, v := range values {
		if rules[i], err = c.constant(v); err != nil {
			return err
		}
	}
	return c.b.finish(r, uniqueDraft(rules, a.least), 0, a.least, a.most)
}

// maxUnique is the most values of a list whose items are unique.
const maxUnique = 256

// listedValues returns the values that a slot lists, each once; nil where it does not.
func (c *schemaCompiler) listedValues(slot []*jsonValue) ([]*jsonValue, error) {
	disjuncts, err := c.slot(slot)
	if err != nil {
		return nil, err
	}
	var values []*jsonValue
	seen := map[string]bool{}
	for _, d := range disjuncts {
		s, err := c.merge(d.leaves)
		if err != nil || !s.listed {
			return nil, err
		}
		if s, err = c.exclude(s, d); err != nil {
			return nil, err
		}
		for _, v := range s.enum {
			if !seen[v.canonical()] {
				seen[v.canonical()] = true
				values = append(values, v)
			}
		}
	}
	return values, nil
}

// drawArray gives r the graph of an array.
func (c *schemaCompiler) drawArray(r *rule, s *shape) error {
	a, err := c.array(s.leaves)
	if err != nil {
		return err
	}
	prefix := 0
	for _, p := range a.prefixes {
		prefix = max(prefix, len(p))
	}
	if prefix > 0 && !a.said && (a.closed || int(a.least) <= prefix) || a.closed && !a.said {
		// Items that no keyword speaks of are left out, as are properties.
		a.most = min(a.most, int32(prefix))
	}
	if a.least > maxItems {
		return &LimitError{What: "items that an array needs", Limit: maxItems, Pointer: s.leaves[0].pointer()}
	}
	if a.unique != nil && a.most > 1 {
		return c.drawUnique(r, a, prefix)
	}
	var first [][]*rule
	for i := range min(prefix, int(a.most)) {
		rules, err := c.rules(a.slot(i))
		if err != nil {
			return err
		}
		first = append(first, rules)
	}
	var rest []*rule
	if int(a.most) > prefix {
		if rest, err = c.rules(a.slot(prefix)); err != nil {
			return err
		}
	}
	lo, hi := max(a.least-int32(len(first)), 0), a.most //nolint:gosec // bounded by the schema's size
	if hi != unlimited {
		hi -= int32(len(first)) //nolint:gosec // bounded by the schema's size
	}
	if a.least > a.most {
		d := &draft{} // no such array
		return c.b.finish(r, d, d.node(spaceNone), 0, unlimited)
	}
	return c.b.finish(r, arrayDraft(first, rest, a.least, a.most), 0, lo, hi)
}
