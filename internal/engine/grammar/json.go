package grammar

import "github.com/outcrop-ai/outcrop/internal/engine/grammar/automaton"

// jsonRules are the rules of any JSON, made once for a vocabulary: every grammar
// calls the same ones, so the masks of strings and numbers are worked out once.
type jsonRules struct {
	text, number, integer, boolean, null *rule
	object, array                        *rule
}

// maxDepth is the most rules that call each other: of JSON, the most objects and
// arrays within each other and one. A text that reaches it can only be closed.
const maxDepth = 96

func newJSONRules(store *maskStore) *jsonRules {
	text, _ := newQuoted(automaton.Any(), 0, unlimited)
	integer, _ := numberSpec{integer: true}.lexer()
	j := &jsonRules{
		text:    newStringRule(text, 0, unlimited, store),
		number:  anyNumber().rule(store),
		integer: integer.rule(store),
		boolean: wordTable([]string{"true", "false"}).rule(store),
		null:    wordTable([]string{"null"}).rule(store),
		object:  &rule{masks: store},
		array:   &rule{masks: store},
	}
	objectDraft([]member{{key: j.text, values: j.values()}}).finish(j.object, 0, 0, unlimited)
	arrayDraft(nil, j.values(), 0, unlimited).finish(j.array, 0, 0, unlimited)
	analyse([]*rule{j.object, j.array})
	measure([]*rule{j.object, j.array})
	return j
}

// values are the rules of which any JSON value is one.
func (j *jsonRules) values() []*rule {
	return []*rule{j.object, j.array, j.text, j.number, j.boolean, j.null}
}

// member is a property of an object, or a kind of property.
type member struct {
	name     string  // as JSON; "" where key says which names there may be
	key      *rule   // any number of members
	values   []*rule // the value is of one of them
	required bool
}

// objectDraft is the graph of an object whose members come in order: first those with
// a name, each once, then any number of those of the kinds.
func objectDraft(members []member) *draft {
	named := len(members)
	for named > 0 && members[named-1].name == "" {
		named--
	}
	return (&objectGraph{members: members[:named], kinds: members[named:]}).draft()
}

// objectGraph builds an object's graph. There are, for each place in the order of
// the named members: pick, where the next name is chosen; comma, before the name
// behind a comma; and done, behind a value.
type objectGraph struct {
	d              draft
	members, kinds []member
	pick, done     []int32
	limited        bool  // members are counted
	least          int32 // where they are: how many there must be
	end, closing   int32
}

func (o *objectGraph) draft() *draft {
	d, n := &o.d, len(o.members)
	d.mixed = true
	start, first := d.node(spaceNone), d.node(spaceLine)
	d.byte(start, first, '{')
	o.closing, o.end = d.node(spaceLine), d.node(spaceNone)
	d.nodes[o.end].accept = true
	d.byte(o.closing, o.end, '}')
	for range n + 1 {
		o.pick = append(o.pick, d.node(spaceNone))
		o.done = append(o.done, d.node(spaceNone))
	}
	d.empty(first, o.pick[0])
	if o.missing(0) == 0 && o.least == 0 {
		d.byte(first, o.end, '}')
	}
	o.others()
	if o.limited {
		for i := range o.members {
			o.counted(i)
		}
	} else {
		o.names()
	}
	for i := range n + 1 {
		if o.missing(i) == 0 {
			o.guard(d.empty(o.done[i], o.closing), 0)
		}
		if i < n || len(o.kinds) > 0 {
			comma := d.node(spaceLine)
			o.room(d.byte(o.done[i], comma, ','), max(1, o.missing(i)))
			d.empty(comma, o.pick[i])
		}
	}
	return d
}

// names draws the choice of the next name for each place: a tree of the names from
// that place up to the next required one, so that names which begin alike are read
// together. The tree of a place shares what it can with that of the next.
func (o *objectGraph) names() {
	d := &o.d
	tree := int32(-1)
	for i := len(o.members) - 1; i >= 0; i-- {
		m := &o.members[i]
		if m.required {
			tree = -1
		}
		tree = d.insert(tree, m.name+":", o.value(i))
		d.empty(o.pick[i], tree)
		if o.missing(i) == 0 && len(o.kinds) > 0 {
			d.empty(o.pick[i], o.pick[len(o.members)])
		}
	}
}

// value draws the value of member i and returns the node before it.
func (o *objectGraph) value(i int) int32 {
	colon := o.d.node(spaceOne)
	o.d.calls(colon, o.done[i+1], o.members[i].values)
	return colon
}

// insert returns the root of a tree that also leads to to by text. Nodes of the tree
// at root, if any (-1: none), are shared and never changed.
func (d *draft) insert(root int32, text string, to int32) int32 {
	if text == "" {
		return to
	}
	child := int32(-1)
	at := d.node(spaceNone)
	if root >= 0 {
		for _, e := range d.nodes[root].edges {
			if e.lo == text[0] {
				child = e.to
				continue
			}
			d.nodes[at].edges = append(d.nodes[at].edges, e)
		}
	}
	next := d.insert(child, text[1:], to)
	d.byte(at, next, text[0])
	return at
}

// missing counts the required members from place i on.
func (o *objectGraph) missing(i int) int32 {
	n := int32(0)
	for _, m := range o.members[i:] {
		if m.required {
			n++
		}
	}
	return n
}

// guard lets an edge through where no more than still members are needed.
func (o *objectGraph) guard(e *edge, still int32) {
	if o.limited {
		e.maxLo = still
	}
}

// room lets an edge through where n more members are allowed.
func (o *objectGraph) room(e *edge, n int32) {
	if o.limited {
		e.minHi = n
	}
}

// count makes an edge take one member, where after more must still fit.
func (o *objectGraph) count(e *edge, after int32) {
	if o.limited {
		e.count, e.minHi = true, 1+after
	}
}

// counted is the choice between member i and, unless it is required, a later one, in
// an object that counts its members.
func (o *objectGraph) counted(i int) {
	d, m := &o.d, &o.members[i]
	begin := d.node(spaceNone)
	o.count(d.empty(o.pick[i], begin), o.missing(i+1))
	d.literal(begin, o.value(i), m.name+":")
	if m.required || i+1 == len(o.members) && len(o.kinds) == 0 {
		return
	}
	skip := d.empty(o.pick[i], o.pick[i+1])
	if len(o.kinds) == 0 { // those that are left must be able to make up the least number
		skip.maxLo = int32(len(o.members) - i - 1) //nolint:gosec // bounded by maxNodes
	}
}

// others is the choice of a member that has no name of its own.
func (o *objectGraph) others() {
	d, last := &o.d, len(o.members)
	for _, k := range o.kinds {
		name, colon := d.node(spaceNone), d.node(spaceOne)
		o.count(d.call(o.pick[last], name, k.key), 0)
		d.byte(name, colon, ':')
		for _, v := range k.values {
			d.call(colon, o.done[last], v)
		}
	}
}

// arrayDraft is the graph of an array: prefix holds the values of the first items, item
// those of the others; least and most count all items.
func arrayDraft(prefix [][]*rule, item []*rule, least, most int32) *draft {
	d := &draft{}
	start, end := d.node(spaceNone), d.node(spaceNone)
	d.nodes[end].accept = true
	closing := d.node(spaceLine)
	d.byte(closing, end, ']')
	at := d.node(spaceLine) // where the next item is due
	d.byte(start, at, '[')
	if least <= 0 {
		d.byte(at, end, ']')
	}
	for i, values := range prefix {
		if int32(i) >= most {
			return d
		}
		done := d.node(spaceNone)
		for _, v := range values {
			d.call(at, done, v)
		}
		if int32(i+1) >= least {
			d.empty(done, closing)
		}
		at = d.node(spaceLine)
		d.byte(done, at, ',')
	}
	if len(item) == 0 || int(most) <= len(prefix) {
		return d
	}
	done := d.node(spaceNone)
	more := d.node(spaceLine)
	for _, v := range item {
		for _, from := range []int32{at, more} {
			e := d.call(from, done, v)
			e.count, e.minHi = true, 1
		}
	}
	d.byte(done, more, ',').minHi = 1
	d.empty(done, closing).maxLo = 0
	return d
}

// uniqueDraft is the graph of an array of some of the items, in their order.
func uniqueDraft(items []*rule, least int32) *draft {
	d := &draft{mixed: true}
	start, end := d.node(spaceNone), d.node(spaceNone)
	d.nodes[end].accept = true
	closing, first := d.node(spaceLine), d.node(spaceLine)
	d.byte(closing, end, ']')
	d.byte(start, first, '[')
	if least == 0 {
		d.byte(first, end, ']')
	}
	pick := d.node(spaceNone)
	d.empty(first, pick)
	for i, item := range items {
		done := d.node(spaceNone)
		e := d.call(pick, done, item)
		e.count, e.minHi = true, 1
		d.empty(done, closing).maxLo = 0
		if i+1 == len(items) {
			return d
		}
		next, comma := d.node(spaceNone), d.node(spaceLine)
		d.empty(pick, next).maxLo = int32(len(items) - i - 1) //nolint:gosec // at most maxUnique
		d.byte(done, comma, ',').minHi = 1
		d.empty(comma, next)
		pick = next
	}
	return d
}
