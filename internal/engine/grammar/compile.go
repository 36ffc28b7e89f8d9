package grammar

import "fmt"

// Bounds of one grammar.
const (
	maxNodes = 400_000
	maxEdges = 2_000_000
	maxRules = 20_000
	maxNest  = 200 // of rules in rules
)

// builder turns one Rule into automata.
type builder struct {
	c     *Compiler
	rules []*rule
	nodes int
	edges int

	counted []counted
	spent   int        // on automata
	suspect *jsonValue // the first schema that nothing satisfies
}

// main compiles r and all it calls.
func (b *builder) main(r Rule) (*rule, error) {
	d := &draft{}
	start, end := d.node(spaceNone), d.node(spaceNone)
	d.nodes[end].accept = true
	if err := b.inline(d, start, end, r, 0); err != nil {
		return nil, err
	}
	main := b.rule()
	if err := b.finish(main, d, start, 0, unlimited); err != nil {
		return nil, err
	}
	analyse(b.rules)
	switch {
	case main.need >= never && b.suspect != nil:
		return nil, b.suspect.invalid("nothing satisfies it")
	case main.need >= never:
		return nil, &InvalidError{Reason: "nothing satisfies it"}
	case main.need > maxDepth:
		return nil, &LimitError{What: "levels of nesting that are required", Limit: maxDepth}
	}
	if err := b.uncounted(); err != nil {
		return nil, err
	}
	for _, r := range b.rules {
		if r.idles() {
			return nil, &InvalidError{Reason: "a rule is repeated that may be empty"}
		}
	}
	measure(b.rules)
	if main.least > maxShortest {
		return nil, &LimitError{What: "bytes even in its shortest text", Limit: maxShortest}
	}
	return main, nil
}

// maxAutomata bounds the automata of one grammar, in bytes or about a tenth of the
// nanoseconds that they take to make.
const maxAutomata = 128 << 20

// charge counts the cost of an automaton.
func (b *builder) charge(cost int, at *jsonValue) error {
	if b.spent += cost; b.spent > maxAutomata {
		return &LimitError{What: "bytes of automata for strings and numbers", Limit: maxAutomata, Pointer: at.pointer()}
	}
	return nil
}

// rule registers a rule whose graph comes later.
func (b *builder) rule() *rule {
	r := &rule{masks: b.c.masks}
	b.rules = append(b.rules, r)
	return r
}

// finish gives r its graph.
func (b *builder) finish(r *rule, d *draft, start, lo, hi int32) error {
	b.nodes += len(d.nodes)
	for i := range d.nodes {
		b.edges += len(d.nodes[i].edges)
	}
	switch {
	case b.edges > maxEdges:
		return &LimitError{What: "transitions", Limit: maxEdges}
	case b.nodes > maxNodes:
		return &LimitError{What: "states", Limit: maxNodes}
	case len(b.rules) > maxRules:
		return &LimitError{What: "rules", Limit: maxRules}
	}
	d.finish(r, start, lo, hi)
	return nil
}

// inline adds to d the ways from from to to that r allows.
func (b *builder) inline(d *draft, from, to int32, r Rule, depth int) error {
	if depth > maxNest {
		return &LimitError{What: "levels of rules", Limit: maxNest}
	}
	if len(d.nodes) > maxNodes {
		return &LimitError{What: "states", Limit: maxNodes}
	}
	switch r.kind {
	case ruleLiteral:
		d.literal(from, to, r.text)
	case ruleToken:
		if r.id < 0 || int(r.id) >= b.c.vocab.size {
			return &InvalidError{Reason: fmt.Sprintf("token %d is not one of %d", r.id, b.c.vocab.size)}
		}
		d.link(from, edge{kind: edgeToken, token: r.id, to: to})
	case ruleSchema:
		values, err := b.schema(r.schema)
		if err != nil {
			return err
		}
		d.calls(from, to, values)
	case ruleValue:
		d.calls(from, to, b.c.json.values())
	case ruleObject:
		d.call(from, to, b.c.json.object)
	case ruleText, ruleTextWithout:
		return b.text(d, from, to, r)
	case ruleRepeat:
		return b.repeat(d, from, to, r, depth)
	case ruleChoice:
		if len(r.parts) == 0 {
			return &InvalidError{Reason: "a choice of nothing"}
		}
		for _, part := range r.parts {
			if err := b.inline(d, from, to, part, depth+1); err != nil {
				return err
			}
		}
	case ruleSeq:
		for i, part := range r.parts {
			next := to
			if i < len(r.parts)-1 {
				next = d.node(spaceNone)
			}
			if err := b.inline(d, from, next, part, depth+1); err != nil {
				return err
			}
			from = next
		}
		if len(r.parts) == 0 {
			d.empty(from, to)
		}
	}
	return nil
}

// calls leads from from to to by any of the rules.
func (d *draft) calls(from, to int32, rules []*rule) {
	for _, r := range rules {
		d.call(from, to, r)
	}
}

// text adds free text, a rule of its own.
func (b *builder) text(d *draft, from, to int32, r Rule) error {
	total := 0
	for _, m := range r.markers {
		if m == "" {
			return &InvalidError{Reason: "a marker of free text is empty"}
		}
		total += len(m)
	}
	if total > maxMarkers {
		return &LimitError{What: "bytes of markers", Limit: maxMarkers}
	}
	d.call(from, to, textTable(r.markers, r.kind == ruleText).rule(b.c.masks))
	return nil
}

// repeat adds a rule of its own, which counts.
func (b *builder) repeat(d *draft, from, to int32, r Rule, depth int) error {
	least, most := r.least, r.most
	if most < 0 {
		most = unlimited
	}
	if least < 0 || least > most {
		return &InvalidError{Reason: fmt.Sprintf("a repetition of %d to %d", r.least, r.most)}
	}
	if least > maxItems {
		return &LimitError{What: "repetitions that are required", Limit: maxItems}
	}
	if least == 0 {
		d.empty(from, to)
	}
	if most == 0 {
		return nil
	}
	body := &draft{mixed: true} // a separator may need more than the first body
	start, in, out := body.node(spaceNone), body.node(spaceNone), body.node(spaceNone)
	again, sep, end := body.node(spaceNone), body.node(spaceNone), body.node(spaceNone)
	body.nodes[end].accept = true
	e := body.empty(start, in)
	e.count, e.minHi = true, 1
	body.empty(out, end).maxLo = 0
	body.empty(out, sep).minHi = 1
	e = body.empty(again, in)
	e.count, e.minHi = true, 1
	if err := b.inline(body, in, out, r.parts[0], depth+1); err != nil {
		return err
	}
	if err := b.inline(body, sep, again, r.parts[1], depth+1); err != nil {
		return err
	}
	x := b.rule()
	d.call(from, to, x)
	return b.finish(x, body, start, int32(least), int32(min(most, unlimited)))
}

// idles reports whether a node can be reached from itself without reading.
func (r *rule) idles() bool {
	const open, done = 1, 2
	mark := make([]uint8, len(r.graph))
	type visit struct {
		node int32
		next int
	}
	for i := range r.graph {
		if mark[i] != 0 {
			continue
		}
		mark[i] = open
		stack := []visit{{node: int32(i)}}
		for len(stack) > 0 {
			v := &stack[len(stack)-1]
			edges := r.graph[v.node].edges
			if v.next == len(edges) {
				mark[v.node] = done
				stack = stack[:len(stack)-1]
				continue
			}
			e := &edges[v.next]
			v.next++
			if e.kind != edgeEmpty && (e.kind != edgeCall || !e.call.nullable) {
				continue
			}
			switch mark[e.to] {
			case open:
				return true
			case 0:
				mark[e.to] = open
				stack = append(stack, visit{node: e.to})
			}
		}
	}
	return false
}
