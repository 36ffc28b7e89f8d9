package grammar

import "sync"

// Vocab is what the compiler needs of a tokenizer. It is not changed and must not change.
type Vocab interface {
	Size() int
	Piece(id int32) []byte // the bytes id adds to a running text; not changed here
	Control(id int32) bool // id is no text: only the rule Token allows it
	Ends() []int32         // the tokens that end generation
}

// Compiler compiles rules for one vocabulary. It is safe for concurrent use.
type Compiler struct {
	vocab    *vocabulary
	machines sync.Pool
	json     *jsonRules
}

// NewCompiler returns a compiler for v. It reads the whole vocabulary.
func NewCompiler(v Vocab) *Compiler {
	c := &Compiler{vocab: newVocabulary(v)}
	c.json = newJSONRules()
	return c
}

func (c *Compiler) machine() *machine {
	if m, ok := c.machines.Get().(*machine); ok {
		return m
	}
	return &machine{}
}

func (c *Compiler) release(m *machine) {
	m.reset()
	c.machines.Put(m)
}

// Grammar is a compiled rule, safe for concurrent use.
type Grammar struct {
	c    *Compiler
	main *rule
}

// Compile compiles r. The error is an *UnsupportedError, an *InvalidError or a
// *LimitError.
func (c *Compiler) Compile(r Rule) (*Grammar, error) {
	b := &builder{c: c, store: newMaskStore()}
	main, err := b.main(r)
	if err != nil {
		return nil, err
	}
	return &Grammar{c: c, main: main}, nil
}

// Start returns the state before the first token.
func (g *Grammar) Start() *State {
	m := g.c.machine()
	defer g.c.release(m)
	m.keep, m.limit = true, maxDepth
	m.begin()
	m.add(pos{g.main, g.main.start, &frame{}})
	m.finish()
	s := &State{g: g, complete: m.exited}
	s.set = append(s.set, m.items...)
	return s
}
