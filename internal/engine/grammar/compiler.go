package grammar

import "errors"

// Vocab is what the compiler needs of a tokenizer.
type Vocab interface {
	Size() int
	Piece(id int32) []byte // the bytes id adds to a running text; not changed here
	Control(id int32) bool // id is no text: only the rule Token allows it
	Ends() []int32         // the tokens that end generation
}

// Compiler compiles rules for one vocabulary. It is safe for concurrent use.
type Compiler struct{ vocab Vocab }

// NewCompiler returns a compiler for v.
func NewCompiler(v Vocab) *Compiler { return &Compiler{vocab: v} }

// Grammar is a compiled rule, safe for concurrent use.
type Grammar struct{ c *Compiler }

// Compile compiles r.
func (c *Compiler) Compile(Rule) (*Grammar, error) {
	return nil, errors.New("grammar: not built yet")
}

// Start returns the state before the first token.
func (g *Grammar) Start() *State { return &State{g: g} }

// State is how far a text has come in its grammar.
type State struct{ g *Grammar }

// Mask sets in bits the bit of every token that may come next and clears all others;
// bits has at least (vocabulary size + 63) / 64 words.
func (s *State) Mask([]uint64) error { return errors.New("grammar: not built yet") }

// Accept moves past one token.
func (s *State) Accept(int32) error { return errors.New("grammar: not built yet") }

// Done reports whether nothing but an end token may follow.
func (s *State) Done() bool { return false }

// Complete reports whether the text so far satisfies the rule.
func (s *State) Complete() bool { return false }

// Clone returns an independent copy of s, cheaply.
func (s *State) Clone() *State { c := *s; return &c }
